//! `control.kubestellar.io/v1alpha1`, wire-compatible with KubeStellar 0.30.

pub mod binding;
pub mod policy;
pub mod status;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use binding::{Binding, BindingSpec, ClusterScopeEntry, Destination, NamespaceScopeEntry, Workload};
pub use policy::{BindingPolicy, BindingPolicySpec, DownsyncClause, LabelSelector};
pub use status::{CombinedStatus, CustomTransform, StatusCollector, WorkStatus};

/// The group.
pub const GROUP: &str = "control.kubestellar.io";
/// The only version.
pub const VERSION: &str = "v1alpha1";

/// KubeStellar's own condition type; unlike `metav1.Condition`, reason and message may be empty, and it has no observedGeneration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `Synced`, `StatusCollectorsAvailable`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// CamelCase word.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// What BindingPolicy and Binding report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedStatus {
    /// Conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The generation this speaks of.
    pub observed_generation: i64,
    /// Problems, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// How matched objects travel; stands inline in clauses and entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownsyncModulation {
    /// Create the object in a cluster if absent, never update it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_only: bool,
    /// Names of StatusCollectors to evaluate for the matched objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_collectors: Vec<String>,
    /// Return `.status` when exactly one cluster runs the object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub want_singleton_reported_state: bool,
    /// Return a merged `.status` from several clusters.
    #[serde(default, rename = "wantMultiWECReportedState", skip_serializing_if = "std::ops::Not::not")]
    pub want_multi_wec_reported_state: bool,
}

impl From<&plan::Modulation> for DownsyncModulation {
    fn from(modulation: &plan::Modulation) -> Self {
        Self {
            create_only: modulation.create_only,
            status_collectors: modulation.status_collectors.iter().cloned().collect(),
            want_singleton_reported_state: modulation.want_singleton,
            want_multi_wec_reported_state: modulation.want_multi,
        }
    }
}

impl From<&DownsyncModulation> for plan::Modulation {
    fn from(modulation: &DownsyncModulation) -> Self {
        Self {
            create_only: modulation.create_only,
            status_collectors: modulation.status_collectors.iter().cloned().collect(),
            want_singleton: modulation.want_singleton_reported_state,
            want_multi: modulation.want_multi_wec_reported_state,
        }
    }
}
