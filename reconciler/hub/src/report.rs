//! Status commits: what the fleet is like, where the author looks.
//!
//! One loop per source: observe (the board: its revision, the fleet), decide (`plan::report`: the text, and whether to commit now), act ([`act`]: a commit built from trees, moved
//! onto the status ref by compare-and-swap, locally or by push), report (a problem with the push goes to the GitSource; sync goes on).

mod act;
mod observe;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use plan::report::{Committed, Gist, Verdict, digest, files, gist, should_commit};
use runtime::{Again, Wake};

use crate::board::SourceProblem;
use crate::loops::Loops;
use crate::publish;
use crate::world::World;

/// What was committed last by this process, and when.
#[derive(Clone, Debug)]
struct Last {
    files: apimachinery::Digest,
    gist: Gist,
    /// The last commit of the source of which a converged state was written.
    converged: Option<String>,
    at: Duration,
}

/// What the loop of one source remembers between its passes.
#[derive(Debug, Default)]
struct Memory {
    last: Option<Last>,
    /// After a refused or failed push: the generation of the source that was refused, and when to try again.
    refused: Option<(i64, Duration)>,
}

/// After a refused or failed push.
const PUSH_RETRY: Duration = Duration::from_secs(60);

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let loops: Mutex<Loops> = Mutex::default();
    let (world, loops) = (&world, &loops);
    runtime::drive("report", world.wakes.report.clone(), world.shutdown.clone(), || async move {
        let mut loops = loops.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = world.board.sources().into_keys();
        loops.keep(sources, |source, wake| follow(Arc::clone(world), source, wake));
        Ok::<_, Infallible>(Again::WhenWoken)
    })
    .await;
}

/// The loop of one source.
async fn follow(world: Arc<World>, source: SourceName, wake: Wake) {
    let memory: tokio::sync::Mutex<Memory> = tokio::sync::Mutex::default();
    let (world, source, memory) = (&world, &source, &memory);
    runtime::drive("report", wake, world.shutdown.clone(), || async move {
        let mut memory = memory.lock().await;
        let again = pass(world, source, &mut memory).await;
        Ok::<_, Infallible>(again.map_or(Again::WhenWoken, Again::After))
    })
    .await;
}

async fn pass(world: &Arc<World>, source: &SourceName, memory: &mut Memory) -> Option<Duration> {
    let observed = observe::observe(world, source)?;
    let now = world.clock.monotonic();
    let spared =
        memory.refused.filter(|(generation, until)| *generation == observed.generation && *until > now);
    if let Some((_, until)) = spared {
        return Some(until - now);
    }
    let gist = gist(&observed.input);
    if !observed.is_wanted() {
        // Nobody reads it: what could be said counts as said.
        told(world, source, &gist, None).await;
        return None;
    }
    if memory.last.is_none() {
        memory.last = act::read_last(world, &observed).await;
    }
    let files = files(&observed.input);
    let digest = digest(&files);
    let committed = memory.last.as_ref().map(|last| Committed {
        files: last.files,
        gist: last.gist.clone(),
        converged: last.converged.clone(),
        ago_ms: u64::try_from(now.saturating_sub(last.at).as_millis()).unwrap_or(u64::MAX),
    });
    match should_commit(committed.as_ref(), (&gist, digest), world.settings.pacing) {
        Verdict::No => {
            told(world, source, &gist, None).await;
            None
        }
        Verdict::Later(ms) => Some(Duration::from_millis(ms)),
        Verdict::Now => match act::commit(world, &observed, files).await {
            Ok(()) => {
                told(world, source, &gist, None).await;
                let before = memory.last.take().and_then(|last| last.converged);
                let converged = if gist.converged { Some(gist.commit.clone()) } else { before };
                *memory =
                    Memory { last: Some(Last { files: digest, gist, converged, at: now }), refused: None };
                None
            }
            Err(problem) => {
                if memory.refused.is_none() {
                    tracing::warn!(%source, problem = problem.message, "cannot write the status commit");
                }
                told(world, source, &gist, Some(problem)).await;
                // A repository on this machine is looked at again whenever there is reason to; nobody else's server is.
                if !observed.spec.is_local() {
                    memory.refused = Some((observed.generation, world.clock.monotonic() + PUSH_RETRY));
                }
                Some(PUSH_RETRY)
            }
        },
    }
}

/// The status ref says what is true now, or why it does not.
async fn told(world: &Arc<World>, source: &SourceName, gist: &Gist, problem: Option<SourceProblem>) {
    let changed = world.board.update(source, |board| {
        if problem.is_none() {
            board.reported = Some(gist.commit.clone());
            board.reported_converged = gist.converged;
        }
        std::mem::replace(&mut board.report_problem, problem.clone()) != problem
    });
    if changed && let Err(error) = publish::source_status(world, source).await {
        // Sync publishes the same status at its next pass.
        tracing::debug!(%source, %error, "cannot publish the state of the status commit");
    }
}
