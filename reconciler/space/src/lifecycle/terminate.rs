//! Emptying a namespace that is being deleted, and letting it go.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::GroupResource;
use apimachinery::clock::rfc3339_seconds;
use serde_json::{Value, json};

use crate::gc;
use crate::resource::Origin;
use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;

use super::place;

/// The entry of `spec.finalizers` that holds a namespace until it is empty.
const CONTENT: &str = "kubernetes";

/// Deletes what a terminating namespace holds, tells what remains, and lets the namespace go when nothing does.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn terminate(space: &Arc<Space>, namespace: &str) -> Answer<()> {
    if !super::is_terminating(space, namespace) {
        return Ok(());
    }
    let content = Content::of(space, namespace);
    let mut writes = gc::Writes::new();
    for place in &content.places {
        writes.add(gc::delete(space, place));
    }
    writes.done().await?;
    let remaining = Content::of(space, namespace);
    let now = rfc3339_seconds(space.host().clock.now());
    space.change(&place(namespace), |stored| Ok(next(stored, &remaining, &now))).await.map(drop)
}

/// All objects in a namespace.
struct Content {
    places: Vec<Place>,
    by_resource: BTreeMap<GroupResource, usize>,
    by_finalizer: BTreeMap<String, usize>,
}

impl Content {
    fn of(space: &Space, namespace: &str) -> Self {
        let mut content =
            Self { places: Vec::new(), by_resource: BTreeMap::new(), by_finalizer: BTreeMap::new() };
        for resource in space.registry().iter().filter(|resource| resource.namespaced) {
            // Events are one resource under two groups.
            if resource.origin == Origin::Review || resource.stored_as() != resource.group_resource() {
                continue;
            }
            let id = resource.group_resource();
            for stored in space.list(&id, Some(namespace)).items {
                content.add(&id, namespace, &stored);
            }
        }
        content
    }

    fn add(&mut self, id: &GroupResource, namespace: &str, stored: &Stored) {
        self.places.push(Place::new(id.clone(), Some(namespace), stored.object.header().name.as_str()));
        *self.by_resource.entry(id.clone()).or_default() += 1;
        if stored.object.header().deleting {
            for finalizer in gc::finalizers(&stored.object.to_value()) {
                *self.by_finalizer.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
    }

    /// The conditions of the namespace: what remains, and what holds it. Texts are those of the namespace controller.
    fn conditions(&self) -> [Value; 5] {
        let fine = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "False", "reason": reason, "message": message});
        let listed = |counts: Vec<String>| counts.join(", ");
        let remaining = match self.by_resource.is_empty() {
            true => fine("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
            false => {
                let counts = self.by_resource.iter();
                let counts = counts
                    .map(|(id, count)| format!("{}.{} has {count} resource instances", id.plural, id.group));
                let message = format!("Some resources are remaining: {}", listed(counts.collect()));
                json!({"type": "NamespaceContentRemaining", "status": "True", "reason": "SomeResourcesRemain", "message": message})
            }
        };
        let held = match self.by_finalizer.is_empty() {
            true => fine(
                "NamespaceFinalizersRemaining",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
            false => {
                let counts = self.by_finalizer.iter();
                let counts =
                    counts.map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"));
                let message = format!(
                    "Some content in the namespace has finalizers remaining: {}",
                    listed(counts.collect())
                );
                json!({"type": "NamespaceFinalizersRemaining", "status": "True", "reason": "SomeFinalizersRemain", "message": message})
            }
        };
        [
            fine(
                "NamespaceDeletionDiscoveryFailure",
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            fine(
                "NamespaceDeletionGroupVersionParsingFailure",
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            fine(
                "NamespaceDeletionContentFailure",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            remaining,
            held,
        ]
    }
}

/// The namespace after a look at what remains in it.
fn next(stored: Option<&Stored>, remaining: &Content, now: &str) -> Next {
    let Some(stored) = stored.filter(|stored| stored.object.header().deleting) else { return Next::Keep };
    let before = stored.object.to_value();
    let mut new = before.clone();
    if remaining.places.is_empty() {
        if let Some(finalizers) = new.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|finalizer| finalizer != CONTENT);
        }
        if let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut)
            && spec.get("finalizers").and_then(Value::as_array).is_some_and(Vec::is_empty)
        {
            spec.remove("finalizers");
        }
        if !gc::is_held(&super::NAMESPACES, &new) {
            return Next::Gone(Some(new));
        }
    }
    set_conditions(&mut new, remaining.conditions(), now);
    if new == before { Next::Keep } else { Next::Put(new) }
}

fn set_conditions(namespace: &mut Value, conditions: [Value; 5], now: &str) {
    namespace["status"]["phase"] = json!("Terminating");
    let old = namespace["status"]["conditions"].take();
    let old = old.as_array().map(Vec::as_slice).unwrap_or_default();
    let stamped = conditions.into_iter().map(|mut condition| {
        let before = old.iter().find(|before| before["type"] == condition["type"]);
        condition["lastTransitionTime"] = match before {
            Some(before) if before["status"] == condition["status"] => before["lastTransitionTime"].clone(),
            _ => json!(now),
        };
        condition
    });
    namespace["status"]["conditions"] = stamped.collect();
}
