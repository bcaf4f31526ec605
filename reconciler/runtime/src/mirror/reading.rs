//! Objects in another version than the one that is watched.
//!
//! A watch sees a kind in one version, and converts every object to it. A reader may want some of them as they were written ([`super::Scope::read_in`]): these are read once
//! more, each once per resourceVersion, before they get into the mirror. So no reader sees an object in the wrong version, not even for a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use apimachinery::{GroupVersionKind, Object};
use futures::{StreamExt as _, stream};

use super::table::{Place, place};
use super::{Mirror, lock};
use crate::{Reason, Resource};

/// Requests at a time, while a list is taken in.
const AT_A_TIME: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Mirror {
    /// A complete list, each object in the version that it is wanted in.
    pub(super) async fn all_as_wanted(
        &self,
        resource: &Resource,
        listed: BTreeMap<Place, Object>,
    ) -> BTreeMap<Place, Object> {
        let wanted = listed.into_values().map(|object| self.as_wanted(resource, object));
        stream::iter(wanted)
            .buffer_unordered(AT_A_TIME)
            .map(|object| (place(&object), object))
            .collect()
            .await
    }

    /// An object in the version that it is wanted in. While the server does not answer, the watch of this kind waits: what is not known is not told.
    pub(super) async fn as_wanted(&self, resource: &Resource, seen: Object) -> Object {
        let Some(version) = self.shared.scope.read_in.and_then(|version_of| version_of(&seen)) else {
            return seen;
        };
        let wanted =
            Resource { gvk: GroupVersionKind { version, ..resource.gvk.clone() }, ..resource.clone() };
        if let Some(known) = self.known(&wanted, &seen) {
            return known;
        }
        let header = seen.header();
        let mut pause = FIRST_PAUSE;
        loop {
            let read = self.shared.connection.get(&wanted, header.namespace.as_ref(), &header.name).await;
            match read {
                // It may be newer than what the watch has told of; what the watch tells later is then no news.
                Ok(Some(object)) => return object,
                // It went a moment ago, which the watch is about to tell, or its version is not served any more.
                Ok(None) => return seen,
                Err(error) if matches!(error.reason, Reason::Invalid | Reason::Forbidden) => {
                    tracing::warn!(%error, "an object cannot be read in the version that it was written in");
                    return seen;
                }
                Err(error) => {
                    tracing::debug!(%error, "an object is read again in the version that it was written in");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The object as it stands in the mirror, if it stands there in this version and is the one that was seen: read before, or written by this process.
    fn known(&self, wanted: &Resource, seen: &Object) -> Option<Object> {
        let state = lock(&self.shared.state);
        let known = state.tables.get(&wanted.group_resource())?.table.objects().get(&place(seen))?;
        let same = known.header().gvk == wanted.gvk
            && known.header().uid == seen.header().uid
            && known.header().resource_version == seen.header().resource_version;
        same.then(|| known.clone())
    }
}
