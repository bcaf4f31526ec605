//! What is to be done with one dependent. Pure.

use serde_json::Value;

use super::graph::Reference;
use super::{FOREGROUND, ORPHAN, finalizers};
use crate::write::delete_options::Propagation;

/// What is known of the owner behind a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It is there, or nobody can tell.
    Present,
    /// No object has this UID under this name.
    Absent,
    /// It is being deleted and waits for its dependents.
    Waiting,
}

/// What is known of the objects that refer to the dependent itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dependents {
    /// There are none.
    None,
    /// There are some.
    Some,
    /// One of them waits for its own dependents, so there may be a circle.
    Waiting,
}

/// What is to be done with a dependent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Stay,
    /// It goes, with what this makes of its own dependents.
    Delete(Propagation),
    /// As `Delete` in the foreground, after it has ceased to block its owners: they may be waiting for each other.
    DeleteUnblocking,
    /// It stays, as at least one owner does, and loses the references to these UIDs.
    Release(Vec<String>),
}

/// Decides by the owners of an object that is not being deleted.
pub(super) fn decide(object: &Value, owners: &[(Reference, Owner)], dependents: Dependents) -> Action {
    if owners.is_empty() {
        return Action::Stay;
    }
    let is = |wanted: Owner| owners.iter().any(move |(_, owner)| *owner == wanted);
    if is(Owner::Present) {
        let going = owners.iter().filter(|(_, owner)| *owner != Owner::Present);
        let uids: Vec<String> = going.map(|(reference, _)| reference.uid.clone()).collect();
        return if uids.is_empty() { Action::Stay } else { Action::Release(uids) };
    }
    match dependents {
        Dependents::Waiting if is(Owner::Waiting) => return Action::DeleteUnblocking,
        Dependents::Some if is(Owner::Waiting) => return Action::Delete(Propagation::Foreground),
        _ => {}
    }
    let held = finalizers(object);
    Action::Delete(match () {
        () if held.contains(&ORPHAN) => Propagation::Orphan,
        () if held.contains(&FOREGROUND) => Propagation::Foreground,
        () => Propagation::Background,
    })
}
