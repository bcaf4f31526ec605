//! Writes ManifestWorks.

use apimachinery::{Name, Namespace, Object};
use plan::work::{Mailbox, WorkChange};
use runtime::{ApiError, DeleteOptions, Key, Reason, Target};

use super::wire;
use crate::install::HUB_MANAGER;
use crate::world::{World, resources};

/// How a write went.
pub(super) enum Done {
    /// The work is as decided; as it is stored now, unless it was deleted.
    Written(Option<Object>),
    /// The work is not what it was decided from: the watch will tell, and the mailbox is decided anew.
    Stale,
    /// There is no mailbox yet: the inventory controller makes it and wakes transport.
    NoMailbox,
}

/// Performs one change.
pub(super) async fn act(world: &World, mailbox: &Mailbox, change: &WorkChange) -> Result<Done, ApiError> {
    let resource = resources::manifest_works();
    let its = &world.its.connection;
    let outcome = match change {
        WorkChange::Create(content) => {
            let Some(work) = wire::object(&mailbox.cluster, content, None) else { return Ok(Done::Stale) };
            its.create(&resource, &work, HUB_MANAGER).await
        }
        WorkChange::Update { resource_version, content } => {
            let stored = world.its.mirror.get(&key(mailbox, &content.name));
            let Some(stored) =
                stored.filter(|s| s.header().resource_version.as_deref() == Some(resource_version))
            else {
                return Ok(Done::Stale);
            };
            let Some(work) = wire::object(&mailbox.cluster, content, Some(&stored)) else {
                return Ok(Done::Stale);
            };
            its.replace(&resource, &work, HUB_MANAGER).await
        }
        WorkChange::Delete { name, uid, resource_version } => {
            let namespace = Namespace::from(mailbox.cluster.as_str());
            let options = DeleteOptions {
                uid: Some(uid.clone()),
                resource_version: Some(resource_version.clone()),
                orphan: false,
            };
            let target = Target { resource: &resource, namespace: Some(&namespace), name, subresource: "" };
            return match its.delete(target, &options).await {
                Err(error) if error.reason == Reason::Conflict => Ok(Done::Stale),
                other => other.map(|_| Done::Written(None)),
            };
        }
    };
    match outcome {
        Ok(stored) => {
            world.its.mirror.note(&resource.group_resource(), stored.clone());
            Ok(Done::Written(Some(stored)))
        }
        Err(error) if matches!(error.reason, Reason::Conflict | Reason::AlreadyExists) => Ok(Done::Stale),
        Err(error) if error.is_not_found() => Ok(Done::NoMailbox),
        Err(error) => Err(error),
    }
}

fn key(mailbox: &Mailbox, name: &Name) -> Key {
    let namespace = Some(Namespace::from(mailbox.cluster.as_str()));
    Key { resource: resources::manifest_works().group_resource(), namespace, name: name.clone() }
}
