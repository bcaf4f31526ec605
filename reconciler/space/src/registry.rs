//! What one space serves. An immutable snapshot; a change of a CustomResourceDefinition makes a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::{GroupKind, GroupResource, GroupVersionKind, GroupVersionResource};

use crate::resource::{Endpoint, Resource};

/// All resources of a space, by group and plural.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    resources: BTreeMap<GroupResource, Arc<Resource>>,
    kinds: BTreeMap<GroupKind, GroupResource>,
}

impl Registry {
    /// Adds or replaces a resource.
    pub fn insert(&mut self, resource: Resource) {
        let id = resource.group_resource();
        // Two definitions may ask for one kind; who came first has it.
        self.kinds.entry(resource.group_kind()).or_insert_with(|| id.clone());
        self.resources.insert(id, Arc::new(resource));
    }

    /// Removes a resource.
    pub fn remove(&mut self, id: &GroupResource) {
        if let Some(resource) = self.resources.remove(id) {
            let kind = resource.group_kind();
            if self.kinds.get(&kind) == Some(id) {
                self.kinds.remove(&kind);
            }
        }
    }

    /// A resource, whatever its versions.
    pub fn get(&self, id: &GroupResource) -> Option<&Arc<Resource>> {
        self.resources.get(id)
    }

    /// The resource of a kind.
    pub fn of_kind(&self, kind: &GroupKind) -> Option<&Arc<Resource>> {
        self.kinds.get(kind).and_then(|id| self.resources.get(id))
    }

    /// A resource in a version that is served.
    pub fn endpoint(&self, gvr: &GroupVersionResource) -> Option<Endpoint> {
        let resource = self.get(&gvr.group_resource())?;
        Endpoint::new(Arc::clone(resource), gvr.version.as_str())
    }

    /// The resource of a kind in a version that is served.
    pub fn endpoint_of_kind(&self, gvk: &GroupVersionKind) -> Option<Endpoint> {
        let resource = self.of_kind(&gvk.group_kind())?;
        Endpoint::new(Arc::clone(resource), gvk.version.as_str())
    }

    /// All resources, ordered by group and plural.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }
}
