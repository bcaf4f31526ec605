//! What a person who runs `gitstellar up` waits for, and what it costs while nothing happens: the program itself, one simulated cluster per file of `clusters/`.
//!
//! `GITSTELLAR_BENCH_REPOSITORY` names another directory than `examples/repo-layout`; it is copied, and its units are discovered.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use git::{CommitId, NewCommit, Repository, Swap};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::mpsc;

use crate::cpu;

const GITSTELLAR: &str = env!("CARGO_BIN_EXE_gitstellar");
const COLD_STARTS: usize = 3;
const COMMITS: u32 = 40;
/// How long nothing happens while the idle process is looked at.
const IDLE: Duration = Duration::from_secs(60);
/// Nobody waits longer.
const LIMIT: Duration = Duration::from_secs(120);

pub fn run() {
    let desk = Desk::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("repository: {} files", desk.files.len());
    for _ in 0..COLD_STARTS {
        let data = tempfile::tempdir().unwrap();
        println!("cold up --until-synced: {:.2?}", desk.until_synced(data.path()));
    }
    let data = tempfile::tempdir().unwrap();
    desk.until_synced(data.path());
    println!("up --until-synced once more: {:.2?}", desk.until_synced(data.path()));
    let up = Up::start(&desk, data.path());
    let taken = runtime.block_on(arrivals(&desk, &data.path().join("kubeconfig")));
    let at = |percent: usize| taken[(taken.len() - 1) * percent / 100];
    println!(
        "a commit of one line until it is in all clusters: p50 {:.1?}, p90 {:.1?}, most {:.1?} ({} commits)",
        at(50),
        at(90),
        at(100),
        taken.len()
    );
    up.idle();
}

/// A repository for one person.
struct Desk {
    directory: tempfile::TempDir,
    repository: Repository,
    files: BTreeMap<String, Vec<u8>>,
    clusters: BTreeSet<String>,
}

impl Desk {
    fn new() -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/repo-layout");
        let origin = std::env::var_os("GITSTELLAR_BENCH_REPOSITORY").map_or(example, PathBuf::from);
        let mut files = BTreeMap::new();
        read(&origin, "", &mut files);
        let named = |path: &String| Some(path.strip_prefix("clusters/")?.strip_suffix(".yaml")?.to_owned());
        let clusters = files.keys().filter_map(named).collect();
        files.remove("gitstellar.yaml");
        files.insert("apps/arrival/arrival.yaml".to_owned(), arrival(0));
        files.insert("policies/arrival.yaml".to_owned(), POLICY.into());
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let desk = Self { directory, repository, files, clusters };
        desk.commit(None, 0);
        desk
    }

    /// A commit in which the object to watch has this number.
    fn commit(&self, parent: Option<CommitId>, number: u32) -> CommitId {
        let mut files = self.files.clone();
        files.remove("gitstellar.yaml");
        files.insert("apps/arrival/arrival.yaml".to_owned(), arrival(number));
        let new = NewCommit {
            files,
            parent,
            message: format!("Number {number}"),
            author: ("bench".to_owned(), "bench@example.com".to_owned()),
            time_s: 1,
        };
        let commit = self.repository.commit_files(&new).unwrap().unwrap();
        assert_eq!(self.repository.swap_ref("refs/heads/main", parent, commit).unwrap(), Swap::Moved);
        commit
    }

    fn up(&self, data: &Path) -> Command {
        let mut command = Command::new(GITSTELLAR);
        command.arg("up").arg(self.directory.path()).args(["--ref", "main"]).arg("--data-dir").arg(data);
        command
    }

    fn until_synced(&self, data: &Path) -> Duration {
        let before = Instant::now();
        let output = self.up(data).arg("--until-synced").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        before.elapsed()
    }
}

fn read(directory: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let name = name.to_str().unwrap();
        if name == ".git" {
            continue;
        }
        let place = format!("{prefix}{name}");
        if path.is_dir() {
            read(&path, &format!("{place}/"), files);
        } else {
            files.insert(place, std::fs::read(path).unwrap());
        }
    }
}

const POLICY: &str = "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: { name: arrival }
spec:
  clusterSelectors: [{}]
  downsync: [{ objectSelectors: [{ matchLabels: { gitstellar.io/unit: arrival } }] }]
";

fn arrival(number: u32) -> Vec<u8> {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: arrival, namespace: default }}\ndata: {{ number: \"{number}\" }}\n"
    )
    .into_bytes()
}

/// How long each commit took, sorted.
async fn arrivals(desk: &Desk, kubeconfig: &Path) -> Vec<Duration> {
    let (seen, mut arriving) = mpsc::unbounded_channel();
    for cluster in desk.clusters.clone() {
        let client = client(kubeconfig, &cluster).await;
        tokio::spawn(follow(client, cluster, seen.clone()));
    }
    let mut tip = desk.repository.branch_tip("main").unwrap();
    let mut taken = Vec::new();
    wait(&mut arriving, &desk.clusters, 0).await;
    for number in 1..=COMMITS {
        // People do not commit while the commit before is on its way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = Instant::now();
        tip = desk.commit(Some(tip), number);
        wait(&mut arriving, &desk.clusters, number).await;
        taken.push(before.elapsed());
    }
    taken.sort();
    taken
}

async fn client(kubeconfig: &Path, context: &str) -> Client {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..Default::default() };
    // The program writes it once its spaces are there.
    let read = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config = Config::from_custom_kubeconfig(read, &options).await.unwrap();
    config.read_timeout = None;
    Client::try_from(config).unwrap()
}

/// Tells of every number that a cluster gets to see.
async fn follow(client: Client, cluster: String, seen: mpsc::UnboundedSender<(String, u32)>) {
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let wanted = WatchParams::default().fields("metadata.name=arrival").timeout(290);
    loop {
        let Ok(events) = maps.watch(&wanted, "0").await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let mut events = events.boxed();
        while let Ok(Some(event)) = events.try_next().await {
            let (WatchEvent::Added(map) | WatchEvent::Modified(map)) = event else { continue };
            let number = map.data.and_then(|data| data.get("number")?.parse().ok());
            seen.send((cluster.clone(), number.unwrap_or_default())).unwrap();
        }
    }
}

async fn wait(
    arriving: &mut mpsc::UnboundedReceiver<(String, u32)>,
    clusters: &BTreeSet<String>,
    wanted: u32,
) {
    let mut missing = clusters.clone();
    while !missing.is_empty() {
        let (cluster, number) = tokio::time::timeout(LIMIT, arriving.recv()).await.unwrap().unwrap();
        if number == wanted {
            missing.remove(&cluster);
        }
    }
}

/// A running `up`, ended with this process's interest in it.
struct Up(Child);

impl Up {
    fn start(desk: &Desk, data: &Path) -> Self {
        Self(desk.up(data).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn idle(&self) {
        // The status commits of the last edits are written, and allocations of busy moments are given back.
        std::thread::sleep(Duration::from_secs(20));
        let process = self.0.id().to_string();
        let before = cpu::of(self.0.id());
        std::thread::sleep(IDLE);
        let busy = cpu::of(self.0.id()).saturating_sub(before);
        println!(
            "idle: {:.2} % of one core, {} MiB resident ({} MiB at most)",
            100.0 * busy.as_secs_f64() / IDLE.as_secs_f64(),
            cpu::memory(&process, "VmRSS") / 1024,
            cpu::memory(&process, "VmHWM") / 1024
        );
        std::io::stdout().flush().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
