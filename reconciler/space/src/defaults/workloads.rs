//! Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController.

use serde_json::{Value, json};

use super::core::labels_of_template;
use super::{Fields, Fill, absent, each, inner, text, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name {
        "apps.v1.DeploymentSpec" => deployment,
        "apps.v1.ReplicaSetSpec" => |fields| absent(fields, "replicas", 1),
        "apps.v1.StatefulSetSpec" => stateful_set,
        "apps.v1.DaemonSetSpec" => daemon_set,
        "apps.v1.DaemonSet" => template_generation,
        "core.v1.ReplicationControllerSpec" => |fields| absent(fields, "replicas", 1),
        "core.v1.ReplicationController" => replication_controller,
        _ => return None,
    })
}

fn deployment(fields: &mut Fields) {
    absent(fields, "replicas", 1);
    if let Some(strategy) = inner(fields, "strategy") {
        zero(strategy, "type", "RollingUpdate");
        rolling_update(strategy, &[("maxUnavailable", json!("25%")), ("maxSurge", json!("25%"))]);
    }
    absent(fields, "revisionHistoryLimit", 10);
    absent(fields, "progressDeadlineSeconds", 600);
}

fn daemon_set(fields: &mut Fields) {
    if let Some(strategy) = inner(fields, "updateStrategy") {
        zero(strategy, "type", "RollingUpdate");
        rolling_update(strategy, &[("maxUnavailable", json!(1)), ("maxSurge", json!(0))]);
    }
    absent(fields, "revisionHistoryLimit", 10);
}

/// Conversion writes the count of template changes as an annotation, also before anything is counted.
fn template_generation(fields: &mut Fields) {
    if let Some(annotations) = inner(fields, "metadata").and_then(|metadata| inner(metadata, "annotations")) {
        zero(annotations, "deprecated.daemonset.template.generation", "0");
    }
}

fn rolling_update(strategy: &mut Fields, defaults: &[(&str, Value)]) {
    if text(strategy, "type") != "RollingUpdate" {
        return;
    }
    if let Some(update) = inner(strategy, "rollingUpdate") {
        for (name, value) in defaults {
            absent(update, name, value.clone());
        }
    }
}

fn stateful_set(fields: &mut Fields) {
    zero(fields, "podManagementPolicy", "OrderedReady");
    if let Some(strategy) = inner(fields, "updateStrategy") {
        if text(strategy, "type").is_empty() {
            strategy.insert("type".into(), "RollingUpdate".into());
            absent(strategy, "rollingUpdate", json!({}));
        }
        if text(strategy, "type") == "RollingUpdate"
            && let Some(update) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut)
        {
            absent(update, "partition", 0);
        }
    }
    if let Some(policy) = inner(fields, "persistentVolumeClaimRetentionPolicy") {
        zero(policy, "whenDeleted", "Retain");
        zero(policy, "whenScaled", "Retain");
    }
    for claim in each(fields, "volumeClaimTemplates") {
        claim.insert("apiVersion".into(), "v1".into());
        claim.insert("kind".into(), "PersistentVolumeClaim".into());
    }
    absent(fields, "replicas", 1);
    absent(fields, "revisionHistoryLimit", 10);
}

fn replication_controller(fields: &mut Fields) {
    let labels = fields.get("spec").and_then(|spec| spec.pointer("/template/metadata/labels")).cloned();
    if let (Some(labels), Some(spec)) = (labels, inner(fields, "spec")) {
        absent(spec, "selector", labels);
    }
    labels_of_template(fields);
}
