//! PATCH: JSON patch, merge patch, strategic merge patch, and apply.

use apimachinery::GroupKind;
use apimachinery::field_error::{FieldError, FieldPath};
use apimachinery::patch::{json, merge, strategic};
use serde_json::Value;

use super::intake::{self, Origin};
use super::options::WriteOptions;
use super::update::{self, Old};
use super::{Writing, create, meta, ownership};
use crate::body::{self, Decoded};
use crate::handler::Warned;
use crate::resource::Endpoint;
use crate::status::{Answer, ApiError};

const APPLY: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// A patch that has been read.
enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
}

pub(super) async fn patch(writing: &Writing) -> Answer<Warned> {
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, "PatchOptions")?;
    let content_type = body::media_type(&writing.content_type);
    if content_type == APPLY {
        return apply(writing, &options).await;
    }
    if options.force.is_some() {
        let error =
            FieldError::forbidden(&FieldPath::new("force"), "may not be specified for non-apply patch");
        return Err(ApiError::invalid_fields(
            &GroupKind::new("meta.k8s.io", "PatchOptions"),
            "",
            vec![error],
        ));
    }
    let (patch, duplicates) = read(&writing.reading.endpoint, content_type, &writing.body)?;
    let endpoint = &writing.reading.endpoint;
    let mut warnings = Vec::new();
    let decide = |old: Option<&Old>| {
        let old = old.ok_or_else(|| update::absent(writing))?;
        warnings.clear();
        let value = patched(endpoint, &patch, &old.shown)?;
        let decoded = Decoded { value, duplicates: duplicates.clone() };
        let how = (Origin::Patched, options.validation);
        let mut new = intake::complete(endpoint, decoded, how, &mut warnings)?;
        settle(writing, &mut new, &mut warnings)?;
        Ok(ownership::note(endpoint, Some(&old.shown), new, writing.author(&options)))
    };
    let rewritten = update::rewrite(writing, &options, decide).await?;
    Ok(rewritten.answer(writing, warnings))
}

/// Reads a patch by its media type.
fn read(endpoint: &Endpoint, content_type: &str, bytes: &[u8]) -> Answer<(Patch, Vec<String>)> {
    let supported: &[&str] =
        if endpoint.resource.is_custom() { &[JSON, MERGE, APPLY] } else { &[JSON, MERGE, STRATEGIC, APPLY] };
    if !supported.contains(&content_type) {
        return Err(ApiError::unsupported_media_type(supported));
    }
    let decoded = body::decode("application/json", bytes)
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    let Decoded { value, duplicates } = decoded;
    let patch = match content_type {
        JSON => return Ok((Patch::Json(value), Vec::new())),
        MERGE => Patch::Merge(without_nulls_in_lists(value)),
        _ => Patch::Strategic(value),
    };
    Ok((patch, duplicates))
}

/// A merge patch as the server's library reads it: it takes nulls out of objects in lists, too, where RFC 7396 would keep them.
fn without_nulls_in_lists(mut patch: Value) -> Value {
    fn prune(value: &mut Value, in_list: bool) {
        match value {
            Value::Object(fields) => {
                if in_list {
                    fields.retain(|_, value| !value.is_null());
                }
                fields.values_mut().for_each(|value| prune(value, in_list));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| prune(item, true)),
            _ => {}
        }
    }
    prune(&mut patch, false);
    patch
}

/// The object that a patch makes of another.
fn patched(endpoint: &Endpoint, patch: &Patch, old: &Value) -> Answer<Value> {
    match patch {
        Patch::Json(patch) => json::apply(old, patch).map_err(|error| match error {
            json::JsonPatchError::NotAPatch { .. } => ApiError::bad_request(error.to_string()),
            json::JsonPatchError::TooManyOperations { .. } => ApiError::too_large_patch(&error.to_string()),
            json::JsonPatchError::Inapplicable { .. } => ApiError::inapplicable(&error.to_string()),
        }),
        Patch::Merge(patch) if !patch.is_object() => Err(ApiError::bad_request("Invalid JSON Patch")),
        Patch::Merge(patch) => Ok(merge::apply(old.clone(), patch)),
        Patch::Strategic(patch) => {
            let Some(schema) = &endpoint.version().schema else {
                return Ok(merge::apply(old.clone(), patch));
            };
            strategic::apply(old, patch, schema.schema()).map_err(|error| {
                let error = if endpoint.resource.kind == "Secret" { error.redacted() } else { error };
                match error.status_code() {
                    400 => ApiError::bad_request(error.to_string()),
                    422 => ApiError::inapplicable(&error.to_string()),
                    _ => ApiError::unknown(error.to_string()),
                }
            })
        }
    }
}

/// Name and namespace must stay; owner references stand once.
fn settle(writing: &Writing, new: &mut Value, warnings: &mut Vec<String>) -> Answer<()> {
    let namespace = writing.reading.namespace.as_deref();
    meta::place(new, namespace)?;
    meta::check_name(new, &writing.reading.name, namespace)?;
    meta::dedupe_owners(new, warnings);
    Ok(())
}

async fn apply(writing: &Writing, options: &WriteOptions) -> Answer<Warned> {
    if !options.manager_given {
        let error = FieldError::required(&FieldPath::new("fieldManager"), "is required for apply patch");
        return Err(ApiError::invalid_fields(
            &GroupKind::new("meta.k8s.io", "PatchOptions"),
            "",
            vec![error],
        ));
    }
    let endpoint = &writing.reading.endpoint;
    let Decoded { value: config, duplicates } = body::decode_lenient(&writing.body)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))?;
    let force = options.force.unwrap_or(false);
    let mut warnings = Vec::new();
    let decide = |old: Option<&Old>| {
        warnings.clear();
        if old.is_none() && !writing.subresource.is_empty() {
            return Err(update::absent(writing));
        }
        let live = old.map(|old| &old.shown);
        let applied = ownership::apply(endpoint, live, &config, writing.author(options), force)?;
        let decoded = Decoded { value: applied, duplicates: duplicates.clone() };
        let how = (Origin::Applied, options.validation);
        let mut new = intake::complete(endpoint, decoded, how, &mut warnings)?;
        if old.is_none() && meta::text(&new, "name").is_empty() {
            meta::set(&mut new, "name", writing.reading.name.as_str());
        }
        settle(writing, &mut new, &mut warnings)?;
        if old.is_none() {
            let uid = meta::text(&new, "uid");
            if !uid.is_empty() {
                let detail = format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                );
                let resource = endpoint.resource.group_resource();
                return Err(ApiError::conflict(&resource, &writing.reading.name, &detail));
            }
            new = create::prepared(writing, new, &mut warnings)?;
        }
        Ok(new)
    };
    let rewritten = update::rewrite(writing, options, decide).await?;
    Ok(rewritten.answer(writing, warnings))
}
