//! Policies and units: counts, conditions, failures.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;

use super::{
    Condition, Counts, Failure, PairState, PairStatus, PolicyStatus, Tally, Truth, UnitInput, UnitStatus,
};
use crate::ClusterName;
use crate::finding::some_of;

/// Errors that a policy's status carries; there may be one per pair, and an object has a size.
const MAX_ERRORS: usize = 50;
/// Failures that a unit's status carries.
const MAX_FAILURES: usize = 10;
/// Characters of one message.
const MAX_MESSAGE: usize = 500;

/// The status of a policy, from what it places. `errors` are those of selection, of its Binding and of status return.
pub fn policy_status(errors: &[String], tally: &Tally) -> PolicyStatus {
    let counts = tally.counts();
    let failed: Vec<Failure> = tally.refused().map(failure).collect();
    let mut lines: BTreeSet<String> = errors.iter().cloned().collect();
    lines.extend(in_words(&failed));
    let conditions = vec![synced(&counts, failed.first()), available(&counts, tally)];
    PolicyStatus { errors: capped(lines), conditions, counts }
}

/// `Synced`, with KubeStellar's reasons.
fn synced(counts: &Counts, failure: Option<&Failure>) -> Condition {
    let message = format!("{} of {} placements applied", counts.applied, counts.placed);
    let (status, reason, message) = match failure {
        Some(failure) => (Truth::False, "ReconcileError", format!("{message}; {failure}")),
        None if counts.applied < counts.placed => (Truth::False, "Creating", message),
        None => (Truth::True, "ReconcileSuccess", placement(counts)),
    };
    Condition { kind: "Synced", status, reason, message }
}

fn available(counts: &Counts, tally: &Tally) -> Condition {
    if counts.ready == counts.placed {
        let message = placement(counts);
        return Condition { kind: "Ready", status: Truth::True, reason: "Available", message };
    }
    let worst = tally.worst().map(|pair| format!("; {}", failure(pair))).unwrap_or_default();
    let message = format!("{} of {} placements healthy{worst}", counts.ready, counts.placed);
    Condition { kind: "Ready", status: Truth::False, reason: "Unavailable", message }
}

fn placement(counts: &Counts) -> String {
    match (counts.objects, counts.clusters) {
        (0, _) | (_, 0) => "it places nothing: no object, or no cluster, matches".to_owned(),
        (objects, clusters) => format!("{objects} object(s) on {clusters} cluster(s)"),
    }
}

/// The status of a unit.
pub fn unit_status(input: &UnitInput<'_>) -> UnitStatus {
    let mut counts = input.tally.counts();
    counts.objects = input.objects;
    let mut failures: Vec<Failure> = input.tally.troubles().map(failure).collect();
    failures.extend(input.failures.iter().map(clean));
    failures.sort();
    failures.dedup();
    let conditions = conditions(input, &counts, &failures);
    failures.truncate(MAX_FAILURES);
    UnitStatus { commit: input.commit.to_owned(), counts, failures, conditions }
}

fn conditions(input: &UnitInput<'_>, counts: &Counts, failures: &[Failure]) -> Vec<Condition> {
    let progress = format!("{} of {} placements healthy", counts.ready, counts.placed);
    let under_way = input.advancing || input.tally.is_under_way();
    let ready = match failures.first() {
        Some(failure) => {
            let more = failures.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            (Truth::False, "Failed", format!("{progress}; {failure}{more}"))
        }
        None if under_way => (Truth::False, "Progressing", progress.clone()),
        // Stored is not healthy; but nothing is wrong, either, and nobody has to wait.
        None if counts.placed == 0 => {
            (Truth::Unknown, "NotPlaced", "no policy places any of its objects on a cluster".to_owned())
        }
        None => (Truth::True, "Healthy", progress.clone()),
    };
    let (status, reason, message) = ready;
    let mut conditions = vec![Condition { kind: "Ready", status, reason, message: message.clone() }];
    if under_way {
        conditions.push(Condition {
            kind: "Reconciling",
            status: Truth::True,
            reason: "Progressing",
            message: progress,
        });
    }
    if !failures.is_empty() {
        conditions.push(Condition { kind: "Stalled", status: Truth::True, reason: "Failed", message });
    }
    conditions
}

/// What a pair says that is not ready.
fn failure(pair: &PairStatus) -> Failure {
    let message = match &pair.state {
        PairState::Pending(message) | PairState::Failed(message) | PairState::NotAllowed(message) => {
            message.clone()
        }
        PairState::Applied(health) => health.to_string(),
    };
    clean(&Failure {
        object: Some(pair.pair.object.clone()),
        cluster: Some(pair.pair.cluster.clone()),
        message,
    })
}

/// A message that may stand in a status: no Secret's value, no more than some lines.
fn clean(failure: &Failure) -> Failure {
    let secret = failure.object.as_ref().is_some_and(|id| id.group.is_empty() && id.kind == "Secret");
    let mut message = if secret { without_quotations(&failure.message) } else { failure.message.clone() };
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    Failure { message, ..failure.clone() }
}

/// API servers quote the value that they refuse. What follows an opening quote goes, up to the last one.
fn without_quotations(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}\"…{}", &message[..first], &message[last..]),
        (Some(first), _) => format!("{}\"…", &message[..first]),
        _ => message.to_owned(),
    }
}

/// One line per object and message, with its clusters.
fn in_words(failures: &[Failure]) -> Vec<String> {
    let mut grouped: BTreeMap<(&Option<ObjectId>, &str), Vec<&ClusterName>> = BTreeMap::new();
    for failure in failures {
        let key = (&failure.object, failure.message.as_str());
        grouped.entry(key).or_default().extend(&failure.cluster);
    }
    grouped
        .into_iter()
        .map(|((object, message), clusters)| {
            let object = object.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{object} on {}: {message}", some_of(clusters, 4))
        })
        .collect()
}

fn capped(lines: BTreeSet<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_ERRORS);
    let mut lines: Vec<String> = lines.into_iter().take(MAX_ERRORS).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

impl std::fmt::Display for Failure {
    /// `Deployment.apps shop/cart on edge-1: forbidden`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{object}")?;
            if let Some(cluster) = &self.cluster {
                write!(f, " on {cluster}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}
