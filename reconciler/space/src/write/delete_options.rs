//! `metav1.DeleteOptions`, from the body or the query.

use apimachinery::GroupKind;
use apimachinery::field_error::{FieldError, FieldPath};
use serde_json::{Value, json};

use super::Writing;
use crate::body;
use crate::status::{Answer, ApiError};

/// How something is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    /// `uid` and `resourceVersion` that the object must have.
    pub(crate) preconditions: Value,
}

/// What becomes of dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They go later.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// Reads and checks the options.
///
/// # Errors
/// 400 for a body that is no DeleteOptions, 422 for values that mean nothing.
pub(super) fn parse(writing: &Writing) -> Answer<DeleteOptions> {
    let value = if writing.body.trim_ascii().is_empty() { from_query(writing) } else { from_body(writing)? };
    let mut errors = Vec::new();
    let propagation = propagation(&value, &mut errors);
    let dry_run: Vec<&str> =
        value["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if dry_run.iter().any(|value| *value != "All") {
        let path = FieldPath::new("dryRun");
        errors.push(FieldError::not_supported(&path, json!(dry_run), ["All"]));
    }
    if !errors.is_empty() {
        let kind = GroupKind::new("meta.k8s.io", "DeleteOptions");
        return Err(ApiError::invalid_fields(&kind, "", errors));
    }
    Ok(DeleteOptions {
        dry_run: !dry_run.is_empty(),
        grace_seconds: value["gracePeriodSeconds"].as_i64(),
        propagation,
        preconditions: value["preconditions"].clone(),
    })
}

fn from_body(writing: &Writing) -> Answer<Value> {
    let value = body::decode(&writing.content_type, &writing.body)?.value;
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("DeleteOptions");
    if !value.is_object() || kind != "DeleteOptions" {
        return Err(ApiError::bad_request("decoded object cannot be converted to DeleteOptions"));
    }
    Ok(value)
}

fn from_query(writing: &Writing) -> Value {
    let query = &writing.query;
    let dry_run: Vec<&str> = query.all("dryRun").collect();
    let grace = query.get("gracePeriodSeconds").and_then(|text| text.parse::<i64>().ok());
    let orphan = query.get("orphanDependents").map(|_| query.flag("orphanDependents"));
    json!({
        "dryRun": dry_run, "gracePeriodSeconds": grace, "orphanDependents": orphan,
        "propagationPolicy": query.get("propagationPolicy"),
    })
}

fn propagation(value: &Value, errors: &mut Vec<FieldError>) -> Option<Propagation> {
    let path = FieldPath::new("propagationPolicy");
    let named = value["propagationPolicy"].as_str().filter(|name| !name.is_empty());
    match (value["orphanDependents"].as_bool(), named) {
        (Some(_), Some(_)) => {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid(&path, value["propagationPolicy"].clone(), detail));
            None
        }
        (Some(true), None) => Some(Propagation::Orphan),
        (Some(false), None) => Some(Propagation::Background),
        (None, Some("Background")) => Some(Propagation::Background),
        (None, Some("Foreground")) => Some(Propagation::Foreground),
        (None, Some("Orphan")) => Some(Propagation::Orphan),
        (None, None) => None,
        (None, Some(other)) => {
            let supported = ["Background", "Foreground", "Orphan"];
            errors.push(FieldError::not_supported(&path, other.into(), supported));
            None
        }
    }
}
