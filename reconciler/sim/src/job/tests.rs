use super::*;
use crate::live::live;

fn job(spec: &Value, status: &Value) -> Live {
    let template = json!({ "metadata": { "labels": { "job-name": "load" } }, "spec": { "restartPolicy": "Never", "containers": [] } });
    let mut whole = json!({ "parallelism": 1, "completions": 1, "selector": { "matchLabels": { "job-name": "load" } }, "template": template });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    live(
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "load" }, "spec": whole, "status": status }),
    )
}

/// A pod in a phase, with an index if it is not negative.
fn pod(job: &Live, name: &str, phase: &str, index: i64) -> Live {
    let mut value = made(job, name, (index >= 0).then_some(index));
    value["status"] = json!({ "phase": phase });
    live(value)
}

fn observed(job: Live, pods: Vec<Live>, times: Times) -> Observed {
    let tally = Tally::of(&job, &pods);
    Observed { job, pods, adoptions: Vec::new(), tally, times }
}

fn at(ms: u64) -> Times {
    let time = Duration::from_millis(ms);
    Times { running: time, over: time, failed: time }
}

/// What is made and deleted.
fn pods_after(observed: &Observed) -> Vec<String> {
    let mut number = 0;
    let name = |index: Option<i64>| {
        number += 1;
        index.map_or(format!("new-{number}"), |index| format!("index-{index}"))
    };
    let (steps, _) = decide(observed, &Pace::instant(), name);
    steps.iter().map(ToString::to_string).filter(|step| !step.starts_with("tell")).collect()
}

/// `type=status reason` of all conditions, and whether the completion time is set.
fn said(observed: &Observed) -> (Vec<String>, bool) {
    let steps = status::decide(
        &observed.job,
        &observed.tally,
        &observed.times,
        ("2026-11-20T11:13:11Z", &Pace::instant()),
    );
    let Some(Step::Status { status, .. }) = steps.first() else { return (Vec::new(), false) };
    let text = |condition: &Value, field: &str| condition[field].as_str().unwrap().to_owned();
    let conditions = crate::live::items(status, "/conditions").iter();
    let conditions =
        conditions.map(|c| format!("{}={} {}", text(c, "type"), text(c, "status"), text(c, "reason")));
    (conditions.collect(), status.get("completionTime").is_some())
}

#[test]
fn enough_pods_run_until_enough_have_succeeded() {
    #[track_caller]
    fn check(spec: &Value, phases: &[&str], expected: &[&str]) {
        let job = job(spec, &json!({ "startTime": "2026-11-20T11:13:00Z" }));
        let pods =
            phases.iter().enumerate().map(|(n, phase)| pod(&job, &format!("p{n}"), phase, -1)).collect();
        assert_eq!(pods_after(&observed(job, pods, at(10_000))), expected);
    }
    let one = json!({});
    check(&one, &[], &["create Pod shop/new-1"]);
    check(&one, &["Running"], &[]);
    check(&one, &["Succeeded"], &[]);
    check(&one, &["Failed"], &["create Pod shop/new-1"]);
    let many = json!({ "parallelism": 2, "completions": 3 });
    check(&many, &["Succeeded", "Running"], &["create Pod shop/new-1"]);
    check(&many, &["Succeeded", "Succeeded"], &["create Pod shop/new-1"]);
    check(&json!({ "suspend": true }), &["Running"], &["delete Pod shop/p0"]);
    check(&json!({ "backoffLimit": 0 }), &["Failed", "Running"], &["delete Pod shop/p1"]);
    let queue = json!({ "completions": null, "parallelism": 2 });
    check(&queue, &[], &["create Pod shop/new-1", "create Pod shop/new-2"]);
    check(&queue, &["Succeeded", "Running"], &[]);
}

#[test]
fn indexes_are_given_once_each() {
    let job = job(
        &json!({ "completionMode": "Indexed", "parallelism": 2, "completions": 3 }),
        &json!({ "completedIndexes": "0" }),
    );
    let pods = vec![pod(&job, "a", "Running", 1)];
    assert_eq!(pods_after(&observed(job, pods, at(0))), ["create Pod shop/index-2"]);
}

#[test]
fn an_attempt_after_a_failure_waits() {
    let job = job(&json!({}), &json!({}));
    let pods = vec![pod(&job, "a", "Failed", -1)];
    assert!(pods_after(&observed(job.clone(), pods.clone(), at(10))).is_empty());
    assert_eq!(pods_after(&observed(job, pods, at(50))), ["create Pod shop/new-1"]);
}

#[test]
fn a_job_ends_when_its_pods_have() {
    #[track_caller]
    fn check(spec: &Value, phases: &[&str], ms: u64, expected: (&[&str], bool)) {
        let job = job(spec, &json!({ "startTime": "2026-11-20T11:13:00Z" }));
        let pods =
            phases.iter().enumerate().map(|(n, phase)| pod(&job, &format!("p{n}"), phase, -1)).collect();
        let (conditions, completed) = said(&observed(job, pods, at(ms)));
        assert_eq!(
            (conditions.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), completed),
            expected
        );
    }
    check(&json!({}), &["Running"], 0, (&[], false));
    check(
        &json!({}),
        &["Succeeded"],
        0,
        (&["SuccessCriteriaMet=True CompletionsReached", "Complete=True CompletionsReached"], true),
    );
    check(
        &json!({ "backoffLimit": 0 }),
        &["Failed", "Running"],
        0,
        (&["FailureTarget=True BackoffLimitExceeded"], false),
    );
    check(
        &json!({ "backoffLimit": 0 }),
        &["Failed"],
        0,
        (&["FailureTarget=True BackoffLimitExceeded", "Failed=True BackoffLimitExceeded"], false),
    );
    check(
        &json!({ "activeDeadlineSeconds": 10 }),
        &["Running"],
        20,
        (&["FailureTarget=True DeadlineExceeded"], false),
    );
    check(&json!({ "suspend": true }), &[], 0, (&["Suspended=True JobSuspended"], false));
}

#[test]
fn a_job_that_is_over_is_left_alone_until_its_time_is_up() {
    let complete = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
    let over = observed(job(&json!({ "ttlSecondsAfterFinished": 100 }), &complete), Vec::new(), at(100));
    assert!(pods_after(&over).is_empty());
    assert_eq!(said(&over), (Vec::new(), false));
    let expired = observed(job(&json!({ "ttlSecondsAfterFinished": 100 }), &complete), Vec::new(), at(200));
    assert_eq!(pods_after(&expired), ["delete Job shop/load"]);
}
