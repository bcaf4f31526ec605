//! What controllers know of each other's progress, beyond what stands in the spaces. It is rebuilt from the spaces and from git after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apimachinery::{GroupKind, ObjectId};
use plan::sync::UnitSettings;
use plan::work::WorkPlan;
use plan::{ClusterName, Declaration, Finding, Pair, SourceName, UnitName};
use tokio::sync::watch;

use crate::declare::Incomplete;
use crate::status::Fleet;

/// A commit, rendered.
#[derive(Debug)]
pub struct Revision {
    /// Full hash.
    pub commit: String,
    /// The branch it is the tip of.
    pub branch: String,
    /// The repository and the branch: of another one, it is no older commit.
    pub from: String,
    /// The directory that was read.
    pub path: String,
    /// YAML documents that were parsed to read it; what earlier commits have in common with it costs none.
    pub documents_parsed: u64,
    /// Whether a unit waits for something that could not be fetched.
    pub awaits_fetch: bool,
    /// Kinds of its objects that the WDS did not serve then. Whether their objects live in namespaces was a guess.
    pub unknown_kinds: BTreeSet<GroupKind>,
    /// What it declares.
    pub declaration: Declaration,
    /// Settings by unit.
    pub settings: Arc<BTreeMap<UnitName, UnitSettings>>,
    /// Which directories hold a file that cannot be read.
    pub incomplete: Incomplete,
    /// Hashes of held lists that trailers of the commit approve.
    pub approvals: BTreeSet<String>,
}

/// What is known of one source.
#[derive(Clone, Debug, Default)]
pub struct SourceBoard {
    /// How often the repository was looked at, since this process started.
    pub looks: u64,
    /// YAML documents that were parsed, since this process started.
    pub documents_parsed: u64,
    /// The last commit that was rendered.
    pub revision: Option<Arc<Revision>>,
    /// The generation of the GitSource that was looked at last.
    pub generation: i64,
    /// Why the newest commit could not be read, if so. The revision before stays in force.
    pub problem: Option<SourceProblem>,
    /// The commit that is being written, if so.
    pub applying: Option<String>,
    /// The last commit of which every write was attempted, since this process started.
    pub settled: Option<String>,
    /// The last commit of which every write of clusters was attempted, and the clusters that there were then.
    pub inventoried: Option<(String, Arc<BTreeSet<ClusterName>>)>,
    /// The last commit that was settled and inventoried when all Bindings were as their policies say: where its objects go is known.
    pub bound: Option<String>,
    /// What the last sync could not do.
    pub failures: Vec<SyncFailure>,
    /// Findings of sync (`mutated-in-wds`, refused objects).
    pub findings: Vec<Finding>,
    /// The commit that the last status commit speaks of.
    pub reported: Option<String>,
    /// Whether it said that everything is applied and healthy.
    pub reported_converged: bool,
    /// Why the status ref could not be written, if so.
    pub report_problem: Option<SourceProblem>,
    /// Clusters whose labels and properties the source declares and may not.
    pub refused_clusters: Vec<SyncFailure>,
    /// Clusters whose labels and properties could not be written.
    pub unwritten_clusters: Vec<SyncFailure>,
    /// Removals that sync holds.
    pub held_by_sync: Option<Held>,
    /// Removals that transport holds.
    pub held_by_transport: Option<Held>,
}

impl SourceBoard {
    /// The commit in force, if every write of what it declares was attempted, and the clusters that there were then. Of others it may declare something, too.
    pub fn written(&self) -> Option<&(String, Arc<BTreeSet<ClusterName>>)> {
        let in_force = self.revision.as_ref().map(|revision| &revision.commit)?;
        let written = self.inventoried.as_ref().filter(|(commit, _)| commit == in_force)?;
        (self.settled.as_ref() == Some(in_force)).then_some(written)
    }

    /// Everything that could not be done, of objects and of clusters.
    pub fn all_failures(&self) -> impl Iterator<Item = &SyncFailure> {
        self.failures.iter().chain(self.cluster_failures())
    }

    /// What could not be done of clusters.
    pub fn cluster_failures(&self) -> impl Iterator<Item = &SyncFailure> {
        self.refused_clusters.iter().chain(&self.unwritten_clusters)
    }
}

/// Why a source cannot be read, or its status not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProblem {
    /// One CamelCase word: `RepositoryMissing`, `BranchMissing`, `RewriteHeld`.
    pub reason: &'static str,
    /// What is the matter and what to do.
    pub message: String,
}

/// Something that sync could not do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncFailure {
    /// The object.
    pub object: ObjectId,
    /// `file:line` of its declaration.
    pub origin: Option<String>,
    /// What the server says.
    pub message: String,
}

/// A list of removals that waits for an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What `gitstellar approve` takes.
    pub hash: String,
    /// Why.
    pub reason: String,
    /// The pairs, sorted.
    pub pairs: Vec<Pair>,
}

/// All sources. Its lock is held for copies only, never across an await.
#[derive(Debug, Default)]
pub struct Board {
    sources: Mutex<BTreeMap<SourceName, SourceBoard>>,
    mailboxes: Mutex<BTreeMap<ClusterName, WorkPlan>>,
    retold: Mutex<BTreeSet<Pair>>,
    fleet: Mutex<Arc<Fleet>>,
    onlookers: watch::Sender<()>,
    version: AtomicU64,
}

impl Board {
    /// Grows with every change of what is known of a source. Read it before what it tells of: a change in between is then seen once more, and never missed.
    pub fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    /// For somebody who looks on: it changes whenever something on the board may have changed.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.onlookers.subscribe()
    }

    /// What transport decided about a mailbox, its changes left out. Whether it tells another story of any object than before.
    pub fn transported(&self, cluster: &ClusterName, plan: &WorkPlan) -> bool {
        let now = WorkPlan { changes: Vec::new(), ..plan.clone() };
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = mailboxes.insert(cluster.clone(), now).unwrap_or_default();
        let same = |id: &ObjectId| before.kept.get(id) == plan.kept.get(id);
        let retold: BTreeSet<Pair> = before
            .kept
            .keys()
            .chain(plan.kept.keys())
            .filter(|id| !same(id))
            .map(|id| Pair { object: id.clone(), cluster: cluster.clone() })
            .collect();
        let any = !retold.is_empty();
        self.retold.lock().unwrap_or_else(PoisonError::into_inner).extend(retold);
        any
    }

    /// Takes the pairs of which transport tells another story since the last call.
    pub fn take_retold(&self) -> BTreeSet<Pair> {
        std::mem::take(&mut self.retold.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why a mailbox does not hold what the WDS asks for, where transport says so.
    pub fn kept(&self, cluster: &ClusterName, object: &ObjectId) -> Option<String> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner).get(cluster)?.kept.get(object).cloned()
    }

    /// The state of all units in all clusters.
    pub fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state of the fleet. What somebody holds of it stays as it was.
    pub(crate) fn change_fleet(&self, change: impl FnOnce(&mut Fleet)) {
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut fleet));
        drop(fleet);
        self.onlookers.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceName, SourceBoard>> {
        // Entries are replaced field by field, each valid by itself.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All sources.
    pub fn sources(&self) -> BTreeMap<SourceName, SourceBoard> {
        self.lock().clone()
    }

    /// One source.
    pub fn source(&self, source: &SourceName) -> Option<SourceBoard> {
        self.lock().get(source).cloned()
    }

    /// Something of every source.
    pub fn of_each<T>(&self, look: impl Fn(&SourceBoard) -> T) -> BTreeMap<SourceName, T> {
        self.lock().iter().map(|(source, board)| (source.clone(), look(board))).collect()
    }

    /// Changes what is known of a source; creates it where it is unknown.
    pub fn update<T>(&self, source: &SourceName, change: impl FnOnce(&mut SourceBoard) -> T) -> T {
        let answer = change(self.lock().entry(source.clone()).or_default());
        self.version.fetch_add(1, Release);
        self.onlookers.send_replace(());
        answer
    }

    /// Forgets a source.
    pub fn forget(&self, source: &SourceName) {
        self.lock().remove(source);
        self.version.fetch_add(1, Release);
        self.onlookers.send_replace(());
    }
}
