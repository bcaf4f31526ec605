//! Claims, volumes and classes of storage.

use apimachinery::field_error::FieldPath;
use serde_json::Value;

use super::{Report, is_empty, items, text};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    match kind {
        ("", "PersistentVolumeClaim") => {
            claim(&new["spec"], &FieldPath::new("spec"), report);
            if let Some(old) = old {
                claim_update(new, old, report);
            }
        }
        ("", "PersistentVolume") => volume(&new["spec"], &FieldPath::new("spec"), report),
        ("storage.k8s.io", "StorageClass") => class(new, old, report),
        _ => {}
    }
}

fn access_modes(spec: &Value, path: &FieldPath, report: &mut Report) {
    let path = path.child("accessModes");
    for (_, mode) in items(&spec["accessModes"], &path) {
        report.one_of(&path, mode, &MODES);
    }
}

/// What a claim asks for, also in a template of claims.
pub(super) fn claim(spec: &Value, path: &FieldPath, report: &mut Report) {
    if is_empty(&spec["accessModes"]) {
        report.required(&path.child("accessModes"), "at least 1 access mode is required");
    }
    access_modes(spec, path, report);
    if spec["resources"]["requests"]["storage"].is_null() {
        report.required(&path.child("resources").key("storage"), "");
    }
    report.maybe_one_of(&path.child("volumeMode"), &spec["volumeMode"], &["Block", "Filesystem"]);
}

fn claim_update(new: &Value, old: &Value, report: &mut Report) {
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            if text(&old["spec"]["volumeName"]).is_empty() {
                fields.remove("volumeName");
            }
            // A class may be chosen once.
            if old["spec"]["storageClassName"].is_null() {
                fields.remove("storageClassName");
            }
            if new["status"]["phase"] == "Bound" {
                fields.remove("resources");
                fields.remove("volumeAttributesClassName");
            }
        }
        spec
    };
    if fixed(new) != fixed(old) {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        report.forbidden(&FieldPath::new("spec"), detail);
    }
}

fn volume(spec: &Value, path: &FieldPath, report: &mut Report) {
    if is_empty(&spec["accessModes"]) {
        report.required(&path.child("accessModes"), "");
    }
    access_modes(spec, path, report);
    if is_empty(&spec["capacity"]) {
        report.required(&path.child("capacity"), "");
    }
    let policies = ["Delete", "Recycle", "Retain"];
    let reclaim = path.child("persistentVolumeReclaimPolicy");
    report.one_of(&reclaim, &spec["persistentVolumeReclaimPolicy"], &policies);
}

fn class(new: &Value, old: Option<&Value>, report: &mut Report) {
    if text(&new["provisioner"]).is_empty() {
        report.required(&FieldPath::new("provisioner"), "");
    }
    report.maybe_one_of(&FieldPath::new("reclaimPolicy"), &new["reclaimPolicy"], &["Delete", "Retain"]);
    let modes = ["Immediate", "WaitForFirstConsumer"];
    report.one_of(&FieldPath::new("volumeBindingMode"), &new["volumeBindingMode"], &modes);
    let Some(old) = old else { return };
    for (field, detail) in [
        ("parameters", "updates to parameters are forbidden."),
        ("provisioner", "updates to provisioner are forbidden."),
        ("reclaimPolicy", "updates to reclaimPolicy are forbidden."),
    ] {
        if new[field] != old[field] {
            report.forbidden(&FieldPath::new(field), detail);
        }
    }
    report.immutable(
        &FieldPath::new("volumeBindingMode"),
        &new["volumeBindingMode"],
        &old["volumeBindingMode"],
    );
}
