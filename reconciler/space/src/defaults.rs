//! The default functions of built-in kinds: what Go code fills in that no schema declares.
//!
//! Keyed by the OpenAPI name of a struct, like `SetDefaults_*` in `k8s.io/kubernetes/pkg/apis/*/*/defaults.go` of release 1.35, and called for each struct after what is inside it.
//! Server defaults of create and update ("strategies") are in [`crate::strategy`], not here: these run whenever an object is decoded.

use serde_json::{Map, Value, json};

mod admission;
mod autoscaling;
mod batch;
mod core;
mod flowcontrol;
mod gated;
mod pods;
mod service;
mod workloads;

/// The fields of a struct.
pub(crate) type Fields = Map<String, Value>;

/// Fills in the defaults of one struct, and drops what the server does not store.
pub(crate) fn of_definition(definition: &str, fields: &mut Fields) {
    let Some(name) = definition.strip_prefix("io.k8s.api.") else { return };
    gated::drop(name, fields);
    let found = core::of(name)
        .or_else(|| pods::of(name))
        .or_else(|| service::of(name))
        .or_else(|| workloads::of(name))
        .or_else(|| batch::of(name))
        .or_else(|| autoscaling::of(name))
        .or_else(|| admission::of(name))
        .or_else(|| flowcontrol::of(name));
    if let Some(fill) = found {
        fill(fields);
    }
}

/// A default function.
type Fill = fn(&mut Fields);

/// Sets a field that is absent.
fn absent(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Sets a field that is absent, empty or zero: one that is no pointer in Go.
fn zero(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    let is_zero = match fields.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    if is_zero {
        fields.insert(name.to_owned(), value.into());
    }
}

/// A text field, empty if absent.
fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A struct inside, made if it is absent.
fn inner<'a>(fields: &'a mut Fields, name: &str) -> Option<&'a mut Fields> {
    fields.entry(name).or_insert_with(|| json!({})).as_object_mut()
}

/// The structs of a list.
fn each<'a>(fields: &'a mut Fields, name: &str) -> impl Iterator<Item = &'a mut Fields> {
    let list = fields.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests;
