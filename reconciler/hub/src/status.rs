//! What clusters report, folded into the WDS: `.status` of objects whose policy asks for it, of policies and Bindings, and of Units.
//!
//! Observe ([`observe`]: what was told since, and which pairs of which policies, units and objects it concerns), decide (`plan::status`, `plan::health`), act ([`objects`],
//! [`act`]: write what differs, whatever becomes of the rest), report (the fleet, as a value, goes to the board: the report controller and the command line read it).

mod act;
mod fleet;
mod objects;
mod observe;
mod reports;
mod units;

use std::sync::Arc;

use runtime::{Again, ApiError};
use tokio::sync::Mutex;

use self::objects::Tried;
use self::observe::{State, Watches};
use crate::world::World;

pub use fleet::{Fleet, FleetUnit};

/// Why a pass was cut short.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the status of {what}")]
pub struct StatusError {
    /// Of what.
    pub what: String,
    /// Why.
    pub source: ApiError,
}

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let watches = Watches::new(&world);
    let state = Mutex::new((State::default(), Tried::default()));
    let (world, watches, state) = (&world, &watches, &state);
    runtime::drive("status", world.wakes.status.clone(), world.shutdown.clone(), || async move {
        let (state, tried) = &mut *state.lock().await;
        state.update(world, watches);
        state.update_units_status(world);
        let returned = objects::returned(world, state, tried).await;
        let policies = act::policies(world, state).await;
        let units = act::units(world, state).await;
        if state.show(world) {
            world.wakes.report.wake();
        }
        returned.and(policies).and(units).map(|()| Again::WhenWoken)
    })
    .await;
}
