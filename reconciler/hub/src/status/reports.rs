//! What mailboxes and WorkStatuses say of each pair.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::kinds::KindTable;
use apimachinery::{Name, Object, ObjectId};
use plan::work::ObservedManifest;
use plan::{ClusterName, Pair};
use runtime::Key;
use serde_json::Value;

use crate::transport::{is_ours, wire as work_wire};
use crate::world::World;

/// What a cluster returned for one object, as the WorkStatus holds it.
pub(super) struct WorkStatusOf {
    pub(super) status: Option<Value>,
    pub(super) generation: Option<i64>,
    pub(super) generation_is_applied: bool,
}

/// Where an object stands in a mailbox.
pub(super) struct Held {
    pub(super) manifest: ObservedManifest,
    pub(super) work_generation: i64,
    pub(super) work_applied_generation: Option<i64>,
}

/// All mailboxes and WorkStatuses, by pair. An entry is of one work or WorkStatus; in a mailbox their names are unique.
#[derive(Default)]
pub(super) struct Reports {
    held: BTreeMap<Pair, BTreeMap<Name, Held>>,
    returned: BTreeMap<Pair, BTreeMap<Name, WorkStatusOf>>,
    /// The objects in each work, and of each WorkStatus.
    in_works: BTreeMap<Place, BTreeSet<ObjectId>>,
    in_statuses: BTreeMap<Place, ObjectId>,
}

/// A mailbox, and a name in it.
type Place = (ClusterName, Name);

impl Reports {
    /// Where an object stands. During a move it stands in two works; the one that has applied it counts.
    pub(super) fn held(&self, pair: &Pair) -> Option<&Held> {
        let held = self.held.get(pair)?;
        held.values().find(|held| is_applied(&held.manifest)).or_else(|| held.values().next())
    }

    /// What its cluster returned.
    pub(super) fn returned(&self, pair: &Pair) -> Option<&WorkStatusOf> {
        self.returned.get(pair)?.values().next_back()
    }

    /// Takes a ManifestWork in as it is stored now, or out; the pairs that it concerns.
    pub(super) fn update_work(&mut self, world: &World, kinds: &KindTable, key: &Key) -> BTreeSet<Pair> {
        let Some(place) = place(key) else { return BTreeSet::new() };
        let stored = world.its.mirror.get(key);
        let work = stored.and_then(|stored| work_wire::observed(&stored, kinds));
        let work = work.filter(|work| is_ours(world, work));
        let before = self.in_works.remove(&place).unwrap_or_default();
        for object in &before {
            remove(&mut self.held, &pair(object, &place), &place.1);
        }
        let mut objects = BTreeSet::new();
        if let Some(work) = work {
            world.effort.status.add(work.manifests.len());
            let (work_generation, work_applied_generation) = (work.generation, work.applied_generation);
            for manifest in work.manifests {
                let object = manifest.object.id();
                let known = self.held.entry(pair(&object, &place)).or_default();
                let counts = |known: &Held| is_applied(&known.manifest) || !is_applied(&manifest);
                if !known.get(&place.1).is_some_and(counts) {
                    let held = Held { manifest, work_generation, work_applied_generation };
                    known.insert(place.1.clone(), held);
                }
                objects.insert(object);
            }
        }
        let concerned = before.union(&objects).map(|object| pair(object, &place)).collect();
        if !objects.is_empty() {
            self.in_works.insert(place, objects);
        }
        concerned
    }

    /// Takes a WorkStatus in as it is stored now, or out; the pairs that it concerns.
    pub(super) fn update_status(&mut self, world: &World, key: &Key) -> BTreeSet<Pair> {
        world.effort.status.add(1);
        let Some(place) = place(key) else { return BTreeSet::new() };
        let mut concerned = BTreeSet::new();
        if let Some(object) = self.in_statuses.remove(&place) {
            remove(&mut self.returned, &pair(&object, &place), &place.1);
            concerned.insert(pair(&object, &place));
        }
        if let Some(stored) = world.its.mirror.get(key) {
            let (object, status) = parsed(&stored);
            let pair = pair(&object, &place);
            self.returned.entry(pair.clone()).or_default().insert(place.1.clone(), status);
            self.in_statuses.insert(place, object);
            concerned.insert(pair);
        }
        concerned
    }
}

fn place(key: &Key) -> Option<Place> {
    Some((ClusterName::from(key.namespace.as_ref()?.as_str()), key.name.clone()))
}

fn pair(object: &ObjectId, place: &Place) -> Pair {
    Pair { object: object.clone(), cluster: place.0.clone() }
}

fn remove<T>(entries: &mut BTreeMap<Pair, BTreeMap<Name, T>>, pair: &Pair, name: &Name) {
    if let Some(by_name) = entries.get_mut(pair) {
        by_name.remove(name);
        if by_name.is_empty() {
            entries.remove(pair);
        }
    }
}

fn is_applied(manifest: &ObservedManifest) -> bool {
    manifest.applied.as_ref().is_some_and(|applied| applied.ok)
}

fn parsed(stored: &Object) -> (ObjectId, WorkStatusOf) {
    let value = stored.to_value();
    let text = |field: &str| value["spec"]["sourceRef"][field].as_str().unwrap_or_default();
    let namespace = Some(text("namespace")).filter(|namespace| !namespace.is_empty());
    let id = ObjectId::new(text("group"), text("kind"), namespace, text("name"));
    let details = &value["statusDetails"];
    let status = WorkStatusOf {
        status: value.get("status").cloned(),
        generation: details["lastGeneration"].as_i64().filter(|generation| *generation > 0),
        generation_is_applied: details["lastGenerationIsApplied"].as_bool().unwrap_or(false),
    };
    (id, status)
}
