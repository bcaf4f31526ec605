//! What is allowed in a node of a CRD's schema at all.

use serde_json::{Map, Value};

use super::{alternatives, child, children, flag, lists, says, text};
use crate::field_error::{FieldError, FieldPath};

/// What the surroundings forbid.
#[derive(Clone, Copy)]
pub(super) struct Place {
    is_root: bool,
    inside_meta: bool,
    no_defaults: Option<&'static str>,
}

impl Place {
    pub(super) fn root() -> Self {
        Self { is_root: true, inside_meta: false, no_defaults: None }
    }
}

pub(super) fn check(node: &Map<String, Value>, place: Place, path: &FieldPath, errors: &mut Vec<FieldError>) {
    check_keywords(node, place, path, errors);
    check_types(node, path, errors);
    lists::check(node, path, errors);
    check_rules(node, path, errors);
    let inner = Place { is_root: false, ..place };
    check_additional(node, inner, path, errors);
    for (name, property) in children(node, "properties") {
        let at = path.child("properties").key(name);
        check(property, property_place(node, name, place), &at, errors);
    }
    for key in ["not", "items"] {
        if let Some(below) = child(node, key) {
            check(below, inner, &path.child(key), errors);
        }
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, one) in alternatives(node, key) {
            check(one, inner, &path.child(key).index(index), errors);
        }
    }
}

fn property_place(node: &Map<String, Value>, name: &str, place: Place) -> Place {
    let mut below = Place { is_root: false, ..place };
    let top_level = match name {
        "metadata" => "must not be set in top-level metadata",
        "kind" => "must not be set in top-level kind",
        "apiVersion" => "must not be set in top-level apiVersion",
        _ => return below,
    };
    below.inside_meta |= place.is_root || flag(node, "x-kubernetes-embedded-resource");
    if place.is_root {
        below.no_defaults = Some(top_level);
    }
    below
}

fn check_keywords(node: &Map<String, Value>, place: Place, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const FORBIDDEN: [(&str, &str); 7] = [
        ("id", "id is not supported"),
        ("additionalItems", "additionalItems is not supported"),
        ("patternProperties", "patternProperties is not supported"),
        ("definitions", "definitions is not supported"),
        ("dependencies", "dependencies is not supported"),
        ("$ref", "$ref is not supported"),
        ("uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"),
    ];
    for (key, detail) in FORBIDDEN {
        if says(node, key) {
            errors.push(FieldError::forbidden(&path.child(key), detail));
        }
    }
    if node.get("items").is_some_and(Value::is_array) {
        errors.push(FieldError::forbidden(
            &path.child("items"),
            "items must be a schema object and not an array",
        ));
    }
    let has_default = node.get("default").is_some_and(|default| !default.is_null());
    if let Some(reason) = place.no_defaults.filter(|_| has_default) {
        errors.push(FieldError::forbidden(&path.child("default"), reason));
    }
    if place.inside_meta && flag(node, "x-kubernetes-embedded-resource") {
        let at = path.child("x-kubernetes-embedded-resource");
        errors.push(FieldError::forbidden(&at, "must not be used inside of resource meta"));
    }
    if node.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
        let at = path.child("x-kubernetes-preserve-unknown-fields");
        errors.push(FieldError::invalid(&at, Value::Bool(false), "must be true or undefined"));
    }
}

fn check_types(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let here = path.child("type");
    let declared = text(node, "type");
    if !declared.is_empty() && !TYPES.contains(&declared) {
        errors.push(FieldError::not_supported(&here, Value::from(declared), TYPES));
    }
    if declared == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(&here, detail));
    }
}

fn check_additional(node: &Map<String, Value>, place: Place, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let here = path.child("additionalProperties");
    let declared = node.get("additionalProperties").filter(|value| !value.is_null());
    if says(node, "properties") && declared.is_some_and(|value| *value != Value::Bool(true)) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(&here, detail));
    }
    let Some(values) = declared.and_then(Value::as_object) else { return };
    let mut below = place;
    if place.inside_meta {
        below.no_defaults = Some("must not be set inside additionalProperties applying to object metadata");
    }
    check(values, below, &here, errors);
}

/// The form of CEL rules; they are not compiled.
fn check_rules(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const REASONS: [&str; 4] =
        ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    for (index, rule) in alternatives(node, "x-kubernetes-validations") {
        let at = path.child("x-kubernetes-validations").index(index);
        let (expression, message) = (text(rule, "rule").trim(), text(rule, "message"));
        let blank = |key: &str| !text(rule, key).is_empty() && text(rule, key).trim().is_empty();
        if expression.is_empty() {
            errors.push(FieldError::required(&at.child("rule"), "rule is not specified"));
        } else if blank("message") {
            let detail = "must be non-empty if specified";
            errors.push(FieldError::invalid(&at.child("message"), Value::from(message), detail));
        } else if has_line_breaks(message.trim()) {
            let detail = "must not contain line breaks";
            errors.push(FieldError::invalid(&at.child("message"), Value::from(message), detail));
        } else if has_line_breaks(expression) && message.is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(FieldError::required(&at.child("message"), detail));
        }
        if blank("messageExpression") {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(&at.child("messageExpression"), detail));
        }
        let reason = text(rule, "reason");
        if !reason.is_empty() && !REASONS.contains(&reason) {
            errors.push(FieldError::not_supported(&at.child("reason"), Value::from(reason), REASONS));
        }
        check_field_path(text(rule, "fieldPath"), &at.child("fieldPath"), errors);
    }
}

fn check_field_path(field_path: &str, at: &FieldPath, errors: &mut Vec<FieldError>) {
    if !field_path.is_empty() && field_path.trim().is_empty() {
        errors.push(FieldError::invalid(at, Value::from(field_path), "must be non-empty if specified"));
    }
    if has_line_breaks(field_path) {
        errors.push(FieldError::invalid(at, Value::from(field_path), "must not contain line breaks"));
    }
}

fn has_line_breaks(text: &str) -> bool {
    text.contains(['\n', '\r'])
}
