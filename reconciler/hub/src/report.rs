//! Status commits: what the fleet is like, where the author looks.
//!
//! Observe (the board: revisions, the fleet), decide (`plan::report`: the text, and whether to commit now), act ([`act`]: a commit built from trees, moved onto the
//! status ref by compare-and-swap, locally or by push), report (a problem with the push goes to the GitSource; sync goes on).

mod act;
mod observe;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use plan::report::{Committed, Gist, Verdict, digest, files, gist, should_commit};
use runtime::Again;

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

/// After a refused or failed push.
const PUSH_RETRY: Duration = Duration::from_secs(60);

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let last: Mutex<BTreeMap<SourceName, Last>> = Mutex::default();
    let (world, last) = (&world, &last);
    runtime::drive("report", world.wakes.report.clone(), world.shutdown.clone(), || async move {
        let mut next: Option<Duration> = None;
        for source in world.board.sources().into_keys() {
            let known = last.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned();
            let (now, again) = pass(world, &source, known).await;
            if let Some(now) = now {
                last.lock().unwrap_or_else(PoisonError::into_inner).insert(source, now);
            }
            next = [next, again].into_iter().flatten().min();
        }
        Ok::<_, Infallible>(next.map_or(Again::WhenWoken, Again::After))
    })
    .await;
}

async fn pass(
    world: &Arc<World>,
    source: &SourceName,
    last: Option<Last>,
) -> (Option<Last>, Option<Duration>) {
    let Some(observed) = observe::observe(world, source) else { return (last, None) };
    let last = match last {
        Some(last) => Some(last),
        None => act::read_last(world, &observed).await,
    };
    let (files, gist) = (files(&observed.input), gist(&observed.input));
    let digest = digest(&files);
    let committed = last.as_ref().map(|last| Committed {
        files: last.files,
        gist: last.gist.clone(),
        converged: last.converged.clone(),
        ago_ms: u64::try_from(world.clock.monotonic().saturating_sub(last.at).as_millis())
            .unwrap_or(u64::MAX),
    });
    match should_commit(committed.as_ref(), (&gist, digest), world.settings.pacing) {
        Verdict::No => {
            told(world, source, &gist).await;
            (last, None)
        }
        Verdict::Later(ms) => (last, Some(Duration::from_millis(ms))),
        Verdict::Now => match act::commit(world, &observed, files).await {
            Ok(()) => {
                told(world, source, &gist).await;
                let before = last.and_then(|last| last.converged);
                let converged = if gist.converged { Some(gist.commit.clone()) } else { before };
                (Some(Last { files: digest, gist, converged, at: world.clock.monotonic() }), None)
            }
            Err(error) => {
                let error = runtime::drive::chain(&error);
                problem(world, source, Some(error)).await;
                (last, Some(PUSH_RETRY))
            }
        },
    }
}

/// The status ref says what is true now.
async fn told(world: &Arc<World>, source: &SourceName, gist: &Gist) {
    world.board.update(source, |board| {
        board.reported = Some(gist.commit.clone());
        board.reported_converged = gist.converged;
    });
    problem(world, source, None).await;
}

/// Says, where it is news, whether the status ref can be written.
async fn problem(world: &Arc<World>, source: &SourceName, problem: Option<String>) {
    let news = world.board.update(source, |board| {
        let before = std::mem::replace(&mut board.report_problem, problem.clone());
        before != problem
    });
    if !news {
        return;
    }
    if let Some(error) = problem {
        tracing::warn!(%source, %error, "cannot write the status commit; sync goes on");
    }
    if let Err(error) = publish::source_status(world, source).await {
        tracing::warn!(%source, %error, "cannot say in the GitSource whether the status ref can be written");
    }
}
