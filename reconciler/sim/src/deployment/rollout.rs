//! How many pods each set of a Deployment may have now. Arithmetic only.

use super::sets::{Set, Sets};
use crate::live::{Live, share};

/// What a Deployment asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Replicas.
    pub wanted: i64,
    /// Pods above that number during a rollout.
    pub surge: i64,
    /// Pods below that number that may be unavailable during a rollout.
    pub unavailable: i64,
}

/// Another number of pods for a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resize {
    pub set: String,
    pub to: i64,
}

impl Limits {
    /// Shares are of the wanted replicas; a surge is rounded up, the unavailable down, and one of them is at least 1. Source: `ResolveFenceposts`.
    pub(crate) fn of(deployment: &Live) -> Self {
        let wanted = deployment.int("/spec/replicas").unwrap_or(1);
        if deployment.text("/spec/strategy/type") == "Recreate" {
            return Self { wanted, surge: 0, unavailable: 0 };
        }
        let value = |field: &str| deployment.value.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
        let surge = share(value("maxSurge"), wanted, true).unwrap_or_default();
        let unavailable = share(value("maxUnavailable"), wanted, false).unwrap_or_default();
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { wanted, surge, unavailable: unavailable.min(wanted) }
    }

    /// How many pods the new set may have, given how many it has and how many all others have. Source: `NewRSNewReplicas`.
    pub(crate) fn of_new(&self, new: i64, others: i64, recreate: bool) -> i64 {
        if recreate {
            return self.wanted;
        }
        let room = self.wanted + self.surge - new - others;
        if room <= 0 { new } else { new + room.min(self.wanted - new) }
    }
}

fn resize(set: &Set, to: i64) -> Option<Resize> {
    (set.replicas != to).then(|| Resize { set: set.live.name().to_owned(), to })
}

/// Ends all old sets.
pub(crate) fn end(old: &[Set]) -> Vec<Resize> {
    old.iter().filter_map(|set| resize(set, 0)).collect()
}

/// All old pods go before new ones come.
pub(crate) fn recreate(limits: &Limits, new: &Set, old: &[Set], old_pods_run: bool) -> Vec<Resize> {
    let ends = end(old);
    if !ends.is_empty() || old_pods_run {
        return ends;
    }
    resize(new, limits.wanted).into_iter().collect()
}

/// The next step of a rolling update: up with the new, or else down with the old. Source: `rolloutRolling`.
pub(crate) fn roll(limits: &Limits, new: &Set, old: &[Set]) -> Vec<Resize> {
    let old_pods: i64 = old.iter().map(|set| set.replicas).sum();
    let of_new = if new.replicas > limits.wanted {
        limits.wanted
    } else {
        limits.of_new(new.replicas, old_pods, false)
    };
    if let Some(up) = resize(new, of_new) {
        return vec![up];
    }
    shrink(limits, new, old, old_pods)
}

/// Source: `reconcileOldReplicaSets`: unhealthy pods go first, then healthy ones as long as enough are available.
fn shrink(limits: &Limits, new: &Set, old: &[Set], old_pods: i64) -> Vec<Resize> {
    let at_least = limits.wanted - limits.unavailable;
    let not_yet = (new.replicas - new.available).max(0);
    let most = new.replicas + old_pods - at_least - not_yet;
    if old_pods == 0 || most <= 0 {
        return Vec::new();
    }
    let mut sizes: Vec<i64> = old.iter().map(|set| set.replicas).collect();
    let mut budget = most;
    for (set, size) in old.iter().zip(&mut sizes) {
        let unhealthy = (set.replicas - set.available).max(0).min(budget);
        *size -= unhealthy;
        budget -= unhealthy;
    }
    let available: i64 = new.available + old.iter().map(|set| set.available).sum::<i64>();
    let mut budget = (available - at_least).max(0);
    for size in &mut sizes {
        let healthy = (*size).min(budget);
        *size -= healthy;
        budget -= healthy;
    }
    old.iter().zip(sizes).filter_map(|(set, size)| resize(set, size)).collect()
}

/// After a change of the wanted number, or while paused: what is there grows and shrinks in proportion. Source: `scale` of the deployment controller.
pub(crate) fn scale(limits: &Limits, known_replicas: i64, sets: &Sets) -> Vec<Resize> {
    let active: Vec<&Set> = sets.all().filter(|set| set.replicas > 0).collect();
    if let [] | [_] = active.as_slice() {
        let newest = active.first().copied().or(sets.new.as_ref()).or(sets.old.last());
        return newest.and_then(|set| annotated(limits, set, limits.wanted)).into_iter().collect();
    }
    let done = |new: &&Set| {
        new.replicas == limits.wanted && new.available == limits.wanted && new.desired == Some(limits.wanted)
    };
    if sets.new.as_ref().filter(done).is_some() {
        return end(&sets.old);
    }
    proportional(limits, known_replicas, active)
}

/// A set that has the right number may still have to be told the new limits, or it looks scaled for ever.
fn annotated(limits: &Limits, set: &Set, to: i64) -> Option<Resize> {
    let known = set.replicas == to && set.desired == Some(limits.wanted);
    (!known).then(|| Resize { set: set.live.name().to_owned(), to })
}

fn proportional(limits: &Limits, known_replicas: i64, mut active: Vec<&Set>) -> Vec<Resize> {
    let total: i64 = active.iter().map(|set| set.replicas).sum();
    let allowed = if limits.wanted > 0 { limits.wanted + limits.surge } else { 0 };
    let to_add = allowed - total;
    // The largest first; of equal ones the newer when growing, the older when shrinking.
    active.sort_by_cached_key(|set| set.live.by_age());
    if to_add > 0 {
        active.reverse();
    }
    active.sort_by_key(|set| -set.replicas);
    let mut added = 0;
    let mut sizes: Vec<(&Set, i64)> = Vec::new();
    for set in active {
        let share = proportion(set, allowed, known_replicas, to_add - added);
        added += share;
        sizes.push((set, set.replicas + share));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest = (*largest + to_add - added).max(0);
    }
    sizes.into_iter().filter_map(|(set, to)| annotated(limits, set, to)).collect()
}

/// What a set gets of a change, its share of the old total kept, and no more than what is left. Source: `GetReplicaSetProportion`.
fn proportion(set: &Set, allowed: i64, known_replicas: i64, left: i64) -> i64 {
    let before = set.most.filter(|most| *most > 0).unwrap_or(known_replicas).max(1);
    // Rounded to the nearest, halves up: all numbers are positive.
    let size = (2 * set.replicas * allowed + before) / (2 * before);
    let change = size - set.replicas;
    if left > 0 { change.clamp(0, left) } else { change.clamp(left, 0) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sets::set;
    use super::*;

    #[test]
    fn one_pod_may_always_be_above_or_below() {
        #[track_caller]
        fn check(
            replicas: i64,
            surge: &serde_json::Value,
            unavailable: &serde_json::Value,
            expected: (i64, i64),
        ) {
            let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } });
            let deployment = crate::live::live(json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart" },
                "spec": { "replicas": replicas, "strategy": strategy }
            }));
            let limits = Limits::of(&deployment);
            assert_eq!((limits.surge, limits.unavailable), expected);
        }
        check(3, &json!("25%"), &json!("25%"), (1, 0));
        check(10, &json!("25%"), &json!("25%"), (3, 2));
        check(1, &json!(0), &json!(0), (0, 1));
        check(2, &json!(0), &json!(5), (0, 2));
    }

    const THREE: Limits = Limits { wanted: 3, surge: 1, unavailable: 0 };

    #[test]
    fn a_rolling_update_goes_up_then_down_within_its_limits() {
        #[track_caller]
        fn check(limits: Limits, new: (i64, i64, i64), old: &[(i64, i64, i64)], expected: &[(&str, i64)]) {
            let names = ["old1", "old2"];
            let old: Vec<Set> = old.iter().zip(names).map(|(numbers, name)| set(name, *numbers)).collect();
            let resizes = roll(&limits, &set("new", new), &old);
            let seen: Vec<(&str, i64)> =
                resizes.iter().map(|resize| (resize.set.as_str(), resize.to)).collect();
            assert_eq!(seen, expected);
        }
        // From the first new pod to the last old one.
        check(THREE, (0, 0, 0), &[(3, 3, 3)], &[("new", 1)]);
        check(THREE, (1, 1, 0), &[(3, 3, 3)], &[]);
        check(THREE, (1, 1, 1), &[(3, 3, 3)], &[("old1", 2)]);
        check(THREE, (1, 1, 1), &[(2, 3, 3)], &[("new", 2)]);
        check(THREE, (3, 3, 3), &[(1, 1, 1)], &[("old1", 0)]);
        check(THREE, (3, 3, 3), &[(0, 0, 0)], &[]);
        // Pods that never came up go before those that work.
        check(THREE, (1, 1, 1), &[(1, 1, 0), (2, 2, 2)], &[("old1", 0)]);
        // A bad new set stops, and the old one stays.
        check(Limits { wanted: 4, surge: 1, unavailable: 1 }, (2, 2, 0), &[(3, 3, 3)], &[]);
        // No surge: down before up.
        check(Limits { wanted: 1, surge: 0, unavailable: 1 }, (0, 0, 0), &[(1, 1, 1)], &[("old1", 0)]);
        check(THREE, (5, 5, 5), &[], &[("new", 3)]);
    }

    #[test]
    fn recreating_waits_until_the_last_old_pod_is_gone() {
        let limits = Limits { wanted: 2, surge: 0, unavailable: 0 };
        let old = [set("old", (2, 2, 2))];
        assert_eq!(
            recreate(&limits, &set("new", (0, 0, 0)), &old, true),
            [Resize { set: "old".into(), to: 0 }]
        );
        let old = [set("old", (0, 0, 0))];
        assert_eq!(recreate(&limits, &set("new", (0, 0, 0)), &old, true), []);
        assert_eq!(
            recreate(&limits, &set("new", (0, 0, 0)), &old, false),
            [Resize { set: "new".into(), to: 2 }]
        );
    }

    #[test]
    fn scaling_in_the_middle_of_a_rollout_keeps_the_proportion() {
        let with_most =
            |name: &str, numbers, most| Set { most: Some(most), desired: Some(10), ..set(name, numbers) };
        let sets =
            Sets { new: Some(with_most("new", (5, 5, 2), 13)), old: vec![with_most("old", (8, 8, 8), 13)] };
        let limits = Limits { wanted: 15, surge: 3, unavailable: 2 };
        let resizes = scale(&limits, 13, &sets);
        assert_eq!(resizes, [Resize { set: "old".into(), to: 11 }, Resize { set: "new".into(), to: 7 }]);
        let limits = Limits { wanted: 0, surge: 0, unavailable: 0 };
        assert_eq!(
            scale(&limits, 13, &sets),
            [Resize { set: "old".into(), to: 0 }, Resize { set: "new".into(), to: 0 }]
        );
    }
}
