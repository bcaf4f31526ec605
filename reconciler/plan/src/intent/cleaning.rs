//! What never travels to a cluster.
//!
//! [`by_table`] is KubeStellar's table (`spec/kubestellar.md` 2.6) for stored objects of which nobody knows what was asked for. [`cleaned`] is the part of it
//! that holds for every intent; on purpose different from KubeStellar: creationTimestamp and deletionTimestamp go, `status` of kinds that keep
//! data there stays, declared traffic policies, affinity, families and node ports travel.

use apimachinery::kinds::Resource;
use serde_json::{Map, Value};

use super::LAST_APPLIED_ANNOTATION;
use crate::names::OUR_PREFIX;
use crate::status::{MULTI_LABEL, SINGLETON_LABEL};

/// Metadata that means something in one API server only.
const SERVER_METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotation of a Service: `nodeport` keeps allocated node ports.
const PRESERVE_ANNOTATION: &str = "control.kubestellar.io/preserve";

/// An intent without what never travels.
pub fn cleaned(mut object: Value, resource: Option<&Resource>) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !SERVER_METADATA.contains(&field.as_str()));
        // The unit's label travels, our annotations do not.
        retain(metadata, "annotations", |key| key != LAST_APPLIED_ANNOTATION && !key.starts_with(OUR_PREFIX));
        retain(metadata, "labels", |key| key != SINGLETON_LABEL && key != MULTI_LABEL);
    }
    let status_is_data = resource.is_some_and(|resource| resource.subresource("status").is_none());
    if let Some(map) = object.as_object_mut().filter(|_| !status_is_data) {
        map.remove("status");
    }
    if is(&object, "v1", "Service") {
        without_cluster_ip(&mut object);
    }
    object
}

/// KubeStellar's special rules for stored objects: allocations and defaults of Services, generated parts of Jobs.
pub fn by_table(mut object: Value) -> Value {
    if is(&object, "v1", "Service") {
        service(&mut object);
    }
    if is(&object, "batch/v1", "Job") {
        job(&mut object);
    }
    object
}

/// Removes a map of metadata that holds nothing.
pub(super) fn drop_empty(object: &mut Value, field: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get(field).and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        metadata.remove(field);
    }
}

fn is(object: &Value, api_version: &str, kind: &str) -> bool {
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    text("apiVersion") == Some(api_version) && text("kind") == Some(kind)
}

fn retain(metadata: &mut Map<String, Value>, field: &str, keep: impl Fn(&str) -> bool) {
    let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) else { return };
    map.retain(|key, _| keep(key));
    if map.is_empty() {
        metadata.remove(field);
    }
}

/// An address that one API server gave is wrong in any other; "no address" is something that was asked for.
fn without_cluster_ip(service: &mut Value) {
    let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let none = Value::from("None");
    if spec.get("clusterIP") != Some(&none) {
        spec.remove("clusterIP");
    }
    let headless = spec.get("clusterIPs").and_then(Value::as_array).is_some_and(|ips| ips.contains(&none));
    if headless {
        spec.insert("clusterIPs".to_owned(), Value::Array(vec![none]));
    } else {
        spec.remove("clusterIPs");
    }
}

fn service(service: &mut Value) {
    const DEFAULTED: &[&str] = &[
        "ipFamilies",
        "ipFamilyPolicy",
        "externalTrafficPolicy",
        "internalTrafficPolicy",
        "sessionAffinity",
    ];
    let preserve = service
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(PRESERVE_ANNOTATION))
        .and_then(Value::as_str)
        .is_some_and(|text| text.split(',').any(|word| word.trim() == "nodeport"));
    let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) else { return };
    spec.retain(|field, _| !DEFAULTED.contains(&field.as_str()));
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut).filter(|_| !preserve);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        port.remove("nodePort");
    }
}

fn job(job: &mut Value) {
    const LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
    if let Some(metadata) = job.get_mut("metadata").and_then(Value::as_object_mut) {
        retain(metadata, "annotations", |key| key != "batch.kubernetes.io/job-tracking");
        retain(metadata, "labels", |key| !LABELS.contains(&key));
    }
    if let Some(metadata) = job.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut) {
        retain(metadata, "labels", |key| !LABELS.contains(&key));
    }
    if let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("selector");
        spec.remove("suspend");
    }
}
