//! One space: what it serves, what it holds, and how it changes.

use std::sync::Arc;

use apimachinery::{GroupResource, Object};
use serde_json::Value;

use crate::registry::Registry;
use crate::status::Answer;

/// An object as it is held: canonical JSON in the storage version, resourceVersion and managedFields included.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Bytes and header.
    pub object: Object,
    /// `metadata.resourceVersion` as a number.
    pub version: u64,
}

/// One object of a space by its place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The resource.
    pub resource: GroupResource,
    /// `None` at cluster scope.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// What a list holds, at one version.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In the order of `namespace/name`, as etcd has it.
    pub items: Vec<Arc<Stored>>,
    /// The version of the list.
    pub version: u64,
}

/// What a writer wants an object to become.
#[derive(Clone, Debug)]
pub enum Next {
    /// This; identity and server-owned metadata stay, the resourceVersion is set by the commit. Equal content is no write.
    Put(Value),
    /// Gone from the store, at once, finalizers or not.
    Gone,
    /// As it is.
    Keep,
}

/// One change that has been committed, as controllers get it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its space.
    pub space: Arc<str>,
    /// What changed.
    pub place: Place,
    /// Before; `None` if it was created.
    pub old: Option<Arc<Stored>>,
    /// After; `None` if it is gone.
    pub new: Option<Arc<Stored>>,
}

/// One space.
#[derive(Debug)]
pub struct Space {
    name: Arc<str>,
}

impl Space {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it serves at the moment.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::default()
    }

    /// One object as committed.
    pub fn get(&self, _place: &Place) -> Option<Arc<Stored>> {
        None
    }

    /// All objects of a resource, or those of one namespace, as committed.
    pub fn list(&self, _resource: &GroupResource, _namespace: Option<&str>) -> Listing {
        Listing::default()
    }

    /// Decides on the newest state of one object (`None`: absent) and commits: for controllers, without admission, validation and field
    /// management. `decide` may be called again when another writer was faster. Returns what is stored afterwards.
    ///
    /// # Errors
    /// Those of `decide`, and a store that cannot write.
    pub async fn change<F>(&self, _place: &Place, _decide: F) -> Answer<Option<Arc<Stored>>>
    where
        F: FnMut(Option<&Stored>) -> Answer<Next> + Send,
    {
        Ok(None)
    }
}
