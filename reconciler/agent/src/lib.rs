//! The agent of one cluster: what stands in its mailbox is applied, kept, removed and reported. It speaks OCM's ManifestWork contract, so it serves a real hub as well.
//!
//! One controller, woken by the mailbox and by the cluster. Each pass goes work by work: observe ([`observe`]: the work, its AppliedManifestWork, the live objects),
//! decide ([`decide`]: pure), act ([`act`]: apply, remove), report ([`report`]: conditions of the work, one WorkStatus per object).
//!
//! | module | knows |
//! |---|---|
//! | [`cluster`] | the cluster: which kinds it serves, a mirror of those that works use |
//! | [`applied`] | AppliedManifestWork: what was applied for a work, owner of every applied object |
//! | [`decide`] | per manifest: apply, leave alone, or why not; per work: what goes |
//! | [`contention`] | how often an object is repaired before it is left to whoever changes it |
//! | [`report`] | conditions with observedGeneration, WorkStatus |
//!
//! Guarantees. Nothing is applied before the work bears the finalizer. An object is deleted only with its UID as precondition and only if no other
//! AppliedManifestWork owns it. One failing manifest stops none of the others. A pass that finds everything in place writes nothing, also after a restart.
//! Absent on purpose: git, rendering, policies, other mailboxes.

pub mod applied;
pub mod decide;
pub mod report;

mod act;
mod cluster;
mod contention;
mod feedback;
mod observe;

use std::sync::Arc;

use api::crds::{self, Role};
use apimachinery::{Clock, Name, Namespace, Object};
use runtime::{Again, ApiError, Connection, Mirror, Reason, Resource, Scope, Shutdown, Wake};

pub use cluster::Cluster;

/// What an agent is told at start.
pub struct Settings {
    /// Its cluster; also the name of its mailbox.
    pub cluster: plan::ClusterName,
    /// The space with the mailbox.
    pub its: Connection,
    /// The cluster.
    pub wec: Connection,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ends the agent.
    pub shutdown: Shutdown,
}

/// Why an agent cannot work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The hub has not prepared a mailbox.
    #[error(
        "there is no mailbox namespace {cluster} in {its} yet; is the ManagedCluster there and accepted?"
    )]
    NoMailbox {
        /// The cluster.
        cluster: plan::ClusterName,
        /// The space.
        its: String,
    },
    /// A server refuses or does not answer.
    #[error("the agent of cluster {cluster} cannot go on")]
    Api {
        /// The cluster.
        cluster: plan::ClusterName,
        /// Why.
        source: ApiError,
    },
}

/// The mailbox, and what the agent shares between passes.
pub(crate) struct Agent {
    pub(crate) settings: Settings,
    pub(crate) mailbox: Mirror,
    pub(crate) cluster: Cluster,
    pub(crate) seen: observe::Seen,
    pub(crate) repairs: contention::Repairs,
    pub(crate) wake: Wake,
}

/// Resources of the mailbox and of the contract.
pub(crate) mod resources {
    use runtime::Resource;

    pub(crate) fn manifest_works() -> Resource {
        Resource::namespaced("work.open-cluster-management.io", "v1", "ManifestWork", "manifestworks")
    }
    pub(crate) fn work_statuses() -> Resource {
        Resource::namespaced("control.kubestellar.io", "v1alpha1", "WorkStatus", "workstatuses")
    }
    pub(crate) fn applied_works() -> Resource {
        Resource::cluster(
            "work.open-cluster-management.io",
            "v1",
            "AppliedManifestWork",
            "appliedmanifestworks",
        )
    }
    pub(crate) fn crds() -> Resource {
        Resource::cluster(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        )
    }
    pub(crate) fn namespaces() -> Resource {
        Resource::cluster("", "v1", "Namespace", "namespaces")
    }
}

/// Field manager of what the agent itself needs.
pub(crate) const AGENT_MANAGER: &str = "gitstellar-agent";

/// Runs until shutdown. Waits, with a message, for what is missing at the start.
pub async fn run(settings: Settings) {
    let wake = Wake::new();
    let started: std::sync::Mutex<Option<Arc<Agent>>> = std::sync::Mutex::new(None);
    let (settings, started) = (&settings, &started);
    let wake_for_start = &wake;
    runtime::drive("agent", wake.clone(), settings.shutdown.clone(), || async move {
        let known = started.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let agent = match known {
            Some(agent) => agent,
            None => {
                let agent = Arc::new(start(settings, wake_for_start).await?);
                *started.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::clone(&agent));
                agent
            }
        };
        let cluster = &settings.cluster;
        act::pass(&agent).await.map_err(|source| AgentError::Api { cluster: cluster.clone(), source })
    })
    .await;
}

/// Finds the mailbox, installs the CRD that the cluster lacks, and waits until everything is listed.
async fn start(settings: &Settings, wake: &Wake) -> Result<Agent, AgentError> {
    let cluster_name = &settings.cluster;
    let failed = |source| AgentError::Api { cluster: cluster_name.clone(), source };
    let namespace = Name::from(cluster_name.as_str());
    let mailbox = settings.its.get(&resources::namespaces(), None, &namespace).await.map_err(failed)?;
    let Some(mailbox) = mailbox else {
        return Err(AgentError::NoMailbox {
            cluster: cluster_name.clone(),
            its: settings.its.name().to_owned(),
        });
    };
    install_crd(&settings.wec).await.map_err(failed)?;
    let hub_hash = applied::hub_hash(mailbox.header().uid.as_deref().unwrap_or_default());
    let scope = Scope {
        namespace: Some(Namespace::from(cluster_name.as_str())),
        drop_managed_fields: true,
        ..Scope::default()
    };
    let mirror = Mirror::new(settings.its.clone(), scope, settings.shutdown.clone());
    mirror.watch(&resources::manifest_works());
    mirror.watch(&resources::work_statuses());
    let cluster = Cluster::new(settings.wec.clone(), hub_hash, settings.shutdown.clone());
    cluster.mirror.watch(&resources::applied_works());
    cluster.mirror.watch(&resources::crds());
    cluster.refresh().await.map_err(failed)?;
    mirror.synced().await;
    cluster.mirror.synced().await;
    mirror.wake_on_change(&[], wake.clone());
    cluster.mirror.wake_on_change(&[], wake.clone());
    let settings = Settings {
        cluster: cluster_name.clone(),
        its: settings.its.clone(),
        wec: settings.wec.clone(),
        clock: Arc::clone(&settings.clock),
        shutdown: settings.shutdown.clone(),
    };
    Ok(Agent {
        settings,
        mailbox: mirror,
        cluster,
        seen: observe::Seen::default(),
        repairs: contention::Repairs::default(),
        wake: wake.clone(),
    })
}

async fn install_crd(wec: &Connection) -> Result<(), ApiError> {
    let resource: Resource = resources::crds();
    for crd in crds::needed_by(Role::Wec) {
        let Ok(object) = Object::from_value(&crd) else { continue };
        if wec.get(&resource, None, &object.header().name).await?.is_some() {
            continue;
        }
        match wec.create(&resource, &object, AGENT_MANAGER).await {
            Ok(_) => {
                tracing::info!(cluster = wec.name(), crd = %object.header().name, "installed a CRD that was missing");
            }
            Err(error) if error.reason == Reason::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// When something waits for the cluster rather than for a change.
pub(crate) const RETRY: Again = Again::After(std::time::Duration::from_secs(5));
