//! POST of an object, and what apply and PUT of an absent one share with it.

use serde_json::Value;

use super::intake::{self, Origin};
use super::options::WriteOptions;
use super::{Writing, Written, meta, ownership};
use crate::handler::Warned;
use crate::resource::Endpoint;
use crate::space::{Next, Place, Space};
use crate::status::{Answer, ApiError};
use crate::strategy::{self, Prepare};
use crate::{admission, allocate, body, convert, crd, lifecycle, rbac, validate};

/// How often a generated name may turn out to be taken.
const NAME_ATTEMPTS: usize = 8;

pub(super) async fn create(writing: &Writing) -> Answer<Warned> {
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, "CreateOptions")?;
    let mut warnings = Vec::new();
    let decoded = body::decode(&writing.content_type, &writing.body)?;
    let endpoint = &writing.reading.endpoint;
    let how = (Origin::Sent, options.validation);
    let object = intake::complete(endpoint, decoded, how, &mut warnings)?;
    if !meta::text(&object, "name").is_empty() {
        let written = insert(writing, object, &options, &mut warnings).await?;
        return Ok((writing.shown(201, &written), warnings));
    }
    let mut attempt = 1;
    loop {
        match insert(writing, object.clone(), &options, &mut warnings).await {
            Err(error) if error.reason() == "AlreadyExists" && attempt < NAME_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
            Ok(written) => return Ok((writing.shown(201, &written), warnings)),
        }
    }
}

/// Makes a new object of a complete one and stores it.
async fn insert(
    writing: &Writing,
    object: Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Answer<Written> {
    let reading = &writing.reading;
    crd::admit_create(&reading.endpoint.resource)?;
    let mut object = prepared(writing, object, warnings)?;
    object = ownership::note(&reading.endpoint, None, object, writing.author(options));
    let object = finished(writing, object, warnings)?;
    let name = meta::text(&object, "name").to_owned();
    let place = Place::new(reading.endpoint.resource.stored_as(), reading.namespace.as_deref(), &name);
    let resource = reading.endpoint.resource.group_resource();
    let taken = |stored: &crate::space::Stored| {
        let mut error = ApiError::already_exists(&resource, &name);
        if stored.object.header().deleting {
            error = error.prefixed("object is being deleted: ");
        }
        error
    };
    if options.dry_run {
        return match reading.space.newest_state(&place) {
            Some(stored) => Err(taken(&stored)),
            None => Ok(Written::Dry(object)),
        };
    }
    let reserved = allocate::reserve(&reading.space, &reading.endpoint, object, None)?;
    let stored = reading.space.change(&place, |current| match current {
        Some(stored) => Err(taken(stored)),
        None => Ok(Next::Put(reserved.object.clone())),
    });
    let stored = stored.await?.ok_or_else(|| ApiError::internal("a created object is not there"))?;
    reserved.keep();
    Ok(Written::Stored(stored))
}

/// Metadata as the server wants it, and admission of the namespace.
///
/// # Errors
/// 400 for a namespace that differs from the path's, 403 and 404 for one that takes nothing new.
pub(super) fn prepared(writing: &Writing, mut object: Value, warnings: &mut Vec<String>) -> Answer<Value> {
    let reading = &writing.reading;
    meta::wipe(&mut object);
    meta::place(&mut object, reading.namespace.as_deref())?;
    meta::dedupe_owners(&mut object, warnings);
    if let Some(namespace) = &reading.namespace {
        let resource = reading.endpoint.resource.group_resource();
        lifecycle::admit_create(&reading.space, &resource, namespace, meta::text(&object, "name"))?;
    }
    Ok(object)
}

/// From an object whose owners are noted to one that can be stored.
///
/// # Errors
/// 422 with causes; 500 if it has a resourceVersion.
pub(super) fn finished(writing: &Writing, mut object: Value, warnings: &mut Vec<String>) -> Answer<Value> {
    let reading = &writing.reading;
    let (space, endpoint) = (&reading.space, &reading.endpoint);
    let host = space.host();
    meta::generate_name(&mut object, host);
    meta::stamp(&mut object, host);
    let prepare = Prepare { identity: &writing.identity, now: host.clock.now() };
    strategy::prepare_create(endpoint, &mut object, &prepare);
    admission::on_create(space, endpoint, &mut object)?;
    intake::admit_custom(endpoint, &mut object, None)?;
    warnings.extend(crate::warnings::of(endpoint, &object, None));
    convert::write(endpoint, &mut object);
    admit_definition(space, endpoint, &mut object, None)?;
    let causes = validate::create(endpoint, &object);
    if !causes.is_empty() {
        let name = meta::text(&object, "name");
        return Err(ApiError::invalid_fields(&endpoint.resource.group_kind(), name, causes));
    }
    rbac::admit(space, &writing.identity, endpoint, &object, None)?;
    if meta::remove(&mut object, "resourceVersion").is_some_and(|version| version != "") {
        return Err(ApiError::unknown("resourceVersion should not be set on objects to be created"));
    }
    Ok(object)
}

/// Completes and checks a CustomResourceDefinition.
pub(super) fn admit_definition(
    space: &Space,
    endpoint: &Endpoint,
    object: &mut Value,
    old: Option<&Value>,
) -> Answer<()> {
    if endpoint.resource.group_resource() == *crd::DEFINITIONS {
        crd::admit(space, object, old)?;
    }
    Ok(())
}
