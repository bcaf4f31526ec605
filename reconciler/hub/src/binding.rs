//! From policies to Bindings.
//!
//! Observe ([`observe`]: an index that watch deltas update, what sources are doing), decide (`plan::binding`), act ([`act`]: write Bindings; a removal first
//! reads everything it rests on once more, live). Report: what stays although no policy wants it is looked at again when its source settles.

mod act;
mod observe;
mod selections;
pub mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::{Again, ApiError};

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
        let pending = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.update(world, watches);
            state.pending(world)
        };
        let mut again = Again::WhenWoken;
        for decision in pending {
            let (policy, held) = (decision.policy.clone(), decision.holds_back());
            let done = act::act(world, decision)
                .await
                .map_err(|source| BindingError::Api { policy: policy.clone(), source })?;
            match done {
                act::Done::Written => {
                    state.lock().unwrap_or_else(PoisonError::into_inner).settled(&policy, held);
                }
                act::Done::Stale => again = Again::After(STALE_RETRY),
            }
        }
        Ok::<_, BindingError>(again)
    })
    .await;
}
