//! Listings: of now, and of a past version by undoing the events since.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::{Cache, Forgotten, State};
use crate::space::Stored;

/// A part of the objects at one version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Keys and objects, ordered by key.
    pub(crate) items: Vec<(Arc<str>, Arc<Stored>)>,
    /// The version of the last event when the list was taken.
    pub(crate) version: u64,
}

/// Which keys a listing holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range<'a> {
    /// Only this namespace.
    pub(crate) namespace: Option<&'a str>,
    /// Only keys after this one.
    pub(crate) after: Option<&'a str>,
}

impl Range<'_> {
    /// The bounds in the order of keys. `0` is the character after `/`.
    fn bounds(&self) -> (Bound<Arc<str>>, Bound<Arc<str>>) {
        let (from, to) = match self.namespace {
            Some(namespace) => {
                let from: Arc<str> = format!("{namespace}/").into();
                let to: Arc<str> = format!("{namespace}0").into();
                (Bound::Included(from), Bound::Excluded(to))
            }
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        match self.after {
            Some(after) if !outside(after, &from, &to) => (Bound::Excluded(after.into()), to),
            _ => (from, to),
        }
    }

    fn contains(&self, key: &str) -> bool {
        let (from, to) = self.bounds();
        !outside(key, &from, &to)
    }
}

/// Whether a key lies outside of the bounds; a continue key that does must not make an inverted range.
fn outside(key: &str, from: &Bound<Arc<str>>, to: &Bound<Arc<str>>) -> bool {
    let below = match from {
        Bound::Included(from) => key < &**from,
        Bound::Excluded(from) => key <= &**from,
        Bound::Unbounded => false,
    };
    let above = match to {
        Bound::Excluded(to) => key >= &**to,
        Bound::Included(to) => key > &**to,
        Bound::Unbounded => false,
    };
    below || above
}

impl Cache {
    /// The objects as they are.
    pub(crate) fn list(&self, range: Range<'_>) -> Listing {
        let state = self.read();
        Listing { items: state.collect(range), version: state.last }
    }

    /// The objects as they were at `version`, which must not lie in the future.
    ///
    /// # Errors
    /// When events since then are forgotten.
    pub(crate) fn list_at(&self, version: u64, range: Range<'_>) -> Result<Listing, Forgotten> {
        let state = self.read();
        if version < state.forgotten {
            return Err(Forgotten { oldest: state.forgotten });
        }
        let items = if version >= state.last {
            state.collect(range)
        } else {
            let mut items: BTreeMap<_, _> = state.collect(range).into_iter().collect();
            let from = state.ring.partition_point(|event| event.version <= version);
            for event in state.ring.range(from..).rev().filter(|event| range.contains(&event.key)) {
                match &event.old {
                    Some(old) => items.insert(Arc::clone(&event.key), Arc::clone(old)),
                    None => items.remove(&event.key),
                };
            }
            items.into_iter().collect()
        };
        Ok(Listing { items, version })
    }
}

impl State {
    fn collect(&self, range: Range<'_>) -> Vec<(Arc<str>, Arc<Stored>)> {
        let objects = self.objects.range::<Arc<str>, _>(range.bounds());
        objects.map(|(key, object)| (Arc::clone(key), Arc::clone(object))).collect()
    }
}
