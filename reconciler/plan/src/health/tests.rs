use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "tables read better without borrows")]
fn check(kind: (&str, &str), spec: Value, status: Value, expected: &str) {
    let kind = GroupKind::new(kind.0, kind.1);
    let content = json!({ "spec": spec });
    let status = (!status.is_null()).then_some(&status);
    let reported = Reported { kind: &kind, content: &content, status, generation: Some(2) };
    assert_eq!(health(&reported).to_string(), expected);
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": status, "reason": reason, "message": "so"}]})
}

#[test]
fn deployments_are_healthy_when_kubectl_rollout_status_is_done() {
    let deployment = ("apps", "Deployment");
    let three = || json!({"replicas": 3});
    let done = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
    check(deployment, three(), done.clone(), "Healthy");
    check(deployment, three(), Value::Null, "Unknown: NoStatus: the cluster has not returned its status");
    check(deployment, three(), json!({}), "Progressing: RollingOut: 0 of 3 replicas updated");
    check(
        deployment,
        three(),
        json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
        "Progressing: NotObserved: its controller has not seen the last change yet",
    );
    check(
        deployment,
        three(),
        json!({"replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}),
        "Progressing: RollingOut: 1 old replica(s) have to go",
    );
    check(
        deployment,
        three(),
        json!({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 1}),
        "Progressing: RollingOut: 1 of 3 replicas available",
    );
    check(
        deployment,
        three(),
        condition("Progressing", "False", "ProgressDeadlineExceeded"),
        "Degraded: ProgressDeadlineExceeded: so",
    );
    check(
        deployment,
        three(),
        condition("ReplicaFailure", "True", "FailedCreate"),
        "Degraded: FailedCreate: so",
    );
    check(deployment, json!({"paused": true}), json!({}), "Suspended: Suspended: its rollout is paused");
    check(deployment, json!({"replicas": 0}), json!({"observedGeneration": 2}), "Healthy");
}

#[test]
fn stateful_sets_mind_partitions_and_revisions() {
    let kind = ("apps", "StatefulSet");
    let rolling =
        json!({"readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
    check(kind, json!({"replicas": 3}), rolling.clone(), "Progressing: RollingOut: 1 of 3 replicas updated");
    let partition = json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
    check(kind, partition, rolling.clone(), "Healthy");
    check(kind, json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}}), rolling, "Healthy");
    check(
        kind,
        json!({"replicas": 3}),
        json!({"readyReplicas": 2}),
        "Progressing: RollingOut: 2 of 3 replicas ready",
    );
    let done = json!({"readyReplicas": 3, "currentRevision": "b", "updateRevision": "b"});
    check(kind, json!({"replicas": 3}), done, "Healthy");
}

#[test]
fn daemon_sets_wait_for_the_count_of_nodes() {
    let kind = ("apps", "DaemonSet");
    check(
        kind,
        json!({}),
        json!({}),
        "Progressing: NotObserved: its controller has not counted the nodes yet",
    );
    let status = |updated: i64, available: i64| json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available});
    check(kind, json!({}), status(1, 2), "Progressing: RollingOut: 1 of 2 replicas updated");
    check(kind, json!({}), status(2, 1), "Progressing: RollingOut: 1 of 2 replicas available");
    check(kind, json!({"updateStrategy": {"type": "OnDelete"}}), status(1, 2), "Healthy");
    check(kind, json!({}), status(2, 2), "Healthy");
}

#[test]
fn jobs_end_one_way_or_the_other() {
    let kind = ("batch", "Job");
    check(kind, json!({}), condition("Complete", "True", ""), "Healthy");
    check(
        kind,
        json!({}),
        condition("Failed", "True", "BackoffLimitExceeded"),
        "Degraded: BackoffLimitExceeded: so",
    );
    check(
        kind,
        json!({"completions": 4}),
        json!({"succeeded": 1, "failed": 2}),
        "Progressing: Running: 1 of 4 completions, 2 attempt(s) failed",
    );
    check(kind, json!({"suspend": true}), json!({}), "Suspended: Suspended: the job is suspended");
    check(("batch", "CronJob"), json!({}), Value::Null, "Healthy");
    check(
        ("batch", "CronJob"),
        json!({"suspend": true}),
        json!({}),
        "Suspended: Suspended: the schedule is suspended",
    );
}

#[test]
fn pods_name_what_their_containers_wait_for() {
    let waiting = |reason: &str| {
        json!({"phase": "Pending", "containerStatuses": [
            {"name": "web", "state": {"waiting": {"reason": reason, "message": "no such image"}}}
        ]})
    };
    let pod = ("", "Pod");
    check(
        pod,
        json!({}),
        waiting("ImagePullBackOff"),
        "Degraded: ImagePullBackOff: container web: no such image",
    );
    check(
        pod,
        json!({}),
        waiting("ContainerCreating"),
        "Progressing: ContainerCreating: container web: no such image",
    );
    check(
        pod,
        json!({}),
        condition("PodScheduled", "False", "Unschedulable"),
        "Progressing: Unschedulable: so",
    );
    check(pod, json!({}), condition("Ready", "True", ""), "Healthy");
    check(pod, json!({}), json!({"phase": "Succeeded"}), "Healthy");
    check(
        pod,
        json!({}),
        json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}),
        "Degraded: Evicted: disk",
    );
    let oom = json!({"phase": "Failed", "containerStatuses": [
        {"name": "web", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    ]});
    check(pod, json!({}), oom, "Degraded: OOMKilled: container web ended with exit code 137");
}

#[test]
fn other_built_in_kinds() {
    let claim = ("", "PersistentVolumeClaim");
    check(claim, json!({}), json!({"phase": "Bound"}), "Healthy");
    check(claim, json!({}), json!({"phase": "Pending"}), "Progressing: Pending: it is not bound yet");
    check(claim, json!({}), json!({"phase": "Lost"}), "Degraded: Lost: its volume is gone");
    let service = ("", "Service");
    check(service, json!({}), Value::Null, "Healthy");
    let balanced = || json!({"type": "LoadBalancer"});
    check(service, balanced(), Value::Null, "Unknown: NoStatus: the cluster has not returned its status");
    check(
        service,
        balanced(),
        json!({"loadBalancer": {}}),
        "Progressing: Pending: the load balancer has no address yet",
    );
    check(service, balanced(), json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}), "Healthy");
    let crd = ("apiextensions.k8s.io", "CustomResourceDefinition");
    check(crd, json!({}), condition("Established", "True", ""), "Healthy");
    check(
        crd,
        json!({}),
        condition("NamesAccepted", "False", "PluralConflict"),
        "Degraded: PluralConflict: so",
    );
    check(crd, json!({}), json!({}), "Progressing: NotEstablished: the kind is not served yet");
    let hpa = ("autoscaling", "HorizontalPodAutoscaler");
    check(
        hpa,
        json!({}),
        condition("ScalingActive", "False", "FailedGetResourceMetric"),
        "Degraded: FailedGetResourceMetric: so",
    );
    check(("", "ConfigMap"), json!({}), Value::Null, "Healthy");
}

#[test]
fn custom_kinds_speak_by_conditions() {
    let kind = ("cert-manager.io", "Certificate");
    check(kind, json!({}), json!({}), "Healthy");
    check(kind, json!({}), condition("Ready", "True", "Ready"), "Healthy");
    check(kind, json!({}), condition("Ready", "False", "Issuing"), "Progressing: Issuing: so");
    check(kind, json!({}), condition("Ready", "False", "IssuerNotFound"), "Degraded: IssuerNotFound: so");
    check(kind, json!({}), condition("Ready", "Unknown", ""), "Progressing: Ready: so");
    check(kind, json!({}), condition("Stalled", "True", "BadUrl"), "Degraded: BadUrl: so");
    check(kind, json!({}), condition("Reconciling", "True", "Working"), "Progressing: Working: so");
    check(kind, json!({}), json!({"conditions": "nonsense"}), "Healthy");
}
