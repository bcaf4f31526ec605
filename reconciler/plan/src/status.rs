//! What comes back: `.status` of WDS objects, of policies and of units.
//!
//! | module | decides |
//! |---|---|
//! | [`returned`](returned()) | the `.status` of a WDS object: copied from one cluster, merged from several, or cleared |
//! | [`merge`](merge()) | one status out of several |
//! | [`generation`] | what `observedGeneration` means in the WDS |
//! | [`tally`] | what the pairs of a policy or of a unit have come to, taken together |
//! | [`summary`] | policies and units: counts, conditions, failures |

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;
use serde_json::Value;

use crate::health::{Health, HealthState};
use crate::{ClusterName, Pair, UnitName};

pub mod generation;
mod merge;
mod returned;
mod summary;
pub mod tally;
#[cfg(test)]
mod tests;

pub use generation::translate_generation;
pub use merge::merge;
pub use returned::returned;
pub use summary::{policy_status, unit_status};
pub use tally::Tally;

/// Label: a singleton status was returned (KubeStellar's), with value `true`.
pub const SINGLETON_LABEL: &str = "managed-by.kubestellar.io/singletonstatus";
/// Label: a status of several clusters was returned (KubeStellar's), with value `true`.
pub const MULTI_LABEL: &str = "managed-by.kubestellar.io/multiwecstatus";

/// What one cluster returned for one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Returned {
    /// `.status`, an object.
    pub status: Value,
    /// `metadata.generation` in the cluster, if the agent says it.
    pub generation: Option<i64>,
    /// Whether the cluster runs the content that the WDS asks for now: Applied is True at the work's generation, and the work is up to date.
    pub current: bool,
}

/// Everything that decides about the `.status` of one WDS object.
#[derive(Clone, Debug)]
pub struct ReturnInput<'a> {
    /// The object.
    pub id: &'a ObjectId,
    /// `metadata.generation` in the WDS.
    pub generation: Option<i64>,
    /// Whether the WDS object carries [`SINGLETON_LABEL`], and [`MULTI_LABEL`].
    pub labelled: (bool, bool),
    /// `.status` in the WDS.
    pub status: Option<&'a Value>,
    /// A Binding asks for the singleton status.
    pub want_singleton: bool,
    /// A Binding asks for the status of several clusters.
    pub want_multi: bool,
    /// Destinations of all Bindings that ask for either.
    pub qualified: &'a BTreeSet<ClusterName>,
    /// What they returned.
    pub returned: &'a BTreeMap<ClusterName, Returned>,
}

/// What to do with the `.status` of a WDS object.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusChange {
    /// Leave it.
    Keep,
    /// Write this.
    Set(Value),
    /// Write an empty one.
    Clear,
}

/// A decision about one WDS object.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnDecision {
    /// The status. Written before labels are removed and after they are added, so that a crash leaves a label to clean up by.
    pub change: StatusChange,
    /// Whether [`SINGLETON_LABEL`] and [`MULTI_LABEL`] shall be there.
    pub labels: (bool, bool),
    /// For `status.errors` of the policies that asked.
    pub error: Option<String>,
}

/// What a pair has come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PairState {
    /// Not in the mailbox yet, or the agent has not reported.
    Pending(String),
    /// The cluster refuses it: forbidden, invalid, conflict, too large; the agent's words.
    Failed(String),
    /// A policy asks for it, and a source's limits do not allow it; it stays out of the mailbox.
    NotAllowed(String),
    /// Applied; how it is.
    Applied(Health),
}

impl PairState {
    /// Applied, and healthy or paused as asked.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Applied(health) if health.is_ready())
    }

    /// Refused by the cluster or by a source's limits.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotAllowed(_))
    }

    /// Refused, or applied and degraded: it does not get better by waiting.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Failed(_) | Self::NotAllowed(_) => true,
            Self::Applied(health) => health.state == HealthState::Degraded,
            Self::Pending(_) => false,
        }
    }
}

/// What one pair of a policy or of a unit has come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairStatus {
    /// Which.
    pub pair: Pair,
    /// What it has come to.
    pub state: PairState,
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Not known.
    Unknown,
}

/// A condition without its time: the writer keeps the old lastTransitionTime while the status is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `Synced`, `Reconciling`, `Stalled`.
    pub kind: &'static str,
    /// Whether it holds.
    pub status: Truth,
    /// One word.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
}

/// A failure for a status: object, cluster and message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The object; `None` when the whole unit is concerned.
    pub object: Option<ObjectId>,
    /// The cluster, when one is concerned.
    pub cluster: Option<ClusterName>,
    /// What is the matter.
    pub message: String,
}

/// Numbers over pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects.
    pub objects: usize,
    /// Clusters that any of them is placed on.
    pub clusters: usize,
    /// Pairs.
    pub placed: usize,
    /// Pairs that are applied.
    pub applied: usize,
    /// Pairs that are applied and healthy (or suspended as asked).
    pub ready: usize,
}

/// The status of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStatus {
    /// For people, sorted.
    pub errors: Vec<String>,
    /// Synced (all pairs applied) and Ready (all of them healthy, too).
    pub conditions: Vec<Condition>,
    /// How much it places.
    pub counts: Counts,
}

/// The status of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStatus {
    /// The commit it speaks of.
    pub commit: String,
    /// How much it places.
    pub counts: Counts,
    /// The first ten, sorted.
    pub failures: Vec<Failure>,
    /// Ready always; Reconciling and Stalled only while true.
    pub conditions: Vec<Condition>,
}

/// What is known of a unit besides its pairs.
#[derive(Clone, Debug)]
pub struct UnitInput<'a> {
    /// Its name.
    pub unit: &'a UnitName,
    /// The commit that its objects in the WDS come from.
    pub commit: &'a str,
    /// A commit that is being written now, or read and not yet written.
    pub advancing: bool,
    /// Objects that it declares.
    pub objects: usize,
    /// Objects that could not be written to the WDS, contended objects, a unit that could not be rendered.
    pub failures: &'a [Failure],
    /// Its pairs.
    pub tally: &'a Tally,
}
