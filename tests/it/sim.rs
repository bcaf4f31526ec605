//! A simulated cluster, as kubectl sees it.
//!
//! A story gets a [`Cluster`], an API server without workload controllers that the simulation plays on, and runs against a real kube-apiserver **and** against the
//! embedded space. The trial is called `sim::<sentence>::<target>`.

mod deployments;
mod surroundings;
mod workloads;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use apimachinery::{Clock, SystemClock, Timestamp};
use jiff::SignedDuration;
use libtest_mimic::Trial;
use runtime::{Connection, Shutdown};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::conformance::Target;
use crate::harness::{Outcome, block_on, eventually, spawn, trial};
use crate::kube;

/// What a story is.
type Story = fn(&Cluster) -> Outcome;

/// The stories of a file, named by their functions.
macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), $name as $crate::sim::Story)),+]
    };
}
use stories;

/// How long a cluster may take for anything, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Looks at which nothing may have changed.
const QUIET_LOOKS: usize = 20;

/// What a simulated cluster writes.
const SIMULATED: [&str; 14] = [
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/events",
    "/api/v1/endpoints",
    "/api/v1/services",
    "/api/v1/persistentvolumes",
    "/api/v1/persistentvolumeclaims",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/controllerrevisions",
    "/apis/batch/v1/jobs",
    "/apis/discovery.k8s.io/v1/endpointslices",
];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (sentence, story) in
        [deployments::STORIES, surroundings::STORIES, workloads::STORIES].into_iter().flatten()
    {
        trials.push(trial(format!("sim::{sentence}::real"), move || on_a_real_server(*story)));
        trials.push(trial(format!("sim::{sentence}::space"), move || on_a_space(*story)));
    }
    trials
}

/// A simulated cluster that belongs to one story. Namespace `shop` is there and empty.
struct Cluster {
    target: Target,
    kubeconfig: PathBuf,
    playing: Mutex<Option<Playing>>,
}

/// A simulation that runs.
struct Playing {
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Playing {
    /// Ends it; nothing goes on afterwards.
    fn stop(self) -> Outcome {
        self.shutdown.cancel();
        Ok(block_on(self.task)?)
    }
}

/// The machine's clock, put forward to shortly before a full minute, so that schedules need not be waited for.
struct EarlyClock {
    system: SystemClock,
    ahead: SignedDuration,
}

impl EarlyClock {
    fn new() -> Self {
        let now = Timestamp::now();
        let into_minute = now.as_second().rem_euclid(60);
        Self {
            system: SystemClock::default(),
            ahead: SignedDuration::from_secs((55 - into_minute).rem_euclid(60)),
        }
    }
}

impl Clock for EarlyClock {
    fn now(&self) -> Timestamp {
        self.system.now() + self.ahead
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }
}

fn on_a_real_server(story: Story) -> Outcome {
    let servers = kube::servers(1)?;
    let server = servers.get(0);
    Cluster::new(server.target().clone(), server.kubeconfig_path()).play(story)
}

fn on_a_space(story: Story) -> Outcome {
    let server = block_on(space::Server::open(space::Options::in_memory()))?;
    block_on(server.create_space("cluster1"))?;
    let target = Target::new(&server.url("cluster1"), server.admin_token(), server.ca_pem())?;
    let directory = tempfile::tempdir()?;
    let kubeconfig = directory.path().join("kubeconfig");
    std::fs::write(&kubeconfig, target.kubeconfig())?;
    let outcome = Cluster::new(target, kubeconfig).play(story);
    block_on(server.shutdown());
    outcome
}

impl Cluster {
    fn new(target: Target, kubeconfig: PathBuf) -> Self {
        Self { target, kubeconfig, playing: Mutex::default() }
    }

    /// Simulates while the story runs; nothing goes on afterwards.
    fn play(&self, story: Story) -> Outcome {
        self.begin_again()?;
        let outcome = self.kubectl(&["create", "namespace", "shop"]).and_then(|_| story(self));
        let seen = outcome
            .is_err()
            .then(|| self.kubectl(&["-n", "shop", "get", "all,controllerrevisions,events", "-o", "yaml"]));
        if let Some(playing) = self.playing().take() {
            playing.stop()?;
        }
        match seen {
            Some(seen) => {
                outcome.with_context(|| format!("the cluster at the end:\n{}", seen.unwrap_or_default()))
            }
            None => outcome,
        }
    }

    /// Ends the simulation if it runs, and begins another one, which knows nothing of the first.
    fn begin_again(&self) -> Outcome {
        let mut playing = self.playing();
        if let Some(playing) = playing.take() {
            playing.stop()?;
        }
        let shutdown = Shutdown::new();
        let connection = block_on(Connection::from_kubeconfig("cluster1", &self.kubeconfig, None))?;
        let settings = sim::Settings {
            pace: sim::Pace::instant(),
            clock: Arc::new(EarlyClock::new()),
            ..sim::Settings::new(connection, shutdown.clone())
        };
        let task = spawn(sim::run(settings));
        *playing = Some(Playing { shutdown, task });
        Ok(())
    }

    fn playing(&self) -> MutexGuard<'_, Option<Playing>> {
        self.playing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What kubectl prints, if it is content.
    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        kube::kubectl_ok(&self.kubeconfig, arguments)
    }

    /// `kubectl -n shop apply -f -`.
    fn apply(&self, manifest: &str) -> Outcome {
        let applied =
            kube::kubectl_with_input(&self.kubeconfig, &["-n", "shop", "apply", "-f", "-"], manifest)?;
        ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        Ok(())
    }

    /// Waits with kubectl until the rollout of `deployment/web` and the like is done.
    fn rolled_out(&self, what: &str) -> Outcome {
        let said = self.kubectl(&["-n", "shop", "rollout", "status", what, "--timeout=60s"])?;
        ensure!(said.contains("successfully rolled out") || said.contains("complete"), "{said}");
        Ok(())
    }

    /// An object.
    fn get(&self, path: &str) -> Result<Value> {
        self.target.get(path)?.expect(200)
    }

    /// The items of a list.
    fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut list = self.get(path)?;
        Ok(serde_json::from_value(list["items"].take())?)
    }

    /// Pods in `shop`, sorted by name.
    fn pods(&self) -> Result<Vec<Value>> {
        self.list("/api/v1/namespaces/shop/pods")
    }

    /// Waits until an object is as wanted.
    fn until(&self, what: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        eventually(what, LIMIT, || {
            last = self.target.get(path)?.body;
            Ok(wanted(&last).then(|| last.clone()))
        })
        .with_context(|| format!("last seen: {last}"))
    }

    /// Waits until the pods in `shop` are as wanted.
    fn until_pods(&self, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        eventually(what, LIMIT, || {
            let pods = self.pods()?;
            Ok(wanted(&pods).then_some(pods))
        })
    }

    /// Waits until nothing is written any more. Then nothing is, however often one looks: whoever would write in a circle does so within these looks.
    fn until_quiet(&self) -> Outcome {
        let mut last = self.versions()?;
        let mut same_for = 0;
        eventually("nothing is written", LIMIT, || {
            let now = self.versions()?;
            same_for = if now == last { same_for + 1 } else { 0 };
            last = now;
            Ok((same_for == QUIET_LOOKS).then_some(()))
        })
    }

    /// The resourceVersion of every object of the kinds that are simulated.
    fn versions(&self) -> Result<Vec<(String, String)>> {
        let mut versions = Vec::new();
        for path in SIMULATED {
            for object in self.list(path)? {
                let metadata = &object["metadata"];
                let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
                versions.push((format!("{path} {}", text("name")), text("resourceVersion")));
            }
        }
        Ok(versions)
    }
}

/// Why a pod's first container waits.
fn waits_for(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

/// The condition of a type.
fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}
