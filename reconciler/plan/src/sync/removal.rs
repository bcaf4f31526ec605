//! Which owned objects are removed.
//!
//! Four proofs are needed: the ledger holds the object; its annotation names this source and this object; its UID is the one that the ledger knows, or, where
//! the ledger knows none, nobody but us owns a field of it; and our field manager still owns something of it. Any doubt keeps it, and says why.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::smd::Managers;
use apimachinery::{Object, ObjectId};

use super::{LedgerEntry, Live, PruneRefusal, SyncInput, SyncStep, desired};
use crate::intent::self_annotation;
use crate::names::{SELF_ANNOTATION, UNIT_LABEL};
use crate::policy::CONTROL_GROUP;
use crate::{SourceName, UnitName};

/// What becomes of objects that are no longer declared.
#[derive(Debug, Default)]
pub(super) struct Removal {
    pub(super) prunes: Vec<SyncStep>,
    pub(super) kept: BTreeMap<ObjectId, PruneRefusal>,
    pub(super) gone: BTreeSet<ObjectId>,
}

/// Objects that would be removed if nothing were held: input of the removal budget.
pub fn removals(input: &SyncInput<'_>) -> BTreeSet<ObjectId> {
    let nothing = BTreeSet::new();
    let removal = removal(&SyncInput { held: &nothing, ..input.clone() });
    let prunes = removal.prunes.into_iter();
    prunes
        .filter_map(|step| match step {
            SyncStep::Prune { id, .. } => Some(id),
            SyncStep::Apply(_) | SyncStep::WaitForKind(_) => None,
        })
        .collect()
}

pub(super) fn removal(input: &SyncInput<'_>) -> Removal {
    let declared = desired::identities(input);
    let mut removal = Removal::default();
    for entry in input.ledger.iter().filter(|entry| !declared.contains(&entry.id)) {
        match input.live.get(&entry.id) {
            Some(Live::Absent) => {
                removal.gone.insert(entry.id.clone());
            }
            // On its way; if it is declared again, it waits until it is gone.
            Some(Live::Present(live)) if live.header().deleting => {
                removal.gone.insert(entry.id.clone());
            }
            Some(Live::Present(live)) => match refusal(input, entry, live) {
                Some(why) => {
                    removal.kept.insert(entry.id.clone(), why);
                }
                None => removal.prunes.push(prune(entry, live)),
            },
            Some(Live::Unreadable(why)) => {
                removal.kept.insert(entry.id.clone(), PruneRefusal::Unreadable(why.clone()));
            }
            None => {
                let why = PruneRefusal::Unreadable("it was not looked at".to_owned());
                removal.kept.insert(entry.id.clone(), why);
            }
        }
    }
    removal
}

fn prune(entry: &LedgerEntry, live: &Object) -> SyncStep {
    let header = live.header();
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    SyncStep::Prune {
        id: entry.id.clone(),
        version: header.gvk.version.clone(),
        uid: text(&header.uid),
        resource_version: text(&header.resource_version),
    }
}

fn refusal(input: &SyncInput<'_>, entry: &LedgerEntry, live: &Object) -> Option<PruneRefusal> {
    unproven(input.source, entry, live)
        .or_else(|| failed_unit(input, live).map(PruneRefusal::UnitFailed))
        .or_else(|| keeping_unit(input, live).map(PruneRefusal::PruneOff))
        .or_else(|| input.held.contains(&entry.id).then_some(PruneRefusal::Held))
}

/// The proofs, beginning with the cheap ones.
fn unproven(source: &SourceName, entry: &LedgerEntry, live: &Object) -> Option<PruneRefusal> {
    let header = live.header();
    if header.annotation(SELF_ANNOTATION) != Some(self_annotation(source, &entry.id).as_str()) {
        return Some(PruneRefusal::NotNamed);
    }
    let manager = source.field_manager();
    let managers = Managers::of(&live.to_value()).unwrap_or_default();
    let owners = managers.iter().map(|(id, _)| id).filter(|id| id.subresource.is_empty());
    let owners: BTreeSet<&str> = owners.map(|id| id.manager.as_str()).collect();
    if !owners.contains(manager.as_str()) {
        return Some(PruneRefusal::NotOurs);
    }
    match &entry.uid {
        // The process ended between its apply and the answer. Where nobody else put anything into the object, that apply has created it.
        None => (owners.len() > 1).then_some(PruneRefusal::NoUid),
        Some(uid) => (header.uid.as_deref() != Some(uid)).then_some(PruneRefusal::OtherUid),
    }
}

/// The unit that could not be rendered and that the object belongs to; of an object without a unit's label nobody knows, so any failed unit keeps it.
fn failed_unit(input: &SyncInput<'_>, live: &Object) -> Option<UnitName> {
    let mut failed =
        input.declaration.units.iter().filter(|unit| unit.failure.is_some()).map(|unit| &unit.name);
    match live.header().label(UNIT_LABEL) {
        Some(label) => failed.find(|unit| *unit == label).cloned(),
        None if live.header().gvk.group == CONTROL_GROUP => None,
        None => failed.next().cloned(),
    }
}

fn keeping_unit(input: &SyncInput<'_>, live: &Object) -> Option<UnitName> {
    let unit = UnitName::new(live.header().label(UNIT_LABEL)?);
    input.settings.get(&unit).is_some_and(|settings| !settings.prune).then_some(unit)
}
