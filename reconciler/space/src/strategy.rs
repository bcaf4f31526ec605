//! What the server does to an object of a kind when it is created or updated, beyond metadata: the `PrepareForCreate` and `PrepareForUpdate` of its strategy.
//!
//! Status is written through its own endpoint only, and the generation counts changes of what is wanted. Sources: `strategy.go` below `k8s.io/kubernetes/pkg/registry`, and
//! apiextensions' for custom kinds.

use apimachinery::Timestamp;
use apimachinery::smd::{FieldPath, FieldSet};
use serde_json::{Map, Value};

use crate::identity::Identity;
use crate::resource::Endpoint;
use crate::write::meta;

mod kinds;

pub(crate) use kinds::{creates_on_update, needs_version};

/// Fields that mean nothing in a write of this part, for the owners of fields.
pub(crate) fn reset_fields(endpoint: &Endpoint, subresource: &str) -> FieldSet {
    let top = |names: &[&str]| names.iter().map(|name| FieldPath::of_fields([*name])).collect();
    let custom = endpoint.resource.is_custom();
    match subresource {
        "" if endpoint.version().status => top(&["status"]),
        "status" if custom => top(&["spec"]),
        "status" if kinds::status_keeps_metadata(endpoint) => top(&["metadata", "spec"]),
        "status" if endpoint.resource.kind == "Deployment" => {
            [FieldPath::of_fields(["spec"]), FieldPath::of_fields(["metadata", "labels"])]
                .into_iter()
                .collect()
        }
        "status" => top(&["spec"]),
        _ => FieldSet::new(),
    }
}

/// What preparing needs besides the object.
pub(crate) struct Prepare<'a> {
    /// Who writes.
    pub(crate) identity: &'a Identity,
    /// When.
    pub(crate) now: Timestamp,
}

/// Prepares a new object, which is complete and has its name and uid.
pub(crate) fn prepare_create(endpoint: &Endpoint, object: &mut Value, with: &Prepare<'_>) {
    if endpoint.version().status {
        reset_status(endpoint, object, None);
    }
    if endpoint.resource.is_custom() || kinds::has_generation(endpoint) {
        meta::set(object, "generation", 1);
    } else {
        meta::remove(object, "generation");
    }
    kinds::prepare_create(endpoint, object, with);
}

/// Prepares an update of the object itself.
pub(crate) fn prepare_update(endpoint: &Endpoint, object: &mut Value, old: &Value) {
    if endpoint.version().status {
        reset_status(endpoint, object, Some(old));
    }
    kinds::prepare_update(endpoint, object, old);
}

/// Raises the generation if what is wanted has changed. The generation of the old object has been copied before.
pub(crate) fn count_generation(endpoint: &Endpoint, object: &mut Value, old: &Value) {
    let counts = if endpoint.resource.is_custom() {
        wanted_of_custom(endpoint, object) != wanted_of_custom(endpoint, old)
    } else {
        kinds::has_generation(endpoint) && kinds::wanted(endpoint, object) != kinds::wanted(endpoint, old)
    };
    let generation = meta::field(old, "generation").and_then(Value::as_i64);
    if counts {
        meta::set(object, "generation", generation.unwrap_or(0) + 1);
    }
}

/// Makes of an update of the status the object that is stored: everything else stays as it is.
pub(crate) fn prepare_status(endpoint: &Endpoint, object: &mut Value, old: &Value) {
    let status = object.get("status").cloned();
    let managers = meta::field(object, "managedFields").cloned();
    let metadata = object.get("metadata").cloned();
    let mut new = old.clone();
    match (status, new.as_object_mut()) {
        (Some(status), Some(fields)) => {
            fields.insert("status".into(), status);
        }
        (None, Some(fields)) => {
            fields.remove("status");
        }
        _ => {}
    }
    // Built-in kinds let annotations and finalizers through with a status, custom kinds do not.
    let keeps = endpoint.resource.is_custom() || kinds::status_keeps_metadata(endpoint);
    if let Some(metadata) = metadata.filter(|_| !keeps) {
        new["metadata"] = metadata;
        if endpoint.resource.kind == "Deployment" {
            meta::copy(old, &mut new, "labels");
        }
    }
    match managers {
        Some(managers) => meta::set(&mut new, "managedFields", managers),
        None => {
            meta::remove(&mut new, "managedFields");
        }
    }
    *object = new;
}

/// Undoes what a write of the object itself says about the status.
fn reset_status(endpoint: &Endpoint, object: &mut Value, old: Option<&Value>) {
    let Some(fields) = object.as_object_mut() else { return };
    match old {
        Some(old) => match old.get("status") {
            Some(status) => {
                fields.insert("status".into(), status.clone());
            }
            None => {
                fields.remove("status");
            }
        },
        None if endpoint.resource.is_custom() => {
            fields.remove("status");
        }
        None => {
            if let Some(status) = kinds::first_status(endpoint, fields) {
                fields.insert("status".into(), status);
            }
        }
    }
}

/// What counts as wanted in a custom object: everything but metadata, and the status if it has an endpoint of its own.
fn wanted_of_custom(endpoint: &Endpoint, object: &Value) -> Map<String, Value> {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    fields.remove("metadata");
    if endpoint.version().status {
        fields.remove("status");
    }
    fields
}
