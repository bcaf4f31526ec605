//! The `.status` of WDS objects: of those whose policy asks for it, and of those that carry one of the labels that say it was returned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use apimachinery::{Object, ObjectId};
use plan::ClusterName;
use plan::status::{self, MULTI_LABEL, ReturnDecision, ReturnInput, SINGLETON_LABEL, StatusChange};
use runtime::{ApiError, Reason, Resource, Target};
use serde_json::{Value, json};

use super::StatusError;
use super::act::write_status;
use super::observe::Observed;
use crate::install::HUB_MANAGER;
use crate::world::World;

/// What was written last, and in which version it left the object: a status that the server refuses, or stores in words of its own, is not written over and over.
#[derive(Default)]
pub(super) struct Tried(Mutex<BTreeMap<ObjectId, Try>>);

struct Try {
    resource_version: Option<String>,
    change: StatusChange,
    refusal: Option<String>,
}

impl Tried {
    /// What came of the same change of the same version, if it was tried: `Some(None)` when it was written.
    fn outcome(&self, stored: &Object, change: &StatusChange) -> Option<Option<String>> {
        let tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = tried.get(&stored.id())?;
        (last.resource_version == version(stored) && last.change == *change).then(|| last.refusal.clone())
    }

    fn note(&self, stored: &Object, change: StatusChange, refusal: Option<String>) {
        let attempt = Try { resource_version: version(stored), change, refusal };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(stored.id(), attempt);
    }

    fn retain(&self, asked: &BTreeMap<ObjectId, Asked>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| asked.contains_key(id));
    }
}

fn version(stored: &Object) -> Option<String> {
    stored.header().resource_version.as_deref().map(str::to_owned)
}

/// What came of all objects.
#[derive(Default)]
pub(super) struct Returning {
    /// For the policies that asked: why an object does not show the status of its clusters.
    pub(super) complaints: BTreeMap<ObjectId, String>,
    /// What may go better at the next pass; the first of it.
    pub(super) failure: Option<StatusError>,
}

/// Writes the statuses that differ. One that cannot be written stops none of the others.
pub(super) async fn returned(world: &World, observed: &Observed, tried: &Tried) -> Returning {
    let mut returning = Returning::default();
    let all = asked(world, observed);
    tried.retain(&all);
    for (id, asked) in all {
        let Some(stored) = world.wds.get(&id) else { continue };
        let labelled =
            (stored.header().label(SINGLETON_LABEL).is_some(), stored.header().label(MULTI_LABEL).is_some());
        let decision = status::returned(&ReturnInput {
            id: &id,
            generation: stored.header().generation,
            labelled,
            status: stored.to_value().get("status"),
            want_singleton: asked.singleton,
            want_multi: asked.multi,
            qualified: &asked.qualified,
            returned: observed.returned.get(&id).unwrap_or(&BTreeMap::new()),
        });
        match write(world, &stored, (labelled, &decision), tried).await {
            Ok(refusal) => returning.complaints.extend(refusal.or(decision.error).map(|why| (id, why))),
            Err(source) if returning.failure.is_none() => {
                returning.failure = Some(StatusError { what: id.to_string(), source });
            }
            Err(_) => {}
        }
    }
    returning
}

#[derive(Default)]
struct Asked {
    singleton: bool,
    multi: bool,
    qualified: BTreeSet<ClusterName>,
}

fn asked(world: &World, observed: &Observed) -> BTreeMap<ObjectId, Asked> {
    let mut asked: BTreeMap<ObjectId, Asked> = BTreeMap::new();
    for policy in observed.policies.values() {
        for (id, modulation) in policy.objects.iter().filter(|(_, m)| m.want_singleton || m.want_multi) {
            let entry = asked.entry(id.clone()).or_default();
            entry.singleton |= modulation.want_singleton;
            entry.multi |= modulation.want_multi;
            entry.qualified.extend(policy.clusters.iter().cloned());
        }
    }
    for resource in world.wds.mirror.watched() {
        for object in world.wds.mirror.list(&resource.group_resource()) {
            world.effort.status.add(1);
            let header = object.header();
            if header.label(SINGLETON_LABEL).is_some() || header.label(MULTI_LABEL).is_some() {
                asked.entry(object.id()).or_default();
            }
        }
    }
    asked
}

/// Labels are added before a status is written and removed after it is cleared, so that a crash leaves a label to clean up by. Returns why the server refuses the
/// status, if it does: a Job that is complete cannot become incomplete, whatever its clusters say.
async fn write(
    world: &World,
    stored: &Object,
    (labelled, decision): ((bool, bool), &ReturnDecision),
    tried: &Tried,
) -> Result<Option<String>, ApiError> {
    let Some(resource) = world.wds.resource_in(&stored.header().gvk) else { return Ok(None) };
    let adds = (decision.labels.0 && !labelled.0) || (decision.labels.1 && !labelled.1);
    if adds {
        let both = (decision.labels.0 || labelled.0, decision.labels.1 || labelled.1);
        write_labels(world, &resource, stored, both).await?;
    }
    let refusal = match tried.outcome(stored, &decision.change) {
        Some(outcome) => outcome,
        None => match change(world, &resource, stored, &decision.change).await? {
            Changed::Done => None,
            Changed::Refused(why) => Some(why),
            Changed::TooLate => return Ok(None),
        },
    };
    if refusal.is_none() && decision.labels != labelled {
        write_labels(world, &resource, stored, decision.labels).await?;
    }
    let newest = world.wds.get(&stored.id()).unwrap_or_else(|| stored.clone());
    tried.note(&newest, decision.change.clone(), refusal.clone());
    Ok(refusal)
}

/// How a write of a status went.
enum Changed {
    Done,
    /// The server will never take it, and why.
    Refused(String),
    /// Another write came first.
    TooLate,
}

async fn change(
    world: &World,
    resource: &Resource,
    stored: &Object,
    change: &StatusChange,
) -> Result<Changed, ApiError> {
    let status = match change {
        StatusChange::Keep => return Ok(Changed::Done),
        StatusChange::Set(status) => status.clone(),
        StatusChange::Clear => json!({}),
    };
    match write_status(world, resource, stored, status).await {
        Ok(true) => Ok(Changed::Done),
        Ok(false) => Ok(Changed::TooLate),
        Err(error) if error.reason == Reason::Invalid => Ok(Changed::Refused(format!(
            "{}: the WDS does not take the status that its clusters return: {}",
            stored.id(),
            error.message
        ))),
        Err(error) => Err(error),
    }
}

async fn write_labels(
    world: &World,
    resource: &Resource,
    stored: &Object,
    labels: (bool, bool),
) -> Result<(), ApiError> {
    let value = |on: bool| if on { json!("true") } else { Value::Null };
    let patch = json!({ "metadata": { "labels": { SINGLETON_LABEL: value(labels.0), MULTI_LABEL: value(labels.1) } } });
    let header = stored.header();
    let target =
        Target { resource, namespace: header.namespace.as_ref(), name: &header.name, subresource: "" };
    let written = world.wds.connection.merge(target, &patch, HUB_MANAGER).await?;
    world.wds.mirror.note(&resource.group_resource(), written);
    Ok(())
}
