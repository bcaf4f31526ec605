//! The text of the status ref: what a repository is told about itself.
//!
//! Volatile fields are absent on purpose: equal states give byte-equal files, so a commit always says something new. Secrets have no hash.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupVersionKind, ObjectId};

use crate::status::{Failure, PairStatus, UnitStatus};
use crate::{ClusterName, Finding, Inventory, SourceName, UnitName};

/// What stands in the status ref.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Everything a report says.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// The source.
    pub source: Option<SourceName>,
    /// The commit it speaks of, full hash.
    pub commit: String,
    /// The ref that is synced, `main`.
    pub git_ref: String,
    /// Units by name.
    pub units: BTreeMap<UnitName, ReportedUnit>,
    /// Findings at this commit.
    pub findings: Vec<Finding>,
    /// Removals that wait: hash, reason, pairs in words.
    pub held: Vec<HeldRemovals>,
    /// Failures that belong to no unit (policies, clusters).
    pub failures: Vec<Failure>,
    /// The snapshot that an offline plan reads.
    pub snapshot: Snapshot,
}

/// One unit of a report.
#[derive(Clone, Debug)]
pub struct ReportedUnit {
    /// Its path in the repository.
    pub path: String,
    /// Its status.
    pub status: UnitStatus,
    /// All of its pairs.
    pub pairs: Vec<PairStatus>,
}

/// Removals that wait for an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldRemovals {
    /// What `gitstellar approve` takes.
    pub hash: String,
    /// Why.
    pub reason: String,
    /// The (object, cluster) pairs.
    pub pairs: Vec<(ObjectId, ClusterName)>,
}

/// The inventory as an offline plan may know it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The clusters, with all they have; only the keys below are written.
    pub clusters: Inventory,
    /// Label keys that policies or overlays read.
    pub labels: BTreeSet<String>,
    /// Property, label and annotation keys that templates read.
    pub properties: BTreeSet<String>,
    /// The kinds that each cluster serves, if known.
    pub served: BTreeMap<ClusterName, BTreeSet<GroupVersionKind>>,
    /// Policies, transforms and collectors of the WDS that this source does not own, whole.
    pub foreign_policies: Vec<apimachinery::Object>,
    /// Identities that other sources or people placed, with their clusters.
    pub foreign_objects: BTreeMap<ObjectId, BTreeSet<ClusterName>>,
}

/// What a report says, boiled down: two reports differ in it exactly when somebody wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gist {
    /// The commit.
    pub commit: String,
    /// Ready or not, by unit.
    pub ready: BTreeMap<UnitName, bool>,
    /// Failures, in words.
    pub failures: BTreeSet<String>,
    /// Everything is applied and healthy; nothing is under way.
    pub converged: bool,
}

/// How often the status ref may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Between two commits that only tell progress, milliseconds.
    pub progress_ms: u64,
    /// Between two commits at all, milliseconds.
    pub change_ms: u64,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { progress_ms: 300_000, change_ms: 30_000 }
    }
}

/// Whether to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    No,
    /// Now.
    Now,
    /// Look again in this many milliseconds.
    Later(u64),
}

/// The files of a report.
pub fn files(input: &ReportInput) -> Files {
    let _ = input;
    todo!()
}

/// What a report boils down to.
pub fn gist(input: &ReportInput) -> Gist {
    let _ = input;
    todo!()
}

/// What was committed last, for [`should_commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its files' digest, [`digest`].
    pub files: apimachinery::Digest,
    /// Its gist.
    pub gist: Gist,
    /// How long ago, milliseconds.
    pub ago_ms: u64,
}

/// One digest over all files.
pub fn digest(files: &Files) -> apimachinery::Digest {
    let _ = files;
    todo!()
}

/// Whether to commit `next` now. `last` is `None` when nothing was ever committed.
pub fn should_commit(last: Option<&Committed>, next: (&Gist, apimachinery::Digest), pacing: Pacing) -> Verdict {
    let _ = (last, next, pacing);
    todo!()
}

/// The message of a status commit; `[skip ci]` keeps pipelines from running on it.
pub fn commit_message(input: &ReportInput) -> String {
    let _ = input;
    todo!()
}
