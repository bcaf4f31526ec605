//! Which change makes what necessary, and who does it.

use std::sync::Arc;

use apimachinery::GroupResource;

use crate::gc::{self, Graph};
use crate::resource::Origin;
use crate::space::{Change, Place, Space, Stored};
use crate::status::Answer;
use crate::{crd, lifecycle, protection, rbac};

use super::expiry;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Whether the owners of an object still want it, and whether its deletion waits for dependents.
    Collect(Place),
    /// A namespace that may have to be furnished, or emptied.
    Namespace(String),
    /// A definition whose names may have to be accepted, or whose objects have to go.
    Definition(String),
    /// The rules of aggregated ClusterRoles.
    Roles,
    /// A Secret that may ask for a token.
    Token(Place),
    /// An event whose time has come.
    Expire(Place),
    /// A claim or volume that is being deleted, and may not be in use any more.
    Release(Place),
}

fn is(resource: &GroupResource, group: &str, plural: &str) -> bool {
    resource.group == group && resource.plural == plural
}

/// Whether a committed change can make a controller act; asked on the writer's thread, so it must be quick.
pub(crate) fn concerns(change: &Change) -> bool {
    let resource = &change.place.resource;
    let kind = *resource == *lifecycle::NAMESPACES
        || *resource == *crd::DEFINITIONS
        || is(resource, rbac::GROUP, "clusterroles")
        || expiry::expires(resource)
        || lifecycle::may_hold_tokens(resource)
        || is(resource, "", "configmaps") && change.place.name == lifecycle::ROOT_CA;
    // What is gone may have been an owner, or the last that a namespace held.
    let Some(new) = &change.new else { return true };
    kind || new.object.header().deleting
        || gc::may_have_owners(&new.object)
        || change.old.as_ref().is_some_and(|old| gc::may_have_owners(&old.object))
}

/// What a change makes necessary to look at. `graph` knows the change already.
pub(super) fn after(space: &Arc<Space>, graph: &Graph, change: &Change) -> Vec<Work> {
    let place = &change.place;
    let mut work = Vec::new();
    let object = change.new.as_ref().or(change.old.as_ref()).map(|stored| &stored.object);
    if let Some(object) = object {
        work.extend(collecting(space, graph, change, object));
    }
    if place.resource == *lifecycle::NAMESPACES {
        work.push(Work::Namespace(place.name.clone()));
    } else if let Some(namespace) = &place.namespace {
        let furniture = place.name == lifecycle::ROOT_CA || place.name == lifecycle::SERVICE_ACCOUNT;
        if change.new.is_none() || furniture {
            work.push(Work::Namespace(namespace.clone()));
        }
    }
    match (&change.new, &change.old) {
        (Some(new), _) if protection::waits(place, &new.object) => work.push(Work::Release(place.clone())),
        (None, Some(pod)) => {
            work.extend(protection::claims_of(place, &pod.object).into_iter().map(Work::Release));
        }
        _ => {}
    }
    work.extend(defining(space, change));
    if is(&place.resource, rbac::GROUP, "clusterroles") {
        work.push(Work::Roles);
    }
    if lifecycle::may_hold_tokens(&place.resource) && change.new.is_some() {
        work.push(Work::Token(place.clone()));
    }
    work
}

fn collecting(space: &Space, graph: &Graph, change: &Change, object: &apimachinery::Object) -> Vec<Work> {
    if change.new.is_some() {
        return vec![Work::Collect(change.place.clone())];
    }
    // Gone: those that it owned, and those that waited for it.
    let uid = object.header().uid.as_deref().unwrap_or_default();
    let mut work: Vec<Work> = graph.dependents(uid).cloned().map(Work::Collect).collect();
    work.extend(gc::owners(space, &change.place, object).into_iter().map(Work::Collect));
    work
}

fn defining(space: &Space, change: &Change) -> Vec<Work> {
    let place = &change.place;
    if place.resource == *crd::DEFINITIONS {
        let object = |stored: &Option<Arc<Stored>>| stored.as_ref().map(|stored| stored.object.clone());
        let mut names = crd::waiting_for(space, object(&change.old).as_ref(), object(&change.new).as_ref());
        names.push(place.name.clone());
        return names.into_iter().map(Work::Definition).collect();
    }
    if change.new.is_some() {
        return Vec::new();
    }
    // The last object of a definition that is being deleted may have gone.
    let registry = space.registry();
    match registry.get(&place.resource).map(|resource| &resource.origin) {
        Some(Origin::Custom { crd, terminating: true }) => vec![Work::Definition(crd.to_string())],
        _ => Vec::new(),
    }
}

/// Looks, and acts.
///
/// # Errors
/// A store that cannot write.
pub(super) async fn perform(space: &Arc<Space>, graph: &Graph, work: &Work) -> Answer<()> {
    match work {
        Work::Collect(place) => gc::collect(space, graph, place).await,
        Work::Namespace(name) if lifecycle::is_terminating(space, name) => {
            lifecycle::terminate(space, name).await
        }
        Work::Namespace(name) => lifecycle::furnish(space, name).await,
        Work::Definition(name) => crd::reconcile(space, name).await,
        Work::Roles => rbac::aggregate(space).await,
        Work::Token(place) => lifecycle::fill_token(space, place).await,
        Work::Expire(place) => expiry::expire(space, place).await,
        Work::Release(place) => protection::release(space, place).await,
    }
}
