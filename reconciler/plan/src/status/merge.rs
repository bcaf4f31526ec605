//! One status out of several, so that it tells the truth about the worst cluster.
//!
//! A number is the least of all (absent is zero, as Kubernetes leaves zeros out), unless more of it is worse. A condition holds where all clusters say so;
//! one that means trouble holds where any says so. Text that is equal everywhere stays, other text goes. KubeStellar merges three kinds; for these the numbers
//! come out alike, but for clusters that say nothing.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::GroupKind;
use serde_json::{Map, Value};

use crate::ClusterName;

/// Numbers of which more is worse.
const WORSE_WHEN_MORE: &[&str] =
    &["unavailableReplicas", "numberMisscheduled", "numberUnavailable", "failed", "active"];

/// Conditions that mean trouble while they are True.
const TROUBLE: &[&str] = &[
    "ReplicaFailure",
    "Failed",
    "FailureTarget",
    "Stalled",
    "Degraded",
    "Reconciling",
    "Suspended",
    "DisruptionTarget",
    "Terminating",
    "NonStructuralSchema",
];

/// Phases from best to worst, of Pods and of claims.
const PHASES: &[&str] = &["Succeeded", "Bound", "Running", "Pending", "Unknown", "Lost", "Failed"];

/// Required fields, which stay even when they are zero (DaemonSet).
const REQUIRED: &[&str] =
    &["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"];

/// What belongs to one pod, one node or one moment and means nothing for several clusters.
const PER_CLUSTER: &[(&str, &[&str])] = &[
    (
        "Pod",
        &[
            "podIP",
            "podIPs",
            "hostIP",
            "hostIPs",
            "containerStatuses",
            "initContainerStatuses",
            "ephemeralContainerStatuses",
            "startTime",
        ],
    ),
    ("Job", &["uncountedTerminatedPods"]),
];

/// The merged status of several clusters; `None` where they have nothing in common. A cluster that has not reported is an empty object.
pub fn merge(kind: &GroupKind, statuses: &BTreeMap<ClusterName, Value>) -> Option<Value> {
    let objects: Vec<(&ClusterName, &Map<String, Value>)> =
        statuses.iter().filter_map(|(cluster, status)| Some((cluster, status.as_object()?))).collect();
    let fields: BTreeSet<&String> = objects.iter().flat_map(|(_, status)| status.keys()).collect();
    let own = PER_CLUSTER.iter().find(|(name, _)| *name == kind.kind.as_str()).map(|(_, fields)| *fields);
    let mut merged = Map::new();
    for field in fields {
        if own.is_some_and(|own| own.contains(&field.as_str())) {
            continue;
        }
        let values: Vec<Option<&Value>> =
            objects.iter().map(|(_, status)| status.get(field.as_str())).collect();
        let value = match field.as_str() {
            "conditions" => conditions(&objects),
            "phase" => phase(&values),
            "startTime" => time(&values, false),
            "completionTime" => time(&values, true),
            name => common(name, &values),
        };
        if let Some(value) = value {
            merged.insert(field.clone(), value);
        }
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

/// Whole numbers by the least or the most, everything else where all agree.
fn common(field: &str, values: &[Option<&Value>]) -> Option<Value> {
    let number = |value: &Option<&Value>| match value {
        None => Some(0),
        Some(value) => value.as_i64(),
    };
    let numbers: Option<Vec<i64>> = values.iter().map(number).collect();
    if let Some(numbers) = numbers {
        let number = if WORSE_WHEN_MORE.contains(&field) {
            numbers.into_iter().max()
        } else {
            numbers.into_iter().min()
        };
        return number.filter(|n| *n != 0 || REQUIRED.contains(&field)).map(Value::from);
    }
    let first = values.first().copied().flatten()?;
    values.iter().all(|value| *value == Some(first)).then(|| first.clone())
}

/// The worst phase; nothing where a cluster has none or one that is not known.
fn phase(values: &[Option<&Value>]) -> Option<Value> {
    let rank = |value: &Option<&Value>| {
        PHASES.iter().position(|phase| value.and_then(Value::as_str) == Some(*phase))
    };
    let ranks: Option<Vec<usize>> = values.iter().map(rank).collect();
    match ranks {
        Some(ranks) => ranks.into_iter().max().and_then(|rank| PHASES.get(rank)).map(|p| Value::from(*p)),
        None => common("phase", values),
    }
}

/// The first of several times, or the last if all have one: done is who is done last. RFC 3339 in UTC sorts as text.
fn time(values: &[Option<&Value>], last: bool) -> Option<Value> {
    let times: Vec<&str> = values.iter().filter_map(|v| v.and_then(Value::as_str)).collect();
    if last {
        return times.iter().max().filter(|_| times.len() == values.len()).map(|t| Value::from(*t));
    }
    times.iter().min().map(|t| Value::from(*t))
}

/// What a condition is in all clusters together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    False,
    Unknown,
    True,
}

type Statuses<'a> = [(&'a ClusterName, &'a Map<String, Value>)];

fn conditions(statuses: &Statuses<'_>) -> Option<Value> {
    let lists = statuses.iter().map(|(_, status)| list(status));
    let kinds: BTreeSet<&str> =
        lists.flatten().filter_map(|c| c.get("type").and_then(Value::as_str)).collect();
    let merged: Vec<Value> = kinds.into_iter().filter_map(|kind| condition(kind, statuses)).collect();
    (!merged.is_empty()).then_some(Value::Array(merged))
}

fn list(status: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    status.get("conditions").and_then(Value::as_array).into_iter().flatten()
}

/// The cluster that decides gives reason and message, and is named.
fn condition(kind: &str, statuses: &Statuses<'_>) -> Option<Value> {
    let found = |status: &'_ Map<String, Value>| {
        list(status).find(|c| c.get("type").and_then(Value::as_str) == Some(kind)).cloned()
    };
    let each: Vec<(&ClusterName, Option<Value>)> =
        statuses.iter().map(|(cluster, status)| (*cluster, found(status))).collect();
    let verdict = |condition: &Option<Value>| {
        let status = condition.as_ref().and_then(|c| c.get("status")).and_then(Value::as_str);
        match status {
            Some("True") => Verdict::True,
            Some("False") => Verdict::False,
            // Trouble that is not mentioned is none; anything else that is not mentioned is not known.
            None if TROUBLE.contains(&kind) => Verdict::False,
            _ => Verdict::Unknown,
        }
    };
    let verdicts = each.iter().map(|(_, condition)| verdict(condition));
    let overall = if TROUBLE.contains(&kind) { verdicts.max() } else { verdicts.min() }?;
    let (cluster, deciding) = each
        .iter()
        .find(|(_, c)| c.is_some() && verdict(c) == overall)
        .or_else(|| each.iter().find(|(_, c)| c.is_some()))?;
    let mut condition = deciding.clone()?;
    let agreed = each.iter().all(|(_, c)| verdict(c) == overall);
    let map = condition.as_object_mut()?;
    let text = match overall {
        Verdict::True => "True",
        Verdict::False => "False",
        Verdict::Unknown => "Unknown",
    };
    map.insert("status".to_owned(), text.into());
    if !agreed {
        let message = map.get("message").and_then(Value::as_str).unwrap_or_default();
        map.insert("message".to_owned(), format!("{cluster}: {message}").into());
    }
    Some(condition)
}
