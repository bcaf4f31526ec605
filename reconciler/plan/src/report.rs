//! The text of the status ref: what a repository is told about itself.
//!
//! | file | for |
//! |---|---|
//! | `README.md` | people: units × clusters, what is not ready and why, what is held |
//! | `summary.json` | us after a restart, and scripts: the [`Gist`] |
//! | `units/<unit>.json` | one unit with all of its pairs |
//! | `placement.json` | every object with its clusters |
//! | `inventory.json` | an offline plan: the [`Snapshot`] |
//!
//! Volatile fields are absent on purpose: equal states give byte-equal files, so a commit always says something new. No content of any object is
//! published, and no hash of one.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Digest, GroupVersionKind, ObjectId};

use crate::status::{Failure, PairStatus, Truth, UnitStatus};
use crate::{ClusterName, Finding, Inventory, Pair, SourceName, UnitName};

mod json;
mod pacing;
mod readme;
mod snapshot;
#[cfg(test)]
mod tests;

pub use json::{gist_of, summary_file};
pub use pacing::should_commit;
pub use snapshot::{SnapshotError, parse_snapshot};

/// What stands in the status ref.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Everything a report says.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// The source.
    pub source: Option<SourceName>,
    /// The commit it speaks of, full hash; empty while none could be read.
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
    /// Clusters that the source declares and that have not joined.
    pub absent: BTreeSet<ClusterName>,
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

impl ReportedUnit {
    fn is(&self, condition: &str) -> bool {
        self.status.conditions.iter().any(|c| c.kind == condition && c.status == Truth::True)
    }
}

/// Removals that wait for an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldRemovals {
    /// What `gitstellar approve` takes.
    pub hash: String,
    /// Why.
    pub reason: String,
    /// What would be removed.
    pub pairs: Vec<Pair>,
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
    /// Hashes of held removals.
    pub held: BTreeSet<String>,
    /// Nothing is under way: what can be healthy is, what failed does not change by itself.
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

/// What was committed last, for [`should_commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its files' digest, [`digest`].
    pub files: Digest,
    /// Its gist, [`gist_of`] its files.
    pub gist: Gist,
    /// The last commit of the source of which a converged state was written; `None` if there is none, or nobody remembers.
    pub converged: Option<String>,
    /// How long ago, milliseconds.
    pub ago_ms: u64,
}

/// The files of a report.
pub fn files(input: &ReportInput) -> Files {
    let mut files = Files::from([
        ("README.md".to_owned(), readme::readme(input).into_bytes()),
        ("summary.json".to_owned(), json::summary_file(&gist(input))),
        ("placement.json".to_owned(), json::placement(input)),
        ("inventory.json".to_owned(), snapshot::write(&input.snapshot)),
    ]);
    for (name, unit) in &input.units {
        files.insert(format!("units/{}.json", file_name(name)), json::unit(name, unit));
    }
    files
}

/// A unit's name is a label's value, but a repository may say anything: nothing of it may leave the directory.
fn file_name(unit: &UnitName) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = unit.as_str().chars().map(|c| if legal(c) { c } else { '_' }).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

/// What a report boils down to.
pub fn gist(input: &ReportInput) -> Gist {
    let ready = input.units.iter().map(|(name, unit)| (name.clone(), unit.is("Ready"))).collect();
    let of_units = input.units.values().flat_map(|unit| &unit.status.failures);
    Gist {
        commit: input.commit.clone(),
        ready,
        failures: of_units.chain(&input.failures).map(ToString::to_string).collect(),
        held: input.held.iter().map(|held| held.hash.clone()).collect(),
        converged: input.absent.is_empty() && !is_under_way(input),
    }
}

/// Whether some unit is not yet what it is going to be.
fn is_under_way(input: &ReportInput) -> bool {
    input.units.values().any(|unit| unit.is("Reconciling"))
}

/// One digest over all files.
pub fn digest(files: &Files) -> Digest {
    Digest::of_parts(files.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes.as_slice()]))
}

/// The message of a status commit; `[skip ci]` keeps pipelines from running on it.
pub fn commit_message(input: &ReportInput) -> String {
    let gist = gist(input);
    let ready = gist.ready.values().filter(|ready| **ready).count();
    let mut text = match short(&input.commit) {
        "" => format!(
            "Status of {}: nothing could be read [skip ci]\n",
            input.git_ref.replace(['\n', '\r'], " ")
        ),
        commit => format!("Status of {commit}: {ready} of {} units ready [skip ci]\n", gist.ready.len()),
    };
    const SHOWN: usize = 10;
    if !gist.failures.is_empty() {
        text.push('\n');
    }
    for failure in gist.failures.iter().take(SHOWN) {
        // One line each, or a message could write a trailer.
        text.push_str(&format!("- {}\n", failure.replace(['\n', '\r'], " ")));
    }
    if gist.failures.len() > SHOWN {
        text.push_str(&format!("- and {} more\n", gist.failures.len() - SHOWN));
    }
    if !input.commit.is_empty() {
        text.push_str(&format!("\nGitstellar-Commit: {}\n", input.commit));
    }
    text
}

/// The first ten digits of a commit.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
