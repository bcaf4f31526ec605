//! What the deletion by a controller makes of an object, and what still holds one.

use apimachinery::{GroupResource, Timestamp};
use serde_json::{Value, json};

use super::finalizers;
use crate::resource::Resource;
use crate::space::Next;
use crate::write::delete::{Step, step};
use crate::write::delete_options::{DeleteOptions, Propagation};

/// What a deletion makes of a stored object, as if somebody had asked for it. Without a propagation, finalizers that are there decide.
pub(crate) fn after_deletion(
    resource: &Resource,
    mut object: Value,
    propagation: Option<Propagation>,
    now: Timestamp,
) -> Next {
    let options = DeleteOptions { propagation, ..DeleteOptions::default() };
    match step(resource, &mut object, &options, now) {
        Step::Gone => Next::Gone(Some(object)),
        Step::Mark => Next::Put(object),
        Step::Keep => Next::Keep,
    }
}

/// Whether anything still keeps an object that is to be deleted: finalizers, the content of a namespace, the time that a pod has to end.
pub(crate) fn is_held(resource: &GroupResource, object: &Value) -> bool {
    let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
    let content = object.pointer("/spec/finalizers").and_then(Value::as_array);
    let grace = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
    is_namespace && content.is_some_and(|list| !list.is_empty())
        || !finalizers(object).is_empty()
        || grace.is_some_and(|seconds| seconds > 0)
}

/// The object without one finalizer.
pub(crate) fn without_finalizer(object: &Value, finalizer: &str) -> Value {
    let mut new = object.clone();
    let held: Vec<&str> = finalizers(object).into_iter().filter(|held| *held != finalizer).collect();
    if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
        if held.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers".into(), json!(held));
        }
    }
    new
}
