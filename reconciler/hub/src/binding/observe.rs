//! What policies select now, kept up to date by watch deltas; and what sources are doing.

use std::collections::BTreeSet;
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Object, ObjectId};
use plan::binding::{
    self, BindingChange, BindingContent, BindingDecision, Entry, Holds, ResourceId, Selected,
};
use plan::intent::IntentState;
use plan::policy::is_policy;
use plan::{ClusterName, PolicyName};
use runtime::{Changes, Key};

use super::selections::Selections;
use super::wire;
use crate::bound;
use crate::holds::holds;
use crate::world::{World, resources};

/// What was told since the last pass.
pub(super) struct Watches {
    pub(super) wds: Changes,
    clusters: Changes,
}

impl Watches {
    pub(super) fn new(world: &World) -> Self {
        let wake = &world.wakes.binding;
        Self {
            wds: world.wds.mirror.subscribe(wake.clone()),
            clusters: world.its.clusters.subscribe(wake.clone()),
        }
    }
}

/// What one pass of the controller looks at.
#[derive(Default)]
pub(super) struct State {
    selections: Selections,
    /// Policies to decide about, kept until their Binding is as it shall be.
    dirty: BTreeSet<PolicyName>,
    /// Policies whose Binding, or mailboxes, still hold something that no policy asks for: sources may not lose it yet.
    held: BTreeSet<PolicyName>,
    /// What was held at the last pass; when that changes, the policies that it concerns are looked at again.
    holds: Arc<Holds>,
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

    /// Whether something may leave only when sources are further.
    pub(super) fn holds_back(&self) -> bool {
        !self.decision.held_objects.is_empty() || !self.decision.held_clusters.is_empty()
    }
}

impl State {
    /// Takes in what was told: objects, policies, Bindings, clusters; and how far sources are.
    pub(super) fn update(&mut self, world: &World, watches: &Watches) {
        let kinds = world.wds.kinds();
        for key in watches.wds.take() {
            if key.resource == resources::bindings().group_resource() {
                self.dirty.insert(PolicyName::from(key.name.as_str()));
            } else {
                self.update_object(world, &kinds, &key);
            }
        }
        for key in watches.clusters.take() {
            self.update_cluster(world, &key);
        }
        let holds = holds(world);
        if !Arc::ptr_eq(&holds, &self.holds) {
            self.holds = holds;
            self.dirty.append(&mut self.held);
        }
        if !Arc::ptr_eq(&kinds, &self.kinds) {
            self.kinds = kinds;
            self.dirty.extend(self.selections.index().policies().map(|policy| policy.name.clone()));
        }
    }

    fn update_object(&mut self, world: &World, kinds: &KindTable, key: &Key) {
        world.effort.binding.add(1);
        let stored = world.wds.mirror.get(key);
        match (&stored, self.selections.known(key)) {
            (None, Some(id)) => world.intents.forget(id),
            (Some(object), _) if !is_policy(&object.id()) => drop(world.intents.of(object, kinds)),
            _ => {}
        }
        self.dirty.extend(self.selections.update(key, stored.as_ref()));
    }

    fn update_cluster(&mut self, world: &World, key: &Key) {
        world.effort.binding.add(1);
        let stored = world.its.clusters.get(key).filter(|cluster| !cluster.header().deleting);
        let labels = stored.as_ref().map(|cluster| cluster.header().labels.as_ref());
        self.dirty.extend(self.selections.update_cluster(&ClusterName::from(key.name.as_str()), labels));
    }

    /// Decisions for all dirty policies that ask for a write. Those that ask for none are clean from here on.
    pub(super) fn pending(&mut self, world: &World) -> Vec<Pending> {
        let mut pending = Vec::new();
        for policy in self.dirty.clone() {
            match self.decide(world, &policy) {
                Some(decided) if decided.decision.change != BindingChange::None => pending.push(decided),
                decided => self.settled(&policy, decided.is_some_and(|decided| decided.holds_back())),
            }
        }
        pending
    }

    /// The Binding of this policy is as it shall be, until something changes; if something is held back, until the sources are further.
    pub(super) fn settled(&mut self, policy: &PolicyName, held: bool) {
        self.dirty.remove(policy);
        if held {
            self.held.insert(policy.clone());
        } else {
            self.held.remove(policy);
        }
    }

    /// `None` for a Binding that somebody wrote without a policy: it is transported as it is.
    fn decide(&self, world: &World, policy: &PolicyName) -> Option<Pending> {
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
            return None;
        }
        let observed = stored_binding.as_ref().and_then(wire::content);
        let desired = self.selections.index().selection(policy).and_then(|selection| {
            world.effort.binding.add(selection.objects.len());
            let objects = selection
                .objects
                .iter()
                .filter_map(|(id, modulation)| selected(world, id, modulation.clone()));
            binding::desired(objects.collect(), selection.clusters.clone())
        });
        let contended = self.contended(world, desired.as_ref(), observed.as_ref());
        let decision = binding::decide(policy, desired, observed.as_ref(), &self.holds, &contended);
        let after = match &decision.change {
            BindingChange::None => observed.as_ref(),
            BindingChange::Create(content) | BindingChange::Update(content) => Some(content),
            BindingChange::Delete => None,
        };
        let nothing = BindingContent::default();
        let before = observed.as_ref().unwrap_or(&nothing);
        let leaves = |id: &&ResourceId| after.is_none_or(|content| !content.entries.contains_key(*id));
        let leaving = before.entries.keys().filter(leaves).filter_map(|id| leaving(world, id)).collect();
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
        let going = observed.iter().flat_map(|content| content.entries.keys()).filter(|id| !stays(id));
        let contended = going.filter(|id| {
            let object = leaving(world, id).and_then(|(_, object)| object);
            object.is_some_and(|object| {
                let intent = world.intents.of(&object, &self.kinds);
                matches!(intent.state, IntentState::Contended { .. })
            })
        });
        contended.cloned().collect()
    }
}

fn leaving(world: &World, id: &ResourceId) -> Option<(ObjectId, Option<Object>)> {
    let object = bound::object_id(&world.wds.kinds(), id)?;
    let known = world.wds.get(&object);
    Some((object, known))
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
