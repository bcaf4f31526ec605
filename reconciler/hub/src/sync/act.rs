//! Performs a sync plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use apimachinery::{GroupVersionKind, Object, ObjectId};
use plan::finding::policies::invalid_selectors;
use plan::finding::{Finding, Severity};
use plan::policy::is_policy;
use plan::sync::{
    ApplyStep, OnConflict, Outcome, PruneRefusal, SyncPlan, SyncStep, WriteMode, ledger_after, on_conflict,
};
use plan::{Origin, Policy, SourceName, intent};
use runtime::{ApiError, DeleteOptions, Manager, Reason, Resource, Target};

use super::ledger;
use crate::board::{Revision, SyncFailure};
use crate::kinds;
use crate::world::World;

/// How long a sync waits for a kind whose CRD it has just applied. What still waits then fails and is tried again when the kind appears.
const KIND_TIMEOUT: Duration = Duration::from_secs(10);
const KIND_POLL: Duration = Duration::from_millis(50);

/// What came of a sync.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) failures: Vec<SyncFailure>,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// What a plan itself reports: objects that are refused or declared twice, removals that are refused.
    pub(super) fn of_plan(plan: &SyncPlan, revision: &Revision) -> Self {
        let findings: Vec<Finding> = plan.refused.values().chain(plan.duplicates.values()).cloned().collect();
        let refused = plan.refused.iter().chain(&plan.duplicates);
        let refused = refused.map(|(id, finding)| failure(id, revision, finding.message.clone()));
        let kept = plan.kept.iter().filter_map(|(id, why)| Some(failure(id, revision, kept_in_words(why)?)));
        let mut report = Self { failures: refused.chain(kept).collect(), findings };
        report.tell_unclear_policies(revision);
        report
    }

    /// A policy that the WDS takes may be one that nobody understands.
    fn tell_unclear_policies(&mut self, revision: &Revision) {
        let units = revision.declaration.units.iter().flat_map(|unit| unit.objects.iter());
        for declared in units.chain(&revision.declaration.policies) {
            let id = declared.object.id();
            if !is_policy(&id) {
                continue;
            }
            let parsed = Policy::parse(&declared.object.to_value(), Some(declared.origin.clone()));
            let Some(policy) = parsed else { continue };
            let unclear: Vec<Finding> = invalid_selectors(&policy).collect();
            self.failures
                .extend(unclear.iter().map(|finding| failure(&id, revision, finding.message.clone())));
            self.findings.extend(unclear);
        }
    }
}

fn failure(id: &ObjectId, revision: &Revision, message: String) -> SyncFailure {
    SyncFailure {
        object: id.clone(),
        origin: origin_of(id, revision).map(|origin| origin.to_string()),
        message,
    }
}

fn origin_of(id: &ObjectId, revision: &Revision) -> Option<Origin> {
    let units = revision.declaration.units.iter().flat_map(|unit| unit.objects.iter());
    units
        .chain(&revision.declaration.policies)
        .find(|declared| declared.object.id() == *id)
        .map(|declared| declared.origin.clone())
}

/// Only what a person must look at; units that keep their objects on purpose are told elsewhere.
fn kept_in_words(why: &PruneRefusal) -> Option<String> {
    let detail = match why {
        PruneRefusal::Unreadable(detail) => format!("it could not be read ({detail})"),
        PruneRefusal::NotNamed => {
            "its annotation gitstellar.io/object does not name this source and object".to_owned()
        }
        PruneRefusal::OtherUid => "somebody deleted and created it again since it was applied".to_owned(),
        PruneRefusal::NoUid => {
            "whether this source created it is not known, and others own fields of it".to_owned()
        }
        PruneRefusal::NotOurs => "our field manager owns nothing of it any more".to_owned(),
        PruneRefusal::UnitFailed(_) | PruneRefusal::PruneOff(_) | PruneRefusal::Held => return None,
    };
    Some(format!("no longer declared, but not removed: {detail}; delete it by hand if it is not wanted"))
}

/// Performs the steps in order. A step that fails does not stop the others; bookkeeping that fails stops all.
pub(super) async fn act(
    world: &Arc<World>,
    source: &SourceName,
    revision: &Revision,
    plan: &SyncPlan,
) -> Result<Report, ApiError> {
    let (wds, mirror) = (&world.wds.connection, &world.wds.mirror);
    ledger::write(wds, mirror, source, &plan.ledger_before).await?;
    let mut report = Report::of_plan(plan, revision);
    let mut outcomes: BTreeMap<ObjectId, Outcome> = BTreeMap::new();
    for step in &plan.steps {
        match step {
            SyncStep::Apply(step) => {
                let id = step.object.id();
                let outcome = match write(world, source, step).await {
                    Ok((stored, finding)) => {
                        report.findings.extend(finding);
                        Outcome::Applied(stored.header().uid.as_deref().unwrap_or_default().to_owned())
                    }
                    Err(error) => Outcome::Failed(in_words(&id, error)),
                };
                outcomes.insert(id, outcome);
            }
            SyncStep::WaitForKind(gvk) => wait_for_kind(world, gvk).await,
            SyncStep::Prune { id, uid, resource_version, .. } => {
                let outcome = prune(world, id, uid, resource_version).await;
                outcomes.insert(id.clone(), outcome);
            }
        }
    }
    for (id, outcome) in &outcomes {
        if let Outcome::Failed(message) = outcome {
            report.failures.push(failure(id, revision, message.clone()));
        }
    }
    ledger::write(wds, mirror, source, &ledger_after(plan, &outcomes)).await?;
    Ok(report)
}

/// What a server says of a Secret may quote its values.
fn in_words(id: &ObjectId, error: ApiError) -> String {
    let error = if id.kind == "Secret" && id.group.is_empty() { error.redacted() } else { error };
    error.message
}

async fn write(
    world: &World,
    source: &SourceName,
    step: &ApplyStep,
) -> Result<(Object, Option<Finding>), ApiError> {
    let gvk = &step.object.header().gvk;
    let Some(resource) = world.wds.resource_in(gvk) else { return Err(not_served(world, gvk)) };
    let stored = match step.mode {
        WriteMode::Apply => apply(world, source, &resource, &step.object).await?,
        WriteMode::Update => update(world, source, &resource, step).await?,
    };
    world.wds.mirror.note(&resource.group_resource(), stored.clone());
    let answer = intent::answer(&step.object, &stored, source, &world.wds.kinds());
    let stored = match answer.corrected {
        Some(digest) => correct(world, source, &resource, (&step.object, digest)).await?,
        None => stored,
    };
    let finding = (!answer.mutated.is_empty()).then(|| Finding {
        severity: Severity::Warning,
        id: "mutated-in-wds",
        origin: Some(step.origin.clone()),
        message: format!(
            "{}: the WDS changed declared fields: {}",
            step.object.id(),
            answer.mutated.join(", ")
        ),
    });
    Ok((stored, finding))
}

/// Applies without force; repairs a hand edit, refuses to fight another source.
async fn apply(
    world: &World,
    source: &SourceName,
    resource: &Resource,
    object: &Object,
) -> Result<Object, ApiError> {
    let manager = source.field_manager();
    let wds = &world.wds.connection;
    let conflict = match wds.apply(resource, object, Manager { name: &manager, force: false }).await {
        Err(error) if error.reason == Reason::Conflict => error,
        other => return other,
    };
    match on_conflict(source, &managers_in(&conflict.message)) {
        OnConflict::Force => wds.apply(resource, object, Manager { name: &manager, force: true }).await,
        OnConflict::Refuse(other) => Err(ApiError {
            message: format!(
                "source {other} declares it, too, with other content; one of the two must give it up"
            ),
            ..conflict
        }),
    }
}

/// The managers that a conflict message names, between double quotes after `conflict(s) with`.
fn managers_in(message: &str) -> Vec<String> {
    message.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// For objects that server-side apply refuses: create, or replace while keeping what is not ours to say.
async fn update(
    world: &World,
    source: &SourceName,
    resource: &Resource,
    step: &ApplyStep,
) -> Result<Object, ApiError> {
    let manager = source.field_manager();
    let wds = &world.wds.connection;
    let header = step.object.header();
    let Some(stored) = wds.get(resource, header.namespace.as_ref(), &header.name).await? else {
        return wds.create(resource, &step.object, &manager).await;
    };
    let (stored, mut wanted) = (stored.to_value(), step.object.to_value());
    for field in ["resourceVersion", "uid", "finalizers", "ownerReferences"] {
        if let Some(value) = stored["metadata"].get(field) {
            wanted["metadata"][field] = value.clone();
        }
    }
    if let Some(status) = stored.get("status") {
        wanted["status"] = status.clone();
    }
    match Object::from_value(&wanted) {
        Ok(wanted) => wds.replace(resource, &wanted, &manager).await,
        Err(error) => {
            let what = format!("update {}", header.id());
            Err(ApiError::untold(what, wds, Reason::Invalid, error.to_string()))
        }
    }
}

/// The server's normal form differs from ours: the digest of what it stored becomes the one that the gate compares with.
async fn correct(
    world: &World,
    source: &SourceName,
    resource: &Resource,
    sent: (&Object, apimachinery::Digest),
) -> Result<Object, ApiError> {
    let (object, digest) = sent;
    let stored = apply(world, source, resource, &intent::corrected(object, digest)).await?;
    world.wds.mirror.note(&resource.group_resource(), stored.clone());
    Ok(stored)
}

fn not_served(world: &World, gvk: &GroupVersionKind) -> ApiError {
    let message = format!(
        "the WDS does not serve {gvk}; it is applied as soon as its CustomResourceDefinition is there (kind-not-served)"
    );
    ApiError::untold(format!("apply {gvk}"), &world.wds.connection, Reason::NotFound, message)
}

async fn wait_for_kind(world: &World, gvk: &GroupVersionKind) {
    let served = async {
        while world.wds.resource_in(gvk).is_none_or(|r| !world.wds.mirror.is_synced(&r.group_resource())) {
            if let Err(error) = kinds::refresh(world).await {
                tracing::debug!(%gvk, %error, "waiting for a kind");
            }
            tokio::time::sleep(KIND_POLL).await;
        }
    };
    if tokio::time::timeout(KIND_TIMEOUT, served).await.is_err() {
        tracing::info!(%gvk, "the WDS does not serve this kind yet; its objects wait");
    }
}

/// Removes one object; the preconditions are what the decision was made from, so anything that changed since refuses it.
async fn prune(world: &World, id: &ObjectId, uid: &str, resource_version: &str) -> Outcome {
    let Some(resource) = world.wds.resource_of(&id.group_kind()) else {
        return Outcome::Failed("its kind is not served any more".to_owned());
    };
    let options = DeleteOptions {
        uid: Some(uid.to_owned()),
        resource_version: Some(resource_version.to_owned()),
        orphan: false,
    };
    let target =
        Target { resource: &resource, namespace: id.namespace.as_ref(), name: &id.name, subresource: "" };
    match world.wds.connection.delete(target, &options).await {
        Ok(_) => Outcome::Pruned,
        Err(error) => Outcome::Failed(in_words(id, error)),
    }
}
