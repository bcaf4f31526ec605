//! Defaults of custom kinds, as an API server fills them in when it reads an object from a client or from its storage.

use serde_json::Value;

use super::{Schema, Slot};

impl Schema {
    /// Drops nulls where null is no value and no default is declared, then fills in declared defaults, also in place of null where null is no value.
    ///
    /// For custom kinds. (What OpenAPI calls a default in built-in kinds is mostly the zero value of a Go field, and their real defaults are Go functions.)
    /// Source: `PruneNonNullableNullsWithoutDefaults` and `Default` of apiextensions' structural defaulting.
    pub fn fill_defaults(&self, value: &mut Value) {
        drop_nulls(self, value);
        fill(self, value);
    }
}

fn drop_nulls(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| {
                schema.slot(name).is_none_or(|slot| !(stray_null(slot, field) && slot.default.is_none()))
            });
            for (name, field) in fields.iter_mut() {
                if let Some(slot) = schema.slot(name) {
                    drop_nulls(slot.schema(), field);
                }
            }
        }
        Value::Array(items) => {
            if let Some(slot) = schema.item_slot() {
                items.iter_mut().for_each(|item| drop_nulls(slot.schema(), item));
            }
        }
        _ => {}
    }
}

fn fill(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, slot) in &schema.properties {
                let Some(default) = &slot.default else { continue };
                if fields.get(&**name).is_none_or(|field| stray_null(slot, field)) {
                    fields.insert(name.to_string(), default.clone());
                }
            }
            for (name, field) in fields.iter_mut() {
                if let Some(slot) = schema.slot(name) {
                    fill_slot(slot, field);
                }
            }
        }
        Value::Array(items) => {
            if let Some(slot) = schema.item_slot() {
                items.iter_mut().for_each(|item| fill_slot(slot, item));
            }
        }
        _ => {}
    }
}

fn fill_slot(slot: &Slot, value: &mut Value) {
    if stray_null(slot, value)
        && let Some(default) = &slot.default
    {
        *value = default.clone();
    }
    fill(slot.schema(), value);
}

/// A null where null is no value. Built-in parts of a custom object (metadata) take null as absent and are left alone.
fn stray_null(slot: &Slot, value: &Value) -> bool {
    value.is_null() && !slot.nullable && slot.link().definition().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: &Value, mut value: Value, expected: &Value) {
        Schema::parse(schema).fill_defaults(&mut value);
        assert_eq!(&value, expected);
    }

    #[test]
    fn defaults_fill_what_is_absent() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string", "default": "x"},
            "b": {"type": "object", "default": {}, "properties": {"c": {"type": "integer", "default": 1}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}}},
            "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"q": {"type": "integer", "default": 2}}}}
        }});
        check(&schema, json!({}), &json!({"a": "x", "b": {"c": 1}}));
        check(
            &schema,
            json!({"a": "y", "l": [{}, {"p": "UDP"}], "m": {"k": {}}}),
            &json!({"a": "y", "b": {"c": 1}, "l": [{"p": "TCP"}, {"p": "UDP"}], "m": {"k": {"q": 2}}}),
        );
    }

    #[test]
    fn null_is_absent_unless_it_is_a_value() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string", "default": "x"},
            "b": {"type": "string"},
            "c": {"type": "string", "nullable": true, "default": "x"}
        }});
        check(
            &schema,
            json!({"a": null, "b": null, "c": null, "d": null}),
            &json!({"a": "x", "c": null, "d": null}),
        );
    }
}
