//! Custom kinds: the printer columns of their definitions.

use apimachinery::Timestamp;
use apimachinery::jsonpath::{self, JsonPath};
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
        ("string", _) => json!(jsonpath::print(&found)),
        _ => Value::Null,
    }
}

/// The first value that a path finds.
fn first(path: &str, object: &Value) -> Option<Value> {
    let path = JsonPath::parse(&format!("{{{path}}}")).ok()?;
    let found = path.find(object).ok()?;
    Some(found.into_iter().next()?.into_iter().next()?.into_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_type_of_its_column() {
        let object = json!({"spec": {"n": 3, "f": 2.7, "s": "x", "b": true, "l": [1, 2], "t": "2026-11-20T11:00:00Z"}});
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let check = |path: &str, value_type: &str, expected: Value| {
            let column = Column {
                name: "C".into(),
                value_type: value_type.into(),
                format: "".into(),
                description: "".into(),
                priority: 0,
                json_path: path.into(),
            };
            assert_eq!(cell(&column, &object, now), expected, "{path} as {value_type}");
        };
        check(".spec.n", "integer", json!(3));
        check(".spec.f", "integer", json!(2));
        check(".spec.f", "number", json!(2.7));
        check(".spec.s", "integer", Value::Null);
        check(".spec.s", "string", json!("x"));
        check(".spec.n", "string", json!("3"));
        check(".spec.l", "string", json!("[1,2]"));
        check(".spec.l[*]", "integer", json!(1));
        check(".spec.b", "boolean", json!(true));
        check(".spec.t", "date", json!("60m"));
        check(".spec.s", "date", json!("<invalid>"));
        check(".spec.none", "string", Value::Null);
        check("not a path", "string", Value::Null);
    }
}
