//! Namespaces, ConfigMaps, Secrets, ServiceAccounts, quotas, roles' bindings.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::read::{count, entries, list, scalar, text};
use super::{AGE, NAME, NAME_AND_AGE, Printer, age, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("", "Namespace") => Some(&NAMESPACE),
        ("", "ConfigMap") => Some(&CONFIG_MAP),
        ("", "Secret") => Some(&SECRET),
        ("", "ServiceAccount") => Some(&NAME_AND_AGE),
        ("", "ResourceQuota") => Some(&RESOURCE_QUOTA),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => Some(&ROLE_BINDING),
        _ => None,
    }
}

static NAMESPACE: Printer = Printer {
    columns: &[NAME, string("Status"), AGE],
    cells: |object, now| vec![name(object), json!(text(object, &["status", "phase"])), age(object, now)],
};

static CONFIG_MAP: Printer = Printer {
    columns: &[NAME, string("Data"), AGE],
    cells: |object, now| {
        let entries = count(object, &["data"]) + count(object, &["binaryData"]);
        vec![name(object), json!(entries), age(object, now)]
    },
};

static SECRET: Printer = Printer {
    columns: &[NAME, string("Type"), string("Data"), AGE],
    cells: |object, now| {
        vec![name(object), json!(text(object, &["type"])), json!(count(object, &["data"])), age(object, now)]
    },
};

static RESOURCE_QUOTA: Printer = Printer {
    columns: &[NAME, string("Request"), string("Limit"), AGE],
    cells: |object, now| {
        let of = |limits: bool| {
            let shown: Vec<String> = entries(object, &["status", "hard"])
                .filter(|(resource, _)| resource.starts_with("limits.") == limits)
                .map(|(resource, hard)| {
                    let used = object.pointer("/status/used").and_then(|used| used.get(resource));
                    let used = used.map_or_else(|| "0".into(), scalar);
                    format!("{resource}: {used}/{}", scalar(hard))
                })
                .collect();
            json!(shown.join(", "))
        };
        vec![name(object), of(false), of(true), age(object, now)]
    },
};

static ROLE_BINDING: Printer = Printer {
    columns: &[NAME, string("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")],
    cells: role_binding_cells,
};

fn role_binding_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = format!("{}/{}", text(object, &["roleRef", "kind"]), text(object, &["roleRef", "name"]));
    let subjects = |kind: &str| {
        let named: Vec<String> = list(object, &["subjects"])
            .iter()
            .filter(|subject| text(subject, &["kind"]) == kind)
            .map(|subject| match text(subject, &["namespace"]) {
                "" => text(subject, &["name"]).to_owned(),
                namespace => format!("{namespace}/{}", text(subject, &["name"])),
            })
            .collect();
        json!(named.join(", "))
    };
    vec![
        name(object),
        json!(role),
        age(object, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}
