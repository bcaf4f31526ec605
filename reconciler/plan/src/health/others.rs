//! Built-in kinds that are no workloads.

use serde_json::Value;

use super::{Condition, Health, HealthState, Seen};

pub(super) fn claim(seen: &Seen<'_>) -> Health {
    match seen.text("phase") {
        "Bound" => Health::healthy(),
        "Lost" => Health::degraded("Lost", "its volume is gone"),
        // Also while it waits for its first consumer: a claim that nobody uses is not done.
        _ => Health::progressing("Pending", "it is not bound yet"),
    }
}

pub(super) fn volume(seen: &Seen<'_>) -> Health {
    match seen.text("phase") {
        "Failed" => Health::degraded("Failed", seen.text("message")),
        _ => Health::healthy(),
    }
}

pub(super) fn service(seen: &Seen<'_>) -> Health {
    let balanced = seen.spec("/type") == Some(&Value::from("LoadBalancer"));
    let ingress = seen.status.pointer("/loadBalancer/ingress").and_then(Value::as_array);
    if balanced && ingress.is_none_or(Vec::is_empty) {
        return Health::progressing("Pending", "the load balancer has no address yet");
    }
    Health::healthy()
}

pub(super) fn namespace(seen: &Seen<'_>) -> Health {
    match seen.text("phase") {
        "Terminating" => Health::progressing("Terminating", "it is being deleted"),
        _ => Health::healthy(),
    }
}

pub(super) fn definition(seen: &Seen<'_>) -> Health {
    if let Some(condition) = seen.condition("NamesAccepted").filter(Condition::fails) {
        return condition.verdict(HealthState::Degraded);
    }
    if let Some(condition) = seen.is_true("Terminating") {
        return condition.verdict(HealthState::Progressing);
    }
    if seen.is_true("Established").is_some() {
        return Health::healthy();
    }
    Health::progressing("NotEstablished", "the kind is not served yet")
}

/// As Argo CD: what it cannot read or compute is a failure, everything else is its daily work.
pub(super) fn autoscaler(seen: &Seen<'_>) -> Health {
    let broken = seen.conditions().find(|c| {
        let reason = c.text("reason");
        !c.holds() && (reason.starts_with("Failed") || reason.starts_with("Invalid"))
    });
    broken.map_or_else(Health::healthy, |c| c.verdict(HealthState::Degraded))
}
