//! Between the versions of a kind. Objects are stored in one version and read in any that is served.
//!
//! Custom kinds have conversion strategy None: only `apiVersion` changes. Of the built-in kinds that are served in two versions, HorizontalPodAutoscaler
//! changes its shape; events are one resource under two groups.

use apimachinery::{GroupVersion, GroupVersionKind};
use serde_json::Value;

use crate::resource::Endpoint;
use crate::space::Stored;

mod autoscaling;
mod events;

/// A stored object in the endpoint's version.
pub(crate) fn read(endpoint: &Endpoint, stored: &Stored) -> Value {
    let mut object = stored.object.to_value();
    let wanted = endpoint.gvk();
    if stored.object.header().gvk == wanted {
        return object;
    }
    to_version(&mut object, &stored.object.header().gvk, &wanted);
    object
}

/// A stored object in the version that is stored now: the definition of a custom kind may have had another one before.
pub(crate) fn to_storage(endpoint: &Endpoint, stored: &Stored) -> Value {
    let mut object = stored.object.to_value();
    object["apiVersion"] = endpoint.stored_gvk().api_version().into();
    object
}

/// An object in the storage version in the endpoint's version.
pub(crate) fn of_stored(endpoint: &Endpoint, object: &Value) -> Value {
    let mut object = object.clone();
    to_version(&mut object, &endpoint.stored_gvk(), &endpoint.gvk());
    object
}

/// Changes a stored object into a version.
fn to_version(object: &mut Value, stored: &GroupVersionKind, wanted: &GroupVersionKind) {
    if stored == wanted {
        return;
    }
    match (wanted.group.as_str(), wanted.version.as_str(), wanted.kind.as_str()) {
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => autoscaling::to_v1(object),
        ("events.k8s.io", "v1", "Event") => events::to_events_v1(object),
        _ => {}
    }
    object["apiVersion"] = wanted.api_version().into();
}

/// An object of the endpoint's kind in another of its versions; `None` for one that it does not have.
pub(crate) fn between(endpoint: &Endpoint, object: &Value, api_version: &str) -> Option<Value> {
    let version = GroupVersion::parse(api_version).version;
    let index = endpoint.resource.versions.iter().position(|known| known.version == version)?;
    let mut object = object.clone();
    write(endpoint, &mut object);
    let other = endpoint.in_version(index);
    let stored = endpoint.stored_gvk();
    to_version(&mut object, &stored, &other.gvk());
    Some(object)
}

/// An object in the endpoint's version, as it is stored.
pub(crate) fn write(endpoint: &Endpoint, object: &mut Value) {
    let wanted = endpoint.gvk();
    match (wanted.group.as_str(), wanted.version.as_str(), wanted.kind.as_str()) {
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => autoscaling::from_v1(object),
        ("events.k8s.io", "v1", "Event") => events::from_events_v1(object),
        _ => {}
    }
    object["apiVersion"] = endpoint.stored_gvk().api_version().into();
}
