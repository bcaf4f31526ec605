//! Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController.

use apimachinery::field_error::FieldPath;
use apimachinery::selector::{Selector, validate_label_selector};
use serde_json::Value;

use super::{Report, is_empty, items, pods, storage, text};

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    let (path, spec) = (FieldPath::new("spec"), &new["spec"]);
    let old = old.map(|old| &old["spec"]);
    match kind {
        ("apps", "Deployment") => deployment(spec, old, &path, report),
        ("apps", "ReplicaSet") => replica_set(spec, old, &path, report),
        ("apps", "StatefulSet") => stateful_set(spec, old, &path, report),
        ("apps", "DaemonSet") => daemon_set(spec, old, &path, report),
        ("", "ReplicationController") => {
            report.none_negative(&path, spec, &["replicas", "minReadySeconds"]);
            if is_empty(&spec["selector"]) {
                report.required(&path.child("selector"), "");
            }
            template(spec, &path, "ReplicationController", report);
        }
        _ => {}
    }
}

fn deployment(spec: &Value, old: Option<&Value>, path: &FieldPath, report: &mut Report) {
    report.not_negative(&path.child("replicas"), &spec["replicas"]);
    selector(spec, path, "deployment", report);
    template(spec, path, "ReplicaSet", report);
    let strategy = &spec["strategy"];
    let strategy_path = path.child("strategy");
    match text(&strategy["type"]) {
        "Recreate" if !strategy["rollingUpdate"].is_null() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            report.forbidden(&strategy_path.child("rollingUpdate"), detail);
        }
        "Recreate" => {}
        "RollingUpdate" => {
            rolling_update(&strategy["rollingUpdate"], &strategy_path.child("rollingUpdate"), report);
        }
        _ => report.one_of(&strategy_path, strategy, &["Recreate", "RollingUpdate"]),
    }
    let numbers = ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"];
    report.none_negative(path, spec, &numbers);
    let deadline = spec["progressDeadlineSeconds"].as_i64();
    if deadline.is_some_and(|deadline| deadline <= spec["minReadySeconds"].as_i64().unwrap_or(0)) {
        let path = path.child("progressDeadlineSeconds");
        report.invalid(&path, &spec["progressDeadlineSeconds"], "must be greater than minReadySeconds");
    }
    if let Some(old) = old {
        report.immutable(&path.child("selector"), &spec["selector"], &old["selector"]);
    }
}

fn replica_set(spec: &Value, old: Option<&Value>, path: &FieldPath, report: &mut Report) {
    report.none_negative(path, spec, &["replicas", "minReadySeconds"]);
    selector(spec, path, "deployment", report);
    template(spec, path, "ReplicaSet", report);
    if let Some(old) = old {
        report.immutable(&path.child("selector"), &spec["selector"], &old["selector"]);
    }
}

fn daemon_set(spec: &Value, old: Option<&Value>, path: &FieldPath, report: &mut Report) {
    selector(spec, path, "daemonset", report);
    template(spec, path, "DaemonSet", report);
    report.none_negative(path, spec, &["minReadySeconds", "revisionHistoryLimit"]);
    let strategy = path.child("updateStrategy");
    report.one_of(&strategy.child("type"), &spec["updateStrategy"]["type"], &["RollingUpdate", "OnDelete"]);
    let (update, update_path) = (&spec["updateStrategy"]["rollingUpdate"], strategy.child("rollingUpdate"));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        for field in ["maxUnavailable", "maxSurge"] {
            amount(&update[field], &update_path.child(field), report);
        }
        match (is_zero(&update["maxUnavailable"]), is_zero(&update["maxSurge"])) {
            (false, false) => {
                let detail = "may not be set when maxUnavailable is non-zero";
                report.invalid(&update_path.child("maxSurge"), &update["maxSurge"], detail);
            }
            (true, true) => {
                report.required(&update_path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
            }
            _ => {}
        }
    }
    if let Some(old) = old {
        report.immutable(&path.child("selector"), &spec["selector"], &old["selector"]);
    }
}

fn stateful_set(spec: &Value, old: Option<&Value>, path: &FieldPath, report: &mut Report) {
    let management = text(&spec["podManagementPolicy"]);
    if !matches!(management, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        report.invalid(&path.child("podManagementPolicy"), &management.into(), detail);
    }
    if !matches!(text(&spec["updateStrategy"]["type"]), "RollingUpdate" | "OnDelete") {
        let detail = "must be 'RollingUpdate' or 'OnDelete'";
        report.invalid(&path.child("updateStrategy"), &spec["updateStrategy"], detail);
    }
    report.none_negative(path, spec, &["replicas", "minReadySeconds"]);
    if old.is_none() {
        for (path, claim) in items(&spec["volumeClaimTemplates"], &path.child("volumeClaimTemplates")) {
            storage::claim(&claim["spec"], &path.child("spec"), report);
        }
    }
    selector(spec, path, "statefulset", report);
    template(spec, path, "StatefulSet", report);
    let Some(old) = old else { return };
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        let mutable = [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ];
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|name, _| !mutable.contains(&name.as_str()));
        }
        spec
    };
    if fixed(spec) != fixed(old) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                      'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                      'minReadySeconds' are forbidden";
        report.forbidden(path, detail);
    }
}

/// A selector that selects something, and what the template says.
fn selector(spec: &Value, path: &FieldPath, kind: &str, report: &mut Report) {
    let (path, selector) = (path.child("selector"), &spec["selector"]);
    if selector.is_null() {
        report.required(&path, "");
        return;
    }
    report.0.extend(validate_label_selector(selector, &path));
    if is_empty(&selector["matchLabels"]) && is_empty(&selector["matchExpressions"]) {
        report.invalid(&path, selector, &format!("empty selector is invalid for {kind}"));
    }
}

fn template(spec: &Value, path: &FieldPath, kind: &str, report: &mut Report) {
    let (path, template) = (path.child("template"), &spec["template"]);
    let labels = &template["metadata"]["labels"];
    let pairs = labels.as_object().into_iter().flatten();
    let map = pairs.map(|(key, value)| (key.clone(), text(value).to_owned())).collect();
    let selector = if kind == "ReplicationController" {
        let pairs: std::collections::BTreeMap<String, String> = spec["selector"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value).to_owned()))
            .collect();
        Some(Selector::of_labels(&pairs))
    } else {
        // No selector selects nothing, so no labels match it.
        match &spec["selector"] {
            Value::Null => Some(Selector::nothing()),
            selector => Selector::from_label_selector(selector).ok(),
        }
    };
    if selector.is_some_and(|selector| !selector.is_everything() && !selector.matches(&map)) {
        let detail = "`selector` does not match template `labels`";
        report.invalid(&path.child("metadata").child("labels"), labels, detail);
    }
    let claims: Vec<&str> = items(&spec["volumeClaimTemplates"], &path)
        .map(|(_, claim)| text(&claim["metadata"]["name"]))
        .collect();
    pods::template(template, &path, &claims, report);
    let pod = path.child("spec");
    report.one_of(&pod.child("restartPolicy"), &template["spec"]["restartPolicy"], &["Always"]);
    if !template["spec"]["activeDeadlineSeconds"].is_null() {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        report.forbidden(&pod.child("activeDeadlineSeconds"), &detail);
    }
}

fn rolling_update(update: &Value, path: &FieldPath, report: &mut Report) {
    for field in ["maxUnavailable", "maxSurge"] {
        amount(&update[field], &path.child(field), report);
    }
    if is_zero(&update["maxUnavailable"]) && is_zero(&update["maxSurge"]) {
        let detail = "may not be 0 when `maxSurge` is 0";
        report.invalid(&path.child("maxUnavailable"), &update["maxUnavailable"], detail);
    }
    let percent = text(&update["maxUnavailable"]).strip_suffix('%').and_then(|text| text.parse::<u64>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        report.invalid(
            &path.child("maxUnavailable"),
            &update["maxUnavailable"],
            "must not be greater than 100%",
        );
    }
}

/// A number that is not negative, or a percentage.
pub(super) fn amount(value: &Value, path: &FieldPath, report: &mut Report) {
    match value {
        Value::Number(_) => report.not_negative(path, value),
        Value::String(text) => {
            let digits = text.strip_suffix('%').unwrap_or_default();
            if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
                let detail = "a valid percent string must be a numeric string followed by an ending '%' \
                              (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                report.invalid(path, value, detail);
            }
        }
        _ => {}
    }
}

fn is_zero(value: &Value) -> bool {
    value == 0 || value == "0%"
}
