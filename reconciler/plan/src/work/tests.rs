use proptest::prelude::{Just, TestCaseError, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Generated;

use super::simulation::{Simulation, mailbox, object, object_id};
use super::*;

fn by_count(max_objects: usize) -> Limits {
    Limits { max_objects, max_bytes: 512_000 }
}

/// A mailbox with objects `a`, `b`… of 100 bytes under policy `p`, at rest.
fn settled(limits: Limits, names: &[&str]) -> (Mailbox, Simulation) {
    let mut mailbox = mailbox(limits);
    mailbox.bind("p", names);
    for name in names {
        mailbox.contain(name, 100);
    }
    let mut simulation = Simulation::default();
    simulation.settle(&mut mailbox);
    (mailbox, simulation)
}

#[test]
fn shards_are_cut_as_kubestellar_cuts_them() {
    let (_, simulation) = settled(by_count(2), &["a", "b", "c", "d", "e"]);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a b", "p-wds1-1: c d", "p-wds1-2: e"]);
    let limits = Limits { max_objects: 100, max_bytes: 200 };
    let (_, simulation) = settled(limits, &["a", "b"]);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a", "p-wds1-1: b"]);
}

#[test]
fn one_object_per_work_is_named_after_the_object() {
    let (_, simulation) = settled(by_count(1), &["a", "b"]);
    assert_eq!(simulation.holdings(), ["uid-p-wds1-uid-a: a", "uid-p-wds1-uid-b: b"]);
}

#[test]
fn a_new_object_fills_a_gap_and_moves_nobody() {
    let (mut mailbox, mut simulation) = settled(by_count(2), &["b", "c", "d", "e"]);
    mailbox.contain("a", 100);
    mailbox.bind("p", &["a", "c", "d", "e"]);
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a c", "p-wds1-1: d e"]);
    assert_eq!(simulation.deleted, [object_id("b")].into());
}

#[test]
fn only_the_work_that_changes_is_written() {
    let (mut mailbox, mut simulation) = settled(by_count(2), &["a", "b", "c"]);
    assert_eq!(simulation.act(&mut mailbox, || true).changes, []);
    mailbox.contain("c", 101);
    // The generation of the Binding moves with each change; it writes nothing by itself.
    for bound in mailbox.bindings.values_mut() {
        bound.generation += 1;
    }
    let changes = simulation.act(&mut mailbox, || true).changes;
    let [WorkChange::Update { content, .. }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(content.name, "p-wds1-1");
    assert_eq!(content.annotations.get(GENERATION_ANNOTATION).map(String::as_str), Some("2"));
    let labels: Vec<(&str, &str)> = content.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(labels, [(BINDING_LABEL, "p"), (WDS_LABEL, "wds1")]);
}

#[test]
fn renaming_a_policy_moves_without_deleting() {
    let (mut mailbox, mut simulation) = settled(by_count(2), &["a", "b"]);
    mailbox.bindings.clear();
    mailbox.bind("q", &["a", "b"]);
    let plan = simulation.act(&mut mailbox, || true);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a b", "q-wds1-0: a b"]);
    assert_eq!(plan.moving.len(), 2);
    // Nothing leaves before the new work has applied it, however often we look.
    assert_eq!(simulation.act(&mut mailbox, || true).changes, []);
    simulation.agent(&"q-wds1-0".into());
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["q-wds1-0: a b"]);
    assert!(simulation.deleted.is_empty());
}

#[test]
fn applied_at_an_older_generation_does_not_count() {
    let (mut mailbox, mut simulation) = settled(by_count(2), &["a"]);
    mailbox.bindings.clear();
    mailbox.bind("q", &["a"]);
    simulation.act(&mut mailbox, || true);
    simulation.agent(&"q-wds1-0".into());
    mailbox.observed = simulation.observed();
    mailbox.observed[1].generation += 1;
    assert_eq!(reconcile(&mailbox).changes, []);
    mailbox.observed[1].manifests[0].applied.as_mut().unwrap().observed_generation = Some(2);
    let changes = reconcile(&mailbox).changes;
    assert!(matches!(changes.as_slice(), [WorkChange::Delete { .. }]), "{changes:?}");
}

#[test]
fn a_refused_object_stays_in_its_old_work_and_lets_the_others_move() {
    let (mut mailbox, mut simulation) = settled(by_count(9), &["a", "b"]);
    mailbox.bindings.clear();
    mailbox.bind("q", &["a", "b"]);
    simulation.refuses.insert(object_id("a"), "forbidden".into());
    for _ in 0..3 {
        simulation.act(&mut mailbox, || true);
        simulation.agent(&"q-wds1-0".into());
    }
    assert_eq!(simulation.holdings(), ["p-wds1-0: a", "q-wds1-0: a b"]);
    simulation.refuses.clear();
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["q-wds1-0: a b"]);
    assert!(simulation.deleted.is_empty());
}

#[test]
fn a_pair_of_two_policies_lives_in_one_work_and_outlives_either() {
    let mut mailbox = mailbox(by_count(9));
    mailbox.bind("p", &["a", "b"]);
    mailbox.bind("q", &["b", "c"]);
    for name in ["a", "b", "c"] {
        mailbox.contain(name, 100);
    }
    let mut simulation = Simulation::default();
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a b", "q-wds1-0: c"]);
    mailbox.bindings.remove("p");
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["q-wds1-0: b c"]);
    assert_eq!(simulation.deleted, [object_id("a")].into());
}

#[test]
fn create_only_holds_only_where_every_policy_asks_for_it() {
    let mut mailbox = mailbox(by_count(9));
    mailbox.bind("p", &["a", "b"]);
    mailbox.bind("q", &["b"]);
    for name in ["a", "b"] {
        mailbox.contain(name, 100);
    }
    for bound in mailbox.bindings.get_mut("p").unwrap().objects.values_mut() {
        *bound = true;
    }
    let changes = Simulation::default().act(&mut mailbox, || true).changes;
    let [WorkChange::Create(content)] = changes.as_slice() else { panic!("{changes:?}") };
    let strategies: Vec<Strategy> = content.manifests.iter().map(|m| m.strategy).collect();
    assert_eq!(strategies, [Strategy::CreateOnly, Strategy::ServerSideApply { force: false }]);
}

#[test]
fn an_oversize_object_is_reported_keeps_what_it_has_and_blocks_nobody() {
    let (mut mailbox, mut simulation) = settled(by_count(9), &["a", "b"]);
    mailbox.contain("a", 600_000);
    mailbox.contain("b", 101);
    let plan = simulation.settle(&mut mailbox);
    let [finding] = plan.findings.as_slice() else { panic!("{:?}", plan.findings) };
    assert_eq!(finding.id, "object-too-big");
    assert!(finding.message.starts_with("ConfigMap shop/a is 600"), "{}", finding.message);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a b"]);
    let observed = simulation.observed();
    assert_eq!(observed[0].manifests[0].object, object("a", 100));
    assert_eq!(observed[0].manifests[1].object, object("b", 101));
}

#[test]
fn an_object_beyond_the_bucket_has_a_work_of_its_own() {
    let limits = Limits { max_objects: 100, max_bytes: 1_000 };
    let (mut mailbox, mut simulation) = settled(limits, &["a", "b"]);
    mailbox.contain("a", 5_000);
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a", "p-wds1-1: b"]);
    assert!(simulation.deleted.is_empty());
}

#[test]
fn objects_part_even_where_both_do_not_fit_into_one_work() {
    let limits = Limits { max_objects: 9, max_bytes: HARD_LIMIT_BYTES };
    let (mut mailbox, mut simulation) = settled(limits, &["a", "b"]);
    mailbox.contain("a", 300_000);
    mailbox.contain("b", 300_000);
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a", "p-wds1-1: b"]);
    assert!(simulation.deleted.is_empty());
}

#[test]
fn kept_content_stays_in_place_and_moves_as_it_is() {
    let (mut mailbox, mut simulation) = settled(by_count(9), &["a", "b"]);
    mailbox.contents.get_mut(&object_id("a")).unwrap().content = Content::Keep("contended".into());
    mailbox.contain("c", 10);
    mailbox.contents.get_mut(&object_id("c")).unwrap().content = Content::Keep("its template fails".into());
    mailbox.bindings.clear();
    mailbox.bind("q", &["a", "b", "c"]);
    let plan = simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["q-wds1-0: a b"]);
    assert_eq!(plan.kept.keys().cloned().collect::<Vec<_>>(), [object_id("a"), object_id("c")]);
}

#[test]
fn a_held_object_stays_while_its_policy_is_gone() {
    let (mut mailbox, mut simulation) = settled(by_count(9), &["a", "b"]);
    mailbox.bindings.clear();
    mailbox.held = [object_id("b")].into();
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: b"]);
    mailbox.held.clear();
    simulation.settle(&mut mailbox);
    assert!(simulation.holdings().is_empty() && simulation.cluster.is_empty());
}

#[test]
fn works_of_another_hub_are_not_touched_unless_taken_over() {
    let (mut mailbox, mut simulation) = settled(by_count(9), &["a"]);
    mailbox.hub = "hub-2".into();
    simulation.act(&mut mailbox, || true);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a", "p-wds1-1: a"]);
    mailbox.take_over = true;
    simulation.settle(&mut mailbox);
    assert_eq!(simulation.holdings(), ["p-wds1-0: a"]);
    assert!(simulation.deleted.is_empty());
}

#[test]
fn a_work_that_somebody_deletes_is_replaced_under_another_name() {
    let (mut mailbox, mut simulation) = settled(by_count(1), &["a"]);
    mailbox.observed = simulation.observed();
    mailbox.observed[0].deleting = true;
    let changes = reconcile(&mailbox).changes;
    let [WorkChange::Create(content)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(content.name, "uid-p-wds1-uid-a-0");
    simulation.settle(&mut mailbox);
}

#[test]
fn kubestellars_works_are_adopted_in_place() {
    let (mut mailbox, simulation) = settled(by_count(2), &["a", "b"]);
    mailbox.observed = simulation.observed();
    mailbox.observed[0].annotations.clear();
    let changes = reconcile(&mailbox).changes;
    let [WorkChange::Update { content, .. }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((content.name.as_str(), content.manifests.len()), ("p-wds1-0", 2));
}

#[test]
fn a_klusterlet_is_told_to_force_where_it_owned_the_object_and_keeps_forcing() {
    let (mut mailbox, simulation) = settled(by_count(2), &["a"]);
    mailbox.agent = Agent::Klusterlet;
    mailbox.observed = simulation.observed();
    assert_eq!(reconcile(&mailbox).changes, []);
    let conflict = AppliedCondition {
        ok: false,
        observed_generation: Some(1),
        message: "Apply failed with 1 conflict: conflict with \"kubectl\": .data.text".into(),
    };
    mailbox.observed[0].manifests[0].applied = Some(conflict);
    assert_eq!(reconcile(&mailbox).changes, [], "a foreign object is a conflict, not a target");
    mailbox.observed[0].manifests[0].owned_once = true;
    let changes = reconcile(&mailbox).changes;
    let [WorkChange::Update { content, .. }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(content.manifests[0].strategy, Strategy::ServerSideApply { force: true });
}

#[test]
fn names_and_labels_stay_legal() {
    let long = "a".repeat(200);
    let mut mailbox = mailbox(by_count(9));
    mailbox.bind(&long, &["a"]);
    mailbox.contain("a", 1);
    let mut simulation = Simulation::default();
    simulation.settle(&mut mailbox);
    let observed = simulation.observed();
    assert!(observed[0].name.as_str().len() <= 188);
    assert!(observed[0].labels.values().all(|v| v.len() <= 63));
}

#[test]
fn weight_counts_what_go_escapes() {
    assert_eq!(size::weight(b"ab"), 10);
    assert_eq!(size::weight(b"<>&"), 26);
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// One state of the WDS: for each object which of two policies select it, and its size.
#[derive(Clone, Debug)]
struct State {
    selected: Vec<u8>,
    bytes: Vec<usize>,
    max_objects: usize,
    /// Which writes succeed, and which work the agent looks at, for some rounds.
    luck: Vec<(bool, usize)>,
}

fn state() -> impl Generated<Value = State> {
    (
        proptest::collection::vec(0_u8..4, NAMES.len()),
        proptest::collection::vec(prop_oneof![Just(50_usize), Just(400), Just(1_200)], NAMES.len()),
        1_usize..4,
        proptest::collection::vec((any::<bool>(), 0_usize..8), 0..12),
    )
        .prop_map(|(selected, bytes, max_objects, luck)| State { selected, bytes, max_objects, luck })
}

/// The first two objects are selected by some policy at all times.
fn enter(mailbox: &mut Mailbox, state: &State) {
    mailbox.limits = Limits { max_objects: state.max_objects, max_bytes: 1_000 };
    mailbox.bindings.clear();
    let bits = |index: usize| match state.selected[index] {
        0 if index < 2 => 1,
        bits => bits,
    };
    for (policy, bit) in [("p", 1), ("q", 2)] {
        let names: Vec<&str> =
            NAMES.iter().enumerate().filter(|(i, _)| bits(*i) & bit != 0).map(|(_, n)| *n).collect();
        if !names.is_empty() {
            mailbox.bind(policy, &names);
        }
    }
    for (name, bytes) in NAMES.iter().zip(&state.bytes) {
        mailbox.contain(name, *bytes);
    }
}

fn check_rest(mailbox: &Mailbox, simulation: &Simulation) -> Result<(), TestCaseError> {
    let wanted: BTreeSet<ObjectId> =
        mailbox.bindings.values().flat_map(|b| b.objects.keys().cloned()).collect();
    let mut seen = BTreeSet::new();
    for work in simulation.observed() {
        let weights: Vec<usize> = work.manifests.iter().map(|m| size::weight(m.object.bytes())).collect();
        prop_assert!(work.manifests.len() <= mailbox.limits.max_objects);
        prop_assert!(weights.len() == 1 || weights.iter().sum::<usize>() < mailbox.limits.max_bytes);
        for manifest in &work.manifests {
            prop_assert!(seen.insert(manifest.object.id()), "in two works");
        }
    }
    prop_assert_eq!(&seen, &wanted);
    prop_assert_eq!(simulation.cluster.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    Ok(())
}

proptest! {
    /// However policies, sizes and limits change, writes get lost and the agent lags: what is wanted all the time is never deleted in the cluster, and
    /// when it is quiet every wanted object is in exactly one work, within the limits, and nothing is written any more.
    #[test]
    fn moves_never_delete_and_come_to_rest(states in proptest::collection::vec(state(), 1..5)) {
        let mut mailbox = mailbox(Limits::default());
        let mut simulation = Simulation::default();
        for state in &states {
            enter(&mut mailbox, state);
            for chunk in state.luck.chunks(3) {
                let mut luck = chunk.iter().map(|(ok, _)| *ok).cycle();
                simulation.act(&mut mailbox, || luck.next().unwrap_or(true));
                let names = simulation.names();
                for (_, index) in chunk.iter().filter(|_| !names.is_empty()) {
                    simulation.agent(&names[index % names.len()]);
                }
            }
        }
        simulation.settle(&mut mailbox);
        check_rest(&mailbox, &simulation)?;
        for steady in &NAMES[..2] {
            prop_assert!(!simulation.deleted.contains(&object_id(steady)), "{steady} was deleted");
        }
    }

    /// Packing is sticky: adding one object rewrites at most one work, and moves nobody.
    #[test]
    fn one_more_object_touches_one_work(count in 0_usize..5, bytes in 10_usize..900, max_objects in 1_usize..4) {
        let limits = Limits { max_objects, max_bytes: 1_000 };
        let (mut mailbox, mut simulation) = settled(limits, &NAMES[1..=count]);
        mailbox.contain("a", bytes);
        let mut names = NAMES[1..=count].to_vec();
        names.push("a");
        mailbox.bind("p", &names);
        let plan = simulation.act(&mut mailbox, || true);
        prop_assert_eq!(plan.changes.len(), 1);
        prop_assert!(plan.moving.is_empty());
    }
}
