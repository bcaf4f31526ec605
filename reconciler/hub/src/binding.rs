//! From policies to Bindings.
//!
//! Observe ([`observe`]: an index that watch deltas update, what sources are doing), decide (`plan::binding`), act ([`act`]: write Bindings; a removal first
//! reads everything it rests on once more, live). Report: what stays although no policy wants it is looked at again when its source settles.

mod act;
mod observe;
pub mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
        let pending = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.update(world, &changes.take());
            state.pending(world)
        };
        let mut again = Again::WhenWoken;
        for decision in pending {
            let policy = decision.policy.clone();
            let done = act::act(world, decision)
                .await
                .map_err(|source| BindingError::Api { policy: policy.clone(), source })?;
            match done {
                act::Done::Written => state.lock().unwrap_or_else(PoisonError::into_inner).settled(&policy),
                act::Done::Stale => again = Again::After(STALE_RETRY),
            }
        }
        Ok::<_, BindingError>(again)
    })
    .await;
}
