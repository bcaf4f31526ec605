//! The object of a built-in kind before anything is set in it.
//!
//! The server keeps such objects in Go structs. A struct field that is not a pointer is always there, and a list or map without `omitempty` is there as null, so
//! a creator comes to own what is inside `spec`, but `spec` itself only for custom kinds. The OpenAPI documents say which fields these are: their default is `{}`.

use serde_json::{Map, Value};

use super::shape::Shape;
use crate::schema::{Slot, ZeroValue};

/// Deeper than structs of the API nest; guards against a schema that contains itself by value.
const MAX_DEPTH: usize = 24;

/// The fields of the object: struct fields, nulls and zero scalars.
pub(super) fn of(shape: Shape<'_>) -> Map<String, Value> {
    shape.declared_slots().map(|slots| struct_fields(slots, MAX_DEPTH)).unwrap_or_default()
}

fn struct_fields<'s>(slots: impl Iterator<Item = (&'s str, &'s Slot)>, depth: usize) -> Map<String, Value> {
    slots.filter_map(|(name, slot)| Some((name.to_owned(), field(slot, depth)?))).collect()
}

fn field(slot: &Slot, depth: usize) -> Option<Value> {
    match &slot.default {
        Some(Value::Object(fields)) if fields.is_empty() && depth > 0 => {
            let properties = slot.schema().properties.iter().map(|(name, slot)| (&**name, slot));
            Some(Value::Object(struct_fields(properties, depth - 1)))
        }
        Some(Value::String(text)) if text.is_empty() => Some(text.as_str().into()),
        Some(Value::Number(n)) if n.as_f64() == Some(0.0) => Some(Value::Number(n.clone())),
        _ => (slot.zero == ZeroValue::Null).then_some(Value::Null),
    }
}
