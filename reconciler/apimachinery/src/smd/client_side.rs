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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, field: &str) -> Value {
        json!({
            "manager": manager, "operation": operation, "apiVersion": version, "time": "2026-11-20T11:13:11Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {field: {}}},
        })
    }

    #[track_caller]
    fn check(before: &Value, expected: &Value) {
        let mut managers = Managers::parse(before).unwrap();
        let changed = upgrade(&mut managers, "csa", "ssa", "");
        assert_eq!(&managers.to_value(), expected);
        assert_eq!(changed, before != expected);
    }

    #[test]
    fn an_updater_becomes_an_applier() {
        check(
            &json!([entry("csa", "Update", "v1", "f:a"), entry("x", "Update", "v1", "f:b")]),
            &json!([entry("ssa", "Apply", "v1", "f:a"), entry("x", "Update", "v1", "f:b")]),
        );
        check(&json!([entry("x", "Update", "v1", "f:a")]), &json!([entry("x", "Update", "v1", "f:a")]));
    }

    #[test]
    fn an_updater_joins_the_applier_that_is_there() {
        let mut joined = entry("ssa", "Apply", "v1", "f:a");
        joined["fieldsV1"]["f:spec"]["f:b"] = json!({});
        check(
            &json!([
                entry("ssa", "Apply", "v1", "f:a"),
                entry("csa", "Update", "v1", "f:b"),
                entry("csa", "Update", "v2", "f:c")
            ]),
            &json!([joined]),
        );
    }

    #[test]
    fn the_annotation_follows_what_is_applied() {
        let mut object = json!({"metadata": {"annotations": {LAST_APPLIED: "{}", "a": "b"}}});
        let config = json!({"kind": "K", "metadata": {"annotations": {LAST_APPLIED: "old", "x": "<"}}});
        renew_last_applied(&mut object, &config);
        let text = object["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap();
        assert_eq!(text, "{\"kind\":\"K\",\"metadata\":{\"annotations\":{\"x\":\"\\u003c\"}}}\n");
        assert_eq!(
            last_applied(&object),
            Some(json!({"kind": "K", "metadata": {"annotations": {"x": "<"}}}))
        );
        let mut large = json!({"data": "x".repeat(MAX_ANNOTATIONS_BYTES)});
        renew_last_applied(&mut object, &large);
        assert_eq!(object, json!({"metadata": {"annotations": {"a": "b"}}}));
        renew_last_applied(&mut large, &config);
        assert_eq!(last_applied(&large), None);
    }
}
