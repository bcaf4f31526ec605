//! Writes Bindings. A removal first reads everything it rests on once more, live: watches of different kinds are unordered.

use apimachinery::{Name, Object};
use plan::binding::{BindingChange, BindingContent};
use runtime::{ApiError, DeleteOptions, Reason, Target};

use super::observe::Pending;
use super::wire;
use crate::install::HUB_MANAGER;
use crate::world::{World, resources};

/// How a write went.
pub(super) enum Done {
    /// The Binding is as decided.
    Written,
    /// What the decision rests on is not what the server has now; look again.
    Stale,
}

pub(super) async fn act(world: &World, pending: Pending) -> Result<Done, ApiError> {
    if pending.removes() && !confirmed(world, &pending).await? {
        return Ok(Done::Stale);
    }
    let name = Name::from(pending.policy.as_str());
    let resource = resources::bindings();
    let wds = &world.wds.connection;
    let outcome = match &pending.decision.change {
        BindingChange::None => return Ok(Done::Written),
        BindingChange::Create(content) | BindingChange::Update(content) => {
            let Some(wanted) = wanted(&pending, content) else { return Ok(Done::Stale) };
            match &pending.stored_binding {
                None => wds.create(&resource, &wanted, HUB_MANAGER).await,
                Some(_) => wds.replace(&resource, &wanted, HUB_MANAGER).await,
            }
        }
        BindingChange::Delete => {
            let uid =
                pending.stored_binding.as_ref().and_then(|b| b.header().uid.as_deref().map(str::to_owned));
            let target = Target { resource: &resource, namespace: None, name: &name, subresource: "" };
            wds.delete(target, &DeleteOptions { uid, ..DeleteOptions::default() }).await?;
            return Ok(Done::Written);
        }
    };
    match outcome {
        Ok(stored) => {
            world.wds.mirror.note(&resource.group_resource(), stored);
            world.wakes.transport.wake();
            Ok(Done::Written)
        }
        Err(error) if matches!(error.reason, Reason::Conflict | Reason::AlreadyExists | Reason::NotFound) => {
            Ok(Done::Stale)
        }
        Err(error) => Err(error),
    }
}

fn wanted(pending: &Pending, content: &BindingContent) -> Option<Object> {
    let uid = pending.stored_policy.as_ref()?.header().uid.clone()?;
    wire::object((&pending.policy, &uid), content, pending.stored_binding.as_ref())
}

/// Whether the sources, the policy and the objects that leave are in the WDS what the mirror says they are.
async fn confirmed(world: &World, pending: &Pending) -> Result<bool, ApiError> {
    let wds = &world.wds.connection;
    let sources = resources::git_sources();
    for known in world.wds.mirror.list(&sources.group_resource()) {
        let live = wds.get(&sources, None, &known.header().name).await?;
        if !same(live.as_ref(), Some(&known)) {
            return Ok(false);
        }
    }
    let live = wds.get(&resources::policies(), None, &Name::from(pending.policy.as_str())).await?;
    if !same(live.as_ref(), pending.stored_policy.as_ref()) {
        return Ok(false);
    }
    for (id, known) in &pending.leaving {
        let Some(resource) = world.wds.resource_of(&id.group_kind()) else { return Ok(false) };
        let live = wds.get(&resource, id.namespace.as_ref(), &id.name).await?;
        if !same(live.as_ref(), known.as_ref()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same(live: Option<&Object>, known: Option<&Object>) -> bool {
    let version = |object: &Object| object.header().resource_version.clone();
    live.map(version) == known.map(version)
}
