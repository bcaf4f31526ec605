//! Pods, and templates of pods.

use std::collections::BTreeSet;

use apimachinery::field_error::FieldPath;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, containers, is_empty, items, metadata, text};

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    match kind {
        ("", "Pod") => match old {
            None => spec(&new["spec"], &FieldPath::new("spec"), &[], report),
            Some(old) => update(new, old, report),
        },
        ("", "PodTemplate") => template(&new["template"], &FieldPath::new("template"), &[], report),
        _ => {}
    }
}

/// A template of pods; `claims` are volumes that a StatefulSet adds.
pub(super) fn template(template: &Value, path: &FieldPath, claims: &[&str], report: &mut Report) {
    metadata::labels(&template["metadata"]["labels"], &path.child("metadata").child("labels"), report);
    let annotations = path.child("metadata").child("annotations");
    metadata::annotations(&template["metadata"]["annotations"], &annotations, report);
    spec(&template["spec"], &path.child("spec"), claims, report);
}

fn spec(spec: &Value, path: &FieldPath, claims: &[&str], report: &mut Report) {
    let volumes = volumes(&spec["volumes"], &path.child("volumes"), claims, report);
    let mut names = BTreeSet::new();
    if is_empty(&spec["containers"]) {
        report.required(&path.child("containers"), "");
    }
    for list in ["containers", "initContainers"] {
        containers::check(&spec[list], &path.child(list), &volumes, &mut names, report);
    }
    let policies = ["Always", "OnFailure", "Never"];
    report.one_of(&path.child("restartPolicy"), &spec["restartPolicy"], &policies);
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    report.one_of(&path.child("dnsPolicy"), &spec["dnsPolicy"], &dns);
    report.not_negative(&path.child("terminationGracePeriodSeconds"), &spec["terminationGracePeriodSeconds"]);
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds < 1) {
        report.invalid(
            &path.child("activeDeadlineSeconds"),
            &spec["activeDeadlineSeconds"],
            "must be between 1 and 2147483647, inclusive",
        );
    }
    for field in ["serviceAccountName", "nodeName", "priorityClassName"] {
        let name = text(&spec[field]);
        if !name.is_empty() {
            report.reasons(&path.child(field), name, syntax::dns_subdomain(name));
        }
    }
    for field in ["hostname", "subdomain"] {
        let name = text(&spec[field]);
        if !name.is_empty() {
            report.reasons(&path.child(field), name, syntax::dns_label(name));
        }
    }
    metadata::labels(&spec["nodeSelector"], &path.child("nodeSelector"), report);
    for (path, toleration) in items(&spec["tolerations"], &path.child("tolerations")) {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        report.maybe_one_of(&path.child("effect"), &toleration["effect"], &effects);
        report.maybe_one_of(&path.child("operator"), &toleration["operator"], &["Equal", "Exists"]);
    }
}

/// The names of the volumes.
fn volumes<'a>(
    list: &'a Value,
    path: &FieldPath,
    claims: &[&'a str],
    report: &mut Report,
) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (path, volume) in items(list, path) {
        let name = text(&volume["name"]);
        if name.is_empty() {
            report.required(&path.child("name"), "");
        } else {
            report.reasons(&path.child("name"), name, syntax::dns_label(name));
            if !names.insert(name) {
                report.duplicate(&path.child("name"), &name.into());
            }
        }
        let sources =
            volume.as_object().map_or(0, |fields| fields.keys().filter(|key| *key != "name").count());
        if sources > 1 {
            report.forbidden(&path, "may not specify more than 1 volume type");
        }
        let secret = &volume["secret"];
        if !secret.is_null() && text(&secret["secretName"]).is_empty() {
            report.required(&path.child("secret").child("secretName"), "");
        }
        let config_map = &volume["configMap"];
        if !config_map.is_null() && text(&config_map["name"]).is_empty() {
            report.required(&path.child("configMap").child("name"), "");
        }
        let claim = &volume["persistentVolumeClaim"];
        if !claim.is_null() && text(&claim["claimName"]).is_empty() {
            report.required(&path.child("persistentVolumeClaim").child("claimName"), "");
        }
    }
    names.extend(claims.iter().copied());
    names
}

/// Only a few fields of a running pod may change.
fn update(new: &Value, old: &Value, report: &mut Report) {
    let mutable = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        for field in
            ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"]
        {
            if let Some(fields) = spec.as_object_mut() {
                fields.remove(field);
            }
        }
        spec
    };
    if mutable(&new["spec"]) != mutable(&old["spec"]) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` \
                      (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` \
                      (allow it to be set to 1 if it was previously negative)";
        report.forbidden(&FieldPath::new("spec"), detail);
    }
}
