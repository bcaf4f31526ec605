//! Objects that the server makes by itself.

use std::sync::Arc;

use apimachinery::clock::rfc3339_seconds;
use apimachinery::{GroupVersion, GroupVersionKind};
use serde_json::{Value, json};

use crate::space::{Next, Place, Space};
use crate::status::{Answer, ApiError};
use crate::{ids, normal};

/// Creates an object unless there is one of its name. Its content is trusted: it is brought into its normal form, but not validated.
///
/// # Errors
/// A kind that is not served; a store that cannot write.
pub(crate) async fn create(space: &Arc<Space>, mut object: Value) -> Answer<()> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let GroupVersion { group, version } = GroupVersion::parse(text("/apiVersion"));
    let gvk = GroupVersionKind { group, version, kind: text("/kind").into() };
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    let endpoint = space
        .registry()
        .endpoint_of_kind(&gvk)
        .ok_or_else(|| ApiError::internal(&format!("{gvk} is not served")))?;
    let place = Place::new(endpoint.resource.stored_as(), namespace, text("/metadata/name"));
    if space.get(&place).is_some() {
        return Ok(());
    }
    if let Some(link) = &endpoint.version().schema {
        normal::built_in(link, &mut object);
    }
    let host = space.host();
    object["metadata"]["uid"] = json!(ids::uid(&*host.ids));
    object["metadata"]["creationTimestamp"] = json!(rfc3339_seconds(host.clock.now()));
    let next = |stored: Option<&crate::space::Stored>| {
        Ok(if stored.is_some() { Next::Keep } else { Next::Put(object.clone()) })
    };
    space.change(&place, next).await.map(drop)
}
