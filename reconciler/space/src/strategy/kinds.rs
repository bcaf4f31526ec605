//! What is particular to single built-in kinds.

use std::collections::BTreeMap;

use apimachinery::clock::rfc3339_seconds;
use apimachinery::quantity::Quantity;
use serde_json::{Map, Value, json};

use super::Prepare;
use crate::resource::Endpoint;
use crate::write::meta;
use crate::{allocate, normal};

/// The annotation that counts changes of the template of a DaemonSet.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Group and kind as texts.
fn kind(endpoint: &Endpoint) -> (&str, &str) {
    (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str())
}

/// Whether objects have a generation.
pub(super) fn has_generation(endpoint: &Endpoint) -> bool {
    matches!(
        kind(endpoint),
        ("", "Pod" | "PodTemplate" | "ReplicationController")
            | ("apps", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet")
            | ("batch", "CronJob" | "Job")
            | ("networking.k8s.io", "Ingress" | "IngressClass" | "NetworkPolicy")
            | ("policy", "PodDisruptionBudget")
            | ("scheduling.k8s.io", "PriorityClass")
            | ("discovery.k8s.io", "EndpointSlice")
            | ("resource.k8s.io", "DeviceClass" | "ResourceSlice")
            | ("flowcontrol.apiserver.k8s.io" | "admissionregistration.k8s.io", _)
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

/// What counts for the generation.
pub(super) fn wanted<'a>(endpoint: &Endpoint, object: &'a Value) -> Vec<Option<&'a Value>> {
    let field = |name: &str| object.get(name);
    match kind(endpoint) {
        ("apps", "Deployment") => vec![field("spec"), meta::field(object, "annotations")],
        ("discovery.k8s.io", "EndpointSlice") => {
            vec![field("endpoints"), field("ports"), field("addressType"), meta::field(object, "labels")]
        }
        ("", "PodTemplate") => vec![field("template")],
        ("admissionregistration.k8s.io", _) => vec![field("webhooks"), field("spec")],
        ("scheduling.k8s.io", _) => Vec::new(),
        _ => vec![field("spec")],
    }
}

/// Whether the status endpoint ignores all metadata.
pub(super) fn status_keeps_metadata(endpoint: &Endpoint) -> bool {
    matches!(
        kind(endpoint),
        ("resource.k8s.io" | "flowcontrol.apiserver.k8s.io" | "apiextensions.k8s.io", _)
            | ("storage.k8s.io", "VolumeAttachment")
    )
}

/// Whether a PUT of an absent object makes it.
pub(crate) fn creates_on_update(endpoint: &Endpoint) -> bool {
    matches!(
        kind(endpoint),
        ("rbac.authorization.k8s.io" | "coordination.k8s.io" | "node.k8s.io", _)
            | ("", "LimitRange" | "Event" | "Service" | "Endpoints")
            | ("events.k8s.io", "Event")
    )
}

/// Whether an update must say which version it is based on.
pub(crate) fn needs_version(endpoint: &Endpoint) -> bool {
    endpoint.resource.is_custom()
        || matches!(
            kind(endpoint),
            (
                "node.k8s.io"
                    | "coordination.k8s.io"
                    | "admissionregistration.k8s.io"
                    | "apiextensions.k8s.io",
                _
            ) | ("policy", "PodDisruptionBudget")
                | ("storage.k8s.io", "CSIDriver" | "CSIStorageCapacity" | "VolumeAttachment" | "CSINode")
        )
}

/// The status of a new object: what Go's zero value is after decoding.
pub(super) fn first_status(endpoint: &Endpoint, object: &Map<String, Value>) -> Option<Value> {
    // Nodes bring their status along.
    if kind(endpoint) == ("", "Node") {
        return object.get("status").cloned();
    }
    let schema = endpoint.version().schema.as_ref()?.schema();
    let mut status = json!({});
    normal::built_in(schema.properties.get("status")?.link(), &mut status);
    Some(status)
}

/// Prepares a new object.
pub(super) fn prepare_create(endpoint: &Endpoint, object: &mut Value, with: &Prepare<'_>) {
    match kind(endpoint) {
        ("", "Namespace") => namespace(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => data_source(object),
        ("", "PersistentVolume") => {
            object["status"]["phase"] = "Pending".into();
            object["status"]["lastPhaseTransitionTime"] = rfc3339_seconds(with.now).into();
        }
        ("batch", "Job") => job(object),
        ("apps", "DaemonSet") => set_annotation(object, TEMPLATE_GENERATION, "1"),
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            object["spec"]["username"] = with.identity.user.as_str().into();
            object["spec"]["groups"] = with.identity.groups.clone().into();
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("uid");
                spec.remove("extra");
            }
        }
        _ => {}
    }
}

/// Prepares an update.
pub(super) fn prepare_update(endpoint: &Endpoint, object: &mut Value, old: &Value) {
    match kind(endpoint) {
        ("", "Namespace") => object["spec"]["finalizers"] = old["spec"]["finalizers"].clone(),
        ("", "Service") => allocate::keep(object, old),
        ("", "PersistentVolumeClaim") => data_source(object),
        ("certificates.k8s.io", "CertificateSigningRequest") => object["spec"] = old["spec"].clone(),
        ("apps", "DaemonSet") => {
            let count =
                meta::field(old, "annotations").and_then(|all| all.get(TEMPLATE_GENERATION)?.as_str());
            let count = count.and_then(|count| count.parse::<i64>().ok()).unwrap_or(1);
            let changed = object.pointer("/spec/template") != old.pointer("/spec/template");
            set_annotation(object, TEMPLATE_GENERATION, &(count + i64::from(changed)).to_string());
        }
        _ => {}
    }
}

/// What a claim is filled from has two fields: an old one that takes claims and snapshots, and one for anything. What the old one does not take, it loses; then either
/// sets the other, unless the source is in another namespace.
fn data_source(claim: &mut Value) {
    let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let is_taken = |source: &Value| {
        let text = |field: &str| source.get(field).and_then(Value::as_str).unwrap_or_default();
        matches!(
            (text("apiGroup"), text("kind")),
            ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
        )
    };
    if !spec.get("dataSource").is_some_and(is_taken) {
        spec.remove("dataSource");
    }
    let namespaced = |source: &Value| source["namespace"].as_str().is_some_and(|name| !name.is_empty());
    match (spec.get("dataSource").cloned(), spec.get("dataSourceRef").cloned()) {
        (Some(source), None) => {
            spec.insert("dataSourceRef".to_owned(), source);
        }
        (None, Some(source)) if !namespaced(&source) => {
            spec.insert("dataSource".to_owned(), source);
        }
        _ => {}
    }
}

fn set_annotation(object: &mut Value, key: &str, value: &str) {
    let mut annotations = meta::field(object, "annotations").cloned().unwrap_or_else(|| json!({}));
    annotations[key] = value.into();
    meta::set(object, "annotations", annotations);
}

fn namespace(object: &mut Value) {
    let mut finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
        finalizers.push("kubernetes".into());
    }
    object["spec"]["finalizers"] = finalizers.into();
    object["status"] = json!({ "phase": "Active" });
    // A generated name was not known when defaults were filled in.
    let name = meta::text(object, "name").to_owned();
    let mut labels = meta::field(object, "labels").cloned().unwrap_or_else(|| json!({}));
    labels["kubernetes.io/metadata.name"] = name.into();
    meta::set(object, "labels", labels);
}

fn pod(object: &mut Value) {
    let class = quality_of_service(object);
    let mut status = json!({ "phase": "Pending", "qosClass": class });
    let gated = object["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
    if gated {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": null,
        }]);
    }
    object["status"] = status;
}

/// Guaranteed: limits of CPU and memory everywhere, requests equal to them; BestEffort: neither anywhere; Burstable otherwise.
fn quality_of_service(pod: &Value) -> &'static str {
    let lists = ["containers", "initContainers"].map(|list| pod["spec"][list].as_array());
    let containers: Vec<&Value> = lists.into_iter().flatten().flatten().collect();
    let mut guaranteed = !containers.is_empty();
    let mut any = false;
    for container in containers {
        let amounts = |kind: &str| -> BTreeMap<&str, Quantity> {
            let list = container["resources"][kind].as_object();
            let entries = list.into_iter().flatten();
            let entries = entries.filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory"));
            entries
                .filter_map(|(name, value)| Some((name.as_str(), Quantity::from_json(value)?.ok()?)))
                .filter(|(_, quantity)| !quantity.is_zero())
                .collect()
        };
        let (requests, limits) = (amounts("requests"), amounts("limits"));
        any |= !requests.is_empty() || !limits.is_empty();
        let same = limits.len() == 2
            && requests.iter().all(|(name, request)| {
                limits.get(name).is_some_and(|limit| limit.canonical() == request.canonical())
            });
        guaranteed &= same;
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Labels and selector by which a Job finds its pods, unless it chose its own.
fn job(object: &mut Value) {
    if object["spec"]["manualSelector"] == true {
        return;
    }
    let (name, uid) = (meta::text(object, "name").to_owned(), meta::text(object, "uid").to_owned());
    let labels_are_defaults = has_labels_of_template(object);
    let template = &mut object["spec"]["template"];
    if !template["metadata"].is_object() {
        template["metadata"] = json!({});
    }
    let labels = &mut template["metadata"]["labels"];
    for (key, value) in [
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
    ] {
        if labels.get(key).is_none() {
            labels[key] = value.as_str().into();
        }
    }
    let labels = labels.clone();
    if labels_are_defaults {
        meta::set(object, "labels", labels);
    }
    let key = "batch.kubernetes.io/controller-uid";
    let selector = &mut object["spec"]["selector"]["matchLabels"];
    if selector.get(key).is_none() {
        selector[key] = uid.into();
    }
}

/// Whether a Job has the labels of its template by default, not because its author said so: then both are one map in Go, and grow together. An author who
/// applies owns the labels; of one who does not, equal labels are taken for defaults.
fn has_labels_of_template(job: &Value) -> bool {
    let own =
        meta::field(job, "labels").filter(|labels| labels.as_object().is_some_and(|map| !map.is_empty()));
    let Some(own) = own else { return true };
    let managers = meta::field(job, "managedFields").and_then(Value::as_array);
    let applied = managers.into_iter().flatten().any(|entry| {
        entry["operation"] == "Apply" && entry.pointer("/fieldsV1/f:metadata/f:labels").is_some()
    });
    !applied && job.pointer("/spec/template/metadata/labels") == Some(own)
}
