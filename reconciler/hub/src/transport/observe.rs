//! What decides about the mailboxes, kept up to date by deltas; each change says whose mailbox it concerns.
//!
//! | concerns a mailbox | because |
//! |---|---|
//! | a Binding | it has the cluster as a destination, or had |
//! | a WDS object | a Binding with that destination holds it, and its UID, intent or narrowing changed |
//! | a work | it is in the mailbox |
//! | a cluster | its labels changed, it came or went |
//! | a policy | it is another source's, whose limits are others |
//! | a removal that is held, or released | the mailbox still holds the object |
//!
//! When the kinds of the WDS or the limits of a source change, everything is looked at anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::smd::{Shape, find_duplicate_list_keys};
use apimachinery::{GroupResource, Object, ObjectId};
use plan::binding::ResourceId;
use plan::intent::Intent;
use plan::select::Narrowing;
use plan::work::{Agent, Bound as BoundObject, BoundHere, Content, Mailbox};
use plan::{ClusterName, PolicyName, SourceName};
use runtime::{Changes, Key};

use super::mailboxes::Mailboxes;
use super::removals::Removals;
use super::wire;
use crate::bound::{self, Bound, BoundPolicy};
use crate::permits::{Concerned, Permits};
use crate::world::{World, resources};

/// What was told since the last pass.
pub(super) struct Watches {
    wds: Changes,
    its: Changes,
    clusters: Changes,
}

impl Watches {
    pub(super) fn new(world: &World) -> Self {
        let wake = &world.wakes.transport;
        Self {
            wds: world.wds.mirror.subscribe(wake.clone()),
            its: world.its.mirror.subscribe_to(&[resources::manifest_works()], wake.clone()),
            clusters: world.its.clusters.subscribe(wake.clone()),
        }
    }
}

/// All Bindings and all mailboxes.
#[derive(Default)]
pub(super) struct State {
    kinds: Arc<KindTable>,
    permits: Permits,
    bound: Bound,
    /// What the mailboxes were told of each object that a Binding holds; `None` for one that is not in the WDS.
    objects: BTreeMap<ObjectId, Option<Seen>>,
    pub(super) mailboxes: Mailboxes,
    pub(super) removals: Removals,
    /// Mailboxes to reconcile, kept until that is done.
    dirty: BTreeSet<ClusterName>,
}

/// What a mailbox depends on of an object.
#[derive(PartialEq, Eq)]
struct Seen {
    uid: Option<Arc<str>>,
    intent: Arc<Intent>,
    narrowing: Option<Narrowing>,
    /// As far as limits of sources are concerned.
    owner: Option<SourceName>,
}

impl State {
    /// Takes in what was told.
    pub(super) fn update(&mut self, world: &World, watches: &Watches) {
        let (wds, its) = (watches.wds.take(), watches.its.take());
        let kinds = world.wds.kinds();
        let concerned = self.permits.update(world, &wds);
        match concerned {
            Concerned::Policies(policies) if Arc::ptr_eq(&kinds, &self.kinds) => {
                self.concern_policies(&policies);
                self.update_wds(world, &wds);
                its.iter().for_each(|key| self.update_work(world, key));
            }
            _ => self.look_anew(world, kinds),
        }
        for key in watches.clusters.take() {
            self.update_cluster(world, &key);
        }
    }

    /// What objects and manifests are called depends on the kinds, what is asked for on the limits.
    fn look_anew(&mut self, world: &World, kinds: Arc<KindTable>) {
        let before = std::mem::take(self);
        self.kinds = kinds;
        self.permits = before.permits;
        self.mailboxes = before.mailboxes.without_works();
        self.dirty = before.dirty;
        self.dirty.extend(before.removals.mailboxes().cloned());
        self.removals = before.removals;
        for binding in world.wds.mirror.list(&resources::bindings().group_resource()) {
            let policy = PolicyName::from(binding.header().name.as_str());
            self.update_binding(world, &policy, Some(&binding));
        }
        for work in world.its.mirror.list(&resources::manifest_works().group_resource()) {
            self.take_work(world, &work);
        }
    }

    fn concern_policies(&mut self, policies: &BTreeSet<PolicyName>) {
        let bound = policies.iter().filter_map(|policy| self.bound.policy(policy));
        self.dirty.extend(bound.flat_map(|bound| bound.clusters.iter().cloned()));
    }

    /// Bindings first: they say which objects matter.
    fn update_wds(&mut self, world: &World, changed: &BTreeSet<Key>) {
        let bindings = resources::bindings().group_resource();
        for key in changed.iter().filter(|key| key.resource == bindings) {
            let policy = PolicyName::from(key.name.as_str());
            self.update_binding(world, &policy, world.wds.mirror.get(key).as_ref());
        }
        for key in changed.iter().filter(|key| key.resource != bindings) {
            let (resource, namespace) = (key.resource.clone(), key.namespace.clone());
            let id = ResourceId { resource, namespace, name: key.name.clone() };
            if let Some(id) = bound::object_id(&self.kinds, &id).filter(|id| self.bound.holds(id)) {
                self.update_object(world, &id);
            }
        }
    }

    fn update_binding(&mut self, world: &World, policy: &PolicyName, stored: Option<&Object>) {
        let after = stored.and_then(|binding| bound::parsed(binding, &self.kinds));
        world.effort.transport.add(after.as_ref().map_or(0, |after| after.objects.len()));
        let change = self.bound.set(policy, after);
        self.dirty.extend(change.mailboxes().into_iter().cloned());
        for id in change.objects() {
            if self.bound.holds(id) {
                self.objects.insert(id.clone(), self.see(world, id));
            } else {
                self.objects.remove(id);
            }
        }
    }

    fn update_object(&mut self, world: &World, id: &ObjectId) {
        world.effort.transport.add(1);
        let now = self.see(world, id);
        if self.objects.get(id) != Some(&now) {
            self.objects.insert(id.clone(), now);
            self.dirty.extend(self.bound.clusters_of(id));
        }
    }

    fn see(&self, world: &World, id: &ObjectId) -> Option<Seen> {
        let object = world.wds.get(id)?;
        let header = object.header();
        Some(Seen {
            uid: header.uid.clone(),
            intent: world.intents.of(&object, &self.kinds),
            narrowing: header.annotation(plan::names::CLUSTER_SELECTOR_ANNOTATION).map(Narrowing::parse),
            owner: self.permits.owner(&object),
        })
    }

    fn update_work(&mut self, world: &World, key: &Key) {
        let Some(namespace) = &key.namespace else { return };
        match world.its.mirror.get(key) {
            Some(work) => self.take_work(world, &work),
            None => {
                let cluster = ClusterName::from(namespace.as_str());
                if self.mailboxes.remove(&cluster, &key.name) {
                    self.dirty.insert(cluster);
                }
            }
        }
    }

    /// Parses a work, unless it is known in this version: as this process wrote it.
    fn take_work(&mut self, world: &World, stored: &Object) {
        let Some(namespace) = &stored.header().namespace else { return };
        let cluster = ClusterName::from(namespace.as_str());
        if self.mailboxes.knows(&cluster, stored) {
            return;
        }
        let changed = match wire::observed(stored, &self.kinds) {
            Some(work) => {
                world.effort.transport.add(work.manifests.len());
                self.mailboxes.put(&cluster, work);
                true
            }
            None => self.mailboxes.remove(&cluster, &stored.header().name),
        };
        if changed {
            self.dirty.insert(cluster);
        }
    }

    fn update_cluster(&mut self, world: &World, key: &Key) {
        let stored = world.its.clusters.get(key).filter(|cluster| !cluster.header().deleting);
        let labels = stored.map(|cluster| Arc::clone(&cluster.header().labels));
        let cluster = ClusterName::from(key.name.as_str());
        if self.mailboxes.set_labels(&cluster, labels.as_ref()) {
            self.dirty.insert(cluster);
        }
    }

    /// The mailboxes to judge and to reconcile.
    pub(super) fn dirty(&self) -> Vec<ClusterName> {
        self.dirty.iter().cloned().collect()
    }

    pub(super) fn concern(&mut self, cluster: ClusterName) {
        self.dirty.insert(cluster);
    }

    /// The mailbox is as it was decided. What was written is no news when the watch tells of it; anything newer is.
    pub(super) fn settled(&mut self, cluster: &ClusterName, written: &[Object]) {
        self.dirty.remove(cluster);
        for work in written.iter().filter_map(|work| wire::observed(work, &self.kinds)) {
            self.mailboxes.put(cluster, work);
        }
    }

    /// Whether a Binding asks for an object on a cluster, and may place it there.
    pub(super) fn wants(&self, id: &ObjectId, cluster: &ClusterName) -> bool {
        let asks = |(policy, bound): (&PolicyName, &BoundPolicy)| {
            bound.clusters.contains(cluster) && self.places(policy, id, cluster)
        };
        self.bound.holders(id).any(asks)
    }

    /// Whether an object of a Binding is neither narrowed to other clusters, nor withheld by a source's limits.
    fn places(&self, policy: &PolicyName, id: &ObjectId, cluster: &ClusterName) -> bool {
        let owner = self.objects.get(id).and_then(|seen| seen.as_ref()?.owner.as_ref());
        self.admits(id, cluster) && self.permits.withheld(policy, owner, cluster).is_none()
    }

    fn admits(&self, id: &ObjectId, cluster: &ClusterName) -> bool {
        let seen = self.objects.get(id).and_then(Option::as_ref);
        let Some(narrowing) = seen.and_then(|seen| seen.narrowing.as_ref()) else { return true };
        narrowing.admits(self.mailboxes.labels(cluster).unwrap_or(&BTreeMap::new()))
    }

    /// One mailbox, ready for `plan::work`; `None` where there is neither a cluster nor a work.
    pub(super) fn mailbox(&self, world: &World, cluster: &ClusterName) -> Option<Mailbox> {
        if !self.mailboxes.exists(cluster) {
            return None;
        }
        let bindings = self.bound_here(world, cluster);
        let ids: BTreeSet<&ObjectId> = bindings.values().flat_map(|bound| bound.objects.keys()).collect();
        world.effort.mailboxes.add(1);
        world.effort.transport.add(ids.len());
        let contents =
            ids.into_iter().filter_map(|id| Some((id.clone(), self.content(world, id)?))).collect();
        Some(Mailbox {
            cluster: cluster.clone(),
            wds: world.settings.wds.clone(),
            hub: world.hub_id(),
            take_over: world.settings.take_over,
            agent: Agent::Ours,
            limits: world.settings.limits,
            bindings,
            contents,
            held: self.removals.held(cluster),
            observed: self.mailboxes.works(cluster).cloned().collect(),
        })
    }

    /// The Bindings with this cluster as a destination, each without what it may not place here.
    fn bound_here(&self, world: &World, cluster: &ClusterName) -> BTreeMap<PolicyName, BoundHere> {
        let here = self.bound.destined(cluster);
        here.map(|(policy, bound)| {
            world.effort.transport.add(bound.objects.len());
            let objects = bound.objects.iter().filter(|(id, _)| self.places(policy, id, cluster));
            let objects = objects.map(|(id, modulation)| (id.clone(), modulation.create_only)).collect();
            (policy.clone(), BoundHere { uid: bound.uid.clone(), generation: bound.generation, objects })
        })
        .collect()
    }

    fn content(&self, world: &World, id: &ObjectId) -> Option<BoundObject> {
        let resource: GroupResource = self.kinds.preferred(&id.group_kind())?.group_resource();
        // The Binding names it, but the mirror lacks it: it went a moment ago. The mailbox keeps it until the Binding follows.
        let Some(object) = world.wds.get(id) else {
            return Some(BoundObject {
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
        Some(BoundObject { uid, resource, content, duplicate_keys, adopt: false })
    }
}

/// Two entries with one key in a keyed list: server-side apply refuses such an object.
fn has_duplicate_keys(content: &Object, kinds: &KindTable) -> bool {
    let shape = kinds.schema(&content.header().gvk).map_or_else(Shape::deduced, Shape::of_object);
    !find_duplicate_list_keys(&content.to_value(), shape).is_empty()
}
