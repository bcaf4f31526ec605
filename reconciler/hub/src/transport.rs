//! From Bindings to ManifestWorks, mailbox by mailbox.
//!
//! Observe ([`observe`]: what was told since, and whose mailbox it concerns), decide ([`removals`]: what may leave, by the removal budget; `plan::work`: what each
//! mailbox shall hold), act ([`act`]: creates first, deletes last, each with preconditions), report (held removals and what is kept on the board). A wake-up looks at the
//! mailboxes that are concerned, and at no others.

mod act;
mod mailboxes;
mod observe;
mod removals;
pub mod wire;

use std::sync::Arc;

use plan::work::{HUB_ANNOTATION, ObservedWork, WDS_LABEL};
use runtime::{Again, ApiError};
use tokio::sync::Mutex;

use self::observe::{State, Watches};
use self::removals::Removals;
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
    let watches = Watches::new(&world);
    let state = Mutex::new(State::default());
    let (world, watches, state) = (&world, &watches, &state);
    runtime::drive("transport", world.wakes.transport.clone(), world.shutdown.clone(), || async move {
        let mut state = state.lock().await;
        state.update(world, watches);
        state.judge(world);
        report(world, &mut state.removals).await.map_err(TransportError::Report)?;
        reconcile(world, &mut state).await.map(|()| Again::WhenWoken)
    })
    .await;
}

/// Tells the sources which removals wait for an approval.
async fn report(world: &Arc<World>, removals: &mut Removals) -> Result<(), ApiError> {
    for (source, held) in removals.untold() {
        let known = world.board.source(source).is_none_or(|board| board.held_by_transport == *held);
        if !known {
            world.board.update(source, |board| board.held_by_transport.clone_from(held));
            publish::source_status(world, source).await?;
        }
    }
    removals.told();
    Ok(())
}

/// Reconciles the mailboxes that are concerned. One that refuses is tried again; the others do not wait for it.
async fn reconcile(world: &World, state: &mut State) -> Result<(), TransportError> {
    let mut outcome = Ok(());
    for cluster in state.dirty() {
        let Some(mailbox) = state.mailbox(world, &cluster) else {
            state.settled(&cluster, &[]);
            continue;
        };
        let plan = plan::work::reconcile(&mailbox);
        let retold = world.board.transported(&cluster, &plan);
        let (mut written, mut all_written) = (Vec::new(), true);
        for change in &plan.changes {
            match act::act(world, &mailbox, change).await {
                Ok(act::Done::Written(work)) => written.extend(work),
                // What makes it possible wakes us: the watch, or the inventory controller.
                Ok(act::Done::Stale | act::Done::NoMailbox) => all_written = false,
                Err(source) => {
                    all_written = false;
                    outcome = outcome.and(Err(TransportError::Mailbox { cluster: cluster.clone(), source }));
                }
            }
        }
        if all_written {
            state.settled(&cluster, &written);
        }
        if retold || !plan.changes.is_empty() {
            world.wakes.status.wake();
        }
    }
    outcome
}

/// Whether a work is of this WDS, and of no other hub that calls its WDS the same.
pub(crate) fn is_ours(world: &World, work: &ObservedWork) -> bool {
    let hub = work.annotations.get(HUB_ANNOTATION);
    work.labels.get(WDS_LABEL).map(String::as_str) == Some(world.settings.wds.as_str())
        && hub.is_none_or(|hub| *hub == world.hub_id())
}
