//! Conditions of a work: one Applied and one Available per manifest with the right ordinal, and both for the work as a whole.

use std::collections::BTreeMap;

use api::ocm::work::{ManifestCondition, ManifestResourceMeta, ManifestResourceStatus, ManifestWorkStatus};
use apimachinery::{Object, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use runtime::{ApiError, Resource};
use serde_json::Value;

use crate::observe::Work;
use crate::{AGENT_MANAGER, Agent, resources};

/// What became of one manifest.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The object in the cluster, if it is there and ours.
    pub live: Option<Object>,
    /// Its resource, if the cluster serves it.
    pub resource: Option<Resource>,
    /// Why it is not applied.
    pub failure: Option<String>,
}

impl Outcome {
    /// A manifest that could not even be tried.
    pub fn failed(message: String) -> Self {
        Self { live: None, resource: None, failure: Some(message) }
    }
}

/// A condition in words; its transition time stays while its status does.
struct Draft {
    kind: &'static str,
    ok: bool,
    reason: &'static str,
    message: String,
}

fn condition(draft: Draft, old: &[Condition], generation: i64, now: Timestamp) -> Condition {
    let status = if draft.ok { "True" } else { "False" };
    let same = old.iter().find(|c| c.type_ == draft.kind && c.status == status);
    Condition {
        type_: draft.kind.to_owned(),
        status: status.to_owned(),
        reason: draft.reason.to_owned(),
        message: draft.message,
        observed_generation: Some(generation),
        last_transition_time: same.map_or(Time(now), |c| c.last_transition_time.clone()),
    }
}

/// Writes the status of a work, if it says anything new.
pub(crate) async fn write(
    agent: &Agent,
    work: &Work,
    outcomes: &BTreeMap<usize, Outcome>,
) -> Result<(), ApiError> {
    let generation = work.stored.header().generation.unwrap_or_default();
    let now = agent.settings.clock.now();
    let manifests: Vec<ManifestCondition> = outcomes
        .iter()
        .map(|(ordinal, outcome)| manifest_condition(work, *ordinal, outcome, (generation, now)))
        .collect();
    let failed = outcomes.values().filter(|outcome| outcome.failure.is_some()).count();
    let missing = outcomes.values().filter(|outcome| outcome.live.is_none()).count();
    let applied = if failed == 0 {
        Draft {
            kind: "Applied",
            ok: true,
            reason: "AppliedManifestWorkComplete",
            message: "Apply manifest work complete".to_owned(),
        }
    } else {
        let message = format!("{failed} of {} manifests could not be applied", outcomes.len());
        Draft { kind: "Applied", ok: false, reason: "AppliedManifestWorkFailed", message }
    };
    let available = if missing == 0 {
        Draft {
            kind: "Available",
            ok: true,
            reason: "ResourcesAvailable",
            message: "All resources are available".to_owned(),
        }
    } else {
        let message = format!("{missing} of {} resources are not available", outcomes.len());
        Draft { kind: "Available", ok: false, reason: "ResourcesNotAvailable", message }
    };
    let old = &work.status.conditions;
    let mut conditions: Vec<Condition> =
        old.iter().filter(|c| c.type_ != "Applied" && c.type_ != "Available").cloned().collect();
    conditions.extend([applied, available].map(|draft| condition(draft, old, generation, now)));
    let status = ManifestWorkStatus { conditions, resource_status: ManifestResourceStatus { manifests } };
    write_status(agent, work, &status).await
}

/// Says that a work is on its way out.
pub(crate) async fn deleting(agent: &Agent, work: &Work) -> Result<(), ApiError> {
    let mut status = work.status.clone();
    let message = "its objects are being removed".to_owned();
    let draft = Draft { kind: "Deleting", ok: true, reason: "ManifestsRemoving", message };
    let generation = work.stored.header().generation.unwrap_or_default();
    let deleting = condition(draft, &status.conditions, generation, agent.settings.clock.now());
    status.conditions.retain(|c| c.type_ != "Deleting");
    status.conditions.push(deleting);
    write_status(agent, work, &status).await
}

async fn write_status(agent: &Agent, work: &Work, status: &ManifestWorkStatus) -> Result<(), ApiError> {
    if *status == work.status {
        return Ok(());
    }
    let mut value = work.stored.to_value();
    value["status"] = serde_json::to_value(status).unwrap_or_default();
    let Ok(wanted) = Object::from_value(&value) else { return Ok(()) };
    let resource = resources::manifest_works();
    let stored = agent.settings.its.replace_status(&resource, &wanted, AGENT_MANAGER).await?;
    agent.mailbox.note(&resource.group_resource(), stored);
    Ok(())
}

fn manifest_condition(
    work: &Work,
    ordinal: usize,
    outcome: &Outcome,
    at: (i64, Timestamp),
) -> ManifestCondition {
    let index = i32::try_from(ordinal).unwrap_or(i32::MAX);
    let old = work.status.resource_status.manifests.iter().find(|m| m.resource_meta.ordinal == index);
    let old_conditions = old.map(|m| m.conditions.as_slice()).unwrap_or_default();
    let applied = match &outcome.failure {
        None => Draft {
            kind: "Applied",
            ok: true,
            reason: "AppliedManifestComplete",
            message: "Apply manifest complete".to_owned(),
        },
        Some(message) => {
            Draft { kind: "Applied", ok: false, reason: "AppliedManifestFailed", message: message.clone() }
        }
    };
    let available = if outcome.live.is_some() {
        Draft {
            kind: "Available",
            ok: true,
            reason: "ResourceAvailable",
            message: "Resource is available".to_owned(),
        }
    } else {
        Draft {
            kind: "Available",
            ok: false,
            reason: "ResourceNotAvailable",
            message: "Resource is not available".to_owned(),
        }
    };
    let (generation, now) = at;
    ManifestCondition {
        resource_meta: meta(work, ordinal, index, outcome),
        status_feedback: generation_feedback(work, ordinal, outcome),
        conditions: [applied, available]
            .map(|draft| condition(draft, old_conditions, generation, now))
            .to_vec(),
    }
}

fn meta(work: &Work, ordinal: usize, index: i32, outcome: &Outcome) -> ManifestResourceMeta {
    let manifest = work.manifests.iter().find(|m| m.ordinal == ordinal);
    let Some(header) = manifest.map(|m| m.object.header()) else {
        return ManifestResourceMeta { ordinal: index, ..ManifestResourceMeta::default() };
    };
    ManifestResourceMeta {
        ordinal: index,
        group: header.gvk.group.to_string(),
        version: header.gvk.version.to_string(),
        kind: header.gvk.kind.to_string(),
        resource: outcome.resource.as_ref().map(|r| r.plural.to_string()).unwrap_or_default(),
        name: header.name.to_string(),
        namespace: header.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Values that feedback rules of type JSONPaths ask for: simple field paths, which is what hubs ask for in practice.
fn generation_feedback(work: &Work, ordinal: usize, outcome: &Outcome) -> api::ocm::work::StatusFeedback {
    use api::ocm::work::{FeedbackValue, FieldValue, StatusFeedback};
    let (Some(manifest), Some(live)) = (work.manifests.iter().find(|m| m.ordinal == ordinal), &outcome.live)
    else {
        return StatusFeedback::default();
    };
    let id = manifest.object.id();
    let config = work.spec.manifest_configs.iter().find(|c| {
        let wanted = &c.resource_identifier;
        wanted.group == id.group.as_str()
            && wanted.name == id.name.as_str()
            && wanted.namespace == id.namespace.as_ref().map_or("", |n| n.as_str())
    });
    let rules =
        config.into_iter().flat_map(|config| &config.feedback_rules).filter(|rule| rule.type_ == "JSONPaths");
    let value = live.to_value();
    let values = rules.flat_map(|rule| &rule.json_paths).filter_map(|path| {
        let found =
            path.path.trim_start_matches('.').split('.').try_fold(&value, |at, field| at.get(field))?;
        let field_value = match found {
            Value::Number(number) => {
                FieldValue { type_: "Integer".to_owned(), integer: number.as_i64(), ..FieldValue::default() }
            }
            Value::String(text) => {
                FieldValue { type_: "String".to_owned(), string: Some(text.clone()), ..FieldValue::default() }
            }
            Value::Bool(truth) => {
                FieldValue { type_: "Boolean".to_owned(), boolean: Some(*truth), ..FieldValue::default() }
            }
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(FeedbackValue { name: path.name.clone(), field_value })
    });
    StatusFeedback { values: values.collect() }
}
