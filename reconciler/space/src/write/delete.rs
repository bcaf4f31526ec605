//! DELETE of an object or of a collection: grace, finalizers, what becomes of dependents.
//!
//! Sources: `rest.BeforeDelete` and the generic registry's `Delete`; namespaces and definitions are only marked, and go when they are empty.

use std::sync::Arc;

use apimachinery::Timestamp;
use apimachinery::clock::rfc3339_seconds;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};

use super::delete_options::{self, DeleteOptions, Propagation};
use super::{Writing, Written, meta};
use crate::answer::{self, ListMeta};
use crate::handler::Warned;
use crate::read::{self, ListOptions, Selection};
use crate::resource::{Endpoint, Resource};
use crate::space::{Next, Place, Stored};
use crate::status::{Answer, ApiError};
use crate::{convert, crd, lifecycle};

/// Deletions of a collection that are on their way at once.
const AT_ONCE: usize = 64;

/// What a deletion has led to.
enum Deleted {
    /// It is gone; this was its last state.
    Gone(Arc<Stored>),
    /// It is marked, and somebody holds it.
    Marked(Arc<Stored>),
    /// It would be gone, or marked: the state in the storage version.
    Dry(Value, bool),
}

pub(super) async fn delete(writing: &Writing) -> Answer<Warned> {
    let options = delete_options::parse(writing)?;
    let endpoint = &writing.reading.endpoint;
    if endpoint.resource.group_resource() == *lifecycle::NAMESPACES {
        lifecycle::admit_delete(&writing.reading.name)?;
    }
    let place = writing.reading.place();
    let deleted = remove(writing, &place, &options).await?;
    let (gone, state) = match &deleted {
        Deleted::Gone(stored) => (true, Written::Stored(Arc::clone(stored))),
        Deleted::Marked(stored) => (false, Written::Stored(Arc::clone(stored))),
        Deleted::Dry(object, gone) => (*gone, Written::Dry(object.clone())),
    };
    if !gone || returns_object(endpoint) {
        return Ok((writing.shown(200, &state), Vec::new()));
    }
    let uid = match &state {
        Written::Stored(stored) => stored.object.header().uid.as_deref().unwrap_or_default().to_owned(),
        Written::Dry(object) => meta::text(object, "uid").to_owned(),
    };
    let resource = endpoint.resource.group_resource();
    let mut details = json!({ "name": writing.reading.name, "kind": resource.plural, "uid": uid });
    if !resource.group.is_empty() {
        details["group"] = resource.group.as_str().into();
    }
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    });
    Ok((answer::json(200, &status), Vec::new()))
}

pub(super) async fn delete_collection(writing: &Writing) -> Answer<Warned> {
    let options = delete_options::parse(writing)?;
    let listed = ListOptions::parse(&writing.query, false)?;
    let reading = &writing.reading;
    if reading.endpoint.resource.group.is_empty() && reading.endpoint.resource.kind == "Namespace" {
        return Err(ApiError::method_not_allowed());
    }
    let selection = Selection::parse(&reading.endpoint, &listed)?;
    let page = read::page(reading, &listed, &selection)?;
    // Boxed: the compiler cannot see that a stream of borrowing futures may be sent between threads.
    let removals: Vec<BoxFuture<'_, Answer<()>>> =
        page.items.iter().map(|stored| remove_listed(writing, stored, &options).boxed()).collect();
    let results: Vec<Answer<()>> = futures::stream::iter(removals).buffered(AT_ONCE).collect().await;
    results.into_iter().collect::<Answer<()>>()?;
    let list =
        reading.shaped().list(&page.items, &ListMeta { version: page.meta.version, ..ListMeta::default() });
    Ok((answer::whole(200, reading.accept.content_type(), list), Vec::new()))
}

/// Deletes one object of a list; it may be gone by now.
async fn remove_listed(writing: &Writing, stored: &Stored, options: &DeleteOptions) -> Answer<()> {
    let header = stored.object.header();
    let namespace = header.namespace.as_ref().map(apimachinery::Namespace::as_str);
    let resource = writing.reading.endpoint.resource.stored_as();
    let place = Place::new(resource, namespace, header.name.as_str());
    match remove(writing, &place, options).await {
        Err(error) if error.reason() == "NotFound" => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Deletes one object.
async fn remove(writing: &Writing, place: &Place, options: &DeleteOptions) -> Answer<Deleted> {
    let reading = &writing.reading;
    let endpoint = &reading.endpoint;
    let now = reading.space.host().clock.now();
    let absent = || ApiError::not_found(&endpoint.resource.group_resource(), &place.name);
    let decide = |stored: Option<&Stored>| -> Answer<(Step, Value)> {
        let stored = stored.ok_or_else(absent)?;
        let mut object = convert::to_storage(endpoint, stored);
        if options.preconditions.is_object() {
            meta::check_preconditions(endpoint, &object, &options.preconditions)?;
        }
        Ok((step(&endpoint.resource, &mut object, options, now), object))
    };
    if options.dry_run {
        let (step, object) = decide(reading.space.newest_state(place).as_deref())?;
        return Ok(Deleted::Dry(object, step == Step::Gone));
    }
    let mut gone = false;
    let stored = reading.space.change(place, |stored| {
        let (step, object) = decide(stored)?;
        gone = step == Step::Gone;
        Ok(match step {
            Step::Gone => Next::Gone(Some(object)),
            Step::Mark => Next::Put(object),
            Step::Keep => Next::Keep,
        })
    });
    let stored = stored.await?.ok_or_else(absent)?;
    Ok(if gone { Deleted::Gone(stored) } else { Deleted::Marked(stored) })
}

/// What a deletion does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes.
    Gone,
    /// It is marked.
    Mark,
    /// It is marked already.
    Keep,
}

/// What a deletion makes of a stored object; requests and controllers share it.
pub(crate) fn step(kind: &Resource, object: &mut Value, options: &DeleteOptions, now: Timestamp) -> Step {
    let resource = kind.group_resource();
    let before = object.clone();
    if resource.group.is_empty() && resource.plural == "namespaces" {
        return namespace_step(object, options, now);
    }
    let deleting = meta::field(object, "deletionTimestamp").is_some();
    if resource == *crd::DEFINITIONS && !deleting {
        crd::mark_deleting(object, &rfc3339_seconds(now));
        return Step::Mark;
    }
    let grace = if kind.kind == "Pod" && resource.group.is_empty() { pod_grace(object, options) } else { 0 };
    if deleting {
        // A deletion that is under way can only be made shorter.
        let left = meta::field(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        let shorter = options.grace_seconds.is_some_and(|wanted| wanted.max(0) < left);
        if left > 0 && !shorter {
            return Step::Keep;
        }
    }
    set_finalizers(kind, object, options);
    if grace == 0 && meta::texts(object, "finalizers").is_empty() {
        // What watchers and the caller see last is the object as it was.
        *object = before;
        return Step::Gone;
    }
    mark(object, grace, now);
    if *object == before { Step::Keep } else { Step::Mark }
}

fn namespace_step(object: &mut Value, options: &DeleteOptions, now: Timestamp) -> Step {
    if meta::field(object, "deletionTimestamp").is_none() {
        meta::set(object, "deletionTimestamp", rfc3339_seconds(now));
        object["status"]["phase"] = "Terminating".into();
        match options.propagation {
            Some(Propagation::Orphan) => add_finalizer(object, ORPHAN),
            Some(Propagation::Foreground) => add_finalizer(object, FOREGROUND),
            _ => {}
        }
        return Step::Mark;
    }
    let held = object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    if held || !meta::texts(object, "finalizers").is_empty() { Step::Keep } else { Step::Gone }
}

/// Sets the time and grace of a deletion, and counts the first one as a change.
fn mark(object: &mut Value, grace: i64, now: Timestamp) {
    if meta::field(object, "deletionTimestamp").is_none() {
        if let Some(generation) = meta::field(object, "generation").and_then(Value::as_i64).filter(|g| *g > 0)
        {
            meta::set(object, "generation", generation + 1);
        }
        let ends = now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(now);
        meta::set(object, "deletionTimestamp", rfc3339_seconds(ends));
    } else if grace == 0 {
        let text = meta::text(object, "deletionTimestamp").to_owned();
        if apimachinery::time::parse(&text).is_none_or(|ends| ends > now) {
            meta::set(object, "deletionTimestamp", rfc3339_seconds(now));
        }
    }
    meta::set(object, "deletionGracePeriodSeconds", grace);
}

/// How long a pod may take: what was asked for, else what it says; not at all if it does not run.
fn pod_grace(pod: &Value, options: &DeleteOptions) -> i64 {
    let runs = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty())
        && !matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    let wanted = options.grace_seconds.or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_i64());
    match wanted.unwrap_or(0) {
        _ if !runs => 0,
        // Negative values are treated as one second.
        ..0 => 1,
        seconds => seconds,
    }
}

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Sets or removes the finalizers by which the collector of garbage does what the options want.
fn set_finalizers(resource: &Resource, object: &mut Value, options: &DeleteOptions) {
    let (group, kind) = (resource.group.as_str(), resource.kind.as_str());
    if kind == "Event" {
        return;
    }
    let had = meta::texts(object, "finalizers");
    let wanted = match options.propagation {
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Background) => None,
        None if had.contains(&ORPHAN) => Some(ORPHAN),
        None if had.contains(&FOREGROUND) => Some(FOREGROUND),
        // For backwards compatibility, as in the real server.
        None if matches!((group, kind), ("batch", "Job") | ("", "ReplicationController")) => Some(ORPHAN),
        None => None,
    };
    let mut finalizers: Vec<&str> =
        had.iter().copied().filter(|finalizer| ![ORPHAN, FOREGROUND].contains(finalizer)).collect();
    finalizers.extend(wanted);
    if finalizers != had {
        let finalizers = json!(finalizers);
        meta::set(object, "finalizers", finalizers);
    }
    if meta::texts(object, "finalizers").is_empty() {
        meta::remove(object, "finalizers");
    }
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut finalizers = meta::texts(object, "finalizers");
    if !finalizers.contains(&finalizer) {
        finalizers.push(finalizer);
        let finalizers = json!(finalizers);
        meta::set(object, "finalizers", finalizers);
    }
}

/// Kinds whose deletion answers with the object instead of a Status. Source: `ReturnDeletedObject` of the registries.
fn returns_object(endpoint: &Endpoint) -> bool {
    let core = [
        "Namespace",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodTemplate",
        "ResourceQuota",
        "Service",
        "ServiceAccount",
    ];
    match endpoint.resource.group.as_str() {
        "" => core.contains(&endpoint.resource.kind.as_str()),
        "storage.k8s.io" => endpoint.resource.kind != "CSIStorageCapacity",
        "resource.k8s.io" => true,
        _ => false,
    }
}

/// Deletes a pod because it was evicted; `options` are those in the eviction.
pub(super) async fn evict(writing: &Writing, options: &Value, dry_run: bool) -> Answer<()> {
    let options = DeleteOptions {
        dry_run: dry_run || options["dryRun"].as_array().is_some_and(|list| !list.is_empty()),
        grace_seconds: options["gracePeriodSeconds"].as_i64(),
        propagation: None,
        preconditions: options["preconditions"].clone(),
    };
    remove(writing, &writing.reading.place(), &options).await.map(|_| ())
}
