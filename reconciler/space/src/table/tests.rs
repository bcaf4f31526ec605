use apimachinery::{GroupKind, Timestamp};
use serde_json::{Value, json};

use super::printer;

const NOW: &str = "2026-11-20T12:00:00Z";

/// The cells of an object of a kind that was created ten minutes ago.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tables of literals read better")]
fn check(group: &str, kind: &str, mut object: Value, expected: Value) {
    object["metadata"]["name"] = json!("a");
    object["metadata"]["creationTimestamp"] = json!("2026-11-20T11:50:00Z");
    let printer = printer(&GroupKind::new(group, kind));
    let cells = (printer.cells)(&object, NOW.parse::<Timestamp>().unwrap());
    assert_eq!(cells.len(), printer.columns.len(), "{kind}: as many cells as columns");
    assert_eq!(Value::Array(cells), expected, "{kind}");
}

/// Columns as `NAME` or `NAME*` for a wide one.
#[track_caller]
fn check_columns(group: &str, kind: &str, expected: &str) {
    let columns: Vec<String> = printer(&GroupKind::new(group, kind))
        .columns
        .iter()
        .map(|column| format!("{}{}", column.name, if column.priority == 1 { "*" } else { "" }))
        .collect();
    assert_eq!(columns.join("|"), expected);
}

#[test]
fn columns_are_those_that_kubectl_users_know() {
    check_columns("", "Pod", "Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*");
    check_columns("apps", "Deployment", "Name|Ready|Up-to-date|Available|Age|Containers*|Images*|Selector*");
    check_columns("", "Service", "Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*");
    check_columns("rbac.authorization.k8s.io", "ClusterRole", "Name|Created At");
    check_columns("nobody.example", "Widget", "Name|Created At");
}

#[test]
fn every_printer_gives_as_many_cells_as_it_has_columns() {
    let kinds = [
        ("", "Pod"),
        ("", "PodTemplate"),
        ("", "Namespace"),
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("", "ResourceQuota"),
        ("", "Service"),
        ("", "Endpoints"),
        ("", "Node"),
        ("", "Event"),
        ("", "ComponentStatus"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("", "ReplicationController"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("apps", "ControllerRevision"),
        ("batch", "Job"),
        ("batch", "CronJob"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("autoscaling", "Scale"),
        ("policy", "PodDisruptionBudget"),
        ("networking.k8s.io", "Ingress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("networking.k8s.io", "IPAddress"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("events.k8s.io", "Event"),
        ("coordination.k8s.io", "Lease"),
        ("coordination.k8s.io", "LeaseCandidate"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "CSIDriver"),
        ("resource.k8s.io", "ResourceClaim"),
        ("resource.k8s.io", "ResourceSlice"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("apiregistration.k8s.io", "APIService"),
    ];
    for (group, kind) in kinds {
        let printer = printer(&GroupKind::new(group, kind));
        // An empty object, and one with every field of the wrong type, are shown, too.
        for object in [json!({}), json!({"metadata": 1, "spec": [], "status": "x"})] {
            let cells = (printer.cells)(&object, NOW.parse().unwrap());
            assert_eq!(cells.len(), printer.columns.len(), "{kind}");
        }
    }
}

#[test]
fn a_deployment_shows_what_is_ready_of_what_is_desired() {
    let object = json!({
        "spec": {
            "replicas": 3,
            "selector": {
                "matchLabels": {"app": "cart"},
                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}, {"key": "aa", "operator": "Exists"}],
            },
            "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "j"}]}},
        },
        "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
    });
    check(
        "apps",
        "Deployment",
        object,
        json!(["a", "1/3", 2, 1, "10m", "c,d", "i:1,j", "aa,app=cart,tier in (a,b)"]),
    );
}

#[test]
fn a_pod_shows_why_it_does_not_run() {
    let pod = |status: Value| json!({"spec": {"containers": [{"name": "c"}]}, "status": status});
    let row = |ready: &str, status: &str, restarts: &str| {
        json!(["a", ready, status, restarts, "10m", "<none>", "<none>", "<none>", "<none>"])
    };
    check("", "Pod", pod(json!({"phase": "Pending"})), row("0/1", "Pending", "0"));
    let crashing = json!({
        "phase": "Running",
        "containerStatuses": [{
            "name": "c", "restartCount": 4, "ready": false,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-20T11:59:00Z"}},
        }],
    });
    check("", "Pod", pod(crashing), row("0/1", "CrashLoopBackOff", "4 (60s ago)"));
    let completed = json!({"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}]});
    check("", "Pod", pod(completed), row("0/1", "Completed", "0"));
    let gated = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]});
    check("", "Pod", pod(gated), row("0/1", "SchedulingGated", "0"));
}

#[test]
fn an_init_container_is_counted_until_all_are_done() {
    let pod = json!({
        "spec": {"initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}], "containers": [{"name": "c"}]},
        "status": {
            "phase": "Pending",
            "initContainerStatuses": [
                {"name": "i", "state": {"terminated": {"exitCode": 0}}},
                {"name": "s", "started": false, "state": {"waiting": {"reason": "PodInitializing"}}},
            ],
        },
    });
    check(
        "",
        "Pod",
        pod,
        json!(["a", "0/2", "Init:1/2", "0", "10m", "<none>", "<none>", "<none>", "<none>"]),
    );
}

#[test]
fn a_service_shows_its_addresses() {
    let service = |spec: Value, status: Value| json!({"spec": spec, "status": status});
    check(
        "",
        "Service",
        service(
            json!({"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}], "selector": {"a": "b"}}),
            json!({}),
        ),
        json!(["a", "LoadBalancer", "10.0.0.1", "<pending>", "80:30080/TCP", "10m", "a=b"]),
    );
    check(
        "",
        "Service",
        service(json!({"type": "ClusterIP"}), json!({})),
        json!(["a", "ClusterIP", "<none>", "<none>", "<none>", "10m", "<none>"]),
    );
}

#[test]
fn an_autoscaler_shows_current_and_wanted() {
    let object = json!({
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}],
        },
    });
    let row = json!(["a", "Deployment/cart", "cpu: <unknown>/80%", "<unset>", 5, 0, "10m"]);
    check("autoscaling", "HorizontalPodAutoscaler", object, row);
}

#[test]
fn an_event_shows_when_it_was_last_seen() {
    let object = json!({
        "type": "Normal", "reason": "Scaled", "message": " up \n", "count": 2,
        "firstTimestamp": "2026-11-20T11:00:00Z", "lastTimestamp": "2026-11-20T11:59:30Z",
        "involvedObject": {"kind": "Deployment", "name": "cart"}, "source": {"component": "c"},
    });
    check(
        "",
        "Event",
        object,
        json!(["30s", "Normal", "Scaled", "deployment/cart", "", "c", "up", "60m", 2, "a"]),
    );
}

#[test]
fn a_job_shows_its_state_and_duration() {
    let object = json!({
        "spec": {"completions": 2},
        "status": {
            "succeeded": 2, "startTime": "2026-11-20T11:50:00Z", "completionTime": "2026-11-20T11:50:07Z",
            "conditions": [{"type": "Complete", "status": "True"}],
        },
    });
    check("batch", "Job", object, json!(["a", "Complete", "2/2", "7s", "10m", "", "", "<none>"]));
}
