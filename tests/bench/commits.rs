//! What the source controller pays per poll and per commit, once the objects are fetched (B1 and B2 of the performance goals).

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use apimachinery::kinds::KindTable;
use git::{CommitId, NewCommit, Repository};
use hub::declare::Commits;

use crate::cpu;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const RUNS: usize = 9;
/// Files in one unit.
const FILES_PER_UNIT: usize = 20;

pub fn run() {
    println!("files    cold, CPU   poll, CPU   one file changed, CPU   documents parsed");
    let mut measured: Vec<(usize, Duration)> = Vec::new();
    for files in SIZES {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let monorepo = Monorepo::new(&repository, files);
        let mut commits = Commits::default();
        let cold = cpu::median(1, || {
            monorepo.declare(&mut commits, monorepo.base);
        });
        let poll = cpu::median(RUNS, || {
            repository.branch_tip("main").unwrap();
        });
        let mut parsed = 0;
        let mut edits = monorepo.edits.iter();
        let change = cpu::median(monorepo.edits.len(), || {
            parsed = monorepo.declare(&mut commits, *edits.next().unwrap());
        });
        println!("{files:<8} {cold:<11.1?} {poll:<11.1?} {change:<23.1?} {parsed}");
        measured.push((files, change));
    }
    for pair in measured.windows(2) {
        println!("k from {} to {} files: {:.2}", pair[0].0, pair[1].0, cpu::exponent(pair[0], pair[1]));
    }
}

/// A repository of many units, and commits that each change one file.
struct Monorepo<'r> {
    repository: &'r Repository,
    base: CommitId,
    edits: Vec<CommitId>,
}

impl<'r> Monorepo<'r> {
    fn new(repository: &'r Repository, files: usize) -> Self {
        let mut all: BTreeMap<String, Vec<u8>> =
            (0..files).map(|file| (path(file), manifest(file, 0))).collect();
        let base = commit(repository, None, &all);
        let mut tip = base;
        let edits = (1..=RUNS).map(|run| {
            let file = files * run / (RUNS + 1);
            all.insert(path(file), manifest(file, run));
            tip = commit(repository, Some(tip), &all);
            tip
        });
        let edits = edits.collect();
        repository.swap_ref("refs/heads/main", None, tip).unwrap();
        // What was fetched is packed; loose objects would measure the file system.
        let packed = Command::new("git")
            .args(["repack", "-adq", "--window=0"])
            .current_dir(repository.path())
            .status();
        assert!(packed.unwrap().success());
        Self { repository, base, edits }
    }

    fn declare(&self, commits: &mut Commits, commit: CommitId) -> u64 {
        let tree = self.repository.tree(commit).unwrap();
        let declared = commits.declare(tree, "", KindTable::built_in()).unwrap();
        assert!(declared.declaration.findings.is_empty(), "{:?}", declared.declaration.findings);
        declared.documents_parsed
    }
}

fn commit(repository: &Repository, parent: Option<CommitId>, files: &BTreeMap<String, Vec<u8>>) -> CommitId {
    let new = NewCommit {
        files: files.clone(),
        parent,
        message: "A change".to_owned(),
        author: ("bench".to_owned(), "bench@example.com".to_owned()),
        time_s: 1,
    };
    repository.commit_files(&new).unwrap().unwrap()
}

fn path(file: usize) -> String {
    let unit = file / FILES_PER_UNIT;
    format!("apps/team{}/unit{unit}/{file}.yaml", unit / 50)
}

fn manifest(file: usize, version: usize) -> Vec<u8> {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: d{file}
  namespace: n{}
spec:
  replicas: {version}
  selector: {{ matchLabels: {{ app: d{file} }} }}
  template:
    metadata: {{ labels: {{ app: d{file} }} }}
    spec:
      containers:
        - name: app
          image: registry.example.com/app:v{version}
          ports: [{{ containerPort: 8080 }}]
          resources: {{ requests: {{ cpu: 100m, memory: 128Mi }}, limits: {{ memory: 256Mi }} }}
",
        file / FILES_PER_UNIT
    )
    .into_bytes()
}
