//! CustomResourceDefinitions: their own defaults, validation and status, and the resources they define.
//!
//! A definition is served from the moment it is stored, under the names it asks for; its names cannot clash with another plural, because the plural is its own
//! name. The controller then accepts the names and establishes it, or refuses them, which ends the serving. Deleting it removes its objects first.
//!
//! Quirk: conversion by webhook is accepted and not called; objects are read in another version as they are, only `apiVersion` differs.

mod custom;
mod deletion;
mod names;
mod reconcile;
mod rules;
mod validate;

use std::sync::LazyLock;

use apimachinery::kinds::{CustomKind, CustomVersion, Scope};
use apimachinery::{GroupKind, GroupResource};
use serde_json::{Value, json};

use crate::resource::{Column, Origin, Resource, ScalePaths, ServedVersion};
use crate::space::Space;
use crate::status::{Answer, ApiError, Failure};

pub(crate) use custom::admit as admit_custom;
pub(crate) use deletion::mark_deleting;
pub(crate) use reconcile::{reconcile, waiting_for};

/// Where definitions are stored.
pub(crate) static DEFINITIONS: LazyLock<GroupResource> =
    LazyLock::new(|| GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions"));

/// Completes a definition before it is stored: defaults, validation, `storedVersions`. Called for create (`old` absent) and update of the
/// object itself, not of its status. What is said of the status is dropped.
///
/// # Errors
/// 422 with causes, as the server words them.
pub(crate) fn admit(_space: &Space, new: &mut Value, old: Option<&Value>) -> Answer<()> {
    fill_defaults(new);
    new["status"] = match old.and_then(|old| old.get("status")) {
        Some(status) => status.clone(),
        // What Go writes for an empty status.
        None => {
            json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": []})
        }
    };
    remember_storage_version(new);
    let causes = validate::definition(new, old);
    if causes.is_empty() {
        return Ok(());
    }
    let name = text(new, "/metadata/name").to_owned();
    Err(ApiError::invalid(&GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition"), &name, causes))
}

/// Admission of a create of a custom object: none while its definition is being deleted.
///
/// # Errors
/// 405, as the server says it.
pub(crate) fn admit_create(resource: &Resource) -> Answer<()> {
    if !matches!(resource.origin, Origin::Custom { terminating: true, .. }) {
        return Ok(());
    }
    Err(ApiError::new(Failure {
        code: 405,
        reason: "MethodNotAllowed",
        message: "create not allowed while custom resource definition is terminating".into(),
        group: resource.group.as_str().into(),
        kind: resource.plural.as_str().into(),
        ..Failure::default()
    }))
}

/// The defaults of the kind. Source: `apiextensions/v1/defaults.go`.
fn fill_defaults(definition: &mut Value) {
    if !definition["spec"].is_object() {
        return;
    }
    let kind = text(definition, "/spec/names/kind").to_owned();
    let spec = &mut definition["spec"];
    if !spec["names"].is_object() {
        return;
    }
    let names = &mut spec["names"];
    if text(names, "/singular").is_empty() {
        names["singular"] = json!(kind.to_lowercase());
    }
    if text(names, "/listKind").is_empty() && !kind.is_empty() {
        names["listKind"] = json!(format!("{kind}List"));
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
    if let Some(service) =
        spec.pointer_mut("/conversion/webhook/clientConfig/service").filter(|s| s.is_object())
        && service["port"].is_null()
    {
        service["port"] = json!(443);
    }
}

/// Every version that objects were ever stored in is remembered until somebody has migrated them.
fn remember_storage_version(definition: &mut Value) {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let storage = versions.into_iter().flatten().find(|version| version["storage"] == true);
    let Some(name) = storage.map(|version| version["name"].clone()) else { return };
    let stored = &mut definition["status"]["storedVersions"];
    match stored.as_array_mut() {
        Some(stored) if stored.contains(&name) => {}
        Some(stored) => stored.push(name),
        None => *stored = json!([name]),
    }
}

/// The resource that a stored definition defines; `None` while its names are refused. Called when a definition is committed and at open.
pub(crate) fn resource(definition: &Value) -> Option<Resource> {
    let established = condition(definition, "Established");
    let fresh = definition.pointer("/status/conditions").is_none_or(Value::is_null);
    if !fresh && established.is_none_or(|established| established["status"] != "True") {
        return None;
    }
    let mut named = definition.clone();
    if !fresh {
        named["spec"]["names"] = definition.pointer("/status/acceptedNames")?.clone();
    }
    let kind = CustomKind::from_crd(&named).ok()?;
    let terminating = condition(definition, "Terminating").is_some_and(|found| found["status"] == "True");
    let storage = kind.storage_version()?.name.clone();
    Some(Resource {
        versions: kind.versions.iter().map(|version| served(&kind, version)).collect(),
        origin: Origin::Custom { crd: text(definition, "/metadata/name").into(), terminating },
        singular: kind.singular.clone(),
        list_kind: kind.list_kind.as_str().into(),
        short_names: kind.short_names.clone(),
        categories: kind.categories.clone(),
        namespaced: kind.scope == Scope::Namespaced,
        group: kind.group,
        plural: kind.plural,
        kind: kind.kind,
        storage,
    })
}

fn served(kind: &CustomKind, version: &CustomVersion) -> ServedVersion {
    let scale = version.scale.as_ref().map(|scale| ScalePaths {
        spec_replicas: scale.spec_replicas.clone(),
        status_replicas: scale.status_replicas.clone(),
        selector: scale.label_selector.clone(),
    });
    let mut columns: Vec<Column> = version
        .columns
        .iter()
        .map(|column| Column {
            name: column.name.clone(),
            value_type: column.column_type.clone(),
            format: column.format.clone(),
            description: column.description.clone(),
            priority: i32::try_from(column.priority).unwrap_or(i32::MAX),
            json_path: column.json_path.clone(),
        })
        .collect();
    if columns.is_empty() {
        columns.push(age());
    }
    ServedVersion {
        version: version.name.clone(),
        served: version.served,
        schema: version.schema.clone(),
        status: version.status,
        scale,
        subresources: Vec::new(),
        columns,
        deprecation: deprecation(kind, version),
        selectable_fields: version.selectable_fields.clone(),
    }
}

/// The column of a kind that declares none.
fn age() -> Column {
    Column {
        name: "Age".into(),
        value_type: "date".into(),
        format: "".into(),
        description: "When the object was created.".into(),
        priority: 0,
        json_path: ".metadata.creationTimestamp".into(),
    }
}

/// The warning of a deprecated version: what its author wrote, else that it is deprecated and what is newer.
fn deprecation(kind: &CustomKind, version: &CustomVersion) -> Option<Box<str>> {
    let written = version.deprecation.as_ref()?;
    if !written.is_empty() {
        return Some(written.clone());
    }
    let warning = format!("{}/{} {} is deprecated", kind.group, version.name, kind.kind);
    // The preferred version stands first, so what stands before this one is newer.
    let newer = kind
        .versions
        .iter()
        .take_while(|other| other.name != version.name)
        .find(|other| other.served && other.deprecation.is_none());
    Some(match newer {
        Some(newer) => format!("{warning}; use {}/{} {}", kind.group, newer.name, kind.kind).into(),
        None => warning.into(),
    })
}

/// The condition of a type.
fn condition<'a>(definition: &'a Value, condition_type: &str) -> Option<&'a Value> {
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().find(|condition| condition["type"] == condition_type)
}

/// Sets a condition; its transition time changes with its status only.
fn set_condition(definition: &mut Value, mut new: Value, now: &str) {
    let conditions = &mut definition["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    let found = conditions.iter_mut().find(|condition| condition["type"] == new["type"]);
    new["lastTransitionTime"] = match &found {
        Some(old) if old["status"] == new["status"] => old["lastTransitionTime"].clone(),
        _ => json!(now),
    };
    match found {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
