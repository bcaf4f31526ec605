//! What a deletion makes of an object, for all kinds. Pure; requests and controllers share it.

use apimachinery::GroupResource;
use serde_json::{Value, json};

use super::{FOREGROUND, ORPHAN, finalizers};
use crate::crd;
use crate::space::Next;

/// What becomes of the dependents: `propagationPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// They go after the owner.
    Background,
    /// They go before the owner.
    Foreground,
    /// They stay.
    Orphan,
}

impl Policy {
    /// Reads `propagationPolicy`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "Background" => Some(Self::Background),
            "Foreground" => Some(Self::Foreground),
            "Orphan" => Some(Self::Orphan),
            _ => None,
        }
    }
}

/// What a deletion makes of a stored object. `policy` is what the request says; without it, finalizers that are there decide, else it is the background. `now` is RFC 3339.
///
/// `Gone` carries the last state, which is answered; `Put` is an object that waits for its finalizers, with `deletionTimestamp`; `Keep` is one that was waiting already.
/// Namespaces wait for their content, definitions for their objects.
pub(crate) fn after_deletion(
    resource: &GroupResource,
    object: &Value,
    policy: Option<Policy>,
    now: &str,
) -> Next {
    let mut new = object.clone();
    if *resource == *crd::DEFINITIONS && !is_deleting(object) {
        crd::mark_deleting(&mut new, now);
    }
    set_policy_finalizers(&mut new, policy);
    if !is_held(resource, &new) {
        return Next::Gone(Some(new));
    }
    if !is_deleting(object) {
        mark(resource, &mut new, now);
    }
    if new == *object { Next::Keep } else { Next::Put(new) }
}

fn is_deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
}

/// Whether anything still keeps an object that is to be deleted.
pub(crate) fn is_held(resource: &GroupResource, object: &Value) -> bool {
    let content = is_namespace(resource)
        && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    content || !finalizers(object).is_empty()
}

fn is_namespace(resource: &GroupResource) -> bool {
    resource.group.is_empty() && resource.plural == "namespaces"
}

fn set_policy_finalizers(object: &mut Value, policy: Option<Policy>) {
    let mut held: Vec<String> = finalizers(object).into_iter().map(str::to_owned).collect();
    let had = |name: &str| finalizers(object).contains(&name);
    let (orphan, foreground) = match policy {
        Some(policy) => (policy == Policy::Orphan, policy == Policy::Foreground),
        None => (had(ORPHAN), had(FOREGROUND)),
    };
    for (name, wanted) in [(ORPHAN, orphan), (FOREGROUND, foreground)] {
        if !wanted {
            held.retain(|finalizer| finalizer != name);
        } else if !had(name) {
            held.push(name.to_owned());
        }
    }
    put_finalizers(object, held);
}

fn put_finalizers(object: &mut Value, held: Vec<String>) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if held.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".into(), json!(held));
    }
}

/// Marks an object as being deleted. The generation counts this as a change of what is wanted, where the kind has one; namespaces and definitions, whose
/// deletion is their own code upstream, only get the time.
fn mark(resource: &GroupResource, object: &mut Value, now: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("deletionTimestamp".into(), json!(now));
        if !is_namespace(resource) && *resource != *crd::DEFINITIONS {
            metadata.insert("deletionGracePeriodSeconds".into(), json!(0));
            if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|at| *at > 0)
            {
                metadata.insert("generation".into(), json!(generation + 1));
            }
        }
    }
    if is_namespace(resource) {
        object["status"]["phase"] = json!("Terminating");
    }
}

/// The object without one finalizer.
pub(crate) fn without_finalizer(object: &Value, finalizer: &str) -> Value {
    let mut new = object.clone();
    let held = finalizers(object).into_iter().filter(|held| *held != finalizer).map(str::to_owned).collect();
    put_finalizers(&mut new, held);
    new
}
