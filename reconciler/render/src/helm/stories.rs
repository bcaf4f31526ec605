//! Stories of charts as units: a repository in memory, a release, the outcome.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apimachinery::{Clock, Timestamp};

use crate::helm::{Engine, HelmOptions, HelmProgram, Program, ProgramError, ProgramRequest};
use crate::{
    Dialect, Hook, MemTree, Phase, RenderOptions, Rendered, RepoPath, TimeLimit, Trouble, render_unit,
};

const CHART: (&str, &str) = ("apps/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");

fn render(files: &[(&str, &str)], helm: HelmOptions) -> Result<Rendered, String> {
    let tree = MemTree::of(&[&[CHART], files].concat());
    let options = RenderOptions { helm, ..RenderOptions::default() };
    render_unit(&tree, &RepoPath::parse("apps/web").unwrap(), &options).map_err(|error| error.to_string())
}

fn refused(files: &[(&str, &str)], helm: HelmOptions) -> String {
    render(files, helm).unwrap_err()
}

fn with_values(files: &[&str]) -> HelmOptions {
    HelmOptions {
        values_files: files.iter().map(|name| (*name).to_owned()).collect(),
        ..HelmOptions::default()
    }
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn a_chart_is_a_unit_whose_objects_know_their_templates() {
    let service = "# first\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n{{ if true }}\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: in-a-list}}\n{{ end }}\n";
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-job\n  annotations: {helm.sh/hook: post-install, helm.sh/hook-weight: '3'}\n";
    let crd = "# a comment\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: crd}\n";
    let files = [
        ("apps/web/templates/service.yaml", service),
        ("apps/web/templates/job.yaml", job),
        ("apps/web/crds/crd.yaml", crd),
        ("apps/web/templates/NOTES.txt", "{{ .Release.Name }}"),
    ];
    let rendered = render(&files, HelmOptions::default()).unwrap();
    assert_eq!(rendered.dialect, Dialect::Helm);
    let told = |object: &crate::RenderedObject| format!("{} {}", object.original.name, object.origin);
    assert_eq!(
        rendered.objects.iter().map(told).collect::<Vec<_>>(),
        [
            "crd apps/web/crds/crd.yaml:3",
            "s apps/web/templates/service.yaml:1",
            "in-a-list apps/web/templates/service.yaml:6",
            "web-job apps/web/templates/job.yaml:1",
        ]
    );
    let hooks: Vec<Option<Hook>> = rendered.objects.iter().map(|object| object.hook).collect();
    assert_eq!(hooks, [None, None, None, Some(Hook { phase: Phase::After, weight: 3 })]);
    assert_eq!(rendered.documents_parsed, 4);
    let read: Vec<&str> = rendered.read.files.iter().map(RepoPath::as_str).collect();
    assert!(
        read.contains(&"apps/web/Chart.yaml") && read.contains(&"apps/web/templates/NOTES.txt"),
        "{read:?}"
    );
    assert!(rendered.to_yaml().starts_with("---\n# Source: web/crds/crd.yaml\n# a comment\n---\n"));
}

#[test]
fn values_files_are_files_of_the_repository_anywhere_in_it() {
    let files = [
        (
            "apps/web/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.name }}}\n",
        ),
        ("apps/web/values.yaml", "name: default\n"),
        ("apps/web/prod.yaml", "name: prod\n"),
        ("envs/eu.yaml", "name: eu\n"),
    ];
    let name = |files_named: &[&str]| {
        render(&files, with_values(files_named)).unwrap().objects[0].original.name.clone()
    };
    assert_eq!(name(&[]), "default");
    assert_eq!(name(&["prod.yaml"]), "prod");
    assert_eq!(name(&["prod.yaml", "../../envs/eu.yaml"]), "eu");
}

#[test]
fn atk_1_values_files_that_are_elsewhere_are_refused_by_name_and_never_shown() {
    let files = [("apps/web/templates/a.yaml", MAP), ("apps/web/secret.txt", "'hunter2")];
    for (name, said) in [
        ("../../../other/secret.yaml", "valuesFiles: '../../../other/secret.yaml' cannot be read"),
        ("/etc/passwd", "is an absolute path"),
        ("file:///etc/passwd", "valuesFiles: 'file:///etc/passwd' is an address"),
        ("https://example.com/values.yaml", "is an address"),
        ("secrets://x", "is an address"),
        ("missing.yaml", "apps/web/missing.yaml: there is no such file"),
    ] {
        let message = refused(&files, with_values(&[name]));
        assert!(message.starts_with("apps/web/Chart.yaml:1: ") && message.contains(said), "{message}");
    }
    let message = refused(&files, with_values(&["secret.txt"]));
    assert!(message.contains("apps/web/secret.txt:") && !message.contains("hunter2"), "{message}");
    let tree = MemTree::of(&[CHART]).with_symlink("apps/web/link.yaml", "../../../etc/passwd");
    let options = RenderOptions { helm: with_values(&["link.yaml"]), ..RenderOptions::default() };
    assert!(render_unit(&tree, &RepoPath::parse("apps/web").unwrap(), &options).is_err());
}

#[test]
fn what_a_release_needs_is_said_when_it_is_missing() {
    let lists = [(
        "apps/web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.x\n  repository: https://charts.example\n- name: bus\n  version: 1.x\n",
    )];
    let message = refused(&lists, HelmOptions::default());
    assert!(
        message.starts_with(
            "apps/web/Chart.yaml:5: found in Chart.yaml, but missing in charts/ directory: db, bus"
        ),
        "{message}"
    );
    assert!(message.contains("commit charts/"), "{message}");

    let library = [("apps/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n")];
    assert!(refused(&library, HelmOptions::default()).contains("library charts are not installable"));

    let named = |name: &str| HelmOptions { release_name: Some(name.to_owned()), ..HelmOptions::default() };
    for name in ["", "Web", "a_b", "-a", "a.", &"x".repeat(54)] {
        assert!(refused(&[], named(name)).contains("set helm.releaseName"), "{name}");
    }
    assert!(render(&[], named(&format!("{}.b-c.0", "x".repeat(40)))).is_ok());

    let kube = HelmOptions { kube_version: Some("new".to_owned()), ..HelmOptions::default() };
    assert!(refused(&[], kube).contains("kubeVersion: 'new' is no Kubernetes version"));
}

#[test]
fn the_section_of_a_subchart_is_a_map() {
    let check = |own: &str, values: &str, said: &str| {
        let files = [
            ("apps/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
            ("apps/web/charts/db/charts/in/Chart.yaml", "apiVersion: v2\nname: in\nversion: 1.0.0\n"),
            ("apps/web/values.yaml", own),
            ("apps/web/prod.yaml", values),
        ];
        let message = refused(&files, with_values(&["prod.yaml"]));
        assert!(message.starts_with(said), "{said}: {message}");
    };
    let must = "belongs to a subchart and must be a map, it is";
    check("", "a: 1\ndb: text\n", &format!("apps/web/prod.yaml:2: the value 'db' {must} text;"));
    check("db: []", "db:\n  in: [a]\n", &format!("apps/web/prod.yaml:2: the value 'db.in' {must} a list;"));
    check("\ndb: 1", "a: 1", &format!("apps/web/values.yaml:2: the value 'db' {must} a number;"));
    check("", "db: true", &format!("apps/web/prod.yaml:1: the value 'db' {must} a boolean;"));
    check("", "db: null", &format!("apps/web/prod.yaml:1: the value 'db' {must} null;"));
    let inline = HelmOptions {
        values: [("db".to_owned(), "text".into())].into_iter().collect(),
        ..HelmOptions::default()
    };
    let message =
        refused(&[("apps/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n")], inline);
    assert!(message.starts_with(&format!("apps/web/Chart.yaml:1: the value 'db' {must} text;")), "{message}");
}

#[test]
fn what_templates_print_must_be_objects_that_can_be_applied() {
    let check = |text: &str, said: &str| {
        let message = refused(&[("apps/web/templates/a.yaml", text)], HelmOptions::default());
        assert!(message.contains(said), "{said}: {message}");
    };
    check(
        "metadata: {name: a}",
        "apps/web/templates/a.yaml:1: web/templates/a.yaml printed a document that is no object: apiVersion and kind",
    );
    check("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}", "metadata.name must be set");
    check("apiVersion: v1\nkind: List\nitems: x", "items of a list must be a list");
    check("a: [", "apps/web/templates/a.yaml:1: YAML parse error on what the template printed");
    check(
        "\n\n{{ fail \"no\" }}",
        "apps/web/templates/a.yaml:3:4: no; the chart asks for other values\n  | {{ fail \"no\" }}",
    );
    check(
        "x: secret{{ .Values.a.b.c }}",
        "apps/web/templates/a.yaml:1:13: .Values.a.b.c: nil pointer evaluating interface {}.b; correct the template, or the values it reads\n  | … {{ .Values.a.b.c }}",
    );
}

#[test]
fn what_no_template_can_say_is_told_with_its_text() {
    let check = |template: &str, said: &str| {
        let message = refused(&[("apps/web/templates/a.yaml", template)], HelmOptions::default());
        assert!(message.starts_with(&format!("apps/web/templates/a.yaml:{said}")), "{said}: {message}");
    };
    check("{{5-}}", "1:3: bad number syntax: \"5-\"; correct");
    check("{{ 1+2i }}", "1:4: complex numbers are not supported; ");
    check("{{ 1x }}", "1:4: bad number syntax: \"1x\"; ");
    check(
        "a\n{{ .Values.my-key.x }}",
        "2:11: bad character '-' in a name; write (index .Values \"my-key\"); correct",
    );
    check("{{ $.a-b }}", "1:5: bad character '-' in a name; write (index $ \"a-b\"); ");
    check("{{ .a-b }}", "1:4: bad character '-' in a name; write (index . \"a-b\"); ");
    check("{{ a-b }}", "1:4: bad character '-' in a name; correct");
    check("{{ .a& }}", "1:4: bad character '&' in a name; correct");
    check("a: 1\nb: {{ .x\n\n", "4: unclosed action: its {{ is in line 2, column 4; correct");
}

#[test]
fn files_of_crds_are_no_templates() {
    let check = |name: &str, text: &str, expected: &str| {
        let message = refused(&[(name, text)], HelmOptions::default());
        assert_eq!(message, format!("{name}:{expected}"));
    };
    let action = "a key must be text, this one is a map; put it in quotes; `{{ … }}` outside of quotes is no YAML, and no template is rendered here";
    check(
        "apps/web/crds/a.yaml",
        "kind: X\nname: {{ .Release.Name }}\n",
        &format!(
            "2:8: {action}; files in crds/ are no templates, they are installed as they are\n  | name: …"
        ),
    );
    check("apps/web/values.yaml", "a: {{ .b }}\n", &format!("1:5: {action}\n  | a: …"));
    check(
        "apps/web/crds/a.yaml",
        "- a",
        "1: web/crds/a.yaml holds a document that is no object: the document must be a map with apiVersion, kind and metadata\n  | - …",
    );
}

#[test]
fn what_is_wrong_in_a_text_for_tpl_is_told_where_tpl_is_called() {
    let check = |template: &str, said: &str| {
        let helpers = "{{ define \"x\" }}\n{{ tpl .t . }}{{ end }}";
        let files = [("apps/web/templates/a.yaml", template), ("apps/web/templates/_h.tpl", helpers)];
        let message = refused(&files, HelmOptions::default());
        assert!(message.starts_with(&format!("apps/web/templates/{said}")), "{said}: {message}");
    };
    check(
        r#"x: {{ tpl "a\n{{ if }}" . }}"#,
        "a.yaml:1:7: line 2 of the text given to tpl: missing value for if; correct the template\n",
    );
    check(
        r#"x: {{ tpl "\n\n{{ .a.b.c }}" . }}"#,
        "a.yaml:1:7: line 3 of the text given to tpl: .a.b.c: nil pointer",
    );
    check(
        r#"x: {{ include "x" (dict "t" "\n{{ fail `no` }}" "Template" .Template) }}"#,
        "_h.tpl:2:4: line 2 of the text given to tpl: no, included at web/templates/a.yaml:1:6; the chart",
    );
    check(
        r#"x: {{ tpl "\n{{ tpl `{{ .a.b.c }}` . }}" . }}"#,
        "a.yaml:1:7: line 2 of the text given to tpl: line 1 of the text given to tpl: .a.b.c",
    );
}

#[test]
fn no_message_about_values_holds_a_value() {
    let schema = r#"{"properties": {"a": {"pattern": "^x$"}, "b": {"maxLength": 1}, "c": {"const": "y"}, "d": {"type": "integer"}, "e": {"format": "email"}, "f": {"maximum": 1}, "g": {"not": {}}, "h": {"items": {"uniqueItems": true}}, "$schema": {}}, "propertyNames": {"maxLength": 7}}"#;
    let secret = "hunter2hunter2";
    let values = serde_json::json!({"a": secret, "b": secret, "c": secret, "d": secret, "e": secret, "f": 987_654, "g": secret, "h": [[secret, secret]]});
    let options = HelmOptions { values: values.as_object().cloned().unwrap(), ..HelmOptions::default() };
    let files = [("apps/web/values.schema.json", schema), ("apps/web/templates/a.yaml", MAP)];
    let message = refused(&files, options);
    assert!(message.starts_with("apps/web/values.schema.json: values don't meet"), "{message}");
    assert!(message.contains("at '/a'") && message.contains("at '/f'"), "{message}");
    assert!(!message.contains(secret) && !message.contains("987"), "{message}");
}

#[test]
fn r3_a_schema_reaches_nothing_outside_of_itself() {
    let schema = |address: &str| format!(r#"{{"properties": {{"a": {{"$ref": "{address}"}}}}}}"#);
    for address in
        ["https://example.com/s.json", "file:///etc/passwd", "other.json", "http://json-schema.org/none"]
    {
        let message = refused(&[("apps/web/values.schema.json", &schema(address))], HelmOptions::default());
        assert!(message.contains("values.schema.json: is no usable JSON schema"), "{address}: {message}");
    }
    assert!(
        render(&[("apps/web/values.schema.json", &schema("urn:example:a"))], HelmOptions::default()).is_ok()
    );
    assert_eq!(
        refused(&[("apps/web/values.schema.json", "{\n  \"a\": 1,\n}")], HelmOptions::default()),
        "apps/web/values.schema.json:3:1: is no usable JSON schema: trailing comma\n  | …"
    );
}

#[test]
fn a_schema_that_is_none_hides_nothing_of_the_others() {
    let files = [
        ("apps/web/values.schema.json", "{"),
        ("apps/web/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        ("apps/web/charts/db/values.schema.json", r#"{"required": ["a"]}"#),
    ];
    assert_eq!(
        refused(&files, HelmOptions::default()),
        "apps/web/values.schema.json:1:1: values don't meet the specifications of the schema(s) in the following chart(s):\n\
         web: (apps/web/values.schema.json:1:1)\n- is no usable JSON schema: EOF while parsing an object\n\
         db: (apps/web/charts/db/values.schema.json)\n- at '': missing properties 'a'"
    );
}

/// A helm binary that answers with a text and remembers what it was asked.
struct Answering(&'static str, Arc<Mutex<Vec<ProgramRequest>>>);

impl HelmProgram for Answering {
    fn template(&self, request: &ProgramRequest) -> Result<String, ProgramError> {
        self.1.lock().unwrap().push(request.clone());
        Ok(self.0.to_owned())
    }
}

#[test]
fn a_unit_that_asks_for_a_helm_binary_gets_it_where_there_is_one() {
    let files = [("apps/web/templates/a.yaml", "{{ anything }}"), ("apps/web/prod.yaml", "a: 1\nb: null\n")];
    let asking = HelmOptions { engine: Engine::Cli, ..with_values(&["prod.yaml"]) };
    let message = refused(&files, asking.clone());
    assert!(message.starts_with("apps/web: engine cli: no helm binary is configured here"), "{message}");

    let printed = "---\n# Source: web/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# Source: web/templates/t.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n";
    let asked = Arc::new(Mutex::new(Vec::new()));
    let program = Some(Program::new(Answering(printed, Arc::clone(&asked))));
    let values = serde_json::json!({"c": {"d": 2}}).as_object().cloned().unwrap();
    let rendered = render(&files, HelmOptions { program, values, skip_tests: true, ..asking }).unwrap();
    assert_eq!(rendered.objects.len(), 1, "tests are left out here, too");
    assert_eq!(rendered.objects[0].origin.to_string(), "apps/web/templates/a.yaml:1");
    let asked = asked.lock().unwrap();
    assert_eq!(
        (asked[0].release_name.as_str(), asked[0].values.as_str()),
        ("web", "a: 1\nb: null\nc:\n  d: 2\n")
    );
    let names: Vec<&str> = asked[0].files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Chart.yaml", "prod.yaml", "templates/a.yaml"]);
}

/// A clock on which every look takes a millisecond.
#[derive(Debug, Default)]
struct Looks(AtomicU64);

impl Clock for Looks {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn templates_that_go_on_for_too_long_are_stopped_at_their_place() {
    let long = "{{ range until 1000000 }}{{ end }}";
    let tree = MemTree::of(&[CHART, ("apps/web/templates/a.yaml", MAP), ("apps/web/templates/b.yaml", long)]);
    let time = TimeLimit { most: Duration::from_secs(1), clock: Some(Arc::new(Looks::default())) };
    let options = RenderOptions { time, ..RenderOptions::default() };
    let error = render_unit(&tree, &RepoPath::parse("apps/web").unwrap(), &options).unwrap_err();
    assert_eq!(error.trouble(), Trouble::OverLimit);
    let message = error.to_string();
    assert!(message.starts_with("apps/web/templates/b.yaml:1:"), "{message}");
    assert!(message.contains("more than 1 seconds for the unit"), "{message}");
}
