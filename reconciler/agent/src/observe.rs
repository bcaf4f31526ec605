//! What one pass looks at.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use api::ocm::work::{ManifestWorkSpec, ManifestWorkStatus};
use apimachinery::{Digest, Name, Object, ObjectId};
use runtime::Resource;
use serde::Deserialize;

use crate::{Agent, resources};

/// One manifest of a work.
pub(crate) struct Manifest {
    pub(crate) ordinal: usize,
    pub(crate) object: Object,
    /// `None` where the cluster does not serve the kind.
    pub(crate) resource: Option<Resource>,
}

/// One work of the mailbox.
pub(crate) struct Work {
    pub(crate) stored: Object,
    pub(crate) spec: ManifestWorkSpec,
    pub(crate) status: ManifestWorkStatus,
    pub(crate) manifests: Vec<Manifest>,
    /// Manifests that are no objects: ordinal and why.
    pub(crate) malformed: Vec<(usize, String)>,
}

/// The works of the mailbox.
pub(crate) fn works(agent: &Agent) -> Vec<Work> {
    let stored = agent.mailbox.list(&resources::manifest_works().group_resource());
    stored.into_iter().filter_map(|stored| work(agent, stored)).collect()
}

fn work(agent: &Agent, stored: Object) -> Option<Work> {
    let value = stored.to_value();
    let spec = ManifestWorkSpec::deserialize(value.get("spec")?).ok()?;
    let status =
        value.get("status").and_then(|s| ManifestWorkStatus::deserialize(s).ok()).unwrap_or_default();
    let mut manifests = Vec::new();
    let mut malformed = Vec::new();
    for (ordinal, manifest) in spec.workload.manifests.iter().enumerate() {
        match Object::from_value(manifest) {
            Ok(object) => {
                let resource = agent.cluster.resource_of(&object.header().gvk);
                if let Some(resource) = &resource {
                    // Drift and status are seen by watching every kind that any work uses.
                    agent.cluster.mirror.watch(resource);
                }
                manifests.push(Manifest { ordinal, object, resource });
            }
            Err(error) => malformed.push((ordinal, error.to_string())),
        }
    }
    Some(Work { stored, spec, status, manifests, malformed })
}

/// What was found in place, so that an object that has not changed since needs no second look, and a server whose normal form differs from ours no second write.
#[derive(Default)]
pub(crate) struct Seen {
    entries: Mutex<BTreeMap<(Name, ObjectId), Placed>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Placed {
    content: Digest,
    resource_version: String,
}

impl Seen {
    /// Whether this content was found in place in exactly this version of the object.
    pub(crate) fn in_place(&self, work: &Name, manifest: &Object, live: &Object) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&(work.clone(), manifest.id())) == Some(&placed(manifest, live))
    }

    /// Whether this content was found in place before, in whatever version: what differs now was done by somebody else.
    pub(crate) fn was_in_place(&self, work: &Name, manifest: &Object) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.get(&(work.clone(), manifest.id()));
        known.is_some_and(|placed| placed.content == manifest.digest())
    }

    /// Notes that it is.
    pub(crate) fn note(&self, work: &Name, manifest: &Object, live: &Object) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert((work.clone(), manifest.id()), placed(manifest, live));
    }

    /// Forgets works that are gone.
    pub(crate) fn retain(&self, works: &[Work]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(work, _), _| works.iter().any(|known| known.stored.header().name == *work));
    }
}

fn placed(manifest: &Object, live: &Object) -> Placed {
    let resource_version = live.header().resource_version.as_deref().unwrap_or_default().to_owned();
    Placed { content: manifest.digest(), resource_version }
}
