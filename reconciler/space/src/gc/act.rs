//! Collecting: reads what is there now, decides, and writes.

use std::sync::Arc;

use apimachinery::{GroupKind, GroupVersion, Object};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};

use crate::resource::Origin;
use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;
use crate::write::delete_options::Propagation;

use super::decide::{Action, Dependents, Owner, decide};
use super::deletion::{after_deletion, is_held, without_finalizer};
use super::graph::{Graph, Reference, references};
use super::{FOREGROUND, ORPHAN, finalizers};

/// How many writes of one step are under way at a time. They share the disk's commits.
const AT_ONCE: usize = 64;

/// Looks at one object as it is now: whether its owners still want it, and whether its own deletion waits for dependents.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn collect(space: &Arc<Space>, graph: &Graph, place: &Place) -> Answer<()> {
    let Some(stored) = space.get(place) else { return Ok(()) };
    let object = stored.object.to_value();
    if !stored.object.header().deleting {
        return act(space, graph, place, &stored, &object).await;
    }
    let held = finalizers(&object);
    if held.contains(&ORPHAN) {
        return release_dependents(space, graph, place, &stored).await;
    }
    if held.contains(&FOREGROUND) {
        return wait_for_dependents(space, graph, place, &stored).await;
    }
    Ok(())
}

async fn act(
    space: &Arc<Space>,
    graph: &Graph,
    place: &Place,
    stored: &Stored,
    object: &Value,
) -> Answer<()> {
    let owners: Vec<(Reference, Owner)> = references(&stored.object)
        .into_iter()
        .map(|reference| (reference.clone(), owner(space, place, &reference)))
        .collect();
    match decide(object, &owners, dependents(space, graph, stored)) {
        Action::Stay => Ok(()),
        Action::Delete(policy) => delete_version(space, place, stored, policy).await,
        Action::Release(uids) => release(space, place, &uids).await,
        Action::DeleteUnblocking => {
            unblock(space, place).await?;
            match space.get(place) {
                Some(unblocked) => delete_version(space, place, &unblocked, Propagation::Foreground).await,
                None => Ok(()),
            }
        }
    }
}

/// Where the owner behind a reference must be. `None` for a kind that is not served, and for an owner in a namespace of an object of cluster scope.
fn owner_place(space: &Space, dependent: &Place, reference: &Reference) -> Option<Place> {
    let group = GroupVersion::parse(&reference.api_version).group;
    let kind = GroupKind { group, kind: reference.kind.as_str().into() };
    let registry = space.registry();
    let resource = registry.of_kind(&kind)?;
    if resource.namespaced && dependent.namespace.is_none() || resource.origin == Origin::Review {
        return None;
    }
    Some(Place {
        resource: resource.stored_as(),
        namespace: dependent.namespace.clone().filter(|_| resource.namespaced),
        name: reference.name.clone(),
    })
}

/// Where the owners of an object must be.
pub(crate) fn owners(space: &Space, place: &Place, object: &Object) -> Vec<Place> {
    references(object).iter().filter_map(|reference| owner_place(space, place, reference)).collect()
}

/// The owner behind a reference, as it is now. Where nobody can tell, it counts as present.
fn owner(space: &Space, dependent: &Place, reference: &Reference) -> Owner {
    let Some(place) = owner_place(space, dependent, reference) else { return Owner::Present };
    match space.get(&place) {
        Some(found) if is(&found, &reference.uid) => {
            if is_waiting(&found) {
                Owner::Waiting
            } else {
                Owner::Present
            }
        }
        _ => Owner::Absent,
    }
}

fn is(stored: &Stored, uid: &str) -> bool {
    stored.object.header().uid.as_deref() == Some(uid)
}

/// Whether an object is being deleted and waits for its dependents.
fn is_waiting(stored: &Stored) -> bool {
    stored.object.header().deleting && finalizers(&stored.object.to_value()).contains(&FOREGROUND)
}

fn dependents(space: &Space, graph: &Graph, stored: &Stored) -> Dependents {
    let uid = stored.object.header().uid.as_deref().unwrap_or_default();
    let mut found = Dependents::None;
    for place in graph.dependents(uid) {
        match space.get(place) {
            Some(dependent) if is_waiting(&dependent) => return Dependents::Waiting,
            Some(_) => found = Dependents::Some,
            None => {}
        }
    }
    found
}

/// All who refer to an object, as they are now.
fn dependents_of(space: &Space, graph: &Graph, owner: &Stored) -> Vec<(Place, Reference)> {
    let uid = owner.object.header().uid.as_deref().unwrap_or_default();
    graph
        .dependents(uid)
        .filter_map(|place| {
            let references = references(&space.get(place)?.object);
            Some((place.clone(), references.into_iter().find(|reference| reference.uid == uid)?))
        })
        .collect()
}

/// The dependents that block go first; when none is left, the owner is let go.
async fn wait_for_dependents(space: &Arc<Space>, graph: &Graph, place: &Place, owner: &Stored) -> Answer<()> {
    let mut blocking = dependents_of(space, graph, owner);
    blocking.retain(|(_, reference)| reference.blocks_deletion);
    if blocking.is_empty() {
        return let_go(space, place, FOREGROUND).await;
    }
    let mut writes = Writes::new();
    for (dependent, _) in blocking {
        writes.add(async move {
            match space.get(&dependent) {
                Some(stored) if !stored.object.header().deleting => {
                    let object = stored.object.to_value();
                    act(space, graph, &dependent, &stored, &object).await
                }
                _ => Ok(()),
            }
        });
    }
    writes.done().await
}

async fn release_dependents(space: &Arc<Space>, graph: &Graph, place: &Place, owner: &Stored) -> Answer<()> {
    let mut writes = Writes::new();
    for (dependent, reference) in dependents_of(space, graph, owner) {
        writes.add(async move { release(space, &dependent, std::slice::from_ref(&reference.uid)).await });
    }
    writes.done().await?;
    let_go(space, place, ORPHAN).await
}

/// Several writes that belong together.
///
/// They are boxed one by one: a stream of closures that borrow is not known to be `Send` for every lifetime.
pub(crate) struct Writes<'a>(Vec<BoxFuture<'a, Answer<()>>>);

impl<'a> Writes<'a> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a write, which starts when [`Self::done`] is awaited.
    pub(crate) fn add(&mut self, write: impl Future<Output = Answer<()>> + Send + 'a) {
        self.0.push(write.boxed());
    }

    /// Runs them, several at a time; the first failure is reported, after all were tried.
    ///
    /// # Errors
    /// Those of the writes.
    pub(crate) async fn done(self) -> Answer<()> {
        let mut results = futures::stream::iter(self.0).buffer_unordered(AT_ONCE);
        let mut answer = Ok(());
        while let Some(result) = results.next().await {
            answer = answer.and(result);
        }
        answer
    }
}

/// Removes a finalizer; the object goes if it was the last that held it.
async fn let_go(space: &Arc<Space>, place: &Place, finalizer: &str) -> Answer<()> {
    let next = |stored: Option<&Stored>| {
        let Some(stored) = stored.filter(|stored| stored.object.header().deleting) else {
            return Ok(Next::Keep);
        };
        let object = stored.object.to_value();
        let new = without_finalizer(&object, finalizer);
        Ok(match () {
            () if new == object => Next::Keep,
            () if is_held(&place.resource, &new) => Next::Put(new),
            () => Next::Gone(Some(new)),
        })
    };
    space.change(place, next).await.map(drop)
}

/// Drops the references to some owners.
async fn release(space: &Arc<Space>, place: &Place, uids: &[String]) -> Answer<()> {
    change_references(space, place, |references| {
        references.retain(|reference| !uids.iter().any(|uid| reference["uid"] == **uid));
    })
    .await
}

/// Lets an object no longer block the deletion of its owners.
async fn unblock(space: &Arc<Space>, place: &Place) -> Answer<()> {
    change_references(space, place, |references| {
        for reference in references {
            reference["blockOwnerDeletion"] = json!(false);
        }
    })
    .await
}

async fn change_references(
    space: &Arc<Space>,
    place: &Place,
    change: impl Fn(&mut Vec<Value>) + Send + Sync,
) -> Answer<()> {
    let next = |stored: Option<&Stored>| {
        let Some(stored) = stored else { return Ok(Next::Keep) };
        let before = stored.object.to_value();
        let mut new = before.clone();
        let metadata = new.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata
            && let Some(Value::Array(references)) = metadata.get_mut("ownerReferences")
        {
            change(references);
            if references.is_empty() {
                metadata.remove("ownerReferences");
            }
        }
        Ok(if new == before { Next::Keep } else { Next::Put(new) })
    };
    space.change(place, next).await.map(drop)
}

/// Deletes an object if it is still as it was when that was decided. Otherwise its change leads back here.
async fn delete_version(
    space: &Arc<Space>,
    place: &Place,
    seen: &Stored,
    propagation: Propagation,
) -> Answer<()> {
    delete_if(space, place, Some(propagation), |stored| stored.version == seen.version).await
}

/// Deletes an object, whatever its state, in the background; one that is being deleted already stays as it is.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn delete(space: &Arc<Space>, place: &Place) -> Answer<()> {
    delete_if(space, place, None, |stored| !stored.object.header().deleting).await
}

async fn delete_if(
    space: &Arc<Space>,
    place: &Place,
    propagation: Option<Propagation>,
    condition: impl Fn(&Stored) -> bool + Send + Sync,
) -> Answer<()> {
    let now = space.host().clock.now();
    let registry = space.registry();
    // Objects of a definition that is gone are gone with it.
    let Some(resource) = registry.get(&place.resource) else { return Ok(()) };
    let next = |stored: Option<&Stored>| match stored.filter(|stored| condition(stored)) {
        Some(stored) => Ok(after_deletion(resource, stored.object.to_value(), propagation, now)),
        None => Ok(Next::Keep),
    };
    space.change(place, next).await.map(drop)
}
