//! What the spaces must have before controllers start: CRDs, namespaces, and the claim on the WDS name.

use std::sync::PoisonError;
use std::time::Duration;

use api::crds::{self, Role};
use apimachinery::Object;
use runtime::{ApiError, Connection, Manager, Reason, Resource, Target};
use serde_json::{Value, json};

use crate::kinds;
use crate::world::{PROPERTIES_NAMESPACE, World, name, resources, system_namespace};

/// Why a hub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A space refuses or does not answer.
    #[error("cannot prepare {space}")]
    Api {
        /// Which space.
        space: String,
        /// Why.
        source: Box<ApiError>,
    },
    /// A CRD was created but is not served in time.
    #[error("{space} does not establish the CRD {crd}; look at its conditions with kubectl describe crd")]
    NotEstablished {
        /// Which space.
        space: String,
        /// Which CRD.
        crd: String,
    },
    /// Another hub works for a WDS of this name.
    #[error(
        "the WDS name {wds} in {space} is claimed by the hub {holder}; choose another name, or start with --take-over if that hub is gone for good"
    )]
    Claimed {
        /// The name.
        wds: String,
        /// Which ITS.
        space: String,
        /// The other hub's id.
        holder: String,
    },
}

/// Field manager of what the hub itself needs.
pub const HUB_MANAGER: &str = "gitstellar-hub";

const ESTABLISH_TIMEOUT: Duration = Duration::from_secs(30);
const ESTABLISH_POLL: Duration = Duration::from_millis(50);

/// Prepares both spaces and starts the mirrors; returns once everything is listed.
pub(crate) async fn install(world: &World) -> Result<(), InstallError> {
    let (wds, its) = (&world.wds.connection, &world.its.connection);
    install_crds(wds, Role::Wds).await?;
    install_crds(its, Role::Its).await?;
    ensure_namespace(its, PROPERTIES_NAMESPACE).await?;
    ensure_namespace(its, plan::names::SYSTEM_NAMESPACE).await?;
    let system = ensure_namespace(wds, plan::names::SYSTEM_NAMESPACE).await?;
    let id = system.header().uid.as_deref().unwrap_or_default().to_owned();
    claim(world, &id).await?;
    *world.hub_id.lock().unwrap_or_else(PoisonError::into_inner) = id;
    world.its.mirror.watch(&resources::manifest_works());
    world.its.mirror.watch(&resources::work_statuses());
    world.its.clusters.watch(&resources::managed_clusters());
    world.its.properties.watch(&resources::config_maps());
    world.wds.mirror.watch(&resources::crds());
    world.wds.mirror.synced().await;
    kinds::refresh(world)
        .await
        .map_err(|source| InstallError::Api { space: wds.name().to_owned(), source: Box::new(source) })?;
    world.wds.mirror.synced().await;
    world.its.mirror.synced().await;
    world.its.clusters.synced().await;
    world.its.properties.synced().await;
    Ok(())
}

/// Creates the CRDs that a space of this role lacks. One that is there stays as it is: it may be KubeStellar's or OCM's own.
///
/// # Errors
/// When the space refuses or does not establish one in time.
pub async fn install_crds(connection: &Connection, role: Role) -> Result<(), InstallError> {
    let failed = |source| InstallError::Api { space: connection.name().to_owned(), source: Box::new(source) };
    let resource = resources::crds();
    let mut created = Vec::new();
    for crd in crds::needed_by(role) {
        let crd_name = name(&crds::name(&crd));
        if connection.get(&resource, None, &crd_name).await.map_err(failed)?.is_some() {
            continue;
        }
        // The definition is generated and has an identity.
        let Ok(object) = Object::from_value(&crd) else { continue };
        match connection.create(&resource, &object, HUB_MANAGER).await {
            Ok(_) => {
                tracing::info!(space = connection.name(), crd = %crd_name, "installed a CRD that was missing");
            }
            Err(error) if error.reason == Reason::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        created.push(crd_name);
    }
    for crd in created {
        wait_established(connection, &resource, &crd).await?;
    }
    Ok(())
}

async fn wait_established(
    connection: &Connection,
    resource: &Resource,
    crd: &apimachinery::Name,
) -> Result<(), InstallError> {
    let poll = async {
        loop {
            let found = connection.get(resource, None, crd).await;
            if let Ok(Some(found)) = &found
                && is_established(&found.to_value())
            {
                return;
            }
            tokio::time::sleep(ESTABLISH_POLL).await;
        }
    };
    tokio::time::timeout(ESTABLISH_TIMEOUT, poll).await.map_err(|_| InstallError::NotEstablished {
        space: connection.name().to_owned(),
        crd: crd.to_string(),
    })
}

fn is_established(crd: &Value) -> bool {
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True")
    })
}

/// Creates a namespace where it is missing; returns it.
///
/// # Errors
/// When the space refuses.
pub async fn ensure_namespace(connection: &Connection, namespace: &str) -> Result<Object, InstallError> {
    let failed = |source| InstallError::Api { space: connection.name().to_owned(), source: Box::new(source) };
    let resource = resources::namespaces();
    let wanted = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    if let Some(found) = connection.get(&resource, None, &name(namespace)).await.map_err(failed)? {
        return Ok(found);
    }
    let manager = Manager { name: HUB_MANAGER, force: false };
    match Object::from_value(&wanted) {
        Ok(object) => connection.apply(&resource, &object, manager).await.map_err(failed),
        Err(error) => unreachable_object(connection, &error.to_string()),
    }
}

/// A literal object always has an identity; should that ever fail, it is reported like any refusal.
fn unreachable_object(connection: &Connection, message: &str) -> Result<Object, InstallError> {
    let source = ApiError::untold("build an object", connection, Reason::Invalid, message);
    Err(InstallError::Api { space: connection.name().to_owned(), source: Box::new(source) })
}

/// Claims the WDS name by a Lease in the ITS, so that two hubs never write works under one name.
async fn claim(world: &World, id: &str) -> Result<(), InstallError> {
    let its = &world.its.connection;
    let failed = |source| InstallError::Api { space: its.name().to_owned(), source: Box::new(source) };
    let lease_name = name(&format!("wds-{}", world.settings.wds));
    let (resource, namespace) = (resources::leases(), system_namespace());
    let found = its.get(&resource, Some(&namespace), &lease_name).await.map_err(failed)?;
    let holder = found.and_then(|lease| {
        lease.to_value().pointer("/spec/holderIdentity").and_then(Value::as_str).map(str::to_owned)
    });
    match holder {
        Some(holder) if holder == id => return Ok(()),
        Some(holder) if !holder.is_empty() && !world.settings.take_over => {
            let (wds, space) = (world.settings.wds.to_string(), its.name().to_owned());
            return Err(InstallError::Claimed { wds, space, holder });
        }
        Some(_) => {
            let patch = json!({ "spec": { "holderIdentity": id } });
            let target = Target {
                resource: &resource,
                namespace: Some(&namespace),
                name: &lease_name,
                subresource: "",
            };
            its.merge(target, &patch, HUB_MANAGER).await.map_err(failed)?;
        }
        None => {
            let lease = json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": { "name": lease_name.as_str(), "namespace": namespace.as_str() },
                "spec": { "holderIdentity": id },
            });
            match Object::from_value(&lease) {
                Ok(lease) => its.create(&resource, &lease, HUB_MANAGER).await.map_err(failed)?,
                Err(error) => unreachable_object(its, &error.to_string())?,
            };
        }
    }
    Ok(())
}
