//! Claims and volumes that are in use are not deleted: the finalizers of the admission plugin StorageObjectInUseProtection, and the controllers that take them away.

use std::sync::Arc;

use apimachinery::{GroupResource, Object};
use serde_json::{Value, json};

use crate::gc;
use crate::resource::Endpoint;
use crate::space::{Next, Place, Space};
use crate::status::Answer;
use crate::write::meta;

const OF_CLAIM: &str = "kubernetes.io/pvc-protection";
const OF_VOLUME: &str = "kubernetes.io/pv-protection";

/// The finalizer that protects objects of a resource.
fn finalizer(resource: &GroupResource) -> Option<&'static str> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "persistentvolumeclaims") => Some(OF_CLAIM),
        ("", "persistentvolumes") => Some(OF_VOLUME),
        _ => None,
    }
}

/// Protects a new object.
pub(crate) fn on_create(endpoint: &Endpoint, object: &mut Value) {
    let Some(finalizer) = finalizer(&endpoint.resource.group_resource()) else { return };
    let mut finalizers = meta::texts(object, "finalizers");
    if !finalizers.contains(&finalizer) {
        finalizers.push(finalizer);
        let finalizers = json!(finalizers);
        meta::set(object, "finalizers", finalizers);
    }
}

/// Whether an object is being deleted and may only wait for this.
pub(crate) fn waits(place: &Place, object: &Object) -> bool {
    object.header().deleting && finalizer(&place.resource).is_some()
}

/// The claims that a pod uses.
pub(crate) fn claims_of(pod: &Place, object: &Object) -> Vec<Place> {
    if !(pod.resource.group.is_empty() && pod.resource.plural == "pods") {
        return Vec::new();
    }
    let object = object.to_value();
    let volumes = object.pointer("/spec/volumes").and_then(Value::as_array);
    let names = volumes.into_iter().flatten().filter_map(|volume| {
        volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str).map(str::to_owned)
    });
    let claims = GroupResource::new("", "persistentvolumeclaims");
    names.map(|name| Place::new(claims.clone(), pod.namespace.as_deref(), &name)).collect()
}

/// Takes the protection from an object that is being deleted and not in use; with its last finalizer it goes.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn release(space: &Arc<Space>, place: &Place) -> Answer<()> {
    let Some(finalizer) = finalizer(&place.resource) else { return Ok(()) };
    let released = space.change(place, |stored| {
        let Some(stored) = stored.filter(|stored| stored.object.header().deleting) else {
            return Ok(Next::Keep);
        };
        let object = stored.object.to_value();
        if !gc::finalizers(&object).contains(&finalizer) || in_use(space, place, &object) {
            return Ok(Next::Keep);
        }
        let object = gc::without_finalizer(&object, finalizer);
        let held = gc::is_held(&place.resource, &object);
        Ok(if held { Next::Put(object) } else { Next::Gone(Some(object)) })
    });
    released.await.map(drop)
}

/// A claim is used by pods that have not ended, a volume by the claim that it is bound to.
fn in_use(space: &Space, place: &Place, object: &Value) -> bool {
    if place.resource.plural == "persistentvolumes" {
        return object.pointer("/status/phase").and_then(Value::as_str) == Some("Bound");
    }
    let pods = GroupResource::new("", "pods");
    space.list(&pods, place.namespace.as_deref()).items.iter().any(|stored| {
        let name = stored.object.header().name.as_str();
        let pod = Place::new(pods.clone(), place.namespace.as_deref(), name);
        let ended = || {
            let value = stored.object.to_value();
            matches!(value.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
        };
        claims_of(&pod, &stored.object).contains(place) && !ended()
    })
}
