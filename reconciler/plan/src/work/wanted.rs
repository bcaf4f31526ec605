//! What shall be in the mailbox: which objects, with which content and strategy.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupKind, ObjectId};

use super::size::weight;
use super::{
    Agent, Bound, Content, HARD_LIMIT_BYTES, Mailbox, Manifest, ObservedManifest, ObservedWork, Strategy,
    WorkPlan,
};
use crate::{Finding, PolicyName, Severity};

/// One object that shall be in the mailbox, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The Bindings that select it.
    pub(super) bindings: BTreeSet<PolicyName>,
    /// UID in the WDS.
    pub(super) uid: String,
    /// What is written.
    pub(super) manifest: Manifest,
    /// Its weight in bytes.
    pub(super) weight: usize,
}

/// Everything that can be shipped; what cannot is said in the plan, and keeps its place in the mailbox if it has one.
pub(super) fn wanted(mailbox: &Mailbox, ours: &[&ObservedWork]) -> (BTreeMap<ObjectId, Wanted>, WorkPlan) {
    let holders = holders(ours);
    let mut plan = WorkPlan::default();
    let mut wanted = BTreeMap::new();
    for (id, (bindings, create_only)) in merged(mailbox) {
        let holders = holders.get(&id).map(Vec::as_slice).unwrap_or_default();
        let bound = mailbox.contents.get(&id);
        let manifest = match shipped(mailbox, &id, bound, (create_only, holders)) {
            Ok(manifest) => Some(manifest),
            Err(kept) => {
                plan.findings.extend(kept.finding);
                plan.kept.insert(id.clone(), kept.why);
                holders.first().map(|held| as_observed(held))
            }
        };
        if let Some(manifest) = manifest {
            let weight = weight(manifest.object.bytes());
            let uid = bound.map(|b| b.uid.clone()).unwrap_or_default();
            wanted.insert(id, Wanted { bindings, uid, manifest, weight });
        }
    }
    (wanted, plan)
}

/// Why the mailbox keeps what it holds of an object.
struct Kept {
    why: String,
    finding: Option<Finding>,
}

fn shipped(
    mailbox: &Mailbox,
    id: &ObjectId,
    bound: Option<&Bound>,
    (create_only, holders): (bool, &[&ObservedManifest]),
) -> Result<Manifest, Kept> {
    let kept = |why: &str| Kept { why: why.to_owned(), finding: None };
    let bound = bound.ok_or_else(|| kept("its content is not known"))?;
    let object = match &bound.content {
        Content::Ship(object) => object,
        Content::Keep(why) => return Err(kept(why)),
    };
    let weight = weight(object.bytes());
    if weight > HARD_LIMIT_BYTES {
        let finding = too_big(mailbox, id, weight);
        return Err(Kept { why: finding.message.clone(), finding: Some(finding) });
    }
    Ok(Manifest {
        object: object.clone(),
        resource: bound.resource.clone(),
        strategy: strategy(mailbox, bound, create_only, holders),
        wants_generation: wants_generation(mailbox.agent, &id.group_kind()),
    })
}

/// Objects with the Bindings that select them, and whether all of these ask for createOnly: where one asks for updates, updates win (KubeStellar leaves it open).
fn merged(mailbox: &Mailbox) -> BTreeMap<ObjectId, (BTreeSet<PolicyName>, bool)> {
    let mut merged: BTreeMap<ObjectId, (BTreeSet<PolicyName>, bool)> = BTreeMap::new();
    for (policy, bound) in &mailbox.bindings {
        for (id, create_only) in &bound.objects {
            let (bindings, all) = merged.entry(id.clone()).or_insert_with(|| (BTreeSet::new(), true));
            bindings.insert(policy.clone());
            *all &= *create_only;
        }
    }
    merged
}

/// Where each object is, in the order of the works.
fn holders<'a>(ours: &[&'a ObservedWork]) -> BTreeMap<ObjectId, Vec<&'a ObservedManifest>> {
    let mut holders: BTreeMap<ObjectId, Vec<&ObservedManifest>> = BTreeMap::new();
    for work in ours.iter().filter(|w| !w.deleting) {
        for manifest in &work.manifests {
            holders.entry(manifest.object.id()).or_default().push(manifest);
        }
    }
    holders
}

/// A manifest that stays as it is.
pub(super) fn as_observed(observed: &ObservedManifest) -> Manifest {
    Manifest {
        object: observed.object.clone(),
        resource: observed.resource.clone(),
        strategy: observed.strategy,
        wants_generation: observed.wants_generation,
    }
}

fn strategy(mailbox: &Mailbox, bound: &Bound, create_only: bool, holders: &[&ObservedManifest]) -> Strategy {
    if create_only {
        return Strategy::CreateOnly;
    }
    if bound.duplicate_keys {
        return Strategy::Update;
    }
    let for_klusterlet = mailbox.agent == Agent::Klusterlet && holders.iter().any(|m| must_force(m));
    Strategy::ServerSideApply { force: bound.adopt || for_klusterlet }
}

/// Whether a klusterlet has to be told to force: it owned the object once, so whoever it conflicts with came later. Force stays on, or the conflict would return.
fn must_force(observed: &ObservedManifest) -> bool {
    let conflicts = observed
        .applied
        .as_ref()
        .is_some_and(|applied| !applied.ok && applied.message.to_lowercase().contains("conflict"));
    observed.strategy == Strategy::ServerSideApply { force: true } || (conflicts && observed.owned_once)
}

/// Kinds that have a generation, of which the WDS must know to translate observedGeneration. Asked of other kinds, the rule would be reported as failing.
fn wants_generation(agent: Agent, kind: &GroupKind) -> bool {
    const BUILT_IN: &[&str] = &["apps", "batch", "policy"];
    let group = kind.group.as_str();
    let custom = group.contains('.') && !group.ends_with(".k8s.io");
    agent == Agent::Klusterlet && (custom || BUILT_IN.contains(&group))
}

fn too_big(mailbox: &Mailbox, id: &ObjectId, weight: usize) -> Finding {
    Finding {
        severity: Severity::Blocker,
        id: "object-too-big",
        origin: None,
        message: format!(
            "{id} is {weight} bytes for cluster {}, and a ManifestWork carries at most {HARD_LIMIT_BYTES}: the cluster keeps what it has; \
             split the object, or load the data in the cluster instead",
            mailbox.cluster
        ),
    }
}
