//! The scale subresource: reading and writing the replicas of any scalable kind as `autoscaling/v1 Scale`.
//!
//! Field owners see the scale as an object of its own; afterwards ownership of its replicas is carried over to the replicas of the object.

use apimachinery::patch::{json, merge, strategic};
use apimachinery::smd::managed::Managers;
use apimachinery::smd::scale::{managers_of_parent, managers_of_scale};
use apimachinery::smd::shape::Shape;
use apimachinery::smd::updater::{Applier, Endpoint as Owned};
use apimachinery::smd::{FieldPath, FieldSet, Force, OneShape};
use apimachinery::{GroupVersionKind, kinds};
use http::Response;
use serde_json::Value;

use super::options::WriteOptions;
use super::update::{self, Old};
use super::{Writing, Written, meta, ownership};
use crate::answer::{self, Body, Form};
use crate::body;
use crate::convert;
use crate::handler::Warned;
use crate::read::{self, Reading};
use crate::request::Verb;
use crate::status::{Answer, ApiError};
use crate::{normal, scale, table};

/// GET of a scale.
///
/// # Errors
/// 404; an object whose replicas cannot be read.
pub(crate) fn get(reading: &Reading) -> Answer<Response<Body>> {
    let stored = read::find(reading)?;
    let scale = scale::read(&reading.endpoint, &convert::read(&reading.endpoint, &stored))?;
    Ok(shown(reading, 200, &scale))
}

fn shown(reading: &Reading, code: u16, scale: &Value) -> Response<Body> {
    let value = match reading.accept.form {
        Form::Table(include) => serde_json::json!({
            "kind": "Table", "apiVersion": reading.accept.meta_version(),
            "metadata": { "resourceVersion": scale["metadata"]["resourceVersion"] },
            "columnDefinitions": table::scale_columns(),
            "rows": [table::scale_row(scale, include, reading.space.host().clock.now())],
        }),
        Form::Metadata => serde_json::json!({
            "kind": "PartialObjectMetadata", "apiVersion": reading.accept.meta_version(),
            "metadata": scale["metadata"],
        }),
        Form::Object => scale.clone(),
    };
    answer::json(code, &value)
}

/// PUT and PATCH of a scale.
pub(super) async fn write(writing: &Writing) -> Answer<Warned> {
    let kind = if writing.verb == Verb::Patch { "PatchOptions" } else { "UpdateOptions" };
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, kind)?;
    let endpoint = &writing.reading.endpoint;
    let content_type = body::media_type(&writing.content_type).to_owned();
    let is_apply = content_type.ends_with("apply-patch+yaml");
    let decoded = match (writing.verb, is_apply) {
        (Verb::Patch, false) => body::decode("application/json", &writing.body)?,
        (Verb::Patch, true) => body::decode_lenient(&writing.body)?,
        _ => body::decode(&content_type, &writing.body)?,
    };
    let decide = |old: Option<&Old>| {
        let old = old.ok_or_else(|| update::absent(writing))?;
        let before = Scale::of(writing, old)?;
        let after = match (writing.verb, is_apply) {
            (Verb::Update, _) => before.updated(writing, &options, decoded.value.clone()),
            (_, true) => before.applied(writing, &options, &decoded.value)?,
            _ => {
                let mut patched = patched(&content_type, &before.value, &decoded.value)?;
                // No replicas are said by saying nothing, as Go writes it.
                if let Some(schema) = kinds::definition(DEFINITION) {
                    normal::built_in(&schema, &mut patched);
                }
                before.updated(writing, &options, patched)
            }
        };
        let mut new = old.shown.clone();
        scale::write(endpoint, &mut new, &after)?;
        meta::copy(&after, &mut new, "resourceVersion");
        let managers = Managers::of(&after).unwrap_or_default();
        let api_version = endpoint.gvk().api_version();
        managers_of_parent(&before.parent, &managers, &before.replicas, &api_version).write_into(&mut new);
        Ok(new)
    };
    let rewritten = update::rewrite(writing, &options, decide).await?;
    let object = match &rewritten.written {
        Written::Stored(stored) => convert::read(endpoint, stored),
        Written::Dry(object) => convert::of_stored(endpoint, object),
    };
    Ok((shown(&writing.reading, 200, &scale::read(endpoint, &object)?), Vec::new()))
}

fn patched(content_type: &str, old: &Value, patch: &Value) -> Answer<Value> {
    match content_type {
        "application/json-patch+json" => {
            json::apply(old, patch).map_err(|error| ApiError::inapplicable(&error.to_string()))
        }
        "application/merge-patch+json" => Ok(merge::apply(old.clone(), patch)),
        "application/strategic-merge-patch+json" => match kinds::definition(DEFINITION) {
            Some(schema) => strategic::apply(old, patch, schema.schema())
                .map_err(|error| ApiError::bad_request(error.to_string())),
            None => Ok(merge::apply(old.clone(), patch)),
        },
        _ => Err(ApiError::unsupported_media_type(&[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ])),
    }
}

const DEFINITION: &str = "io.k8s.api.autoscaling.v1.Scale";

/// The scale of an object, with the owners of its replicas.
struct Scale {
    value: Value,
    /// The owners of the object.
    parent: Managers,
    /// Where the replicas are in the object.
    replicas: FieldPath,
}

impl Scale {
    fn of(writing: &Writing, old: &Old) -> Answer<Self> {
        let endpoint = &writing.reading.endpoint;
        let mut value = scale::read(endpoint, &old.shown)?;
        let parent = Managers::of(&old.shown).unwrap_or_default();
        let path = endpoint.version().scale.as_ref().map_or("", |paths| &paths.spec_replicas);
        let replicas = FieldPath::of_fields(path.trim_start_matches('.').split('.'));
        managers_of_scale(&parent, &replicas).write_into(&mut value);
        Ok(Self { value, parent, replicas })
    }

    /// The scale after an update to `new`.
    fn updated(&self, writing: &Writing, options: &WriteOptions, new: Value) -> Value {
        let author = writing.author(options);
        let fallback = new.clone();
        owned(|owned| owned.update(Some(&self.value), new, author.manager, author.now)).unwrap_or(fallback)
    }

    /// The scale after an apply.
    fn applied(&self, writing: &Writing, options: &WriteOptions, config: &Value) -> Answer<Value> {
        let author = writing.author(options);
        let force = if options.force.unwrap_or(false) { Force::Yes } else { Force::No };
        let by = Applier { manager: author.manager, force };
        owned(|owned| owned.apply(Some(&self.value), config, by, author.now)).map_err(ownership::refusal)
    }
}

fn owned<T>(act: impl FnOnce(Owned<'_>) -> T) -> T {
    let gvk = GroupVersionKind::new("autoscaling", "v1", "Scale");
    let schema = kinds::definition(DEFINITION);
    let shape = schema.as_ref().map_or_else(Shape::deduced, |schema| Shape::of_object(schema.schema()));
    let (versions, reset) = (OneShape(shape), FieldSet::new());
    act(Owned { gvk: &gvk, versions: &versions, subresource: "scale", reset: &reset, go_type: true })
}
