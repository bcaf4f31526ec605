//! PUT, and what patches share with it: from the newest state and a new object to what is stored.

use serde_json::Value;

use super::intake::{self, Origin};
use super::options::WriteOptions;
use super::{Writing, Written, create, meta, ownership};
use crate::handler::Warned;
use crate::space::{Next, Stored};
use crate::status::{Answer, ApiError, Cause};
use crate::strategy;
use crate::{allocate, body, convert, rbac, special_parts, validate};

pub(super) async fn update(writing: &Writing) -> Answer<Warned> {
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, "UpdateOptions")?;
    let mut warnings = Vec::new();
    let decoded = body::decode(&writing.content_type, &writing.body)?;
    let (endpoint, namespace) = (&writing.reading.endpoint, writing.reading.namespace.as_deref());
    let how = (Origin::Sent, options.validation);
    let mut sent = intake::complete(endpoint, decoded, how, &mut warnings)?;
    meta::place(&mut sent, namespace)?;
    meta::check_name(&sent, &writing.reading.name, namespace)?;
    meta::dedupe_owners(&mut sent, &mut warnings);
    let may_create = writing.subresource.is_empty() && strategy::creates_on_update(endpoint);
    let decide = |old: Option<&Old>| match old {
        Some(old) => {
            check_uid(writing, old, &sent)?;
            let noted = ownership::note(endpoint, Some(&old.shown), sent.clone(), writing.author(&options));
            Ok(noted)
        }
        None if may_create => {
            let object = create::prepared(writing, sent.clone(), &mut Vec::new())?;
            Ok(ownership::note(endpoint, None, object, writing.author(&options)))
        }
        None => Err(absent(writing)),
    };
    let rewritten = rewrite(writing, &options, decide).await?;
    Ok(rewritten.answer(writing, warnings))
}

/// 404 for the object in the path.
pub(super) fn absent(writing: &Writing) -> ApiError {
    ApiError::not_found(&writing.reading.endpoint.resource.group_resource(), &writing.reading.name)
}

/// A stored object that is to be changed.
pub(super) struct Old {
    /// In the endpoint's version.
    pub(super) shown: Value,
    /// In the storage version.
    pub(super) stored: Value,
}

/// What a rewrite has led to.
pub(super) struct Rewritten {
    pub(super) written: Written,
    created: bool,
    warnings: Vec<String>,
}

impl Rewritten {
    /// The answer, with the warnings that were there before it.
    pub(super) fn answer(self, writing: &Writing, mut warnings: Vec<String>) -> Warned {
        warnings.extend(self.warnings);
        (writing.shown(if self.created { 201 } else { 200 }, &self.written), warnings)
    }
}

/// Changes an object. `decide` gives what it shall be, in the endpoint's version with its owners noted, from what it is.
///
/// # Errors
/// Those of `decide`; 409 for an outdated version; 422 for what is not valid.
pub(super) async fn rewrite<F>(writing: &Writing, options: &WriteOptions, mut decide: F) -> Answer<Rewritten>
where
    F: FnMut(Option<&Old>) -> Answer<Value> + Send,
{
    let reading = &writing.reading;
    let place = reading.place();
    let (mut created, mut warnings) = (false, Vec::new());
    let mut step = |current: Option<&Stored>| -> Answer<Step> {
        let old = current.map(|stored| Old {
            shown: convert::read(&reading.endpoint, stored),
            stored: convert::to_storage(&reading.endpoint, stored),
        });
        created = old.is_none();
        warnings.clear();
        let new = decide(old.as_ref())?;
        match &old {
            Some(old) => changed(writing, old, new, &mut warnings),
            None => Ok(Step::Put(create::finished(writing, new, &mut warnings)?)),
        }
    };
    if options.dry_run {
        let current = reading.space.newest_state(&place);
        let written = match step(current.as_deref())? {
            Step::Put(object) | Step::Gone(object) => Written::Dry(object),
            Step::Keep => Written::Stored(current.ok_or_else(|| absent(writing))?),
        };
        return Ok(Rewritten { written, created, warnings });
    }
    let mut reserved = None;
    let stored = reading.space.change(&place, |current| {
        Ok(match step(current)? {
            Step::Keep => Next::Keep,
            Step::Gone(object) => Next::Gone(Some(object)),
            Step::Put(object) => {
                // What an earlier attempt reserved is given back.
                drop(reserved.take());
                let new = allocate::reserve(&reading.space, &reading.endpoint, object, current)?;
                let object = new.object.clone();
                reserved = Some(new);
                Next::Put(object)
            }
        })
    });
    let stored = stored.await?.ok_or_else(|| absent(writing))?;
    if let Some(reserved) = reserved {
        reserved.keep();
    }
    Ok(Rewritten { written: Written::Stored(stored), created, warnings })
}

/// What an update comes to.
enum Step {
    /// This is to be stored.
    Put(Value),
    /// The last finalizer is gone, and with it the object; this was its last state.
    Gone(Value),
    /// Nothing changes.
    Keep,
}

/// From the old object and what it shall be to what is stored.
fn changed(writing: &Writing, old: &Old, mut new: Value, warnings: &mut Vec<String>) -> Answer<Step> {
    let reading = &writing.reading;
    let endpoint = &reading.endpoint;
    check_version(writing, old, &new)?;
    match writing.subresource.as_str() {
        "" | "scale" => strategy::prepare_update(endpoint, &mut new, &old.shown),
        "status" => strategy::prepare_status(endpoint, &mut new, &old.shown),
        other => special_parts::prepare(endpoint, other, &mut new, &old.shown),
    }
    meta::keep(&old.shown, &mut new);
    meta::copy(&old.shown, &mut new, "resourceVersion");
    if matches!(writing.subresource.as_str(), "" | "scale" | "resize" | "ephemeralcontainers") {
        strategy::count_generation(endpoint, &mut new, &old.shown);
    }
    intake::admit_custom(endpoint, &mut new, Some(&old.shown))?;
    if writing.subresource.is_empty() {
        warnings.extend(crate::warnings::of(endpoint, &new, Some(&old.shown)));
    }
    convert::write(endpoint, &mut new);
    if writing.subresource.is_empty() {
        create::admit_definition(&reading.space, endpoint, &mut new, Some(&old.stored))?;
    }
    let causes = validate::update(endpoint, &new, &old.stored, &writing.subresource);
    if !causes.is_empty() {
        let kind = endpoint.resource.group_kind();
        return Err(ApiError::invalid_fields(&kind, &reading.name, causes));
    }
    rbac::admit(&reading.space, &writing.identity, endpoint, &new, Some(&old.stored))?;
    if is_done(endpoint, &new, &old.stored) {
        return Ok(Step::Gone(new));
    }
    if ownership::is_change(&old.stored, &mut new) { Ok(Step::Put(new)) } else { Ok(Step::Keep) }
}

/// Whether the object goes with this update: it is being deleted without a grace period, and nothing holds it any more.
fn is_done(endpoint: &crate::resource::Endpoint, new: &Value, old: &Value) -> bool {
    let grace = meta::field(old, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let held_by_namespace = endpoint.resource.group.is_empty()
        && endpoint.resource.kind == "Namespace"
        && new.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    meta::field(old, "deletionTimestamp").is_some()
        && meta::texts(new, "finalizers").is_empty()
        && grace == 0
        && !held_by_namespace
}

/// The object that was sent may say which one it means.
fn check_uid(writing: &Writing, old: &Old, sent: &Value) -> Answer<()> {
    let uid = meta::text(sent, "uid");
    if uid.is_empty() {
        return Ok(());
    }
    let wanted = serde_json::json!({ "uid": uid });
    meta::check_preconditions(&writing.reading.endpoint, &old.stored, &wanted)
}

/// The object that was sent may, or for some kinds must, say which version it is based on.
fn check_version(writing: &Writing, old: &Old, new: &Value) -> Answer<()> {
    let endpoint = &writing.reading.endpoint;
    let (given, current) = (meta::text(new, "resourceVersion"), meta::text(&old.stored, "resourceVersion"));
    let resource = endpoint.resource.group_resource();
    match given {
        "" | "0" if !strategy::needs_version(endpoint) => Ok(()),
        "" | "0" => {
            let cause = Cause::invalid(
                "metadata.resourceVersion",
                &Value::from(0),
                "must be specified for an update",
            );
            let kind = apimachinery::GroupKind::new(resource.group.as_str(), resource.plural.as_str());
            Err(ApiError::invalid(&kind, &writing.reading.name, vec![cause]))
        }
        given if given == current => Ok(()),
        _ => Err(ApiError::modified(&resource, &writing.reading.name)),
    }
}
