//! What makes a schema structural.

use serde_json::{Map, Value};

use super::{alternatives, child, children, flag, says, text};
use crate::field_error::{FieldError, FieldPath};
use crate::schema::pattern::Pattern;

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Root,
    Item,
    Field,
}

pub(super) fn check(node: &Map<String, Value>, level: Level, path: &FieldPath, errors: &mut Vec<FieldError>) {
    // A list of schemas is refused for what it is.
    if text(node, "type") == "array" && node.get("items").is_none_or(Value::is_null) {
        errors.push(FieldError::required(&path.child("items"), "must be specified"));
    }
    if let Some(items) = child(node, "items") {
        check(items, Level::Item, &path.child("items"), errors);
    }
    for (name, property) in children(node, "properties") {
        check(property, Level::Field, &path.child("properties").key(name), errors);
    }
    check_additional(node, level, path, errors);
    check_extensions(node, path, errors);
    let values_may_have_types = is_int_or_string_pattern(node);
    let first_of_all =
        alternatives(node, "allOf").next().is_some_and(|(_, first)| is_int_or_string_pattern(first));
    check_constraints(node, Skip { any_of: values_may_have_types, first_of_all }, path, errors);
    check_type(node, level, path, errors);
    check_meta(node, level, path, errors);
}

fn check_additional(node: &Map<String, Value>, level: Level, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let here = path.child("additionalProperties");
    if node.get("additionalProperties").is_some_and(|value| !value.is_null()) {
        if level == Level::Root {
            errors.push(FieldError::forbidden(&here, "must not be used at the root"));
        }
        if flag(node, "x-kubernetes-embedded-resource") {
            errors.push(FieldError::forbidden(
                &here,
                "must not be used if x-kubernetes-embedded-resource is set",
            ));
        }
    }
    if let Some(values) = child(node, "additionalProperties") {
        check(values, Level::Field, &here, errors);
    }
}

fn check_extensions(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    if !flag(node, "x-kubernetes-int-or-string") {
        return;
    }
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if flag(node, key) {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(&path.child(key), Value::Bool(true), detail));
        }
    }
}

fn check_type(node: &Map<String, Value>, level: Level, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let here = path.child("type");
    let declared = text(node, "type");
    let free = flag(node, "x-kubernetes-int-or-string") || flag(node, "x-kubernetes-preserve-unknown-fields");
    if flag(node, "x-kubernetes-embedded-resource") && declared != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match declared {
            "" => FieldError::required(&here, detail),
            _ => FieldError::invalid(&here, Value::from(declared), detail),
        });
    } else if declared.is_empty() && !free {
        errors.push(FieldError::required(
            &here,
            match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            },
        ));
    }
    if level == Level::Root && !declared.is_empty() && declared != "object" {
        errors.push(FieldError::invalid(&here, Value::from(declared), "must be object at the root"));
    }
}

/// Every object has apiVersion, kind and metadata; a schema may say no more of them than it is worth.
fn check_meta(node: &Map<String, Value>, level: Level, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let properties = child(node, "properties");
    let embedded = flag(node, "x-kubernetes-embedded-resource");
    if embedded && !flag(node, "x-kubernetes-preserve-unknown-fields") && properties.is_none_or(Map::is_empty)
    {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(&path.child("properties"), detail));
    }
    let Some(properties) = properties.filter(|_| embedded || level == Level::Root) else { return };
    for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
        let Some(property) = child(properties, name) else { continue };
        let declared = text(property, "type");
        if declared != wanted {
            let at = path.child("properties").key(name).child("type");
            errors.push(FieldError::invalid(&at, Value::from(declared), format!("must be {wanted}")));
        }
    }
    let metadata = child(properties, "metadata").filter(|_| level == Level::Root);
    if metadata.is_some_and(says_more_than_names) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(&path.child("properties").key("metadata"), detail));
    }
}

fn says_more_than_names(metadata: &Map<String, Value>) -> bool {
    metadata.keys().any(|key| match key.as_str() {
        "type" | "default" => false,
        "properties" => {
            children(metadata, "properties").any(|(name, _)| name != "name" && name != "generateName")
        }
        _ => says(metadata, key),
    })
}

/// `anyOf: [{type: integer}, {type: string}]`, which may stand beside int-or-string although it names types.
fn is_int_or_string_pattern(node: &Map<String, Value>) -> bool {
    let types: Vec<&str> = alternatives(node, "anyOf")
        .map(|(_, one)| if one.len() == 1 { text(one, "type") } else { "" })
        .collect();
    types == ["integer", "string"]
}

/// Which alternatives may name types.
#[derive(Clone, Copy, Default)]
struct Skip {
    any_of: bool,
    first_of_all: bool,
}

fn check_constraints(node: &Map<String, Value>, skip: Skip, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for key in ["anyOf", "oneOf"] {
        if key == "anyOf" && skip.any_of {
            continue;
        }
        for (index, one) in alternatives(node, key) {
            check_nested(one, Skip::default(), &path.child(key).index(index), errors);
        }
    }
    for (index, one) in alternatives(node, "allOf") {
        let inner = Skip { any_of: skip.first_of_all && index == 0, first_of_all: false };
        check_nested(one, inner, &path.child("allOf").index(index), errors);
    }
    if let Some(not) = child(node, "not") {
        check_nested(not, Skip::default(), &path.child("not"), errors);
    }
    let pattern = text(node, "pattern");
    if pattern.is_empty() {
        return;
    }
    if let Err(error) = Pattern::parse(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(&path.child("pattern"), Value::from(pattern), detail));
    }
}

/// A schema under `allOf` and its like constrains values and says nothing about structure.
fn check_nested(node: &Map<String, Value>, skip: Skip, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const FORBIDDEN: [(&str, &str); 12] = [
        ("type", "must be empty to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
    ];
    check_constraints(node, skip, path, errors);
    if let Some(items) = child(node, "items") {
        check_nested(items, Skip::default(), &path.child("items"), errors);
    }
    for (name, property) in children(node, "properties") {
        check_nested(property, Skip::default(), &path.child("properties").key(name), errors);
    }
    for (key, detail) in FORBIDDEN {
        let is_set = match key {
            "additionalProperties" | "default" => node.get(key).is_some_and(|value| !value.is_null()),
            _ => says(node, key),
        };
        if is_set {
            errors.push(FieldError::forbidden(&path.child(key), detail));
        }
    }
    if says(node, "x-kubernetes-validations") {
        let at = path.child("x-kubernetes-validations");
        errors.push(FieldError::forbidden(&at, "must be empty to be structural"));
    }
    if child(node, "properties").is_some_and(|properties| properties.contains_key("metadata")) {
        let at = path.child("properties").key("metadata");
        errors.push(FieldError::forbidden(&at, "must not be specified in a nested context"));
    }
}
