//! Binding: what a BindingPolicy came to, as concrete objects and clusters.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DownsyncModulation, ReportedStatus};

/// Concrete objects and concrete clusters. Bears the name of its BindingPolicy; one without a policy is an API in its own right.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "control.kubestellar.io",
    version = "v1alpha1",
    kind = "Binding",
    plural = "bindings",
    shortname = "bdg",
    status = "ReportedStatus",
    derive = "PartialEq",
    doc = "Concrete objects of the workload description space and the clusters that they go to."
)]
#[serde(rename_all = "camelCase")]
pub struct BindingSpec {
    /// The objects.
    #[serde(default)]
    pub workload: Workload,
    /// The clusters, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["clusterId"]))]
    pub destinations: Vec<Destination>,
}

/// The objects of a Binding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Cluster-scoped ones, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["group", "resource", "name"]))]
    pub cluster_scope: Vec<ClusterScopeEntry>,
    /// Namespaced ones, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["group", "resource", "namespace", "name"]))]
    pub namespace_scope: Vec<NamespaceScopeEntry>,
}

/// One cluster-scoped object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterScopeEntry {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Lowercase plural.
    pub resource: String,
    /// Name.
    pub name: String,
    /// The object's resourceVersion when the entry was written; not kept up to date by status-only writes.
    pub resource_version: String,
    /// Merged over clauses.
    #[serde(flatten)]
    pub modulation: DownsyncModulation,
}

/// One namespaced object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceScopeEntry {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Lowercase plural.
    pub resource: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// As in [`ClusterScopeEntry`].
    pub resource_version: String,
    /// Merged over clauses.
    #[serde(flatten)]
    pub modulation: DownsyncModulation,
}

/// One cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Name of the ManagedCluster.
    pub cluster_id: String,
}
