//! The JSON files of a report. Keys are sorted, so equal states are equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Files, Gist, ReportInput, ReportedUnit};
use crate::UnitName;
use crate::status::{Condition, Failure, PairState, PairStatus, Truth};

/// `summary.json`: a [`Gist`].
pub fn summary_file(gist: &Gist) -> Vec<u8> {
    let ready: Map<String, Value> =
        gist.ready.iter().map(|(unit, ready)| (unit.to_string(), Value::from(*ready))).collect();
    text(&json!({
        "commit": gist.commit,
        "converged": gist.converged,
        "failures": gist.failures,
        "held": gist.held,
        "ready": ready,
    }))
}

/// The gist of committed files; `None` if they hold none that can be read.
pub fn gist_of(files: &Files) -> Option<Gist> {
    let value: Value = serde_json::from_slice(files.get("summary.json")?).ok()?;
    let strings = |field: &str| -> Option<BTreeSet<String>> {
        value.get(field)?.as_array()?.iter().map(|s| s.as_str().map(str::to_owned)).collect()
    };
    let ready = value.get("ready")?.as_object()?;
    Some(Gist {
        commit: value.get("commit")?.as_str()?.to_owned(),
        ready: ready
            .iter()
            .map(|(unit, r)| Some((UnitName::new(unit.as_str()), r.as_bool()?)))
            .collect::<Option<_>>()?,
        failures: strings("failures")?,
        held: strings("held")?,
        converged: value.get("converged")?.as_bool()?,
    })
}

/// One unit with all of its pairs.
pub(super) fn unit(name: &UnitName, unit: &ReportedUnit) -> Vec<u8> {
    let status = &unit.status;
    let counts = status.counts;
    let mut pairs: Vec<&PairStatus> = unit.pairs.iter().collect();
    pairs.sort();
    text(&json!({
        "unit": name.as_str(),
        "path": unit.path,
        "commit": status.commit,
        "objects": counts.objects,
        "clusters": counts.clusters,
        "placed": counts.placed,
        "applied": counts.applied,
        "ready": counts.ready,
        "conditions": status.conditions.iter().map(condition).collect::<Vec<_>>(),
        "failures": status.failures.iter().map(failure).collect::<Vec<_>>(),
        "pairs": pairs.into_iter().map(pair).collect::<Vec<_>>(),
    }))
}

fn condition(condition: &Condition) -> Value {
    let status = match condition.status {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    };
    json!({"type": condition.kind, "status": status, "reason": condition.reason, "message": condition.message})
}

fn failure(failure: &Failure) -> Value {
    let mut value = Map::from_iter([("message".to_owned(), Value::from(failure.message.as_str()))]);
    value.extend(failure.object.as_ref().map(|id| ("object".to_owned(), id.to_string().into())));
    value.extend(failure.cluster.as_ref().map(|c| ("cluster".to_owned(), c.to_string().into())));
    Value::Object(value)
}

/// States without messages: those of failures stand in `failures`, and the others change all the time.
fn pair(pair: &PairStatus) -> Value {
    let (state, reason) = match &pair.state {
        PairState::Pending(_) => ("Pending".to_owned(), ""),
        PairState::Failed(_) => ("Failed".to_owned(), ""),
        PairState::NotAllowed(_) => ("NotAllowed".to_owned(), ""),
        PairState::Applied(health) => (health.state.to_string(), health.reason.as_str()),
    };
    let mut value = json!({
        "object": pair.pair.object.to_string(),
        "cluster": pair.pair.cluster.as_str(),
        "state": state,
    });
    if let Some(map) = value.as_object_mut().filter(|_| !reason.is_empty()) {
        map.insert("reason".to_owned(), reason.into());
    }
    value
}

/// Every object with its clusters, by unit.
pub(super) fn placement(input: &ReportInput) -> Vec<u8> {
    let mut units: BTreeMap<&str, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for (name, unit) in &input.units {
        let objects = units.entry(name.as_str()).or_default();
        for pair in &unit.pairs {
            let clusters = objects.entry(pair.pair.object.to_string()).or_default();
            clusters.insert(pair.pair.cluster.as_str());
        }
    }
    text(&json!({"commit": input.commit, "units": units}))
}

/// Indented, so that git's diffs are readable.
pub(super) fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}
