//! Everything that decides about the mailboxes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::smd::{Shape, find_duplicate_list_keys};
use apimachinery::{Digest, GroupResource, Object, ObjectId};
use plan::binding::{BindingContent, Holds, ResourceId};
use plan::budget::{self, Approval, Cause};
use plan::work::{
    Agent, BINDING_LABEL, Bound, BoundHere, Content, HUB_ANNOTATION, Mailbox, ObservedWork, WDS_LABEL,
};
use plan::{ClusterName, Pair, PolicyName, SourceName};

use super::wire;
use crate::binding::{self, wire as binding_wire};
use crate::board::Held;
use crate::permits::{self, Permits};
use crate::publish;
use crate::sync;
use crate::world::{World, resources};

/// All Bindings and all mailboxes.
pub(super) struct Observed {
    bindings: BTreeMap<PolicyName, StoredBinding>,
    mailboxes: BTreeMap<ClusterName, Vec<ObservedWork>>,
    /// Clusters that are in the inventory.
    clusters: BTreeSet<ClusterName>,
    kinds: Arc<KindTable>,
    holds: Holds,
}

struct StoredBinding {
    uid: String,
    generation: i64,
    content: BindingContent,
    /// The value is createOnly.
    objects: BTreeMap<ObjectId, bool>,
}

/// What the removal budget says.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) by_source: BTreeMap<SourceName, Option<Held>>,
    pub(super) objects: BTreeMap<ClusterName, BTreeSet<ObjectId>>,
}

pub(super) fn observe(world: &World) -> Observed {
    let kinds = world.wds.kinds();
    let stored = world.wds.mirror.list(&resources::bindings().group_resource());
    let bindings = stored.iter().filter(|binding| !binding.header().deleting).filter_map(|binding| {
        let content = binding_wire::content(binding)?;
        let objects = content
            .entries
            .iter()
            .filter_map(|(id, entry)| Some((id, object_id(&kinds, id)?, entry.modulation.create_only)))
            .filter(|(id, object, _)| permits::placeable(&id.resource, object))
            .map(|(_, object, create_only)| (object, create_only));
        let objects = objects.collect();
        let header = binding.header();
        let uid = header.uid.as_deref().unwrap_or_default().to_owned();
        let bound =
            StoredBinding { uid, generation: header.generation.unwrap_or_default(), content, objects };
        Some((PolicyName::from(header.name.as_str()), bound))
    });
    let bindings = bindings.collect();
    let clusters: BTreeSet<ClusterName> = world.its.inventory().into_keys().collect();
    let mut mailboxes: BTreeMap<ClusterName, Vec<ObservedWork>> =
        clusters.iter().map(|c| (c.clone(), Vec::new())).collect();
    for work in world.its.mirror.list(&resources::manifest_works().group_resource()) {
        let Some(namespace) = work.header().namespace.clone() else { continue };
        if let Some(observed) = wire::observed(&work, &kinds) {
            mailboxes.entry(ClusterName::from(namespace.as_str())).or_default().push(observed);
        }
    }
    let holds = binding::holds(world);
    Observed { bindings, mailboxes, clusters, kinds, holds }
}

fn object_id(kinds: &KindTable, id: &ResourceId) -> Option<ObjectId> {
    let kind = kinds.preferred_resource(&id.resource)?.gvk.kind.clone();
    Some(ObjectId {
        group: id.resource.group.clone(),
        kind,
        namespace: id.namespace.clone(),
        name: id.name.clone(),
    })
}

impl Observed {
    fn wanted(&self, world: &World, permits: &Permits<'_>, cluster: &ClusterName) -> BTreeSet<ObjectId> {
        self.bound_to(world, permits, cluster)
            .values()
            .flat_map(|bound| bound.objects.keys().cloned())
            .collect()
    }

    /// The Bindings with this cluster as a destination, each without the objects that are narrowed to other clusters, and without what a source's limits forbid.
    fn bound_to(
        &self,
        world: &World,
        permits: &Permits<'_>,
        cluster: &ClusterName,
    ) -> BTreeMap<PolicyName, BoundHere> {
        let here = self.bindings.iter().filter(|(_, bound)| bound.content.destinations.contains(cluster));
        here.map(|(policy, bound)| {
            let objects = bound
                .objects
                .iter()
                .filter(|(id, _)| {
                    admits(world, id, cluster) && permits.withheld(policy, id, cluster).is_none()
                })
                .map(|(id, only)| (id.clone(), *only));
            (
                policy.clone(),
                BoundHere {
                    uid: bound.uid.clone(),
                    generation: bound.generation,
                    objects: objects.collect(),
                },
            )
        })
        .collect()
    }

    fn ours(&self, world: &World, work: &ObservedWork) -> bool {
        let hub = work.annotations.get(HUB_ANNOTATION);
        work.labels.get(WDS_LABEL).map(String::as_str) == Some(world.settings.wds.as_str())
            && hub.is_none_or(|hub| *hub == world.hub_id())
    }

    /// Asks the removal budget, source by source. What no source owns, neither as object nor as policy, acts at once.
    pub(super) fn judge(&self, world: &World) -> Judged {
        let mut removals: BTreeMap<SourceName, BTreeMap<Pair, Cause>> = BTreeMap::new();
        let mut placed: BTreeMap<SourceName, BTreeSet<Pair>> = BTreeMap::new();
        let permits = Permits::of(world);
        for (cluster, works) in &self.mailboxes {
            let wanted = self.wanted(world, &permits, cluster);
            for work in works.iter().filter(|work| self.ours(world, work) && !work.deleting) {
                let policy = work.labels.get(BINDING_LABEL).map(|name| PolicyName::from(name.as_str()));
                for manifest in &work.manifests {
                    let object = manifest.object.id();
                    let Some(source) = self.source_of(policy.as_ref(), &object) else { continue };
                    let pair = Pair { object: object.clone(), cluster: cluster.clone() };
                    placed.entry(source.clone()).or_default().insert(pair.clone());
                    if !wanted.contains(&object) {
                        removals.entry(source).or_default().insert(pair, self.cause(cluster));
                    }
                }
            }
        }
        let mut judged = Judged::default();
        for (source, board) in world.board.sources() {
            let approvals: Vec<Approval> = publish::approvals(world, &board)
                .iter()
                .filter_map(|hash| Digest::parse(hash))
                .map(Approval::of_hash)
                .collect();
            let gone = removals.remove(&source).unwrap_or_default();
            let all = placed.remove(&source).unwrap_or_default();
            let verdict = budget::judge(&gone, &all, &approvals, budget::Config::default());
            for pair in verdict.held.iter().flat_map(|held| &held.pairs) {
                judged.objects.entry(pair.cluster.clone()).or_default().insert(pair.object.clone());
            }
            // While a commit is being written the list is still growing; what is shown for approval is the list of a settled source.
            let settling = self.holds.sources.get(&source).is_some_and(|progress| progress.applying);
            let held = verdict.held.filter(|_| !settling).map(|held| sync::in_words(&held));
            judged.by_source.insert(source, held);
        }
        self.hold_unsettled(world, &mut judged);
        judged
    }

    /// Sources that are not settled, and sources that this process has not read yet, lose nothing.
    fn hold_unsettled(&self, world: &World, judged: &mut Judged) {
        for (cluster, works) in &self.mailboxes {
            for work in works.iter().filter(|work| self.ours(world, work)) {
                let policy = work.labels.get(BINDING_LABEL).map(|name| PolicyName::from(name.as_str()));
                for manifest in &work.manifests {
                    let id = ResourceId {
                        resource: manifest.resource.clone(),
                        namespace: manifest.object.header().namespace.clone(),
                        name: manifest.object.header().name.clone(),
                    };
                    if self.holds.pair(policy.as_ref(), &id, cluster) {
                        judged.objects.entry(cluster.clone()).or_default().insert(manifest.object.id());
                    }
                }
            }
        }
    }

    fn source_of(&self, policy: Option<&PolicyName>, object: &ObjectId) -> Option<SourceName> {
        let resource = self.kinds.preferred(&object.group_kind()).map(|known| known.group_resource());
        let id = resource.map(|resource| ResourceId {
            resource,
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        });
        let owns = |progress: &plan::binding::SourceProgress| {
            id.as_ref().is_some_and(|id| progress.owned.contains(id))
                || policy.is_some_and(|policy| progress.policies.contains(policy))
        };
        self.holds.sources.iter().find(|(_, progress)| owns(progress)).map(|(source, _)| source.clone())
    }

    fn cause(&self, cluster: &ClusterName) -> Cause {
        if self.clusters.contains(cluster) { Cause::Commit } else { Cause::ClusterVanished }
    }

    /// Every mailbox, ready for `plan::work`.
    pub(super) fn mailboxes<'a>(
        &'a self,
        world: &'a World,
        held: &'a BTreeMap<ClusterName, BTreeSet<ObjectId>>,
    ) -> impl Iterator<Item = Mailbox> + 'a {
        let permits = Permits::of(world);
        self.mailboxes.iter().map(move |(cluster, works)| {
            let bindings = self.bound_to(world, &permits, cluster);
            let ids: BTreeSet<ObjectId> =
                bindings.values().flat_map(|bound| bound.objects.keys().cloned()).collect();
            let contents =
                ids.into_iter().filter_map(|id| Some((id.clone(), self.content(world, &id)?))).collect();
            Mailbox {
                cluster: cluster.clone(),
                wds: world.settings.wds.clone(),
                hub: world.hub_id(),
                take_over: world.settings.take_over,
                agent: Agent::Ours,
                limits: world.settings.limits,
                bindings,
                contents,
                held: held.get(cluster).cloned().unwrap_or_default(),
                observed: works.clone(),
            }
        })
    }

    fn content(&self, world: &World, id: &ObjectId) -> Option<Bound> {
        let resource: GroupResource = self.kinds.preferred(&id.group_kind())?.group_resource();
        // The Binding names it, but the mirror lacks it: it went a moment ago. The mailbox keeps it until the Binding follows.
        let Some(object) = world.wds.get(id) else {
            return Some(Bound {
                uid: String::new(),
                resource,
                content: Content::Keep("it is not in the WDS any more".to_owned()),
                duplicate_keys: false,
                adopt: false,
            });
        };
        let intent = world.intents.of(&object, &self.kinds);
        let content = match &intent.content {
            Some(content) => Content::Ship(content.clone()),
            None => Content::Keep("it was changed by hand in the WDS (Contended)".to_owned()),
        };
        let uid = object.header().uid.as_deref().unwrap_or_default().to_owned();
        let duplicate_keys =
            intent.content.as_ref().is_some_and(|content| has_duplicate_keys(content, &self.kinds));
        Some(Bound { uid, resource, content, duplicate_keys, adopt: false })
    }
}

/// Two entries with one key in a keyed list: server-side apply refuses such an object.
fn has_duplicate_keys(content: &Object, kinds: &KindTable) -> bool {
    let shape = kinds.schema(&content.header().gvk).map_or_else(Shape::deduced, Shape::of_object);
    !find_duplicate_list_keys(&content.to_value(), shape).is_empty()
}

fn admits(world: &World, id: &ObjectId, cluster: &ClusterName) -> bool {
    let Some(object) = world.wds.get(id) else { return true };
    let Some(text) = object.header().annotation(plan::names::CLUSTER_SELECTOR_ANNOTATION) else {
        return true;
    };
    let inventory = world.its.inventory();
    let labels = inventory.get(cluster).map(|cluster| cluster.labels.clone()).unwrap_or_default();
    plan::select::Narrowing::parse(text).admits(&labels)
}
