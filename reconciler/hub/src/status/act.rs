//! Writes the statuses of policies and units that differ from what stands there. One that cannot be written stops none of the others.

use std::collections::{BTreeMap, BTreeSet};

use api::gitstellar::{Failure, UnitStatus};
use api::kubestellar::{Condition as PolicyCondition, ReportedStatus};
use apimachinery::{Name, Object, ObjectId, clock};
use plan::Policy;
use plan::status::{self, Truth};
use runtime::{ApiError, DeleteOptions, Key, Manager, Reason, Resource, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use super::StatusError;
use super::fleet::{Fleet, FleetUnit};
use super::observe::Observed;
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

/// Status of BindingPolicies. `complaints` tell of objects whose status was asked for.
pub(super) async fn policies(
    world: &World,
    observed: &Observed,
    complaints: &BTreeMap<ObjectId, String>,
) -> Result<(), StatusError> {
    let resource = resources::policies();
    let mut outcome = Ok(());
    let now = clock::rfc3339_seconds(world.clock.now());
    for stored in world.wds.mirror.list(&resource.group_resource()) {
        let name = stored.header().name.clone();
        let value = stored.to_value();
        let bound = observed.policies.get(name.as_str());
        let pairs = bound
            .map(|bound| observed.pairs_of(bound.objects.keys().cloned(), Some(&bound.clusters)))
            .unwrap_or_default();
        world.effort.status.add(pairs.len());
        let mut problems = Policy::parse(&value, None).map(|policy| policy.problems).unwrap_or_default();
        let asks = bound.iter().flat_map(|bound| &bound.objects);
        let asks = asks.filter(|(_, m)| m.want_singleton || m.want_multi);
        problems.extend(asks.filter_map(|(id, _)| complaints.get(id).cloned()));
        let decided = status::policy_status(&problems, &pairs);
        let old = value.get("status").and_then(|s| ReportedStatus::deserialize(s).ok()).unwrap_or_default();
        let wanted = ReportedStatus {
            conditions: decided.conditions.iter().map(|c| policy_condition(c, &old, &now)).collect(),
            observed_generation: stored.header().generation.unwrap_or_default(),
            errors: decided.errors,
        };
        if wanted != old {
            let status = serde_json::to_value(&wanted).unwrap_or_default();
            let written = write_status(world, &resource, &stored, status).await;
            let failed = |source| StatusError { what: format!("BindingPolicy {name}"), source };
            outcome = outcome.and(written.map(|_| ()).map_err(failed));
        }
    }
    outcome
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

/// Unit objects, one per unit; those of units that are gone, with nothing of them placed any more, are deleted.
pub(super) async fn units(world: &World, fleet: &Fleet) -> Result<(), StatusError> {
    let resource = resources::units();
    let failed = |name: &str| {
        let what = format!("Unit {name}");
        move |source| StatusError { what, source }
    };
    let mut outcome = Ok(());
    for ((source, unit), state) in &fleet.units {
        let name = unit_object_name(source.as_str(), unit.as_str());
        let written = write_unit(world, &resource, (&name, source.as_str(), unit.as_str()), state).await;
        outcome = outcome.and(written.map_err(failed(&name)));
    }
    let known: BTreeSet<String> = world
        .board
        .sources()
        .into_iter()
        .filter(|(_, b)| b.revision.is_some())
        .map(|(s, _)| s.to_string())
        .collect();
    let wanted: BTreeSet<String> =
        fleet.units.keys().map(|(s, u)| unit_object_name(s.as_str(), u.as_str())).collect();
    for stored in world.wds.mirror.list(&resource.group_resource()) {
        let name = stored.header().name.clone();
        let of_known_source =
            stored.to_value()["spec"]["source"].as_str().is_some_and(|source| known.contains(source));
        if of_known_source && !wanted.contains(name.as_str()) {
            let target = Target { resource: &resource, namespace: None, name: &name, subresource: "" };
            let options = DeleteOptions {
                uid: stored.header().uid.as_deref().map(str::to_owned),
                ..DeleteOptions::default()
            };
            let deleted = world.wds.connection.delete(target, &options).await;
            outcome = outcome.and(deleted.map(|_| ()).map_err(failed(name.as_str())));
        }
    }
    outcome
}

fn unit_object_name(source: &str, unit: &str) -> String {
    format!("{source}.{}", unit.to_lowercase().replace('_', "-"))
}

async fn write_unit(
    world: &World,
    resource: &Resource,
    names: (&str, &str, &str),
    state: &FleetUnit,
) -> Result<(), ApiError> {
    let (name, source, unit) = names;
    let key = Key { resource: resource.group_resource(), namespace: None, name: Name::from(name) };
    let spec = json!({ "source": source, "unit": unit, "path": state.path });
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
    let wanted = wire_status(world, state, &old, stored.header().generation.unwrap_or_default());
    if wanted != old {
        write_status(world, resource, &stored, serde_json::to_value(&wanted).unwrap_or_default()).await?;
    }
    Ok(())
}

fn wire_status(world: &World, state: &FleetUnit, old: &UnitStatus, generation: i64) -> UnitStatus {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let status = &state.status;
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
