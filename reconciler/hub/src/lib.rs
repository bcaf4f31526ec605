//! The controllers: from git to ManifestWorks, and from the clusters' reports back to git.
//!
//! Each controller is a loop of the same four verbs: **observe** (read everything into one value), **decide** (a pure call into `plan`), **act** (perform,
//! with preconditions), **report** (fold the outcome into one status). It is woken, never told: a watch or the time says "look again".
//!
//! | controller | woken by | writes |
//! |---|---|---|
//! | [`kinds`] | CRDs of the WDS | nothing: which kinds there are, and which are watched |
//! | [`source`] | GitSources, changes of local repositories, the poll interval | nothing in a space: revisions in memory, mirrors of remotes on the disk |
//! | [`inventory`] | revisions, ManagedClusters | declared labels and annotations of ManagedClusters, property ConfigMaps, mailbox namespaces |
//! | [`sync`] | revisions, WDS objects | WDS objects, ledgers |
//! | [`binding`] | WDS objects, ManagedClusters | Bindings |
//! | [`transport`] | Bindings, WDS objects, ManifestWorks | ManifestWorks |
//! | [`status`] | ManifestWorks, WorkStatuses, WDS objects | `.status` of WDS objects, policies, Units |
//! | [`report`] | all of the above | commits on the status ref |
//!
//! A wake-up of binding, transport and status costs what has changed, not what there is: each keeps what it has looked at, brings it up to date by what watches tell, and
//! looks again at what that concerns. [`bound`] does so for Bindings, [`holds`] for the progress of sources, [`effort`] counts. Controllers that talk to repositories, source
//! and report, have a loop per source (`loops`). [`world`] holds the two spaces and their mirrors, [`board`] what the controllers know of each other's progress, [`publish`] writes GitSource status: the one
//! place, because several controllers have a part in it. [`bases`], [`charts`] and [`helm`] do for `render` what it must not do itself. No controller writes before every watch it depends on has synced. Absent on purpose: any
//! connection to a cluster.

pub mod bases;
pub mod binding;
pub mod board;
mod bound;
pub mod charts;
pub mod declare;
pub mod effort;
pub mod helm;
mod holds;
pub mod install;
pub mod intents;
pub mod inventory;
pub mod kinds;
mod loops;
mod mirror;
mod permits;
pub mod publish;
pub mod report;
pub mod settings;
pub mod source;
pub mod status;
pub mod sync;
pub mod transport;
pub mod world;

use std::sync::Arc;

use tokio::task::JoinSet;

pub use bases::BaseMirrors;
pub use board::Board;
pub use charts::{ChartArchives, Hosts, LockWriter, Update};
pub use helm::HelmBinary;
pub use install::InstallError;
pub use settings::Settings;
pub use world::{Its, Wds, World};

/// Installs what the spaces lack, then runs every controller until shutdown.
///
/// # Errors
/// When a space cannot be reached, a CRD cannot be installed, or the WDS name is claimed by another hub.
pub async fn run(world: Arc<World>) -> Result<(), InstallError> {
    install::install(&world).await?;
    let mut controllers = JoinSet::new();
    // All controllers, in the order of the flow.
    controllers.spawn(kinds::run(Arc::clone(&world)));
    controllers.spawn(source::run(Arc::clone(&world)));
    controllers.spawn(inventory::run(Arc::clone(&world)));
    controllers.spawn(sync::run(Arc::clone(&world)));
    controllers.spawn(binding::run(Arc::clone(&world)));
    controllers.spawn(transport::run(Arc::clone(&world)));
    controllers.spawn(status::run(Arc::clone(&world)));
    controllers.spawn(report::run(Arc::clone(&world)));
    while let Some(ended) = controllers.join_next().await {
        if let Err(error) = ended {
            // A controller that panicked would leave the others working on stale progress: stop all; whoever runs us starts again.
            tracing::error!(%error, "a controller died; shutting down");
            world.shutdown.cancel();
        }
    }
    Ok(())
}
