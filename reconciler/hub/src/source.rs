//! Which commit is in force, and what it declares.
//!
//! One loop per source: observe ([`observe`]: its specification; when it was asked last), decide ([`decide`] about the tip that was found), act ([`act`]: ask, fetch,
//! render). The outcome goes to the board; sync takes it from there. A poll that finds the tip it knows renders nothing and writes nothing.
//!
//! | module | knows |
//! |---|---|
//! | [`observe`] | what a GitSource asks for |
//! | [`login`] | what a remote is shown |
//! | [`act`] | asking for the tip, fetching, rendering |
//! | [`pace`] | when a remote is asked again |
//! | [`advice`] | what a failure of git means, and what a person does about it |
//! | [`watch`] | wake-ups from local repositories |

mod act;
mod advice;
pub mod login;
mod observe;
mod pace;
mod watch;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use runtime::{Again, Wake};

use crate::board::SourceProblem;
use crate::declare::Commits;
use crate::loops::Loops;
use crate::world::{World, resources};

pub(crate) use advice::{BRANCH_MISSING, REPOSITORY_INVALID, explain_push};
pub use observe::{DEFAULT_REPORT_BRANCH, Location, SourceSpec, grants, spec, specs};

/// How often a remote is polled when its source does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
/// Local repositories are watched; polling them as well covers file systems without notifications.
const LOCAL_INTERVAL: Duration = Duration::from_secs(30);
/// What it lacks may be there soon, and nothing in it tells when.
const FAILED_INTERVAL: Duration = Duration::from_secs(10);
/// One that is not there cannot be watched.
const MISSING_INTERVAL: Duration = Duration::from_secs(2);

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let wake = world.wakes.source.clone();
    // A Secret that changes may be what a remote wanted to see.
    world.wds.mirror.wake_on_change(&[resources::git_sources(), resources::secrets()], wake.clone());
    let loops: Mutex<Loops> = Mutex::default();
    let (world, loops) = (&world, &loops);
    runtime::drive("source", wake, world.shutdown.clone(), || async move {
        let specs = specs(world);
        for gone in world.board.sources().into_keys().filter(|source| !specs.contains_key(source)) {
            world.board.forget(&gone);
        }
        let mut loops = loops.lock().unwrap_or_else(PoisonError::into_inner);
        loops.keep(specs.into_keys(), |source, wake| follow(Arc::clone(world), source, wake));
        Ok::<_, Infallible>(Again::WhenWoken)
    })
    .await;
}

/// The loop of one source.
async fn follow(world: Arc<World>, source: SourceName, wake: Wake) {
    let watches = watch::Watches::new(wake.clone());
    let asked: Mutex<Option<Asked>> = Mutex::default();
    let commits = Arc::new(Mutex::new(Commits::new(world.settings.render.clone())));
    let (world, source, asked, kept) = (&world, &source, &asked, &(watches, commits));
    runtime::drive("source", wake, world.shutdown.clone(), || async move {
        let before = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (now, again) = pass(world, source, kept, before).await;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok::<_, Infallible>(again)
    })
    .await;
}

/// When a remote was asked last, and for what.
#[derive(Clone, Debug)]
struct Asked {
    question: observe::Question,
    /// Since the start of the process.
    due: Duration,
    failures: u32,
}

async fn pass(
    world: &Arc<World>,
    source: &SourceName,
    (watches, commits): &(watch::Watches, Arc<Mutex<Commits>>),
    before: Option<Asked>,
) -> (Option<Asked>, Again) {
    let Some(spec) = spec(world, source) else { return (None, Again::WhenWoken) };
    if spec.suspend {
        world.board.update(source, |board| board.generation = spec.generation);
        world.wakes.sync.wake();
        return (None, Again::WhenWoken);
    }
    if spec.is_local() {
        watches.follow(&spec);
        let failed = act::refresh(world, source, &spec, commits).await.failed;
        let board = world.board.source(source).unwrap_or_default();
        if board.report_problem.is_some() {
            // What moved in the repository may have made room for the status ref.
            world.wakes.report.wake();
        }
        let missing = board.problem.is_some_and(|problem| problem.reason == advice::REPOSITORY_MISSING);
        let pause = match (missing, failed) {
            (true, _) => MISSING_INTERVAL,
            (false, true) => FAILED_INTERVAL,
            (false, false) => LOCAL_INTERVAL,
        };
        return (None, Again::After(pause));
    }
    let question = observe::question(world, &spec);
    // Whoever corrects a source or its Secret waits for the answer; nobody else makes a server work before its time.
    let before = before.filter(|asked| asked.question == question);
    let rest = |asked: &Asked| asked.due.saturating_sub(world.clock.monotonic());
    if let Some(asked) = before.as_ref().filter(|asked| !rest(asked).is_zero()) {
        let again = Again::After(rest(asked));
        return (before, again);
    }
    let outcome = act::refresh(world, source, &spec, commits).await;
    let failures = if outcome.failed { before.map_or(0, |asked| asked.failures) + 1 } else { 0 };
    let pause = pace::pause(spec.interval, failures, outcome.rest, observe::seed(source));
    (Some(Asked { question, due: world.clock.monotonic() + pause, failures }), Again::After(pause))
}

/// What is known of the commit in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce<'a> {
    /// Nothing: the source is new, or follows another branch than before.
    Nothing,
    /// This process has rendered it.
    Rendered(&'a str),
    /// An earlier process had; what it declares has to be read again.
    Recorded(&'a str),
}

/// What to do about the tip that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is in force already.
    Keep,
    /// Render it.
    Render,
    /// Render it, and say that the history before it is gone.
    Rewritten(String),
    /// History was rewritten, and the source holds such changes. What was in force stays so.
    Hold(SourceProblem),
}

/// Decides about a tip. `follows` tells whether the commit in force is the tip or an ancestor of it.
pub fn decide(in_force: InForce<'_>, tip: &str, follows: bool, hold_rewrites: bool) -> Decision {
    match in_force {
        InForce::Rendered(commit) if commit == tip => Decision::Keep,
        InForce::Rendered(commit) | InForce::Recorded(commit) if !follows => {
            let rewritten = format!("the branch was rewritten: {tip} does not contain {commit}");
            if hold_rewrites {
                let message = format!(
                    "{rewritten}, which stays in force; push a commit that contains it, or accept the new history by setting spec.rewrites of the GitSource to Accept"
                );
                return Decision::Hold(SourceProblem { reason: "RewriteHeld", message });
            }
            Decision::Rewritten(format!(
                "{rewritten}, which was in force before; accepted, as spec.rewrites is not Hold"
            ))
        }
        InForce::Nothing | InForce::Rendered(_) | InForce::Recorded(_) => Decision::Render,
    }
}

#[cfg(test)]
mod tests {
    use super::InForce::{Nothing, Recorded, Rendered};
    use super::*;

    #[test]
    fn atk_17_a_rewrite_is_accepted_and_told_or_held_as_the_source_says_also_after_a_restart() {
        assert_eq!(decide(Rendered("a"), "a", true, true), Decision::Keep);
        assert_eq!(decide(Recorded("a"), "a", true, true), Decision::Render);
        assert_eq!(decide(Nothing, "a", false, true), Decision::Render);
        for in_force in [Rendered("a"), Recorded("a")] {
            assert_eq!(decide(in_force, "b", true, true), Decision::Render);
            assert!(
                matches!(decide(in_force, "b", false, false), Decision::Rewritten(told) if told.contains("b does not contain a"))
            );
            assert!(matches!(decide(in_force, "b", false, true), Decision::Hold(_)));
        }
    }
}
