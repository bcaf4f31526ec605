//! CronJobs: a Job at each time of a schedule, in civil time.
//!
//! Source of order and rules: `pkg/controller/cronjob`. Of times that were missed, only the last one is made up for. `@every` is not understood.

use std::time::Duration;

use apimachinery::{Timestamp, clock::rfc3339_seconds};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError, Reason};
use serde_json::{Value, json};

use crate::job;
use crate::kind::{Id, Kind};
use crate::live::{Live, int, moment, text};
use crate::owner;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

mod schedule;

use schedule::Schedule;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "cronjob-controller" };

/// The annotation of a Job that tells which time it was made for.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// Plays the CronJob controller.
pub(crate) struct CronJobs;

/// What there is to do, and when to look again.
#[derive(Debug, Default)]
struct Decision {
    steps: Vec<Step>,
    /// Until the next time of the schedule.
    next: Option<Duration>,
    /// The time that a Job is made for now.
    scheduled: Option<Timestamp>,
}

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob"
    }

    fn primary(&self) -> Kind {
        Kind::CronJob
    }

    fn concerns(&self, _: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if kind != Kind::Job {
            return Vec::new();
        }
        owner::controller_id(object).into_iter().filter(|id| id.kind == Kind::CronJob).collect()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(cron) = world.get(id) else { return Ok(Again::WhenWoken) };
            let jobs = world.controlled(Kind::Job, &cron);
            let decision = decide(&cron, &jobs, world.clock.now());
            match world.act(ACTOR, decision.steps).await {
                // It was made before a restart.
                Err(error) if error.reason == Reason::AlreadyExists => {}
                outcome => outcome?,
            }
            let jobs = world.controlled(Kind::Job, &cron);
            let status = status(&cron, &jobs, decision.scheduled);
            world.act(ACTOR, Step::status(&cron, status).into_iter().collect()).await?;
            Ok(decision.next.map_or(Again::WhenWoken, Again::After))
        }
        .boxed()
    }
}

fn decide(cron: &Live, jobs: &[Live], now: Timestamp) -> Decision {
    if cron.deleting() {
        return Decision::default();
    }
    let mut decision = Decision { steps: forget_history(cron, jobs), ..Decision::default() };
    if cron.flag("/spec/suspend") {
        return decision;
    }
    let Some(schedule) = Schedule::parse(cron.text("/spec/schedule"), cron.text("/spec/timeZone")) else {
        let message = format!("unparseable schedule: {}", cron.text("/spec/schedule"));
        decision.steps.push(Step::warn(cron, "UnparseableSchedule", message));
        return decision;
    };
    decision.next = schedule.after(now).map(|next| until(now, next));
    let since = moment(&cron.value, "/status/lastScheduleTime").or_else(|| cron.created()).unwrap_or(now);
    let Some(time) = schedule.last_before(now).filter(|time| *time > since) else { return decision };
    let late = now.as_second() - time.as_second();
    if int(&cron.value, "/spec/startingDeadlineSeconds").is_some_and(|deadline| late > deadline) {
        return decision;
    }
    let active: Vec<&Live> = jobs.iter().filter(|job| job::ended(job).is_none()).collect();
    match cron.text("/spec/concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let message =
                "Not starting job because prior execution is running and concurrency policy is Forbid";
            decision.steps.push(Step::tell(cron, "JobAlreadyActive", message));
            return decision;
        }
        "Replace" => decision.steps.extend(active.into_iter().flat_map(|job| deleted(cron, job))),
        _ => {}
    }
    let name = format!("{}-{}", cron.name(), time.as_second() / 60);
    decision.steps.push(Step::Create(made(cron, &name, time)));
    decision.steps.push(Step::tell(cron, "SuccessfulCreate", format!("Created job {name}")));
    decision.scheduled = Some(time);
    decision
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    // Schedules have whole seconds; a moment later the time is past for certain.
    Duration::try_from(next.duration_since(now)).unwrap_or_default() + Duration::from_millis(1)
}

fn deleted(cron: &Live, job: &Live) -> Vec<Step> {
    vec![Step::delete(job), Step::tell(cron, "SuccessfulDelete", format!("Deleted job {}", job.name()))]
}

fn made(cron: &Live, name: &str, time: Timestamp) -> Value {
    let template = cron.value.pointer("/spec/jobTemplate").unwrap_or(&Value::Null);
    let mut metadata = json!({
        "name": name, "namespace": cron.namespace(), "ownerReferences": [owner::reference(cron)],
        "labels": crate::live::texts(template, "/metadata/labels"), "annotations": crate::live::texts(template, "/metadata/annotations")
    });
    metadata["annotations"][SCHEDULED] = json!(rfc3339_seconds(time));
    let spec = template.get("spec").cloned().unwrap_or_else(|| json!({}));
    json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec })
}

/// Deletes the oldest Jobs that ended, of the good and of the bad ones more than their histories hold.
fn forget_history(cron: &Live, jobs: &[Live]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (well, field, otherwise) in
        [(true, "successfulJobsHistoryLimit", 3), (false, "failedJobsHistoryLimit", 1)]
    {
        let limit = cron.int(&format!("/spec/{field}")).unwrap_or(otherwise);
        let mut ended: Vec<&Live> =
            jobs.iter().filter(|job| job::ended(job) == Some(well) && !job.deleting()).collect();
        ended.sort_by_cached_key(|job| job.by_age());
        let excess = ended.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        steps.extend(ended.into_iter().take(excess).flat_map(|job| deleted(cron, job)));
    }
    steps
}

fn status(cron: &Live, jobs: &[Live], scheduled: Option<Timestamp>) -> Value {
    let mut status = cron.value.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let active = jobs.iter().filter(|job| job::ended(job).is_none());
    let known = cron.items("/status/active");
    let reference = |job: &Live| {
        // The version is that of the first sight; a newer one would be a write for nothing.
        let first = known.iter().find(|known| text(known, "/uid") == job.uid()).cloned();
        first.unwrap_or_else(|| {
            let version = job.object.header().resource_version.clone();
            json!({ "apiVersion": "batch/v1", "kind": "Job", "namespace": job.namespace(), "name": job.name(), "uid": job.uid(), "resourceVersion": version })
        })
    };
    status["active"] = active.map(reference).collect();
    if let Some(time) = scheduled {
        status["lastScheduleTime"] = json!(rfc3339_seconds(time));
    }
    let successes =
        jobs.iter().filter(|job| job::ended(job) == Some(true)).map(|job| job.text("/status/completionTime"));
    let last = successes.chain([cron.text("/status/lastSuccessfulTime")]).max().unwrap_or_default();
    if !last.is_empty() {
        status["lastSuccessfulTime"] = json!(last);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn cron(spec: &Value) -> Live {
        let mut whole = json!({ "schedule": "*/5 * * * *", "jobTemplate": { "spec": { "template": {} } } });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({ "name": "report", "creationTimestamp": "2026-11-20T11:01:00Z" });
        live(json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": whole }))
    }

    fn job(name: &str, ended: &str) -> Live {
        let conditions =
            if ended.is_empty() { json!([]) } else { json!([{ "type": ended, "status": "True" }]) };
        let metadata = json!({ "name": name, "creationTimestamp": "2026-11-20T11:02:00Z" });
        let status = json!({ "conditions": conditions, "completionTime": "2026-11-20T11:03:00Z" });
        live(json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "status": status }))
    }

    #[test]
    fn a_job_is_made_once_its_time_has_come() {
        #[track_caller]
        fn check(spec: &Value, jobs: &[Live], now: &str, expected: (&[&str], Option<u64>)) {
            let decision = decide(&cron(spec), jobs, apimachinery::time::parse(now).unwrap());
            let steps: Vec<String> = decision.steps.iter().map(ToString::to_string).collect();
            let steps: Vec<&str> =
                steps.iter().map(String::as_str).filter(|step| !step.starts_with("tell")).collect();
            assert_eq!((steps.as_slice(), decision.next.map(|next| next.as_secs())), expected);
        }
        let plain = json!({});
        // 29919550 minutes after 1970.
        let due = ["create Job shop/report-29919550"];
        check(&plain, &[], "2026-11-20T11:04:30Z", (&[], Some(30)));
        check(&plain, &[], "2026-11-20T11:10:00Z", (&due, Some(300)));
        check(&plain, &[], "2026-11-20T11:14:00Z", (&due, Some(60)));
        check(&json!({ "startingDeadlineSeconds": 60 }), &[], "2026-11-20T11:14:00Z", (&[], Some(60)));
        check(&json!({ "suspend": true }), &[], "2026-11-20T11:10:00Z", (&[], None));
        check(&json!({ "schedule": "never" }), &[], "2026-11-20T11:10:00Z", (&[], None));
        let running = [job("report-1", "")];
        check(&plain, &running, "2026-11-20T11:10:00Z", (&due, Some(300)));
        check(&json!({ "concurrencyPolicy": "Forbid" }), &running, "2026-11-20T11:10:00Z", (&[], Some(300)));
        let replaced = ["delete Job shop/report-1", due[0]];
        check(
            &json!({ "concurrencyPolicy": "Replace" }),
            &running,
            "2026-11-20T11:10:00Z",
            (&replaced, Some(300)),
        );
    }

    #[test]
    fn a_time_that_had_its_job_has_none_again() {
        let mut value = cron(&json!({})).value;
        value["status"] = json!({ "lastScheduleTime": "2026-11-20T11:10:00Z" });
        let decision = decide(&live(value), &[], apimachinery::time::parse("2026-11-20T11:12:00Z").unwrap());
        assert!(decision.steps.is_empty());
    }

    #[test]
    fn histories_are_kept_short_and_the_status_tells_of_successes() {
        let jobs = [job("a", "Complete"), job("b", "Failed"), job("c", "Complete"), job("d", "")];
        let cron = cron(&json!({ "successfulJobsHistoryLimit": 1 }));
        let steps: Vec<String> = forget_history(&cron, &jobs).iter().map(ToString::to_string).collect();
        assert_eq!(steps[0], "delete Job shop/a");
        assert_eq!(steps.len(), 2);
        let seen = status(&cron, &jobs, None);
        assert_eq!(
            (&seen["lastSuccessfulTime"], &seen["active"][0]["name"]),
            (&json!("2026-11-20T11:03:00Z"), &json!("d"))
        );
    }
}
