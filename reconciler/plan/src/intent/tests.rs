use proptest::prelude::*;
use serde_json::json;

use super::server::Server;
use super::*;
use crate::names::{INTENT_ANNOTATION, UNIT_LABEL};

const SOURCE: &str = "shop";

fn object(value: &Value) -> Object {
    Object::from_value(value).unwrap()
}

fn of(value: &Value) -> Intent {
    intent(&object(value), KindTable::built_in())
}

fn marked_for_shop(value: &Value) -> Value {
    marked(&object(value), &SOURCE.into()).to_value()
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "labels": {UNIT_LABEL: "cart"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "cart"}},
            "template": {
                "metadata": {"labels": {"app": "cart"}},
                "spec": {"containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]},
            },
        },
    })
}

/// Applied by the source, by a server that adds nothing.
fn applied() -> (Server, Value) {
    let mut server = Server::of(&deployment());
    let stored = server.apply(None, &marked_for_shop(&deployment()), "gitstellar-shop");
    (server, stored)
}

#[test]
fn what_a_source_declares_is_what_is_shipped() {
    let (_, stored) = applied();
    let intent = of(&stored);
    assert_eq!(intent.state, IntentState::Declared);
    assert_eq!(intent.content.unwrap().to_value(), deployment());
    let before = declared(&object(&marked_for_shop(&deployment())), KindTable::built_in());
    assert_eq!(before.digest, intent.digest);
    assert_eq!(before.content.unwrap().to_value(), deployment());
}

#[test]
fn what_others_add_is_not_shipped_and_takes_nothing() {
    let (mut server, stored) = applied();
    let mut new = stored.clone();
    new["metadata"]["labels"]["team"] = "web".into();
    new["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = "/dev/x".into();
    let intent = of(&server.update(Some(&stored), new, "kubectl-label"));
    assert_eq!(intent.state, IntentState::Declared);
    assert_eq!(intent.content.unwrap().to_value(), deployment());
}

#[test]
fn whoever_takes_a_field_is_named_and_nothing_is_shipped() {
    let (mut server, stored) = applied();
    let declared = of(&stored).digest;
    let mut new = stored.clone();
    new["spec"]["replicas"] = 5.into();
    let taken = server.update(Some(&stored), new, "kubectl-edit");
    let intent = of(&taken);
    assert_eq!(
        intent.state,
        IntentState::Contended {
            managers: vec!["kubectl-edit".into()],
            fields: vec![".spec.replicas".into()]
        }
    );
    assert_eq!((intent.content, intent.digest), (None, declared), "nothing downstream churns");
    // Sync repairs it by applying with force.
    let repaired = server.apply(Some(&taken), &marked_for_shop(&deployment()), "gitstellar-shop");
    assert_eq!(of(&repaired).state, IntentState::Declared);
}

#[test]
fn a_field_that_somebody_removes_is_contended_too() {
    let (mut server, stored) = applied();
    let mut new = stored.clone();
    new["metadata"]["labels"].as_object_mut().unwrap().remove(UNIT_LABEL);
    let intent = of(&server.update(Some(&stored), new, "kubectl-label"));
    assert!(matches!(intent.state, IntentState::Contended { .. }), "{intent:?}");
}

#[test]
fn an_object_belongs_to_the_source_that_its_annotation_names_with_it() {
    let (_, stored) = applied();
    assert_eq!(source_of(&object(&stored)), Some("shop".into()));
    let mut copy = stored.clone();
    copy["metadata"]["name"] = "copy".into();
    copy["metadata"].as_object_mut().unwrap().remove("managedFields");
    assert_eq!(source_of(&object(&copy)), None);
    let mut unnamed = stored;
    unnamed["metadata"]["annotations"].as_object_mut().unwrap().clear();
    assert_eq!(source_of(&object(&unnamed)), Some("shop".into()));
}

#[test]
fn client_side_apply_ships_what_was_applied_and_what_people_changed_since() {
    let mut server = Server::of(&deployment());
    let mut new = deployment();
    new["metadata"]["annotations"] = json!({ LAST_APPLIED_ANNOTATION: deployment().to_string() });
    new["spec"]["progressDeadlineSeconds"] = 600.into();
    let stored = server.update(None, new, "kubectl-client-side-apply");
    let intent = of(&stored);
    assert_eq!(intent.state, IntentState::ClientApplied);
    assert_eq!(intent.content.unwrap().to_value(), deployment(), "defaults are not shipped");
    let mut scaled = stored.clone();
    scaled["spec"]["replicas"] = 7.into();
    scaled["metadata"]["labels"]["team"] = "web".into();
    let shipped = of(&server.update(Some(&stored), scaled, "kubectl-scale")).content.unwrap().to_value();
    assert_eq!(shipped["spec"]["replicas"], 7);
    assert_eq!(shipped["metadata"]["labels"]["team"], "web");
}

#[test]
fn server_side_apply_ships_what_was_applied_and_what_was_scaled() {
    let mut server = Server::of(&deployment());
    let stored = server.apply(None, &deployment(), "kubectl");
    let intent = of(&stored);
    assert_eq!(intent.state, IntentState::Applied);
    assert_eq!(intent.content.unwrap().to_value(), deployment());
    let mut scaled = stored.clone();
    scaled["spec"]["replicas"] = 7.into();
    let shipped = of(&server.update(Some(&stored), scaled, "kubectl-scale")).content.unwrap().to_value();
    assert_eq!(shipped["spec"]["replicas"], 7);
}

#[test]
fn an_intent_is_read_in_the_version_it_was_written_in() {
    let autoscaler = |version: &str, spec: Value| json!({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
    let v1 = autoscaler("autoscaling/v1", json!({"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}));
    let mut server = Server::of(&v1);
    let stored = server.apply(None, &marked_for_shop(&v1), "gitstellar-shop");
    assert_eq!(version_to_read(&object(&stored)), None);
    let mut preferred = stored;
    preferred["apiVersion"] = "autoscaling/v2".into();
    assert_eq!(version_to_read(&object(&preferred)), Some("v1".into()));
    let mut by_kubectl = autoscaler("autoscaling/v2", json!({"maxReplicas": 3}));
    by_kubectl["metadata"]["annotations"] = json!({ LAST_APPLIED_ANNOTATION: v1.to_string() });
    assert_eq!(version_to_read(&object(&by_kubectl)), Some("v1".into()));
}

#[test]
fn replicas_that_nobody_owns_were_scaled() {
    let mut declared = deployment();
    declared["spec"].as_object_mut().unwrap().remove("replicas");
    let mut stored = Server::of(&declared).apply(None, &declared, "kubectl");
    let mut check = |replicas: i64, expected: Option<i64>| {
        stored["spec"]["replicas"] = replicas.into();
        let shipped = of(&stored).content.unwrap().to_value();
        assert_eq!(shipped["spec"].get("replicas").and_then(Value::as_i64), expected);
    };
    check(1, None);
    check(7, Some(7));
}

#[test]
fn string_data_that_was_applied_is_shipped_as_data() {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "stringData": {"a": "x"}
    });
    let mut stored = Server::of(&secret).apply(None, &secret, "kubectl");
    stored.as_object_mut().unwrap().remove("stringData");
    stored["data"] = json!({"a": "eA=="});
    let shipped = of(&stored).content.unwrap().to_value();
    assert_eq!((&shipped["data"], shipped.get("stringData")), (&json!({"a": "eA=="}), None));
}

#[test]
fn the_hubs_labels_and_status_are_no_intent() {
    let mut server = Server::of(&deployment());
    let stored = server.apply(None, &deployment(), "kubectl");
    let mut new = stored.clone();
    new["metadata"]["labels"][crate::status::SINGLETON_LABEL] = "true".into();
    new["status"] = json!({"replicas": 1});
    let stored = server.update(Some(&stored), new, "gitstellar-hub");
    assert_eq!(of(&stored).content.unwrap().to_value(), deployment());
    assert_eq!(source_of(&object(&stored)), None);
}

#[expect(clippy::needless_pass_by_value, reason = "tables read better without borrows")]
fn check_cleaned(stored: Value, expected: Value) {
    let intent = of(&stored);
    assert_eq!(intent.state, IntentState::Cleaned);
    assert_eq!(intent.content.unwrap().to_value(), expected);
}

#[test]
fn stored_objects_are_cleaned_by_kubestellars_table() {
    check_cleaned(
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "3", "generation": 2, "selfLink": "x",
                "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"], "generateName": "web-",
                "ownerReferences": [{}], "labels": {"a": "b"},
                "annotations": {LAST_APPLIED_ANNOTATION: "broken", "keep": "it"},
            },
            "spec": {
                "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                "ports": [{"port": 80, "nodePort": 30000}], "type": "NodePort",
            },
            "status": {"loadBalancer": {}},
        }),
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}, "annotations": {"keep": "it"}},
            "spec": {"ports": [{"port": 80}], "type": "NodePort"},
        }),
    );
    check_cleaned(
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "annotations": {"control.kubestellar.io/preserve": "nodeport"}},
            "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80, "nodePort": 30000}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "annotations": {"control.kubestellar.io/preserve": "nodeport"}},
            "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80, "nodePort": 30000}]},
        }),
    );
    check_cleaned(
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": "j", "labels": {"controller-uid": "1", "a": "b"}, "annotations": {"batch.kubernetes.io/job-tracking": ""}
            },
            "spec": {
                "suspend": false, "selector": {},
                "template": {"metadata": {"labels": {"batch.kubernetes.io/controller-uid": "1", "job": "j"}}, "spec": {}},
            },
            "status": {},
        }),
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "j", "labels": {"a": "b"}},
            "spec": {"template": {"metadata": {"labels": {"job": "j"}}, "spec": {}}},
        }),
    );
}

#[test]
fn declared_settings_of_a_service_travel_but_an_address_never() {
    let spec = json!({
        "clusterIP": "10.0.0.1", "sessionAffinity": "ClientIP", "internalTrafficPolicy": "Local",
        "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}],
    });
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
    let mut server = Server::of(&service);
    let shipped =
        of(&server.apply(None, &marked_for_shop(&service), "gitstellar-shop")).content.unwrap().to_value();
    assert_eq!(
        shipped["spec"],
        json!({
            "sessionAffinity": "ClientIP", "internalTrafficPolicy": "Local",
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}],
        })
    );
}

#[test]
fn an_answer_tells_corrections_from_mutations() {
    let kinds = KindTable::built_in();
    let sent = marked_for_shop(&deployment());
    let (_, stored) = applied();
    let check = |answered: &Value| answer(&object(&sent), &object(answered), &SOURCE.into(), kinds);
    assert_eq!(check(&stored), Answer { corrected: None, mutated: Vec::new() });
    let mut mutated = stored.clone();
    mutated["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror/web:1".into();
    let answer_ = check(&mutated);
    assert_eq!(answer_.mutated, [".spec.template.spec.containers[0].image"]);
    // The corrected digest is the one that the gate compares with.
    mutated["metadata"]["annotations"][INTENT_ANNOTATION] = answer_.corrected.unwrap().to_string().into();
    assert_eq!(of(&mutated).state, IntentState::Declared);
    let mut defaulted = stored;
    defaulted["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
    assert_eq!(check(&defaulted).mutated, Vec::<String>::new());
}

#[test]
fn an_object_that_server_side_apply_refuses_is_remembered_whole() {
    let mut twice = deployment();
    twice["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    let mut written = marked_for_shop(&twice);
    written["metadata"]["annotations"][LAST_APPLIED_ANNOTATION] = written.to_string().into();
    let mut server = Server::of(&twice);
    let stored = server.update(None, written, "gitstellar-shop");
    let intent = of(&stored);
    assert_eq!(intent.state, IntentState::Declared);
    assert_eq!(intent.content.unwrap().to_value(), twice);
    let mut edited = stored.clone();
    edited["spec"]["replicas"] = 9.into();
    let intent = of(&server.update(Some(&stored), edited, "kubectl-edit"));
    assert!(matches!(intent.state, IntentState::Contended { .. }), "{intent:?}");
}

fn check_ignored(pointers: &[&str], expected: fn(&mut Value)) {
    let rule = IgnoreRule {
        kind: Some("Deployment".into()),
        pointers: pointers.iter().map(|p| (*p).to_owned()).collect(),
        ..IgnoreRule::default()
    };
    let mut wanted = deployment();
    expected(&mut wanted);
    assert_eq!(without_ignored(&object(&deployment()), &[rule]).to_value(), wanted);
}

#[test]
fn ignored_fields_are_dropped() {
    check_ignored(&["/spec/replicas"], |value| {
        value["spec"].as_object_mut().unwrap().remove("replicas");
    });
    check_ignored(&["/spec/template/spec/containers/*/image"], |value| {
        value["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("image");
    });
    check_ignored(&["/metadata/labels/gitstellar.io~1unit"], |value| {
        value["metadata"].as_object_mut().unwrap().remove("labels");
    });
    check_ignored(
        &["/metadata/name", "/kind", "", "/nothing/here", "/spec/template/spec/containers/9"],
        |_| {},
    );
    let other =
        IgnoreRule { kind: Some("Service".into()), pointers: vec!["/spec".into()], ..IgnoreRule::default() };
    assert_eq!(without_ignored(&object(&deployment()), &[other]).to_value(), deployment());
}

/// Objects in normal form: nothing that a server would fill in, fold or drop.
fn normal() -> impl Strategy<Value = Value> {
    let labels = proptest::collection::btree_map("[a-c]", "[x-z]{1,2}", 1..3);
    let env = proptest::collection::btree_map("[A-D]", "[a-z]{1,3}", 1..4);
    let ports = proptest::collection::btree_set(1_u16..6, 1..4);
    let args = proptest::collection::vec("[a-z]{1,3}", 1..3);
    let image = "[a-z]{1,4}:[0-9]";
    (labels, env, ports, args, (image, proptest::option::of(1_i64..9))).prop_map(
        |(labels, env, ports, args, (image, replicas))| {
            let env: Vec<Value> =
                env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            let ports: Vec<Value> =
                ports.into_iter().map(|port| json!({"containerPort": port, "protocol": "TCP"})).collect();
            let mut value = deployment();
            value["metadata"]["labels"] = json!(labels);
            let container = json!({"name": "web", "image": image, "env": env, "ports": ports, "args": args});
            value["spec"]["template"]["spec"]["containers"] = json!([container]);
            match replicas {
                Some(replicas) => value["spec"]["replicas"] = replicas.into(),
                None => drop(value["spec"].as_object_mut().unwrap().remove("replicas")),
            }
            value
        },
    )
}

proptest! {
    /// intent(get(apply(normal(x)))) = normal(x), whatever was applied before and whoever else applies fields of their own.
    #[test]
    fn applying_and_reading_back_gives_what_was_asked_for(before in normal(), after in normal(), other in any::<bool>()) {
        let mut server = Server::of(&before);
        let mut stored = server.apply(None, &marked_for_shop(&before), "gitstellar-shop");
        if other {
            let mut theirs = stored.clone();
            theirs["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().insert(0, json!({"name": "sidecar", "image": "s"}));
            theirs["metadata"]["annotations"]["injected"] = "yes".into();
            stored = server.update(Some(&stored), theirs, "injector");
            prop_assert_eq!(&of(&stored).content.unwrap().to_value(), &before);
        }
        let stored = server.apply(Some(&stored), &marked_for_shop(&after), "gitstellar-shop");
        let intent = of(&stored);
        prop_assert_eq!(&intent.state, &IntentState::Declared);
        prop_assert_eq!(intent.content.unwrap().to_value(), after.clone());
        prop_assert_eq!(intent.digest, declared(&object(&marked_for_shop(&after)), KindTable::built_in()).digest);
        let answered = answer(&object(&marked_for_shop(&after)), &object(&stored), &SOURCE.into(), KindTable::built_in());
        prop_assert_eq!(answered, Answer { corrected: None, mutated: Vec::new() });
    }
}
