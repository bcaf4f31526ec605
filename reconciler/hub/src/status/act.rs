//! Writes the statuses of policies and units that differ from what stands there. One that cannot be written stops none of the others.

use api::gitstellar::{Failure, UnitStatus};
use api::kubestellar::{Condition as PolicyCondition, ReportedStatus};
use apimachinery::{Name, Object, ObjectId, clock};
use plan::status::{self, Tally, Truth};
use plan::{Policy, PolicyName};
use runtime::{ApiError, DeleteOptions, Key, Manager, Reason, Resource, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use super::StatusError;
use super::observe::State;
use super::units::UnitKey;
use crate::install::HUB_MANAGER;
use crate::publish;
use crate::world::{World, resources};

/// Replaces the status as a whole: what a cluster no longer reports must not stay. The version is the newest that this process knows. `false` when another write
/// came first: the watch brings it, and the next pass decides anew.
pub(super) async fn write_status(
    world: &World,
    resource: &Resource,
    stored: &Object,
    status: Value,
) -> Result<bool, ApiError> {
    let newest = world.wds.get(&stored.id()).unwrap_or_else(|| stored.clone());
    let mut value = newest.to_value();
    value["status"] = status;
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let Ok(wanted) = Object::from_value(&value) else { return Ok(true) };
    match world.wds.connection.replace_status(resource, &wanted, HUB_MANAGER).await {
        Ok(written) => world.wds.mirror.note(&resource.group_resource(), written),
        Err(error) if error.reason == Reason::Conflict => return Ok(false),
        // A kind without status has nothing to write to.
        Err(error) if error.reason == Reason::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(true)
}

/// Statuses of the BindingPolicies that are concerned. One that cannot be written is tried again.
pub(super) async fn policies(world: &World, state: &mut State) -> Result<(), StatusError> {
    let mut outcome = Ok(());
    for name in std::mem::take(&mut state.due.policies) {
        world.effort.status.add(1);
        if let Err(source) = write_policy(world, state, &name).await {
            outcome = outcome.and(Err(StatusError { what: format!("BindingPolicy {name}"), source }));
            state.due.policies.insert(name);
        }
    }
    outcome
}

async fn write_policy(world: &World, state: &State, name: &PolicyName) -> Result<(), ApiError> {
    let resource = resources::policies();
    let key = Key { resource: resource.group_resource(), namespace: None, name: name.as_str().into() };
    let Some(stored) = world.wds.mirror.get(&key) else { return Ok(()) };
    let value = stored.to_value();
    let mut problems = Policy::parse(&value, None).map(|policy| policy.problems).unwrap_or_default();
    let bound = state.bound.policy(name);
    let asks = |id: &ObjectId| {
        let modulation = bound.and_then(|bound| bound.objects.get(id));
        modulation.is_some_and(|m| m.want_singleton || m.want_multi)
    };
    let complaints = state.complaints.iter().filter(|(id, _)| asks(id));
    problems.extend(complaints.map(|(_, complaint)| complaint.clone()));
    problems.extend(state.errors.get(name).into_iter().flatten().cloned());
    let decided = status::policy_status(&problems, state.tallies.get(name).unwrap_or(&Tally::default()));
    let old = value.get("status").and_then(|s| ReportedStatus::deserialize(s).ok()).unwrap_or_default();
    let now = clock::rfc3339_seconds(world.clock.now());
    let wanted = ReportedStatus {
        conditions: decided.conditions.iter().map(|c| policy_condition(c, &old, &now)).collect(),
        observed_generation: stored.header().generation.unwrap_or_default(),
        errors: decided.errors,
    };
    if wanted != old {
        let status = serde_json::to_value(&wanted).unwrap_or_default();
        write_status(world, &resource, &stored, status).await?;
    }
    Ok(())
}

fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    }
}

fn policy_condition(wanted: &status::Condition, old: &ReportedStatus, now: &str) -> PolicyCondition {
    let same = old.conditions.iter().find(|c| c.type_ == wanted.kind && c.status == truth(wanted.status));
    PolicyCondition {
        type_: wanted.kind.to_owned(),
        status: truth(wanted.status).to_owned(),
        last_transition_time: same.map_or_else(|| now.to_owned(), |c| c.last_transition_time.clone()),
        reason: wanted.reason.to_owned(),
        message: wanted.message.clone(),
    }
}

/// Unit objects, one per unit; those of units that are gone are deleted. One that cannot be written is tried again.
pub(super) async fn units(world: &World, state: &mut State) -> Result<(), StatusError> {
    let mut outcome = Ok(());
    for name in std::mem::take(&mut state.due.unit_objects) {
        if let Err(source) = write_or_delete(world, state, &name).await {
            outcome = outcome.and(Err(StatusError { what: format!("Unit {name}"), source }));
            state.due.unit_objects.insert(name);
        }
    }
    outcome
}

async fn write_or_delete(world: &World, state: &State, name: &str) -> Result<(), ApiError> {
    let resource = resources::units();
    let mut of_nobody = true;
    for unit in state.units.named(name) {
        let Some(known) = state.units.get(unit) else { continue };
        let Some(status) = &known.status else { continue };
        of_nobody = false;
        let spec = json!({ "source": unit.0.as_str(), "unit": unit.1.as_str(), "path": known.path });
        write_unit(world, &resource, (name, spec), status).await?;
    }
    let key = Key { resource: resource.group_resource(), namespace: None, name: Name::from(name) };
    let Some(stored) = world.wds.mirror.get(&key).filter(|_| of_nobody) else { return Ok(()) };
    let of_known_source =
        stored.to_value()["spec"]["source"].as_str().is_some_and(|source| state.units.knows(source));
    if of_known_source {
        let target = Target { resource: &resource, namespace: None, name: &key.name, subresource: "" };
        let uid = stored.header().uid.as_deref().map(str::to_owned);
        world.wds.connection.delete(target, &DeleteOptions { uid, ..DeleteOptions::default() }).await?;
    }
    Ok(())
}

/// The name of the Unit object of a unit.
pub(super) fn unit_object_name((source, unit): &UnitKey) -> String {
    format!("{source}.{}", unit.as_str().to_lowercase().replace('_', "-"))
}

async fn write_unit(
    world: &World,
    resource: &Resource,
    (name, spec): (&str, Value),
    status: &status::UnitStatus,
) -> Result<(), ApiError> {
    let key = Key { resource: resource.group_resource(), namespace: None, name: Name::from(name) };
    let mut stored = world.wds.mirror.get(&key);
    if stored.as_ref().is_none_or(|stored| stored.to_value()["spec"] != spec) {
        let object = json!({ "apiVersion": "gitstellar.io/v1alpha1", "kind": "Unit", "metadata": { "name": name }, "spec": spec });
        let Ok(object) = Object::from_value(&object) else { return Ok(()) };
        let written =
            world.wds.connection.apply(resource, &object, Manager { name: HUB_MANAGER, force: true }).await?;
        world.wds.mirror.note(&resource.group_resource(), written.clone());
        stored = Some(written);
    }
    let Some(stored) = stored else { return Ok(()) };
    let old =
        stored.to_value().get("status").and_then(|s| UnitStatus::deserialize(s).ok()).unwrap_or_default();
    let wanted = wire_status(world, status, &old, stored.header().generation.unwrap_or_default());
    if wanted != old {
        write_status(world, resource, &stored, serde_json::to_value(&wanted).unwrap_or_default()).await?;
    }
    Ok(())
}

fn wire_status(world: &World, status: &status::UnitStatus, old: &UnitStatus, generation: i64) -> UnitStatus {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let now = world.clock.now();
    UnitStatus {
        commit: status.commit.clone(),
        objects: count(status.counts.objects),
        clusters: count(status.counts.clusters),
        placed: count(status.counts.placed),
        ready: count(status.counts.ready),
        failures: status
            .failures
            .iter()
            .map(|failure| Failure {
                object: failure.object.as_ref().map(ToString::to_string),
                cluster: failure.cluster.as_ref().map(ToString::to_string),
                origin: None,
                message: failure.message.clone(),
            })
            .collect(),
        conditions: status
            .conditions
            .iter()
            .map(|c| {
                publish::condition(
                    (c.kind, truth(c.status), c.reason, c.message.clone()),
                    &old.conditions,
                    generation,
                    now,
                )
            })
            .collect(),
    }
}
