//! What a source owns: written as old ∪ new before the first write, reduced after the last removal. So a crash at any moment forgets nothing.

use std::collections::BTreeMap;

use apimachinery::ObjectId;

use super::desired::Desired;
use super::{LedgerEntry, Outcome, SyncInput, SyncPlan};

/// Entries per ConfigMap: one of them must stay far below the size of an object.
const CHUNK: usize = 500;

type Entries = BTreeMap<ObjectId, Option<String>>;

fn entries(map: Entries) -> Vec<LedgerEntry> {
    map.into_iter().map(|(id, uid)| LedgerEntry { id, uid }).collect()
}

/// Old ∪ new.
pub(super) fn before(input: &SyncInput<'_>, desired: &Desired) -> Vec<LedgerEntry> {
    let mut all: Entries = input.ledger.iter().map(|entry| (entry.id.clone(), entry.uid.clone())).collect();
    for step in &desired.applies {
        all.entry(step.object.id()).or_insert(None);
    }
    // What was written before a crash, and is as declared, has proved to be ours.
    for (id, uid) in &desired.unchanged {
        all.insert(id.clone(), Some(uid.clone()));
    }
    entries(all)
}

/// The ledger after the steps: what was not confirmed as gone stays in it.
pub fn ledger_after(plan: &SyncPlan, outcomes: &BTreeMap<ObjectId, Outcome>) -> Vec<LedgerEntry> {
    let mut all: Entries =
        plan.ledger_before.iter().map(|entry| (entry.id.clone(), entry.uid.clone())).collect();
    all.retain(|id, _| !plan.gone.contains(id));
    for (id, outcome) in outcomes {
        match outcome {
            Outcome::Applied(uid) => {
                all.insert(id.clone(), Some(uid.clone()));
            }
            Outcome::Pruned => {
                all.remove(id);
            }
            Outcome::Failed(_) => {}
        }
    }
    entries(all)
}

/// Splits a ledger into ConfigMaps' worth of entries, in order; at least one, so that an empty ledger is something else than a missing one.
pub fn ledger_chunks(entries: &[LedgerEntry]) -> Vec<Vec<LedgerEntry>> {
    if entries.is_empty() {
        return vec![Vec::new()];
    }
    entries.chunks(CHUNK).map(<[LedgerEntry]>::to_vec).collect()
}
