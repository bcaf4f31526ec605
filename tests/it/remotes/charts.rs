//! Charts of repositories and registries: `gitstellar.lock` and `--allow-remote HOST` of `render`, `plan` and `up`, as a person calls them.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::ensure;
use libtest_mimic::Trial;

use super::depot::{Depot, packed};
use super::origin::Origin;
use super::person::{Person, fails, said};
use super::up::FLEET;
use crate::harness::{Outcome, same, trial, write_file};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "remotes::a_locked_dependency_prints_what_a_vendored_one_prints_and_is_fetched_once",
            dependency,
        ),
        trial("remotes::a_locked_chart_of_a_kustomization_prints_what_a_vendored_one_prints", kustomization),
        trial("remotes::a_unit_may_be_a_chart_of_a_repository_by_itself", by_itself),
        trial("remotes::a_chart_of_a_registry_comes_with_a_token_for_anybody_and_by_a_redirect", registry),
        trial("remotes::a_chart_that_is_not_locked_or_not_allowed_is_refused_without_a_connection", refused),
        trial(
            "remotes::an_archive_with_another_digest_is_refused_and_a_spoiled_file_is_fetched_anew",
            altered,
        ),
        trial("remotes::redirects_and_tokens_lead_to_allowed_hosts_by_https_only", elsewhere),
        trial("remotes::up_and_plan_place_a_locked_chart_once_it_can_be_fetched", placed),
    ]
}

/// A depot, a home, and a directory with units.
pub(super) struct Scene {
    directory: tempfile::TempDir,
    person: Person,
    pub(super) depot: Depot,
}

impl Scene {
    /// The depot has `db` 1.0.0 and 1.1.0 in its repository and in its registry.
    pub(super) fn set() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let depot = Depot::open(directory.path())?;
        let (old, new) = (packed("db", "1.0.0")?, packed("db", "1.1.0")?);
        depot.publish("db", &[("1.0.0", &old), ("1.1.0", &new)]);
        depot.push("db", "1.0.0", &old);
        depot.push("db", "1.1.0", &new);
        depot.put("/v2/team/charts/db/tags/list", r#"{"name":"x","tags":["1.0.0","1.1.0","latest"]}"#);
        let person = Person::trusting(&depot.server, directory.path())?;
        Ok(Self { directory, person, depot })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a chart `web` that depends on `db` of a repository.
    pub(super) fn needs(&self, repository: &str, range: &str) -> Outcome {
        let chart = format!(
            "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: db\n  version: '{range}'\n  repository: {repository}\n"
        );
        write_file(&self.path("fleet/apps/web/Chart.yaml"), &chart)?;
        write_file(&self.path("fleet/apps/web/values.yaml"), "db: { colour: red }\n")
    }

    pub(super) fn gitstellar(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.person.gitstellar(arguments)
    }

    pub(super) fn lock(&self) -> Outcome {
        let output = self.gitstellar(&["lock", "fleet"])?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }

    /// Renders a unit of the fleet.
    fn render(&self, unit: &str, hosts: &[&str]) -> anyhow::Result<Output> {
        let unit = format!("fleet/apps/{unit}");
        let mut arguments = vec!["render", &unit];
        hosts.iter().for_each(|host| arguments.extend(["--allow-remote", host]));
        // A fleet is a repository: its root is where the lock is.
        fs::create_dir_all(self.path("fleet/.git"))?;
        self.gitstellar(&arguments)
    }

    fn prints(&self, unit: &str, expected: &str) -> Outcome {
        let output = self.render(unit, &[&self.depot.host()])?;
        ensure!(output.status.success(), "{}", said(&output));
        same("the text", String::from_utf8_lossy(&output.stdout).as_ref(), expected)
    }

    /// What was kept in the home's cache.
    fn kept(&self) -> anyhow::Result<Vec<PathBuf>> {
        let directory = self.path("home/.cache/gitstellar/charts");
        Ok(fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
    }

    fn forget(&self) -> Outcome {
        Ok(fs::remove_dir_all(self.path("home/.cache"))?)
    }
}

const PRINTED: &str = "---\n# Source: web/charts/db/templates/map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-db\ndata:\n  version: \"1.1.0\"\n  colour: red\n";

fn dependency() -> Outcome {
    let scene = Scene::set()?;
    // A slash at the end makes no other repository.
    scene.needs(&format!("{}/", scene.depot.repository()), "^1")?;
    scene.lock()?;
    scene.prints("web", PRINTED)?;
    let connections = scene.depot.server.connections();
    scene.prints("web", PRINTED)?;
    ensure!(scene.depot.server.connections() == connections, "what is kept was asked for again");
    scene.forget()?;
    scene.prints("web", PRINTED)?;
    let asked: Vec<String> = scene.depot.server.seen().into_iter().map(|seen| seen.path).collect();
    same(
        "the questions",
        asked.join(" ").as_str(),
        "/charts/index.yaml /charts/db-1.1.0.tgz /charts/db-1.1.0.tgz",
    )?;
    let logins = scene.depot.server.seen().iter().filter(|seen| seen.authorization.is_some()).count();
    ensure!(logins == 0, "the server was shown a login");
    // The same chart, vendored.
    write_file(&scene.path("fleet/apps/web/charts/db-1.1.0.tgz"), packed("db", "1.1.0")?)?;
    fs::remove_file(scene.path("fleet/gitstellar.lock"))?;
    scene.prints("web", PRINTED)
}

fn kustomization() -> Outcome {
    let scene = Scene::set()?;
    let entry = "name: db, version: 1.0.0, releaseName: web, namespace: shop";
    let text = format!("namePrefix: a-\nhelmCharts: [{{{entry}, repo: '{}'}}]\n", scene.depot.repository());
    write_file(&scene.path("fleet/apps/k/kustomization.yaml"), &text)?;
    fails(&scene.render("k", &[&scene.depot.host()])?, &["kustomization.yaml:2", "gitstellar lock"])?;
    scene.lock()?;
    let expected = "apiVersion: v1\ndata:\n  colour: blue\n  version: 1.0.0\nkind: ConfigMap\nmetadata:\n  name: a-web-db\n";
    scene.prints("k", expected)?;
    fs::remove_file(scene.path("fleet/gitstellar.lock"))?;
    let vendored = scene.path("fleet/apps/k/charts/db-1.0.0");
    fs::create_dir_all(&vendored)?;
    tar::Archive::new(flate2::read::GzDecoder::new(packed("db", "1.0.0")?.as_slice())).unpack(&vendored)?;
    scene.prints("k", expected)
}

fn by_itself() -> Outcome {
    let scene = Scene::set()?;
    write_file(&scene.path("fleet/apps/web/red.yaml"), "colour: red\n")?;
    let settings = |repository: &str, version: &str| {
        format!(
            "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits:\n- path: apps/web\n  helm:\n    chart: {{ repository: '{repository}', name: db, version: '{version}' }}\n    valuesFiles: [red.yaml]\n"
        )
    };
    let file = scene.path("fleet/gitstellar.yaml");
    write_file(&file, settings(&scene.depot.repository(), "^1"))?;
    let host = scene.depot.host();
    fails(&scene.render("web", &[&host])?, &["gitstellar.yaml:1", "'db'", "run `gitstellar lock`"])?;
    scene.lock()?;
    scene.prints("web", &PRINTED.replace("web/charts/db/", "db/"))?;
    for (repository, name) in [("http://127.0.0.1/x", "db"), ("file:///x", "db"), (host.as_str(), "db")] {
        write_file(&file, settings(repository, "^1").replace("name: db", &format!("name: {name}")))?;
        fails(&scene.gitstellar(&["lock", "fleet"])?, &["a repository is https://HOST/PATH"])?;
    }
    write_file(&file, settings(&scene.depot.registry(), "^1").replace("name: db", "name: ../db"))?;
    fails(&scene.gitstellar(&["lock", "fleet"])?, &["the name of a chart is letters"])?;
    write_file(&file, settings(&scene.depot.repository(), "^1") + "    chart: {}\n")?;
    fails(&scene.render("web", &[&host])?, &["gitstellar.yaml"])
}

fn registry() -> Outcome {
    let scene = Scene::set()?;
    scene.depot.want_token(&scene.depot.server.url("token"));
    scene.needs(&scene.depot.registry(), "~1.1")?;
    scene.lock()?;
    let lock = fs::read_to_string(scene.path("fleet/gitstellar.lock"))?;
    ensure!(lock.contains("oci://") && lock.contains("version: 1.1.0") && !lock.contains("url:"), "{lock}");
    scene.forget()?;
    let before = scene.depot.server.seen().len();
    scene.prints("web", PRINTED)?;
    let asked: Vec<String> =
        scene.depot.server.seen().into_iter().skip(before).map(|seen| seen.path).collect();
    ensure!(asked.len() == 4 && asked[1] == "/token" && asked[3].starts_with("/store/"), "{asked:?}");
    let text = said(&scene.gitstellar(&["lock", "fleet", "--update"])?) + &lock;
    ensure!(!text.contains("anonymous-token") && !text.contains("s3cret"), "{text}");
    // A list of several pages goes on here, or nowhere.
    let (tags, first) = ("/v2/team/charts/db/tags/list", r#"{"tags":["1.0.0"]}"#);
    scene.depot.put_first(tags, first, "/v2/team/charts/db/tags/more?last=1.0.0");
    scene.depot.put("/v2/team/charts/db/tags/more", r#"{"tags":["1.1.0"]}"#);
    let output = scene.gitstellar(&["lock", "fleet", "--update"])?;
    ensure!(output.status.success(), "{}", said(&output));
    same("the lock", fs::read_to_string(scene.path("fleet/gitstellar.lock"))?, lock)?;
    scene.depot.put_first(tags, first, "https://127.0.0.2:1/v2/team/charts/db/tags/more");
    fails(&scene.gitstellar(&["lock", "fleet", "--update"])?, &["goes on at another host"])?;
    // An exact version needs no list of versions.
    scene.depot.put("/v2/team/charts/db/tags/list", "no list");
    scene.needs(&scene.depot.registry(), "1.0.0")?;
    scene.lock()?;
    scene.prints("web", &PRINTED.replace("1.1.0", "1.0.0"))
}

fn refused() -> Outcome {
    let scene = Scene::set()?;
    let (repository, host) = (scene.depot.repository(), scene.depot.host());
    scene.needs(&repository, "^1")?;
    let not_locked = scene.render("web", &[&host])?;
    fails(&not_locked, &["apps/web/Chart.yaml:5", "missing in charts/ directory: db", "gitstellar lock"])?;
    let digest = "0".repeat(64);
    let lock = |version: &str, more: &str| {
        format!(
            "apiVersion: gitstellar.io/v1alpha1\nkind: Lock\ncharts:\n- repository: {repository}\n  name: db\n  version: {version}\n  digest: sha256:{digest}\n  url: {repository}/db-{version}.tgz\n{more}"
        )
    };
    let file = scene.path("fleet/gitstellar.lock");
    write_file(&file, lock("1.1.0", ""))?;
    let flag = format!("--allow-remote {host}");
    fails(&scene.render("web", &[])?, &["apps/web/Chart.yaml:5", &flag])?;
    fails(&scene.render("web", &["example.com"])?, &["none of those that are allowed", &flag])?;
    write_file(&file, lock("2.0.0", ""))?;
    fails(&scene.render("web", &[&host])?, &["Chart.yaml:5", "2.0.0", "'^1'", "run `gitstellar lock`"])?;
    write_file(&file, lock("1.1.0", "  sha1: 0\n"))?;
    fails(&scene.render("web", &[&host])?, &["gitstellar.lock:9", "no field 'sha1'"])?;
    write_file(&file, lock("1.1.0", "").replace(&format!("url: {repository}"), "url: file:///etc"))?;
    fails(&scene.render("web", &[&host])?, &["gitstellar.lock:4", "url must be https"])?;
    ensure!(scene.depot.server.connections() == 0, "somebody was asked who was not to be asked");
    Ok(())
}

fn altered() -> Outcome {
    let scene = Scene::set()?;
    scene.needs(&scene.depot.repository(), "^1")?;
    scene.lock()?;
    let [kept] = scene.kept()?.try_into().map_err(|kept| anyhow::anyhow!("{kept:?}"))?;
    fs::write(&kept, "spoiled")?;
    scene.prints("web", PRINTED)?;
    ensure!(fs::read(&kept)? == packed("db", "1.1.0")?, "a spoiled file stays spoiled");
    // Somebody publishes another archive under the same version.
    scene.depot.put("/charts/db-1.1.0.tgz", packed("db", "1.0.0")?);
    scene.prints("web", PRINTED)?;
    scene.forget()?;
    let host = scene.depot.host();
    fails(&scene.render("web", &[&host])?, &["Chart.yaml:5", "another archive", "gitstellar lock --update"])?;
    ensure!(!scene.path("home/.cache/gitstellar/charts").exists(), "what is not locked was kept");
    let updated = scene.gitstellar(&["lock", "fleet", "--update=db"])?;
    fails(&updated, &["is another chart, or another version of it"])
}

fn elsewhere() -> Outcome {
    let scene = Scene::set()?;
    scene.needs(&scene.depot.repository(), "^1")?;
    scene.lock()?;
    scene.forget()?;
    let (host, connections) = (scene.depot.host(), scene.depot.server.connections());
    let away = [
        ("https://other.example.com/db.tgz", "--allow-remote other.example.com"),
        ("http://127.0.0.1:1/db.tgz", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://ann:hunter2@127.0.0.1/db.tgz", "no user name, password or token"),
    ];
    for (target, expected) in away {
        scene.depot.redirect("/charts/db-1.1.0.tgz", target);
        let output = scene.render("web", &[&host])?;
        fails(&output, &["Chart.yaml:5", expected])?;
        ensure!(!said(&output).contains("hunter2"), "{}", said(&output));
    }
    scene.depot.redirect("/charts/db-1.1.0.tgz", "/charts/db-1.1.0.tgz");
    fails(&scene.render("web", &[&host])?, &["redirects more than"])?;
    // Without a list of hosts, too, this machine is only for a tree that names it.
    let port = scene.depot.server.address().port();
    scene.depot.redirect("/charts/db-1.1.0.tgz", &format!("https://127.0.0.2:{port}/charts/db-1.0.0.tgz"));
    fails(&scene.gitstellar(&["lock", "fleet", "--update"])?, &["on this machine"])?;
    // A registry that sends callers elsewhere for their token.
    scene.depot.want_token("https://tokens.example.com/token");
    scene.needs(&scene.depot.registry(), "1.0.0")?;
    let archive = apimachinery::Digest::of(&packed("db", "1.0.0")?);
    write_file(
        &scene.path("fleet/gitstellar.lock"),
        format!(
            "apiVersion: gitstellar.io/v1alpha1\nkind: Lock\ncharts:\n- {{ repository: '{}', name: db, version: 1.0.0, digest: 'sha256:{archive}' }}\n",
            scene.depot.registry()
        ),
    )?;
    fails(&scene.render("web", &[&host])?, &["--allow-remote tokens.example.com"])?;
    ensure!(scene.depot.server.connections() > connections, "nobody was asked at all");
    Ok(())
}

fn placed() -> Outcome {
    let scene = Scene::set()?;
    let host = scene.depot.host();
    scene.needs(&scene.depot.repository(), "^1")?;
    scene.lock()?;
    let fleet = Origin::empty(&scene.path("fleets"), "fleet.git")?;
    for name in ["apps/web/Chart.yaml", "apps/web/values.yaml", "gitstellar.lock"] {
        write_file(&fleet.work_tree().join(name), fs::read(scene.path("fleet").join(name))?)?;
    }
    for (path, text) in FLEET {
        write_file(&fleet.work_tree().join(path), text)?;
    }
    fleet.publish("main", "A fleet")?;
    let repository = fleet.work_tree().display().to_string();
    let plan = |more: &[&str]| scene.person.plan(&repository, more);
    let refused = plan(&[])?;
    ensure!(refused.contains("unit-refused") && refused.contains("--allow-remote"), "{refused}");
    // The archive is not there yet.
    scene.forget()?;
    scene.depot.redirect("/charts/db-1.1.0.tgz", "/away");
    let unreachable = plan(&["--allow-remote", &host])?;
    ensure!(unreachable.contains("unit-fetch-failed"), "{unreachable}");
    let asked = scene.depot.server.connections();
    let mut up = scene.person.up(&repository, &host)?;
    up.until_it_says(&["cannot be used"], 0)?;
    ensure!(scene.depot.server.connections() > asked, "up says so without having asked");
    scene.depot.put("/away", packed("db", "1.1.0")?);
    up.until_it_says(&["Everything is in sync"], 0)?;
    let planned = plan(&["--allow-remote", &host])?;
    ensure!(planned.contains("\"web-db\"") && planned.contains("cluster1"), "{planned}");
    Ok(())
}
