//! Pairs before and after, and how they differ.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::{Digest, ObjectId};
use serde::Serialize;

use crate::ClusterName;
use crate::placement::Expansion;
use crate::select::{PlacedPair, Placing};

/// What happens to a pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The object comes to the cluster.
    Appear,
    /// Its content changes.
    Change,
    /// It leaves the cluster.
    Disappear,
    /// The same content for other reasons: other policies, or another way to travel.
    Rebound,
    /// Nothing.
    Unchanged,
}

/// One pair before and after.
#[derive(Clone, Debug)]
pub struct PairChange<'a> {
    /// The object.
    pub object: &'a ObjectId,
    /// The cluster.
    pub cluster: &'a ClusterName,
    /// Why and how it was there; `None` if it was not.
    pub base: Option<&'a Arc<Placing>>,
    /// Why and how it will be there; `None` if it will not.
    pub head: Option<&'a Arc<Placing>>,
    /// The digest of the content before.
    pub before: Option<Digest>,
    /// The digest of the content after.
    pub after: Option<Digest>,
    /// What happens.
    pub change: Change,
}

/// Compares two expansions. The answer is sorted by object and cluster.
pub fn compare<'a>(base: Option<&'a Expansion<'a>>, head: &'a Expansion<'a>) -> Vec<PairChange<'a>> {
    let before = Side::new(base);
    let after = Side::new(Some(head));
    let (mut old, mut new) = (before.pairs.iter().peekable(), after.pairs.iter().peekable());
    let mut changes = Vec::with_capacity(before.pairs.len().max(after.pairs.len()));
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => (&a.object, &a.cluster).cmp(&(&b.object, &b.cluster)),
        };
        let was = if order.is_le() { old.next() } else { None };
        let is = if order.is_ge() { new.next() } else { None };
        let Some(pair) = was.or(is) else { return changes };
        let digest_before = was.and_then(|pair| before.digest(&pair.object));
        let digest_after = is.and_then(|pair| after.digest(&pair.object));
        changes.push(PairChange {
            object: &pair.object,
            cluster: &pair.cluster,
            base: was.map(|pair| &pair.placing),
            head: is.map(|pair| &pair.placing),
            before: digest_before,
            after: digest_after,
            change: change(was, is, digest_before == digest_after),
        });
    }
}

fn change(was: Option<&PlacedPair>, is: Option<&PlacedPair>, same_content: bool) -> Change {
    match (was, is) {
        (None, _) => Change::Appear,
        (_, None) => Change::Disappear,
        _ if !same_content => Change::Change,
        (Some(was), Some(is)) if was.placing != is.placing => Change::Rebound,
        _ => Change::Unchanged,
    }
}

/// One side, with each object's digest computed once.
struct Side<'a> {
    pairs: &'a [PlacedPair],
    digests: BTreeMap<&'a ObjectId, Digest>,
}

impl<'a> Side<'a> {
    fn new(expansion: Option<&'a Expansion<'a>>) -> Self {
        let Some(expansion) = expansion else { return Self { pairs: &[], digests: BTreeMap::new() } };
        let placed = expansion.pairs.chunk_by(|a, b| a.object == b.object).filter_map(|pairs| pairs.first());
        let digests = placed
            .filter_map(|pair| Some((&pair.object, expansion.objects.get(&pair.object)?.digest())))
            .collect();
        Self { pairs: &expansion.pairs, digests }
    }

    fn digest(&self, object: &ObjectId) -> Option<Digest> {
        self.digests.get(object).copied()
    }
}
