//! Metadata of all kinds. Source: `k8s.io/apimachinery/pkg/api/validation/objectmeta.go` and the name functions of the kinds.

use apimachinery::GroupVersion;
use apimachinery::field_error::FieldPath;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, items, text};
use crate::resource::Endpoint;
use crate::write::meta;

/// All annotations of an object together, keys included, in bytes.
const MAX_ANNOTATIONS: usize = 256 << 10;

pub(super) fn create(endpoint: &Endpoint, object: &Value, report: &mut Report) {
    let path = FieldPath::new("metadata");
    let name = meta::text(object, "name");
    let prefix = meta::text(object, "generateName");
    if !prefix.is_empty() {
        // A prefix may end in what a name may not end in.
        let reasons = name_reasons(endpoint, &format!("{}a", prefix.trim_end_matches(['-', '.'])));
        report.reasons(&path.child("generateName"), prefix, reasons);
    }
    if name.is_empty() {
        report.required(&path.child("name"), "name or generateName is required");
    } else {
        report.reasons(&path.child("name"), name, name_reasons(endpoint, name));
    }
    if endpoint.resource.namespaced {
        let namespace = meta::text(object, "namespace");
        if namespace.is_empty() {
            report.required(&path.child("namespace"), "");
        } else {
            report.reasons(&path.child("namespace"), namespace, syntax::dns_label(namespace));
        }
    }
    common(object, report);
}

pub(super) fn update(endpoint: &Endpoint, new: &Value, old: &Value, report: &mut Report) {
    let path = FieldPath::new("metadata");
    common(new, report);
    if meta::field(old, "deletionTimestamp").is_some() {
        let had = meta::texts(old, "finalizers");
        let mut added: Vec<&str> =
            meta::texts(new, "finalizers").into_iter().filter(|finalizer| !had.contains(finalizer)).collect();
        added.sort_unstable();
        if !added.is_empty() {
            let list: Vec<String> = added.iter().map(|finalizer| format!("{finalizer:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                list.join(", ")
            );
            report.forbidden(&path.child("finalizers"), &detail);
        }
    }
    let null = Value::Null;
    for name in ["name", "namespace", "uid", "creationTimestamp"] {
        if name == "namespace" && !endpoint.resource.namespaced {
            continue;
        }
        let of = |object: &Value| meta::field(object, name).cloned().unwrap_or_else(|| null.clone());
        report.immutable(&path.child(name), &of(new), &of(old));
    }
}

fn common(object: &Value, report: &mut Report) {
    let path = FieldPath::new("metadata");
    let null = Value::Null;
    let of = |name: &str| meta::field(object, name).unwrap_or(&null);
    labels(of("labels"), &path.child("labels"), report);
    annotations(of("annotations"), &path.child("annotations"), report);
    owners(of("ownerReferences"), &path.child("ownerReferences"), report);
    finalizers(of("finalizers"), &path.child("finalizers"), report);
}

/// Labels, of an object or of a template.
pub(super) fn labels(labels: &Value, path: &FieldPath, report: &mut Report) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        report.reasons(path, key, syntax::label_key(key));
        report.reasons(path, text(value), syntax::label_value(text(value)));
    }
}

/// Annotations, of an object or of a template.
pub(super) fn annotations(annotations: &Value, path: &FieldPath, report: &mut Report) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        report.reasons(path, key, syntax::label_key(&key.to_ascii_lowercase()));
        size += key.len() + text(value).len();
    }
    if size > MAX_ANNOTATIONS {
        report.0.push(apimachinery::field_error::FieldError::too_long(path, MAX_ANNOTATIONS as u64));
    }
}

fn owners(owners: &Value, path: &FieldPath, report: &mut Report) {
    let mut controller = None;
    for (_, owner) in items(owners, path) {
        let version = GroupVersion::parse(text(&owner["apiVersion"]));
        if version.version.is_empty() {
            report.invalid(
                &path.child("apiVersion"),
                &text(&owner["apiVersion"]).into(),
                "version must not be empty",
            );
        }
        for field in ["kind", "name", "uid"] {
            if text(&owner[field]).is_empty() {
                report.invalid(&path.child(field), &"".into(), "must not be empty");
            }
        }
        if version.group.is_empty() && owner["kind"] == "Event" {
            report.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
        }
        if owner["controller"] == true {
            let this = format!("{}/{}", text(&owner["kind"]), text(&owner["name"]));
            match &controller {
                None => controller = Some(this),
                Some(first) => {
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    );
                    report.invalid(path, owners, &detail);
                }
            }
        }
    }
}

fn finalizers(finalizers: &Value, path: &FieldPath, report: &mut Report) {
    let all: Vec<&str> = finalizers.as_array().into_iter().flatten().map(text).collect();
    for finalizer in &all {
        report.reasons(path, finalizer, syntax::label_key(finalizer));
    }
    if all.contains(&"orphan") && all.contains(&"foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        report.invalid(path, finalizers, detail);
    }
}

/// Why a kind's objects cannot have a name.
fn name_reasons(endpoint: &Endpoint, name: &str) -> Vec<String> {
    match (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str()) {
        ("", "Namespace") => syntax::dns_label(name),
        ("", "Service") => syntax::dns_1035_label(name),
        ("apps", "StatefulSet") => syntax::dns_label(name),
        ("rbac.authorization.k8s.io" | "events.k8s.io" | "certificates.k8s.io", _)
        | ("", "Event")
        | ("networking.k8s.io", "IPAddress") => syntax::path_segment(name),
        _ => syntax::dns_subdomain(name),
    }
}
