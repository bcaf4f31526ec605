//! The hand-over from client-side `kubectl apply`, which keeps its last configuration in an annotation and writes as an Update manager, to server-side
//! apply.

use serde_json::Value;

use super::managed::{Managed, ManagerId, Managers, Operation};
use super::set::FieldSet;
use super::shape::Shape;
use super::typed::{Duplicates, compare, to_field_set, validate};
use crate::goprint;

/// The annotation in which `kubectl apply` keeps what it applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Most bytes of keys and values that the annotations of an object may have together.
const MAX_ANNOTATIONS_BYTES: usize = 256 * 1024;

/// The configuration in the annotation, if there is one and it is JSON.
pub fn last_applied(object: &Value) -> Option<Value> {
    serde_json::from_str(last_applied_text(object)?).ok()
}

fn last_applied_text(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str().filter(|text| !text.is_empty())
}

/// The fields that client-side apply set and nobody has changed since.
pub(super) fn unchanged_last_applied(live: &Value, api_version: &str, shape: Shape<'_>) -> Option<FieldSet> {
    let last = last_applied(live)?;
    let fits = |object: &Value| validate(object, shape, Duplicates::Refused).is_ok();
    if last.get("apiVersion").and_then(Value::as_str) != Some(api_version) || !fits(&last) || !fits(live) {
        return None;
    }
    let change = compare(&last, live, shape).ok()?;
    let fields = to_field_set(&last, shape);
    Some(fields.difference(&change.modified).difference(&change.added).difference(&change.removed))
}

/// Keeps the annotation in step with what `kubectl apply --server-side` applied, so that a client-side apply afterwards knows what it may remove. Does nothing where
/// there is no annotation, and takes it away where it would be too large.
pub(super) fn renew_last_applied(object: &mut Value, config: &Value) {
    if last_applied_text(object).is_none() {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    // The server's encoder ends the text with a newline.
    let text = goprint::json(&config) + "\n";
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.insert(LAST_APPLIED.to_owned(), text.into());
    let size: usize = annotations.iter().map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS_BYTES {
        annotations.remove(LAST_APPLIED);
    }
}

/// Turns what `updater` wrote without server-side apply into something that `applier` applied, so that what `applier` leaves out next time goes.
///
/// Fields that `updater` wrote in another version than the applier's entry are given up, as by kubectl. Returns whether anything changed; the entries belong into the object
/// with a precondition on its resourceVersion.
pub fn upgrade(managers: &mut Managers, updater: &str, applier: &str, subresource: &str) -> bool {
    let is_updater = |id: &ManagerId| {
        id.operation == Operation::Update && id.manager == updater && id.subresource == subresource
    };
    let written: Vec<(ManagerId, Managed)> = managers
        .sorted()
        .into_iter()
        .filter(|(id, _)| is_updater(id))
        .map(|(id, managed)| (id.clone(), managed.clone()))
        .collect();
    let Some((_, oldest)) = written.first() else { return false };
    let id = ManagerId::applier(applier, subresource);
    let target = managers.get(&id).unwrap_or(oldest).clone();
    let same_version = written.iter().find(|(_, managed)| managed.api_version == target.api_version);
    let fields = same_version.map_or(target.fields.clone(), |(_, m)| target.fields.union(&m.fields));
    for (id, _) in &written {
        managers.remove(id);
    }
    managers.set(id, Managed { fields, ..target });
    true
}
