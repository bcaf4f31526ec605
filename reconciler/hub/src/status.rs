//! What clusters report, folded into the WDS: `.status` of objects whose policy asks for it, of policies and Bindings, and of Units.
//!
//! Observe ([`observe`]: every pair of every Binding, with what its mailbox and its WorkStatus say), decide (`plan::status`, `plan::health`), act ([`objects`],
//! [`act`]: write what differs, whatever becomes of the rest), report (the fleet, as a value, goes to the board: the report controller and the command line read it).

mod act;
mod fleet;
mod objects;
mod observe;

use std::sync::Arc;

use runtime::{Again, ApiError};

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
    world.wds.mirror.wake_on_change(&[], world.wakes.status.clone());
    world.its.mirror.wake_on_change(&[], world.wakes.status.clone());
    let tried = objects::Tried::default();
    let (world, tried) = (&world, &tried);
    runtime::drive("status", world.wakes.status.clone(), world.shutdown.clone(), || async move {
        let observed = observe::observe(world);
        let fleet = fleet::fleet(world, &observed);
        let returning = objects::returned(world, &observed, tried).await;
        let policies = act::policies(world, &observed, &returning.complaints).await;
        let units = act::units(world, &fleet).await;
        if world.board.set_fleet(fleet) {
            world.wakes.report.wake();
        }
        returning.failure.map_or(Ok(()), Err).and(policies).and(units).map(|()| Again::WhenWoken)
    })
    .await;
}
