//! Checks on what disappears.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;

use super::scene::removed;
use super::{Finding, Scene, counted, some_of};
use crate::ClusterName;
use crate::budget::{is_container, lives_in};
use crate::review::compare::PairChange;

/// All checks on removals.
pub fn all(scene: &Scene) -> Vec<Finding> {
    let mut findings: Vec<Finding> = containers(scene);
    findings.extend(last_placements_lost(scene));
    findings.extend(held(scene));
    findings
}

/// CRDs and Namespaces that disappear from a cluster.
fn containers(scene: &Scene) -> Vec<Finding> {
    let gone = scene.by_object().filter(|(object, _)| is_container(object));
    gone.filter_map(|(object, pairs)| {
        let removed = removed(pairs);
        (!removed.is_empty()).then(|| container(scene, object, &removed))
    })
    .collect()
}

fn container(scene: &Scene, object: &ObjectId, removed: &[&PairChange]) -> Finding {
    let clusters: BTreeSet<&ClusterName> = removed.iter().map(|pair| pair.cluster).collect();
    let inside = scene.changes.iter().filter(|pair| {
        pair.base.is_some() && clusters.contains(pair.cluster) && lives_in(pair.object, object)
    });
    let inside: BTreeSet<&ObjectId> = inside.map(|pair| pair.object).collect();
    let with_it = match inside.len() {
        0 => "whatever lives in it there goes with it".to_owned(),
        count => format!(
            "with it goes what lives in it there, {}: {}",
            counted(count, "known object"),
            some_of(inside, 5)
        ),
    };
    let message = format!("{object} disappears from {}; {with_it}", some_of(&clusters, 5));
    let id = if object.kind == "Namespace" { "ns-delete" } else { "crd-delete" };
    Finding::blocker(id, scene.cause_of_removal(removed), message)
}

/// Objects that stay in git and leave their last cluster: one finding for each cause.
fn last_placements_lost(scene: &Scene) -> Vec<Finding> {
    let mut by_cause: BTreeMap<_, Vec<&ObjectId>> = BTreeMap::new();
    for (object, pairs) in scene.by_object() {
        let stays = scene.head.objects.get(object).is_some_and(|declared| !declared.object.encrypted);
        if stays && pairs.iter().all(|pair| pair.head.is_none()) {
            by_cause.entry(scene.cause_of_removal(&removed(pairs))).or_default().push(object);
        }
    }
    let lost = by_cause.into_iter();
    lost.map(|(cause, objects)| {
        let message = format!(
            "{} in git but on no cluster any more: {}",
            if objects.len() == 1 {
                "1 object is".to_owned()
            } else {
                format!("{} objects are", objects.len())
            },
            some_of(objects, 5)
        );
        Finding::blocker("last-placement-lost", cause, message)
    })
    .collect()
}

/// What the removal budget will hold after the merge.
fn held(scene: &Scene) -> Option<Finding> {
    let held = scene.held?;
    let reasons: Vec<String> = held.reasons.iter().take(3).map(ToString::to_string).collect();
    let message = format!(
        "{}. After the merge this waits for `gitstellar approve {hash}`, or put the trailer `Gitstellar-Approve: {hash}` into the merge commit",
        reasons.join("; "),
        hash = held.hash,
    );
    Some(Finding::warning("removal-held", None, message))
}
