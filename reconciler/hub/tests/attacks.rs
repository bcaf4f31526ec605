//! Repositories that want to take the hub down, or out of it: of the security catalogue, for each dialect.
//!
//! Every case is a unit `bad` beside a unit `good`. The bad one fails with the finding id that stands for its kind of trouble, says nothing of what files
//! hold, and the good one renders all the same. Templates and archives have more cases of their own in `render`, trees and remotes in `git`.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apimachinery::kinds::KindTable;
use apimachinery::{Clock, Timestamp};
use hub::declare::{Declared, GitTree, declare, limited};
use render::{LIMITS, MemTree, RemoteBases, RemoteCommit, RemoteError, Remotes, RenderOptions, Tree};

const OVER: &str = "unit-over-limit";
const REFUSED: &str = "unit-refused";
const FAILED: &str = "unit-failed";

/// What files outside of the unit hold; nobody may ever read it in a message.
const CANARY: &str = "c4n4ry-4ud1t";

const CHART: &str = "apiVersion: v2\nname: bad\nversion: 1.0.0\n";

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// A repository with the good unit, and the files of the bad one at `apps/bad`.
fn repository(bad: &[(&str, &str)]) -> MemTree {
    let base = MemTree::of(&[("apps/good/map.yaml", &map("good"))])
        .with("elsewhere/secret.yaml", format!("password: {CANARY}\n").as_bytes());
    bad.iter().fold(base, |tree, (path, text)| tree.with(&format!("apps/bad/{path}"), text.as_bytes()))
}

fn declared(tree: &dyn Tree, options: &RenderOptions) -> Declared {
    declare(tree, "", KindTable::built_in(), options).unwrap()
}

/// The id and the words of the bad unit's failure; none when it renders. The good unit always does.
fn outcome(tree: &dyn Tree, options: &RenderOptions) -> Option<(&'static str, String)> {
    let declaration = declared(tree, options).declaration;
    let unit = |name: &str| declaration.units.iter().find(|unit| unit.name.as_str() == name);
    let good = unit("good").unwrap();
    assert!(good.failure.is_none() && good.objects.len() == 1, "the good unit suffers: {:?}", good.failure);
    let failure = unit("bad").unwrap().failure.as_ref()?;
    assert!(!failure.message.contains(CANARY), "a message says what a file holds: {}", failure.message);
    assert!(plan::finding::catalogue::find(failure.id).is_some(), "{} is in no catalogue", failure.id);
    assert!(declaration.findings.iter().any(|finding| finding == failure));
    Some((failure.id, failure.message.clone()))
}

fn check(tree: &dyn Tree, options: &RenderOptions, expected: (&str, &str)) {
    let failure = outcome(tree, options);
    assert!(failure.is_some(), "it renders, and should fail with {expected:?}");
    let (id, message) = failure.unwrap();
    assert!(id == expected.0 && message.contains(expected.1), "expected {expected:?}, saw {id}: {message}");
}

/// The bad unit fails like this under the default limits.
fn fails(bad: &[(&str, &str)], expected: (&str, &str)) {
    check(&repository(bad), &limited(), expected);
}

fn kustomization(text: &str, expected: (&str, &str)) {
    fails(&[("kustomization.yaml", text), ("map.yaml", &map("m"))], expected);
}

fn template(text: &str, expected: (&str, &str)) {
    fails(&[("Chart.yaml", CHART), ("templates/a.yaml", text)], expected);
}

fn with_limit(limit: &str) -> RenderOptions {
    let mut options = limited();
    options.set_limit(limit).unwrap();
    options
}

#[test]
fn atk_01_values_files_outside_of_the_repository_are_refused_and_never_shown() {
    for (name, said) in [
        ("../../../etc/passwd", "valuesFiles"),
        ("/etc/passwd", "valuesFiles"),
        ("file:///etc/passwd", "is an address"),
        ("https://example.com/values.yaml", "is an address"),
    ] {
        let settings = format!(
            "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits:\n- {{path: apps/good}}\n- {{path: apps/bad, helm: {{valuesFiles: ['{name}']}}}}\n"
        );
        let tree = repository(&[("Chart.yaml", CHART)]).with("gitstellar.yaml", settings.as_bytes());
        check(&tree, &limited(), (REFUSED, said));
    }
    // One that is no map of values, but a secret.
    let settings = "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits:\n- {path: apps/good}\n- {path: apps/bad, helm: {valuesFiles: [text.yaml]}}\n";
    let tree = repository(&[("Chart.yaml", CHART), ("text.yaml", &format!("- {CANARY}\n"))]);
    check(&tree.with("gitstellar.yaml", settings.as_bytes()), &limited(), (FAILED, "text.yaml"));
}

#[test]
fn atk_02_links_lead_nowhere_outside_of_the_commit_in_any_dialect() {
    let plain = [("map.yaml", map("m"))];
    let kustomize = [("kustomization.yaml", "resources: [link.yaml]\n".to_owned())];
    let chart = [("Chart.yaml", CHART.to_owned()), ("templates/map.yaml", map("m"))];
    for (files, link) in
        [(&plain[..], "link.yaml"), (&kustomize[..], "link.yaml"), (&chart[..], "templates/link.yaml")]
    {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let tree = |targets: &[(&str, &str)]| {
            targets.iter().fold(repository(&files), |tree, (from, to)| {
                tree.with_symlink(&format!("apps/bad/{from}"), to)
            })
        };
        for out in ["/etc/passwd", "../../../../etc/passwd", "../../../../../elsewhere"] {
            check(&tree(&[(link, out)]), &limited(), (REFUSED, "leads out of the repository"));
            // The same through a link that stays inside.
            let chained = tree(&[(link, "hop.yaml"), ("hop.yaml", out), ("templates/hop.yaml", out)]);
            check(&chained, &limited(), (REFUSED, "leads out of the repository"));
        }
        check(&tree(&[(link, link.rsplit('/').next().unwrap())]), &limited(), (OVER, "more than 8 symlinks"));
        let hops: Vec<(String, String)> =
            (0..9).map(|at| (format!("h{at}"), format!("h{}", at + 1))).collect();
        let hops = hops.iter().fold(tree(&[(link, "/nowhere")]), |tree, (from, to)| {
            tree.with_symlink(&format!("apps/bad/templates/{from}"), to)
                .with_symlink(&format!("apps/bad/{from}"), to)
        });
        let first = hops.with_symlink(&format!("apps/bad/{link}"), "h0");
        check(&first, &limited(), (OVER, "more than 8 symlinks"));
        // An intermediate directory that is a link.
        let (dir, name) = ("apps/bad/dir", "dir/passwd");
        let through = tree(&[(link, if link.contains('/') { "../dir/passwd" } else { name })]);
        check(
            &through.with_symlink(dir, "../../../etc"),
            &limited(),
            (REFUSED, "leads out of the repository"),
        );
    }
}

#[test]
fn atk_03_kustomizations_name_nothing_outside_of_the_repository_or_of_their_directory() {
    for text in [
        "resources: [../../../x.yaml]\n",
        "resources: [/etc/passwd]\n",
        "components: [../../../x]\n",
        "configMapGenerator: [{name: a, files: [../../../etc/passwd]}]\n",
        "configMapGenerator: [{name: a, envs: [/etc/environment]}]\n",
        "secretGenerator: [{name: a, files: [k=../../../etc/passwd]}]\n",
        "resources: [map.yaml]\npatches: [{path: ../../../p.yaml}]\n",
        "resources: [map.yaml]\nreplacements: [{path: ../../../r.yaml}]\n",
        "resources: [map.yaml]\nconfigurations: [../../../c.yaml]\n",
        "resources: [map.yaml]\nopenapi: {path: ../../../o.json}\n",
        "resources: [map.yaml]\ncrds: [../../../o.json]\n",
        "generators: [../../../g.yaml]\n",
    ] {
        kustomization(text, (REFUSED, ""));
    }
    // Inside of the repository, outside of the unit: upstream's load restriction.
    kustomization(
        "configMapGenerator: [{name: a, files: [../../elsewhere/secret.yaml]}]\n",
        (REFUSED, "not in or below"),
    );
    kustomization("resources: [../../elsewhere/secret.yaml]\n", (REFUSED, "not in or below"));
}

#[test]
fn atk_04_remote_bases_are_refused_and_their_credentials_are_not_repeated() {
    let secret = "hunter2hunter2";
    for address in [
        format!("https://user:{secret}@example.com/a.yaml"),
        "https://github.com/org/repo//dir?ref=v1".to_owned(),
        "git::https://example.com/repo".to_owned(),
        "ssh://git@example.com/repo".to_owned(),
        "git@github.com:org/repo".to_owned(),
        "github.com/org/repo".to_owned(),
    ] {
        for field in ["resources", "components", "patchesStrategicMerge", "generators", "transformers"] {
            let files = [("kustomization.yaml", format!("{field}: ['{address}']\n"))];
            let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
            let (id, message) = outcome(&repository(&files), &limited()).unwrap();
            assert!(!message.contains(secret), "{field}: {message}");
            if matches!(field, "resources" | "components") {
                assert_eq!(id, REFUSED, "{field} {address}: {message}");
            }
        }
    }
}

const PROGRAMS: [&str; 3] = ["exec: {path: ./run}", "container: {image: evil}", "starlark: {path: f.star}"];

#[test]
fn atk_05_no_program_no_container_and_no_plugin_is_ever_started() {
    for program in PROGRAMS {
        let function = format!(
            "apiVersion: example.com/v1\nkind: Maker\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      {program}\n"
        );
        for field in ["generators", "transformers", "validators"] {
            let text = format!("resources: [map.yaml]\n{field}: [f.yaml]\n");
            let files =
                [("kustomization.yaml", text.as_str()), ("map.yaml", &map("m")), ("f.yaml", &function)];
            fails(&files, (REFUSED, "function"));
        }
    }
    // A legacy plugin, which upstream would look for in a directory of programs.
    let legacy =
        "apiVersion: someteam.example.com/v1\nkind: Runner\nmetadata: {name: x}\nargsOneLiner: rm -rf /\n";
    for field in ["generators", "transformers"] {
        let text = format!("resources: [map.yaml]\n{field}: [f.yaml]\n");
        let tree = repository(&[("kustomization.yaml", &text), ("map.yaml", &map("m")), ("f.yaml", legacy)]);
        assert!(outcome(&tree, &limited()).is_some(), "a plugin that nobody knows");
    }
    // Another helm than ours, where the operator configured none.
    let settings = "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits:\n- {path: apps/good}\n- {path: apps/bad, helm: {engine: cli}}\n";
    let tree = repository(&[("Chart.yaml", CHART)]).with("gitstellar.yaml", settings.as_bytes());
    check(&tree, &limited(), (REFUSED, "no helm binary is configured"));
}

#[test]
fn atk_06_templates_reach_neither_environment_nor_files_elsewhere() {
    template("a: {{ env \"HOME\" }}\n", (FAILED, "no access to the environment"));
    template("a: {{ tpl \"{{ expandenv \\\"$HOME\\\" }}\" . }}\n", (FAILED, "no access to the environment"));
    let quiet = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: {{ .Files.Get \"../../../elsewhere/secret.yaml\" | quote }}\n  b: {{ lookup \"v1\" \"Secret\" \"\" \"\" | toJson | quote }}\n  c: {{ getHostByName \"localhost\" | quote }}\n";
    let tree = repository(&[("Chart.yaml", CHART), ("templates/a.yaml", quiet)]);
    let declaration = declared(&tree, &limited()).declaration;
    let bad = &declaration.units[0];
    let data = bad.objects[0].object.to_value()["data"].clone();
    assert_eq!(data, serde_json::json!({"a": "", "b": "{}", "c": ""}), "{:?}", bad.failure);
}

#[test]
fn atk_19_files_larger_than_the_limit_are_not_read() {
    let large = format!("a: {}\n", "x".repeat(2000));
    let options = with_limit("file-bytes=1k");
    check(&repository(&[("map.yaml", &large)]), &options, (OVER, "more than the limit of 1000"));
    let kustomize = [("kustomization.yaml", "resources: [map.yaml]\n"), ("map.yaml", large.as_str())];
    check(&repository(&kustomize), &options, (OVER, ""));
    let chart = [("Chart.yaml", CHART), ("values.yaml", large.as_str())];
    check(&repository(&chart), &options, (OVER, ""));
}

#[test]
fn atk_21_alias_bombs_nesting_and_documents_without_end_are_refused() {
    let bomb: String = (1..10)
        .map(|at| format!("l{at}: &l{at} [{}]\n", vec![format!("*l{}", at - 1); 9].join(", ")))
        .fold("l0: &l0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, line| text + &line);
    let deep = format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let block: String = (0..130).map(|at| format!("{}k:\n", " ".repeat(at))).collect();
    let documents = "---\na: 1\n".repeat(20_001);
    for (text, said) in [
        (&bomb, "aliases expanded"),
        (&deep, "levels of nesting"),
        (&block, "levels of nesting"),
        (&documents, "20000 documents"),
    ] {
        fails(&[("map.yaml", text)], (OVER, said));
        fails(&[("kustomization.yaml", "resources: [map.yaml]\n"), ("map.yaml", text)], (OVER, said));
        fails(&[("kustomization.yaml", text)], (OVER, said));
        // What a template prints may have as many documents as a unit has objects.
        if said != "20000 documents" {
            fails(&[("Chart.yaml", CHART), ("templates/a.yaml", text)], (OVER, said));
            fails(&[("Chart.yaml", CHART), ("values.yaml", text)], (OVER, said));
        }
    }
}

#[test]
fn atk_22_yaml_that_tools_read_differently_is_read_as_the_reference_reads_it() {
    let data = |text: &str, kustomize: bool| {
        let object = format!("{}{text}", map("m"));
        let mut files = vec![("map.yaml", object.as_str())];
        if kustomize {
            files.push(("kustomization.yaml", "resources: [map.yaml]\n"));
        }
        let declaration = declared(&repository(&files), &limited()).declaration;
        let unit = declaration.units.into_iter().find(|unit| unit.name.as_str() == "bad").unwrap();
        match unit.objects.first() {
            Some(object) => Ok(object.object.to_value()["data"].clone()),
            None => Err(unit.failure.map(|finding| finding.message).unwrap_or_default()),
        }
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(
        data("data: {a: NO, b: 010, c: 1e3}\n", false),
        Ok(json(r#"{"a": false, "b": 8, "c": 1000}"#))
    );
    assert_eq!(data("data: {a: 'x'}\r\n", true), Ok(json(r#"{"a": "x"}"#)), "CRLF");
    assert_eq!(data("data:\n  base: &b {x: z}\n  <<: *b\n", false).unwrap()["base"], json(r#"{"x": "z"}"#));
    assert_eq!(data("data: {a: !!binary aGk=}\n", true), Ok(json(r#"{"a": "hi"}"#)));
    assert!(data("data: {a: 1, a: 2}\n", true).unwrap_err().contains("already defined"), "two equal keys");
    assert!(data("data:\n\ta: 1\n", true).is_err(), "tabs that indent");
    let tree = repository(&[]).with("apps/bad/map.yaml", b"a: \xff\xfe\n");
    check(&tree, &limited(), (FAILED, "not UTF-8"));
}

#[test]
fn atk_23_patches_do_not_multiply_what_they_change() {
    let patched = |operations: &str, expected| {
        let text = "resources: [map.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n";
        fails(&[("kustomization.yaml", text), ("map.yaml", &map("m")), ("p.yaml", operations)], expected);
    };
    let doubling =
        "- {op: add, path: /x, value: [1]}\n".to_owned() + &"- {op: copy, from: /x, path: /x/-}\n".repeat(60);
    patched(&doubling, (OVER, ""));
    patched(&"- {op: test, path: /kind, value: ConfigMap}\n".repeat(2_001), (OVER, "2000 operations"));
    let path = format!("- {{op: add, path: {}, value: 1}}\n", "/a".repeat(5000));
    patched(&path, (OVER, "parts"));
    // Linear, however long: a list of thousands of items and as many patches of them.
    let item = |at: usize, field: &str| format!("  - {{name: v{at}, {field}}}\n");
    let items = |field: &str| (0..2000).map(|at| item(at, field)).collect::<String>();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n";
    let kustomization = "resources: [pod.yaml]\npatches: [{path: p.yaml}]\n";
    let (object, patch) =
        (format!("{pod}{}", items("emptyDir: {}")), format!("{pod}{}", items("hostPath: {path: /x}")));
    let tree =
        repository(&[("kustomization.yaml", kustomization), ("pod.yaml", &object), ("p.yaml", &patch)]);
    assert_eq!(outcome(&tree, &limited()), None);
}

#[test]
fn atk_24_expensive_expressions_of_selectors_are_refused() {
    kustomization(
        "resources: [map.yaml]\npatches:\n- target: {name: '((((a{100}){100}){100}){100})'}\n  patch: '[]'\n",
        (FAILED, "patches"),
    );
}

#[test]
fn atk_25_templates_that_print_or_loop_without_end_are_stopped() {
    template("{{ repeat 1000000000 \"xxxxxxxx\" }}\n", (OVER, "bytes"));
    template("{{ range until 1000000000 }}x{{ end }}\n", (OVER, "steps"));
    template("{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}\n", (OVER, "more than"));
    let options = with_limit("template-output-bytes=1k");
    let tree = repository(&[("Chart.yaml", CHART), ("templates/a.yaml", "{{ repeat 2000 \"x\" }}\n")]);
    check(&tree, &options, (OVER, "bytes of output"));
}

#[test]
fn atk_26_units_with_too_many_objects_fail_alone_in_every_dialect() {
    let many: Vec<String> = (0..4).map(|at| map(&format!("m{at}"))).collect();
    let text = many.join("---\n");
    let options = with_limit("unit-objects=3");
    check(&repository(&[("map.yaml", &text)]), &options, (OVER, "more than 3 objects"));
    let kustomize = [("kustomization.yaml", "resources: [map.yaml]\n"), ("map.yaml", text.as_str())];
    check(&repository(&kustomize), &options, (OVER, "more than 3 objects"));
    let chart = [("Chart.yaml", CHART), ("templates/a.yaml", text.as_str())];
    check(&repository(&chart), &options, (OVER, "more than 3 objects"));
}

/// A clock that goes on by a second whenever somebody looks.
#[derive(Debug, Default)]
struct Hasty(AtomicU64);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn atk_60_a_unit_that_takes_too_long_fails_alone_in_every_dialect() {
    let files: Vec<(String, String)> =
        (0..40).map(|at| (format!("m{at}.yaml"), map(&format!("m{at}")))).collect();
    let list = files.iter().map(|(name, _)| format!("- {name}\n")).collect::<String>();
    let kustomize = [("kustomization.yaml".to_owned(), format!("resources:\n{list}"))];
    let patches = "- {target: {kind: ConfigMap}, patch: '[]'}\n".repeat(40);
    let patching = [
        ("kustomization.yaml".to_owned(), format!("resources: [m.yaml]\npatches:\n{patches}")),
        ("m.yaml".to_owned(), map("m")),
    ];
    let chart = [("Chart.yaml".to_owned(), CHART.to_owned())];
    let templates = files.iter().map(|(name, text)| (format!("templates/{name}"), text.clone()));
    let units: [Vec<(String, String)>; 4] = [
        files.clone(),
        files.iter().chain(&kustomize).cloned().collect(),
        patching.to_vec(),
        chart.into_iter().chain(templates).collect(),
    ];
    for unit in units {
        let unit: Vec<(&str, &str)> =
            unit.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let mut options = with_limit("unit-seconds=30");
        options.time.clock = Some(Arc::new(Hasty::default()));
        check(&repository(&unit), &options, (OVER, "takes more than 30 s"));
    }
}

/// A server that hands out its one repository after an hour.
struct Slow(Arc<Hasty>);

impl RemoteBases for Slow {
    fn tree(&self, _: &RemoteCommit) -> Result<Arc<dyn Tree>, RemoteError> {
        self.0.0.fetch_add(3600, Ordering::Relaxed);
        let map = map("m");
        let files = [("x/kustomization.yaml", "resources: [m.yaml]\n"), ("x/m.yaml", map.as_str())];
        Ok(Arc::new(MemTree::of(&files)))
    }
}

#[test]
fn the_time_of_a_unit_does_not_count_what_others_take_to_answer() {
    let clock = Arc::new(Hasty::default());
    let mut options = with_limit("unit-seconds=30");
    options.time.clock = Some(clock.clone());
    options.kustomize.remotes = Some(Remotes::new(&["h".to_owned()], Slow(clock)));
    let base = format!("resources: ['https://h/o/r//x?ref={}']\n", "a".repeat(40));
    assert_eq!(outcome(&repository(&[("kustomization.yaml", &base)]), &options), None);
}

#[test]
fn r_1_a_render_reads_the_commit_and_never_the_work_tree() {
    let directory = tempfile::tempdir().unwrap();
    let (files, work_tree) = (directory.path().join("files"), directory.path().join("work-tree"));
    std::fs::create_dir_all(files.join("apps/good")).unwrap();
    std::fs::write(files.join("apps/good/map.yaml"), map("committed")).unwrap();
    let repository = git::newcomer::import(&files, &work_tree, 1).unwrap();
    let commit = repository.branch_tip(&repository.head_branch().unwrap()).unwrap();
    std::fs::write(work_tree.join("apps/good/map.yaml"), map("dirty")).unwrap();
    std::fs::write(work_tree.join("apps/good/more.yaml"), map("untracked")).unwrap();
    let tree = GitTree::new(repository.tree(commit).unwrap());
    let declaration = declared(&tree, &limited()).declaration;
    let names: Vec<&str> =
        declaration.units[0].objects.iter().map(|o| o.object.header().name.as_str()).collect();
    assert_eq!(names, ["committed"]);
}

#[test]
fn r_2_a_render_starts_no_program() {
    let marker = tempfile::tempdir().unwrap();
    let started = marker.path().join("started");
    let exec = format!(
        "apiVersion: example.com/v1\nkind: Maker\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {{path: /usr/bin/touch, args: ['{}']}}\n",
        started.display()
    );
    fails(
        &[("kustomization.yaml", "generators: [f.yaml]\n"), ("f.yaml", &exec)],
        (REFUSED, "starts no program"),
    );
    assert!(!started.exists());
}

/// For each limit a unit that exceeds it where it is set to this number.
fn excess(limit: &str) -> (u64, Vec<(&'static str, String)>) {
    let chart =
        |template: &str| vec![("Chart.yaml", CHART.to_owned()), ("templates/a.yaml", template.to_owned())];
    let subchart = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    match limit {
        "file-bytes" => (100, vec![("map.yaml", format!("{}data: {{a: {}}}\n", map("m"), "x".repeat(100)))]),
        "file-values" => (8, vec![("map.yaml", format!("{}data: {{a: b, c: d, e: f, g: h}}\n", map("m")))]),
        "file-depth" => (2, vec![("map.yaml", format!("{}spec: {{a: {{b: {{c: d}}}}}}\n", map("m")))]),
        "file-documents" => (1, vec![("map.yaml", format!("{}---\n{}", map("a"), map("b")))]),
        "unit-objects" => (1, vec![("a.yaml", map("a")), ("b.yaml", map("b"))]),
        "unit-seconds" => (1, vec![("a.yaml", map("a")), ("b.yaml", map("b"))]),
        "chart-bytes" => (100, chart(&format!("{}{}", map("m"), "# long\n".repeat(20)))),
        "chart-files" => (1, chart(&map("m"))),
        "chart-depth" => (
            1,
            vec![
                ("Chart.yaml", CHART.to_owned()),
                ("charts/a/Chart.yaml", subchart("a")),
                ("charts/a/charts/b/Chart.yaml", subchart("b")),
            ],
        ),
        "template-steps" => (5, chart("{{ range until 100 }}x{{ end }}")),
        "template-output-bytes" => (10, chart(&map("m"))),
        "template-made-bytes" => (10, chart("{{ repeat 100 \"x\" }}")),
        "template-depth" => (
            1,
            chart(
                "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}b{{ end }}{{ include \"a\" . }}",
            ),
        ),
        _ => (0, Vec::new()),
    }
}

#[test]
fn r_4_every_limit_is_on_can_be_set_and_fails_one_unit_alone() {
    for limit in &LIMITS {
        assert!((1..=u64::from(u32::MAX)).contains(&limit.of(&limited())), "{} is off", limit.name);
        let (number, files) = excess(limit.name);
        // An archive is no text; render has its test.
        if limit.name == "chart-inflation" {
            continue;
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert!(!files.is_empty(), "{} has no case", limit.name);
        let mut options = with_limit(&format!("{}={number}", limit.name));
        if limit.name == "unit-seconds" {
            options.time.clock = Some(Arc::new(Hasty::default()));
            assert_eq!(
                declared(&repository(&files), &options).declaration.units[0].failure.as_ref().map(|f| f.id),
                Some(OVER)
            );
            continue;
        }
        // The good unit has one object in one small file, and is within what is left.
        check(&repository(&files), &options, (OVER, ""));
    }
    assert!(limited().time.clock.is_some(), "time counts");
}
