//! Whether everything placed is applied and healthy, and what lags.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub::World;
use plan::health::HealthState;
use plan::status::PairState;
use runtime::Shutdown;

use super::place::Place;
use super::screen::Screen;

/// Changes come in bursts; between two looks there is at least this time.
const PAUSE: Duration = Duration::from_millis(20);

/// What the fleet is like now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The commit that was read last.
    pub(super) commit: Option<String>,
    /// Whether that commit is in the WDS, everything placed is healthy, and the status commit says so.
    pub(super) converged: bool,
    /// (placed, ready) over all units.
    pub(super) pairs: (usize, usize),
    /// What is not as it shall be, one line each.
    pub(super) laggards: Vec<String>,
    /// What of it does not get better by waiting.
    pub(super) troubles: BTreeSet<String>,
}

/// Reads the state from the board.
pub(super) fn state(world: &World) -> State {
    let fleet = world.board.fleet();
    let mut state = State::default();
    let sources = world.board.sources();
    let mut settled = !sources.is_empty();
    for (source, board) in &sources {
        if let Some(problem) = &board.problem {
            state.laggards.push(format!("source {source}: {}", problem.message));
        }
        for failure in board.all_failures() {
            let place = failure.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
            state.laggards.push(format!("{}{place}: {}", failure.object, failure.message));
        }
        for held in [&board.held_by_sync, &board.held_by_transport].into_iter().flatten() {
            state
                .laggards
                .push(format!("source {source}: {} (gitstellar approve {})", held.reason, held.hash));
        }
        if let Some(problem) = &board.report_problem {
            state.laggards.push(format!("status commit: {}", problem.message));
        }
        state.troubles.extend(state.laggards.iter().cloned());
        let declared = board.revision.iter().flat_map(|revision| revision.declaration.clusters.keys());
        for cluster in declared.filter(|cluster| !fleet.clusters.contains(*cluster)) {
            state.laggards.push(format!("cluster {cluster}: it has not joined yet"));
        }
        let commit = board.revision.as_ref().map(|revision| revision.commit.clone());
        settled &= commit.is_some()
            && board.settled == commit
            && board.reported == commit
            && board.reported_converged;
        state.commit = commit.or(state.commit);
    }
    for ((_, name), unit) in &fleet.units {
        for failure in unit.status.failures.iter().filter(|failure| failure.object.is_none()) {
            let line = format!("unit {name}: {}", failure.message);
            state.troubles.insert(line.clone());
            state.laggards.push(line);
        }
        for (pair, pair_state) in &unit.pairs {
            state.pairs.0 += 1;
            match lag(pair_state) {
                None => state.pairs.1 += 1,
                Some(why) => {
                    let line = format!("{} on {}: {why}", pair.object, pair.cluster);
                    if pair_state.is_refused() {
                        state.troubles.insert(line.clone());
                    }
                    state.laggards.push(line);
                }
            }
        }
    }
    state.converged = settled && state.laggards.is_empty();
    state
}

fn lag(state: &PairState) -> Option<String> {
    match state {
        PairState::Pending(why) | PairState::NotAllowed(why) => Some(why.clone()),
        PairState::Failed(why) => Some(format!("refused by the cluster: {why}")),
        PairState::Applied(health) => match health.state {
            HealthState::Healthy | HealthState::Suspended => None,
            other => Some(
                format!("{other:?} {}: {}", health.reason, health.message)
                    .trim_end_matches([':', ' '])
                    .to_owned(),
            ),
        },
    }
}

/// Waits until everything is converged; fails with what lags when the time is over.
pub(super) async fn wait(
    world: &Arc<World>,
    screen: &Screen,
    limit: Duration,
    shutdown: &Shutdown,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut changes = world.board.changes();
    loop {
        let now = state(world);
        screen.progress(&now);
        if now.converged || started.elapsed() > limit || shutdown.is_cancelled() {
            screen.final_state(world, &now, started.elapsed());
            return Ok(if now.converged { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(limit.saturating_sub(started.elapsed())) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// Tells what happens until Ctrl-C.
pub(super) async fn tell_forever(
    world: &Arc<World>,
    screen: &Screen,
    place: &Place,
    shutdown: &Shutdown,
) -> anyhow::Result<ExitCode> {
    let mut told: Option<State> = None;
    let mut hinted = false;
    let mut started = Instant::now();
    let mut changes = world.board.changes();
    loop {
        let now = state(world);
        if told.as_ref().is_none_or(|told| *told != now) {
            if told.as_ref().is_some_and(|told| told.commit != now.commit) {
                started = Instant::now();
            }
            screen.progress(&now);
            if now.converged && told.as_ref().is_none_or(|told| !told.converged) {
                screen.final_state(world, &now, started.elapsed());
                if !std::mem::replace(&mut hinted, true) {
                    screen.hints(place);
                }
            }
            told = Some(now);
        }
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            _ = changes.changed() => {}
            () = shutdown.cancelled() => {
                screen.goodbye();
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}
