//! What sources declare of clusters, written to the ITS: labels and annotations of ManagedClusters that exist, and property ConfigMaps. A file that goes
//! takes our fields with it, never the ManagedCluster. Without registration, the mailbox of an accepted cluster is prepared here, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::{Namespace, Object, ObjectId};
use plan::{Allow, Cluster, ClusterName, Inventory, SourceName};
use runtime::{Again, ApiError, DeleteOptions, Manager, Resource, Target};
use serde_json::{Value, json};

use crate::board::{Revision, SyncFailure};
use crate::install::HUB_MANAGER;
use crate::world::{PROPERTIES_NAMESPACE, World, resources};
use crate::{publish, source};

/// Label of a property ConfigMap: the source that declares it.
pub const SOURCE_LABEL: &str = "gitstellar.io/source";
/// Group of a cluster's agent, as OCM names it.
pub const AGENT_GROUP_PREFIX: &str = "system:open-cluster-management:";
const AGENT_ROLE: &str = "gitstellar-agent";

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    // Its limits say of which clusters a source may speak.
    world.wds.mirror.wake_on_change(&[resources::git_sources()], world.wakes.inventory.clone());
    world.its.clusters.wake_on_change(&[], world.wakes.inventory.clone());
    world.its.properties.wake_on_change(&[], world.wakes.inventory.clone());
    let prepared: Mutex<BTreeSet<ClusterName>> = Mutex::default();
    let (world, prepared) = (&world, &prepared);
    runtime::drive("inventory", world.wakes.inventory.clone(), world.shutdown.clone(), || async move {
        let outcome = pass(world, prepared).await;
        // Whoever selects by labels, or keeps something until labels are written, looks again; also when one cluster could not be written.
        world.wakes.binding.wake();
        world.wakes.transport.wake();
        outcome.map(|()| Again::WhenWoken)
    })
    .await;
}

/// One cluster that cannot be written stops none of the others; the first failure is returned at the end.
async fn pass(world: &Arc<World>, prepared: &Mutex<BTreeSet<ClusterName>>) -> Result<(), ApiError> {
    let stored = world.its.clusters.list(&resources::managed_clusters().group_resource());
    let joined: Arc<BTreeSet<_>> =
        Arc::new(stored.iter().map(|c| ClusterName::from(c.header().name.as_str())).collect());
    let mut outcome = prepare_mailboxes(world, &stored, prepared).await;
    for (source, board) in world.board.sources() {
        let Some(revision) = board.revision else { continue };
        let allow = source::spec(world, &source).map(|spec| spec.allow).unwrap_or_default();
        let (clusters, refused) = allowed(&source, &revision.declaration.clusters, &allow);
        let mut failed = write_labels(world, (&source, &revision), (&clusters, &allow), &stored).await;
        failed.extend(write_properties(world, &source, (&clusters, &allow)).await);
        let failures: Vec<_> = failed.iter().map(|failed| failed.in_words(&clusters)).collect();
        let told = world.board.update(&source, |board| {
            board.inventoried = Some((revision.commit.clone(), Arc::clone(&joined)));
            let refused = std::mem::replace(&mut board.refused_clusters, refused.clone());
            (refused, std::mem::replace(&mut board.unwritten_clusters, failures.clone()))
        });
        outcome = failed.into_iter().fold(outcome, |outcome, failed| outcome.and(Err(failed.error)));
        if told != (refused, failures) {
            outcome = outcome.and(publish::source_status(world, &source).await);
        }
    }
    outcome
}

/// A cluster whose labels or properties could not be written.
struct Unwritten {
    cluster: ClusterName,
    error: ApiError,
}

impl Unwritten {
    fn in_words(&self, declared: &Inventory) -> SyncFailure {
        let origin = declared.get(&self.cluster).and_then(|cluster| cluster.origin.as_ref());
        SyncFailure {
            object: managed_cluster(&self.cluster),
            origin: origin.map(ToString::to_string),
            message: self.error.to_string(),
        }
    }
}

fn managed_cluster(name: &ClusterName) -> ObjectId {
    ObjectId::new("cluster.open-cluster-management.io", "ManagedCluster", None, name.as_str())
}

async fn write_labels(
    world: &World,
    (source, revision): (&SourceName, &Revision),
    (declared, allow): (&Inventory, &Allow),
    stored: &[Object],
) -> Vec<Unwritten> {
    let (resource, manager) = (resources::managed_clusters(), source.field_manager());
    let mut failed = Vec::new();
    for cluster in stored {
        let name = ClusterName::from(cluster.header().name.as_str());
        let wanted = declared.get(&name);
        // It may stand in a file that cannot be read.
        let unknown = wanted.is_none() && revision.incomplete.clusters;
        if unknown || !allow.admits_cluster(&name) {
            continue;
        }
        let Some(change) = label_change(source, cluster, wanted) else { continue };
        match world.its.connection.apply(&resource, &change, Manager { name: &manager, force: true }).await {
            Ok(written) => world.its.clusters.note(&resource.group_resource(), written),
            Err(error) => failed.push(Unwritten { cluster: name, error }),
        }
    }
    failed
}

/// What a source may say of clusters, and what it says beyond that.
fn allowed(source: &SourceName, declared: &Inventory, allow: &Allow) -> (Inventory, Vec<SyncFailure>) {
    let (allowed, refused): (Inventory, Inventory) =
        declared.clone().into_iter().partition(|(name, _)| allow.admits_cluster(name));
    let failure = |(name, cluster): (ClusterName, Cluster)| SyncFailure {
        object: managed_cluster(&name),
        origin: cluster.origin.map(|origin| origin.to_string()),
        message: format!(
            "GitSource {source} does not allow the cluster {name} (spec.allow.clusters); its labels and properties stay as they are"
        ),
    };
    (allowed, refused.into_iter().map(failure).collect())
}

/// What a source must apply to a ManagedCluster; `None` when it owns exactly what it declares.
fn label_change(source: &SourceName, stored: &Object, declared: Option<&Cluster>) -> Option<Object> {
    let value = stored.to_value();
    let empty = Cluster::default();
    let wanted = declared.unwrap_or(&empty);
    let owned = owned_keys(&value, &source.field_manager());
    let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
    let holds = |stored: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| {
        wanted.iter().all(|(key, value)| stored.get(key) == Some(value))
    };
    let same = owned == (keys(&wanted.labels), keys(&wanted.annotations))
        && holds(&stored.header().labels, &wanted.labels)
        && holds(&stored.header().annotations, &wanted.annotations);
    if same {
        return None;
    }
    let object = json!({
        "apiVersion": "cluster.open-cluster-management.io/v1",
        "kind": "ManagedCluster",
        "metadata": { "name": stored.header().name.as_str(), "labels": wanted.labels, "annotations": wanted.annotations },
    });
    Object::from_value(&object).ok()
}

/// Keys of labels and annotations that a manager applied.
fn owned_keys(object: &Value, manager: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let ours = entries.into_iter().flatten().find(|e| e["manager"] == manager && e["operation"] == "Apply");
    let keys = |field: &str| {
        let fields =
            ours.and_then(|e| e.pointer(&format!("/fieldsV1/f:metadata/{field}"))).and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .filter_map(|(key, _)| key.strip_prefix("f:").map(str::to_owned))
            .collect()
    };
    (keys("f:labels"), keys("f:annotations"))
}

async fn write_properties(
    world: &World,
    source: &SourceName,
    (declared, allow): (&Inventory, &Allow),
) -> Vec<Unwritten> {
    let (resource, manager) = (resources::config_maps(), source.field_manager());
    let namespace = Namespace::from(PROPERTIES_NAMESPACE);
    let mut failed = Vec::new();
    let stored = world.its.properties.list(&resource.group_resource());
    for (cluster, noun) in declared.iter().filter(|(_, noun)| !noun.properties.is_empty()) {
        let wanted = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": cluster.as_str(), "namespace": PROPERTIES_NAMESPACE, "labels": { SOURCE_LABEL: source.as_str() } },
            "data": noun.properties,
        });
        let found = stored.iter().find(|map| map.header().name.as_str() == cluster.as_str());
        let same = found.is_some_and(|map| map.to_value()["data"] == wanted["data"] && is_ours(map, source));
        if let (false, Ok(wanted)) = (same, Object::from_value(&wanted)) {
            let manager = Manager { name: &manager, force: true };
            match world.its.connection.apply(&resource, &wanted, manager).await {
                Ok(written) => world.its.properties.note(&resource.group_resource(), written),
                Err(error) => failed.push(Unwritten { cluster: cluster.clone(), error }),
            }
        }
    }
    let gone = |map: &&Object| {
        let name = ClusterName::from(map.header().name.as_str());
        let declared = declared.get(&name);
        is_ours(map, source)
            && allow.admits_cluster(&name)
            && declared.is_none_or(|noun| noun.properties.is_empty())
    };
    for map in stored.iter().filter(gone) {
        let target = Target {
            resource: &resource,
            namespace: Some(&namespace),
            name: &map.header().name,
            subresource: "",
        };
        let options =
            DeleteOptions { uid: map.header().uid.as_deref().map(str::to_owned), ..DeleteOptions::default() };
        if let Err(error) = world.its.connection.delete(target, &options).await {
            failed.push(Unwritten { cluster: ClusterName::from(map.header().name.as_str()), error });
        }
    }
    failed
}

fn is_ours(map: &Object, source: &SourceName) -> bool {
    map.header().label(SOURCE_LABEL) == Some(source.as_str())
}

/// Creates mailbox namespace and agent rights of accepted clusters, once per process and cluster.
async fn prepare_mailboxes(
    world: &World,
    stored: &[Object],
    prepared: &Mutex<BTreeSet<ClusterName>>,
) -> Result<(), ApiError> {
    for cluster in stored {
        let name = ClusterName::from(cluster.header().name.as_str());
        let accepted = cluster.to_value().pointer("/spec/hubAcceptsClient") == Some(&json!(true));
        let known = prepared.lock().unwrap_or_else(PoisonError::into_inner).contains(&name);
        if !accepted || known || cluster.header().deleting {
            continue;
        }
        for (resource, wanted) in mailbox_objects(&name) {
            create_missing(world, &resource, &wanted).await?;
        }
        prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        world.wakes.transport.wake();
    }
    Ok(())
}

async fn create_missing(world: &World, resource: &Resource, wanted: &Object) -> Result<(), ApiError> {
    let its = &world.its.connection;
    let header = wanted.header();
    if its.get(resource, header.namespace.as_ref(), &header.name).await?.is_none() {
        its.apply(resource, wanted, Manager { name: HUB_MANAGER, force: false }).await?;
    }
    Ok(())
}

/// The mailbox namespace, and a role there for the agent of that cluster alone.
fn mailbox_objects(cluster: &ClusterName) -> Vec<(Resource, Object)> {
    let metadata = json!({ "name": AGENT_ROLE, "namespace": cluster.as_str() });
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let read = ["get", "list", "watch"];
    let write = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let rules = [
        rule(
            "work.open-cluster-management.io",
            &["manifestworks"],
            &["get", "list", "watch", "update", "patch"],
        ),
        rule(
            "work.open-cluster-management.io",
            &["manifestworks/status", "manifestworks/finalizers"],
            &["get", "update", "patch"],
        ),
        rule("control.kubestellar.io", &["workstatuses", "workstatuses/status"], &write),
        rule("coordination.k8s.io", &["leases"], &["get", "create", "update", "patch"]),
        rule("", &["events"], &["create", "patch"]),
        rule("", &["namespaces"], &read),
    ];
    let subject = json!({ "kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": format!("{AGENT_GROUP_PREFIX}{cluster}") });
    let role = Resource::namespaced("rbac.authorization.k8s.io", "v1", "Role", "roles");
    let binding = Resource::namespaced("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings");
    let objects = [
        (
            resources::namespaces(),
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": cluster.as_str() } }),
        ),
        (
            role,
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules }),
        ),
        (
            binding,
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": AGENT_ROLE },
                "subjects": [subject],
            }),
        ),
    ];
    objects
        .into_iter()
        .filter_map(|(resource, value)| Some((resource, Object::from_value(&value).ok()?)))
        .collect()
}
