//! The state of every (object, cluster) pair, kept up to date by deltas; each change says which pairs, objects, policies and units are concerned.
//!
//! | concerns a pair | because |
//! |---|---|
//! | a Binding | it asks for the pair, or did, or lets it travel otherwise |
//! | a WDS object | it is the pair's, and its intent or its source changed |
//! | a work, a WorkStatus | it is, or was, of the pair |
//! | transport | it tells another reason why the mailbox does not hold the object |
//! | a policy | it is another source's, whose limits are others |
//!
//! A pair that comes to something else concerns its policies and units; one that returns something else its object. When the kinds of the WDS or the limits of a source
//! change, everything is looked at anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Name, Object, ObjectId};
use plan::binding::ResourceId;
use plan::health::{self, Reported};
use plan::intent::{Intent, IntentState};
use plan::status::{PairState, Returned, Tally};
use plan::{ClusterName, Pair, PolicyName, SourceName, Withheld};
use runtime::{Changes, Key, Mirror};

use super::objects;
use super::reports::Reports;
use super::units::{UnitKey, Units};
use crate::bound::{self, Bound, BoundPolicy};
use crate::permits::{self, Concerned, Permits};
use crate::world::{World, resources};

/// What was told since the last pass.
pub(super) struct Watches {
    wds: Changes,
    its: Changes,
    clusters: Changes,
}

impl Watches {
    pub(super) fn new(world: &World) -> Self {
        let wake = &world.wakes.status;
        Self {
            wds: world.wds.mirror.subscribe(wake.clone()),
            its: world.its.mirror.subscribe(wake.clone()),
            clusters: world.its.clusters.subscribe(wake.clone()),
        }
    }
}

/// Everything that one pass looks at.
#[derive(Default)]
pub(super) struct State {
    kinds: Arc<KindTable>,
    permits: Permits,
    pub(super) bound: Bound,
    pub(super) units: Units,
    /// What was seen of each object that a Binding holds or a unit declares; `None` for one that is not in the WDS.
    objects: BTreeMap<ObjectId, Option<Seen>>,
    reports: Reports,
    /// The state of every pair that a Binding asks for.
    pub(super) pairs: BTreeMap<Pair, PairState>,
    /// What came back for every pair, where something did.
    pub(super) returned: BTreeMap<ObjectId, BTreeMap<ClusterName, Returned>>,
    /// The pairs of each policy, taken together.
    pub(super) tallies: BTreeMap<PolicyName, Tally>,
    /// What a policy selects and may not place, as far as that is no object's own trouble.
    pub(super) errors: BTreeMap<PolicyName, BTreeSet<String>>,
    /// Why an object does not show the status of its clusters, for the policies that asked.
    pub(super) complaints: BTreeMap<ObjectId, String>,
    pub(super) clusters: BTreeSet<ClusterName>,
    pub(super) due: Due,
}

/// What is to be looked at, or written, or shown; kept until that is done.
#[derive(Default)]
pub(super) struct Due {
    pairs: BTreeSet<Pair>,
    limits: BTreeSet<PolicyName>,
    /// Objects whose status may have to be written.
    pub(super) objects: BTreeSet<ObjectId>,
    /// Policies whose status may have to be written.
    pub(super) policies: BTreeSet<PolicyName>,
    /// Units whose status may be another.
    pub(super) units: BTreeSet<UnitKey>,
    /// Unit objects, by name, that may have to be written or deleted.
    pub(super) unit_objects: BTreeSet<String>,
    /// What the fleet on the board does not show yet.
    pub(super) show: Show,
}

/// What the fleet on the board does not show yet.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Show {
    pub(super) everything: bool,
    pub(super) clusters: bool,
    pub(super) pairs: BTreeSet<Pair>,
    /// Units with another status.
    pub(super) units: BTreeSet<UnitKey>,
    /// Units that declare other objects.
    pub(super) other_objects: BTreeSet<UnitKey>,
}

/// What pairs and units depend on of an object.
#[derive(PartialEq, Eq)]
struct Seen {
    intent: Arc<Intent>,
    /// As far as limits of sources are concerned.
    owner: Option<SourceName>,
}

/// What Bindings ask for of a pair.
enum Asked {
    /// To place it.
    For,
    /// To place it, and none of them may; why, in words.
    InVain(String),
    /// Nothing. An object that a guest's policy merely points at is not that object's trouble, but the policy's.
    Not,
}

impl State {
    /// Takes in what was told, and brings the pairs that it concerns up to date.
    pub(super) fn update(&mut self, world: &World, watches: &Watches) {
        // The board first: where the objects of a commit go is in what is taken after it.
        self.update_units(world);
        let (mut wds, mut its) = (watches.wds.take(), watches.its.take());
        let kinds = world.wds.kinds();
        match self.permits.update(world, &wds) {
            Concerned::Policies(policies) if Arc::ptr_eq(&kinds, &self.kinds) => {
                self.concern_policies(policies);
            }
            _ => {
                self.start_anew(kinds);
                self.update_units(world);
                (wds, its) = (all(&world.wds.mirror), all(&world.its.mirror));
            }
        }
        self.update_wds(world, &wds);
        for key in &its {
            self.update_its(world, key);
        }
        for key in watches.clusters.take() {
            self.update_cluster(world, &key);
        }
        self.due.pairs.extend(world.board.take_retold());
        for policy in std::mem::take(&mut self.due.limits) {
            self.update_errors(world, &policy);
        }
        for pair in std::mem::take(&mut self.due.pairs) {
            self.update_pair(world, pair);
        }
    }

    /// What objects and manifests are called depends on the kinds, what is asked for on the limits.
    fn start_anew(&mut self, kinds: Arc<KindTable>) {
        let before = std::mem::take(self);
        self.kinds = kinds;
        self.permits = before.permits;
        self.clusters = before.clusters;
        self.due.show.everything = true;
    }

    fn concern_policies(&mut self, policies: BTreeSet<PolicyName>) {
        for policy in policies {
            let bound = self.bound.policy(&policy);
            self.due.pairs.extend(bound.into_iter().flat_map(BoundPolicy::pairs));
            self.due.limits.insert(policy);
        }
    }

    fn update_units(&mut self, world: &World) {
        let news = self.units.update(world);
        for unit in &news.other_objects {
            let objects = self.units.get(unit).map(|known| known.objects.clone()).unwrap_or_default();
            for id in objects {
                self.look_at(world, &id);
                self.count_in(unit, &id);
            }
        }
        self.due.unit_objects.extend(news.units.iter().map(super::act::unit_object_name));
        if !news.revised.is_empty() {
            let stored = world.wds.mirror.list(&resources::units().group_resource());
            self.due.unit_objects.extend(stored.iter().map(|unit| unit.header().name.to_string()));
        }
        self.due.show.other_objects.extend(news.other_objects);
        self.due.units.extend(news.units);
    }

    /// Tells a unit about an object that it has come to declare.
    fn count_in(&mut self, unit: &UnitKey, id: &ObjectId) {
        let contended = self.objects.get(id).and_then(Option::as_ref).and_then(Seen::contended);
        let Some(known) = self.units.get_mut(unit) else { return };
        known.contended.extend(contended.map(|why| (id.clone(), why)));
        for (pair, state) in of_object(&self.pairs, id) {
            known.tally.add(pair, state);
        }
    }

    /// Bindings first: they say which objects matter.
    fn update_wds(&mut self, world: &World, told: &BTreeSet<Key>) {
        let bindings = resources::bindings().group_resource();
        for key in told.iter().filter(|key| key.resource == bindings) {
            self.update_binding(world, key);
        }
        for key in told.iter().filter(|key| key.resource != bindings) {
            self.update_object(world, key);
        }
    }

    fn update_binding(&mut self, world: &World, key: &Key) {
        let policy = PolicyName::from(key.name.as_str());
        let stored = world.wds.mirror.get(key);
        let after = stored.as_ref().and_then(|binding| bound::parsed(binding, &self.kinds));
        world.effort.status.add(after.as_ref().map_or(0, |after| after.objects.len()));
        let change = self.bound.set(&policy, after);
        for id in change.objects() {
            self.due.objects.insert(id.clone());
            self.look_at(world, id);
        }
        let pairs: BTreeSet<Pair> =
            change.pairs().map(|(id, cluster)| Pair::new(id.clone(), cluster.clone())).collect();
        let tally = self.tallies.entry(policy.clone()).or_default();
        for pair in &pairs {
            let Some(state) = self.pairs.get(pair) else { continue };
            if change.asked_for(pair) {
                tally.remove(pair, state);
            }
            if change.asks_for(pair) {
                tally.add(pair, state);
            }
        }
        if self.bound.policy(&policy).is_none() {
            self.tallies.remove(&policy);
        }
        self.due.objects.extend(pairs.iter().map(|pair| pair.object.clone()));
        self.due.pairs.extend(pairs);
        self.due.policies.insert(policy.clone());
        self.due.limits.insert(policy);
    }

    fn update_object(&mut self, world: &World, key: &Key) {
        world.effort.status.add(1);
        if key.resource == resources::policies().group_resource() {
            self.due.policies.insert(PolicyName::from(key.name.as_str()));
        }
        if key.resource == resources::units().group_resource() {
            self.due.unit_objects.insert(key.name.to_string());
        }
        let stored = world.wds.mirror.get(key);
        let id = stored.as_ref().map(Object::id).or_else(|| self.id_of(key));
        let Some(id) = id else { return };
        if stored.as_ref().is_some_and(objects::is_labelled) || self.bound.holds(&id) {
            self.due.objects.insert(id.clone());
        }
        self.look_at(world, &id);
    }

    fn id_of(&self, key: &Key) -> Option<ObjectId> {
        let (resource, namespace, name) = (key.resource.clone(), key.namespace.clone(), key.name.clone());
        bound::object_id(&self.kinds, &ResourceId { resource, namespace, name })
    }

    /// Looks at an object again, if it matters to anybody.
    fn look_at(&mut self, world: &World, id: &ObjectId) {
        if !self.bound.holds(id) && !self.units.declare(id) {
            self.objects.remove(id);
            return;
        }
        let now = world.wds.get(id).map(|object| Seen {
            intent: world.intents.of(&object, &self.kinds),
            owner: self.permits.owner(&object),
        });
        if self.objects.get(id) == Some(&now) {
            return;
        }
        let contended = now.as_ref().and_then(Seen::contended);
        let units: Vec<UnitKey> = self.units.of(id).cloned().collect();
        for unit in units {
            if let Some(known) = self.units.get_mut(&unit) {
                match contended.clone() {
                    Some(why) => known.contended.insert(id.clone(), why),
                    None => known.contended.remove(id),
                };
            }
            self.due.units.insert(unit);
        }
        self.objects.insert(id.clone(), now);
        self.due.limits.extend(self.bound.holders(id).map(|(policy, _)| policy.clone()));
        let clusters = self.bound.clusters_of(id).into_iter();
        self.due.pairs.extend(clusters.map(|cluster| Pair::new(id.clone(), cluster)));
    }

    fn update_its(&mut self, world: &World, key: &Key) {
        let concerned = if key.resource == resources::manifest_works().group_resource() {
            self.reports.update_work(world, &self.kinds, key)
        } else if key.resource == resources::work_statuses().group_resource() {
            self.reports.update_status(world, key)
        } else {
            return;
        };
        self.due.pairs.extend(concerned);
    }

    fn update_cluster(&mut self, world: &World, key: &Key) {
        let name = ClusterName::from(key.name.as_str());
        let stored = world.its.clusters.get(key).filter(|cluster| !cluster.header().deleting);
        self.due.show.clusters |= match stored {
            Some(_) => self.clusters.insert(name),
            None => self.clusters.remove(&name),
        };
    }

    fn owner(&self, id: &ObjectId) -> Option<&SourceName> {
        self.objects.get(id)?.as_ref()?.owner.as_ref()
    }

    fn update_errors(&mut self, world: &World, policy: &PolicyName) {
        let mut errors = BTreeSet::new();
        if self.permits.limit_anybody()
            && let Some(bound) = self.bound.policy(policy)
        {
            world.effort.status.add(bound.objects.len());
            for Pair { object, cluster } in bound.pairs() {
                let why = self.permits.withheld(policy, self.owner(&object), &cluster);
                if let Some(why @ Withheld::NotItsOwn(_)) = why {
                    errors.insert(format!("{object}: {}", permits::in_words(&why, policy, &cluster)));
                }
            }
        }
        let before = self.errors.remove(policy).unwrap_or_default();
        if before != errors {
            self.due.policies.insert(policy.clone());
        }
        if !errors.is_empty() {
            self.errors.insert(policy.clone(), errors);
        }
    }

    fn asked(&self, pair: &Pair) -> Asked {
        let mut asked = Asked::Not;
        let owner = self.owner(&pair.object);
        for (policy, bound) in self.bound.holders(&pair.object) {
            if !bound.clusters.contains(&pair.cluster) {
                continue;
            }
            match self.permits.withheld(policy, owner, &pair.cluster) {
                None => return Asked::For,
                Some(Withheld::NotItsOwn(_)) => {}
                Some(why) => asked = Asked::InVain(permits::in_words(&why, policy, &pair.cluster)),
            }
        }
        asked
    }

    fn update_pair(&mut self, world: &World, pair: Pair) {
        world.effort.status.add(1);
        let (state, returned) = match self.asked(&pair) {
            Asked::For => {
                let (state, returned) = self.state_of(world, &pair);
                (Some(state), returned)
            }
            Asked::InVain(why) => (Some(PairState::NotAllowed(why)), None),
            Asked::Not => (None, None),
        };
        self.set_returned(&pair, returned);
        self.set_state(pair, state.as_ref());
    }

    fn set_returned(&mut self, pair: &Pair, returned: Option<Returned>) {
        let of_object = self.returned.get(&pair.object);
        if of_object.and_then(|clusters| clusters.get(&pair.cluster)) == returned.as_ref() {
            return;
        }
        self.due.objects.insert(pair.object.clone());
        let of_object = self.returned.entry(pair.object.clone()).or_default();
        match returned {
            Some(returned) => drop(of_object.insert(pair.cluster.clone(), returned)),
            None => drop(of_object.remove(&pair.cluster)),
        }
        if of_object.is_empty() {
            self.returned.remove(&pair.object);
        }
    }

    fn set_state(&mut self, pair: Pair, state: Option<&PairState>) {
        let before = match state {
            Some(state) => self.pairs.insert(pair.clone(), state.clone()),
            None => self.pairs.remove(&pair),
        };
        if before.as_ref() == state {
            return;
        }
        let recount = |tally: &mut Tally| {
            if let Some(before) = &before {
                tally.remove(&pair, before);
            }
            if let Some(now) = state {
                tally.add(&pair, now);
            }
        };
        for (policy, _) in
            self.bound.holders(&pair.object).filter(|(_, bound)| bound.clusters.contains(&pair.cluster))
        {
            recount(self.tallies.entry(policy.clone()).or_default());
            self.due.policies.insert(policy.clone());
        }
        let units: Vec<UnitKey> = self.units.of(&pair.object).cloned().collect();
        for unit in units {
            if let Some(known) = self.units.get_mut(&unit) {
                recount(&mut known.tally);
            }
            self.due.units.insert(unit);
        }
        self.due.show.pairs.insert(pair);
    }

    fn state_of(&self, world: &World, pair: &Pair) -> (PairState, Option<Returned>) {
        let Pair { object: id, cluster } = pair;
        let Some(held) = self.reports.held(pair) else {
            let why = world.board.kept(cluster, id).unwrap_or_else(|| "not in the mailbox yet".to_owned());
            return (PairState::Pending(why), None);
        };
        let statuses = self.reports.returned(pair);
        let shipped = self.is_shipped(id, &held.manifest.object);
        let reported = held.manifest.applied.as_ref();
        let seen = reported.and_then(|a| a.observed_generation).or(held.work_applied_generation);
        let current = shipped && seen == Some(held.work_generation);
        let state = match reported {
            _ if !shipped => PairState::Pending("the mailbox holds an older version".to_owned()),
            None => PairState::Pending("the agent has not reported".to_owned()),
            Some(_) if !current => PairState::Pending("the agent has not seen the newest version".to_owned()),
            Some(applied) if !applied.ok => PairState::Failed(applied.message.clone()),
            Some(_) => {
                // A status that belongs to an older generation says nothing about this one.
                let fresh = statuses.filter(|s| s.generation.is_none() || s.generation_is_applied);
                PairState::Applied(health::health(&Reported {
                    kind: &id.group_kind(),
                    content: &held.manifest.object.to_value(),
                    status: fresh.and_then(|s| s.status.as_ref()),
                    generation: fresh.and_then(|s| s.generation),
                }))
            }
        };
        let applied = reported.is_some_and(|a| a.ok);
        let returned = statuses.and_then(|s| {
            let current = current && applied && s.generation_is_applied;
            Some(Returned { status: s.status.clone()?, generation: s.generation, current })
        });
        (state, returned)
    }

    /// Whether the mailbox holds what the WDS asks for now. A contended object keeps what it has, which counts as shipped.
    fn is_shipped(&self, id: &ObjectId, manifest: &Object) -> bool {
        let seen = self.objects.get(id).and_then(Option::as_ref);
        let content = seen.and_then(|seen| seen.intent.content.as_ref());
        content.is_none_or(|content| content == manifest)
    }
}

impl Seen {
    fn contended(&self) -> Option<String> {
        let IntentState::Contended { managers, fields } = &self.intent.state else { return None };
        Some(format!("Contended: {} changed {} in the WDS", managers.join(", "), fields.join(", ")))
    }
}

/// The pairs of an object.
pub(super) fn of_object<'a>(
    pairs: &'a BTreeMap<Pair, PairState>,
    id: &'a ObjectId,
) -> impl Iterator<Item = (&'a Pair, &'a PairState)> {
    let first = Pair::new(id.clone(), ClusterName::from(""));
    pairs.range(first..).take_while(move |(pair, _)| pair.object == *id)
}

/// Everything that a mirror holds.
fn all(mirror: &Mirror) -> BTreeSet<Key> {
    let watched = mirror.watched().into_iter().map(|resource| resource.group_resource());
    watched
        .flat_map(|resource| {
            mirror.list(&resource).into_iter().map(move |object| {
                let header = object.header();
                let (namespace, name): (_, Name) = (header.namespace.clone(), header.name.clone());
                Key { resource: resource.clone(), namespace, name }
            })
        })
        .collect()
}
