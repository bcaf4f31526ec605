//! ReplicaSets, and ReplicationControllers, which differ in the shape of their selector.
//!
//! Source of order and words: `pkg/controller/replicaset`.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError, Reason};
use serde_json::{Value, json};

use apimachinery::selector::Selector;

use crate::condition::{self, Condition};
use crate::kind::{Id, Kind};
use crate::live::{Live, texts};
use crate::owner;
use crate::pod::{self, Replica};
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::template;
use crate::world::World;

/// The condition that tells of pods that could not be made.
const FAILURE: &str = "ReplicaFailure";

/// Pods that one pass creates at most; more come with the next.
const BURST: usize = 500;

/// Plays the controller of one of the two kinds.
pub(crate) struct ReplicaSets {
    pub kind: Kind,
}

/// A set and its pods.
struct Observed {
    set: Live,
    replicas: Vec<Replica>,
    adoptions: Vec<Step>,
    again: Again,
}

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        if self.kind == Kind::ReplicaSet { "replicaset" } else { "replicationcontroller" }
    }

    fn primary(&self) -> Kind {
        self.kind
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if kind != Kind::Pod {
            return Vec::new();
        }
        match owner::controller(&object.value) {
            Some(_) => owner::controller_id(object).into_iter().filter(|id| id.kind == self.kind).collect(),
            None => {
                let sets = world.select(self.kind, object.namespace(), |_| true);
                let matching = sets.iter().filter(|set| self.selector(set).matches(object.labels()));
                matching.map(|set| Id::new(self.kind, set.namespace(), set.name())).collect()
            }
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(observed) = self.observe(world, id) else { return Ok(Again::WhenWoken) };
            world.act(self.actor(), observed.adoptions.clone()).await?;
            let name = || world.free_name(Kind::Pod, (id, observed.set.uid()), observed.set.name());
            let outcome = world.act(self.actor(), decide(&observed.set, &observed.replicas, name)).await;
            // What was just made or deleted counts.
            let Some(observed) = self.observe(world, id) else { return Ok(Again::WhenWoken) };
            let failure = outcome.as_ref().err().filter(|error| error.reason != Reason::AlreadyExists);
            let status = status(&observed, failure, &world.now());
            let mut steps: Vec<Step> =
                failure.and_then(|error| complain(&observed.set, error)).into_iter().collect();
            steps.extend(Step::status(&observed.set, status));
            world.act(self.actor(), steps).await?;
            outcome.map(|()| observed.again)
        }
        .boxed()
    }
}

impl ReplicaSets {
    fn actor(&self) -> Actor {
        Actor {
            manager: CONTROLLERS,
            component: if self.kind == Kind::ReplicaSet {
                "replicaset-controller"
            } else {
                "replication-controller"
            },
        }
    }

    fn selector(&self, set: &Live) -> Selector {
        if self.kind == Kind::ReplicaSet {
            return set.selector("/spec/selector");
        }
        match texts(&set.value, "/spec/selector") {
            labels if labels.is_empty() => Selector::nothing(),
            labels => Selector::of_labels(&labels),
        }
    }

    fn observe(&self, world: &World, id: &Id) -> Option<Observed> {
        let Some(set) = world.get(id) else {
            world.memory.forget(id);
            return None;
        };
        let selector = self.selector(&set);
        let candidates = world.candidates(Kind::Pod, &set, &selector);
        let (pods, adoptions) = owner::claim(&set, &selector, candidates);
        let active = pods.into_iter().filter(pod::is_active).collect();
        let (replicas, again) = pod::replicas(world, active, set.count("/spec/minReadySeconds"));
        Some(Observed { set, replicas, adoptions, again })
    }
}

/// Pods to create and to delete. A set that is being deleted leaves its pods to the garbage collector.
fn decide(set: &Live, replicas: &[Replica], mut name: impl FnMut() -> String) -> Vec<Step> {
    if set.deleting() {
        return Vec::new();
    }
    let wanted = usize::try_from(set.int("/spec/replicas").unwrap_or(1)).unwrap_or_default();
    let mut steps = Vec::new();
    for _ in replicas.len()..wanted.min(replicas.len() + BURST) {
        let name = name();
        steps.push(Step::Create(template::pod(set, template::of(set), &name)));
        steps.push(Step::tell(set, "SuccessfulCreate", format!("Created pod: {name}")));
    }
    let mut ranked: Vec<&Replica> = replicas.iter().collect();
    ranked.sort_by_cached_key(|replica| rank(replica));
    for replica in ranked.into_iter().take(replicas.len().saturating_sub(wanted)) {
        steps.push(Step::delete(&replica.pod));
        steps.push(Step::tell(set, "SuccessfulDelete", format!("Deleted pod: {}", replica.pod.name())));
    }
    steps
}

/// Whom to miss least: without a node, pending, not ready, cheap, often restarted, young. Source: `ActivePodsWithRanks`.
fn rank(
    replica: &Replica,
) -> (bool, u8, bool, i64, std::cmp::Reverse<i64>, std::cmp::Reverse<Option<apimachinery::Timestamp>>, String)
{
    let pod = &replica.pod;
    let phase = match pod.text("/status/phase") {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    };
    let cost =
        pod.annotation("controller.kubernetes.io/pod-deletion-cost").and_then(|cost| cost.parse().ok());
    let (restarts, created) = (std::cmp::Reverse(pod::restarts(pod)), std::cmp::Reverse(pod.created()));
    let assigned = !pod.text("/spec/nodeName").is_empty();
    (assigned, phase, replica.ready, cost.unwrap_or(0), restarts, created, pod.name().to_owned())
}

/// An event about pods that could not be made, unless the status tells of it already.
fn complain(set: &Live, error: &ApiError) -> Option<Step> {
    let told = condition::holds(set.conditions(), FAILURE);
    (!told).then(|| Step::warn(set, "FailedCreate", format!("Error creating: {}", error.message)))
}

fn status(observed: &Observed, failure: Option<&ApiError>, now: &str) -> Value {
    let Observed { set, replicas, .. } = observed;
    let count = |counts: &dyn Fn(&Replica) -> bool| replicas.iter().filter(|replica| counts(replica)).count();
    let labels = Selector::of_labels(&texts(&set.value, "/spec/template/metadata/labels"));
    let mut conditions = set.conditions().to_vec();
    match failure {
        // The message names the pod that was tried last: it stays as it was told first.
        Some(_) if condition::holds(&conditions, FAILURE) => {}
        Some(error) => {
            Condition::new(FAILURE, true, "FailedCreate", &error.message).put(&mut conditions, now);
        }
        None => condition::remove(&mut conditions, FAILURE),
    }
    let mut status = json!({
        "observedGeneration": set.generation(),
        "replicas": replicas.len(),
        "fullyLabeledReplicas": count(&|replica| labels.matches(replica.pod.labels())),
        "readyReplicas": count(&|replica| replica.ready),
        "availableReplicas": count(&|replica| replica.available)
    });
    if !conditions.is_empty() {
        status["conditions"] = json!(conditions);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn set(replicas: i64) -> Live {
        let template = json!({ "metadata": { "labels": { "app": "cart" } }, "spec": { "containers": [] } });
        let spec = json!({ "replicas": replicas, "selector": { "matchLabels": { "app": "cart" } }, "template": template });
        live(
            json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": "cart" }, "spec": spec }),
        )
    }

    fn pod(name: &str, node: &str, ready: bool) -> Replica {
        let conditions = json!([{ "type": "Ready", "status": if ready { "True" } else { "False" } }]);
        let status =
            json!({ "phase": if node.is_empty() { "Pending" } else { "Running" }, "conditions": conditions });
        let metadata = json!({ "name": name, "labels": { "app": "cart" } });
        Replica::of(live(
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": { "nodeName": node }, "status": status }),
        ))
    }

    #[test]
    fn the_number_of_pods_becomes_the_wanted_one() {
        #[track_caller]
        fn check(wanted: i64, replicas: &[Replica], expected: &[&str]) {
            let mut number = 0;
            let name = || {
                number += 1;
                format!("cart-{number}")
            };
            let steps: Vec<String> =
                decide(&set(wanted), replicas, name).iter().map(ToString::to_string).collect();
            let steps: Vec<&str> =
                steps.iter().map(String::as_str).filter(|step| !step.starts_with("tell")).collect();
            assert_eq!(steps, expected);
        }
        check(2, &[], &["create Pod shop/cart-1", "create Pod shop/cart-2"]);
        check(1, &[pod("a", "n", true)], &[]);
        check(1, &[pod("a", "n", true), pod("b", "n", false)], &["delete Pod shop/b"]);
        check(1, &[pod("a", "", false), pod("b", "n", false)], &["delete Pod shop/a"]);
        check(0, &[pod("a", "n", true), pod("b", "n", true)], &["delete Pod shop/a", "delete Pod shop/b"]);
    }

    #[test]
    fn the_status_counts_and_remembers_a_failure() {
        let observed = |set: Live| Observed {
            set,
            replicas: vec![pod("a", "n", true), pod("b", "", false)],
            adoptions: Vec::new(),
            again: Again::WhenWoken,
        };
        let error = ApiError {
            what: String::new(),
            server: String::new(),
            reason: Reason::Forbidden,
            code: 403,
            message: "pods \"c\" is forbidden".to_owned(),
            faults: Vec::new(),
            retry_after: None,
        };
        let failed = status(&observed(set(3)), Some(&error), "t1");
        let counts = ["replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas"]
            .map(|field| failed[field].clone());
        assert_eq!(counts, [json!(2), json!(1), json!(1), json!(2)]);
        assert_eq!(failed["conditions"][0]["reason"], "FailedCreate");
        let mut again = set(3).value;
        again["status"] = failed.clone();
        assert_eq!(status(&observed(live(again.clone())), Some(&error), "t2"), failed);
        assert_eq!(status(&observed(live(again)), None, "t3").get("conditions"), None);
    }
}
