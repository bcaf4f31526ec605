//! What a server serves.

use std::collections::BTreeMap;

use apimachinery::{GroupKind, GroupResource, GroupVersionKind, GroupVersionResource, Namespace, Plural};
use kube::discovery::{ApiCapabilities, ApiResource, Discovery, Scope};

use crate::{ApiError, Connection};

/// A kind with its plural and scope, in one version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Resource {
    /// Group, version, kind.
    pub gvk: GroupVersionKind,
    /// Lowercase plural.
    pub plural: Plural,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// A namespaced kind.
    pub fn namespaced(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self { gvk: GroupVersionKind::new(group, version, kind), plural: plural.into(), namespaced: true }
    }

    /// A cluster-scoped kind.
    pub fn cluster(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self { gvk: GroupVersionKind::new(group, version, kind), plural: plural.into(), namespaced: false }
    }

    /// Group and plural.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.gvk.group.clone(), plural: self.plural.clone() }
    }

    /// Group, version and plural.
    pub fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource {
            group: self.gvk.group.clone(),
            version: self.gvk.version.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Path of the collection, of all namespaces where `namespace` is `None`.
    pub(crate) fn collection_path(&self, namespace: Option<&Namespace>) -> String {
        let root = if self.gvk.group.is_empty() {
            format!("/api/{}", self.gvk.version)
        } else {
            format!("/apis/{}/{}", self.gvk.group, self.gvk.version)
        };
        match namespace {
            Some(namespace) if self.namespaced => format!("{root}/namespaces/{namespace}/{}", self.plural),
            _ => format!("{root}/{}", self.plural),
        }
    }

    pub(crate) fn to_kube(&self) -> ApiResource {
        ApiResource {
            group: self.gvk.group.to_string(),
            version: self.gvk.version.to_string(),
            api_version: self.gvk.api_version(),
            kind: self.gvk.kind.to_string(),
            plural: self.plural.to_string(),
        }
    }
}

/// One resource as discovery describes it.
#[derive(Clone, Debug)]
pub struct ServedResource {
    /// The resource in its preferred version.
    pub resource: Resource,
    /// `get`, `list`, `watch`, …
    pub verbs: Vec<String>,
    /// `status`, `scale`, …
    pub subresources: Vec<String>,
}

impl ServedResource {
    /// Whether a verb is supported.
    pub fn supports(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// Whether there is a subresource of this name.
    pub fn has_subresource(&self, name: &str) -> bool {
        self.subresources.iter().any(|s| s == name)
    }
}

/// What a server serves, each kind in its preferred version, sorted by group and plural.
#[derive(Clone, Debug, Default)]
pub struct Served {
    by_resource: BTreeMap<GroupResource, ServedResource>,
    by_kind: BTreeMap<GroupKind, GroupResource>,
}

impl Served {
    /// Asks the server; one or two requests by aggregated discovery.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn discover(connection: &Connection) -> Result<Self, ApiError> {
        let discovery = Discovery::new(connection.kube().clone())
            .run_aggregated()
            .await
            .map_err(|error| ApiError::from_kube("discovery", error))?;
        let mut served = Self::default();
        for group in discovery.groups() {
            for (resource, capabilities) in group.recommended_resources() {
                served.add(&resource, capabilities);
            }
        }
        Ok(served)
    }

    fn add(&mut self, resource: &ApiResource, capabilities: ApiCapabilities) {
        let resource = Resource {
            gvk: GroupVersionKind::new(&resource.group, &resource.version, &resource.kind),
            plural: resource.plural.as_str().into(),
            namespaced: capabilities.scope == Scope::Namespaced,
        };
        let key = resource.group_resource();
        self.by_kind.entry(resource.gvk.group_kind()).or_insert_with(|| key.clone());
        let subresources = capabilities.subresources.into_iter().map(|(sub, _)| sub.plural).collect();
        self.by_resource
            .insert(key, ServedResource { resource, verbs: capabilities.operations, subresources });
    }

    /// By group and plural.
    pub fn resource(&self, key: &GroupResource) -> Option<&ServedResource> {
        self.by_resource.get(key)
    }

    /// By group and kind.
    pub fn kind(&self, kind: &GroupKind) -> Option<&ServedResource> {
        self.by_kind.get(kind).and_then(|key| self.by_resource.get(key))
    }

    /// All, sorted.
    pub fn all(&self) -> impl Iterator<Item = &ServedResource> {
        self.by_resource.values()
    }
}
