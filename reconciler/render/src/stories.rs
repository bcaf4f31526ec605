//! Stories of the whole room: a repository in memory, a render, the outcome.

use crate::{MemTree, RenderError, RenderOptions, Rendered, RepoPath, render_unit};

fn render(files: &[(&str, &str)], path: &str) -> Result<Rendered, RenderError> {
    render_unit(&MemTree::of(files), &RepoPath::parse(path).unwrap(), &RenderOptions::default())
}

/// The error with its causes.
fn refused(files: &[(&str, &str)], path: &str) -> String {
    render(files, path).unwrap_err().to_string()
}

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.0
        envFrom:
        - configMapRef:
            name: settings
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
";

const OVERLAID: &str = "\
apiVersion: v1
data:
  a: b
kind: ConfigMap
metadata:
  name: eu-settings-c74g87ghgb
  namespace: shop
---
apiVersion: v1
kind: Service
metadata:
  name: eu-web
  namespace: shop
spec:
  selector:
    app: web
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: eu-web
  namespace: shop
spec:
  replicas: 3
  template:
    spec:
      containers:
      - envFrom:
        - configMapRef:
            name: eu-settings-c74g87ghgb
        image: nginx:2.0
        name: web
";

#[test]
fn an_overlay_names_patches_and_follows_references() {
    let files = [
        (
            "apps/web/base/kustomization.yaml",
            "resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n",
        ),
        ("apps/web/base/web.yaml", WEB),
        (
            "apps/web/overlays/eu/kustomization.yaml",
            "resources: [../../base]\nnamespace: shop\nnamePrefix: eu-\nimages: [{name: nginx, newTag: '2.0'}]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    - {op: add, path: /spec/replicas, value: 3}\n",
        ),
    ];
    let rendered = render(&files, "apps/web/overlays/eu").unwrap();
    // The hash is the content's; kubectl prints the same stream.
    let hash = rendered.objects[0].object.str_at(&["metadata", "name"]).unwrap().rsplit('-').next().unwrap();
    assert_eq!(rendered.to_yaml().replace(hash, "c74g87ghgb"), OVERLAID);
    let places: Vec<String> = rendered
        .objects
        .iter()
        .map(|o| format!("{} {} {}", o.original.kind, o.original.name, o.origin))
        .collect();
    assert_eq!(
        places,
        [
            "ConfigMap settings apps/web/base/kustomization.yaml:3:3",
            "Service web apps/web/base/web.yaml:15",
            "Deployment web apps/web/base/web.yaml:1",
        ]
    );
    let read: Vec<&str> = rendered.read.files.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        read,
        [
            "apps/web/base/kustomization.yaml",
            "apps/web/base/web.yaml",
            "apps/web/overlays/eu/kustomization.yaml"
        ]
    );
    assert_eq!(rendered.documents_parsed, 6, "two kustomizations, two objects, a list of operations twice");
}

#[test]
fn a_directory_of_manifests_is_read_as_kubectl_reads_it() {
    let files = [
        ("apps/db/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {x: 'y'}\n"),
        (
            "apps/db/a/list.json",
            r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "sops": {"mac": "m"}}]}"#,
        ),
        ("apps/db/.hidden.yaml", "no: object\n"),
        ("apps/db/notes.md", "no yaml"),
        ("apps/db/kust/kustomization.yaml", "resources: []\n"),
    ];
    let rendered = render(&files, "apps/db").unwrap();
    let found: Vec<String> = rendered
        .objects
        .iter()
        .map(|o| format!("{} {} sops={}", o.original.kind, o.origin, o.sops_encrypted))
        .collect();
    assert_eq!(found, ["Secret apps/db/a/list.json:1 sops=true", "ConfigMap apps/db/b.yaml:1 sops=false"]);
}

/// What is said of a kustomization beside a manifest and an empty kustomization.
fn check(text: &str, expected: &str) {
    let files = [("k/kustomization.yaml", text), ("k/web.yaml", WEB), ("k/x/kustomization.yaml", "")];
    assert_eq!(refused(&files, "k"), expected, "{text}");
}

#[test]
fn messages_say_what_where_and_what_to_do() {
    check(
        "resourcs: []\n",
        "k/kustomization.yaml:1:1: unknown field \"resourcs\"; remove it or correct its name\n  | resourcs: …",
    );
    check(
        "resources:\n- web.yaml\n- https://github.com/x/y?ref=v1\n",
        "k/kustomization.yaml:3:3: the remote address 'https://github.com/x/y?ref=v1' is refused: copy the files into the repository, or let whoever runs gitstellar allow the host with --allow-remote HOST\n  | - …",
    );
    check(
        "resources: [no.yaml]\n",
        "k/kustomization.yaml:1:13: 'no.yaml' cannot be read: k/no.yaml: there is no such file or directory in the repository\n  | resources: …",
    );
    check(
        "resources:\n- web.yaml\n- web.yaml\n",
        "k/web.yaml:1: may not add resource with an already registered id: Deployment.v1.apps/web.[noNs] (the same object is read twice: list its file or directory once)\n  | apiVersion: …",
    );
    check(
        "commonLabels:\n  a: yes\n",
        "k/kustomization.yaml:2:3: commonLabels.a must be text, it is a boolean; put it in quotes\n  |   a: …",
    );
    check(
        "resources: [web.yaml]\nreplicas:\n- {name: nobody, count: 2}\n",
        "k/kustomization.yaml:3:3: replicas: resource with name nobody does not match a config with the following GVK [Deployment, StatefulSet, ReplicaSet, ReplicationController]\n  | - {name: …",
    );
    check(
        "helmCharts:\n- name: x\n",
        "k/kustomization.yaml:2:3: the chart 'x', which is not at 'charts/x', is refused: there is no such directory; vendor it there (helm pull --untar) and commit it, or pin it (`gitstellar lock`, for charts of https and OCI repositories) and commit gitstellar.lock\n  | - name: …",
    );
    check(
        "resources: [x]\n",
        "k/x/kustomization.yaml:1: kustomization.yaml is empty; list what it builds under `resources`, or write `resources: []`",
    );
    check(
        "resources: [../k]\n",
        "k/kustomization.yaml:1:13: cycle detected: 'k' holds or is 'k', which is being built\n  | resources: …",
    );
    check(
        "generators:\n- |\n  apiVersion: example.com/v1\n  kind: Maker\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        exec: {path: ./run}\n",
        "k/kustomization.yaml:2:3: the function of Maker.v1.example.com/x.[noNs] is refused: a render starts no program and no container\n  | - …",
    );
    assert_eq!(
        refused(&[("c/Chart.yaml", "name: c\n")], "c"),
        "c/Chart.yaml:1: chart.metadata.version is required; say it in Chart.yaml\n  | name: …"
    );
    assert_eq!(
        refused(
            &[("p/a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n- secret text\n")],
            "p"
        ),
        "p/a.yaml:5: the document is no object; a manifest is a map with apiVersion, kind and metadata\n  | - …"
    );
}

#[test]
fn what_is_often_written_by_mistake_is_told_with_what_was_meant() {
    check(
        "resources: [\"\"]\n",
        "k/kustomization.yaml:1:13: an entry is empty; name a file or a directory, or remove it\n  | resources: …",
    );
    check(
        "resources: [\"*.yaml\"]\n",
        "k/kustomization.yaml:1:13: '*.yaml' cannot be read (patterns are not expanded; list each file): k/*.yaml: there is no such file or directory in the repository\n  | resources: …",
    );
    check(
        "resources: [web.yaml]\npatches: [p.yaml]\n",
        "k/kustomization.yaml:2:11: patches[0] must be a map, it is text; write `- path: FILE`\n  | patches: …",
    );
    check(
        "resources: [web.yaml]\nlabels: {a: b}\n",
        "k/kustomization.yaml:2:1: labels must be a list, it is a map; write `- pairs: {NAME: VALUE}`\n  | labels: …",
    );
    check(
        "kind: Deployment\n",
        "k/kustomization.yaml:1:1: kind should be Kustomization or Component\n  | kind: …",
    );
}

#[test]
fn no_message_holds_a_secret_value() {
    let canary = "hunter2-canary";
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {canary}\n");
    let broken = format!("{secret}  password: {canary}\n");
    let bad_indent = format!("{secret} bad: [{canary}\n");
    let env = format!("A={canary}\nA={canary}\n");
    let patch = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: [{canary}]\n");
    for (kustomization, file, text) in [
        ("resources: [s.yaml]\n", "k/s.yaml", &broken),
        ("resources: [s.yaml]\n", "k/s.yaml", &bad_indent),
        ("secretGenerator:\n- name: s\n  envs: [s.env]\n", "k/s.env", &env),
        ("resources: [s.yaml]\npatches: [{path: p.yaml}]\n", "k/p.yaml", &patch),
    ] {
        let mut files = vec![("k/kustomization.yaml", kustomization), (file, text.as_str())];
        if file != "k/s.yaml" {
            files.push(("k/s.yaml", &secret));
        }
        let message = refused(&files, "k");
        assert!(!message.contains(canary), "{message}");
    }
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    let files = [
        (
            "k/kustomization.yaml",
            "resources: [web.yaml]\nnamePrefix: a-\ncommonLabels: {x: '1', y: '2'}\nsecretGenerator:\n- name: s\n  literals: [a=1, b=2]\n",
        ),
        ("k/web.yaml", WEB),
    ];
    let first = render(&files, "k").unwrap().to_yaml();
    for _ in 0..5 {
        assert_eq!(render(&files, "k").unwrap().to_yaml(), first);
    }
}
