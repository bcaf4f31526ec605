//! GitSource status: one writer, because source, sync and transport each have a part in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::gitstellar::{Failure, GitSourceStatus, HeldRemovals, ReportedFinding};
use apimachinery::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use plan::SourceName;
use runtime::{ApiError, Key, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::board::{Held, SourceBoard};
use crate::install::HUB_MANAGER;
use crate::world::{World, name, resources};

/// Annotation of a GitSource with the hash of a held list that a person approves; written by `gitstellar approve`.
pub const APPROVE_ANNOTATION: &str = "gitstellar.io/approve";
const MOST_FINDINGS: usize = 50;
const MOST_FAILURES: usize = 50;
const MOST_PAIRS: usize = 100;

/// The hashes that are approved now: by trailers of the commit in force, and by the annotation.
pub fn approvals(world: &World, board: &SourceBoard) -> BTreeSet<String> {
    let mut hashes = board.revision.as_ref().map(|revision| revision.approvals.clone()).unwrap_or_default();
    for source in world.wds.mirror.list(&resources::git_sources().group_resource()) {
        let annotation = source.header().annotation(APPROVE_ANNOTATION).unwrap_or_default();
        hashes
            .extend(annotation.split(',').map(|hash| hash.trim().to_owned()).filter(|hash| !hash.is_empty()));
    }
    hashes
}

/// Writes `GitSource.status` from the board, if it says anything new.
///
/// # Errors
/// When the WDS refuses. A GitSource that is gone is no error.
pub async fn source_status(world: &Arc<World>, source: &SourceName) -> Result<(), ApiError> {
    let resource = resources::git_sources();
    let key = Key { resource: resource.group_resource(), namespace: None, name: name(source.as_str()) };
    let (Some(stored), Some(board)) = (world.wds.mirror.get(&key), world.board.source(source)) else {
        return Ok(());
    };
    let before = stored.to_value();
    let old = before
        .get("status")
        .cloned()
        .and_then(|status| GitSourceStatus::deserialize(status).ok())
        .unwrap_or_default();
    let status = status_of(&board, &old, world.clock.now());
    if status == old {
        return Ok(());
    }
    let patch = status_patch(&before, &status);
    let target = Target { resource: &resource, namespace: None, name: &key.name, subresource: "status" };
    // Only we write this status, so it needs no precondition: a spec edit in between is no conflict.
    match world.wds.connection.merge(target, &patch, HUB_MANAGER).await {
        Ok(stored) => world.wds.mirror.note(&resource.group_resource(), stored),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    world.wakes.report.wake();
    Ok(())
}

/// The status as a merge patch: what is no longer there is null.
fn status_patch(before: &Value, status: &GitSourceStatus) -> Value {
    let mut patch = serde_json::to_value(status).unwrap_or_default();
    let old = before.get("status").and_then(Value::as_object);
    for key in old.into_iter().flat_map(|old| old.keys()) {
        if patch.get(key).is_none() {
            patch[key] = Value::Null;
        }
    }
    json!({ "status": patch })
}

fn status_of(board: &SourceBoard, old: &GitSourceStatus, now: Timestamp) -> GitSourceStatus {
    // What was read of an older specification says nothing about a newer one.
    let generation = board.generation.max(old.observed_generation);
    let revision = board.revision.as_ref();
    let findings = revision.iter().flat_map(|revision| &revision.declaration.findings).chain(&board.findings);
    let mut findings: Vec<ReportedFinding> = findings
        .map(|finding| ReportedFinding {
            id: finding.id.to_owned(),
            severity: finding.severity.to_string(),
            origin: finding.origin.as_ref().map(ToString::to_string),
            message: finding.message.clone(),
        })
        .collect();
    findings.truncate(MOST_FINDINGS);
    let failures = board.all_failures().take(MOST_FAILURES).map(|failure| Failure {
        object: Some(failure.object.to_string()),
        cluster: None,
        origin: failure.origin.clone(),
        message: failure.message.clone(),
    });
    let held = [("sync", &board.held_by_sync), ("transport", &board.held_by_transport)];
    GitSourceStatus {
        observed_generation: generation,
        fetched: revision.map(|revision| revision.commit.clone()).or_else(|| old.fetched.clone()),
        fetched_from: revision.map(|revision| revision.from.clone()).or_else(|| old.fetched_from.clone()),
        // Until this process has settled the source once, what an earlier one was doing counts.
        applying: board.applying.clone().or_else(|| old.applying.clone().filter(|_| board.settled.is_none())),
        settled: board.settled.clone().or_else(|| old.settled.clone()),
        held: held
            .into_iter()
            .filter_map(|(by, held)| held.as_ref().map(|held| held_removals(by, held)))
            .collect(),
        failures: failures.collect(),
        findings,
        conditions: conditions(board, &old.conditions, generation, now),
    }
}

fn held_removals(by: &str, held: &Held) -> HeldRemovals {
    HeldRemovals {
        hash: held.hash.clone(),
        by: by.to_owned(),
        reason: held.reason.clone(),
        count: i64::try_from(held.pairs.len()).unwrap_or(i64::MAX),
        pairs: held
            .pairs
            .iter()
            .take(MOST_PAIRS)
            .map(|pair| format!("{} on {}", pair.object, pair.cluster))
            .collect(),
    }
}

/// Ready always; Reconciling and Stalled only while true, as kstatus wants it, and so is ReportFailed.
fn conditions(board: &SourceBoard, old: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
    let failed_units: Vec<String> = board
        .revision
        .iter()
        .flat_map(|revision| &revision.declaration.units)
        .filter(|unit| unit.failure.is_some())
        .map(|unit| unit.name.to_string())
        .collect();
    let commit = board.revision.as_ref().map(|revision| revision.commit.chars().take(7).collect::<String>());
    let (ready, reason, message) = if let Some(problem) = &board.problem {
        ("False", problem.reason, problem.message.clone())
    } else if board.revision.is_none() {
        ("Unknown", "Fetching", "nothing has been read yet".to_owned())
    } else if board.applying.is_some() {
        ("False", "Applying", format!("commit {} is being written", commit.unwrap_or_default()))
    } else if let Some(held) = board.held_by_sync.as_ref().or(board.held_by_transport.as_ref()) {
        ("False", "RemovalsHeld", format!("{}; approve with: gitstellar approve {}", held.reason, held.hash))
    } else if !failed_units.is_empty() {
        ("False", "UnitsFailed", format!("these units could not be rendered: {}", failed_units.join(", ")))
    } else if let Some(first) = board.all_failures().next() {
        let more = board.all_failures().count() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        ("False", "ObjectsFailed", format!("{}: {}{more}", first.object, first.message))
    } else {
        ("True", "Synced", format!("commit {} is in the WDS", commit.unwrap_or_default()))
    };
    let mut conditions = vec![("Ready", ready, reason, message.clone())];
    match reason {
        "Fetching" | "Applying" => conditions.push(("Reconciling", "True", reason, message)),
        "Synced" => {}
        _ => conditions.push(("Stalled", "True", reason, message)),
    }
    if let Some(problem) = &board.report_problem {
        conditions.push(("ReportFailed", "True", problem.reason, problem.message.clone()));
    }
    conditions.into_iter().map(|c| condition(c, old, generation, now)).collect()
}

/// A condition; its transition time stays while its status does.
pub(crate) fn condition(
    wanted: (&str, &str, &str, String),
    old: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Condition {
    let (type_, status, reason, message) = wanted;
    let same = old.iter().find(|c| c.type_ == type_ && c.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time: same.map_or(Time(now), |c| c.last_transition_time.clone()),
    }
}
