//! Roles and their bindings.

use apimachinery::field_error::FieldPath;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, is_empty, items, text};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    match kind {
        (GROUP, "Role") => rules(new, true, report),
        (GROUP, "ClusterRole") => rules(new, false, report),
        (GROUP, "RoleBinding") => binding(new, old, &["Role", "ClusterRole"], report),
        (GROUP, "ClusterRoleBinding") => binding(new, old, &["ClusterRole"], report),
        _ => {}
    }
}

fn rules(role: &Value, namespaced: bool, report: &mut Report) {
    for (path, rule) in items(&role["rules"], &FieldPath::new("rules")) {
        if is_empty(&rule["verbs"]) {
            report.required(&path.child("verbs"), "verbs must contain at least one value");
        }
        if !is_empty(&rule["nonResourceURLs"]) {
            let path = path.child("nonResourceURLs");
            if namespaced {
                let detail = "namespaced rules cannot apply to non-resource URLs";
                report.invalid(&path, &rule["nonResourceURLs"], detail);
            }
            if ["apiGroups", "resources", "resourceNames"].iter().any(|field| !is_empty(&rule[*field])) {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                report.invalid(&path, &rule["nonResourceURLs"], detail);
            }
            continue;
        }
        if is_empty(&rule["apiGroups"]) {
            report.required(&path.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if is_empty(&rule["resources"]) {
            report.required(&path.child("resources"), "resource rules must supply at least one resource");
        }
    }
}

fn binding(new: &Value, old: Option<&Value>, kinds: &[&str], report: &mut Report) {
    let (path, role) = (FieldPath::new("roleRef"), &new["roleRef"]);
    report.one_of(&path.child("apiGroup"), &role["apiGroup"], &[GROUP]);
    report.one_of(&path.child("kind"), &role["kind"], kinds);
    if text(&role["name"]).is_empty() {
        report.required(&path.child("name"), "");
    }
    let namespaced = kinds.len() > 1;
    for (path, subject) in items(&new["subjects"], &FieldPath::new("subjects")) {
        if text(&subject["name"]).is_empty() {
            report.required(&path.child("name"), "");
        }
        let group = &subject["apiGroup"];
        match text(&subject["kind"]) {
            "ServiceAccount" => {
                let name = text(&subject["name"]);
                if !name.is_empty() {
                    report.reasons(&path.child("name"), name, syntax::dns_subdomain(name));
                }
                if !is_empty(group) {
                    report.one_of(&path.child("apiGroup"), group, &[""]);
                }
                if !namespaced && text(&subject["namespace"]).is_empty() {
                    report.required(&path.child("namespace"), "");
                }
            }
            "User" | "Group" => report.one_of(&path.child("apiGroup"), group, &[GROUP]),
            _ => report.one_of(&path.child("kind"), &subject["kind"], &["ServiceAccount", "User", "Group"]),
        }
    }
    if old.is_some_and(|old| old["roleRef"] != *role) {
        report.invalid(&path, role, "cannot change roleRef");
    }
}
