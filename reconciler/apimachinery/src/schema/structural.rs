//! Whether a CRD's schema is one that an API server accepts.
//!
//! Three parts, as upstream: [`openapi`] what is allowed in a node at all, [`invariants`] what makes the schema structural (each node has a type, constraints under `allOf`
//! and its like say nothing about structure), [`complete`] that constraints speak only of fields that the structure has. Sources: `ValidateCustomResourceDefinitionOpenAPISchema`,
//! `ValidateStructural` and `ValidateDefaults` of apiextensions-apiserver. CEL rules are checked for their form, not compiled.

use serde_json::{Map, Value};

use super::Schema;
use crate::field_error::{FieldError, FieldPath};

mod complete;
mod invariants;
mod lists;
mod openapi;

/// All reasons why an API server would refuse the schema, sorted by path. `path` is where it stands in the CRD (`spec.versions[0].schema.openAPIV3Schema`); with the status
/// subresource, fewer fields are allowed at the root.
pub fn check_structural(raw: &Value, path: &FieldPath, status_subresource: bool) -> Vec<FieldError> {
    let Value::Object(root) = raw else {
        return vec![FieldError::required(path, "schemas are required")];
    };
    let mut errors = Vec::new();
    check_root(root, path, status_subresource, &mut errors);
    invariants::check(root, invariants::Level::Root, path, &mut errors);
    complete::check(root, path, &mut errors);
    openapi::check(root, openapi::Place::root(), path, &mut errors);
    if errors.is_empty() {
        check_defaults(root, path, false, &mut errors);
    }
    errors.sort_by_cached_key(ToString::to_string);
    errors.dedup();
    errors
}

fn check_root(
    root: &Map<String, Value>,
    path: &FieldPath,
    status_subresource: bool,
    errors: &mut Vec<FieldError>,
) {
    const ALLOWED: [&str; 22] = [
        "description",
        "type",
        "format",
        "title",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "multipleOf",
        "required",
        "items",
        "properties",
        "externalDocs",
        "example",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    if flag(root, "nullable") {
        errors.push(FieldError::forbidden(&path.child("nullable"), "nullable cannot be true at the root"));
    }
    if !status_subresource {
        return;
    }
    let root_type = text(root, "type");
    if root.contains_key("type") && root_type != "object" {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        errors.push(FieldError::invalid(&path.child("type"), Value::from(root_type), detail));
    } else if root.keys().any(|key| !ALLOWED.contains(&key.as_str()) && says(root, key)) {
        // Go's names, as upstream prints them.
        let names: Vec<String> = ALLOWED.iter().map(|key| go_field(key)).collect();
        let detail = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            names.join(" ")
        );
        errors.push(FieldError::invalid(path, Value::Object(root.clone()), detail));
    }
}

/// `XPreserveUnknownFields` for `x-kubernetes-preserve-unknown-fields`.
fn go_field(key: &str) -> String {
    let own = key.strip_prefix("x-kubernetes-").map_or_else(|| key.to_owned(), |rest| format!("x-{rest}"));
    own.split('-')
        .map(|word| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default())
        .collect()
}

/// Defaults must be values that the schema accepts and keeps. Those of metadata are checked by no one: there they must not be.
fn check_defaults(
    node: &Map<String, Value>,
    path: &FieldPath,
    inside_meta: bool,
    errors: &mut Vec<FieldError>,
) {
    if let Some(default) = node.get("default").filter(|default| !default.is_null() && !inside_meta) {
        check_default(node, default, &path.child("default"), errors);
    }
    if let Some(items) = child(node, "items") {
        check_defaults(items, &path.child("items"), inside_meta, errors);
    }
    for (name, property) in children(node, "properties") {
        let at = path.child("properties").key(name);
        check_defaults(property, &at, inside_meta || is_meta(node, name), errors);
    }
}

fn check_default(node: &Map<String, Value>, default: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let schema = Schema::parse(&Value::Object(node.clone()));
    // Pruning keeps apiVersion, kind and metadata of whole objects only.
    if !schema.embedded && !schema.unknown_fields(default).is_empty() {
        errors.push(FieldError::invalid(path, default.clone(), "must not have unknown fields"));
    }
    errors.extend(schema.validate(default).into_iter().map(|error| {
        let below = error.path.as_str();
        let at = if below.is_empty() { path.clone() } else { path.child(below) };
        FieldError { path: at, ..error }
    }));
}

fn is_meta(node: &Map<String, Value>, name: &str) -> bool {
    flag(node, "x-kubernetes-embedded-resource") && matches!(name, "metadata" | "apiVersion" | "kind")
}

fn flag(node: &Map<String, Value>, key: &str) -> bool {
    node.get(key) == Some(&Value::Bool(true))
}

fn text<'a>(node: &'a Map<String, Value>, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn child<'a>(node: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    node.get(key).and_then(Value::as_object)
}

fn children<'a>(
    node: &'a Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = (&'a str, &'a Map<String, Value>)> {
    let map = child(node, key);
    map.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_object()?)))
}

fn alternatives<'a>(
    node: &'a Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> {
    let list = node.get(key).and_then(Value::as_array);
    list.into_iter().flatten().enumerate().filter_map(|(index, value)| Some((index, value.as_object()?)))
}

/// Whether a key says something: neither absent nor Go's zero value.
fn says(node: &Map<String, Value>, key: &str) -> bool {
    match node.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests;
