use super::*;
use crate::live::live;

fn set(image: &str, replicas: i64, more: &Value) -> Live {
    let template = json!({ "metadata": { "labels": { "app": "db" } }, "spec": { "containers": [{ "name": "db", "image": image }] } });
    let mut spec = json!({ "replicas": replicas, "serviceName": "db", "selector": { "matchLabels": { "app": "db" } }, "template": template });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    live(
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db" }, "spec": spec }),
    )
}

/// A pod of a revision: `2+` is ready, `2-` is not, `2x` is being deleted.
fn pod(set: &Live, ordinal: i64, state: &str, revision: &str) -> Replica {
    let mut value = made_pod(set, template::of(set), &format!("db-{ordinal}"), (ordinal, revision));
    let ready = if state == "+" { "True" } else { "False" };
    value["status"] = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] });
    if state == "x" {
        value["metadata"]["deletionTimestamp"] = json!("2026-11-20T11:13:11Z");
    }
    Replica::of(live(value))
}

fn observed(set: Live, history: History, pods: &[(i64, &str, &str)]) -> Observed {
    let pods = pods
        .iter()
        .map(|(ordinal, state, revision)| (*ordinal, pod(&set, *ordinal, state, revision)))
        .collect();
    Observed { set, pods, history, claims: BTreeSet::new(), adoptions: Vec::new(), again: Again::WhenWoken }
}

/// A set, with the history of the templates with these images.
fn recorded(set: Live, images: &[&str]) -> (Live, History) {
    let mut revisions: Vec<Live> = Vec::new();
    for image in images {
        let mut value = set.value.clone();
        value["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        let then = live(value);
        let Some(Step::Create(revision)) = History::of(&then, revisions.clone()).record(&then).pop() else {
            continue;
        };
        revisions.push(live(revision));
    }
    let history = History::of(&set, revisions);
    (set, history)
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).filter(|step| !step.starts_with("tell")).collect()
}

#[test]
fn pods_come_and_go_one_after_the_other() {
    #[track_caller]
    fn check(replicas: i64, more: &Value, seen: &[(i64, &str)], expected: &[&str]) {
        let (set, history) = recorded(set("db:1", replicas, more), &["db:1"]);
        let name = history.name.clone();
        let seen: Vec<(i64, &str, &str)> =
            seen.iter().map(|(ordinal, state)| (*ordinal, *state, name.as_str())).collect();
        assert_eq!(texts(&decide(&observed(set, history, &seen))), expected);
    }
    let ordered = json!({});
    check(3, &ordered, &[], &["create Pod shop/db-0"]);
    check(3, &ordered, &[(0, "-")], &[]);
    check(3, &ordered, &[(0, "+")], &["create Pod shop/db-1"]);
    check(3, &ordered, &[(0, "+"), (1, "x")], &[]);
    check(3, &ordered, &[(0, "+"), (1, "+"), (2, "+")], &[]);
    check(1, &ordered, &[(0, "+"), (1, "+"), (2, "+")], &["delete Pod shop/db-2"]);
    check(1, &ordered, &[(0, "+"), (1, "+"), (2, "x")], &[]);
    check(1, &json!({ "ordinals": { "start": 5 } }), &[], &["create Pod shop/db-5"]);
    let parallel = json!({ "podManagementPolicy": "Parallel" });
    check(2, &parallel, &[], &["create Pod shop/db-0", "create Pod shop/db-1"]);
    check(0, &parallel, &[(0, "+"), (1, "-")], &["delete Pod shop/db-1", "delete Pod shop/db-0"]);
    let claims = json!({ "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": {} }] });
    check(2, &claims, &[], &["create PersistentVolumeClaim shop/data-db-0", "create Pod shop/db-0"]);
}

#[test]
fn a_new_template_is_rolled_out_from_the_last() {
    #[track_caller]
    fn check(more: &Value, seen: &[(i64, &str, usize)], expected: &[&str]) {
        let (set, history) = recorded(set("db:2", 3, more), &["db:1", "db:2"]);
        let names: Vec<String> =
            history.revisions.iter().map(|revision| revision.name().to_owned()).collect();
        let seen: Vec<(i64, &str, &str)> = seen
            .iter()
            .map(|(ordinal, state, revision)| (*ordinal, *state, names[*revision].as_str()))
            .collect();
        assert_eq!(texts(&decide(&observed(set, history, &seen))), expected);
    }
    let plain = json!({});
    check(&plain, &[(0, "+", 0), (1, "+", 0), (2, "+", 0)], &["delete Pod shop/db-2"]);
    check(&plain, &[(0, "+", 0), (1, "+", 0), (2, "x", 0)], &[]);
    check(&plain, &[(0, "+", 0), (1, "+", 0)], &["create Pod shop/db-2"]);
    check(&plain, &[(0, "+", 0), (1, "+", 0), (2, "+", 1)], &["delete Pod shop/db-1"]);
    let partition =
        json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } } });
    check(&partition, &[(0, "+", 0), (1, "+", 0), (2, "+", 1)], &[]);
    let on_delete = json!({ "updateStrategy": { "type": "OnDelete" } });
    check(&on_delete, &[(0, "+", 0), (1, "+", 0), (2, "+", 0)], &[]);
}

#[test]
fn the_status_counts_by_revision() {
    let (set, history) = recorded(set("db:2", 3, &json!({})), &["db:1", "db:2"]);
    let (old, new) = (history.revisions[0].name().to_owned(), history.revisions[1].name().to_owned());
    let mut with_status = set.value.clone();
    with_status["status"] = json!({ "currentRevision": old });
    let rolling =
        observed(live(with_status), history.clone(), &[(0, "+", &old), (1, "+", &old), (2, "-", &new)]);
    let seen = status(&rolling);
    let numbers =
        ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"].map(|field| seen[field].clone());
    assert_eq!(numbers, [json!(3), json!(2), json!(2), json!(1)]);
    assert_eq!((&seen["currentRevision"], &seen["updateRevision"]), (&json!(old), &json!(new)));
    let done = status(&observed(set, history, &[(0, "+", &new), (1, "+", &new), (2, "+", &new)]));
    assert_eq!((&done["currentRevision"], &done["currentReplicas"]), (&json!(new), &json!(3)));
}

#[test]
fn a_template_of_old_becomes_the_newest_revision_again() {
    let (set, history) = recorded(set("db:1", 1, &json!({})), &["db:1", "db:2"]);
    assert_eq!(history.name, history.revisions[0].name());
    assert_eq!(
        texts(&history.record(&set)),
        [format!(r#"patch ControllerRevision shop/{} {{"revision":3}}"#, history.name)]
    );
    assert_eq!(history.template(&history.name).as_ref(), Some(template::of(&set)));
}
