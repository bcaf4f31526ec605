//! Which commit is in force, and what it declares.
//!
//! One pass looks at every GitSource: observe ([`observe`]: the specification, the tip of the branch), decide ([`decide`]), act ([`act`]: fetch and render). The
//! outcome goes to the board; sync takes it from there. A poll that finds the tip it knows renders nothing and writes nothing.

mod act;
mod observe;
mod watch;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use runtime::Again;

use crate::board::SourceProblem;
use crate::declare::Commits;
use crate::world::World;

pub use observe::{DEFAULT_REPORT_BRANCH, Location, SourceSpec, specs};

/// How often a remote is polled when its source does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
/// Local repositories are watched; polling them as well covers file systems without notifications.
const LOCAL_INTERVAL: Duration = Duration::from_secs(30);
/// A local repository that is not there cannot be watched.
const MISSING_INTERVAL: Duration = Duration::from_secs(2);

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    // The wake-up is shared with watches of local repositories, so changes of GitSources need no list of keys.
    world.wds.mirror.wake_on_change(&[crate::world::resources::git_sources()], world.wakes.source.clone());
    let watches = watch::Watches::new(world.wakes.source.clone());
    let kept = Kept::default();
    let (world, watches, kept) = (&world, &watches, &kept);
    runtime::drive("source", world.wakes.source.clone(), world.shutdown.clone(), || async move {
        Ok::<_, Infallible>(pass(world, watches, kept).await)
    })
    .await;
}

/// What is kept of every source from commit to commit.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<SourceName, Arc<Mutex<Commits>>>>);

impl Kept {
    fn of(&self, source: &SourceName) -> Arc<Mutex<Commits>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(source.clone()).or_default())
    }

    fn forget(&self, source: &SourceName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
    }
}

async fn pass(world: &Arc<World>, watches: &watch::Watches, kept: &Kept) -> Again {
    let specs: BTreeMap<SourceName, SourceSpec> = observe::specs(world);
    for gone in world.board.sources().into_keys().filter(|source| !specs.contains_key(source)) {
        world.board.forget(&gone);
        kept.forget(&gone);
    }
    let mut next = None;
    for (source, spec) in &specs {
        if spec.suspend {
            continue;
        }
        watches.follow(spec);
        act::refresh(world, source, spec, kept.of(source)).await;
        let board = world.board.source(source).unwrap_or_default();
        if board.report_problem.is_some() {
            // What moved in the repository may have made room for the status ref.
            world.wakes.report.wake();
        }
        let missing = board.problem.is_some_and(|problem| problem.reason == act::REPOSITORY_MISSING);
        let interval = match (spec.is_local(), missing) {
            (true, true) => MISSING_INTERVAL,
            (true, false) => LOCAL_INTERVAL,
            (false, _) => spec.interval,
        };
        next = Some(next.map_or(interval, |next: Duration| next.min(interval)));
    }
    next.map_or(Again::WhenWoken, Again::After)
}

/// What to do about the tip that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is in force already.
    Keep,
    /// Render it.
    Render,
    /// History was rewritten, and the source holds such changes.
    Hold(SourceProblem),
}

/// Decides about a tip. `follows` tells whether the commit in force is an ancestor of it.
pub fn decide(in_force: Option<&str>, tip: &str, follows: bool, hold_rewrites: bool) -> Decision {
    match in_force {
        Some(commit) if commit == tip => Decision::Keep,
        Some(commit) if !follows && hold_rewrites => Decision::Hold(SourceProblem {
            reason: "RewriteHeld",
            message: format!(
                "the branch was rewritten: {tip} does not contain {commit}, which stays in force; set spec.rewrites to Accept, or push a commit that contains it"
            ),
        }),
        _ => Decision::Render,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_is_accepted_or_held_as_the_source_says() {
        assert_eq!(decide(Some("a"), "a", true, true), Decision::Keep);
        assert_eq!(decide(None, "a", false, true), Decision::Render);
        assert_eq!(decide(Some("a"), "b", true, true), Decision::Render);
        assert_eq!(decide(Some("a"), "b", false, false), Decision::Render);
        assert!(matches!(decide(Some("a"), "b", false, true), Decision::Hold(_)));
    }
}
