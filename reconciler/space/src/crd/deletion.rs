//! A definition goes after its objects.

use serde_json::{Value, json};

use super::set_condition;

/// Holds a definition until its objects are gone.
pub(super) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// What a deletion makes of a definition: the time of it, and a finalizer that holds the definition until its objects are gone. From then on no objects can
/// be created. `now` is RFC 3339.
pub(crate) fn mark_deleting(definition: &mut Value, now: &str) {
    definition["metadata"]["deletionTimestamp"] = json!(now);
    let finalizers = &mut definition["metadata"]["finalizers"];
    if !finalizers.is_array() {
        *finalizers = json!([]);
    }
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|finalizer| finalizer == FINALIZER)
    {
        finalizers.push(json!(FINALIZER));
    }
    let pending = json!({
        "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    });
    set_condition(definition, pending, now);
}
