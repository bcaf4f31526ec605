//! Aggregated ClusterRoles: their rules are those of the ClusterRoles that they select by labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::GroupResource;
use apimachinery::selector::Selector;
use serde::Deserialize as _;
use serde_json::Value;

use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;

/// Brings the rules of all aggregated ClusterRoles up to date. What one role gains, another may aggregate: its change leads back here.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn aggregate(space: &Arc<Space>) -> Answer<()> {
    let id = GroupResource::new(super::GROUP, "clusterroles");
    let all: Vec<Value> = space.list(&id, None).items.iter().map(|stored| stored.object.to_value()).collect();
    for role in &all {
        let Some(rules) = aggregated_rules(role, &all).filter(|rules| *rules != role["rules"]) else {
            continue;
        };
        let name = role.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let next = |stored: Option<&Stored>| {
            let Some(stored) = stored else { return Ok(Next::Keep) };
            let mut now = stored.object.to_value();
            // Another role may have its name by now; whatever changed leads back here.
            if now["metadata"]["resourceVersion"] != role["metadata"]["resourceVersion"] {
                return Ok(Next::Keep);
            }
            now["rules"] = rules.clone();
            Ok(Next::Put(now))
        };
        space.change(&Place::new(id.clone(), None, name), next).await?;
    }
    Ok(())
}

/// The rules that an aggregated role should have: those of all roles it selects, in the order of their names, each once. `None` if it is not aggregated.
pub(super) fn aggregated_rules(role: &Value, all: &[Value]) -> Option<Value> {
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

/// Whether a `metav1.LabelSelector` selects a role; one that cannot be read selects nothing.
fn selects(selector: &Value, role: &Value) -> bool {
    let labels = role.pointer("/metadata/labels").and_then(|labels| BTreeMap::deserialize(labels).ok());
    Selector::from_label_selector(selector)
        .is_ok_and(|selector| selector.matches(&labels.unwrap_or_default()))
}
