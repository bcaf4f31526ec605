//! Locked charts of somebody who has them in memory. What servers do is `tests/it/remotes`' affair.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;
use crate::helm::{Engine, HelmOptions, HelmProgram, LOCK_FILE, Program, ProgramError, ProgramRequest};
use crate::tree::MemTree;
use crate::unit::{RenderOptions, render_unit};
use crate::{RenderError, Rendered};

/// Archives by the digest that they are asked for.
struct Held(HashMap<Digest, Arc<[u8]>>);

impl RemoteCharts for Held {
    fn archive(&self, chart: &LockedChart) -> Result<Arc<[u8]>, FetchError> {
        let held = self.0.get(&chart.digest).cloned();
        held.ok_or_else(|| FetchError::Failed("the network is down".to_owned()))
    }
}

const WEB: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- { name: db, version: ^1, repository: 'https://h/c/' }\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: m }\n";

fn packed(entries: &[(&str, &str)]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut builder = tar::Builder::new(encoder);
    for (path, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn db(version: &str) -> Vec<u8> {
    let chart = format!("apiVersion: v2\nname: db\nversion: {version}\n");
    packed(&[("db/Chart.yaml", &chart), ("db/templates/m.yaml", MAP)])
}

fn lock(version: &str, digest: Digest) -> String {
    ChartLock::new([LockedChart {
        repository: "https://h/c".to_owned(),
        name: "db".to_owned(),
        version: version.to_owned(),
        url: Some(format!("https://h/c/db-{version}.tgz")),
        digest,
    }])
    .to_yaml()
}

/// Renders `web` with a lock, and somebody who gives `given` for what has the digest of `locked`.
fn render(version: &str, locked: &[u8], given: &[u8]) -> Result<Rendered, RenderError> {
    let digest = Digest::of(locked);
    let tree = MemTree::of(&[("web/Chart.yaml", WEB), (LOCK_FILE, &lock(version, digest))]);
    let charts = Charts::new(Arc::new(Held(HashMap::from([(digest, Arc::from(given))]))));
    let helm = HelmOptions { remote: Some(charts), ..HelmOptions::default() };
    let options = RenderOptions { helm, ..RenderOptions::default() };
    render_unit(&tree, &RepoPath::parse("web").unwrap(), &options)
}

#[test]
fn a_render_depends_on_the_lock_and_knows_where_its_objects_come_from() {
    let rendered = render("1.2.0", &db("1.2.0"), &db("1.2.0")).unwrap();
    let read: Vec<&str> = rendered.read.files.iter().map(RepoPath::as_str).collect();
    assert_eq!(read, [LOCK_FILE, "web/Chart.yaml"]);
    assert_eq!(rendered.objects[0].origin.file.as_str(), "h/c/db-1.2.0.tgz");
    // Without a lock the render depends on there being none.
    let tree = MemTree::of(&[("web/Chart.yaml", WEB)]);
    let files = Files::new(&tree, 1 << 20);
    let helm = HelmOptions::default();
    let elsewhere = Elsewhere { files: &files, charts: None, lock: &helm.lock };
    let need = ChartNeed::new(&Origin::new(&RepoPath::root(), 0), "https://h/c", "db", "^1");
    assert!(elsewhere.chosen(vec![need]).unwrap().is_empty());
    assert!(files.into_read_set().absent.contains(&helm.lock));
}

#[test]
fn what_is_given_is_looked_at_before_it_is_used() {
    let check = |version: &str, locked: &[u8], given: &[u8], expected: (Trouble, &str)| {
        let error = render(version, locked, given).unwrap_err();
        let told = error.to_string();
        assert_eq!(error.trouble(), expected.0, "{told}");
        assert!(told.contains(expected.1), "{told}");
    };
    let good = db("1.2.0");
    check(
        "1.2.0",
        &good,
        &db("1.2.1"),
        (Trouble::Refused, "web/Chart.yaml:5: the chart 'db' of https://h/c"),
    );
    check("1.2.0", &good, b"", (Trouble::Refused, "another archive than the one that is locked"));
    // The lock says so, but the archive is another version: its parent would not know how to turn it off.
    check("1.3.0", &good, &good, (Trouble::Failed, "is another chart, or another version of it"));
    check("2.0.0", &good, &good, (Trouble::Failed, "in other versions (2.0.0) than '^1'"));
    let other = packed(&[("db/Chart.yaml", "apiVersion: v2\nname: bus\nversion: 1.2.0\n")]);
    check("1.2.0", &other, &other, (Trouble::Failed, "is another chart"));
    let leads_out = packed(&[("db/../../x", "x")]);
    check(
        "1.2.0",
        &leads_out,
        &leads_out,
        (Trouble::Refused, "web/Chart.yaml:5: h/c/db-1.2.0.tgz: the entry 'db/../../x' leads out"),
    );
    let bomb = packed(&[("db/zeros", &"0".repeat(8 << 20))]);
    check("1.2.0", &bomb, &bomb, (Trouble::OverLimit, "times its own size"));
}

/// Notes which files it is given.
struct Noting(Arc<Mutex<Vec<String>>>);

impl HelmProgram for Noting {
    fn template(&self, request: &ProgramRequest) -> Result<String, ProgramError> {
        self.0.lock().unwrap().extend(request.files.iter().map(|(name, _)| name.clone()));
        Ok(String::new())
    }
}

#[test]
fn a_helm_binary_is_given_locked_charts_as_if_they_were_vendored() {
    let archive = db("1.2.0");
    let digest = Digest::of(&archive);
    let tree = MemTree::of(&[("web/Chart.yaml", WEB), (LOCK_FILE, &lock("1.2.0", digest))]);
    let given = Arc::default();
    let helm = HelmOptions {
        remote: Some(Charts::new(Arc::new(Held(HashMap::from([(digest, Arc::from(archive))]))))),
        engine: Engine::Cli,
        program: Some(Program::new(Noting(Arc::clone(&given)))),
        ..HelmOptions::default()
    };
    let options = RenderOptions { helm, ..RenderOptions::default() };
    render_unit(&tree, &RepoPath::parse("web").unwrap(), &options).unwrap();
    assert_eq!(*given.lock().unwrap(), ["Chart.yaml", "charts/db-1.2.0.tgz"]);
}

#[test]
fn what_cannot_be_fetched_is_tried_again_and_what_nobody_fetches_is_not() {
    let tree = MemTree::of(&[("web/Chart.yaml", WEB), (LOCK_FILE, &lock("1.0.0", Digest::of(b"")))]);
    let trouble = |remote: Option<Charts>| {
        let helm = HelmOptions { remote, ..HelmOptions::default() };
        let options = RenderOptions { helm, ..RenderOptions::default() };
        let error = render_unit(&tree, &RepoPath::parse("web").unwrap(), &options).unwrap_err();
        (error.trouble(), error.to_string())
    };
    let (trouble_of_network, told) = trouble(Some(Charts::new(Arc::new(Held(HashMap::new())))));
    assert_eq!(trouble_of_network, Trouble::Unreachable, "{told}");
    assert!(told.contains("the network is down"), "{told}");
    let (trouble_of_nobody, told) = trouble(None);
    assert_eq!(trouble_of_nobody, Trouble::Refused, "{told}");
    assert!(told.contains("--allow-remote h"), "{told}");
}
