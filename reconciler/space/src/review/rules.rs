//! SelfSubjectRulesReview: all that the caller may do in a namespace.

use serde_json::{Map, Value, json};

use crate::identity::Identity;
use crate::rbac::{self, Rule};
use crate::space::Space;
use crate::status::{Answer, ApiError};

/// The rules, resources and paths apart, in the order of the bindings.
pub(super) fn of_self(space: &Space, who: &Identity, body: &Value) -> Answer<Value> {
    let namespace = body.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default();
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let grants = rbac::grants(space, who, namespace);
    let rules: Vec<&Rule> = grants.found.iter().flat_map(|grant| &grant.rules).collect();
    let resources: Vec<Value> =
        rules.iter().filter(|rule| !rule.resources.is_empty()).map(|rule| resource(rule)).collect();
    let paths: Vec<Value> = rules
        .iter()
        .filter(|rule| !rule.urls.is_empty())
        .map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.urls}))
        .collect();
    let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
    if !grants.missing.is_empty() {
        status["evaluationError"] = json!(grants.missing.join(", "));
    }
    Ok(status)
}

fn resource(rule: &Rule) -> Value {
    let mut line = Map::new();
    line.insert("verbs".into(), json!(rule.verbs));
    let lists = [
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
    ];
    for (field, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        line.insert(field.into(), json!(list));
    }
    Value::Object(line)
}
