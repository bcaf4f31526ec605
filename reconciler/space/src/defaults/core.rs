//! Small kinds: Secret, Namespace, volumes' claims, RBAC, network policies, scheduling, storage.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Fields, Fill, absent, each, text, zero};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name {
        "core.v1.Secret" => secret,
        "core.v1.Namespace" => namespace,
        "core.v1.NamespaceStatus" => |fields| zero(fields, "phase", "Active"),
        "core.v1.NodeStatus" => node_status,
        "core.v1.PersistentVolumeStatus" | "core.v1.PersistentVolumeClaimStatus" => {
            |fields| zero(fields, "phase", "Pending")
        }
        "core.v1.PersistentVolumeSpec" => |fields| {
            zero(fields, "persistentVolumeReclaimPolicy", "Retain");
            absent(fields, "volumeMode", "Filesystem");
        },
        "core.v1.PersistentVolumeClaimSpec" => |fields| absent(fields, "volumeMode", "Filesystem"),
        "core.v1.LimitRangeItem" => limit_range_item,
        "core.v1.EndpointPort" => |fields| zero(fields, "protocol", "TCP"),
        "rbac.v1.RoleRef" => |fields| zero(fields, "apiGroup", RBAC),
        "rbac.v1.Subject" => |fields| {
            if matches!(text(fields, "kind"), "User" | "Group") {
                zero(fields, "apiGroup", RBAC);
            }
        },
        "networking.v1.NetworkPolicyPort" => |fields| absent(fields, "protocol", "TCP"),
        "networking.v1.NetworkPolicySpec" => network_policy,
        "networking.v1.IngressClassParametersReference" => |fields| absent(fields, "scope", "Cluster"),
        "discovery.v1.EndpointPort" => |fields| {
            absent(fields, "name", "");
            absent(fields, "protocol", "TCP");
        },
        "scheduling.v1.PriorityClass" => |fields| absent(fields, "preemptionPolicy", "PreemptLowerPriority"),
        "storage.v1.StorageClass" => |fields| {
            absent(fields, "reclaimPolicy", "Delete");
            absent(fields, "volumeBindingMode", "Immediate");
        },
        "storage.v1.CSIDriverSpec" => csi_driver,
        "resource.v1.ExactDeviceRequest" | "resource.v1.DeviceSubRequest" => |fields| {
            zero(fields, "allocationMode", "ExactCount");
            if text(fields, "allocationMode") == "ExactCount" {
                zero(fields, "count", 1);
            }
        },
        _ => return None,
    })
}

fn secret(fields: &mut Fields) {
    zero(fields, "type", "Opaque");
    // For writing only: what is stored is data.
    let Some(Value::Object(plain)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert_with(|| json!({}));
    for (key, value) in plain {
        data[key] = STANDARD.encode(value.as_str().unwrap_or_default()).into();
    }
}

fn namespace(fields: &mut Fields) {
    let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let name = text(metadata, "name").to_owned();
    if name.is_empty() {
        return;
    }
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    labels["kubernetes.io/metadata.name"] = name.into();
}

fn node_status(fields: &mut Fields) {
    if let Some(capacity) = fields.get("capacity").cloned() {
        absent(fields, "allocatable", capacity);
    }
}

fn limit_range_item(fields: &mut Fields) {
    if text(fields, "type") != "Container" {
        return;
    }
    for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let Some(Value::Object(source)) = fields.get(from).cloned() else { continue };
        let target = fields.entry(to).or_insert_with(|| json!({}));
        for (resource, quantity) in source {
            if target.get(&resource).is_none() {
                target[resource] = quantity;
            }
        }
    }
}

fn network_policy(fields: &mut Fields) {
    let has_egress = fields.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    zero(fields, "policyTypes", if has_egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
}

fn csi_driver(fields: &mut Fields) {
    absent(fields, "attachRequired", true);
    for flag in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
        absent(fields, flag, false);
    }
    absent(fields, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    zero(fields, "volumeLifecycleModes", json!(["Persistent"]));
}

/// Labels of a template become those of an object that has none.
pub(super) fn labels_of_template(fields: &mut Fields) {
    let labels = fields.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).cloned();
    let (Some(labels), Some(metadata)) = (labels, fields.get_mut("metadata").and_then(Value::as_object_mut))
    else {
        return;
    };
    let none = metadata.get("labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
    if none {
        metadata.insert("labels".into(), labels);
    }
}

/// Ports of containers that share the network of their node.
pub(super) fn host_ports(containers: &mut Fields, list: &str) {
    for container in each(containers, list) {
        for port in each(container, "ports") {
            if let Some(number) = port.get("containerPort").cloned() {
                zero(port, "hostPort", number);
            }
        }
    }
}
