//! Whether an object works in a cluster, from the `.status` that the cluster returns. The rules are those that kubectl, kstatus and Argo CD agree on.

use apimachinery::GroupKind;
use serde_json::Value;

/// The verdict, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthState {
    /// It does what was asked for.
    Healthy,
    /// It is paused because it was asked to be.
    Suspended,
    /// On its way.
    Progressing,
    /// Nothing is known.
    #[default]
    Unknown,
    /// It failed, or cannot get further by itself.
    Degraded,
}

/// A verdict with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Health {
    /// The verdict.
    pub state: HealthState,
    /// One word as in a condition, `ImagePullBackOff`; may be empty.
    pub reason: String,
    /// One sentence for people; may be empty.
    pub message: String,
}

/// What a cluster says of one object.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// Its kind.
    pub kind: &'a GroupKind,
    /// What was shipped: rules look at `spec.replicas`, `spec.suspend`, `spec.type`.
    pub content: &'a Value,
    /// `.status` in the cluster; `None` when nothing has come back.
    pub status: Option<&'a Value>,
    /// `metadata.generation` in the cluster, if known.
    pub generation: Option<i64>,
}

/// The health of an object that is applied.
pub fn health(reported: &Reported<'_>) -> Health {
    let _ = reported;
    todo!()
}
