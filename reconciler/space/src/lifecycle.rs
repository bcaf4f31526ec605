//! Namespaces: nothing is created in one that is absent or terminating; a terminating one is emptied; each has what a cluster's controllers put into it. Driven by
//! [`crate::controllers`]. Also what a fresh API server holds.
//!
//! Rules: the admission plugin NamespaceLifecycle, and the namespace, serviceaccount and root-ca-cert-publisher controllers of kube-controller-manager.

mod births;
mod content;
mod terminate;
mod tokens;

use std::sync::{Arc, LazyLock};

use apimachinery::GroupResource;
use serde_json::{Value, json};

use crate::space::{Place, Space};
use crate::status::{Answer, ApiError, Cause, Failure};
use crate::{gc, rbac};

pub(crate) use births::create;
pub(crate) use content::{ROOT_CA, SERVICE_ACCOUNT, furnish};
pub(crate) use terminate::terminate;
pub(crate) use tokens::{fill as fill_token, may_hold_tokens};

/// Where namespaces are stored.
pub(crate) static NAMESPACES: LazyLock<GroupResource> =
    LazyLock::new(|| GroupResource::new("", "namespaces"));

/// The namespaces that every cluster has.
const ALWAYS: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Those that cannot be deleted, as upstream.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

fn place(name: &str) -> Place {
    Place::new(NAMESPACES.clone(), None, name)
}

/// Admission of a create in a namespace (NamespaceLifecycle).
///
/// # Errors
/// 404 for an absent namespace, 403 with cause `NamespaceTerminating` for a terminating one.
pub(crate) fn admit_create(
    space: &Space,
    resource: &GroupResource,
    namespace: &str,
    name: &str,
) -> Answer<()> {
    let Some(found) = space.get(&place(namespace)) else {
        return Err(ApiError::not_found(&NAMESPACES, namespace));
    };
    if !found.object.header().deleting {
        return Ok(());
    }
    let detail =
        format!("unable to create new content in namespace {namespace} because it is being terminated");
    let refused = ApiError::forbidden(resource, name, &detail);
    let cause = Cause::other(
        "NamespaceTerminating",
        "metadata.namespace",
        format!("namespace {namespace} is being terminated"),
    );
    Err(ApiError::new(Failure { causes: vec![cause], ..refused.failure().clone() }))
}

/// Admission of the deletion of a namespace.
///
/// # Errors
/// 403 for those that a cluster cannot be without.
pub(crate) fn admit_delete(name: &str) -> Answer<()> {
    if IMMORTAL.contains(&name) {
        return Err(ApiError::forbidden(&NAMESPACES, name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// Whether a namespace is there and being deleted.
pub(crate) fn is_terminating(space: &Space, namespace: &str) -> bool {
    space.get(&place(namespace)).is_some_and(|found| found.object.header().deleting)
}

/// Makes what a fresh API server holds, as far as it is absent: namespaces with their content, roles, priority classes.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn bootstrap(space: &Arc<Space>) -> Answer<()> {
    let namespaces =
        ALWAYS.map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let mut objects: Vec<Value> = namespaces.to_vec();
    objects.extend(rbac::bootstrap_objects());
    objects.extend(PRIORITIES.iter().map(|(name, value, what)| {
        json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": name, "generation": 1},
            "value": value, "description": what,
        })
    }));
    let mut writes = gc::Writes::new();
    for object in objects {
        writes.add(create(space, object));
    }
    writes.done().await?;
    for namespace in ALWAYS {
        furnish(space, namespace).await?;
    }
    Ok(())
}

/// Pods of the system may name these classes.
const PRIORITIES: [(&str, i64, &str); 2] = [
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];
