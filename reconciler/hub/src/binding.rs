//! From policies to Bindings.
//!
//! Observe ([`observe`]: an index that watch deltas update, what sources are doing), decide (`plan::binding`), act ([`act`]: write Bindings; a removal first
//! reads everything it rests on once more, live). Report: what stays although no policy wants it is looked at again when its source settles.

mod act;
mod observe;
mod selections;
pub mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::SourceName;
use runtime::{Again, ApiError};

use crate::holds;
use crate::world::World;

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
    let watches = observe::Watches::new(&world);
    let state = Mutex::new(observe::State::default());
    let (world, watches, state) = (&world, &watches, &state);
    runtime::drive("binding", world.wakes.binding.clone(), world.shutdown.clone(), || async move {
        // Before anything is looked at: what is written later is bound by a later pass.
        let written = holds::written(world);
        let pending = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.update(world, watches);
            state.pending(world)
        };
        // What has changed since may be what repairs the reason of a removal.
        let up_to_date = watches.wds.is_empty();
        let mut again = Again::WhenWoken;
        let mut first_failure = None;
        for decision in pending {
            let (policy, held) = (decision.policy.clone(), decision.holds_back());
            if decision.removes() && !up_to_date {
                again = Again::After(STALE_RETRY);
                continue;
            }
            match act::act(world, decision).await {
                Ok(act::Done::Written) => {
                    state.lock().unwrap_or_else(PoisonError::into_inner).settled(&policy, held);
                }
                Ok(act::Done::Stale) => again = Again::After(STALE_RETRY),
                // One Binding that cannot be written stops none of the others.
                Err(source) => {
                    first_failure = first_failure.or(Some(BindingError::Api { policy, source }));
                }
            }
        }
        if first_failure.is_none() && again == Again::WhenWoken {
            tell_bound(world, &written);
        }
        first_failure.map_or(Ok(again), Err)
    })
    .await;
}

/// What the policies of these commits place is known.
fn tell_bound(world: &World, written: &BTreeMap<SourceName, String>) {
    let bound = world.board.of_each(|board| board.bound.clone());
    let news = written
        .iter()
        .filter(|(source, commit)| bound.get(*source).is_some_and(|bound| bound.as_ref() != Some(*commit)));
    for (source, commit) in news {
        world.board.update(source, |board| board.bound = Some(commit.clone()));
        world.wakes.status.wake();
    }
}
