//! Pods: their phase, and what their containers wait for.

use serde_json::Value;

use super::{Condition, Health, HealthState, Seen};

/// Reasons of a waiting container that do not go away by waiting, or only after somebody has looked.
const STUCK: &[&str] = &[
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

pub(super) fn pod(seen: &Seen<'_>) -> Health {
    match seen.text("phase") {
        "Succeeded" => return Health::healthy(),
        "Failed" => return failed(seen),
        _ => {}
    }
    if let Some((container, reason, message)) = waiting(seen).find(|(_, reason, _)| STUCK.contains(reason)) {
        return Health::degraded(reason, format!("container {container}: {}", or(message, reason)));
    }
    if seen.is_true("Ready").is_some() {
        return Health::healthy();
    }
    if let Some(condition) = seen.condition("PodScheduled").filter(Condition::fails) {
        return condition.verdict(HealthState::Progressing);
    }
    if let Some((container, reason, message)) = waiting(seen).next() {
        return Health::progressing(reason, format!("container {container}: {}", or(message, reason)));
    }
    let not_ready = seen.condition("Ready").filter(Condition::fails);
    match not_ready {
        Some(condition) => condition.verdict(HealthState::Progressing),
        None => Health::progressing(or(seen.text("phase"), "Pending"), ""),
    }
}

fn failed(seen: &Seen<'_>) -> Health {
    let terminated = statuses(seen).find_map(|status| {
        let terminated = status.pointer("/state/terminated")?;
        let code = terminated.get("exitCode").and_then(Value::as_i64).filter(|code| *code != 0)?;
        let reason = terminated.get("reason").and_then(Value::as_str).unwrap_or("Error");
        let name = status.get("name").and_then(Value::as_str).unwrap_or_default();
        Some(Health::degraded(reason, format!("container {name} ended with exit code {code}")))
    });
    let of_pod = || Health::degraded(or(seen.text("reason"), "Failed"), seen.text("message"));
    match seen.text("reason") {
        "" => terminated.unwrap_or_else(of_pod),
        _ => of_pod(),
    }
}

/// Containers that wait, init containers first: name, reason, message.
fn waiting<'a>(seen: &Seen<'a>) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    statuses(seen).filter_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        let text =
            |value: &'a Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
        Some((text(status, "name"), or(text(waiting, "reason"), "Waiting"), text(waiting, "message")))
    })
}

fn statuses<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    let status = seen.status;
    let lists = ["initContainerStatuses", "containerStatuses"];
    lists.into_iter().filter_map(move |list| status.get(list).and_then(Value::as_array)).flatten()
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
