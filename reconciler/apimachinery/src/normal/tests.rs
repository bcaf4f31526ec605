use serde_json::json;

use super::*;

#[track_caller]
fn check_with(kinds: &KindTable, value: &Value, expected: &Value) {
    let found = normal_form(value, kinds);
    assert_eq!(&found, expected);
    assert_eq!(&normal_form(&found, kinds), expected, "not idempotent");
}

#[track_caller]
fn check(value: &Value, expected: &Value) {
    check_with(KindTable::built_in(), value, expected);
}

/// The `spec` of a Pod, both ways.
#[track_caller]
fn check_pod(spec: &Value, expected: &Value) {
    let pod =
        |spec: &Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec});
    check(&pod(spec), &pod(expected));
}

#[test]
fn keys_of_keyed_lists_get_their_defaults() {
    check_pod(
        &json!({"containers": [{"name": "c", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]}]}),
        &json!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]}]}),
    );
}

#[test]
fn defaults_are_filled_in_where_a_value_is_owned_as_a_whole_and_only_there() {
    check_pod(
        &json!({"containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}]}),
        &json!({"containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}}]}]}),
    );
    check(
        &json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"volumeClaimTemplates": [
            {"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}]}}),
        &json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"volumeClaimTemplates": [
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"},
             "status": {"phase": "Pending"}}]}}),
    );
    check(
        &json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
            "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}}),
        &json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
            "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80, "protocol": "TCP"}]}]}}),
    );
}

#[test]
fn what_a_pointer_without_omitempty_does_not_say_is_null_in_a_whole() {
    let claim = |source: Value| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {"dataSource": source}});
    let other = |group: Value| json!({"apiGroup": group, "kind": "PersistentVolumeClaim", "name": "o"});
    check(&claim(json!({"kind": "PersistentVolumeClaim", "name": "o"})), &claim(other(Value::Null)));
    check(&claim(other(json!(""))), &claim(other(json!(""))));
}

#[test]
fn subjects_get_the_group_that_fits_their_kind() {
    let binding = |subjects: Value| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}, "subjects": subjects})
    };
    check(
        &binding(
            json!([{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]),
        ),
        &binding(json!([
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "u"},
            {"kind": "ServiceAccount", "name": "s", "namespace": "n"}
        ])),
    );
}

#[test]
fn quantities_are_canonical() {
    check_pod(
        &json!({"containers": [{"name": "c", "resources": {
            "limits": {"cpu": "2000m", "memory": "1024Mi", "example.com/gpu": 1.0}, "requests": {"cpu": 0.5, "memory": "1.5Gi", "a": "1u"}}}]}),
        &json!({"containers": [{"name": "c", "resources": {
            "limits": {"cpu": "2", "memory": "1Gi", "example.com/gpu": "1"}, "requests": {"cpu": "500m", "memory": "1536Mi", "a": "1m"}}}]}),
    );
}

#[test]
fn zero_values_vanish_where_go_leaves_them_out() {
    check_pod(
        &json!({
            "hostNetwork": false, "nodeName": "", "nodeSelector": {}, "automountServiceAccountToken": false, "priority": 0,
            "containers": [{"name": "c", "env": [{"name": "E", "value": ""}], "args": [], "resources": {}, "securityContext": {"capabilities": {"add": []}}}],
            "volumes": [{"name": "v", "emptyDir": {}}]
        }),
        &json!({
            "automountServiceAccountToken": false, "priority": 0,
            "containers": [{"name": "c", "env": [{"name": "E"}], "resources": {}, "securityContext": {"capabilities": {}}}],
            "volumes": [{"name": "v", "emptyDir": {}}]
        }),
    );
}

#[test]
fn an_empty_required_list_is_null() {
    check(
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r", "annotations": {}}, "rules": []}),
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": null}),
    );
}

#[test]
fn rules_that_a_controller_collects_are_not_declared() {
    let role = |fields: Value| {
        let mut role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}});
        role.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        role
    };
    let rule = json!({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]});
    check(&role(json!({"aggregationRule": rule, "rules": []})), &role(json!({"aggregationRule": rule})));
    check(&role(json!({"aggregationRule": null, "rules": []})), &role(json!({"rules": null})));
}

#[test]
fn nulls_are_absent_or_zero() {
    check_pod(
        &json!({"hostname": null, "nodeSelector": {"a": null}, "containers": [{"name": "c", "args": ["x", null], "resources": {"limits": {"cpu": null}}}]}),
        &json!({"nodeSelector": {"a": ""}, "containers": [{"name": "c", "args": ["x", ""], "resources": {"limits": {"cpu": "0"}}}]}),
    );
}

#[test]
fn string_data_is_folded_into_data() {
    let secret = |fields: Value| {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        secret.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        secret
    };
    check(
        &secret(json!({"data": {"a": "b2xk", "b": "YmJi\n"}, "stringData": {"a": "new", "c": null}})),
        &secret(json!({"data": {"a": "bmV3", "b": "YmJi", "c": ""}})),
    );
    check(&secret(json!({"stringData": {}})), &secret(json!({})));
    check(&secret(json!({"stringData": {"a": 5}})), &secret(json!({"stringData": {"a": 5}})));
}

#[test]
fn what_only_a_server_writes_is_dropped() {
    check(
        &json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "status": {"x": 1}, "spec": {}, "metadata": {
            "name": "d", "uid": "u", "resourceVersion": "5", "generation": 3, "creationTimestamp": null, "managedFields": [], "labels": {"a": "b"},
            "annotations": {"deprecated.daemonset.template.generation": "3", "k": "v"}}}),
        &json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": {}, "metadata": {
            "name": "d", "labels": {"a": "b"}, "annotations": {"k": "v"}}}),
    );
}

#[test]
fn times_and_numbers_are_written_one_way() {
    check(
        &json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"},
            "spec": {"leaseDurationSeconds": 30.0, "renewTime": "2026-11-20T12:13:11.5+01:00"}}),
        &json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"},
            "spec": {"leaseDurationSeconds": 30, "renewTime": "2026-11-20T11:13:11.500000Z"}}),
    );
}

#[test]
fn custom_kinds_follow_their_schema() {
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Widget", "plural": "widgets"}, "versions": [
            {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {
                    "color": {"type": "string", "default": "red"},
                    "note": {"type": "string", "nullable": true},
                    "off": {"type": "boolean"},
                    "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "default": 1}}}},
                    "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                        "items": {"type": "object", "required": ["port"], "properties": {
                            "port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}, "weight": {"type": "integer", "default": 5}}}},
                    "cpu": {"x-kubernetes-int-or-string": true},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
                }}}}}}]}
    });
    let kinds = KindTable::built_in().with_crd(&crd).unwrap();
    let widget = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec});
    check_with(
        &kinds,
        &json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "labels": {}}, "status": {}, "spec": {
            "note": null, "off": false, "list": [{}], "ports": [{"port": 80}], "cpu": "1000m", "free": {"a": null}, "color": null}}),
        &widget(json!({
            "note": null, "off": false, "list": [{"n": 1}], "ports": [{"port": 80, "protocol": "TCP"}], "cpu": "1000m", "free": {"a": null}})),
    );
}

#[test]
fn unknown_kinds_lose_their_nulls_and_server_metadata_only() {
    check(
        &json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "x", "uid": "u", "labels": {}}, "spec": {"a": null, "b": [{"c": null, "d": 0}]}, "status": {"e": 1}}),
        &json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "x", "labels": {}}, "spec": {"b": [{"d": 0}]}, "status": {"e": 1}}),
    );
}

#[test]
fn what_is_no_object_is_left_alone() {
    check(&json!([1, null]), &json!([1, null]));
    check(&json!({}), &json!({}));
    check_pod(&json!({"containers": "x", "volumes": [5]}), &json!({"containers": "x", "volumes": [5]}));
}
