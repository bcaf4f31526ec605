//! Intents of WDS objects, computed once per version of an object and shared by binding, transport and status.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::kinds::KindTable;
use apimachinery::{Object, ObjectId};
use plan::intent::{Intent, intent};

/// The version an intent was computed from, and the intent.
type Computed = (Arc<str>, Arc<Intent>);

/// The cache. An entry is valid for one resourceVersion.
#[derive(Debug, Default)]
pub struct Intents {
    entries: Mutex<BTreeMap<ObjectId, Computed>>,
}

impl Intents {
    /// The intent of a stored object, with its managedFields.
    pub fn of(&self, stored: &Object, kinds: &KindTable) -> Arc<Intent> {
        let id = stored.id();
        let version = stored.header().resource_version.clone().unwrap_or_default();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(&id) {
            Some((known, intent)) if *known == version => Arc::clone(intent),
            _ => {
                let fresh = Arc::new(intent(stored, kinds));
                entries.insert(id, (version, Arc::clone(&fresh)));
                fresh
            }
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, id: &ObjectId) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
