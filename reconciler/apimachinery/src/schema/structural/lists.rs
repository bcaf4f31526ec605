//! `x-kubernetes-list-type`, `-list-map-keys` and `-map-type` of a CRD's schema.

use serde_json::{Map, Value};

use super::{child, flag, says, text};
use crate::field_error::{FieldError, FieldPath};

pub(super) fn check(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    check_owner(node, ("x-kubernetes-map-type", "object", &["atomic", "granular"]), path, errors);
    check_owner(node, ("x-kubernetes-list-type", "array", &["atomic", "set", "map"]), path, errors);
    let list_type = text(node, "x-kubernetes-list-type");
    if list_type == "set" {
        check_set_items(node, path, errors);
    }
    if says(node, "x-kubernetes-list-map-keys") && list_type != "map" {
        let at = path.child("x-kubernetes-list-type");
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(match list_type {
            "" => FieldError::required(&at, detail),
            _ => FieldError::invalid(&at, Value::from(list_type), detail),
        });
    }
    if list_type == "map" {
        check_map_list(node, path, errors);
    }
    let nullable_items = child(node, "items").is_some_and(|items| flag(items, "nullable"));
    if nullable_items && matches!(list_type, "set" | "map") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(FieldError::forbidden(&path.child("items").child("nullable"), detail));
    }
}

/// `rule`: the keyword, the type that it belongs to, and the values that it may have.
fn check_owner(
    node: &Map<String, Value>,
    rule: (&str, &str, &[&'static str]),
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    let (keyword, wanted, supported) = rule;
    let Some(word) = node.get(keyword).and_then(Value::as_str) else { return };
    let declared = text(node, "type");
    if declared != wanted {
        let detail = format!("must be {wanted} if {keyword} is specified");
        errors.push(match declared {
            "" => FieldError::required(&path.child("type"), detail),
            _ => FieldError::invalid(&path.child("type"), Value::from(declared), detail),
        });
    }
    if !supported.contains(&word) {
        let at = path.child(keyword);
        errors.push(FieldError::not_supported(&at, Value::from(word), supported.iter().copied()));
    }
}

fn check_set_items(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let Some(items) = child(node, "items") else { return };
    let keyword = match text(items, "type") {
        "array" if !matches!(text(items, "x-kubernetes-list-type"), "" | "atomic") => {
            "x-kubernetes-list-type"
        }
        "object" if text(items, "x-kubernetes-map-type") != "atomic" => "x-kubernetes-map-type",
        _ => return,
    };
    let value = items.get(keyword).cloned().unwrap_or(Value::Null);
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    errors.push(FieldError::invalid(&path.child("items").child(keyword), value, detail));
}

fn check_map_list(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let at = path.child("x-kubernetes-list-map-keys");
    if !says(node, "x-kubernetes-list-map-keys") {
        errors.push(FieldError::required(&at, "must not be empty if x-kubernetes-list-type is map"));
    }
    let Some(items) = child(node, "items") else {
        let detail = "must have a schema if x-kubernetes-list-type is map";
        errors.push(FieldError::required(&path.child("items"), detail));
        return;
    };
    let item_type = text(items, "type");
    if item_type != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        let here = path.child("items").child("type");
        errors.push(FieldError::invalid(&here, Value::from(item_type), detail));
        return;
    }
    let keys_value = node.get("x-kubernetes-list-map-keys").cloned().unwrap_or(Value::Null);
    let keys: Vec<&str> = keys_value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (index, key) in keys.iter().enumerate() {
        check_key(items, key, path, errors);
        let known = child(items, "properties").is_some_and(|properties| properties.contains_key(*key));
        if !known {
            let detail = "entries must all be names of item properties";
            errors.push(FieldError::invalid(&at, keys_value.clone(), detail));
        }
        if keys.get(..index).is_some_and(|before| before.contains(key)) {
            errors.push(FieldError::invalid(&at, keys_value.clone(), "must not contain duplicate entries"));
        }
    }
}

fn check_key(items: &Map<String, Value>, key: &str, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let Some(property) = child(items, "properties").and_then(|properties| child(properties, key)) else {
        return;
    };
    let at = path.child("items").child("properties").key(key);
    if matches!(text(property, "type"), "array" | "object") {
        let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(&at.child("type"), Value::from("object"), detail));
    }
    let required = items.get("required").and_then(Value::as_array);
    let is_required = required.is_some_and(|names| names.iter().any(|name| name == key));
    let has_default = property.get("default").is_some_and(|default| !default.is_null());
    if !is_required && !has_default {
        let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
        errors.push(FieldError::required(&at.child("default"), detail));
    }
    if flag(property, "nullable") {
        let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
        errors.push(FieldError::forbidden(&at.child("nullable"), detail));
    }
}
