//! Whether a cluster can take what it gets: namespaces and kinds.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupVersionKind, Namespace, ObjectId};

use super::{Finding, Scene, counted, some_of};
use crate::kinds::well_known;
use crate::placement::{Declared, INITIAL_NAMESPACES};
use crate::{ClusterName, UnitName};

/// All checks on delivery.
pub fn all(scene: &Scene) -> Vec<Finding> {
    let mut findings = undeclared_namespaces(scene);
    findings.extend(kinds_of_nobody(scene));
    findings.extend(not_delivered(scene));
    findings
}

/// Namespaces that nobody declares.
fn undeclared_namespaces(scene: &Scene) -> Vec<Finding> {
    let mut missing: BTreeMap<&Namespace, Vec<(&ObjectId, &Declared)>> = BTreeMap::new();
    for (id, declared) in scene.head.placeable() {
        let Some(namespace) = &id.namespace else { continue };
        if !scene.head.has_namespace(namespace) {
            missing.entry(namespace).or_default().push((id, declared));
        }
    }
    let findings = missing.into_iter().map(|(namespace, objects)| {
        let message = format!(
            "nothing declares Namespace {namespace}, in which {} shall live ({}); no namespaceSelector matches them",
            counted(objects.len(), "object"),
            some_of(objects.iter().map(|(id, _)| id), 3),
        );
        let origin = objects.first().map(|(_, declared)| declared.object.origin.clone());
        Finding::warning("ns-missing", origin, message)
    });
    findings.collect()
}

/// Kinds and versions that nothing serves.
fn kinds_of_nobody(scene: &Scene) -> Vec<Finding> {
    let mut unserved: BTreeMap<&GroupVersionKind, Vec<&Declared>> = BTreeMap::new();
    for (_, declared) in scene.head.placeable() {
        let gvk = &declared.object.object.header().gvk;
        if !scene.head.kinds.serves(gvk) {
            unserved.entry(gvk).or_default().push(declared);
        }
    }
    unserved.into_iter().map(|(gvk, waiting)| kind_of_nobody(scene, gvk, &waiting)).collect()
}

fn kind_of_nobody(scene: &Scene, gvk: &GroupVersionKind, waiting: &[&Declared]) -> Finding {
    let units: BTreeSet<&UnitName> = waiting.iter().filter_map(|declared| declared.unit).collect();
    let known = scene.head.kinds.facts(&gvk.group_kind());
    let kind = format!("{} of {}", gvk.kind, gvk.group_version());
    let why = match (known, well_known(gvk.group.as_str())) {
        (Some(facts), _) => format!("{kind} is not served; served are {}", some_of(&facts.versions, 5)),
        (None, Some(project)) => format!("nothing declares the kind {kind}; its CRD comes with {project}"),
        (None, None) => format!(
            "nothing declares the kind {kind}; add its CRD to a unit, or install it in the WDS and the clusters"
        ),
    };
    let message = format!(
        "{why}. Until it is served, {} of {} {} must wait{}",
        counted(waiting.len(), "object"),
        if units.len() == 1 { "unit" } else { "units" },
        some_of(&units, 3),
        if known.is_none() { "; the kind is taken as namespaced" } else { "" },
    );
    Finding::warning(
        "kind-not-served",
        waiting.first().map(|declared| declared.object.origin.clone()),
        message,
    )
}

/// What an object needs on each of its clusters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Needed {
    Namespace(ObjectId),
    Crd(ObjectId),
}

/// Namespaces and CRDs that are declared but do not go everywhere their objects go: one finding for each.
fn not_delivered(scene: &Scene) -> Vec<Finding> {
    let delivered = scene.clusters_after();
    let nowhere = BTreeSet::new();
    let mut missing: BTreeMap<Needed, (BTreeSet<&ClusterName>, BTreeSet<&ObjectId>)> = BTreeMap::new();
    for (object, pairs) in scene.by_object() {
        for needed in needs(scene, object) {
            let (Needed::Namespace(id) | Needed::Crd(id)) = &needed;
            let there = delivered.get(id).unwrap_or(&nowhere);
            let lacking = pairs.iter().filter(|pair| pair.head.is_some() && !there.contains(pair.cluster));
            for pair in lacking {
                let (clusters, objects) = missing.entry(needed.clone()).or_default();
                clusters.insert(pair.cluster);
                objects.insert(object);
            }
        }
    }
    let missing = missing.into_iter();
    missing.map(|(needed, (clusters, objects))| lacking(scene, &needed, &clusters, &objects)).collect()
}

/// What is declared and must be where the object is.
fn needs(scene: &Scene, object: &ObjectId) -> Vec<Needed> {
    let mut needs = Vec::new();
    if let Some(namespace) = object.namespace.as_ref() {
        let id = ObjectId::new("", "Namespace", None, namespace.as_str());
        let initial = INITIAL_NAMESPACES.contains(&namespace.as_str());
        if !initial && scene.head.objects.contains_key(&id) {
            needs.push(Needed::Namespace(id));
        }
    }
    if let Some(crd) = scene.head.kinds.facts(&object.group_kind()).and_then(|facts| facts.crd.as_ref()) {
        let id = ObjectId::new("apiextensions.k8s.io", "CustomResourceDefinition", None, &crd.name);
        needs.push(Needed::Crd(id));
    }
    needs
}

fn lacking(
    scene: &Scene,
    needed: &Needed,
    clusters: &BTreeSet<&ClusterName>,
    objects: &BTreeSet<&ObjectId>,
) -> Finding {
    let (id, finding) = match needed {
        Needed::Namespace(id) => (id, "ns-missing"),
        Needed::Crd(id) => (id, "kind-not-served"),
    };
    let message = format!(
        "{id} does not go to {}, where {} shall live in it or be of its kind: {}. Let the same policy select it",
        some_of(clusters, 5),
        counted(objects.len(), "object"),
        some_of(objects, 3),
    );
    Finding::warning(finding, scene.origin(id), message)
}
