//! An object as it was last seen, as bytes and as a tree, and how its fields are read.

use std::collections::BTreeMap;

use apimachinery::selector::Selector;
use apimachinery::{Object, Timestamp, time};
use serde_json::Value;

use crate::kind::{Id, Kind};

/// An object of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub object: Object,
    pub value: Value,
}

impl Live {
    pub(crate) fn of(object: Object) -> Self {
        let value = object.to_value();
        Self { object, value }
    }

    /// Which object; `None` for kinds that are not looked at.
    pub(crate) fn id(&self) -> Option<Id> {
        Some(Id::new(Kind::of(&self.object)?, self.namespace(), self.name()))
    }

    pub(crate) fn name(&self) -> &str {
        self.object.header().name.as_str()
    }

    /// Empty for cluster-scoped objects.
    pub(crate) fn namespace(&self) -> &str {
        self.object.header().namespace.as_ref().map_or("", apimachinery::Namespace::as_str)
    }

    pub(crate) fn uid(&self) -> &str {
        self.object.header().uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn generation(&self) -> i64 {
        self.object.header().generation.unwrap_or_default()
    }

    pub(crate) fn deleting(&self) -> bool {
        self.object.header().deleting
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, String> {
        &self.object.header().labels
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.object.header().annotation(key)
    }

    /// The selector at a path; one that cannot be read selects nothing.
    pub(crate) fn selector(&self, pointer: &str) -> Selector {
        let value = self.value.pointer(pointer).unwrap_or(&Value::Null);
        Selector::from_label_selector(value).unwrap_or_else(|_| Selector::nothing())
    }

    /// When it was created; `None` for what was not stored.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        moment(&self.value, "/metadata/creationTimestamp")
    }

    /// Oldest first; names decide between those of one second.
    pub(crate) fn by_age(&self) -> (Option<Timestamp>, String) {
        (self.created(), self.name().to_owned())
    }

    pub(crate) fn int(&self, pointer: &str) -> Option<i64> {
        int(&self.value, pointer)
    }

    /// A count of the status: absent is zero.
    pub(crate) fn count(&self, pointer: &str) -> i64 {
        int(&self.value, pointer).unwrap_or_default()
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        text(&self.value, pointer)
    }

    pub(crate) fn flag(&self, pointer: &str) -> bool {
        self.value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn items(&self, pointer: &str) -> &[Value] {
        items(&self.value, pointer)
    }

    pub(crate) fn conditions(&self) -> &[Value] {
        self.items("/status/conditions")
    }
}

pub(crate) fn int(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// Empty where it is absent.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Empty where it is absent.
pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A map of texts; what is no text is left out.
pub(crate) fn texts(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let fields = value.pointer(pointer).and_then(Value::as_object);
    let pairs = fields.into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

pub(crate) fn moment(value: &Value, pointer: &str) -> Option<Timestamp> {
    time::parse(value.pointer(pointer)?.as_str()?)
}

/// Whether two texts of status say the same: a server drops members that are absent, null, zero or empty, and may add them.
pub(crate) fn same_but_for_empties(one: &Value, other: &Value) -> bool {
    compact(one) == compact(other)
}

fn compact(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        // Items of a list keep their places.
        Value::Array(items) => Some(items.iter().map(|item| compact(item).unwrap_or_default()).collect()),
        Value::Object(fields) => {
            let kept: serde_json::Map<String, Value> =
                fields.iter().filter_map(|(key, value)| Some((key.clone(), compact(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other.clone()),
    }
}

/// A count or a share of a total as `maxSurge` and `minAvailable` give it: `2`, or `"25%"`.
pub(crate) fn share(value: Option<&Value>, total: i64, round_up: bool) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let exact = percent.saturating_mul(total);
            Some(if round_up { exact.saturating_add(99) / 100 } else { exact / 100 })
        }
        _ => None,
    }
}

/// For tests: an object from its JSON, with a UID and the first resourceVersion unless it says otherwise.
#[cfg(test)]
pub(crate) fn live(mut value: Value) -> Live {
    let name = value["metadata"]["name"].as_str().unwrap().to_owned();
    let metadata = value["metadata"].as_object_mut().unwrap();
    metadata.entry("uid").or_insert_with(|| format!("uid-of-{name}").into());
    metadata.entry("resourceVersion").or_insert_with(|| "1".into());
    metadata.entry("namespace").or_insert_with(|| "shop".into());
    Live::of(Object::from_value(&value).unwrap())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_round_as_their_field_asks() {
        #[track_caller]
        fn check(value: &Value, up: bool, expected: Option<i64>) {
            assert_eq!(share(Some(value), 10, up), expected, "{value}");
        }
        check(&json!("25%"), true, Some(3));
        check(&json!("25%"), false, Some(2));
        check(&json!(4), true, Some(4));
        check(&json!("4"), true, None);
        check(&json!({}), true, None);
    }

    #[test]
    fn what_a_server_drops_is_no_difference() {
        #[track_caller]
        fn check(one: &Value, other: &Value, expected: bool) {
            assert_eq!(same_but_for_empties(one, other), expected);
        }
        check(&json!({ "replicas": 0, "conditions": [] }), &json!({}), true);
        check(&json!({ "ready": false }), &json!({ "ready": true }), false);
        check(&json!({ "a": { "b": null } }), &json!(null), true);
        check(&json!({ "list": [0, 1] }), &json!({ "list": [1] }), false);
    }
}
