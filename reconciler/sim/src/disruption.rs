//! PodDisruptionBudgets: how many pods may be missed. Evictions themselves are the server's.
//!
//! Source of rules: `pkg/controller/disruption`.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::condition::Condition;
use crate::kind::{Id, Kind};
use crate::live::{Live, share};
use crate::owner;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "controllermanager" };

/// Plays the disruption controller.
pub(crate) struct Budgets;

impl Controller for Budgets {
    fn name(&self) -> &'static str {
        "disruption"
    }

    fn primary(&self) -> Kind {
        Kind::PodDisruptionBudget
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        let budgets = || world.select(Kind::PodDisruptionBudget, object.namespace(), |_| true);
        let ids = |budgets: Vec<Live>| {
            budgets.iter().map(|b| Id::new(Kind::PodDisruptionBudget, b.namespace(), b.name())).collect()
        };
        match kind {
            Kind::Pod => {
                let mut budgets = budgets();
                budgets.retain(|budget| budget.selector("/spec/selector").matches(object.labels()));
                ids(budgets)
            }
            // Their number of replicas is what a share is of.
            Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::ReplicationController => {
                ids(budgets())
            }
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(budget) = world.get(id).filter(|budget| !budget.deleting()) else {
                return Ok(Again::WhenWoken);
            };
            let pods = world.labelled(Kind::Pod, budget.namespace(), &budget.selector("/spec/selector"));
            let expected = expected(world, &pods);
            let status = status(&budget, &pods, expected, &world.now());
            world.act(ACTOR, Step::status(&budget, status).into_iter().collect()).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

/// How many pods the owners of these pods want.
fn expected(world: &World, pods: &[Live]) -> i64 {
    let mut owners: BTreeMap<Id, i64> = BTreeMap::new();
    for pod in pods {
        let Some(owner) = owner::controller_id(pod).and_then(|id| world.get(&id)) else { continue };
        let top = owner::controller_id(&owner).and_then(|id| world.get(&id)).unwrap_or(owner);
        if let (Some(id), Some(replicas)) = (top.id(), top.int("/spec/replicas")) {
            owners.insert(id, replicas);
        }
    }
    owners.values().sum()
}

fn status(budget: &Live, pods: &[Live], expected: i64, now: &str) -> Value {
    let count = |counts: &dyn Fn(&&Live) -> bool| {
        i64::try_from(pods.iter().filter(counts).count()).unwrap_or(i64::MAX)
    };
    let standing = count(&|pod| !pod::is_over(pod));
    let (min, max) =
        (budget.value.pointer("/spec/minAvailable"), budget.value.pointer("/spec/maxUnavailable"));
    let (expected, desired) = if max.is_some() {
        (expected, (expected - share(max, expected, true).unwrap_or_default()).max(0))
    } else if min.is_some_and(Value::is_string) {
        (expected, share(min, expected, true).unwrap_or_default())
    } else {
        (standing, share(min, standing, true).unwrap_or(1))
    };
    let healthy = count(&|pod| pod::is_active(pod) && pod::is_ready(pod));
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let mut conditions = budget.conditions().to_vec();
    let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
    Condition::new("DisruptionAllowed", allowed > 0, reason, "").put(&mut conditions, now);
    for condition in &mut conditions {
        // Both are required here, also when there is nothing to say.
        if condition.get("message").is_none() {
            condition["message"] = json!("");
        }
        condition["observedGeneration"] = json!(budget.generation());
    }
    let mut status = json!({
        "observedGeneration": budget.generation(), "currentHealthy": healthy, "desiredHealthy": desired,
        "disruptionsAllowed": allowed, "expectedPods": expected, "conditions": conditions
    });
    // What is being evicted right now is the server's to note.
    if let Some(disrupted) = budget.value.pointer("/status/disruptedPods") {
        status["disruptedPods"] = disrupted.clone();
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    #[test]
    fn as_many_may_go_as_are_more_than_wanted() {
        #[track_caller]
        fn check(spec: &Value, ready: usize, expected: [i64; 4]) {
            let budget = live(
                json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "b" }, "spec": spec }),
            );
            let pods: Vec<Live> = (0..4)
                .map(|number| {
                    let state = if number < ready { "True" } else { "False" };
                    let status = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": state }] });
                    live(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("p{number}") }, "status": status }))
                })
                .collect();
            let seen = status(&budget, &pods, 4, "t");
            let fields = ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"];
            assert_eq!(fields.map(|field| seen[field].as_i64().unwrap()), expected);
        }
        check(&json!({ "minAvailable": 2 }), 4, [4, 2, 2, 4]);
        check(&json!({ "minAvailable": "75%" }), 4, [4, 3, 1, 4]);
        check(&json!({ "maxUnavailable": 1 }), 3, [3, 3, 0, 4]);
        check(&json!({ "maxUnavailable": "30%" }), 4, [4, 2, 2, 4]);
    }
}
