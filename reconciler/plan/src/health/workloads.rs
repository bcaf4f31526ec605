//! Workloads of `apps` and `batch`.

use serde_json::Value;

use super::{Condition, Health, HealthState, Seen};

pub(super) fn deployment(seen: &Seen<'_>) -> Health {
    if seen.spec("/paused") == Some(&Value::Bool(true)) {
        return Health::suspended("its rollout is paused");
    }
    if let Some(condition) = seen.condition("Progressing").filter(Condition::fails) {
        return condition.verdict(HealthState::Degraded);
    }
    if let Some(condition) = seen.is_true("ReplicaFailure") {
        return condition.verdict(HealthState::Degraded);
    }
    let wanted = seen.replicas();
    let (updated, total) = (seen.count("updatedReplicas"), seen.count("replicas"));
    let available = seen.count("availableReplicas");
    if updated < wanted {
        return rolling(updated, wanted, "updated");
    }
    if total > updated {
        let old = total - updated;
        return Health::progressing("RollingOut", format!("{old} old replica(s) have to go"));
    }
    if available < wanted {
        return rolling(available, wanted, "available");
    }
    Health::healthy()
}

pub(super) fn stateful_set(seen: &Seen<'_>) -> Health {
    let wanted = seen.replicas();
    let ready = seen.count("readyReplicas");
    if ready < wanted {
        return rolling(ready, wanted, "ready");
    }
    if seen.spec("/updateStrategy/type") == Some(&Value::from("OnDelete")) {
        return Health::healthy();
    }
    let partition = seen.spec("/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64).unwrap_or(0);
    let (updated, due) = (seen.count("updatedReplicas"), (wanted - partition).max(0));
    let revisions = (seen.text("currentRevision"), seen.text("updateRevision"));
    // The count of updated replicas goes away when a rollout is complete and the two revisions are one.
    if revisions.0 != revisions.1 && updated < due {
        return rolling(updated, due, "updated");
    }
    Health::healthy()
}

pub(super) fn daemon_set(seen: &Seen<'_>) -> Health {
    // Until its controller has counted the nodes, zero wanted pods mean nothing.
    if seen.status.get("desiredNumberScheduled").is_none() {
        return Health::progressing("NotObserved", "its controller has not counted the nodes yet");
    }
    let wanted = seen.count("desiredNumberScheduled");
    let on_delete = seen.spec("/updateStrategy/type") == Some(&Value::from("OnDelete"));
    let updated = seen.count("updatedNumberScheduled");
    if updated < wanted && !on_delete {
        return rolling(updated, wanted, "updated");
    }
    let available = seen.count("numberAvailable");
    if available < wanted {
        return rolling(available, wanted, "available");
    }
    Health::healthy()
}

pub(super) fn replica_set(seen: &Seen<'_>) -> Health {
    if let Some(condition) = seen.is_true("ReplicaFailure") {
        return condition.verdict(HealthState::Degraded);
    }
    let (available, wanted) = (seen.count("availableReplicas"), seen.replicas());
    if available < wanted { rolling(available, wanted, "available") } else { Health::healthy() }
}

pub(super) fn job(seen: &Seen<'_>) -> Health {
    if let Some(condition) = seen.is_true("Failed") {
        return condition.verdict(HealthState::Degraded);
    }
    if seen.is_true("Complete").is_some() {
        return Health::healthy();
    }
    if seen.is_true("Suspended").is_some() || seen.spec("/suspend") == Some(&Value::Bool(true)) {
        return Health::suspended("the job is suspended");
    }
    let wanted = seen.spec("/completions").and_then(Value::as_i64).unwrap_or(1);
    let (succeeded, failed) = (seen.count("succeeded"), seen.count("failed"));
    let retries = if failed > 0 { format!(", {failed} attempt(s) failed") } else { String::new() };
    Health::progressing("Running", format!("{succeeded} of {wanted} completions{retries}"))
}

/// What a CronJob starts is judged as Jobs.
pub(super) fn cron_job(seen: &Seen<'_>) -> Health {
    match seen.spec("/suspend") {
        Some(Value::Bool(true)) => Health::suspended("the schedule is suspended"),
        _ => Health::healthy(),
    }
}

fn rolling(have: i64, want: i64, what: &str) -> Health {
    Health::progressing("RollingOut", format!("{have} of {want} replicas {what}"))
}
