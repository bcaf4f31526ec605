//! What each namespace holds without being asked: the service account `default` and the certificate authority of the server.

use std::sync::Arc;

use apimachinery::GroupResource;
use serde_json::{Value, json};

use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;

use super::create;

/// The service account of Pods that name none.
pub(crate) const SERVICE_ACCOUNT: &str = "default";
/// The ConfigMap with the certificate authority.
pub(crate) const ROOT_CA: &str = "kube-root-ca.crt";

const ABOUT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or \
                     kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Puts into a namespace what belongs there, if the namespace is there and not being deleted.
///
/// # Errors
/// A store that cannot write.
pub(crate) async fn furnish(space: &Arc<Space>, namespace: &str) -> Answer<()> {
    if space.get(&super::place(namespace)).is_none() || super::is_terminating(space, namespace) {
        return Ok(());
    }
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SERVICE_ACCOUNT, "namespace": namespace},
    });
    create(space, account).await?;
    let data = json!({"ca.crt": &*space.host().ca_pem});
    let authority = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": ROOT_CA, "namespace": namespace, "annotations": {"kubernetes.io/description": ABOUT}},
    });
    create(space, authority).await?;
    let place = Place::new(GroupResource::new("", "configmaps"), Some(namespace), ROOT_CA);
    space.change(&place, |stored| Ok(restored(stored, &data))).await.map(drop)
}

/// The ConfigMap with its data as they should be: others must not make clients trust another authority.
fn restored(stored: Option<&Stored>, data: &Value) -> Next {
    let Some(stored) = stored else { return Next::Keep };
    let mut object = stored.object.to_value();
    if object["data"] == *data {
        return Next::Keep;
    }
    object["data"] = data.clone();
    Next::Put(object)
}
