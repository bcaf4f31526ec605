//! Job and CronJob.

use apimachinery::field_error::FieldPath;
use serde_json::Value;

use super::{Report, pods, text};

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    match kind {
        ("batch", "Job") => {
            job(&new["spec"], &FieldPath::new("spec"), report);
            if let Some(old) = old {
                job_update(&new["spec"], &old["spec"], report);
            }
        }
        ("batch", "CronJob") => cron_job(new, old, report),
        _ => {}
    }
}

fn job(spec: &Value, path: &FieldPath, report: &mut Report) {
    let numbers = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    report.none_negative(path, spec, &numbers);
    report.maybe_one_of(&path.child("completionMode"), &spec["completionMode"], &["NonIndexed", "Indexed"]);
    if spec["completionMode"] == "Indexed" && spec["completions"].is_null() {
        report.required(&path.child("completions"), "when completion mode is Indexed");
    }
    pods::template(&spec["template"], &path.child("template"), &[], report);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let policy_path = path.child("template").child("spec").child("restartPolicy");
    match text(policy) {
        "" | "Always" => report.required(&policy_path, "valid values: \"OnFailure\", \"Never\""),
        _ => report.one_of(&policy_path, policy, &["OnFailure", "Never"]),
    }
}

fn job_update(new: &Value, old: &Value, report: &mut Report) {
    let path = FieldPath::new("spec");
    let suspended = old["suspend"] == true;
    let template = if suspended {
        with_free_directives(&new["template"], &old["template"])
    } else {
        old["template"].clone()
    };
    report.immutable(&path.child("selector"), &new["selector"], &old["selector"]);
    report.immutable(&path.child("template"), &new["template"], &template);
    if new["completionMode"] != "Indexed" {
        report.immutable(&path.child("completions"), &new["completions"], &old["completions"]);
    }
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    {
        report.immutable(&path.child(field), &new[field], &old[field]);
    }
}

/// The old template with what may change while a Job is suspended.
fn with_free_directives(new: &Value, old: &Value) -> Value {
    let mut free = old.clone();
    for field in ["nodeSelector", "tolerations", "schedulingGates", "affinity"] {
        match (new["spec"].get(field), free["spec"].as_object_mut()) {
            (Some(value), Some(spec)) => {
                spec.insert(field.into(), value.clone());
            }
            (None, Some(spec)) => {
                spec.remove(field);
            }
            _ => {}
        }
    }
    free["metadata"] = new["metadata"].clone();
    free
}

fn cron_job(new: &Value, old: Option<&Value>, report: &mut Report) {
    let (path, spec) = (FieldPath::new("spec"), &new["spec"]);
    let schedule = text(&spec["schedule"]);
    if schedule.is_empty() {
        report.required(&path.child("schedule"), "");
    } else if let Some(detail) = schedule_fault(schedule) {
        report.invalid(&path.child("schedule"), &schedule.into(), &detail);
    }
    let numbers = ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    report.none_negative(&path, spec, &numbers);
    let policies = ["Allow", "Forbid", "Replace"];
    report.one_of(&path.child("concurrencyPolicy"), &spec["concurrencyPolicy"], &policies);
    job(&spec["jobTemplate"]["spec"], &path.child("jobTemplate").child("spec"), report);
    let name = text(&new["metadata"]["name"]);
    if old.is_none() && name.len() > 52 {
        let path = FieldPath::new("metadata").child("name");
        report.invalid(&path, &name.into(), "must be no more than 52 characters");
    }
}

/// Only the shape: five fields of the characters that fields are made of, or a name.
fn schedule_fault(schedule: &str) -> Option<String> {
    let named = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    if named.contains(&schedule) || schedule.starts_with("@every ") {
        return None;
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: {fields:?}", fields.len()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | ',' | '-' | '?');
    let odd = fields.iter().find(|field| !field.chars().all(allowed))?;
    Some(format!("failed to parse int from {odd}"))
}
