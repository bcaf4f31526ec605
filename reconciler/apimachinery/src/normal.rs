//! The normal form of a desired object: what an API server makes of it, as far as that can be known without asking one.
//!
//! Sync applies the normal form, so that what the server stores under our field manager equals what we applied, and a digest over one is a digest over the other.
//! Rules, and where they come from (measured on kube-apiserver v1.35.4, see the table of facts for what is declared and what Go types do):
//!
//! | rule | source |
//! |---|---|
//! | nulls are dropped; where null is a value (`nullable` of a CRD, parts without a schema) they stay | Go's decoder; structural defaulting |
//! | null as the value of a map, or as an item of a list, of scalars is their zero value (`""`, `0`) | Go's decoder |
//! | a zero value is dropped where the Go field has `omitempty` and is no pointer | reflection on `k8s.io/api` |
//! | an empty list or map without `omitempty` (`ClusterRole.rules`) is null | storage as protobuf |
//! | absent keys of keyed lists get their declared default (`ports[].protocol`) | OpenAPI `default`; server-side apply |
//! | inside what is owned as a whole (atomic lists and maps) declared defaults are filled in, and those of Go's functions that are common | OpenAPI `default`; [`computed`] |
//! | quantities are canonical, maps of them rounded up to thousandths | `resource.Quantity`; `SetDefaults_ResourceList` |
//! | a whole number is written without a fraction (`3.0` is 3) | Go's encoder |
//! | times are UTC, without fractions (`Time`) or with six digits (`MicroTime`); base64 is without line breaks | `metav1.Time`; Go's decoder |
//! | `stringData` of a Secret is folded into `data` | the Secret's write-only field |
//! | metadata that only a server writes is dropped, `status` is where it is a subresource | `rest` strategies |
//! | the `rules` of a ClusterRole with an `aggregationRule` are dropped: a controller overwrites them | `rbac/v1` |
//!
//! What it misses (defaults of Go functions elsewhere inside atomic values, mutating webhooks) is found by comparing with the server's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::kinds::{KindTable, Resource};
use crate::quantity::Quantity;
use crate::schema::{Additional, ListType, MapType, Scalar, Schema, Slot, ValueType, ZeroValue};
use crate::{GroupVersion, GroupVersionKind, clock, time};

mod computed;

/// Metadata that a client cannot set, or must not when it states what it wants.
const SERVER_METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The normal form of one object. Idempotent. A kind that the table does not know, and what does not fit its schema, is left as it is but for nulls and server-owned metadata.
pub fn normal_form(value: &Value, kinds: &KindTable) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let mut fields = fields.clone();
    let gvk = kind_of(&fields);
    let resource = kinds.kind(&gvk);
    drop_server_owned(&mut fields, &gvk, resource.map(|resource| &**resource));
    if gvk.group.is_empty() && gvk.kind == *"Secret" {
        fold_string_data(&mut fields);
    }
    fields.values_mut().for_each(whole_numbers);
    match kinds.schema(&gvk) {
        Some(schema) => {
            let place = Place { atomic: false, custom: resource.is_some_and(|resource| resource.custom) };
            Value::Object(object(schema, fields, place))
        }
        None => without_nulls(Value::Object(fields)),
    }
}

fn kind_of(fields: &Map<String, Value>) -> GroupVersionKind {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let GroupVersion { group, version } = GroupVersion::parse(text("apiVersion"));
    GroupVersionKind { group, version, kind: text("kind").into() }
}

fn drop_server_owned(fields: &mut Map<String, Value>, gvk: &GroupVersionKind, resource: Option<&Resource>) {
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|key, _| !SERVER_METADATA.contains(&key.as_str()));
        // The server keeps it as a number of its own and writes it anew.
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations")
            && gvk.kind == *"DaemonSet"
        {
            annotations.remove("deprecated.daemonset.template.generation");
        }
    }
    if resource.is_some_and(|resource| resource.subresource("status").is_some()) {
        fields.remove("status");
    }
    let aggregated = fields.get("aggregationRule").is_some_and(Value::is_object);
    if aggregated && gvk.group == *"rbac.authorization.k8s.io" && gvk.kind == *"ClusterRole" {
        fields.remove("rules");
    }
}

/// `stringData` wins over `data` of the same key. What is no text is left for the server to refuse.
fn fold_string_data(fields: &mut Map<String, Value>) {
    let Some(Value::Object(texts)) = fields.get("stringData") else { return };
    let encoded: Option<Vec<(String, Value)>> = texts
        .iter()
        .map(|(key, text)| match text {
            Value::Null => Some((key.clone(), Value::from(""))),
            Value::String(text) => Some((key.clone(), BASE64.encode(text).into())),
            _ => None,
        })
        .collect();
    let Some(encoded) = encoded else { return };
    if fields.get("data").is_some_and(|data| !data.is_object() && !data.is_null()) {
        return;
    }
    fields.remove("stringData");
    if encoded.is_empty() {
        return;
    }
    let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    if let Value::Object(data) = data {
        data.extend(encoded);
    }
}

/// Writes whole numbers without a fraction, as every API server does that decodes and encodes JSON with Go.
pub fn whole_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Number(number) if number.is_f64() => {
            // Floats of this size print without an exponent, and those without a fraction as whole numbers.
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15);
            if let Some(whole) = float.and_then(|float| format!("{float:.0}").parse::<i64>().ok()) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        _ => value,
    }
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Place {
    /// Inside a list or map that is owned as a whole.
    atomic: bool,
    /// Inside a custom kind, whose nulls are values where its schema says so.
    custom: bool,
}

fn object(schema: &Schema, fields: Map<String, Value>, place: Place) -> Map<String, Value> {
    let place = Place { atomic: place.atomic || schema.map_type == MapType::Atomic, ..place };
    let mut normal = Map::new();
    for (name, value) in fields {
        let value = match (schema.properties.get(name.as_str()), &schema.additional) {
            (Some(slot), _) => field(slot, value, place),
            (None, Additional::Values(slot)) => map_value(slot, value, place),
            (None, Additional::None | Additional::Any) => Some(value),
        };
        normal.extend(value.map(|value| (name, value)));
    }
    if place.atomic {
        fill_defaults(schema, &mut normal, place);
    }
    normal
}

/// A field of a struct; `None` when it vanishes.
fn field(slot: &Slot, value: Value, place: Place) -> Option<Value> {
    let place = Place { custom: place.custom && slot.link().definition().is_none(), ..place };
    let atomic = place.atomic || slot.map_type() == MapType::Atomic;
    if value.is_null() {
        let stays = match slot.zero {
            ZeroValue::Null => true,
            ZeroValue::KeptOrNull => place.atomic,
            ZeroValue::Kept | ZeroValue::Dropped => false,
        };
        let stays = stays || (place.custom && slot.nullable) || is_free(slot.schema());
        return stays.then_some(Value::Null);
    }
    let value = slot_value(slot, value, Place { atomic, ..place });
    match slot.zero {
        ZeroValue::Kept | ZeroValue::KeptOrNull => Some(value),
        ZeroValue::Dropped => (!is_zero(&value)).then_some(value),
        ZeroValue::Null => Some(if is_zero(&value) { Value::Null } else { value }),
    }
}

/// A value of a map: never dropped for being zero, and a text that is null is empty.
fn map_value(slot: &Slot, value: Value, place: Place) -> Option<Value> {
    let place = Place { custom: place.custom && slot.link().definition().is_none(), ..place };
    if value.is_null() {
        return if place.custom { slot.nullable.then_some(Value::Null) } else { zero_of(slot.schema()) };
    }
    if slot.schema().scalar == Some(Scalar::Quantity) {
        return Some(quantity(value, Some(-3)));
    }
    let atomic = place.atomic || slot.map_type() == MapType::Atomic;
    Some(slot_value(slot, value, Place { atomic, ..place }))
}

/// What Go's decoder makes of null where something must stand; `None` for structs, maps and lists.
fn zero_of(schema: &Schema) -> Option<Value> {
    match (schema.scalar, schema.value_type) {
        (Some(Scalar::Quantity), _) => Some(Value::from("0")),
        (Some(Scalar::IntOrString), _) | (None, ValueType::Integer | ValueType::Number) => {
            Some(Value::from(0))
        }
        (None, ValueType::String) => Some(Value::from("")),
        (None, ValueType::Boolean) => Some(Value::Bool(false)),
        _ => None,
    }
}

fn slot_value(slot: &Slot, value: Value, place: Place) -> Value {
    let mut value = normal_value(slot.schema(), value, place);
    if let (true, Some(definition), Value::Object(fields)) =
        (place.atomic, slot.link().definition(), &mut value)
    {
        computed::fill(definition, fields);
    }
    value
}

fn normal_value(schema: &Schema, value: Value, place: Place) -> Value {
    match (schema.scalar, value) {
        (Some(Scalar::Quantity), value) => quantity(value, None),
        (Some(Scalar::Time), Value::String(text)) => {
            time::parse(&text).map_or(text, clock::rfc3339_seconds).into()
        }
        (Some(Scalar::MicroTime), Value::String(text)) => {
            time::parse(&text).map_or(text, clock::rfc3339_micros).into()
        }
        (_, Value::Object(fields)) if !is_free(schema) => Value::Object(object(schema, fields, place)),
        (_, Value::Array(items)) if !is_free(schema) => Value::Array(list(schema, items, place)),
        (_, Value::String(text)) if is_bytes(schema) && !place.custom => base64(text).into(),
        (_, value) => value,
    }
}

/// Parts that no schema describes are kept as they are.
fn is_free(schema: &Schema) -> bool {
    matches!(schema.additional, Additional::Any)
}

fn is_bytes(schema: &Schema) -> bool {
    schema.format.as_deref() == Some("byte")
}

fn list(schema: &Schema, items: Vec<Value>, place: Place) -> Vec<Value> {
    let Some(slot) = schema.item_slot() else { return items };
    let keys: &[Box<str>] = match &schema.list_type {
        ListType::Map(keys) => keys,
        ListType::Atomic | ListType::Set => &[],
    };
    let place = Place {
        atomic: place.atomic || schema.list_type == ListType::Atomic || slot.map_type() == MapType::Atomic,
        custom: place.custom && slot.link().definition().is_none(),
    };
    items
        .into_iter()
        .map(|item| match slot_value(slot, item, place) {
            Value::Null if !place.custom => zero_of(slot.schema()).unwrap_or_default(),
            Value::Object(fields) => Value::Object(with_keys(slot.schema(), keys, fields)),
            other => other,
        })
        .collect()
}

/// Fills in the declared defaults of a list's keys.
fn with_keys(schema: &Schema, keys: &[Box<str>], mut item: Map<String, Value>) -> Map<String, Value> {
    for key in keys {
        let default = schema.properties.get(key).and_then(|slot| slot.default.as_ref());
        // An empty name is no key: the server leaves it out.
        if let Some(default) = default.filter(|default| !is_zero(default))
            && !item.contains_key(&**key)
        {
            item.insert(key.to_string(), default.clone());
        }
    }
    item
}

/// Fills in what the server adds to a struct that is owned as a whole.
fn fill_defaults(schema: &Schema, fields: &mut Map<String, Value>, place: Place) {
    for (name, slot) in &schema.properties {
        let Some(default) = slot.default.as_ref().filter(|_| !fields.contains_key(&**name)) else {
            let absence_is_null = matches!(slot.zero, ZeroValue::Null | ZeroValue::KeptOrNull);
            if absence_is_null && !fields.contains_key(&**name) {
                fields.insert(name.to_string(), Value::Null);
            }
            continue;
        };
        // The zero value of a field with omitempty is declared, and never seen.
        if let Some(value) = field(slot, default.clone(), place) {
            fields.insert(name.to_string(), value);
        }
    }
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

fn quantity(value: Value, finest: Option<i32>) -> Value {
    let Some(Ok(parsed)) = Quantity::from_json(&value) else { return value };
    match finest.and_then(|scale| parsed.rounded_up(scale)) {
        Some(rounded) => rounded.canonical().into(),
        None => parsed.canonical().into(),
    }
}

/// Go's decoder ignores line breaks; its encoder writes none.
fn base64(text: String) -> String {
    if !text.contains(['\n', '\r']) {
        return text;
    }
    let joined = text.replace(['\n', '\r'], "");
    if BASE64.decode(&joined).is_ok() { joined } else { text }
}

#[cfg(test)]
mod tests;
