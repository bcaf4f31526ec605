//! The order of writes: what others need comes first, what selects comes last.

use std::collections::BTreeSet;

use apimachinery::kinds::{CustomKind, KindTable};
use apimachinery::{GroupVersionKind, ObjectId};

use super::{ApplyStep, SyncStep};
use crate::policy::is_policy;
use crate::work;

/// The stage of an object: CRDs, Namespaces, everything else, transforms and collectors, policies. A policy comes when what it selects is there.
pub fn stage(id: &ObjectId) -> u8 {
    match (id.group.as_str(), id.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => 0,
        ("", "Namespace") => 1,
        _ if is_policy(id) => 4,
        (crate::policy::CONTROL_GROUP, _) => 3,
        _ => 2,
    }
}

/// Inside a stage objects go in the order in which OCM applies kinds, then by name.
fn key(id: &ObjectId) -> (u8, usize, ObjectId) {
    (stage(id), work::order::rank(&id.group_kind()), id.clone())
}

/// The writes in order. Before the first object of a kind that one of the written CRDs brings there is a wait for it; a kind that nobody brings is not waited for.
pub(super) fn with_waits(mut applies: Vec<ApplyStep>, kinds: &KindTable) -> Vec<SyncStep> {
    applies.sort_by_cached_key(|step| key(&step.object.id()));
    let mut coming: BTreeSet<GroupVersionKind> = applies.iter().flat_map(served_by).collect();
    coming.retain(|gvk| kinds.kind(gvk).is_none());
    let mut steps = Vec::with_capacity(applies.len());
    for step in applies {
        let gvk = &step.object.header().gvk;
        if coming.remove(gvk) {
            steps.push(SyncStep::WaitForKind(gvk.clone()));
        }
        steps.push(SyncStep::Apply(step));
    }
    steps
}

/// The kinds that a CRD serves once it is written.
fn served_by(step: &ApplyStep) -> Vec<GroupVersionKind> {
    if stage(&step.object.id()) != 0 {
        return Vec::new();
    }
    let custom = CustomKind::from_crd(&step.object.to_value());
    custom.iter().flat_map(CustomKind::resources).map(|resource| resource.gvk).collect()
}

/// Removals in the reverse order: what selects goes before what is selected, a kind after its objects.
pub(super) fn removals_last(mut prunes: Vec<SyncStep>) -> Vec<SyncStep> {
    prunes.sort_by_cached_key(|step| match step {
        SyncStep::Prune { id, .. } => Some(std::cmp::Reverse(key(id))),
        SyncStep::Apply(_) | SyncStep::WaitForKind(_) => None,
    });
    prunes
}
