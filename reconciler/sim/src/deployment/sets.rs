//! The ReplicaSets of a Deployment.

use serde_json::{Map, Value, json};

use super::rollout::{Limits, Resize};
use crate::live::Live;
use crate::naming;
use crate::owner;
use crate::pod::TEMPLATE_HASH;
use crate::step::Step;
use crate::template;

pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// Annotations of a Deployment that its sets do not get. Source: `annotationsToSkip`.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

/// One set.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub live: Live,
    /// What its spec asks for.
    pub replicas: i64,
    /// How many pods it has, are ready, are available.
    pub running: i64,
    pub ready: i64,
    pub available: i64,
    /// How many replicas the Deployment wanted, and could at most have, when the set was last scaled.
    pub desired: Option<i64>,
    pub most: Option<i64>,
}

impl Set {
    fn of(live: Live) -> Self {
        let number = |annotation: &str| live.annotation(annotation).and_then(|number| number.parse().ok());
        Self {
            replicas: live.int("/spec/replicas").unwrap_or(1),
            running: live.count("/status/replicas"),
            ready: live.count("/status/readyReplicas"),
            available: live.count("/status/availableReplicas"),
            desired: number(DESIRED),
            most: number(MOST),
            live,
        }
    }

    pub(crate) fn revision(&self) -> i64 {
        self.live.annotation(REVISION).and_then(|revision| revision.parse().ok()).unwrap_or_default()
    }
}

/// The new set, if it has been made, and the old ones, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Sets {
    pub new: Option<Set>,
    pub old: Vec<Set>,
}

impl Sets {
    /// The new set is the oldest one with the template of the Deployment, or the one that bears its hash.
    pub(crate) fn of(deployment: &Live, owned: Vec<Live>) -> Self {
        let mut old: Vec<Set> = owned.into_iter().map(Set::of).collect();
        old.sort_by_cached_key(|set| set.live.by_age());
        let wanted = plain(template::of(deployment));
        let hash = hash(deployment);
        let place = old
            .iter()
            .position(|set| plain(template::of(&set.live)) == wanted)
            .or_else(|| old.iter().position(|set| set.live.labels().get(TEMPLATE_HASH) == Some(&hash)));
        let new = place.map(|place| old.remove(place));
        Self { new, old }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Set> {
        self.new.iter().chain(&self.old)
    }

    /// Makes the new set, with as many pods as there may be now.
    pub(crate) fn create(&self, deployment: &Live, limits: &Limits, recreate: bool) -> Vec<Step> {
        let hash = hash(deployment);
        let name = naming::generated(deployment.name(), &hash);
        let replicas = limits.of_new(0, self.old.iter().map(|set| set.replicas).sum(), recreate);
        let revision = self.next_revision();
        let mut template = template::of(deployment).clone();
        template::label(&mut template, TEMPLATE_HASH, &hash);
        let mut selector = deployment.value.pointer("/spec/selector").cloned().unwrap_or_default();
        selector["matchLabels"][TEMPLATE_HASH] = json!(hash);
        let mut annotations = inherited(deployment);
        annotations.insert(REVISION.to_owned(), json!(revision.to_string()));
        annotations.extend(limits.annotations());
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": name, "namespace": deployment.namespace(), "labels": template["metadata"]["labels"],
                "annotations": annotations, "ownerReferences": [owner::reference(deployment)]
            },
            "spec": {
                "replicas": replicas, "minReadySeconds": deployment.count("/spec/minReadySeconds"),
                "selector": selector, "template": template
            }
        });
        let told = scaled(deployment, &name, 0, replicas);
        let mut steps = vec![Step::Create(set)];
        steps.extend((replicas > 0).then_some(told));
        steps.extend(revised(deployment, revision));
        steps
    }

    /// Brings the new set's annotations and minReadySeconds, and the Deployment's revision, up to date.
    pub(crate) fn revisions(&self, deployment: &Live, limits: &Limits) -> Vec<Step> {
        let Some(new) = &self.new else { return Vec::new() };
        let newest_old = self.old.iter().map(Set::revision).max().unwrap_or_default();
        let revision = if new.revision() > newest_old { new.revision() } else { newest_old + 1 };
        let mut wanted = inherited(deployment);
        wanted.insert(REVISION.to_owned(), json!(revision.to_string()));
        if new.desired.is_none() {
            wanted.extend(limits.annotations());
        }
        wanted.retain(|key, value| new.live.annotation(key) != value.as_str());
        let seconds = deployment.count("/spec/minReadySeconds");
        let mut steps: Vec<Step> = Vec::new();
        if !wanted.is_empty() || new.live.count("/spec/minReadySeconds") != seconds {
            let patch =
                json!({ "metadata": { "annotations": wanted }, "spec": { "minReadySeconds": seconds } });
            steps.push(Step::patch(&new.live, patch));
        }
        steps.extend(revised(deployment, revision));
        steps
    }

    fn next_revision(&self) -> i64 {
        self.old.iter().map(Set::revision).max().unwrap_or_default() + 1
    }

    /// Gives sets other numbers of pods.
    pub(crate) fn resized(&self, deployment: &Live, limits: &Limits, resizes: Vec<Resize>) -> Vec<Step> {
        let mut steps = Vec::new();
        for Resize { set, to } in resizes {
            let Some(set) = self.all().find(|known| known.live.name() == set) else { continue };
            let annotations: Map<String, Value> = limits.annotations().collect();
            let patch = json!({ "metadata": { "annotations": annotations }, "spec": { "replicas": to } });
            steps.push(Step::patch(&set.live, patch));
            if set.replicas != to {
                steps.push(scaled(deployment, set.live.name(), set.replicas, to));
            }
        }
        steps
    }

    /// Deletes the oldest of the old sets that are empty and more than the history holds.
    pub(crate) fn forget_history(&self, deployment: &Live) -> Vec<Step> {
        let limit =
            usize::try_from(deployment.int("/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or_default();
        let mut old: Vec<&Set> = self.old.iter().collect();
        old.sort_by_key(|set| (set.revision(), set.live.by_age()));
        let excess = old.len().saturating_sub(limit);
        let is_empty = |set: &&&Set| set.replicas == 0 && set.running == 0 && !set.live.deleting();
        old.iter().take(excess).filter(is_empty).map(|set| Step::delete(&set.live)).collect()
    }
}

/// The label value of the pods of the template as it is now.
fn hash(deployment: &Live) -> String {
    naming::template_hash(&plain(template::of(deployment)), deployment.count("/status/collisionCount"))
}

/// A template without what sets add to it, and without what servers of old write.
fn plain(template: &Value) -> Value {
    let mut plain = template.clone();
    if let Some(metadata) = plain.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove(TEMPLATE_HASH);
        }
    }
    plain
}

fn inherited(deployment: &Live) -> Map<String, Value> {
    let annotations = deployment.object.header().annotations.iter();
    annotations
        .filter(|(key, _)| !OWN.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect()
}

impl Limits {
    fn annotations(&self) -> impl Iterator<Item = (String, Value)> + use<> {
        let most = self.wanted + self.surge;
        [(DESIRED, self.wanted), (MOST, most)]
            .into_iter()
            .map(|(key, number)| (key.to_owned(), json!(number.to_string())))
    }
}

/// Writes the revision to the Deployment, unless it stands there.
fn revised(deployment: &Live, revision: i64) -> Option<Step> {
    let revision = revision.to_string();
    let known = deployment.annotation(REVISION) == Some(&revision);
    (!known)
        .then(|| Step::patch(deployment, json!({ "metadata": { "annotations": { REVISION: revision } } })))
}

fn scaled(deployment: &Live, set: &str, from: i64, to: i64) -> Step {
    let direction = if to > from { "up" } else { "down" };
    Step::tell(
        deployment,
        "ScalingReplicaSet",
        format!("Scaled {direction} replica set {set} from {from} to {to}"),
    )
}

/// For tables of tests.
#[cfg(test)]
pub(crate) fn set(name: &str, numbers: (i64, i64, i64)) -> Set {
    let (replicas, running, available) = numbers;
    let status = json!({ "replicas": running, "readyReplicas": available, "availableReplicas": available });
    let value = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": name }, "spec": { "replicas": replicas }, "status": status });
    Set::of(crate::live::live(value))
}
