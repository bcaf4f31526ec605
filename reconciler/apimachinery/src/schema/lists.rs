//! What a schema's types and constraints do not say: sets and keyed lists hold each key once, embedded objects have an identity.
//!
//! Sources: `ValidateListSetsAndMaps` and `objectmeta.Validate` of apiextensions-apiserver.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ListType, Schema, Slot};
use crate::field_error::{FieldError, FieldPath};

pub(super) fn check_node(schema: &Schema, value: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            if schema.embedded {
                check_embedded(fields, path, errors);
            }
            for (name, field) in fields {
                match (schema.properties.get(name.as_str()), schema.slot(name)) {
                    (Some(slot), _) => check_slot(slot, field, &path.child(name), errors),
                    (None, Some(slot)) => check_slot(slot, field, &path.key(name), errors),
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => {
            check_duplicates(&schema.list_type, items, path, errors);
            if let Some(slot) = schema.item_slot() {
                for (index, item) in items.iter().enumerate() {
                    check_slot(slot, item, &path.index(index), errors);
                }
            }
        }
        _ => {}
    }
}

fn check_slot(slot: &Slot, value: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    if slot.link().definition().is_none() {
        check_node(slot.schema(), value, path, errors);
    }
}

fn check_duplicates(list_type: &ListType, items: &[Value], path: &FieldPath, errors: &mut Vec<FieldError>) {
    let keys: Vec<Value> = match list_type {
        ListType::Atomic => return,
        ListType::Set => items.to_vec(),
        ListType::Map(keys) => {
            if let Some(index) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
                let item = items.get(index).cloned().unwrap_or_default();
                let detail = "must be an object for an array of list-type map";
                errors.push(FieldError::invalid(&path.index(index), item, detail));
                return;
            }
            items.iter().map(|item| key_of(keys, item)).collect()
        }
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, key) in keys.into_iter().enumerate() {
        let times = seen.entry(key.to_string()).or_default();
        *times += 1;
        // Reported once, at the second appearance.
        if *times == 2 {
            errors.push(FieldError::duplicate(&path.index(index), key));
        }
    }
}

fn key_of(keys: &[Box<str>], item: &Value) -> Value {
    keys.iter()
        .filter_map(|key| Some((key.to_string(), item.get(&**key)?.clone())))
        .collect::<Map<_, _>>()
        .into()
}

fn check_embedded(fields: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let at = path.child(name);
        match fields.get(name) {
            None => errors.push(FieldError::required(&at, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid(&at, Value::from(""), "must not be empty"));
            }
            Some(Value::String(_)) => {}
            Some(other) => errors.push(FieldError::invalid(&at, other.clone(), "must be a string")),
        }
    }
}
