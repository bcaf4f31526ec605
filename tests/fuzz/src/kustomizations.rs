//! Kustomizations, through a whole build.

use render::{MemTree, RepoPath, discover};

use super::bundle;
use super::render_laws::{CANARY, options, rendered};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        env:
        - {name: A, value: \"1\"}
        - name: B
          valueFrom: {configMapKeyRef: {name: settings, key: b}}
        ports:
        - containerPort: 80
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data: {b: two, host: web.example.com}
";

/// A small repository to build on; an input may replace each of its files.
fn base() -> MemTree {
    MemTree::of(&[
        ("app/deployment.yaml", DEPLOYMENT),
        ("app/service.yaml", SERVICE),
        ("app/settings.env", "A=1\nB=two\n"),
        ("base/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: base-\n"),
        ("base/cm.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: base}, data: {k: v}}\n"),
        (
            "part/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -part\n",
        ),
    ])
    .with("app/secret.env", format!("password={CANARY}\n").as_bytes())
    .with_symlink("app/out", "../../etc/passwd")
}

fn build(tree: &MemTree) {
    let built = rendered(tree, "app", &options());
    // What is discovered never depends on whether it can be built.
    let units = discover(tree, &RepoPath::root());
    assert!(units.is_ok(), "{units:?}");
    drop(built);
}

/// The kustomization file, and any files beside it.
pub fn tree(bytes: &[u8]) {
    let (first, _) = bundle::pair(bytes);
    build(&bundle::into_tree(bytes, base().with("app/kustomization.yaml", first)));
}

fn with_extra(file: &str, kustomization: &str, bytes: &[u8]) {
    let (first, objects) = bundle::pair(bytes);
    let tree = base().with("app/kustomization.yaml", kustomization.as_bytes()).with(file, first);
    build(&if objects.is_empty() { tree } else { tree.with("app/deployment.yaml", objects) });
}

/// A strategic merge patch; a second part replaces the object.
pub fn strategic_merge(bytes: &[u8]) {
    with_extra(
        "app/patch.yaml",
        "resources: [deployment.yaml, service.yaml]\npatches: [{path: patch.yaml}]\n",
        bytes,
    );
}

/// A JSON patch; a second part replaces the object.
pub fn json6902(bytes: &[u8]) {
    let kustomization = "resources: [deployment.yaml, service.yaml]\npatches: [{path: patch.yaml, target: {kind: Deployment}}]\n";
    with_extra("app/patch.yaml", kustomization, bytes);
}

/// Replacements; a second part replaces an object.
pub fn replacements(bytes: &[u8]) {
    with_extra(
        "app/replace.yaml",
        "resources: [deployment.yaml, service.yaml]\nreplacements: [{path: replace.yaml}]\n",
        bytes,
    );
}
