//! From Bindings to ManifestWorks, mailbox by mailbox.
//!
//! Observe ([`observe`]: every Binding, the intents of its objects, the works of every mailbox), decide (`plan::work`, after the removal budget), act
//! ([`act`]: creates first, deletes last, each with preconditions), report (held removals on the board, findings for the status controller).

mod act;
mod observe;
pub mod wire;

use std::sync::Arc;

use runtime::{Again, ApiError};

use crate::publish;
use crate::world::World;

/// Why a pass was cut short.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A mailbox refuses. The other mailboxes were served all the same.
    #[error("cannot write to the mailbox of cluster {cluster}")]
    Mailbox {
        /// Which cluster; the first of those that failed.
        cluster: plan::ClusterName,
        /// Why.
        source: ApiError,
    },
    /// The status of a source cannot be written.
    #[error("cannot report held removals")]
    Report(#[source] ApiError),
}

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    world.wds.mirror.wake_on_change(&[], world.wakes.transport.clone());
    world.its.mirror.wake_on_change(&[], world.wakes.transport.clone());
    let world = &world;
    runtime::drive("transport", world.wakes.transport.clone(), world.shutdown.clone(), || pass(world)).await;
}

async fn pass(world: &Arc<World>) -> Result<Again, TransportError> {
    let observed = observe::observe(world);
    let held = observed.judge(world);
    for (source, held) in held.by_source {
        let changed = world
            .board
            .update(&source, |board| std::mem::replace(&mut board.held_by_transport, held.clone()) != held);
        if changed {
            publish::source_status(world, &source).await.map_err(TransportError::Report)?;
        }
    }
    let mut first_failure = None;
    for mailbox in observed.mailboxes(world, &held.objects) {
        let plan = plan::work::reconcile(&mailbox);
        world.board.transported(&mailbox.cluster, &plan);
        for change in &plan.changes {
            if let Err(source) = act::act(world, &mailbox, change).await
                && first_failure.is_none()
            {
                first_failure = Some(TransportError::Mailbox { cluster: mailbox.cluster.clone(), source });
            }
        }
        if !plan.changes.is_empty() {
            world.wakes.status.wake();
        }
    }
    first_failure.map_or(Ok(Again::WhenWoken), Err)
}
