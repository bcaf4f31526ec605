//! What becomes of an object of a built-in kind when a server decodes it into Go structs and encodes it again.
//!
//! Unknown fields vanish, null is absence, struct fields are always there, zero values go or become null as their Go field says, and quantities, times and bytes take their
//! canonical form. On the way each struct gets its default function ([`crate::defaults`]). The facts are in the schemas of [`apimachinery::kinds`].

use apimachinery::clock::{rfc3339_micros, rfc3339_seconds};
use apimachinery::kinds;
use apimachinery::quantity::Quantity;
use apimachinery::schema::{Additional, Link, Scalar, Schema, Slot, ValueType, ZeroValue};
use apimachinery::time;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::defaults;

/// Deeper than structs of the API nest; guards against a schema that contains itself by value.
const MAX_DEPTH: usize = 64;

/// Brings a whole object of a built-in kind into the form that is stored.
pub(crate) fn built_in(link: &Link, value: &mut Value) {
    of_link(link, value, MAX_DEPTH);
}

/// Brings the metadata of a custom object into the form that is stored.
pub(crate) fn metadata(object: &mut Value) {
    let definition = kinds::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    if let (Some(link), Some(metadata)) = (definition, object.get_mut("metadata")) {
        of_link(&link, metadata, MAX_DEPTH);
    }
}

/// A value whose schema is a definition, or has none.
fn of_link(link: &Link, value: &mut Value, depth: usize) {
    of_schema(link.schema(), value, depth);
    if let (Some(definition), Some(fields)) = (link.definition(), value.as_object_mut()) {
        defaults::of_definition(definition, fields);
    }
}

fn of_schema(schema: &Schema, value: &mut Value, depth: usize) {
    if depth == 0 {
        return;
    }
    if let Some(scalar) = schema.scalar {
        of_scalar(scalar, value);
        return;
    }
    match value {
        Value::Object(fields) if !schema.properties.is_empty() => of_struct(schema, fields, depth - 1),
        Value::Object(entries) => {
            if let Additional::Values(slot) = &schema.additional {
                for entry in entries.values_mut() {
                    of_element(slot, entry, depth - 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(slot) = schema.item_slot() {
                for item in items {
                    of_element(slot, item, depth - 1);
                }
            }
        }
        Value::String(text) if schema.format.as_deref() == Some("byte") => *text = canonical_base64(text),
        _ => {}
    }
}

fn of_struct(schema: &Schema, fields: &mut Map<String, Value>, depth: usize) {
    if !schema.preserve_unknown {
        fields.retain(|name, _| schema.properties.contains_key(name.as_str()));
    }
    for (name, slot) in &schema.properties {
        let mut value = fields.remove(&**name).filter(|value| !value.is_null());
        if value.is_none() {
            value.clone_from(&slot.default);
        }
        if let Some(value) = &mut value {
            of_link(slot.link(), value, depth);
        }
        if let Some(value) = kept(slot, value) {
            fields.insert(name.to_string(), value);
        }
    }
}

/// What is encoded for a field.
fn kept(slot: &Slot, value: Option<Value>) -> Option<Value> {
    match (value, slot.zero) {
        (Some(value), ZeroValue::Kept | ZeroValue::KeptOrNull) => Some(value),
        (Some(value), zero) if is_zero(&value) => (zero == ZeroValue::Null).then_some(Value::Null),
        (Some(value), _) => Some(value),
        (None, ZeroValue::Null | ZeroValue::KeptOrNull) => Some(Value::Null),
        (None, _) => None,
    }
}

/// An element of a list or map: null there is the zero value of its type.
fn of_element(slot: &Slot, value: &mut Value, depth: usize) {
    if value.is_null() {
        *value = match slot.schema().value_type {
            _ if slot.schema().scalar == Some(Scalar::Quantity) => "0".into(),
            ValueType::String => Value::String(String::new()),
            ValueType::Integer | ValueType::Number => 0.into(),
            ValueType::Boolean => false.into(),
            ValueType::Object if !slot.schema().is_untyped() => Value::Object(Map::new()),
            _ => Value::Null,
        };
    }
    of_link(slot.link(), value, depth);
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn of_scalar(scalar: Scalar, value: &mut Value) {
    let text = |value: &Value| value.as_str().and_then(time::parse);
    match scalar {
        Scalar::Quantity => {
            if let Some(Ok(quantity)) = Quantity::from_json(value) {
                *value = quantity.canonical().into();
            }
        }
        Scalar::Time => {
            if let Some(time) = text(value) {
                *value = rfc3339_seconds(time).into();
            }
        }
        Scalar::MicroTime => {
            if let Some(time) = text(value) {
                *value = rfc3339_micros(time).into();
            }
        }
        Scalar::IntOrString => {}
    }
}

/// Go's decoder skips line breaks and does not mind bits behind the last byte; its encoder writes neither.
fn canonical_base64(text: &str) -> String {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    engine.decode(&joined).map_or(joined, |bytes| engine.encode(bytes))
}

#[cfg(test)]
mod tests {
    use apimachinery::GroupVersionKind;
    use apimachinery::kinds::KindTable;
    use serde_json::json;

    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
    fn check(kind: (&str, &str, &str), mut input: Value, expected: Value) {
        let gvk = GroupVersionKind::new(kind.0, kind.1, kind.2);
        let resource = KindTable::built_in().kind(&gvk).unwrap();
        built_in(resource.schema.as_ref().unwrap(), &mut input);
        assert_eq!(input, expected);
    }

    #[test]
    fn objects_become_what_go_makes_of_them() {
        check(
            ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
            json!({"metadata": {"name": "a", "labels": {}, "annotations": null, "creationTimestamp": null}, "rules": [], "x": 1}),
            json!({"metadata": {"name": "a"}, "rules": null}),
        );
        check(
            ("", "v1", "LimitRange"),
            json!({"metadata": {"name": "a"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "2000m", "memory": 1024}}]}}),
            json!({"metadata": {"name": "a"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "2", "memory": "1024"}}]}}),
        );
        check(
            ("coordination.k8s.io", "v1", "Lease"),
            json!({"metadata": {"name": "a"}, "spec": {"renewTime": "2026-01-02T03:04:05+01:00", "holderIdentity": ""}}),
            json!({"metadata": {"name": "a"}, "spec": {"renewTime": "2026-01-02T02:04:05.000000Z", "holderIdentity": ""}}),
        );
        check(
            ("", "v1", "ConfigMap"),
            json!({"metadata": {"name": "a"}, "data": {"k": ""}, "binaryData": {"b": "YR=\n="}}),
            json!({"metadata": {"name": "a"}, "data": {"k": ""}, "binaryData": {"b": "YQ=="}}),
        );
    }
}
