//! What the pairs of a policy or of a unit have come to, taken together.
//!
//! Guarantee: after any sequence of changes it equals one that is made of the pairs that are left (property test).

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;

use super::{Counts, PairState, PairStatus};
use crate::{ClusterName, Pair};

/// Numbers over pairs, and those of them that are not ready. A change costs the same however many pairs there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    objects: BTreeMap<ObjectId, usize>,
    clusters: BTreeMap<ClusterName, usize>,
    placed: usize,
    applied: usize,
    /// Not ready, refusals first, then other troubles.
    unready: BTreeSet<(Rank, PairStatus)>,
    waiting: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Refused,
    Trouble,
    Waiting,
}

impl Rank {
    /// `None` for a pair that is ready.
    fn of(state: &PairState) -> Option<Self> {
        match state {
            _ if state.is_refused() => Some(Self::Refused),
            _ if state.is_trouble() => Some(Self::Trouble),
            _ if state.is_ready() => None,
            _ => Some(Self::Waiting),
        }
    }
}

impl Tally {
    /// Counts a pair in. It must not be counted already.
    pub fn add(&mut self, pair: &Pair, state: &PairState) {
        *self.objects.entry(pair.object.clone()).or_default() += 1;
        *self.clusters.entry(pair.cluster.clone()).or_default() += 1;
        self.placed += 1;
        self.applied += usize::from(matches!(state, PairState::Applied(_)));
        if let Some(rank) = Rank::of(state) {
            self.waiting += usize::from(rank == Rank::Waiting);
            self.unready.insert((rank, PairStatus { pair: pair.clone(), state: state.clone() }));
        }
    }

    /// Counts a pair out, as it was counted in.
    pub fn remove(&mut self, pair: &Pair, state: &PairState) {
        one_less(&mut self.objects, &pair.object);
        one_less(&mut self.clusters, &pair.cluster);
        self.placed -= 1;
        self.applied -= usize::from(matches!(state, PairState::Applied(_)));
        if let Some(rank) = Rank::of(state) {
            self.waiting -= usize::from(rank == Rank::Waiting);
            self.unready.remove(&(rank, PairStatus { pair: pair.clone(), state: state.clone() }));
        }
    }

    /// The numbers; objects that are placed nowhere do not appear in them.
    pub fn counts(&self) -> Counts {
        Counts {
            objects: self.objects.len(),
            clusters: self.clusters.len(),
            placed: self.placed,
            applied: self.applied,
            ready: self.placed - self.unready.len(),
        }
    }

    /// Whether some pair gets better by waiting.
    pub fn is_under_way(&self) -> bool {
        self.waiting > 0
    }

    /// Refused by a cluster, or by a source's limits.
    pub fn refused(&self) -> impl Iterator<Item = &PairStatus> {
        self.ranked(Rank::Refused)
    }

    /// What does not get better by waiting, refusals first.
    pub fn troubles(&self) -> impl Iterator<Item = &PairStatus> {
        self.ranked(Rank::Trouble)
    }

    /// The pair that is furthest from being ready.
    pub fn worst(&self) -> Option<&PairStatus> {
        self.unready.first().map(|(_, pair)| pair)
    }

    fn ranked(&self, most: Rank) -> impl Iterator<Item = &PairStatus> {
        self.unready.iter().take_while(move |(rank, _)| *rank <= most).map(|(_, pair)| pair)
    }
}

impl<'a> FromIterator<&'a PairStatus> for Tally {
    fn from_iter<T: IntoIterator<Item = &'a PairStatus>>(pairs: T) -> Self {
        let mut tally = Self::default();
        pairs.into_iter().for_each(|pair| tally.add(&pair.pair, &pair.state));
        tally
    }
}

fn one_less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::health::{Health, HealthState};

    fn state() -> impl Strategy<Value = PairState> {
        let health =
            |state| PairState::Applied(Health { state, reason: String::new(), message: String::new() });
        prop_oneof![
            Just(PairState::Pending("not yet".to_owned())),
            Just(PairState::Failed("forbidden".to_owned())),
            Just(PairState::NotAllowed("limits".to_owned())),
            Just(health(HealthState::Healthy)),
            Just(health(HealthState::Progressing)),
            Just(health(HealthState::Degraded)),
        ]
    }

    proptest! {
        #[test]
        fn pairs_that_come_change_and_go_leave_what_is_counted_anew(
            changes in vec(((0..3u8, 0..3u8), proptest::option::of(state())), 0..24),
        ) {
            let mut kept = Tally::default();
            let mut last: BTreeMap<Pair, PairState> = BTreeMap::new();
            for ((object, cluster), state) in changes {
                let object = ObjectId::new("", "ConfigMap", Some("shop"), &format!("o{object}"));
                let pair = Pair { object, cluster: ClusterName::from(format!("c{cluster}")) };
                if let Some(before) = last.remove(&pair) {
                    kept.remove(&pair, &before);
                }
                if let Some(state) = state {
                    kept.add(&pair, &state);
                    last.insert(pair, state);
                }
            }
            let left: Vec<PairStatus> =
                last.into_iter().map(|(pair, state)| PairStatus { pair, state }).collect();
            let ready = left.iter().filter(|pair| pair.state.is_ready()).count();
            let troubles = left.iter().filter(|pair| pair.state.is_trouble()).count();
            prop_assert_eq!(kept.counts().ready, ready);
            prop_assert_eq!(kept.troubles().count(), troubles);
            prop_assert_eq!(kept.is_under_way(), ready + troubles < left.len());
            prop_assert_eq!(kept, left.iter().collect::<Tally>());
        }
    }
}
