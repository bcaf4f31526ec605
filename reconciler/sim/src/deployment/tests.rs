use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::live::{live, text};
use crate::pace::Pace;

fn deployment(image: &str, replicas: i64, status: &Value) -> Live {
    let template = json!({ "metadata": { "labels": { "app": "cart" } }, "spec": { "containers": [{ "name": "cart", "image": image }] } });
    let strategy =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
    live(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "cart", "generation": 2, "annotations": { "team": "shop", "deployment.kubernetes.io/revision": "1" } },
        "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": "cart" } }, "template": template, "strategy": strategy },
        "status": status
    }))
}

fn observed(deployment: Live, owned: Vec<Live>) -> Observed {
    let sets = Sets::of(&deployment, owned);
    Observed { deployment, sets, adoptions: Vec::new(), old_pods_run: false }
}

/// The set that a Deployment makes first, as it would be stored, with the same number running and available.
fn made(deployment: &Live, available: i64) -> Live {
    let steps = decide(&observed(deployment.clone(), Vec::new()));
    let Some(Step::Create(mut value)) = steps.into_iter().next() else { panic!("no set was made") };
    let replicas = value["spec"]["replicas"].clone();
    value["status"] =
        json!({ "replicas": replicas, "readyReplicas": available, "availableReplicas": available });
    live(value)
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn a_new_template_makes_a_set_with_hash_revision_and_owner() {
    let deployment = deployment("cart:1", 3, &json!({}));
    let set = made(&deployment, 0);
    let hash = set.labels()["pod-template-hash"].clone();
    assert_eq!(set.name(), format!("cart-{hash}"));
    assert_eq!(set.selector("/spec/selector").to_string(), format!("app=cart,pod-template-hash={hash}"));
    assert_eq!(set.text("/spec/template/metadata/labels/pod-template-hash"), hash);
    assert_eq!(set.int("/spec/replicas"), Some(3));
    assert_eq!(set.annotation("team"), Some("shop"));
    assert_eq!(set.annotation("deployment.kubernetes.io/desired-replicas"), Some("3"));
    assert_eq!(set.annotation("deployment.kubernetes.io/max-replicas"), Some("4"));
    assert!(owner::controls(&deployment, &set));
}

#[test]
fn a_rollout_makes_one_step_at_a_time() {
    let old = made(&deployment("cart:1", 3, &json!({})), 3);
    let next = deployment("cart:2", 3, &json!({}));
    let steps = decide(&observed(next.clone(), vec![old.clone()]));
    let Some(Step::Create(set)) = steps.first() else { panic!("{steps:?}") };
    assert_eq!(
        (text(set, "/metadata/annotations/deployment.kubernetes.io~1revision"), &set["spec"]["replicas"]),
        ("2", &json!(1))
    );
    // The same template as before is the same set: a rollback makes none.
    assert_eq!(
        texts(&decide(&observed(deployment("cart:1", 3, &json!({})), vec![old.clone()]))),
        Vec::<String>::new()
    );
    let mut new = set.clone();
    new["status"] = json!({ "replicas": 1, "readyReplicas": 1, "availableReplicas": 1 });
    let mut next = next.value;
    next["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("2");
    let steps = texts(&decide(&observed(live(next), vec![old, live(new)])));
    assert!(
        steps[0].starts_with("patch ReplicaSet shop/cart-") && steps[0].contains(r#""replicas":2"#),
        "{steps:?}"
    );
    assert!(steps[1].contains("ScalingReplicaSet: Scaled down replica set cart-"), "{steps:?}");
    assert_eq!(steps.len(), 2);
}

#[test]
fn scaling_changes_the_set_and_nothing_else() {
    let set = made(&deployment("cart:1", 3, &json!({})), 3);
    let steps = texts(&decide(&observed(deployment("cart:1", 5, &json!({})), vec![set])));
    assert!(
        steps[0].contains(r#""deployment.kubernetes.io/desired-replicas":"5""#)
            && steps[0].contains(r#""replicas":5"#),
        "{steps:?}"
    );
    assert!(steps[1].contains("Scaled up replica set"), "{steps:?}");
}

#[test]
fn a_set_whose_template_differs_only_in_what_the_server_filled_in_is_found_by_its_hash() {
    let deployment = deployment("cart:1", 3, &json!({}));
    let mut set = made(&deployment, 3).value;
    set["spec"]["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    assert_eq!(texts(&decide(&observed(deployment, vec![live(set)]))), Vec::<String>::new());
}

/// Reason and status of Progressing, and status of Available.
fn said(status: &Value) -> (String, String, String) {
    let conditions = status["conditions"].as_array().unwrap();
    let of =
        |kind: &str, field: &str| text(crate::condition::find(conditions, kind).unwrap(), field).to_owned();
    (of("Progressing", "/reason"), of("Progressing", "/status"), of("Available", "/status"))
}

#[test]
fn the_status_tells_how_a_rollout_goes_on() {
    let stored = |status: &Value| deployment("cart:1", 3, status);
    let look = |status: &Value, available: i64, stalled: u64| {
        let deployment = stored(status);
        let set = made(&deployment, available);
        let observed = observed(deployment, vec![set]);
        let time = ("2026-11-20T11:13:11Z", &Pace::instant());
        status::decide(&observed.deployment, &observed.sets, Duration::from_millis(stalled), time).0
    };
    let said = |status: &Value| {
        let (reason, holds, available) = said(status);
        format!("{reason} {holds} {available}")
    };
    let first = look(&json!({}), 0, 0);
    assert_eq!(said(&first), "ReplicaSetUpdated True False");
    assert_eq!(said(&look(&first, 0, 1000)), "ReplicaSetUpdated True False");
    let late = look(&first, 0, 1200);
    assert_eq!(said(&late), "ProgressDeadlineExceeded False False");
    assert_eq!(look(&late, 0, 5000), late);
    let moving = look(&late, 1, 0);
    assert_eq!(said(&moving), "ReplicaSetUpdated True False");
    let done = look(&moving, 3, 0);
    assert_eq!(said(&done), "NewReplicaSetAvailable True True");
    assert_eq!(look(&done, 3, 0), done);
    assert_eq!((&done["observedGeneration"], &done["updatedReplicas"]), (&json!(2), &json!(3)));
    // A pod that fails later does not undo a rollout.
    assert_eq!(said(&look(&done, 2, 9000)), "NewReplicaSetAvailable True False");
}

#[test]
fn old_sets_beyond_the_history_are_deleted_once_all_is_done() {
    let complete =
        json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3 });
    let new = made(&deployment("cart:9", 3, &json!({})), 3);
    let mut deployment = deployment("cart:9", 3, &complete).value;
    deployment["spec"]["revisionHistoryLimit"] = json!(1);
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("9");
    let mut new = new.value;
    new["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("9");
    let old = ["2", "1"].map(|revision| {
        let mut old = new.clone();
        old["metadata"]["name"] = json!(format!("cart-{revision}"));
        old["metadata"]["uid"] = json!(revision);
        old["metadata"]["labels"]["pod-template-hash"] = json!(revision);
        old["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!(revision);
        old["spec"]["replicas"] = json!(0);
        old["spec"]["template"]["spec"]["containers"][0]["image"] = json!(format!("cart:{revision}"));
        old["status"] = json!({});
        live(old)
    });
    let owned = [old.to_vec(), vec![live(new)]].concat();
    assert_eq!(texts(&decide(&observed(live(deployment), owned))), ["delete ReplicaSet shop/cart-1"]);
}
