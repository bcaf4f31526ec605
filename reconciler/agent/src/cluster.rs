//! The cluster: which kinds it serves, and a mirror of those that works use.

use std::sync::{Arc, PoisonError, RwLock};

use apimachinery::kinds::{CustomKind, KindTable};
use apimachinery::{GroupVersionKind, Object, ObjectId};
use runtime::{ApiError, Connection, Key, Mirror, Resource, Scope, Served, Shutdown};

use crate::resources;

/// The cluster of an agent. Its mirror keeps managedFields: they tell what we applied.
pub struct Cluster {
    /// The connection.
    pub connection: Connection,
    /// The mirror: AppliedManifestWorks, CRDs, and every kind that a work names.
    pub mirror: Mirror,
    /// What the names of our AppliedManifestWorks begin with.
    pub hub_hash: String,
    served: RwLock<Arc<Served>>,
    kinds: RwLock<Arc<KindTable>>,
}

impl Cluster {
    pub(crate) fn new(connection: Connection, hub_hash: String, shutdown: Shutdown) -> Self {
        let mirror = Mirror::new(connection.clone(), Scope::default(), shutdown);
        let kinds = Arc::new(KindTable::built_in().clone());
        Self { connection, mirror, hub_hash, served: RwLock::default(), kinds: RwLock::new(kinds) }
    }

    /// Asks the cluster what it serves.
    pub(crate) async fn refresh(&self) -> Result<(), ApiError> {
        let served = Served::discover(&self.connection).await?;
        let mut kinds = KindTable::built_in().clone();
        for crd in self.mirror.list(&resources::crds().group_resource()) {
            if let Ok(custom) = CustomKind::from_crd(&crd.to_value()) {
                kinds.add(&custom);
            }
        }
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
        *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kinds);
        Ok(())
    }

    /// The kinds and their schemas.
    pub(crate) fn kinds(&self) -> Arc<KindTable> {
        Arc::clone(&self.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The resource of a kind in the version an object is written in; `None` where the cluster does not serve the kind.
    pub(crate) fn resource_of(&self, gvk: &GroupVersionKind) -> Option<Resource> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        let known = served.kind(&gvk.group_kind())?.resource.clone();
        Some(Resource { gvk: gvk.clone(), ..known })
    }

    /// The resource of a plural.
    pub(crate) fn by_plural(&self, group: &str, plural: &str) -> Option<Resource> {
        let key = apimachinery::GroupResource::new(group, plural);
        self.served
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resource(&key)
            .map(|served| served.resource.clone())
    }

    /// An object of the mirror.
    pub(crate) fn live(&self, resource: &Resource, id: &ObjectId) -> Option<Object> {
        self.mirror.get(&Key {
            resource: resource.group_resource(),
            namespace: id.namespace.clone(),
            name: id.name.clone(),
        })
    }
}
