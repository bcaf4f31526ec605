//! The CustomResourceDefinitions of the kinds the flow needs, and which space needs which.
//!
//! They are generated from the types; `charts/crds/` holds them as files, and a test compares.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Crd;
use kube::CustomResourceExt as _;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::{gitstellar, kubestellar, ocm};

/// An API server's part in the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Workload description space.
    Wds,
    /// Inventory and transport space.
    Its,
    /// Workload execution cluster.
    Wec,
}

/// The definitions that a space of this role needs, as JSON, sorted by name.
pub fn needed_by(role: Role) -> Vec<Value> {
    let mut crds: Vec<Value> = match role {
        Role::Wds => [
            kubestellar::BindingPolicy::crd(),
            kubestellar::Binding::crd(),
            kubestellar::StatusCollector::crd(),
            kubestellar::CombinedStatus::crd(),
            kubestellar::CustomTransform::crd(),
            gitstellar::GitSource::crd(),
            gitstellar::Unit::crd(),
        ]
        .into_iter()
        .map(finished)
        .collect(),
        Role::Its => {
            let mut crds: Vec<Value> =
                [ocm::ManagedCluster::crd(), ocm::ManifestWork::crd()].into_iter().map(finished).collect();
            crds.push(work_status());
            crds
        }
        Role::Wec => vec![finished(ocm::AppliedManifestWork::crd())],
    };
    crds.sort_by_key(name);
    crds
}

/// The name of a definition, `bindings.control.kubestellar.io`.
pub fn name(crd: &Value) -> String {
    crd.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The generated definition, with what the types cannot say.
fn finished(crd: Crd) -> Value {
    let mut crd = serde_json::to_value(crd).unwrap_or_default();
    if name(&crd) == "bindingpolicies.control.kubestellar.io" {
        validate_policies(&mut crd);
    }
    crd
}

/// KubeStellar's extra validation of BindingPolicies: label syntax in cluster selectors, and at least one of the six tests in each clause.
fn validate_policies(crd: &mut Value) {
    const VALUE: &str = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";
    const KEY: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$";
    let Some(spec) = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
    else {
        return;
    };
    if let Some(selector) = spec.pointer_mut("/clusterSelectors/items/properties") {
        merge(selector, "/matchLabels/additionalProperties", &json!({ "pattern": VALUE }));
        merge(selector, "/matchExpressions/items/properties/values/items", &json!({ "pattern": VALUE }));
        merge(selector, "/matchExpressions/items/properties/key", &json!({ "pattern": KEY }));
        let operators = json!({ "enum": ["In", "NotIn", "Exists", "DoesNotExist"] });
        merge(selector, "/matchExpressions/items/properties/operator", &operators);
    }
    let tests =
        ["apiGroup", "resources", "namespaces", "namespaceSelectors", "objectSelectors", "objectNames"];
    let any_of: Vec<Value> = tests.iter().map(|test| json!({ "required": [test] })).collect();
    merge(spec, "/downsync/items", &json!({ "anyOf": any_of }));
}

fn merge(root: &mut Value, pointer: &str, addition: &Value) {
    if let (Some(Value::Object(target)), Value::Object(addition)) = (root.pointer_mut(pointer), addition) {
        target.extend(addition.clone());
    }
}

/// WorkStatus, whose `statusDetails` stands beside `status`.
fn work_status() -> Value {
    let text = json!({ "type": "string" });
    let source_ref = json!({
        "type": "object",
        "required": ["group", "namespace"],
        "properties": { "group": text, "version": text, "resource": text, "kind": text, "namespace": text, "name": text },
    });
    let details = json!({
        "type": "object",
        "required": ["lastGeneration", "lastGenerationIsApplied", "lastCurrencyUpdateTime"],
        "properties": {
            "lastGeneration": { "type": "integer", "format": "int64" },
            "lastGenerationIsApplied": { "type": "boolean" },
            "lastCurrencyUpdateTime": { "type": "string", "format": "date-time" },
        },
    });
    let schema = json!({
        "type": "object",
        "description": "The reported state of one object in one cluster.",
        "properties": {
            "spec": { "type": "object", "properties": { "sourceRef": source_ref } },
            "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" },
            "statusDetails": details,
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "workstatuses.control.kubestellar.io" },
        "spec": {
            "group": kubestellar::GROUP,
            "names": { "kind": "WorkStatus", "plural": "workstatuses", "singular": "workstatus", "shortNames": ["ws", "wss"], "categories": [] },
            "scope": "Namespaced",
            "versions": [{
                "name": kubestellar::VERSION,
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": schema },
                "subresources": { "status": {} },
                "additionalPrinterColumns": [],
            }],
        },
    })
}

/// Schema of a list of `metav1.Condition`, one per type.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": { "type": "string", "maxLength": 316 },
                "status": { "type": "string", "enum": ["True", "False", "Unknown"] },
                "observedGeneration": { "type": "integer", "format": "int64", "minimum": 0 },
                "lastTransitionTime": { "type": "string", "format": "date-time" },
                "reason": { "type": "string", "maxLength": 1024 },
                "message": { "type": "string", "maxLength": 32768 },
            },
        },
    })
}

/// Schema of any JSON value.
pub(crate) fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

/// Schema of a list of whole Kubernetes objects.
pub(crate) fn embedded_objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": { "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_of_a_policy_needs_one_of_the_six_tests() {
        let crds = needed_by(Role::Wds);
        let policy = crds.iter().find(|crd| name(crd).starts_with("bindingpolicies")).unwrap();
        let items = policy
            .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/downsync/items")
            .unwrap();
        assert_eq!(items["anyOf"].as_array().unwrap().len(), 6);
        let labels = policy.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/clusterSelectors/items/properties/matchLabels/additionalProperties/pattern");
        assert!(labels.is_some());
    }

    #[test]
    fn bindings_are_keyed_lists_as_in_kubestellar() {
        let crds = needed_by(Role::Wds);
        let binding = crds.iter().find(|crd| name(crd).starts_with("bindings.")).unwrap();
        let workload = binding
            .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/workload/properties/namespaceScope")
            .unwrap();
        assert_eq!(workload["x-kubernetes-list-map-keys"], json!(["group", "resource", "namespace", "name"]));
    }
}
