//! Applies works, removes what they no longer hold, and reports.

use std::collections::BTreeMap;

use api::ocm::work::{APPLIED_WORK_FINALIZER, AppliedResource, WORK_FINALIZER};
use apimachinery::{Name, Namespace, Object, ObjectId};
use runtime::{Again, ApiError, DeleteOptions, Key, Manager, Reason, Resource, Target};
use serde_json::{Value, json};

use crate::decide::{self, Removal, Step, Strategy};
use crate::observe::{self, Manifest, Work};
use crate::report::{self, Outcome};
use crate::{AGENT_MANAGER, Agent, RETRY, applied, contention, feedback, resources};

/// One pass over the whole mailbox. A work that fails does not stop the others; the first failure of bookkeeping is returned at the end.
pub(crate) async fn pass(agent: &Agent) -> Result<Again, ApiError> {
    let works = observe::works(agent);
    agent.seen.retain(&works);
    agent.repairs.retain(|name| works.iter().any(|work| work.stored.header().name == *name));
    let mut again = Again::WhenWoken;
    let mut first_failure = None;
    for work in &works {
        let outcome =
            if work.stored.header().deleting { remove(agent, work).await } else { apply(agent, work).await };
        match outcome {
            Ok(Again::WhenWoken) => {}
            Ok(later) => again = later,
            Err(error) if matches!(error.reason, Reason::Conflict | Reason::NotFound) => again = RETRY,
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    evict(agent, &works).await?;
    first_failure.map_or(Ok(again), Err)
}

/// Applies one work and reports.
async fn apply(agent: &Agent, work: &Work) -> Result<Again, ApiError> {
    if !has_finalizer(&work.stored, WORK_FINALIZER) {
        add_finalizer(agent, work).await?;
        // The watch brings the work back with its finalizer; nothing is applied before that.
        return Ok(Again::WhenWoken);
    }
    let owner = owner(agent, work).await?;
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    for (ordinal, message) in &work.malformed {
        outcomes.insert(*ordinal, Outcome::failed(message.clone()));
    }
    let mut held: Vec<(AppliedResource, ObjectId)> = Vec::new();
    for manifest in in_order(&work.manifests) {
        let outcome = apply_manifest(agent, work, manifest, &owner).await;
        if let (Some(live), Some(resource)) = (&outcome.live, &outcome.resource) {
            held.push((applied::entry(resource, live), manifest.object.id()));
        }
        outcomes.insert(manifest.ordinal, outcome);
    }
    prune(agent, work, &owner, &held).await?;
    record(agent, &owner, held.into_iter().map(|(entry, _)| entry).collect()).await?;
    let waits = outcomes.values().any(|outcome| outcome.failure.is_some());
    report::write(agent, work, &outcomes).await?;
    feedback::write(agent, work, &owner, &outcomes).await?;
    Ok(if waits { RETRY } else { Again::WhenWoken })
}

/// Namespaces and CRDs before what needs them; the rest in the order of the work, which transport has put in OCM's order of kinds.
fn in_order(manifests: &[Manifest]) -> Vec<&Manifest> {
    let rank = |manifest: &&Manifest| match manifest.object.header().gvk.kind.as_str() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        _ => 2,
    };
    let mut ordered: Vec<&Manifest> = manifests.iter().collect();
    ordered.sort_by_key(rank);
    ordered
}

async fn apply_manifest(agent: &Agent, work: &Work, manifest: &Manifest, owner: &Object) -> Outcome {
    let gvk = &manifest.object.header().gvk;
    let resource = match &manifest.resource {
        Some(resource) => resource.clone(),
        None => match agent.cluster.refresh().await.ok().and_then(|()| agent.cluster.resource_of(gvk)) {
            Some(resource) => {
                agent.cluster.mirror.watch(&resource);
                resource
            }
            None => {
                return Outcome::failed(format!(
                    "cluster {} does not serve {gvk}; is its CustomResourceDefinition placed there?",
                    agent.settings.cluster
                ));
            }
        },
    };
    match place(agent, work, (manifest, &resource), owner).await {
        Ok(live) => Outcome { live, resource: Some(resource), failure: None },
        Err(error) => {
            let secret = manifest.object.header().gvk.kind == "Secret";
            let error = if secret { error.redacted() } else { error };
            let live = read(agent, &resource, &manifest.object.id()).await.ok().flatten();
            // What is there but not ours must not get into the list of what we applied.
            let ours = live.filter(|live| {
                applied::owners(live).iter().any(|uid| Some(uid.as_str()) == owner.header().uid.as_deref())
            });
            Outcome { live: ours, resource: Some(resource), failure: Some(error.message) }
        }
    }
}

/// The object as the mirror has it; live, while its kind has not been listed yet.
pub(crate) async fn read(
    agent: &Agent,
    resource: &Resource,
    id: &ObjectId,
) -> Result<Option<Object>, ApiError> {
    if agent.cluster.mirror.is_synced(&resource.group_resource()) {
        return Ok(agent.cluster.live(resource, id));
    }
    agent.cluster.connection.get(resource, id.namespace.as_ref(), &id.name).await
}

/// Brings one object in place; returns it as it is then.
async fn place(
    agent: &Agent,
    work: &Work,
    what: (&Manifest, &Resource),
    owner: &Object,
) -> Result<Option<Object>, ApiError> {
    let (manifest, resource) = what;
    let name = &work.stored.header().name;
    let live = read(agent, resource, &manifest.object.id()).await?;
    if let Some(live) = live.as_ref().filter(|live| agent.seen.in_place(name, &manifest.object, live)) {
        return Ok(Some(live.clone()));
    }
    let strategy = decide::strategy(&work.spec, &manifest.object.id(), resource.plural.as_str());
    let kinds = agent.cluster.kinds();
    let wec = &agent.cluster.connection;
    let step = decide::step(&manifest.object, live.as_ref(), &strategy, owner, &kinds);
    let repairs = step.writes() && agent.seen.was_in_place(name, &manifest.object);
    let now = agent.settings.clock.monotonic();
    if repairs && !agent.repairs.admit(name, &manifest.object.id(), now) {
        return Err(contended(agent, &manifest.object, live.as_ref(), &strategy));
    }
    let written = match step {
        Step::Nothing => live,
        Step::Missing => return Ok(None),
        Step::Create(object) => Some(wec.create(resource, &object, decide::WORK_AGENT).await?),
        Step::Replace(object) => Some(wec.replace(resource, &object, decide::WORK_AGENT).await?),
        Step::Apply { object, manager, force } => {
            Some(wec.apply(resource, &object, Manager { name: &manager, force }).await?)
        }
    };
    if let Some(written) = &written {
        agent.cluster.mirror.note(&resource.group_resource(), written.clone());
        agent.seen.note(name, &manifest.object, written);
    }
    Ok(written)
}

fn contended(agent: &Agent, manifest: &Object, live: Option<&Object>, strategy: &Strategy) -> ApiError {
    let manager = match strategy {
        Strategy::Apply { manager, .. } => manager,
        _ => decide::WORK_AGENT,
    };
    let message = contention::in_words(manifest, live, manager, &agent.cluster.kinds());
    ApiError::untold(
        format!("repair {}", manifest.id()),
        &agent.cluster.connection,
        Reason::Conflict,
        message,
    )
}

fn has_finalizer(object: &Object, finalizer: &str) -> bool {
    finalizers(object).iter().any(|f| f == finalizer)
}

fn finalizers(object: &Object) -> Vec<String> {
    let value = object.to_value();
    let list = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|f| f.as_str().map(str::to_owned)).collect()
}

async fn add_finalizer(agent: &Agent, work: &Work) -> Result<(), ApiError> {
    let mut list = finalizers(&work.stored);
    list.push(WORK_FINALIZER.to_owned());
    write_finalizers(agent, work, &list).await
}

/// The version is a precondition: somebody else's finalizer must not be lost.
async fn write_finalizers(agent: &Agent, work: &Work, list: &[String]) -> Result<(), ApiError> {
    let header = work.stored.header();
    let patch =
        json!({ "metadata": { "finalizers": list, "resourceVersion": header.resource_version.as_deref() } });
    let resource = resources::manifest_works();
    let target = Target {
        resource: &resource,
        namespace: header.namespace.as_ref(),
        name: &header.name,
        subresource: "",
    };
    let stored = agent.settings.its.merge(target, &patch, AGENT_MANAGER).await?;
    agent.mailbox.note(&resource.group_resource(), stored);
    // The own write does not wake a reader of the mirror, its watch event may have come first.
    agent.wake.wake();
    Ok(())
}

/// The AppliedManifestWork of a work, created where it is missing. One that is on its way out belonged to an earlier work of this name: what it would own now would be
/// orphaned with what it owned then. Its end wakes the agent.
async fn owner(agent: &Agent, work: &Work) -> Result<Object, ApiError> {
    let resource = resources::applied_works();
    let name = applied::name(&agent.cluster.hub_hash, &work.stored.header().name);
    let key = Key { resource: resource.group_resource(), namespace: None, name: name.clone() };
    if let Some(known) = agent.cluster.mirror.get(&key).filter(|known| !known.header().deleting) {
        return Ok(known);
    }
    let wec = &agent.cluster.connection;
    match wec.get(&resource, None, &name).await? {
        Some(found) if found.header().deleting => return Err(being_removed(agent, &name)),
        Some(found) => return Ok(found),
        None => {}
    }
    let Some(object) = applied::object(&agent.cluster.hub_hash, &work.stored) else {
        return Ok(work.stored.clone());
    };
    let created = wec.create(&resource, &object, AGENT_MANAGER).await?;
    agent.cluster.mirror.note(&resource.group_resource(), created.clone());
    Ok(created)
}

fn being_removed(agent: &Agent, name: &Name) -> ApiError {
    let message = "that of an earlier work of this name is still being removed";
    let what = format!("create AppliedManifestWork {name}");
    ApiError::untold(what, &agent.cluster.connection, Reason::Conflict, message)
}

/// Removes what an AppliedManifestWork lists and its work no longer holds.
async fn prune(
    agent: &Agent,
    work: &Work,
    owner: &Object,
    held: &[(AppliedResource, ObjectId)],
) -> Result<(), ApiError> {
    for entry in applied::resources(owner) {
        let Some(resource) = agent.cluster.by_plural(&entry.group, &entry.resource) else { continue };
        let id = applied::object_id(&entry, &resource);
        let wanted =
            held.iter().any(|(_, known)| *known == id) || work.manifests.iter().any(|m| m.object.id() == id);
        if !wanted {
            take_away(agent, (&resource, &id), &entry.uid, owner, false).await?;
        }
    }
    Ok(())
}

/// Deletes or releases one object; whether it is gone from our point of view.
async fn take_away(
    agent: &Agent,
    what: (&Resource, &ObjectId),
    uid: &str,
    owner: &Object,
    orphan: bool,
) -> Result<bool, ApiError> {
    let (resource, id) = what;
    let wec = &agent.cluster.connection;
    // Removal is decided from the server's own answer, never from the mirror.
    let live = wec.get(resource, id.namespace.as_ref(), &id.name).await?;
    match decide::removal(live.as_ref(), uid, owner, orphan) {
        Removal::Nothing => Ok(live.is_none_or(|live| !decide::is_held(&live, uid, owner))),
        Removal::Delete { uid } => {
            let target =
                Target { resource, namespace: id.namespace.as_ref(), name: &id.name, subresource: "" };
            wec.delete(target, &DeleteOptions { uid: Some(uid), ..DeleteOptions::default() }).await?;
            Ok(false)
        }
        Removal::Release(object) => {
            wec.replace(resource, &object, AGENT_MANAGER).await?;
            Ok(true)
        }
    }
}

/// Writes the list of applied objects, if it changed.
async fn record(agent: &Agent, owner: &Object, mut list: Vec<AppliedResource>) -> Result<(), ApiError> {
    list.sort();
    let mut status = applied::status(owner);
    let mut known = status.applied_resources.clone();
    known.sort();
    if known == list {
        return Ok(());
    }
    status.applied_resources = list;
    let mut value = owner.to_value();
    value["status"] = serde_json::to_value(&status).unwrap_or_default();
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    let Ok(wanted) = Object::from_value(&value) else { return Ok(()) };
    let resource = resources::applied_works();
    let stored = agent.cluster.connection.replace_status(&resource, &wanted, AGENT_MANAGER).await?;
    agent.cluster.mirror.note(&resource.group_resource(), stored);
    Ok(())
}

/// A work that is being deleted: first its objects, then its AppliedManifestWork, then the finalizer.
async fn remove(agent: &Agent, work: &Work) -> Result<Again, ApiError> {
    if !has_finalizer(&work.stored, WORK_FINALIZER) {
        return Ok(Again::WhenWoken);
    }
    let resource = resources::applied_works();
    let name = applied::name(&agent.cluster.hub_hash, &work.stored.header().name);
    if let Some(owner) = agent.cluster.connection.get(&resource, None, &name).await?
        && !clear(agent, &owner, |id, plural| decide::is_orphaned(&work.spec, id, plural)).await?
    {
        report::deleting(agent, work).await?;
        return Ok(RETRY);
    }
    let rest: Vec<String> = finalizers(&work.stored).into_iter().filter(|f| f != WORK_FINALIZER).collect();
    write_finalizers(agent, work, &rest).await?;
    Ok(Again::WhenWoken)
}

/// Takes everything away that an AppliedManifestWork lists, and then itself; whether all is gone.
async fn clear(
    agent: &Agent,
    owner: &Object,
    orphaned: impl Fn(&ObjectId, &str) -> bool,
) -> Result<bool, ApiError> {
    let mut all_gone = true;
    for entry in applied::resources(owner) {
        let Some(resource) = agent.cluster.by_plural(&entry.group, &entry.resource) else { continue };
        agent.cluster.mirror.watch(&resource);
        let id = applied::object_id(&entry, &resource);
        let orphan = orphaned(&id, &entry.resource);
        all_gone &= take_away(agent, (&resource, &id), &entry.uid, owner, orphan).await?;
    }
    if !all_gone {
        return Ok(false);
    }
    let resource = resources::applied_works();
    let name: &Name = &owner.header().name;
    let wec = &agent.cluster.connection;
    let target = Target { resource: &resource, namespace: None, name, subresource: "" };
    let uid = owner.header().uid.as_deref().map(str::to_owned);
    wec.delete(target, &DeleteOptions { uid, orphan: true, ..DeleteOptions::default() }).await?;
    if let Some(left) = wec.get(&resource, None, name).await? {
        let rest: Vec<String> =
            finalizers(&left).into_iter().filter(|f| f != APPLIED_WORK_FINALIZER).collect();
        let patch = json!({ "metadata": { "finalizers": rest } });
        match wec.merge(target, &patch, AGENT_MANAGER).await {
            Err(error) if error.is_not_found() => {}
            other => drop(other?),
        }
    }
    Ok(true)
}

/// How long what a vanished work applied is kept.
const EVICTION_S: i64 = 60 * 60;

/// AppliedManifestWorks of ours whose work vanished without a deletion that we saw: kept for an hour, because a restored hub may bring it back.
async fn evict(agent: &Agent, works: &[Work]) -> Result<(), ApiError> {
    let prefix = format!("{}-", agent.cluster.hub_hash);
    for owner in agent.cluster.mirror.list(&resources::applied_works().group_resource()) {
        let Some(work) = owner.header().name.as_str().strip_prefix(&prefix) else { continue };
        if works.iter().any(|known| known.stored.header().name.as_str() == work) {
            continue;
        }
        // The mirror may lag: ask.
        let namespace = Namespace::from(agent.settings.cluster.as_str());
        if agent
            .settings
            .its
            .get(&resources::manifest_works(), Some(&namespace), &Name::from(work))
            .await?
            .is_some()
        {
            continue;
        }
        let now = agent.settings.clock.now();
        let since = applied::status(&owner)
            .eviction_start_time
            .and_then(|text| text.parse::<apimachinery::Timestamp>().ok());
        match since {
            Some(since) if now.as_second() - since.as_second() >= EVICTION_S => {
                clear(agent, &owner, |_, _| false).await?;
            }
            Some(_) => {}
            None => start_eviction(agent, &owner).await?,
        }
    }
    Ok(())
}

async fn start_eviction(agent: &Agent, owner: &Object) -> Result<(), ApiError> {
    let resource = resources::applied_works();
    let now = apimachinery::clock::rfc3339_seconds(agent.settings.clock.now());
    let patch = json!({ "status": { "evictionStartTime": now } });
    let target =
        Target { resource: &resource, namespace: None, name: &owner.header().name, subresource: "status" };
    let stored = agent.cluster.connection.merge(target, &patch, AGENT_MANAGER).await?;
    agent.cluster.mirror.note(&resource.group_resource(), stored);
    Ok(())
}
