//! Validation of built-in kinds beyond their types, and of the metadata of all kinds; worded as the server's.
//!
//! Covered are the rules that manifests run into: names, required fields, numbers, unique names, selectors and their labels, references inside an
//! object, and what cannot change. Not covered: rules of volumes by their type, of affinity, of security contexts; such an object is stored here and refused by the
//! cluster it goes to, which is reported from there. Sources: `k8s.io/kubernetes/pkg/apis/*/validation`, release 1.35.

use apimachinery::field_error::{FieldError, FieldPath};
use serde_json::Value;

use crate::resource::Endpoint;

mod batch;
mod config;
mod containers;
mod metadata;
mod misc;
mod network;
mod pods;
mod quantities;
mod rbac;
mod service;
mod storage;
mod workloads;

/// What is wrong with a new object, in the storage version.
pub(crate) fn create(endpoint: &Endpoint, object: &Value) -> Vec<FieldError> {
    let mut report = Report::default();
    metadata::create(endpoint, object, &mut report);
    if !endpoint.resource.is_custom() {
        kind(endpoint, object, None, &mut report);
    }
    report.0
}

/// What is wrong with an update, both in the storage version.
pub(crate) fn update(endpoint: &Endpoint, new: &Value, old: &Value, subresource: &str) -> Vec<FieldError> {
    let mut report = Report::default();
    metadata::update(endpoint, new, old, &mut report);
    if !endpoint.resource.is_custom() && matches!(subresource, "" | "scale") {
        kind(endpoint, new, Some(old), &mut report);
    }
    report.0
}

fn kind(endpoint: &Endpoint, new: &Value, old: Option<&Value>, report: &mut Report) {
    let kind = (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str());
    workloads::check(kind, new, old, report);
    pods::check(kind, new, old, report);
    batch::check(kind, new, old, report);
    service::check(kind, new, old, report);
    config::check(kind, new, old, report);
    rbac::check(kind, new, old, report);
    network::check(kind, new, old, report);
    storage::check(kind, new, old, report);
    misc::check(kind, new, old, report);
}

/// Collects errors.
#[derive(Default)]
struct Report(Vec<FieldError>);

impl Report {
    fn required(&mut self, path: &FieldPath, detail: &str) {
        self.0.push(FieldError::required(path, detail));
    }

    fn forbidden(&mut self, path: &FieldPath, detail: &str) {
        self.0.push(FieldError::forbidden(path, detail));
    }

    fn invalid(&mut self, path: &FieldPath, value: &Value, detail: &str) {
        self.0.push(FieldError::invalid(path, value.clone(), detail));
    }

    fn duplicate(&mut self, path: &FieldPath, value: &Value) {
        self.0.push(FieldError::duplicate(path, value.clone()));
    }

    /// The reasons why a text is refused, if any.
    fn reasons(&mut self, path: &FieldPath, value: &str, reasons: Vec<String>) {
        for reason in reasons {
            self.0.push(FieldError::invalid(path, value.into(), reason));
        }
    }

    /// One of some values.
    fn one_of(&mut self, path: &FieldPath, value: &Value, supported: &[&str]) {
        if !value.as_str().is_some_and(|text| supported.contains(&text)) {
            self.0.push(FieldError::not_supported(path, value.clone(), supported.iter().copied()));
        }
    }

    /// As [`Self::one_of`], but the field may be absent.
    fn maybe_one_of(&mut self, path: &FieldPath, value: &Value, supported: &[&str]) {
        if !value.is_null() && value != "" {
            self.one_of(path, value, supported);
        }
    }

    /// A number that is not below zero; absent is fine.
    fn not_negative(&mut self, path: &FieldPath, value: &Value) {
        if value.as_i64().is_some_and(|number| number < 0) {
            self.invalid(path, value, "must be greater than or equal to 0");
        }
    }

    /// Several fields of a struct that are not below zero.
    fn none_negative(&mut self, path: &FieldPath, fields: &Value, names: &[&str]) {
        for name in names {
            self.not_negative(&path.child(name), &fields[*name]);
        }
    }

    /// A field that cannot change.
    fn immutable(&mut self, path: &FieldPath, new: &Value, old: &Value) {
        if new != old {
            self.invalid(path, new, "field is immutable");
        }
    }

    /// A port number.
    fn port(&mut self, path: &FieldPath, value: &Value) {
        if !value.as_i64().is_some_and(|port| (1..=65535).contains(&port)) {
            self.invalid(path, value, "must be between 1 and 65535, inclusive");
        }
    }
}

/// The items of a list with their paths.
fn items<'a>(value: &'a Value, path: &FieldPath) -> impl Iterator<Item = (FieldPath, &'a Value)> {
    let path = path.clone();
    value.as_array().into_iter().flatten().enumerate().map(move |(index, item)| (path.index(index), item))
}

/// A text, empty if absent.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether a list or map is absent or empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
