//! Who owns which field: `managedFields` of every write, and server-side apply.

use std::borrow::Cow;

use apimachinery::smd::shape::Shape;
use apimachinery::smd::updater::{Applier, Endpoint as Owned, WriteError};
use apimachinery::smd::{Force, Versions, managed};
use apimachinery::{GroupVersion, Timestamp};
use serde_json::Value;

use super::meta;
use crate::convert;
use crate::resource::Endpoint;
use crate::status::{Answer, ApiError};
use crate::strategy;

/// The versions of the endpoint's kind, as ownership needs them.
struct Kinds<'a>(&'a Endpoint);

impl Versions for Kinds<'_> {
    fn shape(&self, api_version: &str) -> Option<Shape<'_>> {
        let version = GroupVersion::parse(api_version);
        let resource = &self.0.resource;
        let served = resource.versions.iter().find(|served| served.version == version.version)?;
        Some(match &served.schema {
            Some(schema) => Shape::of_object(schema.schema()),
            None => Shape::deduced(),
        })
    }

    fn convert<'v>(&self, object: &'v Value, api_version: &str) -> Option<Cow<'v, Value>> {
        self.shape(api_version)?;
        if object.get("apiVersion").and_then(Value::as_str) == Some(api_version) {
            return Some(Cow::Borrowed(object));
        }
        convert::between(self.0, object, api_version).map(Cow::Owned)
    }
}

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) manager: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) subresource: &'a str,
}

/// Notes who owns what after an update; `live` is absent for a create. Both are in the endpoint's version.
pub(crate) fn note(endpoint: &Endpoint, live: Option<&Value>, new: Value, by: Author<'_>) -> Value {
    let fallback = new.clone();
    let noted = with_owned(endpoint, by.subresource, |owned| owned.update(live, new, by.manager, by.now));
    noted.unwrap_or_else(|error| {
        // As in the real server: the write is more important than who owns it.
        tracing::debug!(%error, "managed fields were not updated");
        let mut new = fallback;
        meta::remove(&mut new, "managedFields");
        new
    })
}

/// Applies a configuration to an object; `live` is absent if it does not exist yet.
///
/// # Errors
/// 409 with the conflicts; 400 for what cannot be applied; 500 where objects do not fit their schema.
pub(crate) fn apply(
    endpoint: &Endpoint,
    live: Option<&Value>,
    config: &Value,
    by: Author<'_>,
    force: bool,
) -> Answer<Value> {
    let force = if force { Force::Yes } else { Force::No };
    let applier = Applier { manager: by.manager, force };
    with_owned(endpoint, by.subresource, |owned| owned.apply(live, config, applier, by.now)).map_err(refusal)
}

fn with_owned<T>(endpoint: &Endpoint, subresource: &str, act: impl FnOnce(Owned<'_>) -> T) -> T {
    let reset = strategy::reset_fields(endpoint, subresource);
    let gvk = endpoint.gvk();
    let versions = Kinds(endpoint);
    act(Owned {
        gvk: &gvk,
        versions: &versions,
        subresource,
        reset: &reset,
        go_type: !endpoint.resource.is_custom(),
    })
}

/// The answer to a refused write.
pub(super) fn refusal(error: WriteError) -> ApiError {
    match error {
        WriteError::BadRequest(message) => ApiError::bad_request(message),
        WriteError::Conflicts(conflicts) => {
            let causes = conflicts.causes().into_iter().map(|cause| (cause.message, cause.field));
            ApiError::apply_conflict(&conflicts.to_string(), causes)
        }
        WriteError::Invalid(message) => ApiError::unknown(message),
        WriteError::ManagedFields(error) => ApiError::internal(&error.to_string()),
    }
}

/// Gives managers that changed nothing their old times back, and tells whether anything but the version has changed then.
pub(crate) fn is_change(old: &Value, new: &mut Value) -> bool {
    managed::keep_times_of_unchanged(old, new);
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return true };
    let same = |(field, old): (&String, &Value)| match (field.as_str(), new.get(field)) {
        ("metadata", Some(new)) => without_version(old) == without_version(new),
        (_, new) => new == Some(old),
    };
    old.len() != new.len() || !old.iter().all(same)
}

fn without_version(metadata: &Value) -> Vec<(&String, &Value)> {
    let fields = metadata.as_object().into_iter().flatten();
    fields.filter(|(name, _)| *name != "resourceVersion").collect()
}
