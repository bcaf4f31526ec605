//! Job and CronJob.

use serde_json::{Value, json};

use super::core::labels_of_template;
use super::{Fields, Fill, absent, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name {
        "batch.v1.Job" => job,
        "batch.v1.CronJobSpec" => |fields| {
            zero(fields, "concurrencyPolicy", "Allow");
            absent(fields, "suspend", false);
            absent(fields, "successfulJobsHistoryLimit", 3);
            absent(fields, "failedJobsHistoryLimit", 1);
        },
        "batch.v1.PodFailurePolicyOnPodConditionsPattern" => |fields| zero(fields, "status", "True"),
        _ => return None,
    })
}

/// Only a Job itself has these: the template in a CronJob stays as it is.
fn job(fields: &mut Fields) {
    labels_of_template(fields);
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        spec.insert("completions".into(), json!(1));
    }
    absent(spec, "parallelism", 1);
    let limit = if spec.contains_key("backoffLimitPerIndex") { i32::MAX } else { 6 };
    absent(spec, "backoffLimit", limit);
    absent(spec, "completionMode", "NonIndexed");
    absent(spec, "suspend", false);
    let policy = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    absent(spec, "podReplacementPolicy", policy);
    absent(spec, "manualSelector", false);
}
