//! Custom kinds: the printer columns of their definitions.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use crate::resource::Column;

use super::age::human;
use super::read::seconds_between;

/// The name, and what the definition lists.
pub(super) fn columns(columns: &[Column]) -> Vec<Value> {
    std::iter::once(super::NAME.definition()).chain(columns.iter().map(definition)).collect()
}

fn definition(column: &Column) -> Value {
    let description = match &*column.description {
        "" => format!("Custom resource definition column (in JSONPath format): {}", column.json_path),
        written => written.to_owned(),
    };
    json!({
        "name": column.name,
        "type": column.value_type,
        "format": column.format,
        "description": description,
        "priority": column.priority,
    })
}

/// The cells of one object.
pub(super) fn cells(columns: &[Column], object: &Value, now: Timestamp) -> Vec<Value> {
    std::iter::once(super::name(object))
        .chain(columns.iter().map(|column| cell(column, object, now)))
        .collect()
}

/// The first value that the path finds, as the column's type; null where there is none or it has another type.
fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let Some(found) = first(&column.json_path, object) else { return Value::Null };
    match (&*column.value_type, &found) {
        ("integer", Value::Number(number)) => truncated(number),
        ("number", Value::Number(number)) => json!(number.as_f64()),
        ("boolean", Value::Bool(_)) => found,
        ("date", Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(then) => json!(human(seconds_between(then, now))),
            Err(_) => json!("<invalid>"),
        },
        ("string", _) => json!(printed(&found)),
        _ => Value::Null,
    }
}

/// The first value that a path finds.
fn first(_path: &str, _object: &Value) -> Option<Value> {
    // Comes with apimachinery's JSONPath.
    None
}

/// A fraction is cut off, as Go's conversion does.
fn truncated(number: &serde_json::Number) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a cell is for people; the cast saturates")]
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => json!(whole),
        (None, Some(fraction)) => json!(fraction as i64),
        (None, None) => Value::Null,
    }
}

/// Text as it is, everything else as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
