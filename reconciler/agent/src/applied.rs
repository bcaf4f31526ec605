//! AppliedManifestWork: what was applied for a work, and owner of every applied object.

use api::ocm::work::{
    APPLIED_WORK_FINALIZER, AppliedManifestWorkSpec, AppliedManifestWorkStatus, AppliedResource,
};
use apimachinery::{Digest, Name, Object, ObjectId};
use runtime::Resource;
use serde::Deserialize;
use serde_json::{Value, json};

/// Who an agent says it is.
const AGENT_ID: &str = "gitstellar";

/// What stands for the hub in names. OCM hashes the URL of the hub's API server; ours moves its port and its host name, so our agent hashes the UID of its
/// mailbox Namespace, which is as unique and stays.
pub fn hub_hash(mailbox_uid: &str) -> String {
    Digest::of(mailbox_uid.as_bytes()).to_string()
}

/// The name of the AppliedManifestWork of a work.
pub fn name(hub_hash: &str, work: &Name) -> Name {
    Name::from(format!("{hub_hash}-{work}"))
}

/// A new AppliedManifestWork. Labels are the work's, copied at creation only.
pub fn object(hub_hash: &str, work: &Object) -> Option<Object> {
    let spec = AppliedManifestWorkSpec {
        hub_hash: hub_hash.to_owned(),
        agent_id: AGENT_ID.to_owned(),
        manifest_work_name: work.header().name.to_string(),
    };
    let object = json!({
        "apiVersion": "work.open-cluster-management.io/v1",
        "kind": "AppliedManifestWork",
        "metadata": {
            "name": name(hub_hash, &work.header().name).as_str(),
            "labels": work.header().labels.as_ref(),
            "finalizers": [APPLIED_WORK_FINALIZER],
        },
        "spec": spec,
    });
    Object::from_value(&object).ok()
}

/// What an AppliedManifestWork lists.
pub fn resources(applied: &Object) -> Vec<AppliedResource> {
    status(applied).applied_resources
}

/// Its status; empty where it has none.
pub fn status(applied: &Object) -> AppliedManifestWorkStatus {
    applied
        .to_value()
        .get("status")
        .and_then(|s| AppliedManifestWorkStatus::deserialize(s).ok())
        .unwrap_or_default()
}

/// One entry of the list.
pub fn entry(resource: &Resource, live: &Object) -> AppliedResource {
    let header = live.header();
    AppliedResource {
        group: resource.gvk.group.to_string(),
        resource: resource.plural.to_string(),
        name: header.name.to_string(),
        namespace: header.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
        version: resource.gvk.version.to_string(),
        uid: header.uid.as_deref().unwrap_or_default().to_owned(),
    }
}

/// The identity of a listed object.
pub fn object_id(entry: &AppliedResource, resource: &Resource) -> ObjectId {
    let namespace = Some(entry.namespace.as_str()).filter(|n| !n.is_empty());
    ObjectId::new(&entry.group, resource.gvk.kind.as_str(), namespace, &entry.name)
}

/// The owner reference that applied objects bear.
pub fn owner_reference(applied: &Object) -> Value {
    json!({
        "apiVersion": "work.open-cluster-management.io/v1",
        "kind": "AppliedManifestWork",
        "name": applied.header().name.as_str(),
        "uid": applied.header().uid.as_deref().unwrap_or_default(),
    })
}

/// UIDs of all AppliedManifestWorks that own an object.
pub fn owners(live: &Object) -> Vec<String> {
    let value = live.to_value();
    let references = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    references
        .into_iter()
        .flatten()
        .filter(|owner| owner["kind"] == "AppliedManifestWork")
        .filter_map(|owner| owner["uid"].as_str().map(str::to_owned))
        .collect()
}
