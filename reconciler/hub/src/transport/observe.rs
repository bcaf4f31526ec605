//! What decides about the mailboxes, kept up to date by deltas; each change says whose mailbox it concerns.
//!
//! | concerns a mailbox | because |
//! |---|---|
//! | a Binding | it has the cluster as a destination, or had |
//! | a WDS object | a Binding with that destination holds it, and its UID, intent or narrowing changed |
//! | a work | it is in the mailbox |
//! | a cluster | its labels or properties changed, it came or went |
//! | a removal that is held, or released | the mailbox still holds the object |
//!
//! When the kinds of the WDS change, everything is looked at anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::smd::{Shape, find_duplicate_list_keys};
use apimachinery::{GroupResource, Name, Namespace, Object, ObjectId};
use plan::binding::{Holds, ResourceId};
use plan::intent::Intent;
use plan::select::Narrowing;
use plan::work::{Agent, Bound as BoundObject, BoundHere, Content, Mailbox, ObservedWork};
use plan::{ClusterName, Inventory, PolicyName, SourceName};
use runtime::{Changes, Key};

use super::removals::{Judged, Unwanted};
use super::wire;
use crate::bound::{self, Bound, Change};
use crate::world::{World, resources};

/// What was told since the last pass.
pub(super) struct Watches {
    wds: Changes,
    its: Changes,
    clusters: Changes,
    properties: Changes,
}

impl Watches {
    pub(super) fn new(world: &World) -> Self {
        let wake = &world.wakes.transport;
        Self {
            wds: world.wds.mirror.subscribe(wake.clone()),
            its: world.its.mirror.subscribe(wake.clone()),
            clusters: world.its.clusters.subscribe(wake.clone()),
            properties: world.its.properties.subscribe(wake.clone()),
        }
    }
}

/// All Bindings and all mailboxes.
#[derive(Default)]
pub(super) struct State {
    kinds: Arc<KindTable>,
    pub(super) bound: Bound,
    pub(super) inventory: Inventory,
    pub(super) mailboxes: BTreeMap<ClusterName, MailboxState>,
    /// What the mailboxes were told of each object that a Binding holds; `None` for one that is not in the WDS.
    objects: BTreeMap<ObjectId, Option<Seen>>,
    pub(super) holds: Arc<Holds>,
    pub(super) approvals: BTreeMap<SourceName, BTreeSet<String>>,
    pub(super) judged: Judged,
    /// Mailboxes to reconcile, kept until that is done.
    dirty: BTreeSet<ClusterName>,
}

/// The works of one mailbox.
#[derive(Default)]
pub(super) struct MailboxState {
    /// As they were parsed, with their versions.
    pub(super) works: BTreeMap<Name, ObservedWork>,
    /// What they hold though nobody asks for it here.
    pub(super) unwanted: Vec<Unwanted>,
}

/// What a mailbox depends on of an object.
#[derive(PartialEq, Eq)]
struct Seen {
    uid: Option<Arc<str>>,
    intent: Arc<Intent>,
    narrowing: Option<Narrowing>,
}

impl State {
    /// Takes in what was told.
    pub(super) fn update(&mut self, world: &World, watches: &Watches) {
        let (wds, its) = (watches.wds.take(), watches.its.take());
        let clusters = !watches.clusters.take().is_empty() | !watches.properties.take().is_empty();
        let kinds = world.wds.kinds();
        if Arc::ptr_eq(&kinds, &self.kinds) {
            self.update_wds(world, &wds);
            self.update_works(world, &its);
        } else {
            self.look_anew(world, kinds);
        }
        if clusters {
            self.update_clusters(world);
        }
    }

    /// What objects and manifests are called depends on the kinds.
    fn look_anew(&mut self, world: &World, kinds: Arc<KindTable>) {
        *self = Self { kinds, judged: std::mem::take(&mut self.judged), ..Self::default() };
        for binding in world.wds.mirror.list(&resources::bindings().group_resource()) {
            let policy = PolicyName::from(binding.header().name.as_str());
            self.update_binding(world, &policy, Some(&binding));
        }
        let works = world.its.mirror.list(&resources::manifest_works().group_resource());
        let clusters: BTreeSet<_> = works.iter().filter_map(|work| work.header().namespace.clone()).collect();
        for cluster in clusters {
            self.update_mailbox(world, &ClusterName::from(cluster.as_str()));
        }
        self.update_clusters(world);
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
        let change: Change = self.bound.set(policy, after);
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
        })
    }

    fn update_works(&mut self, world: &World, changed: &BTreeSet<Key>) {
        let works = resources::manifest_works().group_resource();
        let keys = changed.iter().filter(|key| key.resource == works);
        let clusters: BTreeSet<&Namespace> = keys.filter_map(|key| key.namespace.as_ref()).collect();
        for cluster in clusters {
            self.update_mailbox(world, &ClusterName::from(cluster.as_str()));
        }
    }

    /// Parses the works of a mailbox that are new or changed.
    fn update_mailbox(&mut self, world: &World, cluster: &ClusterName) {
        let (resource, namespace) = (resources::manifest_works(), Namespace::from(cluster.as_str()));
        let stored = world.its.mirror.select(&resource.group_resource(), Some(&namespace), |_| true);
        let mailbox = self.mailboxes.entry(cluster.clone()).or_default();
        let count = mailbox.works.len();
        mailbox.works.retain(|name, _| stored.iter().any(|work| work.header().name == *name));
        let mut changed = mailbox.works.len() != count;
        for work in stored {
            let header = work.header();
            let version = header.resource_version.as_deref().unwrap_or_default();
            if mailbox.works.get(&header.name).is_some_and(|known| known.resource_version == version) {
                continue;
            }
            changed = true;
            let parsed = wire::observed(&work, &self.kinds);
            world.effort.transport.add(parsed.as_ref().map_or(0, |parsed| parsed.manifests.len()));
            mailbox.works.remove(&header.name);
            mailbox.works.extend(parsed.map(|parsed| (header.name.clone(), parsed)));
        }
        if changed {
            self.dirty.insert(cluster.clone());
        }
    }

    fn update_clusters(&mut self, world: &World) {
        let inventory = world.its.inventory();
        let names: BTreeSet<&ClusterName> = inventory.keys().chain(self.inventory.keys()).collect();
        let changed = names.into_iter().filter(|name| inventory.get(*name) != self.inventory.get(*name));
        self.dirty.extend(changed.cloned());
        self.inventory = inventory;
        for cluster in self.inventory.keys() {
            self.mailboxes.entry(cluster.clone()).or_default();
        }
    }

    /// The mailboxes to reconcile. One that is neither in the inventory nor holds anything is none.
    pub(super) fn dirty(&mut self) -> Vec<ClusterName> {
        self.mailboxes
            .retain(|cluster, mailbox| self.inventory.contains_key(cluster) || !mailbox.works.is_empty());
        self.dirty.retain(|cluster| self.mailboxes.contains_key(cluster));
        self.dirty.iter().cloned().collect()
    }

    pub(super) fn concerns(&mut self, cluster: &ClusterName) {
        self.dirty.insert(cluster.clone());
    }

    /// The mailbox is as it was decided. What was written is no news when the watch tells of it; anything newer is.
    pub(super) fn settled(&mut self, cluster: &ClusterName, written: impl Iterator<Item = Object>) {
        self.dirty.remove(cluster);
        let mailbox = self.mailboxes.entry(cluster.clone()).or_default();
        let parsed = written.filter_map(|work| wire::observed(&work, &self.kinds));
        mailbox.works.extend(parsed.map(|work| (work.name.clone(), work)));
    }

    /// Whether a Binding asks for an object on a cluster, and the object is not narrowed to others.
    pub(super) fn wants(&self, id: &ObjectId, cluster: &ClusterName) -> bool {
        self.bound.asks_for(id, cluster) && self.admits(id, cluster)
    }

    fn admits(&self, id: &ObjectId, cluster: &ClusterName) -> bool {
        let narrowing =
            self.objects.get(id).and_then(Option::as_ref).and_then(|seen| seen.narrowing.as_ref());
        let Some(narrowing) = narrowing else { return true };
        let labels = self.inventory.get(cluster).map(|cluster| &cluster.labels);
        narrowing.admits(labels.unwrap_or(&BTreeMap::new()))
    }

    /// One mailbox, ready for `plan::work`.
    pub(super) fn mailbox(&self, world: &World, cluster: &ClusterName) -> Option<Mailbox> {
        let observed = self.mailboxes.get(cluster)?.works.values().cloned().collect();
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
            held: self.judged.objects.get(cluster).cloned().unwrap_or_default(),
            observed,
        })
    }

    /// The Bindings with this cluster as a destination, each without the objects that are narrowed to other clusters.
    fn bound_here(&self, world: &World, cluster: &ClusterName) -> BTreeMap<PolicyName, BoundHere> {
        let here = self.bound.policies().filter(|(_, bound)| bound.clusters.contains(cluster));
        here.map(|(policy, bound)| {
            world.effort.transport.add(bound.objects.len());
            let objects = bound.objects.iter().filter(|(id, _)| self.admits(id, cluster));
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
