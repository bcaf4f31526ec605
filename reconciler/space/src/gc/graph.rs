//! Who depends on whom in one space: an index over the owner references of all objects, kept by the changes.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::Object;
use serde::Deserialize;

use crate::space::Place;

/// An owner reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Reference {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    #[serde(rename = "blockOwnerDeletion")]
    pub(crate) blocks_deletion: bool,
}

/// Dependents by the UID of their owner.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    dependents: BTreeMap<String, BTreeSet<Place>>,
    owners: BTreeMap<Place, Vec<String>>,
}

#[derive(Deserialize)]
struct OnlyMetadata {
    metadata: Option<OnlyOwners>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnlyOwners {
    owner_references: Option<Vec<Reference>>,
}

/// Whether the bytes can hold an owner reference; asked on the way of every write, so without parsing.
pub(crate) fn may_have_owners(object: &Object) -> bool {
    const KEY: &[u8] = b"\"ownerReferences\":";
    object.bytes().windows(KEY.len()).any(|window| window == KEY)
}

/// The owner references of an object.
pub(crate) fn references(object: &Object) -> Vec<Reference> {
    if !may_have_owners(object) {
        return Vec::new();
    }
    let parsed = serde_json::from_slice::<OnlyMetadata>(object.bytes());
    parsed.ok().and_then(|object| object.metadata?.owner_references).unwrap_or_default()
}

impl Graph {
    /// Notes what an object refers to now; `None` for one that is gone.
    pub(crate) fn note(&mut self, place: &Place, object: Option<&Object>) {
        let now: Vec<String> =
            object.map(references).unwrap_or_default().into_iter().map(|owner| owner.uid).collect();
        let before = match now.is_empty() {
            true => self.owners.remove(place),
            false => self.owners.insert(place.clone(), now.clone()),
        };
        for uid in before.into_iter().flatten().filter(|uid| !now.contains(uid)) {
            if let Some(dependents) = self.dependents.get_mut(&uid) {
                dependents.remove(place);
                if dependents.is_empty() {
                    self.dependents.remove(&uid);
                }
            }
        }
        for uid in now {
            self.dependents.entry(uid).or_default().insert(place.clone());
        }
    }

    /// Who refers to an owner.
    pub(crate) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Place> {
        self.dependents.get(uid).into_iter().flatten()
    }
}
