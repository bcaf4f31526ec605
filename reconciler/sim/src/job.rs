//! Jobs: pods until enough of them have succeeded, or too many have failed.
//!
//! Source of order and rules: `pkg/controller/job`. Pods bear no tracking finalizer, so one that is deleted after it ended may count once less. Not played:
//! `podFailurePolicy`, `successPolicy`, `backoffLimitPerIndex`, `podReplacementPolicy`.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::condition;
use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::owner;
use crate::pace::Pace;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::template;
use crate::world::World;

mod indexes;
mod status;

use status::Tally;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "job-controller" };

/// The annotation and label of a pod that tell which index it works on.
pub(crate) const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Plays the Job controller.
pub(crate) struct Jobs;

/// A Job and its pods.
struct Observed {
    job: Live,
    pods: Vec<Live>,
    adoptions: Vec<Step>,
    tally: Tally,
    /// How long it runs, how long it has ended, and how long ago the last pod failed.
    times: Times,
}

/// Times since what a Job waits after.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub running: Duration,
    pub over: Duration,
    pub failed: Duration,
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job"
    }

    fn primary(&self) -> Kind {
        Kind::Job
    }

    fn concerns(&self, _: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if kind != Kind::Pod {
            return Vec::new();
        }
        owner::controller_id(object).into_iter().filter(|id| id.kind == Kind::Job).collect()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let base = observed.job.name().to_owned();
            let name = |index: Option<i64>| {
                let base = index.map_or(base.clone(), |index| format!("{base}-{index}"));
                world.free_name(Kind::Pod, (id, observed.job.uid()), &base)
            };
            let (steps, again) = decide(&observed, &world.pace, name);
            let outcome = world.act(ACTOR, steps).await;
            // What was just made or deleted counts.
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let status =
                status::decide(&observed.job, &observed.tally, &observed.times, (&world.now(), &world.pace));
            world.act(ACTOR, status).await?;
            outcome.map(|()| again)
        }
        .boxed()
    }
}

fn observe(world: &World, id: &Id) -> Option<Observed> {
    let Some(job) = world.get(id) else {
        world.memory.forget(id);
        return None;
    };
    let selector = job.selector("/spec/selector");
    let (pods, adoptions) = owner::claim(&job, &selector, world.candidates(Kind::Pod, &job, &selector));
    let tally = Tally::of(&job, &pods);
    let times = Times {
        running: world.elapsed(id, "running", &format!("{} {}", job.uid(), job.text("/status/startTime"))),
        over: world.elapsed(id, "over", &status::is_over(&job).to_string()),
        failed: world.elapsed(id, "failed", &tally.failed.to_string()),
    };
    Some(Observed { job, pods, adoptions, tally, times })
}

/// Pods to make and to delete, and when to look again.
fn decide(
    observed: &Observed,
    pace: &Pace,
    mut name: impl FnMut(Option<i64>) -> String,
) -> (Vec<Step>, Again) {
    let Observed { job, pods, adoptions, tally, times } = observed;
    if job.deleting() {
        return (Vec::new(), Again::WhenWoken);
    }
    let mut steps = adoptions.clone();
    if status::is_over(job) {
        let again = expire(job, pace, times, &mut steps);
        return (steps, again);
    }
    let active: Vec<&Live> = pods.iter().filter(|pod| pod::is_active(pod)).collect();
    let deadline = status::deadline(job, pace).filter(|_| !job.text("/status/startTime").is_empty());
    let again = deadline
        .and_then(|deadline| pod::left(deadline, times.running))
        .map_or(Again::WhenWoken, Again::After);
    let wanted = if status::verdict(job, tally, times, pace).is_some() { 0 } else { wanted(job, tally) };
    if active.len() > wanted {
        for pod in active.iter().rev().take(active.len() - wanted) {
            steps.push(Step::delete(pod));
            steps.push(Step::tell(job, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())));
        }
        return (steps, again);
    }
    let missing = wanted - active.len();
    if missing == 0 {
        return (steps, again);
    }
    // After a failure the next attempt waits, longer each time.
    if tally.failed > 0
        && let Some(left) = pod::left(pause(tally.failed, pace), times.failed)
    {
        return (steps, pod::sooner(again, Again::After(left)));
    }
    for index in indexes::next(job, &active, &tally.indexes, missing) {
        let name = name(index);
        steps.push(Step::Create(made(job, &name, index)));
        steps.push(Step::tell(job, "SuccessfulCreate", format!("Created pod: {name}")));
    }
    (steps, again)
}

fn pause(failures: i64, pace: &Pace) -> Duration {
    let doublings = u32::try_from((failures - 1).clamp(0, 20)).unwrap_or_default();
    pace.backoff.saturating_mul(1 << doublings).min(pace.longest_backoff)
}

/// How many pods shall run now.
fn wanted(job: &Live, tally: &Tally) -> usize {
    if job.flag("/spec/suspend") {
        return 0;
    }
    let parallelism = job.int("/spec/parallelism").unwrap_or(1);
    let wanted = match job.int("/spec/completions") {
        Some(completions) => parallelism.min(completions - tally.succeeded),
        // Without a number of completions the first success says that all work is done.
        None if tally.succeeded > 0 => tally.active.min(parallelism),
        None => parallelism,
    };
    usize::try_from(wanted).unwrap_or_default()
}

/// Deletes a Job whose time is up.
fn expire(job: &Live, pace: &Pace, times: &Times, steps: &mut Vec<Step>) -> Again {
    let Some(seconds) = job.int("/spec/ttlSecondsAfterFinished") else { return Again::WhenWoken };
    match pod::left(pace.of_seconds(seconds), times.over) {
        Some(left) => Again::After(left),
        None => {
            steps.push(Step::delete(job));
            Again::WhenWoken
        }
    }
}

fn made(job: &Live, name: &str, index: Option<i64>) -> Value {
    let mut pod = template::pod(job, template::of(job), name);
    if let Some(index) = index {
        let index = index.to_string();
        template::label(&mut pod, INDEX, &index);
        template::annotate(&mut pod, INDEX, &index);
        pod["spec"]["hostname"] = json!(format!("{}-{index}", job.name()));
    }
    pod
}

/// Whether a Job has ended well or badly.
pub(crate) fn ended(job: &Live) -> Option<bool> {
    match (condition::holds(job.conditions(), "Complete"), condition::holds(job.conditions(), "Failed")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
