//! The content of each work while objects move, and the writes that follow.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Digest, Name, ObjectId};

use super::homes::Homes;
use super::size::weight;
use super::wanted::{Wanted, as_observed};
use super::{
    BINDING_LABEL, CONTENT_ANNOTATION, GENERATION_ANNOTATION, HARD_LIMIT_BYTES, HUB_ANNOTATION, Mailbox,
    Manifest, ObservedManifest, ObservedWork, Strategy, WDS_LABEL, WorkChange, WorkContent, WorkPlan, naming,
    order,
};
use crate::PolicyName;

/// Fills in the writes, the moves and the homes.
pub(super) fn compose(
    mailbox: &Mailbox,
    ours: &[&ObservedWork],
    (wanted, homes): (&BTreeMap<ObjectId, Wanted>, &Homes),
    plan: &mut WorkPlan,
) {
    let view = View::new(mailbox, ours, wanted, homes);
    plan.homes = view.home_of.iter().map(|(id, name)| ((*id).clone(), (*name).clone())).collect();
    let observed: BTreeSet<&Name> = ours.iter().map(|w| &w.name).collect();
    for (name, home) in homes.iter().filter(|(name, h)| !observed.contains(name) && !h.objects.is_empty()) {
        let manifests = home.objects.iter().filter_map(|id| wanted.get(id)).map(|w| w.manifest.clone());
        plan.changes.push(WorkChange::Create(view.content(name, &home.binding, manifests.collect())));
    }
    let mut deletes = Vec::new();
    for work in ours.iter().filter(|w| !w.deleting) {
        let leaving = view.leaving(work);
        plan.moving.extend(leaving.iter().map(|m| m.object.id()));
        match view.rewritten(work, &leaving) {
            Some(manifests) if manifests.is_empty() => deletes.push(delete(work)),
            Some(manifests) => plan.changes.extend(view.update(work, manifests)),
            None => {}
        }
    }
    plan.changes.extend(deletes);
}

/// What the composition looks things up in.
struct View<'a> {
    mailbox: &'a Mailbox,
    wanted: &'a BTreeMap<ObjectId, Wanted>,
    homes: &'a Homes,
    home_of: BTreeMap<&'a ObjectId, &'a Name>,
    /// Objects that their home has applied at its current generation.
    arrived: BTreeSet<ObjectId>,
}

impl<'a> View<'a> {
    fn new(
        mailbox: &'a Mailbox,
        ours: &[&'a ObservedWork],
        wanted: &'a BTreeMap<ObjectId, Wanted>,
        homes: &'a Homes,
    ) -> Self {
        let home_of: BTreeMap<&ObjectId, &Name> =
            homes.iter().flat_map(|(name, home)| home.objects.iter().map(move |id| (id, name))).collect();
        let mut arrived = BTreeSet::new();
        for work in ours.iter().filter(|w| !w.deleting) {
            let applied = work.manifests.iter().filter(|m| is_applied(work, m)).map(|m| m.object.id());
            arrived.extend(applied.filter(|id| home_of.get(id) == Some(&&work.name)));
        }
        Self { mailbox, wanted, homes, home_of, arrived }
    }

    /// Manifests of a work whose home is another work that has not applied them yet.
    fn leaving<'w>(&self, work: &'w ObservedWork) -> Vec<&'w ObservedManifest> {
        let elsewhere = |id: &ObjectId| self.home_of.get(id).is_some_and(|name| **name != work.name);
        let manifests = work.manifests.iter();
        manifests.filter(|m| elsewhere(&m.object.id()) && !self.arrived.contains(&m.object.id())).collect()
    }

    /// The manifests that a work shall have now; `None` where it must wait as it is.
    fn rewritten(&self, work: &ObservedWork, leaving: &[&ObservedManifest]) -> Option<Vec<Manifest>> {
        let mut staying: Vec<Manifest> = Vec::new();
        let at_home = self.homes.get(&work.name).into_iter().flat_map(|home| &home.objects);
        staying.extend(at_home.filter_map(|id| self.wanted.get(id)).map(|w| w.manifest.clone()));
        let held = work.manifests.iter().filter(|m| {
            let id = m.object.id();
            !self.wanted.contains_key(&id) && self.mailbox.held.contains(&id)
        });
        staying.extend(held.map(as_observed));
        // While two works carry an object they carry the same content, or two applies would fight.
        let alike = leaving.iter().filter_map(|m| self.wanted.get(&m.object.id()));
        let alike: Vec<Manifest> = alike.map(|w| w.manifest.clone()).collect();
        let as_they_are: Vec<Manifest> = leaving.iter().map(|m| as_observed(m)).collect();
        // Where not even the content that they have leaves room, nothing is written until they are gone.
        [alike, as_they_are].into_iter().find(|leaving| fits(&staying, leaving)).map(|leaving| {
            staying.extend(leaving);
            staying
        })
    }

    fn update(&self, work: &ObservedWork, manifests: Vec<Manifest>) -> Option<WorkChange> {
        let fallback =
            PolicyName::from(work.labels.get(BINDING_LABEL).map(String::as_str).unwrap_or_default());
        let binding = self.homes.get(&work.name).map_or(fallback, |home| home.binding.clone());
        let content = self.content(&work.name, &binding, manifests);
        let same_annotation = |key: &str| work.annotations.get(key) == content.annotations.get(key);
        let same_objects = work.manifests.len() == content.manifests.len()
            && work.manifests.iter().map(|m| m.object.id()).collect::<BTreeSet<_>>()
                == content.manifests.iter().map(|m| m.object.id()).collect();
        if same_annotation(CONTENT_ANNOTATION) && same_annotation(HUB_ANNOTATION) && same_objects {
            return None;
        }
        Some(WorkChange::Update { resource_version: work.resource_version.clone(), content })
    }

    fn content(&self, name: &Name, binding: &PolicyName, mut manifests: Vec<Manifest>) -> WorkContent {
        manifests.sort_by_cached_key(|m| order::key(&m.object.id()));
        let labels = [
            (BINDING_LABEL.to_owned(), naming::label_value(binding.as_str())),
            (WDS_LABEL.to_owned(), naming::label_value(self.mailbox.wds.as_str())),
        ];
        let mut annotations = BTreeMap::from([
            (CONTENT_ANNOTATION.to_owned(), content_digest(&manifests).to_string()),
            (HUB_ANNOTATION.to_owned(), self.mailbox.hub.clone()),
        ]);
        if let Some(bound) = self.mailbox.bindings.get(binding) {
            annotations.insert(GENERATION_ANNOTATION.to_owned(), bound.generation.to_string());
        }
        WorkContent {
            name: name.clone(),
            binding: binding.clone(),
            labels: labels.into(),
            annotations,
            manifests,
        }
    }
}

fn fits(staying: &[Manifest], leaving: &[Manifest]) -> bool {
    let bytes: usize = staying.iter().chain(leaving).map(|m| weight(m.object.bytes())).sum();
    leaving.is_empty() || bytes <= HARD_LIMIT_BYTES
}

/// Whether the agent has applied a manifest as the work has it now. Agents that give no generation per manifest are read by the work's own condition.
fn is_applied(work: &ObservedWork, manifest: &ObservedManifest) -> bool {
    manifest.applied.as_ref().is_some_and(|applied| {
        applied.ok && applied.observed_generation.or(work.applied_generation) == Some(work.generation)
    })
}

fn delete(work: &ObservedWork) -> WorkChange {
    WorkChange::Delete {
        name: work.name.clone(),
        uid: work.uid.clone(),
        resource_version: work.resource_version.clone(),
    }
}

/// The digest that [`CONTENT_ANNOTATION`] carries: over everything a work asks for, independent of the order of its manifests.
pub fn content_digest(manifests: &[Manifest]) -> Digest {
    let mut parts: Vec<(ObjectId, String, Digest)> =
        manifests.iter().map(|m| (m.object.id(), options(m), m.object.digest())).collect();
    parts.sort();
    let lines: Vec<String> =
        parts.iter().map(|(id, options, digest)| format!("{id} {options} {digest}")).collect();
    Digest::of_parts(lines.iter().map(String::as_bytes))
}

fn options(manifest: &Manifest) -> String {
    let strategy = match manifest.strategy {
        Strategy::Update => "update",
        Strategy::CreateOnly => "create-only",
        Strategy::ServerSideApply { force: false } => "apply",
        Strategy::ServerSideApply { force: true } => "force",
        Strategy::ReadOnly => "read-only",
    };
    format!("{} {strategy} {}", manifest.resource, manifest.wants_generation)
}
