//! HorizontalPodAutoscalers: the load is what the annotation [`crate::faults::DESIRED_REPLICAS`] says; without it, what is there is right.
//!
//! Source of conditions: `pkg/controller/podautoscaler`. Targets are Deployments, StatefulSets, ReplicaSets and ReplicationControllers.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::condition::Condition;
use crate::faults::DESIRED_REPLICAS;
use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "horizontal-pod-autoscaler" };

const TARGETS: [Kind; 4] =
    [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet, Kind::ReplicationController];

/// Plays the autoscaler.
pub(crate) struct Autoscalers;

impl Controller for Autoscalers {
    fn name(&self) -> &'static str {
        "autoscaler"
    }

    fn primary(&self) -> Kind {
        Kind::HorizontalPodAutoscaler
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if !TARGETS.contains(&kind) {
            return Vec::new();
        }
        let mut scalers = world.select(Kind::HorizontalPodAutoscaler, object.namespace(), |_| true);
        scalers.retain(|scaler| target(scaler).as_ref() == object.id().as_ref());
        scalers.iter().map(|s| Id::new(Kind::HorizontalPodAutoscaler, s.namespace(), s.name())).collect()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(scaler) = world.get(id).filter(|scaler| !scaler.deleting()) else {
                return Ok(Again::WhenWoken);
            };
            let target = target(&scaler).and_then(|id| world.get(&id));
            world.act(ACTOR, decide(&scaler, target.as_ref(), &world.now())).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

fn target(scaler: &Live) -> Option<Id> {
    let version = scaler.text("/spec/scaleTargetRef/apiVersion");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let kind =
        Kind::named(group, scaler.text("/spec/scaleTargetRef/kind")).filter(|kind| TARGETS.contains(kind))?;
    Some(Id::new(kind, scaler.namespace(), scaler.text("/spec/scaleTargetRef/name")))
}

/// Scales the target, and says so.
fn decide(scaler: &Live, target: Option<&Live>, now: &str) -> Vec<Step> {
    let mut conditions = scaler.conditions().to_vec();
    let Some(target) = target else {
        let message = "the HPA controller was unable to get the target's current scale: it is not there";
        Condition::new("AbleToScale", false, "FailedGetScale", message).put(&mut conditions, now);
        let status = json!({ "currentReplicas": 0, "desiredReplicas": 0, "conditions": conditions });
        return Step::status(scaler, status).into_iter().collect();
    };
    let current = target.int("/spec/replicas").unwrap_or(1);
    let running = target.count("/status/replicas");
    let (least, most) =
        (scaler.int("/spec/minReplicas").unwrap_or(1), scaler.int("/spec/maxReplicas").unwrap_or(1));
    let asked = scaler.annotation(DESIRED_REPLICAS).and_then(|number| number.parse().ok());
    // Zero replicas switch autoscaling off.
    let off = current == 0 && least != 0;
    let wanted = asked.unwrap_or(current);
    let desired = if off { 0 } else { wanted.clamp(least.min(most), most) };
    put_verdict(&mut conditions, (off, wanted - desired), now);
    let mut status =
        scaler.value.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    status["observedGeneration"] = json!(scaler.generation());
    status["currentReplicas"] = json!(running);
    status["desiredReplicas"] = json!(desired);
    status["conditions"] = json!(conditions);
    let mut steps = Vec::new();
    if desired != current {
        status["lastScaleTime"] = json!(now);
        steps.push(Step::Scale { of: target.object.clone(), replicas: desired });
        steps.push(Step::tell(
            scaler,
            "SuccessfulRescale",
            format!("New size: {desired}; reason: the simulated load"),
        ));
    }
    steps.extend(Step::status(scaler, status));
    steps
}

/// The conditions of a scaler: `off` where the target has no replicas, `excess` what is asked for beyond the bounds.
fn put_verdict(conditions: &mut Vec<Value>, (off, excess): (bool, i64), now: &str) {
    let mut put = |kind, holds, reason: &str, message: &str| {
        Condition::new(kind, holds, reason, message).put(conditions, now);
    };
    if off {
        put(
            "AbleToScale",
            true,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        );
        put(
            "ScalingActive",
            false,
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        );
    } else {
        put("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size");
        put(
            "ScalingActive",
            true,
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from the simulated load",
        );
        match excess {
            0 => put(
                "ScalingLimited",
                false,
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
            ),
            over if over > 0 => put(
                "ScalingLimited",
                true,
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
            ),
            _ => put(
                "ScalingLimited",
                true,
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition;
    use crate::live::live;

    #[test]
    fn the_load_decides_within_the_limits() {
        #[track_caller]
        fn check(asked: &str, current: i64, expected: (&str, &str)) {
            let annotations = if asked.is_empty() { json!({}) } else { json!({ DESIRED_REPLICAS: asked }) };
            let reference = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "cart" });
            let scaler = live(json!({
                "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "cart", "annotations": annotations },
                "spec": { "scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 6 }
            }));
            assert_eq!(target(&scaler), Some(Id::new(Kind::Deployment, "shop", "cart")));
            let deployment = live(
                json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart" }, "spec": { "replicas": current } }),
            );
            let steps = decide(&scaler, Some(&deployment), "t");
            let Some(Step::Status { status, .. }) = steps.last() else { panic!("{steps:?}") };
            let limited = condition::find(crate::live::items(status, "/conditions"), "ScalingLimited");
            let limited = limited.map_or("", |limited| crate::live::text(limited, "/reason"));
            let scaled =
                steps.iter().find(|step| matches!(step, Step::Scale { .. })).map(ToString::to_string);
            assert_eq!((scaled.unwrap_or_default().as_str(), limited), expected);
        }
        check("5", 2, ("scale Deployment shop/cart to 5", "DesiredWithinRange"));
        check("5", 5, ("", "DesiredWithinRange"));
        check("9", 2, ("scale Deployment shop/cart to 6", "TooManyReplicas"));
        check("", 1, ("scale Deployment shop/cart to 2", "TooFewReplicas"));
        check("", 3, ("", "DesiredWithinRange"));
        check("4", 0, ("", ""));
    }
}
