//! Pairs before and after, and how they differ.

use std::cmp::Ordering;
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
    let old = base.map(|base| base.pairs.as_slice()).unwrap_or_default();
    let mut changes = Vec::with_capacity(old.len().max(head.pairs.len()));
    for (was, is) in zip(by_object(old), by_object(&head.pairs), |a, b| object_of(a).cmp(&object_of(b))) {
        let sides = Sides { before: digest(base, was), after: digest(Some(head), is) };
        let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
        let pairs = zip(was.iter(), is.iter(), |a, b| a.cluster.cmp(&b.cluster));
        changes.extend(pairs.filter_map(|(was, is)| sides.pair(was, is)));
    }
    changes
}

/// The pairs of each object.
fn by_object(pairs: &[PlacedPair]) -> impl Iterator<Item = &[PlacedPair]> {
    pairs.chunk_by(|a, b| a.object == b.object)
}

fn object_of(pairs: &[PlacedPair]) -> Option<&ObjectId> {
    pairs.first().map(|pair| &pair.object)
}

/// Walks two sorted sequences side by side: what is on the left, on the right, or on both.
fn zip<T>(
    left: impl Iterator<Item = T>,
    right: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => order(a, b),
        };
        let on_left = if order.is_le() { left.next() } else { None };
        let on_right = if order.is_ge() { right.next() } else { None };
        Some((on_left, on_right))
    })
}

/// The digest of an object that is placed.
fn digest(expansion: Option<&Expansion>, pairs: Option<&[PlacedPair]>) -> Option<Digest> {
    let object = &pairs?.first()?.object;
    Some(expansion?.objects.get(object)?.digest())
}

/// The content of one object on both sides.
struct Sides {
    before: Option<Digest>,
    after: Option<Digest>,
}

impl Sides {
    fn pair<'a>(&self, was: Option<&'a PlacedPair>, is: Option<&'a PlacedPair>) -> Option<PairChange<'a>> {
        let pair = is.or(was)?;
        Some(PairChange {
            object: &pair.object,
            cluster: &pair.cluster,
            base: was.map(|pair| &pair.placing),
            head: is.map(|pair| &pair.placing),
            before: self.before.filter(|_| was.is_some()),
            after: self.after.filter(|_| is.is_some()),
            change: change(was, is, self.before == self.after),
        })
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
