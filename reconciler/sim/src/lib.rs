//! Plays the workload controllers and the nodes of one cluster, through the API only.
//!
//! Pointed at an embedded space, or at a kube-apiserver without controllers of its own, it makes Deployments roll out, Jobs complete and Services get
//! addresses, at a [`Pace`] that the caller chooses, and lets them fail where [`faults`] ask for it.
//!
//! ```ignore
//! tokio::spawn(sim::run(sim::Settings::new(cluster, shutdown)));
//! ```
//!
//! | module | plays |
//! |---|---|
//! | `deployment`, `replicaset`, `statefulset`, `daemonset`, `job`, `cronjob` | the controllers of workloads |
//! | `scheduler`, `kubelet`, `node` | the nodes |
//! | `service`, `endpoints`, `volume`, `disruption`, `autoscaler` | the controllers around them |
//! | `revision`, `owner`, `template`, `pod` | what several controllers know about histories, owners, templates and pods |
//! | [`pace`] | how long each step takes |
//! | [`faults`] | what fails, and how a test asks for it |
//! | `kind`, `live`, `condition`, `naming` | kinds, objects and their fields, conditions, invented names |
//! | `queue`, `memory`, `step`, `act`, `events`, `world` | the machinery: whom a change concerns, delays, decisions as values, writes, events |
//!
//! Every controller looks at its object and what belongs to it, decides by a pure function, acts, and is woken by watches. What is decided depends on what is
//! stored, never on what was done before, so a restart changes nothing; where all is in place nothing is written. Delays are the only memory.
//!
//! Absent on purpose: our words and kinds; a way into the server other than its API; real containers, networks and volumes.

pub mod faults;
pub mod pace;

mod act;
mod autoscaler;
mod condition;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod endpoints;
mod events;
mod job;
mod kind;
mod kubelet;
mod live;
mod memory;
mod naming;
mod node;
mod owner;
mod pod;
mod queue;
mod replicaset;
mod revision;
mod scheduler;
mod service;
mod statefulset;
mod step;
mod template;
mod volume;
mod world;

use std::sync::Arc;
use std::time::Duration;

use apimachinery::kinds::KindTable;
use apimachinery::{Clock, SystemClock};
use runtime::{ApiError, Connection, Mirror, Scope, Served, Shutdown, Wake};

use kind::Kind;
use memory::Memory;
use queue::{Controller, Dispatch, Queue};
use world::World;

pub use pace::Pace;

/// What a simulated cluster is told at start.
pub struct Settings {
    /// The cluster. Its name becomes part of the names of its nodes.
    pub cluster: Connection,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How long each step takes.
    pub pace: Pace,
    /// Names that a cluster invents (pods, endpoint slices) follow from this number and from the UIDs of their owners.
    pub seed: u64,
    /// Ends everything.
    pub shutdown: Shutdown,
}

impl Settings {
    /// The machine's clock and the default pace.
    pub fn new(cluster: Connection, shutdown: Shutdown) -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { cluster, clock, pace: Pace::default(), seed: 0, shutdown }
    }
}

/// Plays the cluster until shutdown. Waits for a server that does not answer yet.
pub async fn run(settings: Settings) {
    let shutdown = settings.shutdown.clone();
    tokio::select! {
        () = play(settings) => {}
        () = shutdown.cancelled() => {}
    }
}

/// All controllers, each once.
fn controllers() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(node::Nodes),
        Box::new(deployment::Deployments),
        Box::new(replicaset::ReplicaSets { kind: Kind::ReplicaSet }),
        Box::new(replicaset::ReplicaSets { kind: Kind::ReplicationController }),
        Box::new(statefulset::StatefulSets),
        Box::new(daemonset::DaemonSets),
        Box::new(job::Jobs),
        Box::new(cronjob::CronJobs),
        Box::new(scheduler::Scheduler),
        Box::new(kubelet::Kubelet::default()),
        Box::new(volume::Claims),
        Box::new(volume::Volumes),
        Box::new(endpoints::EndpointsOfServices),
        Box::new(service::LoadBalancers::new(Kind::Service)),
        Box::new(service::LoadBalancers::new(Kind::Ingress)),
        Box::new(disruption::Budgets),
        Box::new(autoscaler::Autoscalers),
    ]
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

async fn play(settings: Settings) {
    let cluster = settings.cluster.clone();
    let (events, write_events) =
        events::recorder(cluster.clone(), settings.clock.clone(), settings.shutdown.clone());
    let scope = Scope { drop_managed_fields: true, ..Scope::default() };
    let mirror = Mirror::new(cluster.clone(), scope, settings.shutdown.clone());
    let mut world = World {
        cluster,
        mirror,
        clock: settings.clock,
        pace: settings.pace,
        seed: settings.seed,
        version: KindTable::release().to_owned(),
        memory: Memory::default(),
        events,
        quota: tokio::sync::Mutex::default(),
    };
    let mut pause = FIRST_PAUSE;
    while let Err(error) = begin(&mut world).await {
        tracing::warn!(cluster = world.cluster.name(), %error, "the simulated cluster cannot start yet");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let world = Arc::new(world);
    let queues: Arc<Vec<Queue>> = Arc::new(controllers().into_iter().map(Queue::new).collect());
    let wake = Wake::new();
    let changes = world.mirror.subscribe(wake.clone());
    let dispatch = Dispatch { world: Arc::clone(&world), queues: Arc::clone(&queues), changes, wake };
    let working = queues.iter().map(|queue| queue.run(&world, settings.shutdown.clone()));
    let dispatching = dispatch.run(settings.shutdown.clone());
    tokio::join!(futures::future::join_all(working), dispatching, write_events);
}

/// Asks the server what it is and what it serves, looks at everything once, and makes the nodes.
async fn begin(world: &mut World) -> Result<(), ApiError> {
    let version = world.cluster.get_text("/version").await?;
    if let Some(version) = serde_json::from_str(&version)
        .ok()
        .map(|v: serde_json::Value| live::text(&v, "/gitVersion").to_owned())
    {
        world.version = version;
    }
    let served = Served::discover(&world.cluster).await?;
    for kind in Kind::all().filter(|kind| *kind != Kind::Event) {
        // What a server does not serve is not there.
        if served.resource(&kind.resource().group_resource()).is_some() {
            world.mirror.watch(kind.resource());
        }
    }
    world.mirror.synced().await;
    node::furnish(world).await
}
