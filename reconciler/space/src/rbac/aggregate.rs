//! Aggregated ClusterRoles: their rules are those of the ClusterRoles that they select by labels.

use std::collections::BTreeMap;

use serde_json::Value;

/// Whether the rules of a ClusterRole come from others.
pub(crate) fn is_aggregated(role: &Value) -> bool {
    role.get("aggregationRule").is_some_and(|rule| !rule.is_null())
}

/// The rules that an aggregated role should have: those of all roles it selects, in the order of their names, each once. `None` if it is not aggregated.
pub(crate) fn aggregated_rules(role: &Value, all: &[Value]) -> Option<Value> {
    let selectors = role.pointer("/aggregationRule/clusterRoleSelectors")?.as_array()?;
    let name =
        |role: &Value| role.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let selected: BTreeMap<String, &Value> = all
        .iter()
        .filter(|other| name(other) != name(role))
        .filter(|other| selectors.iter().any(|selector| selects(selector, other)))
        .map(|other| (name(other), other))
        .collect();
    let mut rules: Vec<Value> = Vec::new();
    for role in selected.values() {
        for rule in role.get("rules").and_then(Value::as_array).into_iter().flatten() {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
    }
    Some(Value::Array(rules))
}

/// A `metav1.LabelSelector`; one that cannot be read selects nothing.
fn selects(selector: &Value, role: &Value) -> bool {
    let label = |key: &str| {
        role.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str)
    };
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    labels.into_iter().flatten().all(|(key, value)| label(key) == value.as_str())
        && expressions.into_iter().flatten().all(|expression| {
            let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default();
            let found = label(text("key"));
            let values = expression.get("values").and_then(Value::as_array);
            let listed = || values.into_iter().flatten().any(|value| value.as_str() == found);
            match text("operator") {
                "In" => found.is_some() && listed(),
                "NotIn" => !(found.is_some() && listed()),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}
