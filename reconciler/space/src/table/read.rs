//! Reading fields of an object of which nothing is known for certain.

use apimachinery::Timestamp;
use apimachinery::selector::Selector;
use serde_json::{Map, Value, json};

use super::age::human;

/// What stands for a field that is not there.
pub const NONE: &str = "<none>";
/// What stands for a time or a number that nobody knows.
pub const UNKNOWN: &str = "<unknown>";
/// What stands for a choice that was not made.
pub const UNSET: &str = "<unset>";

static NULL: Value = Value::Null;

/// The value at a path of fields; null where there is none.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(object, |value, field| value.get(field).unwrap_or(&NULL))
}

/// The text at a path, empty where there is none.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// The text at a path, or what stands for its absence.
pub fn text_or<'a>(object: &'a Value, path: &[&str], absent: &'a str) -> &'a str {
    match text(object, path) {
        "" => absent,
        found => found,
    }
}

/// The whole number at a path, 0 where there is none.
pub fn number(object: &Value, path: &[&str]) -> i64 {
    at(object, path).as_i64().unwrap_or_default()
}

/// Whether `true` stands at a path.
pub fn is_true(object: &Value, path: &[&str]) -> bool {
    at(object, path).as_bool().unwrap_or_default()
}

/// The list at a path, empty where there is none.
pub fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The entries of the map at a path, sorted by key.
pub fn entries<'a>(object: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    at(object, path).as_object().into_iter().flat_map(Map::iter)
}

/// How many entries the map or list at a path has.
pub fn count(object: &Value, path: &[&str]) -> usize {
    match at(object, path) {
        Value::Object(map) => map.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    }
}

/// A scalar (quantity, int-or-string) as it is written.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A time at a path.
pub fn time(object: &Value, path: &[&str]) -> Option<Timestamp> {
    text(object, path).parse().ok()
}

/// The time that has passed since the time at a path, for people.
pub fn since(object: &Value, path: &[&str], now: Timestamp) -> String {
    time(object, path).map_or_else(|| UNKNOWN.into(), |then| human(seconds_between(then, now)))
}

/// Whole seconds from one time to a later one, towards zero.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}

/// Whether the object is being deleted.
pub fn is_deleting(object: &Value) -> bool {
    !at(object, &["metadata", "deletionTimestamp"]).is_null()
}

/// `a=b,c=d`, or `<none>`.
pub fn labels(object: &Value, path: &[&str]) -> String {
    let pairs: Vec<String> =
        entries(object, path).map(|(key, value)| format!("{key}={}", scalar(value))).collect();
    if pairs.is_empty() { NONE.into() } else { pairs.join(",") }
}

/// A `metav1.LabelSelector` as text: `a=b,c in (d,e),!f`; empty when it selects by nothing.
pub fn selector(object: &Value, path: &[&str]) -> String {
    match Selector::from_label_selector(at(object, path)) {
        Ok(selector) => selector.to_string(),
        Err(_) => "<invalid>".into(),
    }
}

/// As [`selector`], with `<none>` for the empty one.
pub fn selector_or_none(object: &Value, path: &[&str]) -> String {
    let found = selector(object, path);
    if found.is_empty() { NONE.into() } else { found }
}

/// The two cells that describe containers: names and images.
pub fn containers(object: &Value, path: &[&str]) -> [Value; 2] {
    let joined = |field: &str| {
        let all: Vec<&str> = list(object, path).iter().map(|container| text(container, &[field])).collect();
        json!(all.join(","))
    };
    [joined("name"), joined("image")]
}

/// The condition of a type, as an object with `status` and `reason`.
pub fn condition<'a>(object: &'a Value, path: &[&str], condition_type: &str) -> Option<&'a Value> {
    list(object, path).iter().find(|condition| text(condition, &["type"]) == condition_type)
}

/// Whether the condition of a type is `True`.
pub fn condition_is_true(object: &Value, path: &[&str], condition_type: &str) -> bool {
    condition(object, path, condition_type).is_some_and(|condition| text(condition, &["status"]) == "True")
}

/// At most `most` entries and how many there are besides: `a,b,c + 2 more...`.
pub fn abridged(all: &[String], most: usize, separator: &str) -> String {
    let shown = all.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(separator);
    if all.len() > most { format!("{shown} + {} more...", all.len() - most) } else { shown }
}
