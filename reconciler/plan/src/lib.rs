//! What shall run where, and why: pure functions over values.
//!
//! The controllers execute the very functions that a review prints, so a preview cannot differ from what happens.
//! Data flows through the modules in this order:
//!
//! | module | decides |
//! |---|---|
//! | [`names`] | names of sources, units, policies, clusters |
//! | [`declared`] | nouns: what a source declares at one commit |
//! | [`policy`] | nouns: a BindingPolicy with its clauses and its modulation |
//! | [`inventory`] | nouns: the clusters, their labels and properties |
//! | [`kinds`] | plural, scope and versions of the kinds in a plan |
//! | [`select`] | which policy selects which object for which cluster |
//! | [`placement`] | a declaration and an inventory, expanded into pairs as a real WDS would |
//! | [`budget`] | which removals wait for approval |
//! | [`finding`] | diagnostics with stable ids, and the checks that raise them |
//! | [`review`] | what a change does to placements, as JSON, Markdown and text |
//! | [`explain`] | why an object is, or is not, on a cluster |
//! | [`allow`] | what a source may write, and where it may place it |
//! | [`intent`] | what was asked for, out of a stored object |
//! | [`sync`] | from a declaration to writes in the WDS |
//! | [`binding`] | from a policy to its Binding |
//! | [`work`] | what stands in the ManifestWorks of one mailbox |
//! | [`health`] | whether an object works in a cluster |
//! | [`status`] | what comes back: of objects, policies, units |
//! | [`report`] | the text of the status ref |
//! | `escape` | text of strangers, made harmless for whoever prints it |
//!
//! Absent on purpose: tokio, a Kubernetes client, git, HTTP, the clock, environment, files, randomness. Nothing here iterates
//! over a hash map: equal input gives byte-equal output, wherever and as whoever it runs.

pub mod allow;
pub mod binding;
pub mod budget;
pub mod declared;
mod escape;
pub mod explain;
pub mod finding;
pub mod health;
pub mod intent;
pub mod inventory;
pub mod kinds;
pub mod names;
pub mod placement;
pub mod policy;
pub mod report;
pub mod review;
#[cfg(test)]
mod scenario;
pub mod select;
pub mod status;
pub mod sync;
pub mod work;

pub use allow::{Allow, Grants, Withheld};
pub use declared::{Declaration, DeclaredObject, Origin, Unit};
pub use finding::{Finding, FindingId, Severity};
pub use inventory::{Cluster, Inventory};
pub use names::{
    CLUSTER_SELECTOR_ANNOTATION, ClusterName, OUR_GROUP, Pair, PolicyName, SYSTEM_NAMESPACE, SourceName,
    UNIT_LABEL, UnitName, WdsName,
};
pub use policy::{Clause, Match, Modulation, ObjectTest, Policy};
