//! From what a source declares to writes in the WDS: what is applied, what waits, what is pruned, and who owns what.
//!
//! | module | decides |
//! |---|---|
//! | [`order`] | CRDs, Namespaces, everything else, policies |
//! | [`desired`] | which declared objects are written, and which are refused |
//! | [`removal`] | which owned objects are removed: four proofs, and any doubt keeps |
//! | [`ledger`] | what a source owns, before and after |

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::kinds::KindTable;
use apimachinery::{GroupVersionKind, Object, ObjectId};

use crate::intent::IgnoreRule;
use crate::intent::marks::HUB_MANAGER;
use crate::names::FIELD_MANAGER_PREFIX;
use crate::{Allow, Declaration, Finding, Origin, SourceName, UnitName};

mod desired;
mod ledger;
pub mod order;
mod removal;
#[cfg(test)]
mod tests;

pub use ledger::{ledger_after, ledger_chunks};
pub use removal::removals;

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerEntry {
    /// The object.
    pub id: ObjectId,
    /// Its UID; `None` before its first apply was answered.
    pub uid: Option<String>,
}

/// What the WDS holds of one object. An object about which nothing is known is unreadable, never absent.
#[derive(Clone, Debug)]
pub enum Live {
    /// The server said that there is none.
    Absent,
    /// This.
    Present(Object),
    /// It could not be read, or its kind is not served; the text says why.
    Unreadable(String),
}

/// Settings of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSettings {
    /// Fields that are dropped from what it declares.
    pub ignore: Vec<IgnoreRule>,
    /// Whether objects that it no longer declares are removed.
    pub prune: bool,
}

impl Default for UnitSettings {
    fn default() -> Self {
        Self { ignore: Vec::new(), prune: true }
    }
}

/// Everything that decides about one sync.
#[derive(Clone, Debug)]
pub struct SyncInput<'a> {
    /// The source.
    pub source: &'a SourceName,
    /// What it declares.
    pub declaration: &'a Declaration,
    /// Settings by unit; a unit that is missing has the defaults.
    pub settings: &'a BTreeMap<UnitName, UnitSettings>,
    /// What it may write.
    pub allow: &'a Allow,
    /// What it owned before.
    pub ledger: &'a [LedgerEntry],
    /// The WDS, for every declared object and every entry of the ledger, with managedFields, each in the version that
    /// [`crate::intent::version_to_read`] asks for.
    pub live: &'a BTreeMap<ObjectId, Live>,
    /// The kinds that the WDS serves now.
    pub kinds: &'a KindTable,
    /// Removals that may not happen now ([`crate::budget`]); see [`removals`].
    pub held: &'a BTreeSet<ObjectId>,
}

/// How an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Server-side apply as the source's field manager, without force; on a conflict ask [`on_conflict`].
    Apply,
    /// Create, or replace while keeping finalizers, owner references and status: objects that server-side apply refuses (`ssa-duplicate-key`).
    Update,
}

/// One object to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyStep {
    /// What to send, with our label and annotations.
    pub object: Object,
    /// How.
    pub mode: WriteMode,
    /// Where it stands in the repository.
    pub origin: Origin,
    /// Whether it exists already.
    pub exists: bool,
}

/// One step of a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncStep {
    /// Write it.
    Apply(ApplyStep),
    /// Go on when this kind is served, or after a deadline; without it, the objects of this kind fail with `kind-not-served`, the others go on.
    WaitForKind(GroupVersionKind),
    /// Delete it, with UID and resourceVersion as preconditions.
    Prune {
        /// The object.
        id: ObjectId,
        /// The version it is read in.
        version: apimachinery::Version,
        /// Its UID.
        uid: String,
        /// Its resourceVersion.
        resource_version: String,
    },
}

/// Why an object that is no longer declared stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PruneRefusal {
    /// It could not be read.
    Unreadable(String),
    /// Its annotation does not name this source and this object.
    NotNamed,
    /// The ledger knows another UID: somebody deleted and created it again.
    OtherUid,
    /// The ledger knows no UID, as we never saw our own apply answered, and others own fields of it: they may have created it.
    NoUid,
    /// Our field manager owns nothing of it any more.
    NotOurs,
    /// Its unit could not be rendered.
    UnitFailed(UnitName),
    /// Its unit does not prune.
    PruneOff(UnitName),
    /// The removal budget holds it.
    Held,
}

/// A whole sync.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncPlan {
    /// To be written before the first step: old ∪ new.
    pub ledger_before: Vec<LedgerEntry>,
    /// The steps, in order: CRDs, Namespaces, everything else, policies; then removals in reverse.
    pub steps: Vec<SyncStep>,
    /// Objects that are as declared already, with their UIDs.
    pub unchanged: BTreeMap<ObjectId, String>,
    /// Objects that are not written, and why: claimed by another source, not allowed, encrypted, of a kind that is not served.
    pub refused: BTreeMap<ObjectId, Finding>,
    /// Objects that are declared more than once; the first declaration counts.
    pub duplicates: BTreeMap<ObjectId, Finding>,
    /// Objects that are no longer declared and stay.
    pub kept: BTreeMap<ObjectId, PruneRefusal>,
    /// Objects of the ledger that are no longer declared and gone already.
    pub gone: BTreeSet<ObjectId>,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written; its UID.
    Applied(String),
    /// Deleted, or deletion accepted.
    Pruned,
    /// Not done.
    Failed(String),
}

/// What to do about a conflict of server-side apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Apply again with force: a hand edit is repaired.
    Force,
    /// Another source claims the object.
    Refuse(SourceName),
}

/// Decides one sync.
pub fn plan(input: &SyncInput<'_>) -> SyncPlan {
    let desired = desired::desired(input);
    let removal = removal::removal(input);
    let mut plan = SyncPlan {
        ledger_before: ledger::before(input, &desired),
        unchanged: desired.unchanged,
        refused: desired.refused,
        duplicates: desired.duplicates,
        kept: removal.kept,
        gone: removal.gone,
        steps: Vec::new(),
    };
    plan.steps = order::with_waits(desired.applies, input.kinds);
    plan.steps.extend(order::removals_last(removal.prunes));
    plan
}

/// What to do about the managers that an apply without force conflicts with: hand edits are repaired, two sources that claim one object do not alternate.
pub fn on_conflict(source: &SourceName, managers: &[String]) -> OnConflict {
    let own = source.field_manager();
    let others = managers.iter().filter(|manager| **manager != own && *manager != HUB_MANAGER);
    let other = others.filter_map(|manager| manager.strip_prefix(FIELD_MANAGER_PREFIX)).next();
    other.map_or(OnConflict::Force, |name| OnConflict::Refuse(SourceName::new(name)))
}
