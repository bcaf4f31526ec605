//! Open Cluster Management: `work.open-cluster-management.io/v1` and `cluster.open-cluster-management.io/v1`.
//!
//! Only fields that an OCM 1.0 hub knows are written; unknown ones are kept out, because such a hub would prune them.

pub mod cluster;
pub mod work;

pub use cluster::{ManagedCluster, ManagedClusterSpec};
pub use work::{AppliedManifestWork, ManifestWork, ManifestWorkSpec};
