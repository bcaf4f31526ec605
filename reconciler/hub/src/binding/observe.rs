//! What policies select now, kept up to date by watch deltas; and what sources are doing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Object, ObjectId};
use plan::binding::{
    self, BindingChange, BindingContent, BindingDecision, Entry, Holds, ResourceId, Selected, SourceProgress,
};
use plan::intent::IntentState;
use plan::policy::is_policy;
use plan::select::{Index, Selectable};
use plan::{ClusterName, Policy, PolicyName, SourceName};
use runtime::Key;

use super::wire;
use crate::sync;
use crate::world::{World, resources};

/// What one pass of the controller looks at.
pub(super) struct State {
    index: Index,
    /// Objects of the index by what a watch calls them.
    known: BTreeMap<Key, ObjectId>,
    /// Policies to decide about, kept until their Binding is as it shall be.
    dirty: BTreeSet<PolicyName>,
    /// What was held at the last pass; when that changes, everything is looked at again.
    holds: Holds,
    /// The kinds of the last pass: an object of a kind that was not known is selected once it is.
    kinds: Arc<KindTable>,
}

/// A decision, with what its writing needs.
pub(super) struct Pending {
    pub(super) policy: PolicyName,
    /// The stored policy; `None` when it is gone.
    pub(super) stored_policy: Option<Object>,
    pub(super) stored_binding: Option<Object>,
    pub(super) decision: BindingDecision,
    /// Objects that leave the Binding, as the mirror knows them (`None`: absent).
    pub(super) leaving: Vec<(ObjectId, Option<Object>)>,
    /// Clusters that leave the Binding.
    pub(super) clusters_leave: bool,
}

impl Pending {
    /// Whether an object or a cluster leaves the Binding.
    pub(super) fn removes(&self) -> bool {
        self.clusters_leave || !self.leaving.is_empty()
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            index: Index::new(),
            known: BTreeMap::new(),
            dirty: BTreeSet::new(),
            holds: Holds::default(),
            kinds: Arc::default(),
        }
    }

    /// Takes watch deltas, clusters and holds in.
    pub(super) fn update(&mut self, world: &World, changed: &BTreeSet<Key>) {
        let kinds = world.wds.kinds();
        for key in changed {
            if key.resource == resources::bindings().group_resource() {
                self.dirty.insert(PolicyName::from(key.name.as_str()));
            } else {
                self.update_object(world, &kinds, key);
            }
        }
        self.update_clusters(world);
        let holds = holds(world);
        if holds != self.holds || !Arc::ptr_eq(&kinds, &self.kinds) {
            (self.holds, self.kinds) = (holds, kinds);
            self.dirty.extend(self.index.policies().map(|policy| policy.name.clone()));
        }
    }

    fn update_object(&mut self, world: &World, kinds: &KindTable, key: &Key) {
        let stored = world.wds.mirror.get(key);
        let known = self.known.get(key).cloned();
        match (stored, known) {
            (Some(object), _) => {
                let id = object.id();
                self.known.insert(key.clone(), id.clone());
                if is_policy(&id) {
                    self.update_policy(&object);
                    return;
                }
                self.dirty.extend(
                    self.index.upsert_object(Selectable::new(object.header(), key.resource.plural.clone())),
                );
                // The content may have changed while the selection did not.
                world.intents.of(&object, kinds);
                self.dirty.extend(self.index.policies_of(&id));
            }
            (None, Some(id)) => {
                self.known.remove(key);
                world.intents.forget(&id);
                if is_policy(&id) {
                    let name = PolicyName::from(id.name.as_str());
                    self.dirty.extend(self.index.remove_policy(&name));
                    self.dirty.insert(name);
                } else {
                    self.dirty.extend(self.index.remove_object(&id));
                }
            }
            (None, None) => {}
        }
    }

    fn update_policy(&mut self, object: &Object) {
        let name = PolicyName::from(object.header().name.as_str());
        let parsed = Policy::parse(&object.to_value(), None).filter(|_| !object.header().deleting);
        match parsed {
            Some(policy) => self.dirty.extend(self.index.upsert_policy(policy)),
            None => self.dirty.extend(self.index.remove_policy(&name)),
        }
        self.dirty.insert(name);
    }

    fn update_clusters(&mut self, world: &World) {
        let inventory = world.its.inventory();
        let gone: Vec<ClusterName> = self
            .index
            .clusters()
            .map(|(name, _)| name.clone())
            .filter(|name| !inventory.contains_key(name))
            .collect();
        for cluster in gone {
            self.dirty.extend(self.index.remove_cluster(&cluster));
        }
        for (name, cluster) in &inventory {
            self.dirty.extend(self.index.upsert_cluster(name, &cluster.labels));
        }
    }

    /// Decisions for all dirty policies that ask for a write. Those that ask for none are clean from here on.
    pub(super) fn pending(&mut self, world: &World) -> Vec<Pending> {
        let mut pending = Vec::new();
        for policy in self.dirty.clone() {
            match self.decide(world, &policy, &self.holds) {
                Some(decision) => pending.push(decision),
                None => {
                    self.dirty.remove(&policy);
                }
            }
        }
        pending
    }

    /// The Binding of this policy is as it shall be, until something changes.
    pub(super) fn settled(&mut self, policy: &PolicyName) {
        self.dirty.remove(policy);
    }

    fn decide(&self, world: &World, policy: &PolicyName, holds: &Holds) -> Option<Pending> {
        let stored = |resource: runtime::Resource| {
            world.wds.mirror.get(&Key {
                resource: resource.group_resource(),
                namespace: None,
                name: policy.as_str().into(),
            })
        };
        let (stored_policy, stored_binding) = (stored(resources::policies()), stored(resources::bindings()));
        if let Some(binding) = &stored_binding
            && wire::controlling_policy(binding).is_none()
        {
            // Somebody's own Binding: it is transported as it is.
            return None;
        }
        let observed = stored_binding.as_ref().and_then(wire::content);
        let desired = self.index.selection(policy).and_then(|selection| {
            let objects = selection
                .objects
                .iter()
                .filter_map(|(id, modulation)| selected(world, id, modulation.clone()));
            binding::desired(objects.collect(), selection.clusters.clone())
        });
        let contended = self.contended(world, desired.as_ref(), observed.as_ref());
        let holds = &Holds { contended, ..holds.clone() };
        let decision = binding::decide(policy, desired, observed.as_ref(), holds);
        let after = match &decision.change {
            BindingChange::None => return None,
            BindingChange::Create(content) | BindingChange::Update(content) => Some(content),
            BindingChange::Delete => None,
        };
        let before = observed.unwrap_or_default();
        let leaves = |id: &&ResourceId| after.is_none_or(|content| !content.entries.contains_key(*id));
        let leaving = before.entries.keys().filter(leaves).filter_map(|id| self.leaving(world, id)).collect();
        let clusters_leave =
            before.destinations.iter().any(|c| after.is_none_or(|content| !content.destinations.contains(c)));
        Some(Pending {
            policy: policy.clone(),
            stored_policy,
            stored_binding,
            decision,
            leaving,
            clusters_leave,
        })
    }

    /// Of the objects that would leave, those that a hand has changed: `kubectl label` in the WDS must not unbind what a source declares.
    fn contended(
        &self,
        world: &World,
        desired: Option<&BindingContent>,
        observed: Option<&BindingContent>,
    ) -> BTreeSet<ResourceId> {
        let stays = |id: &ResourceId| desired.is_some_and(|content| content.entries.contains_key(id));
        let leaving = observed.iter().flat_map(|content| content.entries.keys()).filter(|id| !stays(id));
        let contended = leaving.filter(|id| {
            let object = self.leaving(world, id).and_then(|(_, object)| object);
            object.is_some_and(|object| {
                let intent = world.intents.of(&object, &self.kinds);
                matches!(intent.state, IntentState::Contended { .. })
            })
        });
        contended.cloned().collect()
    }

    fn leaving(&self, world: &World, id: &ResourceId) -> Option<(ObjectId, Option<Object>)> {
        let kinds = world.wds.kinds();
        let kind = kinds.preferred_resource(&id.resource)?.gvk.kind.clone();
        let object = ObjectId {
            group: id.resource.group.clone(),
            kind,
            namespace: id.namespace.clone(),
            name: id.name.clone(),
        };
        let known = world.wds.get(&object);
        Some((object, known))
    }
}

fn selected(world: &World, id: &ObjectId, modulation: plan::Modulation) -> Option<Selected> {
    let object = world.wds.get(id)?;
    let resource = world.wds.resource_of(&id.group_kind())?;
    let intent = world.intents.of(&object, &world.wds.kinds());
    let resource_version = object.header().resource_version.as_deref().unwrap_or_default().to_owned();
    Some(Selected {
        id: ResourceId {
            resource: resource.group_resource(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
        },
        entry: Entry { version: object.header().gvk.version.clone(), resource_version, modulation },
        intent: intent.digest,
    })
}

/// What may not be removed now: everything of a source whose commit is not written completely, and what of it failed.
pub fn holds(world: &World) -> Holds {
    let boards = world.board.sources();
    let joined = world.its.cluster_names();
    let mut sources = BTreeMap::new();
    for stored in world.wds.mirror.list(&resources::git_sources().group_resource()) {
        let source = SourceName::from(stored.header().name.as_str());
        let board = boards.get(&source).cloned().unwrap_or_default();
        let on_disk = stored
            .to_value()
            .pointer("/status/applying")
            .is_some_and(|v| v.as_str().is_some_and(|c| !c.is_empty()));
        let in_force = board.revision.as_ref().map(|revision| revision.commit.clone());
        let behind = in_force.is_some()
            && (board.written(&joined) != in_force.as_deref() || !board.unwritten_clusters.is_empty());
        let interrupted = board.settled.is_none() && on_disk;
        let ledger = sync::ledger_entries(&world.wds.mirror, &source);
        // An unreadable ledger hides what the source owns: nothing may go until it is readable.
        let applying = board.applying.is_some() || behind || interrupted || ledger.is_err();
        let owned: Vec<ObjectId> = ledger.unwrap_or_default().into_iter().map(|entry| entry.id).collect();
        let failed: Vec<ObjectId> = board.failures.iter().map(|failure| failure.object.clone()).collect();
        let clusters = board
            .revision
            .iter()
            .flat_map(|revision| revision.declaration.clusters.keys().cloned())
            .collect();
        sources.insert(
            source,
            SourceProgress {
                applying,
                policies: policies_in(&owned),
                owned: resource_ids(world, &owned),
                clusters,
                failed_policies: policies_in(&failed),
                failed: resource_ids(world, &failed),
            },
        );
    }
    let stored = world.wds.mirror.list(&resources::policies().group_resource());
    let parsed = stored.iter().filter_map(|policy| Policy::parse(&policy.to_value(), None));
    let unclear_policies = parsed.filter(|policy| !policy.problems.is_empty()).map(|policy| policy.name);
    Holds { sources, unclear_policies: unclear_policies.collect(), ..Holds::default() }
}

fn policies_in(ids: &[ObjectId]) -> BTreeSet<PolicyName> {
    ids.iter().filter(|id| is_policy(id)).map(|id| PolicyName::from(id.name.as_str())).collect()
}

fn resource_ids(world: &World, ids: &[ObjectId]) -> BTreeSet<ResourceId> {
    let kinds = world.wds.kinds();
    let resource = |id: &ObjectId| kinds.preferred(&id.group_kind()).map(|known| known.group_resource());
    ids.iter()
        .filter_map(|id| {
            Some(ResourceId {
                resource: resource(id)?,
                namespace: id.namespace.clone(),
                name: id.name.clone(),
            })
        })
        .collect()
}
