//! Wire types: what stands in API servers and in manifests, as Rust structs, and their translation into `plan`'s nouns.
//!
//! | module | group | kinds |
//! |---|---|---|
//! | [`kubestellar`] | `control.kubestellar.io` | BindingPolicy, Binding, StatusCollector, CombinedStatus, CustomTransform, WorkStatus |
//! | [`ocm`] | `work.` and `cluster.open-cluster-management.io` | ManifestWork, AppliedManifestWork, ManagedCluster |
//! | [`gitstellar`] | `gitstellar.io` | GitSource, Unit |
//! | [`crds`] | | the CustomResourceDefinitions of all of them, and which space needs which |
//! | [`parse`] | | from wire types and from plain objects to `plan`'s nouns |
//!
//! KubeStellar's and OCM's kinds are wire-compatible: existing YAML works unchanged. Absent on purpose: any decision.

pub mod crds;
pub mod gitstellar;
pub mod kubestellar;
pub mod ocm;
pub mod parse;
