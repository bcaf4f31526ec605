//! Defaults of Go functions inside values that are owned as a whole, where the server's answer shows them under the applier's name.
//!
//! OpenAPI does not declare them. The table lists those that manifests meet often; each was compared with a real kube-apiserver v1.35.4.
//! Source: `SetDefaults_*` and conversions in `k8s.io/kubernetes/pkg/apis`.

use serde_json::{Map, Value, json};

/// What a function fills in when the field is absent.
enum Computed {
    Text(&'static str),
    Number(i64),
    Empty,
}

use Computed::{Empty, Number, Text};

/// The definition's name behind `io.k8s.api.`, a field, and its default.
const DEFAULTS: [(&str, &str, Computed); 23] = [
    ("admissionregistration.v1.MatchResources", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.v1.MatchResources", "namespaceSelector", Empty),
    ("admissionregistration.v1.MatchResources", "objectSelector", Empty),
    ("admissionregistration.v1.NamedRuleWithOperations", "scope", Text("*")),
    ("admissionregistration.v1.RuleWithOperations", "scope", Text("*")),
    ("autoscaling.v2.HPAScalingRules", "selectPolicy", Text("Max")),
    ("batch.v1.PodFailurePolicyOnPodConditionsPattern", "status", Text("True")),
    ("core.v1.EndpointPort", "protocol", Text("TCP")),
    ("core.v1.ObjectFieldSelector", "apiVersion", Text("v1")),
    ("core.v1.PersistentVolumeClaim", "apiVersion", Text("v1")),
    ("core.v1.PersistentVolumeClaim", "kind", Text("PersistentVolumeClaim")),
    ("core.v1.PersistentVolumeClaimSpec", "volumeMode", Text("Filesystem")),
    ("core.v1.PersistentVolumeClaimStatus", "phase", Text("Pending")),
    ("core.v1.ServiceAccountTokenProjection", "expirationSeconds", Number(3600)),
    ("discovery.v1.EndpointPort", "name", Text("")),
    ("discovery.v1.EndpointPort", "protocol", Text("TCP")),
    ("resource.v1.DeviceSubRequest", "allocationMode", Text("ExactCount")),
    ("resource.v1.DeviceSubRequest", "count", Number(1)),
    ("resource.v1.ExactDeviceRequest", "allocationMode", Text("ExactCount")),
    ("resource.v1.ExactDeviceRequest", "count", Number(1)),
    ("networking.v1.NetworkPolicyPort", "protocol", Text("TCP")),
    ("rbac.v1.RoleRef", "apiGroup", Text("rbac.authorization.k8s.io")),
    ("rbac.v1.Subject", "apiGroup", Text("rbac.authorization.k8s.io")),
];

/// Fills in what Go's functions add to a struct of this definition.
pub(super) fn fill(definition: &str, fields: &mut Map<String, Value>) {
    let Some(short) = definition.strip_prefix("io.k8s.api.") else { return };
    for (name, field, default) in &DEFAULTS {
        if *name != short || !applies(short, field, fields) {
            continue;
        }
        let absent = fields.get(*field).is_none_or(|value| value == "" || value.is_null());
        if absent {
            let value = match default {
                Text(text) => json!(text),
                Number(number) => json!(number),
                Empty => json!({}),
            };
            fields.insert((*field).to_owned(), value);
        }
    }
}

/// Some hold under a condition only: a service account has no group, and a count goes with the mode that counts.
fn applies(definition: &str, field: &str, fields: &Map<String, Value>) -> bool {
    let is = |key: &str, text: &str| fields.get(key).and_then(Value::as_str) == Some(text);
    match (definition, field) {
        ("rbac.v1.Subject", _) => is("kind", "User") || is("kind", "Group"),
        (_, "count") => is("allocationMode", "ExactCount"),
        _ => true,
    }
}
