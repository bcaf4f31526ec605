//! The removal budget: large removals wait for a person. One function, used by sync and by transport, over (object, cluster) pairs.
//!
//! What it asks is not whether a removal is right, but whether somebody can have meant it: a list that came back empty, a selector with a typo and a
//! deleted directory look the same from here. Deleting one application's directory is everyday work and passes.
//!
//! | held | why |
//! |---|---|
//! | more than [`Config::max_pairs`] pairs and more than [`Config::max_share_percent`] of what the source has placed | a mistake of this size cannot be undone in time |
//! | all that the source has placed | an empty list is an error unless somebody confirms it |
//! | a CRD or a Namespace itself, always | what lives in it goes with it, whoever put it there |
//!
//! A held CRD or Namespace holds nothing else: the objects that the same commit removes from it are judged like all others. What still lives in it
//! and was not meant to go is part of the list that is approved, since its loss is.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Digest, ObjectId};

use crate::Pair;
use crate::names::can_be_plural;

/// Why a pair is to be removed. A cause is read from state, never from an event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// A commit no longer declares the object, or changed what selects it.
    Commit,
    /// The cluster is gone from the inventory.
    ClusterVanished,
    /// The cluster has other labels.
    ClusterRelabelled,
}

/// When removals are held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Up to this many pairs pass.
    pub max_pairs: usize,
    /// Up to this share of what the source has placed passes, in percent.
    pub max_share_percent: usize,
}

impl Default for Config {
    /// 20 pairs, a quarter.
    fn default() -> Self {
        Self { max_pairs: 20, max_share_percent: 25 }
    }
}

/// The approval of one held list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// The hash that a person approved.
    pub hash: Digest,
    /// The list behind the hash, once it has been seen held ([`Held::pairs`], kept by whoever keeps the approval). Without it the approval
    /// releases a list of exactly this hash; with it also what is left of the list after part of it is done.
    pub pairs: Option<BTreeSet<Pair>>,
}

impl Approval {
    /// An approval of which only the hash is known: a trailer of a commit, an annotation.
    pub fn of_hash(hash: Digest) -> Self {
        Self { hash, pairs: None }
    }

    /// The list, if it really is the one that was approved.
    fn list(&self) -> Option<&BTreeSet<Pair>> {
        self.pairs.as_ref().filter(|pairs| hash(pairs) == self.hash)
    }
}

/// Why a list is held.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// Everything that the source has placed.
    Everything {
        /// How many pairs.
        pairs: usize,
    },
    /// Every cluster vanished at once.
    NoClusterLeft {
        /// How many pairs.
        pairs: usize,
    },
    /// Too many pairs and too large a share.
    TooMany {
        /// How many would be removed.
        pairs: usize,
        /// Of so many.
        placed: usize,
    },
    /// A CRD or a Namespace.
    Container {
        /// Which.
        object: ObjectId,
        /// On how many clusters.
        clusters: usize,
        /// How many pairs live in it and would go with it, though nobody removes them.
        lost: usize,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everything { pairs } => write!(f, "all {pairs} placements would be removed"),
            Self::NoClusterLeft { pairs } => {
                write!(f, "every cluster is gone from the inventory, all {pairs} placements would be removed")
            }
            Self::TooMany { pairs, placed } => {
                write!(f, "{pairs} of {placed} placements would be removed")
            }
            Self::Container { object, clusters, lost: 0 } => {
                write!(f, "{object} would be removed from {clusters} cluster(s)")
            }
            Self::Container { object, clusters, lost } => write!(
                f,
                "{object} would be removed from {clusters} cluster(s), and {lost} placement(s) that live in it with it"
            ),
        }
    }
}

/// A list that waits for approval.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Covers exactly `pairs`: what `gitstellar approve HASH` and the trailer `Gitstellar-Approve: HASH` name.
    pub hash: Digest,
    /// What would be lost: the removals that wait, and what lives in the CRDs and Namespaces among them.
    pub pairs: BTreeSet<Pair>,
    /// Those of `pairs` that nobody removes, but that a CRD or Namespace would take with it.
    pub lost: BTreeSet<Pair>,
    /// Why, sorted.
    pub reasons: Vec<Reason>,
}

/// What may be removed now, and what waits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// May be removed now.
    pub released: BTreeSet<Pair>,
    /// Waits for approval.
    pub held: Option<Held>,
    /// Approvals that released a list by its hash alone, now with that list: keep them so, or what is left of a list that is half done is held again.
    pub approved: Vec<Approval>,
}

/// Judges removals. `placed` is what the source has placed now, the removals among it; `removals` that are not placed pass, there is nothing to lose.
///
/// An approved list is released and does not count; what exceeds it is judged by itself.
pub fn judge(
    removals: &BTreeMap<Pair, Cause>,
    placed: &BTreeSet<Pair>,
    approvals: &[Approval],
    config: Config,
) -> Verdict {
    let known: BTreeSet<&Pair> = approvals.iter().filter_map(Approval::list).flatten().collect();
    let mut open: BTreeMap<&Pair, Cause> = removals
        .iter()
        .filter(|(pair, _)| !known.contains(pair))
        .map(|(pair, cause)| (pair, *cause))
        .collect();
    open.retain(|pair, _| placed.contains(*pair));
    let approved = removals.keys().filter(|pair| known.contains(pair) && placed.contains(pair)).count();
    let Some(held) = held(&open, removals, placed, placed.len() - approved, config) else {
        return Verdict { released: removals.keys().cloned().collect(), ..Verdict::default() };
    };
    if let Some(approval) = approvals.iter().find(|approval| approval.hash == held.hash) {
        let approved = Approval { hash: approval.hash, pairs: Some(held.pairs) };
        let released = removals.keys().cloned().collect();
        return Verdict { released, held: None, approved: vec![approved] };
    }
    let released = removals.keys().filter(|pair| !held.pairs.contains(*pair)).cloned().collect();
    Verdict { released, held: Some(held), approved: Vec::new() }
}

/// The hash of a list: over exactly its pairs, in their order.
pub fn hash(pairs: &BTreeSet<Pair>) -> Digest {
    let mut parts: Vec<&str> = vec!["gitstellar removals v1"];
    for pair in pairs {
        let ObjectId { group, kind, namespace, name } = &pair.object;
        let namespace = namespace.as_ref().map_or("", apimachinery::Namespace::as_str);
        parts.extend([group.as_str(), kind.as_str(), namespace, name.as_str(), pair.cluster.as_str()]);
    }
    Digest::of_parts(parts.into_iter().map(str::as_bytes))
}

/// What of the open removals must wait. `removals` are all of them: what is approved is meant to go, so no container takes it by surprise.
/// `count` is how many are placed, what is approved left out.
fn held(
    open: &BTreeMap<&Pair, Cause>,
    removals: &BTreeMap<Pair, Cause>,
    placed: &BTreeSet<Pair>,
    count: usize,
    config: Config,
) -> Option<Held> {
    let mut reasons = Vec::new();
    let mut pairs = BTreeSet::new();
    let mut lost = BTreeSet::new();
    if let Some(reason) = too_large(open, count, config) {
        reasons.push(reason);
        pairs.extend(open.keys().map(|pair| (*pair).clone()));
    }
    let mut containers: BTreeMap<&ObjectId, (usize, usize)> = BTreeMap::new();
    let inside = Inside::of(open.keys().copied(), placed);
    for pair in open.keys().filter(|pair| is_container(&pair.object)) {
        let taken: Vec<&Pair> =
            inside.of_pair(pair).into_iter().filter(|inner| !removals.contains_key(*inner)).collect();
        let counted = containers.entry(&pair.object).or_default();
        *counted = (counted.0 + 1, counted.1 + taken.len());
        pairs.insert((*pair).clone());
        lost.extend(taken.into_iter().cloned());
    }
    reasons.extend(containers.into_iter().map(|(object, (clusters, lost))| Reason::Container {
        object: object.clone(),
        clusters,
        lost,
    }));
    if reasons.is_empty() {
        return None;
    }
    pairs.extend(lost.iter().cloned());
    reasons.sort();
    Some(Held { hash: hash(&pairs), pairs, lost, reasons })
}

fn too_large(open: &BTreeMap<&Pair, Cause>, placed: usize, config: Config) -> Option<Reason> {
    let pairs = open.len();
    if pairs == 0 {
        return None;
    }
    if pairs == placed {
        let vanished = open.values().all(|cause| *cause == Cause::ClusterVanished);
        return Some(if vanished { Reason::NoClusterLeft { pairs } } else { Reason::Everything { pairs } });
    }
    let large = pairs > config.max_pairs && pairs * 100 > placed * config.max_share_percent;
    large.then_some(Reason::TooMany { pairs, placed })
}

/// Whether removing the object removes what lives in it.
pub fn is_container(object: &ObjectId) -> bool {
    is_namespace(object) || is_crd(object)
}

fn is_namespace(object: &ObjectId) -> bool {
    object.group.is_empty() && object.kind == "Namespace"
}

fn is_crd(object: &ObjectId) -> bool {
    object.group == "apiextensions.k8s.io" && object.kind == "CustomResourceDefinition"
}

/// Whether `inner` goes when `container`, a CRD or a Namespace, does. A CRD is named `<plural>.<group>`, and a kind is recognised by its plural.
pub fn lives_in(inner: &ObjectId, container: &ObjectId) -> bool {
    if is_namespace(container) {
        return inner
            .namespace
            .as_ref()
            .is_some_and(|namespace| namespace.as_str() == container.name.as_str());
    }
    let Some((plural, group)) = container.name.as_str().split_once('.') else { return false };
    is_crd(container) && inner.group == group && can_be_plural(plural, &inner.kind)
}

/// What lives in the containers that are to be removed, by cluster.
struct Inside<'a> {
    by_cluster: BTreeMap<&'a crate::ClusterName, Vec<&'a Pair>>,
}

impl<'a> Inside<'a> {
    /// Looks only at clusters that lose a container, and does nothing when none does: the usual case.
    fn of(removed: impl Iterator<Item = &'a Pair>, placed: &'a BTreeSet<Pair>) -> Self {
        let containers = removed.filter(|pair| is_container(&pair.object));
        let mut by_cluster: BTreeMap<_, Vec<_>> =
            containers.map(|pair| (&pair.cluster, Vec::new())).collect();
        if !by_cluster.is_empty() {
            for pair in placed {
                if let Some(pairs) = by_cluster.get_mut(&pair.cluster) {
                    pairs.push(pair);
                }
            }
        }
        Self { by_cluster }
    }

    fn of_pair(&self, container: &Pair) -> Vec<&'a Pair> {
        let there = self.by_cluster.get(&container.cluster).map(Vec::as_slice).unwrap_or_default();
        there.iter().filter(|pair| lives_in(&pair.object, &container.object)).copied().collect()
    }
}

#[cfg(test)]
mod tests;
