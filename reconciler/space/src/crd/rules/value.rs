//! JSON as CEL sees it through a schema.

use std::collections::HashMap;
use std::sync::Arc;

use apimachinery::schema::{Scalar, Schema, ValueType};
use cel::Value as Cel;
use serde_json::{Map, Value};

/// A value as its schema says: fields that it does not know are not visible, names that are no identifiers are escaped.
pub(super) fn of(schema: &Schema, value: &Value, is_root: bool) -> Cel {
    match value {
        Value::Object(fields) if is_typed(schema) => {
            let mut visible: HashMap<String, Cel> = HashMap::new();
            for (name, field) in fields {
                if let Some(slot) = schema.properties.get(name.as_str()) {
                    if let Some(name) = escaped(name) {
                        visible.insert(name, of(slot.schema(), field, false));
                    }
                } else if let Some(slot) = schema.slot(name) {
                    visible.insert(name.clone(), of(slot.schema(), field, false));
                }
            }
            if is_root || schema.embedded {
                identity(fields, &mut visible);
            }
            visible.into()
        }
        Value::Array(items) => match schema.item_slot() {
            Some(slot) => items.iter().map(|item| of(slot.schema(), item, false)).collect::<Vec<_>>().into(),
            None => untyped(value),
        },
        Value::Number(number) if schema.value_type == ValueType::Number => {
            Cel::Float(number.as_f64().unwrap_or_default())
        }
        Value::Number(number) if schema.scalar == Some(Scalar::IntOrString) => whole(number),
        other => untyped(other),
    }
}

fn is_typed(schema: &Schema) -> bool {
    schema.value_type == ValueType::Object && !schema.is_untyped()
}

/// What every object shows: its type, its name, and the base of a generated name.
fn identity(fields: &Map<String, Value>, visible: &mut HashMap<String, Cel>) {
    for name in ["apiVersion", "kind"] {
        if let Some(value) = fields.get(name) {
            visible.insert(name.to_owned(), untyped(value));
        }
    }
    let metadata = fields.get("metadata").and_then(Value::as_object);
    let shown = ["name", "generateName"].into_iter();
    let shown: HashMap<String, Cel> =
        shown.filter_map(|name| Some((name.to_owned(), untyped(metadata?.get(name)?)))).collect();
    visible.insert("metadata".to_owned(), shown.into());
}

fn untyped(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => whole(number),
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => items.iter().map(untyped).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), untyped(field)));
            fields.collect::<HashMap<String, Cel>>().into()
        }
    }
}

fn whole(number: &serde_json::Number) -> Cel {
    match number.as_i64() {
        Some(whole) => Cel::Int(whole),
        None => Cel::Float(number.as_f64().unwrap_or_default()),
    }
}

/// CEL's own words.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A field's name as an identifier; `None` where it cannot be one, so that no rule can see the field. Source: `apiserver/pkg/cel/escaping.go`.
fn escaped(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')) {
        return None;
    }
    let escaped = name.replace("__", "__underscores__");
    Some(escaped.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_become_identifiers() {
        let table = [
            ("size", Some("size")),
            ("namespace", Some("__namespace__")),
            ("a-b.c/d", Some("a__dash__b__dot__c__slash__d")),
            ("a__b", Some("a__underscores__b")),
            ("1a", None),
            ("a b", None),
        ];
        for (name, expected) in table {
            assert_eq!(escaped(name).as_deref(), expected, "{name}");
        }
    }
}
