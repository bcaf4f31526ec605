//! StatefulSets: pods with names that stay, one after the other, each with its claims.
//!
//! Source of order and rules: `pkg/controller/statefulset`. As upstream, a pod that never gets ready stops a rollout until somebody deletes it, also when the
//! template is mended meanwhile. `persistentVolumeClaimRetentionPolicy.whenScaled` is not played: claims stay.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::{Live, items, text, texts};
use crate::owner;
use crate::pod::{self, Replica};
use crate::queue::Controller;
use crate::revision::{History, REVISION_HASH};
use crate::step::{Actor, CONTROLLERS, Step};
use crate::template;
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "statefulset-controller" };

/// Plays the StatefulSet controller.
pub(crate) struct StatefulSets;

/// A set, its pods by ordinal, and what is known of its claims and revisions.
struct Observed {
    set: Live,
    pods: BTreeMap<i64, Replica>,
    history: History,
    /// Claims in the namespace.
    claims: BTreeSet<String>,
    adoptions: Vec<Step>,
    again: Again,
}

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset"
    }

    fn primary(&self) -> Kind {
        Kind::StatefulSet
    }

    fn concerns(&self, _: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if ![Kind::Pod, Kind::ControllerRevision].contains(&kind) {
            return Vec::new();
        }
        owner::controller_id(object).into_iter().filter(|id| id.kind == Kind::StatefulSet).collect()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let outcome = world.act(ACTOR, decide(&observed)).await;
            // What was just made or deleted counts.
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let status = Step::status(&observed.set, status(&observed));
            world.act(ACTOR, status.into_iter().collect()).await?;
            outcome.map(|()| observed.again)
        }
        .boxed()
    }
}

fn observe(world: &World, id: &Id) -> Option<Observed> {
    let Some(set) = world.get(id) else {
        world.memory.forget(id);
        return None;
    };
    let selector = set.selector("/spec/selector");
    let (owned, adoptions) = owner::claim(&set, &selector, world.candidates(Kind::Pod, &set, &selector));
    let history = History::observe(world, &set);
    let (replicas, again) = pod::replicas(world, owned, set.count("/spec/minReadySeconds"));
    let numbered =
        replicas.into_iter().filter_map(|replica| Some((ordinal(&set, replica.pod.name())?, replica)));
    let claims = world.select(Kind::PersistentVolumeClaim, set.namespace(), |_| true);
    let claims = claims.iter().map(|claim| claim.name().to_owned()).collect();
    Some(Observed { pods: numbered.collect(), set, history, claims, adoptions, again })
}

fn ordinal(set: &Live, pod: &str) -> Option<i64> {
    pod.strip_prefix(set.name())?.strip_prefix('-')?.parse().ok()
}

/// First and last ordinal plus one.
fn ordinals(set: &Live) -> std::ops::Range<i64> {
    let start = set.count("/spec/ordinals/start");
    start..start + set.int("/spec/replicas").unwrap_or(1)
}

/// The revision that pods had before the present rollout.
fn current_revision(observed: &Observed) -> &str {
    let current = observed.set.text("/status/currentRevision");
    let known = observed.history.revisions.iter().any(|revision| revision.name() == current);
    if known { current } else { &observed.history.name }
}

fn decide(observed: &Observed) -> Vec<Step> {
    let Observed { set, history, adoptions, .. } = observed;
    if set.deleting() {
        return Vec::new();
    }
    let mut steps = adoptions.clone();
    steps.extend(history.record(set));
    steps.extend(pods(observed));
    let used = observed.pods.values().filter_map(|replica| replica.pod.labels().get(REVISION_HASH));
    let used = used.map(String::as_str).chain([history.name.as_str(), current_revision(observed)]).collect();
    steps.extend(history.forget(set, &used));
    steps
}

/// Pods to make and to delete now: replicas in order, then those that are too many from the end, then the next one with an old revision.
fn pods(observed: &Observed) -> Vec<Step> {
    let set = &observed.set;
    let ordered = set.text("/spec/podManagementPolicy") != "Parallel";
    let wanted = ordinals(set);
    let mut steps = Vec::new();
    for ordinal in wanted.clone() {
        let waits = match observed.pods.get(&ordinal) {
            None => {
                steps.extend(created(observed, ordinal));
                true
            }
            Some(replica) if pod::is_over(&replica.pod) && !replica.pod.deleting() => {
                steps.extend(deleted(set, &replica.pod));
                true
            }
            Some(replica) => replica.pod.deleting() || !replica.available,
        };
        if waits && ordered {
            return steps;
        }
    }
    for (_, replica) in
        observed.pods.range(wanted.end..).rev().chain(observed.pods.range(..wanted.start).rev())
    {
        if !replica.pod.deleting() {
            steps.extend(deleted(set, &replica.pod));
        }
        if ordered {
            return steps;
        }
    }
    if steps.is_empty() { outdated(observed) } else { steps }
}

/// The next pod that has to go because of its revision: from the last, once all behind it are healthy.
fn outdated(observed: &Observed) -> Vec<Step> {
    let set = &observed.set;
    if set.text("/spec/updateStrategy/type") == "OnDelete" {
        return Vec::new();
    }
    let partition = set.count("/spec/updateStrategy/rollingUpdate/partition");
    let wanted = ordinals(set);
    for (_, replica) in
        observed.pods.range(wanted.start + partition.max(0)..wanted.end.max(wanted.start + partition)).rev()
    {
        if replica.pod.deleting() {
            return Vec::new();
        }
        if replica.pod.labels().get(REVISION_HASH) != Some(&observed.history.name) {
            return deleted(set, &replica.pod);
        }
        if !replica.available {
            return Vec::new();
        }
    }
    Vec::new()
}

fn deleted(set: &Live, pod: &Live) -> Vec<Step> {
    let (set_name, name) = (set.name(), pod.name());
    let message = format!("delete Pod {name} in StatefulSet {set_name} successful");
    vec![Step::delete(pod), Step::tell(set, "SuccessfulDelete", message)]
}

/// The claims of a pod that are missing, and the pod.
fn created(observed: &Observed, ordinal: i64) -> Vec<Step> {
    let Observed { set, history, claims, .. } = observed;
    let name = format!("{}-{ordinal}", set.name());
    let partition = set.count("/spec/updateStrategy/rollingUpdate/partition");
    let current = current_revision(observed);
    let before = ordinal < ordinals(set).start + partition;
    let (revision, template) = match before.then(|| history.template(current)).flatten() {
        Some(template) => (current, template),
        None => (history.name.as_str(), template::of(set).clone()),
    };
    let mut steps = Vec::new();
    for claim in set.items("/spec/volumeClaimTemplates") {
        let claim_name = claim_name(claim, &name);
        if !claims.contains(&claim_name) {
            let message =
                format!("create Claim {claim_name} Pod {name} in StatefulSet {} success", set.name());
            steps.push(Step::Create(made_claim(set, claim, &claim_name)));
            steps.push(Step::tell(set, "SuccessfulCreate", message));
        }
    }
    steps.push(Step::Create(made_pod(set, &template, &name, (ordinal, revision))));
    let message = format!("create Pod {name} in StatefulSet {} successful", set.name());
    steps.push(Step::tell(set, "SuccessfulCreate", message));
    steps
}

fn claim_name(claim: &Value, pod: &str) -> String {
    format!("{}-{pod}", text(claim, "/metadata/name"))
}

fn made_claim(set: &Live, claim: &Value, name: &str) -> Value {
    let mut labels = texts(&set.value, "/spec/selector/matchLabels");
    labels.extend(texts(claim, "/metadata/labels"));
    let mut made = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "namespace": set.namespace(), "labels": labels, "annotations": texts(claim, "/metadata/annotations") },
        "spec": claim.get("spec").cloned().unwrap_or_default()
    });
    if set.text("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == "Delete" {
        made["metadata"]["ownerReferences"] = json!([owner::reference(set)]);
    }
    made
}

fn made_pod(set: &Live, template: &Value, name: &str, which: (i64, &str)) -> Value {
    let (ordinal, revision) = which;
    let mut pod = template::pod(set, template, name);
    template::label(&mut pod, REVISION_HASH, revision);
    template::label(&mut pod, "statefulset.kubernetes.io/pod-name", name);
    template::label(&mut pod, "apps.kubernetes.io/pod-index", &ordinal.to_string());
    pod["spec"]["hostname"] = json!(name);
    let service = set.text("/spec/serviceName");
    if !service.is_empty() {
        pod["spec"]["subdomain"] = json!(service);
    }
    let claims = set.items("/spec/volumeClaimTemplates");
    if !claims.is_empty() {
        let named: Vec<&str> = claims.iter().map(|claim| text(claim, "/metadata/name")).collect();
        let others = items(&pod, "/spec/volumes")
            .iter()
            .filter(|volume| !named.contains(&text(volume, "/name")))
            .cloned();
        let of_claims = claims.iter().map(|claim| {
            json!({ "name": text(claim, "/metadata/name"), "persistentVolumeClaim": { "claimName": claim_name(claim, name) } })
        });
        let volumes: Vec<Value> = of_claims.chain(others).collect();
        pod["spec"]["volumes"] = json!(volumes);
    }
    pod
}

fn status(observed: &Observed) -> Value {
    let Observed { set, pods, history, .. } = observed;
    let current = current_revision(observed);
    let count = |counts: &dyn Fn(&Replica) -> bool| {
        i64::try_from(pods.values().filter(|replica| counts(replica)).count()).unwrap_or(i64::MAX)
    };
    let of = |revision: &str| {
        count(&|replica| {
            !replica.pod.deleting() && replica.pod.labels().get(REVISION_HASH).is_some_and(|r| r == revision)
        })
    };
    let (replicas, ready) = (count(&|_| true), count(&|replica| replica.ready));
    let (mut currents, updated) = (of(current), of(&history.name));
    let rolling = set.text("/spec/updateStrategy/type") != "OnDelete";
    let done = rolling && updated == replicas && ready == replicas;
    if done {
        currents = updated;
    }
    let mut status = json!({
        "observedGeneration": set.generation(), "replicas": replicas, "readyReplicas": ready,
        "availableReplicas": count(&|replica| replica.available), "currentReplicas": currents, "updatedReplicas": updated,
        "currentRevision": if done { &history.name } else { current }, "updateRevision": history.name,
        "collisionCount": set.count("/status/collisionCount")
    });
    if let Some(conditions) = set.value.pointer("/status/conditions") {
        status["conditions"] = conditions.clone();
    }
    status
}

#[cfg(test)]
mod tests;
