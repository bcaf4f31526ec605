//! The controller of one definition: its names, and its end.

use std::sync::Arc;

use apimachinery::clock::rfc3339_seconds;
use apimachinery::{GroupResource, Object};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gc;
use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;

use super::deletion::FINALIZER;
use super::names::settled;
use super::{DEFINITIONS, condition, set_condition, text};

/// The part of a definition that says who has which names. Schemas may be huge, so the rest is skipped.
#[derive(Deserialize)]
struct Brief {
    metadata: BriefMetadata,
    spec: BriefSpec,
    #[serde(default)]
    status: Value,
}

#[derive(Deserialize)]
struct BriefMetadata {
    name: String,
}

#[derive(Deserialize)]
struct BriefSpec {
    group: String,
}

impl Brief {
    /// A definition without its versions.
    fn of(object: &Object) -> Option<Value> {
        let brief: Self = serde_json::from_slice(object.bytes()).ok()?;
        Some(json!({
            "metadata": {"name": brief.metadata.name}, "spec": {"group": brief.spec.group}, "status": brief.status,
        }))
    }
}

/// The definitions of a group, in brief. Their names end with it, so that the others need not be read at all.
fn of_group(space: &Space, group: &str) -> Vec<Value> {
    let ending = format!(".{group}");
    let items = space.list(&DEFINITIONS, None).items;
    let named = items.iter().filter(|stored| stored.object.header().name.as_str().ends_with(&ending));
    let all = named.filter_map(|stored| Brief::of(&stored.object));
    all.filter(|found| text(found, "/spec/group") == group).collect()
}

/// Definitions that must be looked at again after a change of one: those of its group whose names were refused, if it gave up a name.
pub(crate) fn waiting_for(space: &Space, old: Option<&Object>, new: Option<&Object>) -> Vec<String> {
    let Some(old) = old.and_then(Brief::of) else { return Vec::new() };
    let names = |definition: &Value| definition.pointer("/status/acceptedNames").cloned();
    if new.and_then(Brief::of).is_some_and(|new| names(&new) == names(&old)) {
        return Vec::new();
    }
    let refused =
        |found: &Value| condition(found, "NamesAccepted").is_some_and(|one| one["status"] == "False");
    let others = of_group(space, text(&old, "/spec/group"));
    others
        .iter()
        .filter(|found| refused(found))
        .map(|found| text(found, "/metadata/name").to_owned())
        .collect()
}

/// Accepts the names of a definition and establishes it; of one that is being deleted, deletes the objects and then lets it go.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn reconcile(space: &Arc<Space>, name: &str) -> Answer<()> {
    let place = Place::new(DEFINITIONS.clone(), None, name);
    let Some(stored) = space.get(&place) else { return Ok(()) };
    let definition = stored.object.to_value();
    if stored.object.header().deleting {
        return if gc::finalizers(&definition).contains(&FINALIZER) {
            finish(space, &place, &definition).await
        } else {
            Ok(())
        };
    }
    if definition.pointer("/spec/names") == definition.pointer("/status/acceptedNames")
        && condition(&definition, "Established").is_some()
    {
        return Ok(());
    }
    let now = now(space);
    let others = of_group(space, text(&definition, "/spec/group"));
    let next = |stored: Option<&Stored>| {
        let settled = stored.and_then(|stored| settled(&stored.object.to_value(), &others, &now));
        Ok(settled.map_or(Next::Keep, Next::Put))
    };
    space.change(&place, next).await.map(drop)
}

fn now(space: &Space) -> String {
    rfc3339_seconds(space.host().clock.now())
}

async fn finish(space: &Arc<Space>, place: &Place, definition: &Value) -> Answer<()> {
    let resource =
        GroupResource::new(text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    let was_served = condition(definition, "Established").is_some_and(|found| found["status"] == "True");
    if was_served {
        let objects = places(space, &resource);
        let mut writes = gc::Writes::new();
        for object in &objects {
            writes.add(gc::delete(space, object));
        }
        writes.done().await?;
    }
    let remaining = if was_served { places(space, &resource).len() } else { 0 };
    let now = now(space);
    let next = |stored: Option<&Stored>| {
        let Some(stored) = stored.filter(|stored| stored.object.header().deleting) else {
            return Ok(Next::Keep);
        };
        let before = stored.object.to_value();
        let mut new = if remaining == 0 { gc::without_finalizer(&before, FINALIZER) } else { before.clone() };
        set_condition(&mut new, progress(was_served, remaining), &now);
        Ok(match () {
            () if remaining == 0 && !gc::is_held(&DEFINITIONS, &new) => Next::Gone(Some(new)),
            () if new == before => Next::Keep,
            () => Next::Put(new),
        })
    };
    space.change(place, next).await.map(drop)
}

/// Where the objects of a resource are.
fn places(space: &Space, resource: &GroupResource) -> Vec<Place> {
    let items = space.list(resource, None).items;
    let place = |stored: &Arc<Stored>| {
        let header = stored.object.header();
        let namespace = header.namespace.as_ref().map(apimachinery::Namespace::as_str);
        Place::new(resource.clone(), namespace, header.name.as_str())
    };
    items.iter().map(place).collect()
}

fn progress(was_served: bool, remaining: usize) -> Value {
    let (status, reason, message) = match (was_served, remaining) {
        (false, _) => ("False", "NeverEstablished", "resource was never established"),
        (true, 0) => ("False", "InstanceDeletionCompleted", "removed all instances"),
        (true, _) => ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"),
    };
    json!({"type": "Terminating", "status": status, "reason": reason, "message": message})
}
