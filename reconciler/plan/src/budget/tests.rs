use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;
use proptest::prelude::*;

use super::{Approval, Cause, Config, Reason, Verdict, hash, judge};
use crate::Pair;

fn pair(object: &ObjectId, cluster: &str) -> Pair {
    Pair::new(object.clone(), cluster.into())
}

fn deployments(namespace: &str, count: usize) -> BTreeSet<Pair> {
    let object = |i| ObjectId::new("apps", "Deployment", Some(namespace), &format!("d{i}"));
    (0..count).map(|i| pair(&object(i), "c1")).collect()
}

fn removals(pairs: &BTreeSet<Pair>, cause: Cause) -> BTreeMap<Pair, Cause> {
    pairs.iter().map(|pair| (pair.clone(), cause)).collect()
}

fn judged(removed: &BTreeSet<Pair>, kept: &BTreeSet<Pair>, approvals: &[Approval]) -> Verdict {
    let placed = removed | kept;
    judge(&removals(removed, Cause::Commit), &placed, approvals, Config::default())
}

#[test]
fn small_removals_and_small_shares_pass() {
    fn check(removed: usize, kept: usize, held: bool) {
        let verdict = judged(&deployments("gone", removed), &deployments("kept", kept), &[]);
        assert_eq!(verdict.held.is_some(), held, "{removed} of {}", removed + kept);
        assert_eq!(verdict.released.len(), if held { 0 } else { removed });
    }
    check(1, 1, false);
    check(20, 1, false);
    check(21, 62, true);
    check(21, 63, false);
    check(100, 300, false);
    check(101, 300, true);
    check(0, 5, false);
    check(0, 0, false);
    check(1, 0, true);
    check(5, 0, true);
}

#[test]
fn an_empty_inventory_is_held_and_named() {
    let placed = deployments("shop", 3);
    let verdict = judge(&removals(&placed, Cause::ClusterVanished), &placed, &[], Config::default());
    assert_eq!(verdict.held.unwrap().reasons, [Reason::NoClusterLeft { pairs: 3 }]);
}

#[test]
fn what_is_not_placed_is_nothing_to_lose() {
    let verdict = judge(
        &removals(&deployments("never", 50), Cause::Commit),
        &deployments("kept", 3),
        &[],
        Config::default(),
    );
    assert_eq!((verdict.released.len(), verdict.held), (50, None));
}

#[test]
fn a_namespace_itself_is_held_with_what_lives_in_it_and_the_rest_of_its_directory_is_not() {
    let namespace = pair(&ObjectId::new("", "Namespace", None, "shop"), "c1");
    let mut removed = deployments("shop", 3);
    removed.insert(namespace.clone());
    let stays = pair(&ObjectId::new("", "PersistentVolumeClaim", Some("shop"), "data"), "c1");
    let elsewhere = pair(&ObjectId::new("", "PersistentVolumeClaim", Some("shop"), "data"), "c2");
    let mut kept = deployments("other", 40);
    kept.extend([stays.clone(), elsewhere]);
    let verdict = judged(&removed, &kept, &[]);
    let held = verdict.held.unwrap();
    assert_eq!(verdict.released, deployments("shop", 3));
    assert_eq!(held.pairs, [namespace, stays.clone()].into());
    assert_eq!(held.lost, [stays].into());
    let text = held.reasons[0].to_string();
    assert_eq!(
        text,
        "Namespace shop would be removed from 1 cluster(s), and 1 placement(s) that live in it with it"
    );
}

#[test]
fn a_crd_itself_is_held_with_its_objects() {
    let crd = ObjectId::new("apiextensions.k8s.io", "CustomResourceDefinition", None, "gateways.acme.io");
    let removed: BTreeSet<Pair> = [pair(&crd, "c1")].into();
    let gateway = pair(&ObjectId::new("acme.io", "Gateway", Some("a"), "g"), "c1");
    let route = pair(&ObjectId::new("acme.io", "Route", Some("a"), "r"), "c1");
    let verdict = judged(&removed, &[gateway.clone(), route].into(), &[]);
    assert!(verdict.released.is_empty());
    assert_eq!(verdict.held.unwrap().lost, [gateway].into());
}

#[test]
fn an_approval_releases_exactly_its_list() {
    let removed = deployments("gone", 30);
    let kept = deployments("kept", 10);
    let held = judged(&removed, &kept, &[]).held.unwrap();
    let approval = Approval::of_hash(held.hash);
    let verdict = judged(&removed, &kept, std::slice::from_ref(&approval));
    assert_eq!((verdict.released.len(), &verdict.held), (30, &None));
    assert_eq!(verdict.approved[0].pairs.as_ref(), Some(&removed));

    let more = deployments("gone", 31);
    assert!(judged(&more, &kept, &[approval]).held.is_some(), "one more pair is another list");
}

#[test]
fn what_is_left_of_an_approved_list_stays_released() {
    let removed = deployments("gone", 60);
    let approval = Approval { hash: hash(&removed), pairs: Some(removed) };
    let left = deployments("gone", 40);
    let verdict = judged(&left, &deployments("kept", 10), std::slice::from_ref(&approval));
    assert_eq!((verdict.released.len(), verdict.held), (40, None));
    // What comes on top is judged by itself.
    let more = &left | &deployments("more", 25);
    let verdict = judged(&more, &deployments("kept", 10), &[approval]);
    assert_eq!(verdict.released, left);
    assert_eq!(verdict.held.unwrap().pairs, deployments("more", 25));
}

#[test]
fn a_list_that_does_not_have_the_approved_hash_releases_nothing() {
    let removed = deployments("gone", 30);
    let forged = Approval { hash: hash(&deployments("x", 1)), pairs: Some(removed.clone()) };
    assert!(judged(&removed, &BTreeSet::new(), &[forged]).held.is_some());
}

proptest! {
    #[test]
    fn every_removal_is_released_or_held_and_approval_releases_the_held(
        removed in 0_usize..60, kept in 0_usize..60, namespaces in 0_usize..3, inside in 0_usize..3,
    ) {
        let mut gone = deployments("gone", removed);
        for i in 0..namespaces {
            gone.insert(pair(&ObjectId::new("", "Namespace", None, &format!("n{i}")), "c1"));
        }
        let rest = &deployments("kept", kept) | &deployments("n0", inside);
        let verdict = judged(&gone, &rest, &[]);
        let held = verdict.held.as_ref().map(|held| held.pairs.clone()).unwrap_or_default();
        let waiting: BTreeSet<Pair> = held.intersection(&gone).cloned().collect();
        prop_assert_eq!(&(&verdict.released | &waiting), &gone);
        prop_assert!(verdict.released.is_disjoint(&held));
        if let Some(held) = verdict.held {
            let approved = judged(&gone, &rest, &[Approval::of_hash(held.hash)]);
            prop_assert_eq!(approved.held, None);
            prop_assert_eq!(approved.released, gone);
        }
    }
}
