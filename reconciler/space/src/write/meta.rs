//! `metadata`: what the client may say there, and what the server says. Intake has made sure that it is an object.

use apimachinery::clock::rfc3339_seconds;
use serde_json::{Map, Value};

use crate::ids;
use crate::resource::Endpoint;
use crate::space::Host;
use crate::status::{Answer, ApiError};

/// Longest name that `generateName` leaves room for, in bytes.
const MAX_GENERATED_BASE: usize = 58;

/// A field of the metadata.
pub(crate) fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get("metadata")?.get(name).filter(|value| !value.is_null())
}

/// A text in the metadata, empty if absent.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    field(object, name).and_then(Value::as_str).unwrap_or_default()
}

/// The entries of a list of texts.
pub(crate) fn texts<'a>(object: &'a Value, name: &str) -> Vec<&'a str> {
    let list = field(object, name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Sets a field of the metadata.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(metadata) = metadata(object) {
        metadata.insert(name.to_owned(), value.into());
    }
}

/// Removes a field of the metadata.
pub(crate) fn remove(object: &mut Value, name: &str) -> Option<Value> {
    metadata(object)?.remove(name)
}

/// Copies a field from one object to another, also its absence.
pub(crate) fn copy(from: &Value, to: &mut Value, name: &str) {
    match field(from, name) {
        Some(value) => set(to, name, value.clone()),
        None => {
            remove(to, name);
        }
    }
}

fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// Removes what only the server says. Source: `rest.WipeObjectMetaSystemFields`.
pub(crate) fn wipe(object: &mut Value) {
    let fields = ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];
    for field in fields {
        remove(object, field);
    }
}

/// Makes the namespace that of the path.
///
/// # Errors
/// 400 if the object names another one.
pub(crate) fn place(object: &mut Value, namespace: Option<&str>) -> Answer<()> {
    let own = text(object, "namespace");
    match namespace {
        Some(namespace) if own.is_empty() => set(object, "namespace", namespace),
        Some(namespace) if own != namespace => {
            let message =
                "the namespace of the provided object does not match the namespace sent on the request";
            return Err(ApiError::bad_request(message));
        }
        Some(_) => {}
        None => {
            remove(object, "namespace");
        }
    }
    Ok(())
}

/// A name for an object that only gave a prefix.
pub(crate) fn generate_name(object: &mut Value, host: &Host) {
    let prefix = text(object, "generateName");
    if prefix.is_empty() || !text(object, "name").is_empty() {
        return;
    }
    let mut end = prefix.len().min(MAX_GENERATED_BASE);
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    let name = format!("{}{}", &prefix[..end], ids::name_suffix(&*host.ids));
    set(object, "name", name);
}

/// What the server says of a new object.
pub(crate) fn stamp(object: &mut Value, host: &Host) {
    set(object, "uid", ids::uid(&*host.ids));
    set(object, "creationTimestamp", rfc3339_seconds(host.clock.now()));
}

/// What an update cannot change. Source: `rest.BeforeUpdate`.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    if text(new, "uid").is_empty() {
        copy(old, new, "uid");
    }
    for name in ["creationTimestamp", "generation", "selfLink", "generateName"] {
        // `generateName` may be left out by a client that only knows the name.
        if name != "generateName" || field(new, name).is_none() {
            copy(old, new, name);
        }
    }
    if field(old, "deletionTimestamp").is_some() {
        copy(old, new, "deletionTimestamp");
        if field(new, "deletionGracePeriodSeconds").is_none() {
            copy(old, new, "deletionGracePeriodSeconds");
        }
    } else {
        remove(new, "deletionTimestamp");
        remove(new, "deletionGracePeriodSeconds");
    }
}

/// Drops owner references that stand twice, and warns.
pub(crate) fn dedupe_owners(object: &mut Value, warnings: &mut Vec<String>) {
    let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) else {
        return;
    };
    let mut seen = Vec::new();
    let mut twice = Vec::new();
    owners.retain(|owner| {
        let is_new = !seen.contains(owner);
        if is_new {
            seen.push(owner.clone());
        } else if let Some(uid) = owner.get("uid").and_then(Value::as_str) {
            twice.push(uid.to_owned());
        }
        is_new
    });
    if !twice.is_empty() {
        warnings.push(format!(
            "metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, \
             and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        ));
    }
}

/// Checks that a body is about the object in the path.
///
/// # Errors
/// 400.
pub(crate) fn check_name(object: &Value, name: &str, namespace: Option<&str>) -> Answer<()> {
    let own = text(object, "name");
    if own != name {
        let message = format!("the name of the object ({own}) does not match the name on the URL ({name})");
        return Err(ApiError::bad_request(message));
    }
    let own = text(object, "namespace");
    if let Some(namespace) = namespace.filter(|namespace| !own.is_empty() && own != *namespace) {
        let message = format!(
            "the namespace of the object ({own}) does not match the namespace on the URL ({namespace})"
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// Checks `uid` and `resourceVersion` of a precondition against an object.
///
/// # Errors
/// 409, worded as `storage.Preconditions.Check`.
pub(crate) fn check_preconditions(endpoint: &Endpoint, object: &Value, wanted: &Value) -> Answer<()> {
    let (resource, name) = (endpoint.resource.group_resource(), text(object, "name"));
    for (field, title, short) in
        [("uid", "UID", "UID"), ("resourceVersion", "ResourceVersion", "ResourceVersion")]
    {
        let Some(wanted) = wanted.get(field).and_then(Value::as_str) else { continue };
        let own = text(object, field);
        if own != wanted {
            let detail = format!(
                "Precondition failed: {title} in precondition: {wanted}, {short} in object meta: {own}"
            );
            return Err(ApiError::conflict(&resource, name, &detail));
        }
    }
    Ok(())
}
