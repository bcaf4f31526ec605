//! The scale subresource: `autoscaling/v1 Scale` from and to an object.

use apimachinery::selector::Selector;
use apimachinery::{GroupKind, GroupVersionKind};
use serde_json::{Map, Value, json};

use crate::resource::{Endpoint, ScalePaths};
use crate::status::{Answer, ApiError, Cause};

/// The Scale of an object.
///
/// # Errors
/// When the object says no number of replicas, or its selector cannot be read.
pub(crate) fn read(endpoint: &Endpoint, object: &Value) -> Answer<Value> {
    let paths = paths(endpoint)?;
    let replicas = match number(object, &paths.spec_replicas) {
        Some(replicas) => replicas,
        None if endpoint.resource.is_custom() => {
            let detail = format!("the spec replicas field {:?} does not exist", paths.spec_replicas);
            return Err(ApiError::internal(&detail));
        }
        None => 0,
    };
    let mut spec = Map::new();
    if replicas != 0 {
        spec.insert("replicas".into(), json!(replicas));
    }
    let mut status = Map::new();
    status.insert("replicas".into(), json!(number(object, &paths.status_replicas).unwrap_or_default()));
    let selector = selector(paths, object)?;
    if !selector.is_empty() {
        status.insert("selector".into(), json!(selector));
    }
    let fields = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let metadata: Map<String, Value> = fields
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), object.get("metadata")?.get(field)?.clone())))
        .collect();
    Ok(json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status,
    }))
}

/// Writes `spec.replicas` of a Scale into the object.
///
/// # Errors
/// 422 with causes, 400 for another kind.
pub(crate) fn write(endpoint: &Endpoint, object: &mut Value, scale: &Value) -> Answer<()> {
    let paths = paths(endpoint)?;
    let text = |field: &str| scale.get(field).and_then(Value::as_str).unwrap_or_default();
    if text("kind") != "Scale" || text("apiVersion") != "autoscaling/v1" {
        let given = GroupVersionKind::new("", text("apiVersion"), text("kind"));
        let message = format!("expected a Scale of autoscaling/v1, got {} of {}", given.kind, given.version);
        return Err(ApiError::bad_request(message));
    }
    let replicas = match scale.pointer("/spec/replicas") {
        None | Some(Value::Null) => 0,
        Some(value) => {
            value.as_i64().ok_or_else(|| ApiError::bad_request("spec.replicas is not a whole number"))?
        }
    };
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        let name = scale.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        return Err(ApiError::invalid(&GroupKind::new("autoscaling", "Scale"), name, vec![cause]));
    }
    set(object, &paths.spec_replicas, json!(replicas));
    Ok(())
}

fn paths(endpoint: &Endpoint) -> Answer<&ScalePaths> {
    endpoint.version().scale.as_ref().ok_or_else(ApiError::no_such_resource)
}

/// The fields of `.spec.replicas`.
fn fields(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('.').split('.')
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    fields(path).try_fold(object, |value, field| value.get(field))
}

fn number(object: &Value, path: &str) -> Option<i64> {
    at(object, path)?.as_i64()
}

/// Objects on the way are made if need be.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for field in fields(path) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[field];
    }
    *place = value;
}

/// The selector as text: it is one already (custom kinds), a map of labels, or a LabelSelector.
fn selector(paths: &ScalePaths, object: &Value) -> Answer<String> {
    let Some(found) = paths.selector.as_deref().and_then(|path| at(object, path)) else {
        return Ok(String::new());
    };
    let structured = match found {
        Value::String(text) => return Ok(text.clone()),
        Value::Object(map) if map.values().all(Value::is_string) => json!({"matchLabels": map}),
        other => other.clone(),
    };
    let selector = Selector::from_label_selector(&structured);
    selector.map(|selector| selector.to_string()).map_err(|error| ApiError::bad_request(error.to_string()))
}
