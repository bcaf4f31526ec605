//! The kinds that are looked at, each in the version it is spoken to in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apimachinery::{GroupResource, Namespace, Object};
use runtime::{Key, Resource};

/// A kind of Kubernetes' own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Kind {
    ConfigMap,
    ControllerRevision,
    CronJob,
    DaemonSet,
    Deployment,
    EndpointSlice,
    Endpoints,
    Event,
    HorizontalPodAutoscaler,
    Ingress,
    Job,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    ReplicationController,
    Secret,
    Service,
    StatefulSet,
    StorageClass,
}

/// Group, version, kind, plural, whether namespaced.
type Row = (Kind, &'static str, &'static str, &'static str, &'static str, bool);

const ROWS: [Row; 22] = [
    (Kind::ConfigMap, "", "v1", "ConfigMap", "configmaps", true),
    (Kind::ControllerRevision, "apps", "v1", "ControllerRevision", "controllerrevisions", true),
    (Kind::CronJob, "batch", "v1", "CronJob", "cronjobs", true),
    (Kind::DaemonSet, "apps", "v1", "DaemonSet", "daemonsets", true),
    (Kind::Deployment, "apps", "v1", "Deployment", "deployments", true),
    (Kind::EndpointSlice, "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true),
    (Kind::Endpoints, "", "v1", "Endpoints", "endpoints", true),
    (Kind::Event, "", "v1", "Event", "events", true),
    (
        Kind::HorizontalPodAutoscaler,
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
    ),
    (Kind::Ingress, "networking.k8s.io", "v1", "Ingress", "ingresses", true),
    (Kind::Job, "batch", "v1", "Job", "jobs", true),
    (Kind::Node, "", "v1", "Node", "nodes", false),
    (Kind::PersistentVolume, "", "v1", "PersistentVolume", "persistentvolumes", false),
    (Kind::PersistentVolumeClaim, "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    (Kind::Pod, "", "v1", "Pod", "pods", true),
    (Kind::PodDisruptionBudget, "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    (Kind::ReplicaSet, "apps", "v1", "ReplicaSet", "replicasets", true),
    (Kind::ReplicationController, "", "v1", "ReplicationController", "replicationcontrollers", true),
    (Kind::Secret, "", "v1", "Secret", "secrets", true),
    (Kind::Service, "", "v1", "Service", "services", true),
    (Kind::StatefulSet, "apps", "v1", "StatefulSet", "statefulsets", true),
    (Kind::StorageClass, "storage.k8s.io", "v1", "StorageClass", "storageclasses", false),
];

static RESOURCES: LazyLock<BTreeMap<Kind, Resource>> = LazyLock::new(|| {
    let resource = |(kind, group, version, name, plural, namespaced): &Row| {
        let make = if *namespaced { Resource::namespaced } else { Resource::cluster };
        (*kind, make(group, version, name, plural))
    };
    ROWS.iter().map(resource).collect()
});

static KINDS: LazyLock<BTreeMap<GroupResource, Kind>> =
    LazyLock::new(|| RESOURCES.iter().map(|(kind, resource)| (resource.group_resource(), *kind)).collect());

impl Kind {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.0)
    }

    /// Where its objects are served. Every kind has a row, as a test knows.
    pub(crate) fn resource(self) -> &'static Resource {
        &RESOURCES[&self]
    }

    /// `ReplicaSet`.
    pub(crate) fn name(self) -> &'static str {
        self.resource().gvk.kind.as_str()
    }

    /// The kind of an object, if it is one of ours, whatever its version.
    pub(crate) fn of(object: &Object) -> Option<Self> {
        let gvk = &object.header().gvk;
        Self::named(gvk.group.as_str(), gvk.kind.as_str())
    }

    /// By group and kind.
    pub(crate) fn named(group: &str, kind: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.1 == group && row.3 == kind).map(|row| row.0)
    }
}

/// Which object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Id {
    pub kind: Kind,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub name: String,
}

impl Id {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// From a mirror's key; `None` for kinds that are not looked at.
    pub(crate) fn of_key(key: &Key) -> Option<Self> {
        let kind = *KINDS.get(&key.resource)?;
        Some(Self::new(kind, key.namespace.as_ref().map_or("", Namespace::as_str), key.name.as_str()))
    }

    /// For a mirror.
    pub(crate) fn key(&self) -> Key {
        Key {
            resource: self.kind.resource().group_resource(),
            namespace: namespace(&self.namespace),
            name: self.name.as_str().into(),
        }
    }
}

impl std::fmt::Display for Id {
    /// `Deployment shop/cart`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.kind.name(), self.namespace, self.name)
    }
}

/// An empty namespace is none.
pub(crate) fn namespace(text: &str) -> Option<Namespace> {
    (!text.is_empty()).then(|| Namespace::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_a_built_in_one_as_its_row_says() {
        let table = apimachinery::kinds::KindTable::built_in();
        for kind in Kind::all() {
            let resource = kind.resource();
            let known = table.resource(&resource.gvr()).unwrap();
            assert_eq!((&known.gvk, known.is_namespaced()), (&resource.gvk, resource.namespaced), "{kind:?}");
            assert_eq!(Kind::named(resource.gvk.group.as_str(), kind.name()), Some(kind));
        }
    }
}
