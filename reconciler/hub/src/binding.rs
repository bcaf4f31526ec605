//! From policies to Bindings.
//!
//! Observe ([`observe`]: an index that watch deltas update, what sources are doing), decide (`plan::binding`), act ([`act`]: write Bindings; a removal first
//! reads everything it rests on once more, live). Report: what stays although no policy wants it is looked at again when its source settles.

mod act;
mod observe;
pub mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use runtime::{Again, ApiError};

use crate::world::World;

pub use observe::holds;

/// When a removal was refused because a mirror lags behind.
const STALE_RETRY: Duration = Duration::from_millis(100);

/// Why a pass was cut short.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// The WDS refuses or does not answer.
    #[error("cannot write the Binding of policy {policy}")]
    Api {
        /// Which policy.
        policy: plan::PolicyName,
        /// Why.
        source: ApiError,
    },
}

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let changes = world.wds.mirror.subscribe(world.wakes.binding.clone());
    let state = Mutex::new(observe::State::new());
    let (world, changes, state) = (&world, &changes, &state);
    runtime::drive("binding", world.wakes.binding.clone(), world.shutdown.clone(), || async move {
        // Before anything is looked at: what is written later is bound by a later pass.
        let written = written(world);
        let pending = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.update(world, &changes.take());
            state.pending(world)
        };
        // What has changed since may be what repairs the reason of a removal.
        let up_to_date = changes.is_empty();
        let mut again = Again::WhenWoken;
        let mut first_failure = None;
        for decision in pending {
            let policy = decision.policy.clone();
            if decision.removes() && !up_to_date {
                again = Again::After(STALE_RETRY);
                continue;
            }
            match act::act(world, decision).await {
                Ok(act::Done::Written) => {
                    state.lock().unwrap_or_else(PoisonError::into_inner).settled(&policy);
                }
                Ok(act::Done::Stale) => again = Again::After(STALE_RETRY),
                // One Binding that cannot be written stops none of the others.
                Err(source) => {
                    first_failure = first_failure.or(Some(BindingError::Api { policy, source }));
                }
            }
        }
        if first_failure.is_none() && again == Again::WhenWoken {
            tell_bound(world, written);
        }
        first_failure.map_or(Ok(again), Err)
    })
    .await;
}

/// The commits of which objects and clusters are written.
fn written(world: &World) -> Vec<(SourceName, String)> {
    let joined = world.its.cluster_names();
    let sources = world.board.sources().into_iter();
    sources.filter_map(|(source, board)| Some((source, board.written(&joined)?.to_owned()))).collect()
}

/// What the policies of these commits place is known.
fn tell_bound(world: &World, written: Vec<(SourceName, String)>) {
    for (source, commit) in written {
        if world.board.source(&source).is_some_and(|board| board.bound.as_ref() != Some(&commit)) {
            world.board.update(&source, |board| board.bound = Some(commit));
            world.wakes.status.wake();
        }
    }
}
