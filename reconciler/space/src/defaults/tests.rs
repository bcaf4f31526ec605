use apimachinery::GroupVersionKind;
use apimachinery::kinds::KindTable;
use serde_json::{Value, json};

use crate::normal;

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
fn check(gvk: (&str, &str, &str), mut input: Value, expected: Value) {
    let gvk = GroupVersionKind::new(gvk.0, gvk.1, gvk.2);
    let resource = KindTable::built_in().kind(&gvk).unwrap();
    normal::built_in(resource.schema.as_ref().unwrap(), &mut input);
    assert_eq!(input, expected);
    normal::built_in(resource.schema.as_ref().unwrap(), &mut input);
    assert_eq!(input, expected, "defaulting again changes nothing");
}

#[test]
fn a_deployment_is_completed_as_the_server_completes_it() {
    let container = json!({
        "name": "web", "image": "nginx", "ports": [{ "containerPort": 80 }],
        "livenessProbe": { "httpGet": { "port": 80 } },
        "env": [{ "name": "IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } }],
    });
    let stored = json!({
        "name": "web", "image": "nginx", "ports": [{ "containerPort": 80, "protocol": "TCP" }],
        "livenessProbe": {
            "httpGet": { "port": 80, "path": "/", "scheme": "HTTP" },
            "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1,
        },
        "env": [{ "name": "IP", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "status.podIP" } } }],
        "imagePullPolicy": "Always", "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    let selector = json!({ "matchLabels": { "app": "web" } });
    check(
        ("apps", "v1", "Deployment"),
        json!({
            "metadata": { "name": "web" },
            "spec": { "selector": selector, "template": {
                "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [container] },
            } },
        }),
        json!({
            "metadata": { "name": "web" },
            "spec": {
                "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10, "selector": selector,
                "strategy": {
                    "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" },
                },
                "template": { "metadata": { "labels": { "app": "web" } }, "spec": {
                    "containers": [stored], "dnsPolicy": "ClusterFirst", "restartPolicy": "Always",
                    "schedulerName": "default-scheduler", "securityContext": {},
                    "terminationGracePeriodSeconds": 30,
                } },
            },
            "status": {},
        }),
    );
}

#[test]
fn a_service_is_completed_before_addresses_are_allocated() {
    check(
        ("", "v1", "Service"),
        json!({ "metadata": { "name": "a" }, "spec": { "ports": [{ "port": 80 }], "type": "LoadBalancer" } }),
        json!({
            "metadata": { "name": "a" },
            "spec": {
                "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster",
                "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "type": "LoadBalancer",
                "ports": [{ "port": 80, "protocol": "TCP", "targetPort": 80 }],
            },
            "status": { "loadBalancer": {} },
        }),
    );
}
