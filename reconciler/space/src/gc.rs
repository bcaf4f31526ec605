//! Owner references: background and foreground deletion, orphaning. Driven by [`crate::controllers`].
//!
//! Rules: `pkg/controller/garbagecollector`. A reference counts only with its UID. A dependent goes when all its owners are gone; a finalizer on the owner
//! lets it wait for its dependents (`foregroundDeletion`) or release them first (`orphan`). An owner of an unknown kind, and a namespaced owner of a
//! cluster-scoped object, decide nothing: nothing is deleted on doubt.

mod act;
mod decide;
mod deletion;
mod graph;

pub(crate) use act::{Writes, collect, delete, owners};
pub(crate) use deletion::{is_held, without_finalizer};
pub(crate) use graph::{Graph, may_have_owners};

/// The finalizer of an owner that waits for its dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of an owner whose dependents are to be released.
pub(crate) const ORPHAN: &str = "orphan";

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &serde_json::Value) -> Vec<&str> {
    let list = object.pointer("/metadata/finalizers").and_then(serde_json::Value::as_array);
    list.into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
}

#[cfg(test)]
mod tests;
