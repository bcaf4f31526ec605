//! The `.status` of WDS objects: of those whose policy asks for it, and of those that carry one of the labels that say it was returned.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Object, ObjectId};
use plan::ClusterName;
use plan::status::{self, MULTI_LABEL, ReturnDecision, ReturnInput, SINGLETON_LABEL, StatusChange};
use runtime::{ApiError, Reason, Resource, Target};
use serde_json::{Value, json};

use super::StatusError;
use super::act::write_status;
use super::observe::State;
use crate::install::HUB_MANAGER;
use crate::world::World;

/// What was written last, and in which version it left the object: a status that the server refuses, or stores in words of its own, is not written over and over.
#[derive(Default)]
pub(super) struct Tried(BTreeMap<ObjectId, Try>);

struct Try {
    resource_version: Option<String>,
    change: StatusChange,
    refusal: Option<String>,
}

impl Tried {
    /// What came of the same change of the same version, if it was tried: `Some(None)` when it was written.
    fn outcome(&self, stored: &Object, change: &StatusChange) -> Option<Option<String>> {
        let last = self.0.get(&stored.id())?;
        (last.resource_version == version(stored) && last.change == *change).then(|| last.refusal.clone())
    }

    fn note(&mut self, stored: &Object, change: StatusChange, refusal: Option<String>) {
        self.0.insert(stored.id(), Try { resource_version: version(stored), change, refusal });
    }

    fn forget(&mut self, id: &ObjectId) {
        self.0.remove(id);
    }
}

fn version(stored: &Object) -> Option<String> {
    stored.header().resource_version.as_deref().map(str::to_owned)
}

/// Writes the statuses that differ, of the objects that are concerned. One that cannot be written stops none of the others, and is tried again.
pub(super) async fn returned(world: &World, state: &mut State, tried: &mut Tried) -> Result<(), StatusError> {
    let mut outcome = Ok(());
    for id in std::mem::take(&mut state.due.objects) {
        world.effort.status.add(1);
        match return_one(world, state, &id, tried).await {
            Ok(complaint) => complain(state, id, complaint),
            Err(source) => {
                outcome = outcome.and(Err(StatusError { what: id.to_string(), source }));
                state.due.objects.insert(id);
            }
        }
    }
    outcome
}

/// Why the object does not show the status of its clusters, if so.
async fn return_one(
    world: &World,
    state: &State,
    id: &ObjectId,
    tried: &mut Tried,
) -> Result<Option<String>, ApiError> {
    let asked = Asked::of(state, id);
    let Some(stored) = world.wds.get(id).filter(|stored| asked.by_anybody || is_labelled(stored)) else {
        tried.forget(id);
        return Ok(None);
    };
    let labelled =
        (stored.header().label(SINGLETON_LABEL).is_some(), stored.header().label(MULTI_LABEL).is_some());
    let decision = status::returned(&ReturnInput {
        id,
        generation: stored.header().generation,
        labelled,
        status: stored.to_value().get("status"),
        want_singleton: asked.singleton,
        want_multi: asked.multi,
        qualified: &asked.qualified,
        returned: state.returned.get(id).unwrap_or(&BTreeMap::new()),
    });
    let refusal = write(world, &stored, (labelled, &decision), tried).await?;
    Ok(refusal.or(decision.error))
}

/// Tells the policies that asked.
fn complain(state: &mut State, id: ObjectId, complaint: Option<String>) {
    if state.complaints.get(&id) == complaint.as_ref() {
        return;
    }
    state.due.policies.extend(state.bound.holders(&id).map(|(policy, _)| policy.clone()));
    match complaint {
        Some(complaint) => drop(state.complaints.insert(id, complaint)),
        None => drop(state.complaints.remove(&id)),
    }
}

/// Whether a label says that a status was returned.
pub(super) fn is_labelled(stored: &Object) -> bool {
    let header = stored.header();
    header.label(SINGLETON_LABEL).is_some() || header.label(MULTI_LABEL).is_some()
}

/// What the policies of an object want to see of it.
#[derive(Default)]
struct Asked {
    by_anybody: bool,
    singleton: bool,
    multi: bool,
    qualified: BTreeSet<ClusterName>,
}

impl Asked {
    fn of(state: &State, id: &ObjectId) -> Self {
        let mut asked = Self::default();
        for (_, policy) in state.bound.holders(id) {
            let wanted = policy.objects.get(id).filter(|m| m.want_singleton || m.want_multi);
            let Some(modulation) = wanted else { continue };
            asked.by_anybody = true;
            asked.singleton |= modulation.want_singleton;
            asked.multi |= modulation.want_multi;
            asked.qualified.extend(policy.clusters.iter().cloned());
        }
        asked
    }
}

/// Labels are added before a status is written and removed after it is cleared, so that a crash leaves a label to clean up by. Returns why the server refuses the
/// status, if it does: a Job that is complete cannot become incomplete, whatever its clusters say.
async fn write(
    world: &World,
    stored: &Object,
    (labelled, decision): ((bool, bool), &ReturnDecision),
    tried: &mut Tried,
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
