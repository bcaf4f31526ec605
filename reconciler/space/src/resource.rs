//! What is served under one plural: a kind with its versions, schemas, subresources and columns. Built-in and custom kinds are the same type.

use std::sync::Arc;

use apimachinery::schema::Link;
use apimachinery::{Group, GroupKind, GroupResource, GroupVersionKind, Kind, Plural, Version};

/// One served resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The group, empty for core.
    pub group: Group,
    /// The lowercase plural.
    pub plural: Plural,
    /// The singular, as discovery tells it.
    pub singular: Box<str>,
    /// The kind.
    pub kind: Kind,
    /// The kind of a list of them.
    pub list_kind: Box<str>,
    /// `po`, `deploy`.
    pub short_names: Vec<Box<str>>,
    /// `all`.
    pub categories: Vec<Box<str>>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Where the definition comes from.
    pub origin: Origin,
    /// Versions in the order of preference; those that are not served are still needed to read old objects.
    pub versions: Vec<ServedVersion>,
    /// The version that objects are stored in.
    pub storage: Version,
}

/// Where the definition of a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in and stored.
    BuiltIn,
    /// Built in, answered on the spot and never stored (`subjectaccessreviews`); create is the only verb.
    Review,
    /// Defined by the CustomResourceDefinition of this name.
    Custom {
        /// `<plural>.<group>`.
        crd: Box<str>,
        /// Whether the definition is being deleted: then objects cannot be created.
        terminating: bool,
    },
}

/// One version of a resource.
#[derive(Clone, Debug)]
pub struct ServedVersion {
    /// The version.
    pub version: Version,
    /// Whether requests may use it.
    pub served: bool,
    /// The shape of its objects; `None` accepts any.
    pub schema: Option<Link>,
    /// Whether `/status` is a subresource.
    pub status: bool,
    /// Whether `/scale` is a subresource, and where it looks.
    pub scale: Option<ScalePaths>,
    /// Other subresources that exist: `eviction`, `binding`, `token`, `approval`, `finalize`, `ephemeralcontainers`, `resize`.
    pub subresources: Vec<Box<str>>,
    /// Extra printer columns; the columns of built-in kinds are known to [`crate::table`].
    pub columns: Vec<Column>,
    /// The `Warning` that each use of a deprecated version gets.
    pub deprecation: Option<Box<str>>,
    /// Paths (`spec.color`) that field selectors may name besides `metadata.name` and `metadata.namespace`.
    pub selectable_fields: Vec<Box<str>>,
}

/// Where the scale subresource finds its numbers, as dotted paths (`.spec.replicas`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// Wanted replicas.
    pub spec_replicas: Box<str>,
    /// Observed replicas.
    pub status_replicas: Box<str>,
    /// The selector as text or as a LabelSelector; none for some kinds.
    pub selector: Option<Box<str>>,
}

/// A printer column of a custom kind, `additionalPrinterColumns[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: Box<str>,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub value_type: Box<str>,
    /// The OpenAPI format.
    pub format: Box<str>,
    /// What it means.
    pub description: Box<str>,
    /// 0 is always shown, above it only with `-o wide`.
    pub priority: i32,
    /// kubectl's JSONPath, `.spec.replicas`.
    pub json_path: Box<str>,
}

impl Resource {
    /// Group and plural.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.group.clone(), plural: self.plural.clone() }
    }

    /// Group and kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }

    /// The kind in one version.
    pub fn gvk(&self, version: &Version) -> GroupVersionKind {
        GroupVersionKind { group: self.group.clone(), version: version.clone(), kind: self.kind.clone() }
    }

    /// A version that requests may use.
    pub fn served(&self, version: &str) -> Option<&ServedVersion> {
        self.versions.iter().find(|v| v.served && v.version == version)
    }

    /// Where its objects are stored: events are one resource under two groups.
    pub fn stored_as(&self) -> GroupResource {
        let own = self.group_resource();
        if own == GroupResource::new("events.k8s.io", "events") {
            GroupResource::new("", "events")
        } else {
            own
        }
    }

    /// The version that objects are stored in.
    pub fn stored_version(&self) -> Option<&ServedVersion> {
        self.versions.iter().find(|v| v.version == self.storage)
    }

    /// Whether a CustomResourceDefinition defines it.
    pub fn is_custom(&self) -> bool {
        matches!(self.origin, Origin::Custom { .. })
    }
}

/// A resource in one version: what a request is about.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The resource.
    pub resource: Arc<Resource>,
    /// The index of the version in [`Resource::versions`].
    version: usize,
}

impl Endpoint {
    /// `None` if the version is not served.
    pub fn new(resource: Arc<Resource>, version: &str) -> Option<Self> {
        let version = resource.versions.iter().position(|v| v.served && v.version == version)?;
        Some(Self { resource, version })
    }

    /// The same resource in the version of this index, served or not.
    pub(crate) fn in_version(&self, index: usize) -> Self {
        Self { resource: Arc::clone(&self.resource), version: index.min(self.resource.versions.len() - 1) }
    }

    /// The version.
    pub fn version(&self) -> &ServedVersion {
        // The index was found in this very list.
        &self.resource.versions[self.version]
    }

    /// Kind and version.
    pub fn gvk(&self) -> GroupVersionKind {
        self.resource.gvk(&self.version().version)
    }

    /// Kind and version in which objects are stored.
    pub fn stored_gvk(&self) -> GroupVersionKind {
        let resource = &self.resource;
        GroupVersionKind {
            group: resource.stored_as().group,
            version: resource.storage.clone(),
            kind: resource.kind.clone(),
        }
    }
}
