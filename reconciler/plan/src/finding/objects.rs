//! Checks on single objects.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;

use super::{Finding, Scene, Severity, counted, some_of};
use crate::placement::{Declared, Expansion};
use crate::review::compare::Change;
use crate::select::never::by_resource;
use crate::work::HARD_LIMIT_BYTES;
use crate::{ClusterName, UnitName};

/// All checks on objects.
pub fn all(scene: &Scene) -> Vec<Finding> {
    let head = scene.head;
    let mut findings = duplicates(head);
    findings.extend(head.unnamed.iter().map(unnamed));
    findings.extend(head.objects.values().filter_map(encrypted));
    findings.extend(head.placeable().filter_map(|(_, declared)| too_big(declared)));
    findings.extend(head.placeable().filter_map(|(id, declared)| invalid_narrowing(head, id, declared)));
    findings.extend(head.placeable().filter_map(|(_, declared)| duplicate_keys(head, declared)));
    findings.extend(unbound(scene));
    findings.extend(createonly_dead_changes(scene));
    findings
}

/// Identities that are declared twice: one finding for each two units that share some, naming both places of each.
fn duplicates(head: &Expansion) -> Vec<Finding> {
    let mut shared: BTreeMap<_, Vec<&(Declared, Declared)>> = BTreeMap::new();
    for pair in &head.duplicates {
        shared.entry((pair.0.unit, pair.1.unit)).or_default().push(pair);
    }
    shared.into_iter().map(|((first, other), pairs)| duplicate(first, other, &pairs)).collect()
}

fn duplicate(first: Option<&UnitName>, other: Option<&UnitName>, pairs: &[&(Declared, Declared)]) -> Finding {
    let place = |unit: Option<&UnitName>| unit.map_or("policies/".to_owned(), |unit| format!("unit {unit}"));
    let both = |(first, other): &(Declared, Declared)| {
        format!("{} at {} and {}", first.object.object.id(), first.object.origin, other.object.origin)
    };
    let by = if first == other {
        format!("within {}; the first counts", place(first))
    } else {
        format!("by {}, which counts, and by {}", place(first), place(other))
    };
    let message = format!(
        "{} declared twice, {by}: {}. Remove one",
        if pairs.len() == 1 { "1 object is".to_owned() } else { format!("{} objects are", pairs.len()) },
        some_of(pairs.iter().map(|pair| both(pair)), 3),
    );
    let origin = pairs.first().map(|(_, other)| other.object.origin.clone());
    Finding::blocker("duplicate-object", origin, message)
}

fn unnamed(declared: &Declared) -> Finding {
    let kind = declared.object.object.id().group_kind();
    let message = format!(
        "a {kind} has no metadata.name: what is applied again and again needs one, so it is not placed"
    );
    Finding::warning("object-unnamed", Some(declared.object.origin.clone()), message)
}

fn encrypted(declared: &Declared) -> Option<Finding> {
    let id = declared.object.object.id();
    let message = format!("{id} is SOPS cipher text and is not applied; nothing here can decrypt it yet");
    declared
        .object
        .encrypted
        .then(|| Finding::warning("encrypted-object", Some(declared.object.origin.clone()), message))
}

/// OCM's webhook refuses a ManifestWork of more than 500 KiB, and an object cannot be split.
fn too_big(declared: &Declared) -> Option<Finding> {
    let bytes = declared.object.object.bytes().len();
    if bytes <= HARD_LIMIT_BYTES {
        return None;
    }
    let message = format!(
        "{} has {} KiB; a mailbox takes objects up to {} KiB. Split it",
        declared.object.object.id(),
        bytes.div_ceil(1024),
        HARD_LIMIT_BYTES / 1024,
    );
    Some(Finding::blocker("object-too-big", Some(declared.object.origin.clone()), message))
}

fn invalid_narrowing(head: &Expansion, id: &ObjectId, declared: &Declared) -> Option<Finding> {
    let problem = head.index.object(id)?.narrowing.as_ref()?.problem()?;
    let message =
        format!("{id}: annotation gitstellar.io/cluster-selector: {problem}. The object goes to no cluster");
    Some(Finding::blocker("policy-invalid-selector", Some(declared.object.origin.clone()), message))
}

/// Lists in which one key stands twice: server-side apply refuses them.
fn duplicate_keys(head: &Expansion, declared: &Declared) -> Option<Finding> {
    let paths = head.kinds.duplicate_list_keys(&declared.object.object);
    if paths.is_empty() {
        return None;
    }
    let message = format!(
        "{}: {} twice in one list; server-side apply refuses that, so the object is written with Update. Remove the one that has no effect",
        declared.object.object.id(),
        some_of(paths, 3),
    );
    Some(Finding::warning("ssa-duplicate-key", Some(declared.object.origin.clone()), message))
}

/// Objects that no policy selects: one finding for each unit, and one for those among them that were selected before.
fn unbound(scene: &Scene) -> Vec<Finding> {
    let mut groups: BTreeMap<_, Vec<(&ObjectId, &Declared)>> = BTreeMap::new();
    for (id, declared) in scene.head.placeable() {
        if scene.head.index.policies_of(id).is_empty() {
            let was_bound = scene.base.is_some_and(|base| !base.index.policies_of(id).is_empty());
            let severity = if was_bound { Severity::Warning } else { Severity::Note };
            groups.entry((severity, declared.unit)).or_default().push((id, declared));
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    for ((severity, _), objects) in groups {
        let any_more = if severity == Severity::Warning { " any more" } else { "" };
        let names = some_of(objects.iter().map(|(id, _)| id), 5);
        let message = format!("no policy selects {}{any_more}: {names}", counted(objects.len(), "object"));
        let origin = objects.first().map(|(_, declared)| declared.object.origin.clone());
        findings.push(Finding { severity, id: "object-unbound", origin, message });
    }
    findings.extend(never_selected(scene));
    findings
}

/// Objects of a unit that no policy can ever select. Policies and our own kinds are not meant to be, so nothing is said of them.
fn never_selected(scene: &Scene) -> impl Iterator<Item = Finding> {
    let steering = |id: &ObjectId| id.group == crate::policy::CONTROL_GROUP || id.group == crate::OUR_GROUP;
    scene.head.objects.iter().filter(move |(id, _)| !steering(id)).filter_map(|(id, declared)| {
        let by_kind = || by_resource(&scene.head.resource(id));
        let why = scene.head.index.never_selected(id).or_else(by_kind)?;
        let message = format!("{id} is never selected by a policy: {why}");
        Some(Finding::note("object-unbound", Some(declared.object.origin.clone()), message))
    })
}

/// Changed content that create-only clusters will not see: one finding for each object.
fn createonly_dead_changes(scene: &Scene) -> Vec<Finding> {
    let dead = |pair: &&crate::review::compare::PairChange| {
        pair.change == Change::Change && pair.head.is_some_and(|placing| placing.modulation.create_only)
    };
    let by_object = scene.by_object().filter_map(|(object, pairs)| {
        let clusters: BTreeSet<&ClusterName> = pairs.iter().filter(dead).map(|pair| pair.cluster).collect();
        let message = format!(
            "{object} changed but is create-only: the old content stays on {}. Delete it there, or drop createOnly",
            some_of(&clusters, 5)
        );
        (!clusters.is_empty()).then(|| Finding::warning("createonly-dead-change", scene.origin(object), message))
    });
    by_object.collect()
}
