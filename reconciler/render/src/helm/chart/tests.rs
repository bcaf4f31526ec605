//! Charts in memory, as directories and as archives.

use std::io::Write as _;

use super::*;
use crate::tree::MemTree;

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

fn load(tree: &MemTree) -> Result<Chart, String> {
    load_with(tree, ChartLimits::default())
}

fn load_with(tree: &MemTree, limits: ChartLimits) -> Result<Chart, String> {
    let files = Files::new(tree, 1 << 20);
    let helm = HelmOptions { chart: limits, ..HelmOptions::default() };
    let loading = Loading::new(&files, &helm, Limits::default());
    Chart::load(loading, &RepoPath::parse("web").unwrap()).map_err(|error| error.to_string())
}

/// A chart as `helm package` packs it.
fn packed(name: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{name}/{path}"), *bytes).unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&builder.into_inner().unwrap()).unwrap();
    encoder.finish().unwrap()
}

fn named(name: &str) -> Vec<u8> {
    CHART.replace("web", name).into_bytes()
}

fn names(files: &[ChartFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn files_are_sorted_into_templates_charts_and_the_rest() {
    let tree = MemTree::of(&[
        ("web/Chart.yaml", CHART),
        ("web/values.yaml", "a: 1\n---\nb: 2\n"),
        ("web/values.schema.json", "{}"),
        ("web/README.md", "x"),
        ("web/templates/a.yaml", "x"),
        ("web/templates/deep/_b.tpl", "x"),
        ("web/crds/c.yaml", "x"),
        ("web/charts/db/Chart.yaml", &CHART.replace("web", "db")),
        ("web/charts/db/templates/d.yaml", "x"),
        ("web/charts/db-1.0.0.tgz.prov", "x"),
        ("web/charts/_off/Chart.yaml", "x"),
    ]);
    let chart = load(&tree).unwrap();
    assert_eq!(names(&chart.templates), ["templates/a.yaml", "templates/deep/_b.tpl"]);
    assert_eq!(names(&chart.files), ["README.md", "charts/db-1.0.0.tgz.prov", "crds/c.yaml"]);
    assert_eq!(chart.defaults.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(chart.schema.is_some());
    let [db] = chart.dependencies.as_slice() else { unreachable!() };
    assert_eq!(db.at.to_string(), "web/charts/db/Chart.yaml:1");
    assert_eq!(db.templates[0].place(3).to_string(), "web/charts/db/templates/d.yaml:3");
}

#[test]
fn archives_are_charts_and_so_are_archives_inside_archives() {
    let inner = packed("leaf", &[("Chart.yaml", &named("leaf")), ("templates/x.yaml", b"x")]);
    let outer = packed("db", &[("Chart.yaml", &named("db")), ("charts/leaf-1.0.0.tgz", &inner)]);
    let tree = MemTree::of(&[("web/Chart.yaml", CHART)]).with("web/charts/db-1.0.0.tgz", &outer);
    let chart = load(&tree).unwrap();
    let leaf = &chart.dependencies[0].dependencies[0];
    assert_eq!(leaf.metadata.name, "leaf");
    assert_eq!(
        leaf.templates[0].place(7).to_string(),
        "web/charts/db-1.0.0.tgz",
        "lines are those of no file"
    );
    let alone = MemTree::new().with("web", &outer);
    assert_eq!(load(&alone).unwrap().metadata.name, "db");
}

#[test]
fn a_file_in_an_archive_is_named_with_the_archive() {
    let check = |files: &[(&str, &[u8])], expected: &str| {
        let chart: &[(&str, &[u8])] = &[("Chart.yaml", &named("x"))];
        let inner = packed("x", &[chart, files].concat());
        let tree = MemTree::of(&[("web/Chart.yaml", CHART)]).with("web/charts/x-1.tgz", &inner);
        assert_eq!(load(&tree).unwrap_err(), format!("web/charts/x-1.tgz: {expected}"));
        let outer = packed("y", &[("Chart.yaml", &named("y")), ("charts/x-1.tgz", &inner)]);
        let tree = MemTree::of(&[("web/Chart.yaml", CHART)]).with("web/charts/y-1.tgz", &outer);
        let expected = format!("web/charts/y-1.tgz: y/charts/x-1.tgz: {expected}");
        assert_eq!(load(&tree).unwrap_err(), expected);
    };
    check(
        &[("values.yaml", b"a: 1\nb: {[x]: y}\n")],
        "x/values.yaml:2:5: a key must be text, this one is a list; put it in quotes\n  | b: …",
    );
    check(&[("values.yaml", b"\n- a")], "x/values.yaml:2: values must be a map, they are a list");
    check(
        &[("Chart.yaml", b"name: x")],
        "x/Chart.yaml:1: chart.metadata.version is required; say it in Chart.yaml",
    );
    check(&[("Chart.yaml", b"version: 1\nname: [x]")], "x/Chart.yaml:2: name must be text, it is a list");
    check(
        &[("charts/README.md", b"x")],
        "x/charts/README.md: is no chart, but lies in charts/; move it away, or begin its name with '_' or '.'",
    );
    check(
        &[("charts/z/Chart.yaml", b"version: 1\nname: [x]")],
        "x/charts/z/Chart.yaml:2: name must be text, it is a list",
    );
}

#[test]
fn atk_20_archives_inside_archives_share_one_budget() {
    let noise: Vec<u8> = (0_u32..100_000).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let one = packed("a", &[("Chart.yaml", &named("a")), ("noise", &noise)]);
    let tree = MemTree::of(&[("web/Chart.yaml", CHART)]).with("web/charts/a.tgz", &one);
    let tree = tree.with("web/charts/b.tgz", &one).with("web/charts/c.tgz", &one);
    let limits = ChartLimits { bytes: 2 << 20, ..ChartLimits::default() };
    assert!(
        load_with(&tree, limits).unwrap_err().contains("web/charts/c.tgz: the chart holds more than 2097152")
    );
    assert!(load(&tree).is_ok());
}

#[test]
fn atk_20_charts_inside_each_other_without_end_are_refused() {
    let mut inner = packed("x", &[("Chart.yaml", &named("x"))]);
    for _ in 0..20 {
        inner = packed("x", &[("Chart.yaml", &named("x")), ("charts/x.tgz", &inner)]);
    }
    let tree = MemTree::of(&[("web/Chart.yaml", CHART)]).with("web/charts/x.tgz", &inner);
    assert!(load(&tree).unwrap_err().contains("more than 16 charts inside each other"));
}

#[test]
fn atk_2_links_are_followed_inside_the_repository_only() {
    let base =
        MemTree::of(&[("web/Chart.yaml", CHART), ("shared/values.yaml", "a: 1\n"), ("shared/t/a.yaml", "x")]);
    let tree = base.clone().with_symlink("web/values.yaml", "../shared/values.yaml");
    let chart = load(&tree.with_symlink("web/templates", "../shared/t")).unwrap();
    assert!(chart.defaults.contains_key("a"));
    assert_eq!(chart.templates[0].place(1).to_string(), "shared/t/a.yaml:1");
    let out = base.clone().with_symlink("web/x", "../../etc/passwd");
    assert!(load(&out).unwrap_err().contains("leads out of the repository"));
    let nowhere = base.clone().with_symlink("web/x", "missing");
    assert!(load(&nowhere).unwrap_err().contains("web/x: is a symlink to nothing"));
    let cycle = base.with_symlink("web/again", "../web");
    assert!(load(&cycle).unwrap_err().contains("a link to a directory above"));
}

#[test]
fn what_helmignore_names_is_not_there() {
    let tree = MemTree::of(&[
        ("web/.helmignore", "*.md\ndocs/\n"),
        ("web/Chart.yaml", CHART),
        ("web/README.md", "x"),
        ("web/docs/a", "x"),
        ("web/charts/db/Chart.yaml", CHART),
        ("web/charts/db/.helmignore", "*.txt\n"),
        ("web/charts/db/a.txt", "x"),
        ("web/charts/db/b.md", "x"),
    ]);
    let chart = load(&tree).unwrap();
    assert_eq!(names(&chart.files), [".helmignore"]);
    assert_eq!(names(&chart.dependencies[0].files), [".helmignore", "a.txt"]);
}

#[test]
fn charts_of_helm_2_keep_their_requirements_in_a_file() {
    let tree = MemTree::of(&[
        ("web/Chart.yaml", "name: web\nversion: 1.0.0\n"),
        ("web/requirements.yaml", "dependencies:\n- name: db\n  version: 1.x\n"),
        ("web/requirements.lock", "x: [\n"),
    ]);
    let chart = load(&tree).unwrap();
    assert_eq!(chart.metadata.api_version, "v1");
    assert_eq!(chart.metadata.dependencies.as_ref().unwrap()[0].name, "db");
    assert_eq!(names(&chart.files), ["requirements.lock", "requirements.yaml"]);
}

#[test]
fn requirements_are_read_over_the_dependencies_of_chart_yaml() {
    let chart = "name: web\nversion: 1.0.0\napiVersion: v1\ndependencies:\n- {name: a, version: 1.x, alias: x, tags: [t], condition: c}\n- {name: b, version: 2.x, repository: r}\n- {name: c, version: 3.x}\n";
    let requirements = "dependencies:\n- {name: d, tags: []}\n- {version: 4.x}\n";
    let tree = MemTree::of(&[("web/Chart.yaml", chart), ("web/requirements.yaml", requirements)]);
    let dependencies = load(&tree).unwrap().metadata.dependencies.unwrap();
    let told = |d: &Dependency| {
        format!("{} {} {} {} {} {:?} {}", d.name, d.version, d.repository, d.alias, d.condition, d.tags, d.at)
    };
    assert_eq!(
        dependencies.iter().map(told).collect::<Vec<_>>(),
        ["d 1.x  x c [] web/requirements.yaml:2", "b 4.x r   [] web/requirements.yaml:3"]
    );
}

#[test]
fn what_is_no_chart_is_said_with_its_place() {
    let check = |files: &[(&str, &str)], said: &str| {
        let message = load(&MemTree::of(files)).unwrap_err();
        assert!(message.contains(said), "{said}: {message}");
    };
    check(&[("web/values.yaml", "x: 1")], "web: Chart.yaml file is missing");
    check(
        &[("web/Chart.yaml", CHART), ("web/charts/README.md", "x")],
        "web/charts/README.md: is no chart, but lies in charts/; move it away, or begin its name with '_' or '.'",
    );
    check(
        &[("web/Chart.yaml", CHART), ("web/charts/db/x", "x")],
        "web/charts/db: Chart.yaml file is missing",
    );
    check(&[("web/Chart.yaml", CHART), ("web/charts/x.tgz", "x")], "web/charts/x.tgz: is no gzipped archive");
    check(
        &[("web/Chart.yaml", "apiVersion: v3\nname: web\nversion: 1.0.0")],
        "apiVersion v3 is still an experiment",
    );
    check(&[("web/Chart.yaml", "apiVersion: v9\nname: web\nversion: 1.0.0")], "unsupported chart version");
    check(&[("web/Chart.yaml", "a: [")], "web/Chart.yaml:");
    check(
        &[("web/Chart.yaml", CHART), ("web/values.yaml", "- a")],
        "web/values.yaml:1: values must be a map",
    );
    check(&[("other/x", "")], "web: there is no such file");
}
