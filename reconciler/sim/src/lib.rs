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
//! | [`pace`] | how long each step takes |
//! | [`faults`] | what fails, and how a test asks for it |
//!
//! Every controller looks at its object and what belongs to it, decides by a pure function, acts, and is woken by watches. What is decided depends on what is
//! stored, never on what was done before, so a restart changes nothing; where all is in place nothing is written. Delays are the only memory.
//!
//! Absent on purpose: our words and kinds; a way into the server other than its API; real containers, networks and volumes.

pub mod faults;
pub mod pace;

use std::sync::Arc;

use apimachinery::{Clock, SystemClock};
use runtime::{Connection, Shutdown};

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
    /// How many nodes there are, 1 to 10.
    pub nodes: u8,
    /// Ends everything.
    pub shutdown: Shutdown,
}

impl Settings {
    /// The machine's clock, the default pace, two nodes.
    pub fn new(cluster: Connection, shutdown: Shutdown) -> Self {
        let clock = Arc::new(SystemClock::default());
        Self { cluster, clock, pace: Pace::default(), seed: 0, nodes: 2, shutdown }
    }
}

/// Plays the cluster until shutdown. Waits for a server that does not answer yet.
pub async fn run(settings: Settings) {
    settings.shutdown.cancelled().await;
}
