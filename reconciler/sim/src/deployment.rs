//! Deployments: one ReplicaSet per template, from the old to the new within limits.
//!
//! | file | knows |
//! |---|---|
//! | [`sets`] | which ReplicaSet is the new one, what a new one is made of, revisions, history |
//! | [`rollout`] | how many pods each set may have now |
//! | [`status`] | counts, and whether it gets on |
//!
//! Source of order, words and numbers: `pkg/controller/deployment`. One pass takes one step (make the new set, or scale), as upstream does.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError, Reason};
use serde_json::json;

use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::owner;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

mod rollout;
mod sets;
mod status;

use sets::Sets;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "deployment-controller" };

/// Plays the deployment controller.
pub(crate) struct Deployments;

/// A Deployment, its sets, and whether pods of old sets still run.
pub(crate) struct Observed {
    deployment: Live,
    sets: Sets,
    adoptions: Vec<Step>,
    old_pods_run: bool,
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment"
    }

    fn primary(&self) -> Kind {
        Kind::Deployment
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        match kind {
            Kind::ReplicaSet => match owner::controller(&object.value) {
                Some(_) => owner::controller_id(object)
                    .into_iter()
                    .filter(|id| id.kind == Kind::Deployment)
                    .collect(),
                None => matching(world, object),
            },
            // Only who recreates waits for pods to go, but a wake-up in vain costs little.
            Kind::Pod => {
                let set = owner::controller_id(object).filter(|id| id.kind == Kind::ReplicaSet);
                let set = set.and_then(|id| world.get(&id));
                let deployment = set.and_then(|set| owner::controller_id(&set));
                deployment.into_iter().filter(|id| id.kind == Kind::Deployment).collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let steps = decide(&observed);
            match world.act(ACTOR, steps).await {
                Err(error) if error.reason == Reason::AlreadyExists => collide(world, id).await?,
                outcome => outcome?,
            }
            // What was just made or scaled counts.
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let Observed { deployment, sets, .. } = &observed;
            let fingerprint = status::fingerprint(deployment, sets);
            let stalled = world.elapsed(id, "progress", &fingerprint);
            let (status, again) = status::decide(deployment, sets, stalled, (&world.now(), &world.pace));
            world.act(ACTOR, Step::status(deployment, status).into_iter().collect()).await?;
            Ok(again)
        }
        .boxed()
    }
}

fn matching(world: &World, set: &Live) -> Vec<Id> {
    let deployments = world.select(Kind::Deployment, set.namespace(), |_| true);
    let matching = deployments.iter().filter(|d| d.selector("/spec/selector").matches(set.labels()));
    matching.map(|d| Id::new(Kind::Deployment, d.namespace(), d.name())).collect()
}

fn observe(world: &World, id: &Id) -> Option<Observed> {
    let Some(deployment) = world.get(id) else {
        world.memory.forget(id);
        return None;
    };
    let selector = deployment.selector("/spec/selector");
    let candidates = world.candidates(Kind::ReplicaSet, &deployment, &selector);
    let (owned, adoptions) = owner::claim(&deployment, &selector, candidates);
    let sets = Sets::of(&deployment, owned);
    let old_pods_run = sets.old.iter().any(|set| {
        let pods = world.candidates(Kind::Pod, &set.live, &set.live.selector("/spec/selector"));
        pods.iter().any(|pod| owner::controls(&set.live, pod) && !pod::is_over(pod))
    });
    Some(Observed { deployment, sets, adoptions, old_pods_run })
}

/// The next step of a rollout, or none.
fn decide(observed: &Observed) -> Vec<Step> {
    let Observed { deployment, sets, adoptions, old_pods_run } = observed;
    if deployment.deleting() {
        return Vec::new();
    }
    if !adoptions.is_empty() {
        return adoptions.clone();
    }
    let limits = rollout::Limits::of(deployment);
    let scaled =
        sets.all().any(|set| set.replicas > 0 && set.desired.is_some_and(|desired| desired != limits.wanted));
    if deployment.flag("/spec/paused") || scaled {
        let revision = sets.revisions(deployment, &limits);
        let resizes = rollout::scale(&limits, deployment.count("/status/replicas"), sets);
        return [revision, sets.resized(deployment, &limits, resizes)].concat();
    }
    let recreate = deployment.text("/spec/strategy/type") == "Recreate";
    let Some(new) = &sets.new else {
        if recreate && (sets.old.iter().any(|set| set.replicas > 0) || *old_pods_run) {
            return sets.resized(deployment, &limits, rollout::end(&sets.old));
        }
        return sets.create(deployment, &limits, recreate);
    };
    let revision = sets.revisions(deployment, &limits);
    if !revision.is_empty() {
        return revision;
    }
    let resizes = match recreate {
        true => rollout::recreate(&limits, new, &sets.old, *old_pods_run),
        false => rollout::roll(&limits, new, &sets.old),
    };
    if resizes.is_empty() && status::is_complete(deployment) {
        return sets.forget_history(deployment);
    }
    sets.resized(deployment, &limits, resizes)
}

/// A set of the new name belongs to somebody else, or has another template: the next pass uses another hash.
async fn collide(world: &World, id: &Id) -> Result<(), ApiError> {
    let Some(observed) = observe(world, id).filter(|observed| observed.sets.new.is_none()) else {
        return Ok(());
    };
    let deployment = &observed.deployment;
    let mut status = deployment.value.get("status").cloned().unwrap_or_else(|| json!({}));
    status["collisionCount"] = json!(deployment.count("/status/collisionCount") + 1);
    world.act(ACTOR, Step::status(deployment, status).into_iter().collect()).await
}

#[cfg(test)]
mod tests;
