//! Which kinds there are: names, scopes, versions and schemas, of built-in kinds from the committed table of facts, of custom kinds from their CRDs.
//!
//! A [`KindTable`] answers by group, version and kind, by resource, and by the names that people type. The built-in part is shared and parsed once; a
//! table with CRDs is layered over it, and is a value: two sources of facts (a repository, a cluster) are two tables.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::schema::{Link, Schema};
use crate::{
    Group, GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource, Kind, Plural,
    Version, facts,
};

pub mod custom;
mod version;

pub use custom::{CrdError, CustomKind, CustomVersion};
pub use version::version_priority;

/// Whether objects of a kind live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One name space for the whole API server.
    Cluster,
    /// One name space per namespace.
    Namespaced,
}

/// A resource in one version: what discovery says of it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Group, version and kind of its objects.
    pub gvk: GroupVersionKind,
    /// The lowercase plural that stands in paths.
    pub plural: Plural,
    /// The lowercase singular.
    pub singular: Box<str>,
    /// The kind of its lists.
    pub list_kind: Kind,
    /// Whether objects live in namespaces.
    pub scope: Scope,
    /// `deploy`, `svc`.
    pub short_names: Vec<Box<str>>,
    /// `all`.
    pub categories: Vec<Box<str>>,
    /// `create`, `delete`, `deletecollection`, `get`, `list`, `patch`, `update`, `watch`, as far as served. Sorted.
    pub verbs: Vec<Box<str>>,
    /// `status`, `scale` and others, sorted by name.
    pub subresources: Vec<Subresource>,
    /// Whether it comes from a CRD.
    pub custom: bool,
    /// The schema; `None` for a CRD without one.
    pub schema: Option<Link>,
}

/// A subresource: a second way to write a part of an object, or an action on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// `status`.
    pub name: Box<str>,
    /// The kind it takes and gives; `autoscaling/v1, Kind=Scale` for `scale`.
    pub gvk: GroupVersionKind,
    /// As for resources.
    pub verbs: Vec<Box<str>>,
}

impl Resource {
    /// Group, version and plural.
    pub fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource {
            group: self.gvk.group.clone(),
            version: self.gvk.version.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Group and plural.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.gvk.group.clone(), plural: self.plural.clone() }
    }

    /// Whether objects live in namespaces.
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// Whether the verb is served.
    pub fn serves(&self, verb: &str) -> bool {
        self.verbs.iter().any(|served| &**served == verb)
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| &*subresource.name == name)
    }

    /// Whether a Kubernetes API server serves the version unless told otherwise: stable ones, and what a CRD declares.
    /// Source: `DefaultAPIResourceConfigSource`, which enables no alpha or beta version.
    pub fn served_by_default(&self) -> bool {
        self.custom || version::is_stable(self.gvk.version.as_str())
    }

    /// The schema of its objects.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref().map(Link::schema)
    }

    /// The names that people type for it, most specific last: plural, singular, short names, lowercase kind.
    fn typed_names(&self) -> Vec<String> {
        let mut names = vec![self.plural.to_string(), self.singular.to_string()];
        names.push(self.gvk.kind.as_str().to_lowercase());
        names.extend(self.short_names.iter().map(ToString::to_string));
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !name.is_empty());
        names
    }
}

/// All kinds that are known.
#[derive(Clone, Debug, Default)]
pub struct KindTable {
    /// In order of preference: the core group, the built-in groups as the server orders them, then custom groups; in each, the preferred version first.
    resources: Vec<Arc<Resource>>,
    by_kind: BTreeMap<GroupVersionKind, Arc<Resource>>,
    by_resource: BTreeMap<GroupVersionResource, Arc<Resource>>,
    by_group_kind: BTreeMap<GroupKind, Vec<Arc<Resource>>>,
    by_name: BTreeMap<String, Vec<Arc<Resource>>>,
}

static BUILT_IN: LazyLock<KindTable> = LazyLock::new(|| {
    let mut table = KindTable::default();
    table.extend(facts::resources().iter().map(built_in_resource));
    table
});

impl KindTable {
    /// The built-in kinds of one Kubernetes release, alpha and beta versions among them.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The Kubernetes release that the built-in kinds are those of, `v1.35.4`.
    pub fn release() -> &'static str {
        facts::release()
    }

    /// This table and the served versions of a CRD, given as JSON. A kind of that name that a CRD brought before is replaced.
    ///
    /// # Errors
    /// When the value is not a CRD. A schema that is not structural is no error here: see [`CustomVersion::faults`].
    pub fn with_crd(&self, crd: &serde_json::Value) -> Result<Self, CrdError> {
        let mut table = self.clone();
        table.add(&CustomKind::from_crd(crd)?);
        Ok(table)
    }

    /// Adds the served versions of a custom kind, in place of what was known of its resource. Built-in kinds stay.
    pub fn add(&mut self, custom: &CustomKind) {
        self.remove(&custom.group_resource());
        self.extend(custom.resources());
    }

    /// Whether both hold the same entries, not merely equal ones: cheap, and never wrong when it says yes.
    pub fn is_same(&self, other: &Self) -> bool {
        let pairs = self.resources.iter().zip(&other.resources);
        self.resources.len() == other.resources.len() && { pairs }.all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// Forgets a custom resource.
    pub fn remove(&mut self, resource: &GroupResource) {
        let goes = |known: &Arc<Resource>| known.custom && known.group_resource() == *resource;
        if self.resources.iter().any(goes) {
            let kept = std::mem::take(self).resources.into_iter().filter(|known| !goes(known));
            kept.for_each(|known| self.insert(known));
        }
    }

    fn extend(&mut self, resources: impl IntoIterator<Item = Resource>) {
        for resource in resources {
            // A CRD cannot take a built-in kind's place: the API server routes built-in groups first.
            if !self.by_kind.contains_key(&resource.gvk) {
                self.insert(Arc::new(resource));
            }
        }
    }

    fn insert(&mut self, resource: Arc<Resource>) {
        self.by_kind.insert(resource.gvk.clone(), resource.clone());
        self.by_resource.insert(resource.gvr(), resource.clone());
        self.by_group_kind.entry(resource.gvk.group_kind()).or_default().push(resource.clone());
        for name in resource.typed_names() {
            self.by_name.entry(name).or_default().push(resource.clone());
        }
        self.resources.push(resource);
    }

    /// All resources in order of preference.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.iter()
    }

    /// The resource whose objects have this group, version and kind.
    pub fn kind(&self, gvk: &GroupVersionKind) -> Option<&Arc<Resource>> {
        self.by_kind.get(gvk)
    }

    /// The resource that a path names.
    pub fn resource(&self, gvr: &GroupVersionResource) -> Option<&Arc<Resource>> {
        self.by_resource.get(gvr)
    }

    /// All versions of a kind, the preferred one first.
    pub fn versions(&self, kind: &GroupKind) -> &[Arc<Resource>] {
        self.by_group_kind.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The preferred version of a kind.
    pub fn preferred(&self, kind: &GroupKind) -> Option<&Arc<Resource>> {
        self.versions(kind).first()
    }

    /// The preferred version of a resource.
    pub fn preferred_resource(&self, resource: &GroupResource) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|r| r.plural == resource.plural && r.gvk.group == resource.group)
    }

    /// Whether objects of a kind live in namespaces, whatever the version.
    pub fn scope(&self, kind: &GroupKind) -> Option<Scope> {
        self.preferred(kind).map(|resource| resource.scope)
    }

    /// What people type: plural, singular, kind or short name, also followed by `.group` or `.version.group`. In order of preference.
    pub fn named(&self, typed: &str) -> Vec<&Arc<Resource>> {
        let typed = typed.to_lowercase();
        let mut parts = typed.splitn(2, '.');
        let name = parts.next().unwrap_or_default();
        let Some(rest) = parts.next() else {
            return self.by_name.get(name).into_iter().flatten().collect();
        };
        let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
        self.by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter(|r| r.gvk.group == rest || (r.gvk.version == version && r.gvk.group == group))
            .collect()
    }

    /// All groups in order of preference, each with its versions.
    pub fn groups(&self) -> Vec<(Group, Vec<Version>)> {
        let mut groups: Vec<(Group, Vec<Version>)> = Vec::new();
        for gv in self.resources.iter().map(|resource| resource.gvk.group_version()) {
            let GroupVersion { group, version } = gv;
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, versions)) if versions.contains(&version) => {}
                Some((_, versions)) => versions.push(version),
                None => groups.push((group, vec![version])),
            }
        }
        for (_, versions) in &mut groups {
            versions.sort_by_key(|version| version_priority(version.as_str()));
        }
        groups
    }

    /// The schema of a kind in one version; also of kinds that are no resources, like `v1, Kind=PodList` and `v1, Kind=Status`.
    pub fn schema(&self, gvk: &GroupVersionKind) -> Option<&Schema> {
        match self.by_kind.get(gvk) {
            Some(resource) => resource.schema(),
            None => facts::find_kind(&path(gvk)).map(facts::schema),
        }
    }
}

/// The schema of a built-in definition by its OpenAPI name, `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`.
pub fn definition(name: &str) -> Option<Link> {
    facts::find(name).map(Link::built_in)
}

/// All built-in definitions and their OpenAPI names, sorted.
pub fn definitions() -> impl Iterator<Item = (&'static str, Link)> {
    facts::definitions().map(|(id, name)| (name, Link::built_in(id)))
}

fn path(gvk: &GroupVersionKind) -> String {
    format!("{}/{}/{}", gvk.group, gvk.version, gvk.kind)
}

fn words(list: &str) -> Vec<Box<str>> {
    list.split(',').filter(|word| !word.is_empty()).map(Into::into).collect()
}

fn built_in_resource(raw: &facts::RawResource) -> Resource {
    let gvk = GroupVersionKind::new(raw.group, raw.version, raw.kind);
    Resource {
        plural: raw.plural.into(),
        singular: raw.singular.into(),
        list_kind: Kind::from(format!("{}List", raw.kind)),
        scope: if raw.namespaced { Scope::Namespaced } else { Scope::Cluster },
        short_names: raw.short_names.iter().map(|name| (*name).into()).collect(),
        categories: raw.categories.iter().map(|name| (*name).into()).collect(),
        verbs: words(raw.verbs),
        subresources: raw.subresources.iter().map(|sub| built_in_subresource(&gvk, sub)).collect(),
        custom: false,
        schema: facts::find_kind(&path(&gvk)).map(Link::built_in),
        gvk,
    }
}

fn built_in_subresource(parent: &GroupVersionKind, raw: &facts::RawSubresource) -> Subresource {
    let own = if raw.version.is_empty() {
        GroupVersionKind { kind: raw.kind.into(), ..parent.clone() }
    } else {
        GroupVersionKind::new(raw.group, raw.version, raw.kind)
    };
    Subresource { name: raw.name.into(), gvk: own, verbs: words(raw.verbs) }
}

#[cfg(test)]
mod tests;
