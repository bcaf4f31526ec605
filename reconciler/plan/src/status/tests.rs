use apimachinery::GroupKind;
use serde_json::json;

use super::*;

fn returned_by(clusters: &[(&str, Value)]) -> BTreeMap<ClusterName, Returned> {
    let one = |status: &Value| Returned { status: status.clone(), generation: Some(3), current: true };
    clusters.iter().map(|(name, status)| ((*name).into(), one(status))).collect()
}

struct Asked {
    singleton: bool,
    multi: bool,
    labelled: (bool, bool),
    status: Value,
}

fn decide(asked: &Asked, qualified: &[&str], returned_: &[(&str, Value)]) -> ReturnDecision {
    let id = ObjectId::new("apps", "Deployment", Some("shop"), "cart");
    returned(&ReturnInput {
        id: &id,
        generation: Some(7),
        labelled: asked.labelled,
        status: Some(&asked.status),
        want_singleton: asked.singleton,
        want_multi: asked.multi,
        qualified: &qualified.iter().map(|c| (*c).into()).collect(),
        returned: &returned_by(returned_),
    })
}

fn asked(singleton: bool, multi: bool) -> Asked {
    Asked { singleton, multi, labelled: (false, false), status: json!({}) }
}

#[test]
fn the_only_cluster_is_copied_with_its_generation_translated() {
    let status = json!({"observedGeneration": 3, "replicas": 1});
    for asks in [asked(true, false), asked(false, true), asked(true, true)] {
        let decision = decide(&asks, &["a"], &[("a", status.clone()), ("b", json!({"replicas": 9}))]);
        assert_eq!(decision.change, StatusChange::Set(json!({"observedGeneration": 7, "replicas": 1})));
        assert_eq!(decision.labels, (asks.singleton, asks.multi));
        assert_eq!(decision.error, None);
    }
}

#[test]
fn a_singleton_of_several_clusters_is_an_error_that_names_them() {
    let decision = decide(&asked(true, false), &["a", "b"], &[]);
    assert_eq!(decision.change, StatusChange::Keep);
    assert_eq!(
        decision.error.unwrap(),
        "Deployment.apps shop/cart: its status is asked for as that of one cluster, and 2 qualify (a, b); \
         narrow the policy, or set wantMultiWECReportedState"
    );
    assert!(
        decide(&asked(true, false), &[], &[]).error.unwrap().ends_with("no cluster qualifies to return it")
    );
}

#[test]
fn only_what_was_returned_is_cleared() {
    let labelled = |labels| Asked { labelled: labels, status: json!({"replicas": 1}), ..asked(false, false) };
    assert_eq!(decide(&labelled((true, false)), &["a"], &[]).change, StatusChange::Clear);
    assert_eq!(decide(&labelled((false, true)), &["a"], &[]).change, StatusChange::Clear);
    assert_eq!(decide(&labelled((false, false)), &["a"], &[]).change, StatusChange::Keep);
    let zeros = Asked { labelled: (true, true), status: json!({"replicas": 0}), ..asked(false, false) };
    let decision = decide(&zeros, &["a"], &[]);
    assert_eq!((decision.change, decision.labels), (StatusChange::Keep, (false, false)));
}

#[test]
fn an_equal_status_is_not_written_again() {
    let asks = Asked {
        labelled: (false, true),
        status: json!({"replicas": 2, "readyReplicas": 0}),
        ..asked(false, true)
    };
    assert_eq!(decide(&asks, &["a"], &[("a", json!({"replicas": 2}))]).change, StatusChange::Keep);
    assert_eq!(decide(&asks, &["a"], &[]).change, StatusChange::Keep, "nothing has come back yet");
}

#[test]
fn what_a_server_would_refuse_is_not_asked_for() {
    let check = |kind: &str, old: Value, new: Value, expected: Value| {
        let id = ObjectId::new("", kind, Some("shop"), "cart");
        let decision = returned(&ReturnInput {
            id: &id,
            generation: None,
            labelled: (true, false),
            status: Some(&old),
            want_singleton: true,
            want_multi: false,
            qualified: &["a".into()].into(),
            returned: &returned_by(&[("a", new)]),
        });
        assert_eq!(decision.change, StatusChange::Set(expected));
    };
    check(
        "Deployment",
        json!({"collisionCount": 2}),
        json!({"replicas": 1, "collisionCount": 1}),
        json!({"replicas": 1}),
    );
    let job = |start: &str, active: i64| json!({"startTime": start, "active": active});
    check("Job", job("12:00", 1), job("11:59", 2), job("12:00", 2));
    let suspended = json!({"startTime": "12:00", "conditions": [{"type": "Suspended", "status": "True"}]});
    check("Job", suspended, job("12:30", 1), job("12:30", 1));
}

#[test]
fn a_silent_cluster_is_not_ready() {
    let ready = json!({"observedGeneration": 3, "readyReplicas": 2});
    let asks = asked(false, true);
    assert_eq!(decide(&asks, &["a", "b"], &[("a", ready.clone())]).change, StatusChange::Keep);
    let both = decide(&asks, &["a", "b"], &[("a", ready.clone()), ("b", ready)]);
    assert_eq!(both.change, StatusChange::Set(json!({"observedGeneration": 7, "readyReplicas": 2})));
}

#[test]
fn generations_are_translated_by_what_the_cluster_has_seen() {
    let check = |observed: i64, generation: Option<i64>, current: bool, expected: i64| {
        let status =
            json!({"observedGeneration": observed, "conditions": [{"observedGeneration": observed}]});
        let returned = Returned { status: status.clone(), generation, current };
        let translated = translate_generation(&status, &returned, 7);
        assert_eq!(translated["observedGeneration"], expected);
        assert_eq!(translated["conditions"][0]["observedGeneration"], expected);
    };
    check(3, Some(3), true, 7);
    check(2, Some(3), true, 6);
    check(3, Some(3), false, 6);
    check(9, None, true, 7);
    check(9, None, false, 6);
}

#[expect(clippy::needless_pass_by_value, reason = "tables read better without borrows")]
fn check_merge(kind: &str, statuses: [Value; 2], expected: Value) {
    let [a, b] = statuses;
    let statuses = [("a".into(), a), ("b".into(), b)].into();
    let merged = merge(&GroupKind::new("apps", kind), &statuses);
    assert_eq!(merged.unwrap_or_default(), expected);
}

#[test]
fn numbers_tell_of_the_worst_cluster() {
    check_merge(
        "Deployment",
        [
            json!({"replicas": 3, "availableReplicas": 3, "observedGeneration": 5}),
            json!({"replicas": 2, "unavailableReplicas": 2, "observedGeneration": 4}),
        ],
        json!({"replicas": 2, "unavailableReplicas": 2, "observedGeneration": 4}),
    );
    check_merge(
        "DaemonSet",
        [
            json!({"numberReady": 1, "numberMisscheduled": 0}),
            json!({"numberReady": 0, "numberMisscheduled": 2}),
        ],
        json!({"numberReady": 0, "numberMisscheduled": 2}),
    );
    check_merge(
        "StatefulSet",
        [
            json!({"readyReplicas": 1, "currentRevision": "b", "updateRevision": "b"}),
            json!({"readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
        ],
        json!({"readyReplicas": 1, "updateRevision": "b"}),
    );
}

#[test]
fn conditions_hold_where_all_say_so_and_trouble_where_any_does() {
    let status =
        |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "message": "m"}]});
    let merged = |status: &str, message: &str, kind: &str| json!({"conditions": [{"type": kind, "status": status, "message": message}]});
    check_merge("X", [status("Ready", "True"), status("Ready", "True")], merged("True", "m", "Ready"));
    check_merge("X", [status("Ready", "True"), status("Ready", "False")], merged("False", "b: m", "Ready"));
    check_merge("X", [status("Ready", "True"), json!({})], merged("Unknown", "a: m", "Ready"));
    check_merge("Job", [status("Failed", "True"), json!({})], merged("True", "a: m", "Failed"));
    check_merge(
        "Job",
        [status("Complete", "True"), json!({"active": 1})],
        json!({
            "active": 1, "conditions": [{"type": "Complete", "status": "Unknown", "message": "a: m"}]
        }),
    );
}

#[test]
fn phases_times_and_text() {
    check_merge(
        "Pod",
        [json!({"phase": "Running", "podIP": "10.0.0.1"}), json!({"phase": "Pending"})],
        json!({"phase": "Pending"}),
    );
    check_merge("Claim", [json!({"phase": "Bound"}), json!({"phase": "Lost"})], json!({"phase": "Lost"}));
    check_merge(
        "Job",
        [
            json!({"startTime": "2026-01-01T00:00:02Z", "completionTime": "2026-01-01T00:01:00Z"}),
            json!({"startTime": "2026-01-01T00:00:01Z"}),
        ],
        json!({"startTime": "2026-01-01T00:00:01Z"}),
    );
    check_merge(
        "X",
        [json!({"text": "same", "other": "a"}), json!({"text": "same", "other": "b"})],
        json!({"text": "same"}),
    );
    check_merge("X", [json!({"other": "a"}), json!({})], Value::Null);
}

fn pair(name: &str, cluster: &str, state: PairState) -> PairStatus {
    let object = ObjectId::new("", if name == "token" { "Secret" } else { "ConfigMap" }, Some("shop"), name);
    PairStatus { pair: Pair::new(object, cluster.into()), state }
}

fn healthy() -> PairState {
    PairState::Applied(Health::healthy())
}

fn unit(pairs: &[PairStatus], failures: &[Failure], advancing: bool) -> UnitStatus {
    unit_status(&UnitInput {
        unit: &"cart".into(),
        commit: "c0ffee",
        advancing,
        objects: 5,
        failures,
        tally: &pairs.iter().collect(),
    })
}

fn lines(conditions: &[Condition]) -> Vec<String> {
    conditions.iter().map(|c| format!("{} {:?} {}: {}", c.kind, c.status, c.reason, c.message)).collect()
}

#[test]
fn a_unit_is_what_its_pairs_are() {
    let pairs = [pair("a", "c1", healthy()), pair("a", "c2", healthy())];
    let status = unit(&pairs, &[], false);
    assert_eq!(lines(&status.conditions), ["Ready True Healthy: 2 of 2 placements healthy"]);
    assert_eq!(status.counts, Counts { objects: 5, clusters: 2, placed: 2, applied: 2, ready: 2 });
    assert_eq!(
        lines(&unit(&pairs, &[], true).conditions),
        [
            "Ready False Progressing: 2 of 2 placements healthy",
            "Reconciling True Progressing: 2 of 2 placements healthy"
        ]
    );
    assert_eq!(
        lines(&unit(&[], &[], false).conditions),
        ["Ready Unknown NotPlaced: no policy places any of its objects on a cluster"]
    );
}

#[test]
fn a_units_failures_name_object_cluster_and_message() {
    let degraded = Health::new(HealthState::Degraded, "ImagePullBackOff", "no such image");
    let pairs = [
        pair("a", "c1", PairState::Failed("forbidden".into())),
        pair("b", "c1", PairState::Applied(degraded)),
        pair("c", "c1", PairState::Pending("the agent has not reported".into())),
    ];
    let status = unit(&pairs, &[], false);
    let texts: Vec<String> = status.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "ConfigMap shop/a on c1: forbidden",
            "ConfigMap shop/b on c1: Degraded: ImagePullBackOff: no such image"
        ]
    );
    assert_eq!(
        lines(&status.conditions),
        [
            "Ready False Failed: 0 of 3 placements healthy; ConfigMap shop/a on c1: forbidden (and 1 more)",
            "Reconciling True Progressing: 0 of 3 placements healthy",
            "Stalled True Failed: 0 of 3 placements healthy; ConfigMap shop/a on c1: forbidden (and 1 more)"
        ]
    );
}

#[test]
fn at_most_ten_failures_and_never_a_secrets_value() {
    let many: Vec<PairStatus> =
        (0..30).map(|i| pair("a", &format!("c{i:02}"), PairState::Failed("no".into()))).collect();
    assert_eq!(unit(&many, &[], false).failures.len(), 10);
    let refused =
        PairState::Failed(r#"Secret "token" is invalid: data: Invalid value: "hunter2": no"#.into());
    let status = unit(&[pair("token", "c1", refused)], &[], false);
    assert!(!format!("{status:?}").contains("hunter2"));
}

#[test]
fn a_policy_says_what_it_places_and_what_clusters_refuse() {
    let refused = || PairState::Failed("forbidden".into());
    let pairs = [pair("a", "c1", refused()), pair("a", "c2", refused()), pair("b", "c1", healthy())];
    let status = policy_status(&["spec.downsync[0]: no such operator".to_owned()], &pairs.iter().collect());
    assert_eq!(
        status.errors,
        ["ConfigMap shop/a on c1, c2: forbidden", "spec.downsync[0]: no such operator"]
    );
    assert_eq!(
        lines(&status.conditions),
        [
            "Synced False ReconcileError: 1 of 3 placements applied; ConfigMap shop/a on c1: forbidden",
            "Ready False Unavailable: 1 of 3 placements healthy; ConfigMap shop/a on c1: forbidden"
        ]
    );
    let status = policy_status(&[], &[pair("b", "c1", healthy())].iter().collect());
    assert_eq!(
        lines(&status.conditions),
        [
            "Synced True ReconcileSuccess: 1 object(s) on 1 cluster(s)",
            "Ready True Available: 1 object(s) on 1 cluster(s)"
        ]
    );
    let nothing = policy_status(&[], &Tally::default());
    assert!(lines(&nothing.conditions)[0].ends_with("it places nothing: no object, or no cluster, matches"));
}
