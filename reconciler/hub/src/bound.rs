//! What the Bindings of the WDS ask for, as transport and status go over it: each Binding is parsed when it changes, and each change says which pairs it concerns.
//!
//! Guarantee: after any sequence of changes it equals one that is built from what is left (property test below).

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::kinds::KindTable;
use apimachinery::{Object, ObjectId};
use plan::binding::ResourceId;
use plan::{ClusterName, Modulation, Pair, PolicyName};

use crate::binding::wire;
use crate::permits;

/// One Binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundPolicy {
    /// Its UID.
    pub uid: String,
    /// Its generation.
    pub generation: i64,
    /// Its objects, and how they travel; those that are never placed, whoever asks for them, are left out.
    pub objects: BTreeMap<ObjectId, Modulation>,
    /// Its destinations.
    pub clusters: BTreeSet<ClusterName>,
}

impl BoundPolicy {
    /// Whether it asks for a pair.
    pub fn asks_for(&self, pair: &Pair) -> bool {
        self.clusters.contains(&pair.cluster) && self.objects.contains_key(&pair.object)
    }

    /// Every pair that it asks for.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        let objects = self.objects.keys();
        objects.flat_map(|id| self.clusters.iter().map(|cluster| Pair::new(id.clone(), cluster.clone())))
    }
}

/// All Bindings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    policies: BTreeMap<PolicyName, BoundPolicy>,
    /// Which Bindings hold an object.
    holders: BTreeMap<ObjectId, BTreeSet<PolicyName>>,
    /// Which Bindings have a cluster as a destination.
    destined: BTreeMap<ClusterName, BTreeSet<PolicyName>>,
}

/// A change of one Binding.
#[derive(Clone, Debug, Default)]
pub struct Change {
    before: Option<BoundPolicy>,
    after: Option<BoundPolicy>,
}

impl Change {
    /// Objects that come, go, or travel otherwise than before.
    pub fn objects(&self) -> BTreeSet<&ObjectId> {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let another = self.is_another();
        let differs = |other: Option<&BoundPolicy>, (id, modulation): &(&ObjectId, &Modulation)| {
            another || other.and_then(|other| other.objects.get(*id)) != Some(*modulation)
        };
        let went = objects(before).filter(|object| differs(after, object));
        went.chain(objects(after).filter(|object| differs(before, object))).map(|(id, _)| id).collect()
    }

    /// Clusters whose mailboxes are asked for something else than before.
    pub fn mailboxes(&self) -> BTreeSet<&ClusterName> {
        if self.objects().is_empty() { self.clusters() } else { self.all_clusters() }
    }

    /// Pairs that come, go, or travel otherwise than before. A Binding is a cross product: an object concerns all clusters, a cluster all objects.
    pub fn pairs(&self) -> impl Iterator<Item = (&ObjectId, &ClusterName)> {
        let (all_clusters, clusters) = (self.all_clusters(), self.clusters());
        let all_objects: BTreeSet<&ObjectId> =
            objects(self.before.as_ref()).chain(objects(self.after.as_ref())).map(|(id, _)| id).collect();
        let by_object = self
            .objects()
            .into_iter()
            .flat_map(move |id| all_clusters.clone().into_iter().map(move |cluster| (id, cluster)));
        let by_cluster = all_objects
            .into_iter()
            .flat_map(move |id| clusters.clone().into_iter().map(move |cluster| (id, cluster)));
        by_object.chain(by_cluster)
    }

    /// Whether the Binding asked for a pair before.
    pub fn asked_for(&self, pair: &Pair) -> bool {
        self.before.as_ref().is_some_and(|bound| bound.asks_for(pair))
    }

    /// Whether it asks for a pair now.
    pub fn asks_for(&self, pair: &Pair) -> bool {
        self.after.as_ref().is_some_and(|bound| bound.asks_for(pair))
    }

    /// Whether the Binding is another one of the same name.
    fn is_another(&self) -> bool {
        let uid = |bound: &Option<BoundPolicy>| bound.as_ref().map(|bound| bound.uid.clone());
        uid(&self.before) != uid(&self.after)
    }

    fn all_clusters(&self) -> BTreeSet<&ClusterName> {
        clusters(self.before.as_ref()).chain(clusters(self.after.as_ref())).collect()
    }

    /// Those that come or go.
    fn clusters(&self) -> BTreeSet<&ClusterName> {
        let before: BTreeSet<_> = clusters(self.before.as_ref()).collect();
        before.symmetric_difference(&clusters(self.after.as_ref()).collect()).copied().collect()
    }
}

fn objects(bound: Option<&BoundPolicy>) -> impl Iterator<Item = (&ObjectId, &Modulation)> {
    bound.into_iter().flat_map(|bound| &bound.objects)
}

fn clusters(bound: Option<&BoundPolicy>) -> impl Iterator<Item = &ClusterName> {
    bound.into_iter().flat_map(|bound| &bound.clusters)
}

/// A stored Binding; `None` for one that goes, and for what does not parse.
pub fn parsed(binding: &Object, kinds: &KindTable) -> Option<BoundPolicy> {
    let header = binding.header();
    if header.deleting {
        return None;
    }
    let content = wire::content(binding)?;
    let objects = content.entries.into_iter();
    let objects = objects.filter_map(|(id, entry)| {
        let object = object_id(kinds, &id)?;
        permits::placeable(&id.resource, &object).then_some((object, entry.modulation))
    });
    Some(BoundPolicy {
        uid: header.uid.as_deref().unwrap_or_default().to_owned(),
        generation: header.generation.unwrap_or_default(),
        objects: objects.collect(),
        clusters: content.destinations,
    })
}

/// A resource's object by its kind; `None` while the kind is not known.
pub fn object_id(kinds: &KindTable, id: &ResourceId) -> Option<ObjectId> {
    let kind = kinds.preferred_resource(&id.resource)?.gvk.kind.clone();
    Some(ObjectId {
        group: id.resource.group.clone(),
        kind,
        namespace: id.namespace.clone(),
        name: id.name.clone(),
    })
}

impl Bound {
    /// The Bindings with a cluster as a destination.
    pub fn destined(&self, cluster: &ClusterName) -> impl Iterator<Item = (&PolicyName, &BoundPolicy)> {
        let destined = self.destined.get(cluster).into_iter().flatten();
        destined.filter_map(|policy| self.policies.get_key_value(policy))
    }

    /// One Binding.
    pub fn policy(&self, policy: &PolicyName) -> Option<&BoundPolicy> {
        self.policies.get(policy)
    }

    /// The Bindings that hold an object.
    pub fn holders(&self, object: &ObjectId) -> impl Iterator<Item = (&PolicyName, &BoundPolicy)> {
        let holders = self.holders.get(object).into_iter().flatten();
        holders.filter_map(|policy| self.policies.get_key_value(policy))
    }

    /// Whether any Binding holds an object.
    pub fn holds(&self, object: &ObjectId) -> bool {
        self.holders.contains_key(object)
    }

    /// The clusters that an object is asked for on; narrowing is left out of account.
    pub fn clusters_of(&self, object: &ObjectId) -> BTreeSet<ClusterName> {
        self.holders(object).flat_map(|(_, bound)| bound.clusters.iter().cloned()).collect()
    }

    /// Takes a Binding in, or out.
    pub fn set(&mut self, policy: &PolicyName, after: Option<BoundPolicy>) -> Change {
        let before = self.policies.remove(policy);
        for (object, _) in objects(before.as_ref()) {
            drop_entry(&mut self.holders, object, policy);
        }
        for cluster in clusters(before.as_ref()) {
            drop_entry(&mut self.destined, cluster, policy);
        }
        for (object, _) in objects(after.as_ref()) {
            self.holders.entry(object.clone()).or_default().insert(policy.clone());
        }
        for cluster in clusters(after.as_ref()) {
            self.destined.entry(cluster.clone()).or_default().insert(policy.clone());
        }
        self.policies.extend(after.clone().map(|after| (policy.clone(), after)));
        Change { before, after }
    }
}

/// Takes a value out of an index of sets; no set is left empty.
pub(crate) fn drop_entry<K: Ord, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    fn object(number: u8) -> ObjectId {
        ObjectId::new("", "ConfigMap", Some("shop"), &format!("o{number}"))
    }

    fn bound() -> impl Strategy<Value = BoundPolicy> {
        (0..2u8, btree_set((0..5u8, any::<bool>()), 0..5), btree_set(0..4u8, 0..4)).prop_map(
            |(uid, objects, clusters)| BoundPolicy {
                uid: uid.to_string(),
                generation: 1,
                objects: objects
                    .into_iter()
                    .map(|(id, create_only)| {
                        (object(id), Modulation { create_only, ..Modulation::default() })
                    })
                    .collect(),
                clusters: clusters.into_iter().map(|c| ClusterName::from(format!("c{c}"))).collect(),
            },
        )
    }

    /// What each pair is asked for.
    fn pairs(bound: &Bound) -> BTreeSet<(ObjectId, ClusterName, PolicyName, bool, String)> {
        let all = bound.policies.iter().flat_map(|(policy, bound)| {
            bound.objects.iter().flat_map(move |(id, modulation)| {
                bound.clusters.iter().map(move |cluster| {
                    (id.clone(), cluster.clone(), policy.clone(), modulation.create_only, bound.uid.clone())
                })
            })
        });
        all.collect()
    }

    proptest! {
        #[test]
        fn bindings_that_come_change_and_go_leave_what_is_built_anew(changes in vec((0..3u8, proptest::option::of(bound())), 0..12)) {
            let mut kept = Bound::default();
            let mut last: BTreeMap<PolicyName, Option<BoundPolicy>> = BTreeMap::new();
            for (policy, binding) in changes {
                let policy = PolicyName::from(format!("p{policy}"));
                last.insert(policy.clone(), binding.clone());
                let before = pairs(&kept);
                let same = kept.policy(&policy) == binding.as_ref();
                let change = kept.set(&policy, binding);
                let after = pairs(&kept);
                let told: BTreeSet<_> = change.pairs().map(|(id, cluster)| (id.clone(), cluster.clone())).collect();
                let mailboxes = change.mailboxes();
                for (id, cluster, ..) in before.symmetric_difference(&after) {
                    prop_assert!(told.contains(&(id.clone(), cluster.clone())), "{id} on {cluster} changed untold");
                    prop_assert!(mailboxes.contains(cluster), "the mailbox of {cluster} changed untold");
                }
                prop_assert!(!same || told.is_empty() && mailboxes.is_empty(), "something is told though nothing changed");
            }
            let mut anew = Bound::default();
            for (policy, binding) in last {
                anew.set(&policy, binding);
            }
            prop_assert_eq!(kept, anew);
        }
    }
}
