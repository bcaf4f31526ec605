use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Asked, AskedResource, Policy, bootstrap_objects, collect, verdict};
use crate::identity::Identity;

/// Objects by `plural/namespace/name`.
#[derive(Default)]
struct Objects(BTreeMap<String, Value>);

impl Objects {
    fn bootstrapped() -> Self {
        let mut objects = Self::default();
        for object in bootstrap_objects() {
            objects.add(object);
        }
        objects
    }

    fn add(&mut self, object: Value) {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = format!(
            "{}s/{}/{}",
            text("/kind").to_lowercase(),
            text("/metadata/namespace"),
            text("/metadata/name")
        );
        self.0.insert(key, object);
    }
}

impl Policy for Objects {
    fn bindings(&self, plural: &str, namespace: Option<&str>) -> Vec<Value> {
        let prefix = format!("{plural}/{}/", namespace.unwrap_or_default());
        self.0.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(_, object)| object.clone()).collect()
    }

    fn role(&self, plural: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        self.0.get(&format!("{plural}/{}/{name}", namespace.unwrap_or_default())).cloned()
    }
}

/// `VERB RESOURCE[/SUB][.GROUP] NAMESPACE NAME`, with `-` for none, or `VERB /path`.
fn asked(text: &str) -> Asked {
    let words: Vec<&str> = text.split(' ').collect();
    if words[1].starts_with('/') {
        return Asked::Path { verb: words[0].into(), path: words[1].into() };
    }
    let or_empty = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
    let (resource, group) = words[1].split_once('.').unwrap_or((words[1], ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    Asked::Resource(AskedResource {
        verb: words[0].into(),
        group: group.into(),
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: or_empty(words[2]),
        name: or_empty(words[3]),
    })
}

#[track_caller]
fn check(objects: &Objects, who: &Identity, what: &str, expected: &str) {
    let what_asked = asked(what);
    let verdict = verdict(&collect(objects, who, what_asked.namespace()), &what_asked);
    let seen = if verdict.allowed { verdict.reason } else { format!("no {}", verdict.reason) };
    assert_eq!(seen.trim_end(), expected, "{} {what}", who.user);
}

fn shop() -> Objects {
    let mut objects = Objects::bootstrapped();
    objects.add(json!({
        "kind": "Role", "metadata": {"name": "dev", "namespace": "shop"},
        "rules": [
            {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]},
            {"verbs": ["update"], "apiGroups": ["apps"], "resources": ["*/scale"]},
            {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["settings"]},
        ],
    }));
    objects.add(json!({
        "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "shop"},
        "roleRef": {"kind": "Role", "name": "dev"},
        "subjects": [{"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "bot"}],
    }));
    objects.add(json!({
        "kind": "ClusterRoleBinding", "metadata": {"name": "viewers"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "Group", "name": "staff"}],
    }));
    objects.add(json!({
        "kind": "ClusterRoleBinding", "metadata": {"name": "broken"},
        "roleRef": {"kind": "ClusterRole", "name": "absent"},
        "subjects": [{"kind": "User", "name": "eve"}],
    }));
    objects
}

#[test]
fn a_role_binding_grants_in_its_namespace_only() {
    let (objects, ann) = (shop(), Identity::new("ann", &[]));
    let by = r#"RBAC: allowed by RoleBinding "b/shop" of Role "dev" to User "ann""#;
    check(&objects, &ann, "get pods shop a", by);
    check(&objects, &ann, "get pods/log shop a", by);
    check(&objects, &ann, "update deployments/scale.apps shop a", by);
    check(&objects, &ann, "update deployments.apps shop a", "no");
    check(&objects, &ann, "delete pods shop a", "no");
    check(&objects, &ann, "get pods other a", "no");
    check(&objects, &ann, "list pods - -", "no");
    check(&objects, &ann, "get configmaps shop settings", by);
    check(&objects, &ann, "get configmaps shop others", "no");
}

#[test]
fn a_service_account_is_a_subject() {
    let by = r#"RBAC: allowed by RoleBinding "b/shop" of Role "dev" to ServiceAccount "bot/shop""#;
    check(&shop(), &Identity::new("system:serviceaccount:shop:bot", &[]), "get pods shop a", by);
    check(&shop(), &Identity::new("system:serviceaccount:other:bot", &[]), "get pods shop a", "no");
}

#[test]
fn aggregated_roles_hold_the_rules_of_those_they_select() {
    let (objects, bob) = (shop(), Identity::new("bob", &["staff"]));
    let by = r#"RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to Group "staff""#;
    check(&objects, &bob, "list deployments.apps - -", by);
    check(&objects, &bob, "get secrets shop a", "no");
    let admin = objects.role("clusterroles", None, "admin").unwrap();
    let rules = admin["rules"].to_string();
    assert!(
        rules.contains("rolebindings") && rules.contains("pods/eviction") && rules.contains("namespaces")
    );
}

#[test]
fn everybody_may_discover_and_ask_about_themselves() {
    let (objects, eve) = (shop(), Identity::new("eve", &[]));
    let by = r#"RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated""#;
    check(&objects, &eve, "get /apis/apps/v1", by);
    let missing = r#"no RBAC: clusterrole.rbac.authorization.k8s.io "absent" not found"#;
    check(&objects, &eve, "post /apis/apps/v1", missing);
    check(&objects, &eve, "get pods shop a", missing);
}
