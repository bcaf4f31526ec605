//! The clusters a plan is made for.

use std::collections::BTreeMap;

use crate::{ClusterName, Origin};

/// Clusters by name.
pub type Inventory = BTreeMap<ClusterName, Cluster>;

/// What selectors, templates and overlays can see of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Labels of the ManagedCluster.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the ManagedCluster.
    pub annotations: BTreeMap<String, String>,
    /// Data of its `customization-properties` ConfigMap.
    pub properties: BTreeMap<String, String>,
    /// The `clusters/*.yaml` that declares it, if a source of ours does.
    pub origin: Option<Origin>,
}
