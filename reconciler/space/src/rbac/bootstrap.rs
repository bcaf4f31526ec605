//! The ClusterRoles and ClusterRoleBindings that every cluster has.
//!
//! Those of Kubernetes' own components (scheduler, controllers, nodes) are absent on purpose: none of them runs here.

use serde_json::{Map, Value, json};

use super::GROUP;
use super::aggregate::aggregated_rules;

/// Role and group of each binding.
const BINDINGS: [(&str, &str); 4] = [
    ("cluster-admin", "system:masters"),
    ("system:basic-user", "system:authenticated"),
    ("system:discovery", "system:authenticated"),
    ("system:public-info-viewer", "system:authenticated"),
];

/// All of them, roles first, aggregated rules filled in.
pub(crate) fn objects() -> Vec<Value> {
    let mut objects = roles(include_str!("bootstrap.txt"));
    // Aggregated roles select aggregated roles (admin, edit, view), so once per level.
    for _ in 0..3 {
        let all = objects.clone();
        for role in &mut objects {
            if let Some(rules) = aggregated_rules(role, &all) {
                role["rules"] = rules;
            }
        }
    }
    objects.extend(BINDINGS.iter().map(|(role, group)| binding(role, group)));
    objects
}

fn metadata(name: &str, mut labels: Map<String, Value>) -> Value {
    labels.insert("kubernetes.io/bootstrapping".into(), json!("rbac-defaults"));
    let annotations = json!({"rbac.authorization.kubernetes.io/autoupdate": "true"});
    json!({"name": name, "labels": labels, "annotations": annotations})
}

fn binding(role: &str, group: &str) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": metadata(role, Map::new()),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group}],
    })
}

fn roles(text: &str) -> Vec<Value> {
    let mut roles: Vec<Value> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix(' '), roles.last_mut()) {
            (Some(text), Some(role)) => {
                if let Some(rules) = role["rules"].as_array_mut() {
                    rules.push(rule(text));
                }
            }
            _ => roles.push(role(line)),
        }
    }
    roles
}

/// `NAME [> PARENT] [= CHILD]`
fn role(line: &str) -> Value {
    let after = |mark: &str| {
        let mut words = line.split(' ').skip_while(|word| *word != mark);
        words.nth(1).map(|target| format!("{GROUP_LABEL}{target}"))
    };
    let name = line.split(' ').next().unwrap_or_default();
    let labels = after(">").map(|label| (label, json!("true"))).into_iter().collect();
    let mut role = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "ClusterRole",
        "metadata": metadata(name, labels),
        "rules": [],
    });
    if let Some(label) = after("=") {
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]});
    }
    role
}

const GROUP_LABEL: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// `VERBS | GROUPS | RESOURCES | URLS`
fn rule(text: &str) -> Value {
    let columns = text.split('|').map(str::trim);
    let mut rule = Map::new();
    for (field, column) in ["verbs", "apiGroups", "resources", "nonResourceURLs"].into_iter().zip(columns) {
        let entries: Vec<&str> = column
            .split(',')
            .filter(|entry| !entry.is_empty())
            .map(|entry| if entry == "core" { "" } else { entry })
            .collect();
        if !entries.is_empty() {
            rule.insert(field.into(), json!(entries));
        }
    }
    Value::Object(rule)
}
