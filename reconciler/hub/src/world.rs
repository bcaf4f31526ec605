//! The two spaces a hub works on, and their mirrors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use apimachinery::kinds::KindTable;
use apimachinery::{Clock, GroupKind, GroupResource, GroupVersionKind, Name, Namespace, Object, ObjectId};
use plan::sync::Live;
use plan::{Cluster, ClusterName, Inventory};
use runtime::{Connection, Key, Mirror, Resource, Scope, Shutdown, Wake};
use serde_json::Value;

use crate::effort::Effort;
use crate::holds;
use crate::intents::Intents;
use crate::{Board, Settings};

/// Everything that controllers share.
pub struct World {
    /// The workload description space.
    pub wds: Wds,
    /// The inventory and transport space.
    pub its: Its,
    /// What controllers know of each other's progress.
    pub board: Board,
    /// Intents of WDS objects.
    pub intents: Intents,
    /// How far sources are, as it was last found.
    pub(crate) progress: holds::Memory,
    /// How much the controllers have looked at.
    pub effort: Effort,
    /// How to wake each of them.
    pub wakes: Wakes,
    /// What the hub was told at start.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ends every controller.
    pub shutdown: Shutdown,
    /// This hub's id: the UID of `gitstellar-system` in its WDS, known once installed.
    pub hub_id: Mutex<String>,
}

impl World {
    /// A world over two connections. Nothing is read or written yet.
    pub fn new(
        wds: Connection,
        its: Connection,
        settings: Settings,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
    ) -> Self {
        let wds = Wds::new(wds, shutdown.clone());
        let its = Its::new(its, shutdown.clone());
        Self {
            progress: holds::Memory::new(&wds, &its),
            wds,
            its,
            board: Board::default(),
            intents: Intents::default(),
            effort: Effort::default(),
            wakes: Wakes::default(),
            settings,
            clock,
            shutdown,
            hub_id: Mutex::default(),
        }
    }

    /// This hub's id.
    pub fn hub_id(&self) -> String {
        self.hub_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One wake-up per controller.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    /// Of [`crate::kinds`].
    pub kinds: Wake,
    /// Of [`crate::source`].
    pub source: Wake,
    /// Of [`crate::inventory`].
    pub inventory: Wake,
    /// Of [`crate::sync`].
    pub sync: Wake,
    /// Of [`crate::binding`].
    pub binding: Wake,
    /// Of [`crate::transport`].
    pub transport: Wake,
    /// Of [`crate::status`].
    pub status: Wake,
    /// Of [`crate::report`].
    pub report: Wake,
}

/// CRDs by uid and generation, which goes on whenever their specs change.
pub(crate) type Definitions = BTreeSet<(Option<Arc<str>>, Option<i64>)>;

/// The workload description space. Its mirror holds every kind that can be watched, with managedFields, each object in the version that it was asked for in: intents
/// are read from them.
pub struct Wds {
    /// The connection.
    pub connection: Connection,
    /// The mirror.
    pub mirror: Mirror,
    kinds: RwLock<Arc<KindTable>>,
    /// The CRDs that the kinds come from.
    definitions: Mutex<Definitions>,
    /// Held while the server is asked what it serves.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
}

impl Wds {
    fn new(connection: Connection, shutdown: Shutdown) -> Self {
        let scope = Scope { read_in: Some(plan::intent::version_to_read), ..Scope::default() };
        let mirror = Mirror::new(connection.clone(), scope, shutdown);
        Self {
            connection,
            mirror,
            kinds: RwLock::new(Arc::new(KindTable::built_in().clone())),
            definitions: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// The kinds that are known now: built-in ones and those of the CRDs that are there.
    pub fn kinds(&self) -> Arc<KindTable> {
        Arc::clone(&self.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the kinds that come from these CRDs. From the same ones come the same kinds, and readers who compare tables need not look at everything anew.
    pub(crate) fn set_kinds(&self, definitions: Definitions, kinds: KindTable) {
        let mut known = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == definitions {
            return;
        }
        *known = definitions;
        *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kinds);
    }

    /// The watched resource of a kind, in whichever version it is watched.
    pub fn resource_of(&self, kind: &GroupKind) -> Option<Resource> {
        let plural = self.kinds().preferred(kind)?.plural.clone();
        self.mirror.resource(&GroupResource { group: kind.group.clone(), plural })
    }

    /// The resource of a kind in the version an object is written in.
    pub fn resource_in(&self, gvk: &GroupVersionKind) -> Option<Resource> {
        let watched = self.resource_of(&gvk.group_kind())?;
        Some(Resource { gvk: gvk.clone(), ..watched })
    }

    /// An object of the mirror. What is not watched, or not listed yet, is unreadable, never absent.
    pub fn live(&self, id: &ObjectId) -> Live {
        let Some(resource) = self.resource_of(&id.group_kind()) else {
            return Live::Unreadable(format!("kind {} is not served", id.group_kind()));
        };
        if !self.mirror.is_synced(&resource.group_resource()) {
            return Live::Unreadable(format!("kind {} has not been listed yet", id.group_kind()));
        }
        self.mirror.get(&key(&resource, id)).map_or(Live::Absent, Live::Present)
    }

    /// An object of the mirror, if it is there.
    pub fn get(&self, id: &ObjectId) -> Option<Object> {
        match self.live(id) {
            Live::Present(object) => Some(object),
            Live::Absent | Live::Unreadable(_) => None,
        }
    }
}

fn key(resource: &Resource, id: &ObjectId) -> Key {
    Key { resource: resource.group_resource(), namespace: id.namespace.clone(), name: id.name.clone() }
}

/// The inventory and transport space.
pub struct Its {
    /// The connection.
    pub connection: Connection,
    /// The mirror of ManifestWorks and WorkStatuses, without managedFields.
    pub mirror: Mirror,
    /// The mirror of ManagedClusters, with managedFields: they tell which labels a source declared.
    pub clusters: Mirror,
    /// The mirror of namespace `customization-properties`.
    pub properties: Mirror,
}

/// The namespace of the ITS that holds one ConfigMap of properties per cluster.
pub const PROPERTIES_NAMESPACE: &str = "customization-properties";

impl Its {
    fn new(connection: Connection, shutdown: Shutdown) -> Self {
        let plain = Scope { drop_managed_fields: true, ..Scope::default() };
        let mirror = Mirror::new(connection.clone(), plain.clone(), shutdown.clone());
        let clusters = Mirror::new(connection.clone(), Scope::default(), shutdown.clone());
        let scope = Scope { namespace: Some(PROPERTIES_NAMESPACE.into()), ..plain };
        let properties = Mirror::new(connection.clone(), scope, shutdown);
        Self { connection, mirror, clusters, properties }
    }

    /// The ManagedClusters, by name, with labels, annotations and properties.
    pub fn inventory(&self) -> Inventory {
        let properties: BTreeMap<String, BTreeMap<String, String>> = self
            .properties
            .list(&resources::config_maps().group_resource())
            .into_iter()
            .map(|map| (map.header().name.to_string(), string_map(&map, "/data")))
            .collect();
        self.clusters
            .list(&resources::managed_clusters().group_resource())
            .into_iter()
            .filter(|cluster| !cluster.header().deleting)
            .map(|cluster| {
                let header = cluster.header();
                let properties = properties.get(header.name.as_str()).cloned().unwrap_or_default();
                let noun = Cluster {
                    labels: header.labels.as_ref().clone(),
                    annotations: header.annotations.as_ref().clone(),
                    properties,
                    origin: None,
                };
                (ClusterName::from(header.name.as_str()), noun)
            })
            .collect()
    }
}

fn string_map(object: &Object, pointer: &str) -> BTreeMap<String, String> {
    let value = object.to_value();
    let entries = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The resources that the flow itself is made of.
pub mod resources {
    use runtime::Resource;

    /// CustomResourceDefinition.
    pub fn crds() -> Resource {
        Resource::cluster(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
        )
    }
    /// Namespace.
    pub fn namespaces() -> Resource {
        Resource::cluster("", "v1", "Namespace", "namespaces")
    }
    /// ConfigMap.
    pub fn config_maps() -> Resource {
        Resource::namespaced("", "v1", "ConfigMap", "configmaps")
    }
    /// Secret.
    pub fn secrets() -> Resource {
        Resource::namespaced("", "v1", "Secret", "secrets")
    }
    /// Lease.
    pub fn leases() -> Resource {
        Resource::namespaced("coordination.k8s.io", "v1", "Lease", "leases")
    }
    /// GitSource.
    pub fn git_sources() -> Resource {
        Resource::cluster("gitstellar.io", "v1alpha1", "GitSource", "gitsources")
    }
    /// Unit.
    pub fn units() -> Resource {
        Resource::cluster("gitstellar.io", "v1alpha1", "Unit", "units")
    }
    /// BindingPolicy.
    pub fn policies() -> Resource {
        Resource::cluster("control.kubestellar.io", "v1alpha1", "BindingPolicy", "bindingpolicies")
    }
    /// Binding.
    pub fn bindings() -> Resource {
        Resource::cluster("control.kubestellar.io", "v1alpha1", "Binding", "bindings")
    }
    /// WorkStatus.
    pub fn work_statuses() -> Resource {
        Resource::namespaced("control.kubestellar.io", "v1alpha1", "WorkStatus", "workstatuses")
    }
    /// ManagedCluster.
    pub fn managed_clusters() -> Resource {
        Resource::cluster("cluster.open-cluster-management.io", "v1", "ManagedCluster", "managedclusters")
    }
    /// ManifestWork.
    pub fn manifest_works() -> Resource {
        Resource::namespaced("work.open-cluster-management.io", "v1", "ManifestWork", "manifestworks")
    }
}

/// A namespace as a typed name, for paths.
pub fn system_namespace() -> Namespace {
    Namespace::from(plan::names::SYSTEM_NAMESPACE)
}

/// A name from plain text, for paths.
pub fn name(text: &str) -> Name {
    Name::from(text)
}
