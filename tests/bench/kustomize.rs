//! What a build costs by the number of resources: a base of Deployments, and an overlay with a prefix, labels, an image, replicas and a patch (B4 of the performance
//! goals). `GITSTELLAR_BENCH_KUSTOMIZE` names the reference to compare with: the program `kustomize-driver` that the tests have built.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use render::{MemTree, RenderOptions, RepoPath, render_unit};

use crate::cpu;
use crate::reference::Reference;

const SIZES: [usize; 5] = [100, 1_000, 2_000, 5_000, 10_000];
/// The reference takes minutes beyond.
const MOST_COMPARED: usize = 2_000;
const RUNS: usize = 5;

pub fn run() {
    let program = std::env::var_os("GITSTELLAR_BENCH_KUSTOMIZE").map(PathBuf::from);
    println!("resources   CPU        reference, CPU   ratio   memory at most");
    let mut measured: Vec<(usize, Duration)> = Vec::new();
    for resources in SIZES {
        let files = files(resources);
        let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        let tree = MemTree::of(&borrowed);
        let (overlay, options) = (RepoPath::parse("overlay").unwrap(), RenderOptions::default());
        let mut text = String::new();
        let ours = cpu::median(RUNS, || {
            text = render_unit(&tree, &overlay, &options).unwrap().to_yaml();
        });
        let theirs = program.as_ref().filter(|_| resources <= MOST_COMPARED).map(|program| {
            let directory = tempfile::tempdir().unwrap();
            for (path, text) in &files {
                let file = directory.path().join(path);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
            let before = cpu::of_ended_children();
            let mut reference = Reference::start(program).unwrap();
            let wanted = reference.build(&directory.path().join("overlay"), false).unwrap().unwrap();
            assert!(text == wanted, "both print the same");
            drop(reference);
            cpu::of_ended_children().saturating_sub(before)
        });
        let (theirs, ratio) = match theirs {
            Some(theirs) => {
                (format!("{theirs:.1?}"), format!("{:.0}", theirs.as_secs_f64() / ours.as_secs_f64()))
            }
            None => ("-".to_owned(), "-".to_owned()),
        };
        println!(
            "{resources:<11} {ours:<10.1?} {theirs:<16} {ratio:<7} {} MiB",
            cpu::memory("self", "VmHWM") / 1024
        );
        measured.push((resources, ours));
    }
    for pair in measured.windows(2) {
        println!("k from {} to {}: {:.2}", pair[0].0, pair[1].0, cpu::exponent(pair[0], pair[1]));
    }
}

fn files(resources: usize) -> Vec<(String, String)> {
    let mut list = String::from("resources:\n");
    let mut files = Vec::new();
    for number in 0..resources {
        writeln!(list, "- d{number}.yaml").unwrap();
        files.push((format!("base/d{number}.yaml"), deployment(number)));
    }
    files.push(("base/kustomization.yaml".to_owned(), list));
    files.push(("overlay/kustomization.yaml".to_owned(), OVERLAY.to_owned()));
    files
}

const OVERLAY: &str = "resources: [../base]
namePrefix: prod-
namespace: shop
labels:
- pairs: { env: production }
  includeSelectors: true
images:
- { name: registry.example.com/app, newTag: v2 }
replicas:
- { name: d0, count: 5 }
patches:
- target: { kind: Deployment, name: d1.* }
  patch: |-
    - { op: replace, path: /spec/template/spec/containers/0/resources/limits/memory, value: 512Mi }
";

fn deployment(number: usize) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: d{number}
spec:
  replicas: 1
  selector: {{ matchLabels: {{ app: d{number} }} }}
  template:
    metadata: {{ labels: {{ app: d{number} }} }}
    spec:
      containers:
      - name: app
        image: registry.example.com/app:v1
        ports: [{{ containerPort: 8080 }}]
        resources: {{ requests: {{ cpu: 100m, memory: 128Mi }}, limits: {{ memory: 256Mi }} }}
"
    )
}
