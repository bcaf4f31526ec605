//! What all checks look at.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;

use crate::budget::Held;
use crate::placement::{Declared, Expansion};
use crate::review::compare::{Change, PairChange};
use crate::{ClusterName, Origin, Policy, PolicyName};

/// Before, after, and what differs.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Before the change; without it everything is new.
    pub base: Option<&'a Expansion<'a>>,
    /// After the change.
    pub head: &'a Expansion<'a>,
    /// All pairs of both, sorted by object and cluster.
    pub changes: &'a [PairChange<'a>],
    /// What the removal budget would hold.
    pub held: Option<&'a Held>,
}

impl<'a> Scene<'a> {
    /// The changes of each object, by identity.
    pub fn by_object(&self) -> impl Iterator<Item = (&'a ObjectId, &'a [PairChange<'a>])> {
        self.changes
            .chunk_by(|a, b| a.object == b.object)
            .filter_map(|pairs| Some((pairs.first()?.object, pairs)))
    }

    /// The clusters an object is on after the change.
    pub fn clusters_after(&self) -> BTreeMap<&'a ObjectId, BTreeSet<&'a ClusterName>> {
        let stays = |pair: &&PairChange| pair.head.is_some();
        self.by_object()
            .map(|(object, pairs)| (object, pairs.iter().filter(stays).map(|pair| pair.cluster).collect()))
            .collect()
    }

    /// Where an object is declared now.
    pub fn origin(&self, object: &ObjectId) -> Option<Origin> {
        self.head.objects.get(object).map(|declared| declared.object.origin.clone())
    }

    /// Where an object that may be gone was declared, or is.
    pub fn last_origin(&self, object: &ObjectId) -> Option<Origin> {
        let before = || self.declared_before(object).map(|declared| declared.object.origin.clone());
        self.origin(object).or_else(before)
    }

    /// An object before the change.
    pub fn declared_before(&self, object: &ObjectId) -> Option<&'a Declared<'a>> {
        self.base?.objects.get(object)
    }

    /// A policy before the change.
    pub fn policy_before(&self, name: &PolicyName) -> Option<&'a Policy> {
        self.base?.index.policy(name).map(AsRef::as_ref)
    }

    /// Where to look for the cause of a removal: the object's own file if it is gone, else the policy that no longer places it, else the file of
    /// the first cluster that changed.
    pub fn cause_of_removal(&self, removed: &[&PairChange<'a>]) -> Option<Origin> {
        let first = removed.first()?;
        if !self.head.objects.contains_key(first.object) {
            return self.last_origin(first.object);
        }
        let policies = first.base.iter().flat_map(|placing| placing.policies.iter());
        let mut places = policies.filter_map(|name| self.changed_policy(name));
        places
            .next()
            .or_else(|| self.changed_cluster(first.cluster))
            .or_else(|| self.last_origin(first.object))
    }

    /// Where a policy stands now, or stood, if it is not what it was.
    fn changed_policy(&self, name: &PolicyName) -> Option<Origin> {
        let id = ObjectId::new(crate::policy::CONTROL_GROUP, "BindingPolicy", None, name.as_str());
        let before = self.declared_before(&id)?;
        match self.head.objects.get(&id) {
            Some(after) if after.object.object == before.object.object => None,
            Some(after) => Some(after.object.origin.clone()),
            None => Some(before.object.origin.clone()),
        }
    }

    fn changed_cluster(&self, name: &ClusterName) -> Option<Origin> {
        let before = self.base?.inventory.get(name)?;
        match self.head.inventory.get(name) {
            Some(after) if after.labels == before.labels => None,
            Some(after) => after.origin.clone(),
            None => before.origin.clone(),
        }
    }
}

/// Those of an object's pairs that are removed.
pub fn removed<'p, 'a>(pairs: &'p [PairChange<'a>]) -> Vec<&'p PairChange<'a>> {
    pairs.iter().filter(|pair| pair.change == Change::Disappear).collect()
}
