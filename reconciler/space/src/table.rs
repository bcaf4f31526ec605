//! The Table form of objects (`Accept: application/json;as=Table;v=v1;g=meta.k8s.io`), which is what `kubectl get` prints.
//!
//! The columns and cells of built-in kinds are those of Kubernetes 1.35 (`pkg/printers/internalversion`, always in the wide form: the client hides
//! columns of priority 1); a custom kind gets its `additionalPrinterColumns`. Everything here is a pure function of objects and the time.

mod age;
mod autoscaling;
mod cluster;
mod config;
mod custom;
mod network;
mod pod;
mod policy;
mod read;
mod storage;
mod workload;

use apimachinery::{GroupKind, Timestamp};
use serde_json::{Value, json};

use crate::resource::Endpoint;

use read::{since, text};

/// What a row holds of its object: `?includeObject=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    None,
    /// PartialObjectMetadata.
    Metadata,
    /// The whole object.
    Object,
}

/// `columnDefinitions`.
pub(crate) fn columns(endpoint: &Endpoint) -> Vec<Value> {
    if endpoint.resource.is_custom() {
        return custom::columns(&endpoint.version().columns);
    }
    printer(&endpoint.resource.group_kind()).columns.iter().map(Column::definition).collect()
}

/// `columnDefinitions` of a Scale, which is what the scale subresource answers.
pub(crate) fn scale_columns() -> Vec<Value> {
    autoscaling::SCALE.columns.iter().map(Column::definition).collect()
}

/// One entry of `rows` for an object in the endpoint's version. `now` is for ages.
pub(crate) fn row(endpoint: &Endpoint, object: &Value, include: IncludeObject, now: Timestamp) -> Value {
    if endpoint.resource.is_custom() {
        return assembled(&custom::cells(&endpoint.version().columns, object, now), object, include);
    }
    let kind = endpoint.resource.group_kind();
    let mut row = assembled(&(printer(&kind).cells)(object, now), object, include);
    if kind.kind == "Pod"
        && let Some(conditions) = pod::row_conditions(object)
    {
        row["conditions"] = conditions;
    }
    row
}

/// The row of a Scale.
pub(crate) fn scale_row(scale: &Value, include: IncludeObject, now: Timestamp) -> Value {
    assembled(&(autoscaling::SCALE.cells)(scale, now), scale, include)
}

fn assembled(cells: &[Value], object: &Value, include: IncludeObject) -> Value {
    let included = match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object.get("metadata").cloned().unwrap_or_else(|| json!({})),
        }),
    };
    json!({"cells": cells, "object": included})
}

/// How a built-in kind is shown: its columns, and as many cells of an object. Ages are relative to the time.
struct Printer {
    columns: &'static [Column],
    cells: fn(&Value, Timestamp) -> Vec<Value>,
}

/// A column of a built-in kind.
struct Column {
    name: &'static str,
    value_type: &'static str,
    /// `name` marks the column that holds the object's name.
    format: &'static str,
    priority: u8,
}

/// The column of the object's name.
const NAME: Column = Column { name: "Name", value_type: "string", format: "name", priority: 0 };
/// The column of the time since creation.
const AGE: Column = string("Age");

const fn string(name: &'static str) -> Column {
    Column { name, value_type: "string", format: "", priority: 0 }
}

const fn integer(name: &'static str) -> Column {
    Column { name, value_type: "integer", format: "", priority: 0 }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, value_type: "boolean", format: "", priority: 0 }
}

/// A column that is shown with `-o wide` only.
const fn wide(name: &'static str) -> Column {
    Column { name, value_type: "string", format: "", priority: 1 }
}

impl Column {
    /// One of `columnDefinitions`. Descriptions are empty: kubectl does not show them.
    fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "type": self.value_type,
            "format": self.format,
            "description": "",
            "priority": self.priority,
        })
    }
}

/// Kinds that have no printer of their own upstream: roles, limit ranges, CRDs.
static DEFAULT: Printer = Printer {
    columns: &[NAME, Column { name: "Created At", value_type: "date", format: "", priority: 0 }],
    cells: |object, _| vec![name(object), json!(text(object, &["metadata", "creationTimestamp"]))],
};

/// Kinds of which only the name and the age are shown.
static NAME_AND_AGE: Printer =
    Printer { columns: &[NAME, AGE], cells: |object, now| vec![name(object), age(object, now)] };

/// The printer of a built-in kind, whatever the version.
fn printer(kind: &GroupKind) -> &'static Printer {
    let (group, kind) = (kind.group.as_str(), kind.kind.as_str());
    pod::printer(group, kind)
        .or_else(|| workload::printer(group, kind))
        .or_else(|| network::printer(group, kind))
        .or_else(|| config::printer(group, kind))
        .or_else(|| storage::printer(group, kind))
        .or_else(|| cluster::printer(group, kind))
        .or_else(|| autoscaling::printer(group, kind))
        .or_else(|| policy::printer(group, kind))
        .unwrap_or(&DEFAULT)
}

/// The cell of the object's name.
fn name(object: &Value) -> Value {
    json!(text(object, &["metadata", "name"]))
}

/// The cell of the time since creation.
fn age(object: &Value, now: Timestamp) -> Value {
    json!(since(object, &["metadata", "creationTimestamp"], now))
}

#[cfg(test)]
mod tests;
