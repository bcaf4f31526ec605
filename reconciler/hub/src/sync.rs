//! From revisions to objects in the WDS.
//!
//! One pass looks at every source: observe ([`observe`]: ledger and live objects), decide (`plan::sync`, with the removal budget), act ([`act`]: ledger, writes,
//! removals, ledger), report (the board, then [`crate::publish`]). `GitSource.status.applying` is on the disk of the WDS before the first write, and
//! `settled` comes after every write was attempted, so binding and transport know when a removal may be meant.

mod act;
mod ledger;
mod observe;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::{Allow, SourceName};
use runtime::{Again, ApiError, Key};

use crate::board::{Revision, SourceBoard};
use crate::world::World;
use crate::{publish, source};

pub use ledger::{LedgerError, entries as ledger_entries, source_of as ledger_of};
pub(crate) use observe::in_words;
pub use observe::placed_pairs;

/// What failed is tried again after this time, and at every change.
const RETRY: Duration = Duration::from_secs(10);

/// Why a sync was cut short. What was done stands; the next pass starts from what is there.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The ledger of a source is unreadable. Nothing is written or pruned on a guess.
    #[error("sync of source {source_name} stopped")]
    Ledger {
        /// Which source.
        source_name: SourceName,
        /// Why.
        source: LedgerError,
    },
    /// Status or ledger cannot be written; without them nothing may follow.
    #[error("sync of source {source_name} stopped")]
    Bookkeeping {
        /// Which source.
        source_name: SourceName,
        /// Why.
        source: ApiError,
    },
}

/// What was looked at when a source was last found to be as declared. Only a change of one of these needs another look.
#[derive(Clone, Debug, Default)]
struct Clean {
    commit: String,
    approvals: BTreeSet<String>,
    keys: BTreeSet<Key>,
    /// The kinds that were known; a new CRD may serve what waited.
    kinds: usize,
    /// What the source was allowed.
    allow: Allow,
}

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let changes = world.wds.mirror.subscribe(world.wakes.sync.clone());
    let clean: Mutex<BTreeMap<SourceName, Clean>> = Mutex::default();
    let (world, changes, clean) = (&world, &changes, &clean);
    runtime::drive("sync", world.wakes.sync.clone(), world.shutdown.clone(), || async move {
        let changed = changes.take();
        let mut again = Again::WhenWoken;
        let mut first_failure = None;
        for (source, board) in world.board.sources() {
            let was_clean = clean.lock().unwrap_or_else(PoisonError::into_inner).remove(&source);
            let unchanged = was_clean.filter(|clean| is_clean(world, &source, (clean, &board), &changed));
            let outcome = match unchanged {
                // The WDS is as declared; what is known of the repository may have changed.
                Some(still) => publish::source_status(world, &source)
                    .await
                    .map(|()| Some(still))
                    .map_err(|error| SyncError::Bookkeeping { source_name: source.clone(), source: error }),
                None => pass(world, &source, &board).await,
            };
            match outcome {
                Ok(Some(now)) => {
                    clean.lock().unwrap_or_else(PoisonError::into_inner).insert(source, now);
                }
                Ok(None) => again = Again::After(RETRY),
                // One source that cannot be synced stops none of the others.
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
        first_failure.map_or(Ok(again), Err)
    })
    .await;
}

fn is_clean(
    world: &World,
    source: &SourceName,
    (clean, board): (&Clean, &SourceBoard),
    changed: &BTreeSet<Key>,
) -> bool {
    let commit = board.revision.as_ref().map(|revision| revision.commit.as_str());
    commit == Some(clean.commit.as_str())
        && clean.kinds == world.wds.kinds().resources().count()
        && clean.keys.is_disjoint(changed)
        && clean.allow == source::spec(world, source).map(|spec| spec.allow).unwrap_or_default()
        && clean.approvals == publish::approvals(world, board)
}

/// Syncs one source; `Some` when it is as declared and nothing failed.
async fn pass(
    world: &Arc<World>,
    source: &SourceName,
    board: &SourceBoard,
) -> Result<Option<Clean>, SyncError> {
    let bookkeeping = |error| SyncError::Bookkeeping { source_name: source.clone(), source: error };
    let Some(revision) = board.revision.clone() else {
        publish::source_status(world, source).await.map_err(bookkeeping)?;
        return Ok(Some(Clean::default()));
    };
    let observed = observe::observe(world, source, board, &revision)
        .map_err(|error| SyncError::Ledger { source_name: source.clone(), source: error })?;
    let decided = observed.decide(source, &revision);
    world.board.update(source, |board| board.held_by_sync.clone_from(&decided.held));
    let nothing_to_do = decided.plan.steps.is_empty()
        && decided.plan.ledger_before == observed.ledger
        && decided.plan.gone.is_empty();
    let report = if nothing_to_do {
        act::Report::of_plan(&decided.plan, &revision)
    } else {
        // What is written of a commit that is settled already repairs or tries again: nothing of it is half done.
        if board.settled.as_deref() != Some(revision.commit.as_str()) {
            begin(world, source, &revision).await.map_err(bookkeeping)?;
        }
        let acted = act::act(world, source, &revision, &decided.plan).await.map_err(bookkeeping)?;
        // Writes by this process are in the mirror before anybody decides about removals.
        acted
    };
    let failed = !report.failures.is_empty();
    world.board.update(source, |board| {
        board.failures = report.failures;
        board.findings = report.findings;
        board.applying = None;
        board.settled = Some(revision.commit.clone());
    });
    publish::source_status(world, source).await.map_err(bookkeeping)?;
    world.wakes.binding.wake();
    world.wakes.transport.wake();
    world.wakes.status.wake();
    Ok((!failed).then(|| Clean {
        commit: revision.commit.clone(),
        approvals: publish::approvals(world, board),
        keys: observed.keys,
        allow: observed.allow,
        kinds: world.wds.kinds().resources().count(),
    }))
}

/// Says which commit is being written, durably, before the first write.
async fn begin(world: &Arc<World>, source: &SourceName, revision: &Revision) -> Result<(), ApiError> {
    world.board.update(source, |board| board.applying = Some(revision.commit.clone()));
    publish::source_status(world, source).await
}
