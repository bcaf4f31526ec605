//! The `.status` of a WDS object (`spec/kubestellar.md` 2.9).
//!
//! | singleton asked | several asked | qualified clusters | effect |
//! |---|---|---|---|
//! | yes | no | 1 | copied |
//! | yes | no | 0 or more than 1 | cleared, with an error on the policy |
//! | no | yes | 1 / more | copied / merged |
//! | yes | yes | 1 / more | copied / merged |
//! | – | yes | 0 | cleared |
//! | no | no | any | cleared |
//!
//! Cleared means: if a label says that a status was returned before; what somebody else wrote stays. On purpose different from KubeStellar: a qualified cluster
//! that has not reported counts as one where nothing is ready, instead of not at all.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ReturnDecision, ReturnInput, StatusChange, merge, translate_generation};
use crate::ClusterName;
use crate::finding::some_of;

/// Decides about the `.status` of one WDS object.
pub fn returned(input: &ReturnInput<'_>) -> ReturnDecision {
    let never = matches!(
        (input.id.group.as_str(), input.id.kind.as_str()),
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    );
    let count = input.qualified.len();
    let singleton = input.want_singleton && count == 1;
    let merged = input.want_multi && count >= 1;
    if never {
        return ReturnDecision { change: StatusChange::Keep, labels: input.labelled, error: None };
    }
    if !singleton && !merged {
        return cleared(input);
    }
    let Some(status) = folded(input) else {
        // Nothing has come back yet: what stands there stays.
        let labels = (singleton && input.labelled.0, merged && input.labelled.1);
        return ReturnDecision { change: StatusChange::Keep, labels, error: None };
    };
    let status = acceptable(input, status);
    let same = input.status.is_some_and(|old| same(old, &status));
    let change = if same { StatusChange::Keep } else { StatusChange::Set(status) };
    ReturnDecision { change, labels: (singleton, merged), error: None }
}

fn cleared(input: &ReturnInput<'_>) -> ReturnDecision {
    let ours = input.labelled.0 || input.labelled.1;
    let empty = input.status.is_none_or(|status| same(status, &Value::Object(Map::new())));
    let change = if ours && !empty { StatusChange::Clear } else { StatusChange::Keep };
    let error = input.want_singleton.then(|| match input.qualified.len() {
        0 => format!("{}: its status is asked for, and no cluster qualifies to return it", input.id),
        count => format!(
            "{}: its status is asked for as that of one cluster, and {count} qualify ({}); narrow the policy, or set wantMultiWECReportedState",
            input.id,
            some_of(input.qualified, 4)
        ),
    });
    ReturnDecision { change, labels: (false, false), error }
}

/// The status of the only qualified cluster, or the merged one. `None` while nobody has returned anything.
fn folded(input: &ReturnInput<'_>) -> Option<Value> {
    let translated = |cluster: &ClusterName| {
        let returned = input.returned.get(cluster)?;
        Some(match input.generation {
            Some(generation) => translate_generation(&returned.status, returned, generation),
            None => returned.status.clone(),
        })
    };
    if input.qualified.len() == 1 {
        return input.qualified.first().and_then(translated);
    }
    if !input.qualified.iter().any(|cluster| input.returned.contains_key(cluster)) {
        return None;
    }
    let silent = || Value::Object(Map::new());
    let statuses: BTreeMap<ClusterName, Value> = input
        .qualified
        .iter()
        .map(|cluster| (cluster.clone(), translated(cluster).unwrap_or_else(silent)))
        .collect();
    merge(&input.id.group_kind(), &statuses)
}

/// A status as a kube-apiserver takes it in the place of the one that stands there. It refuses a `collisionCount` that decreases, which is a memory of one cluster's
/// controller and of no use elsewhere; and a `startTime` of a Job that changes while the Job runs, as that of several clusters does when one reports late.
fn acceptable(input: &ReturnInput<'_>, mut status: Value) -> Value {
    let Some(fields) = status.as_object_mut() else { return status };
    fields.remove("collisionCount");
    let known = input.status.and_then(|old| old.get("startTime")).filter(|time| !time.is_null());
    if let ("Job", Some(known), true) = (input.id.kind.as_str(), known, fields.contains_key("startTime"))
        && !input.status.is_some_and(is_suspended)
    {
        fields.insert("startTime".to_owned(), known.clone());
    }
    status
}

fn is_suspended(status: &Value) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|c| c["type"] == "Suspended" && c["status"] == "True")
}

/// Equal as far as an API server can tell: it drops zeros, or puts them in.
fn same(a: &Value, b: &Value) -> bool {
    let says_something = |(_, value): &(&String, &Value)| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(true) => true,
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.iter().filter(says_something).eq(b.iter().filter(says_something))
        }
        _ => a == b,
    }
}
