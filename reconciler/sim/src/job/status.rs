//! Counts of a Job, and how it ends.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Times, ended, indexes};
use crate::condition::{self, Condition};
use crate::live::Live;
use crate::pace::Pace;
use crate::pod;
use crate::step::Step;

/// What has become of the pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub active: i64,
    pub ready: i64,
    pub terminating: i64,
    /// Neither falls: what was counted stays counted when its pod is deleted.
    pub succeeded: i64,
    pub failed: i64,
    /// Restarts of containers in pods that go on after an error.
    pub restarts: i64,
    /// Indexes that are done.
    pub indexes: BTreeSet<i64>,
}

impl Tally {
    pub(crate) fn of(job: &Live, pods: &[Live]) -> Self {
        let count = |counts: &dyn Fn(&Live) -> bool| {
            i64::try_from(pods.iter().filter(|pod| counts(pod)).count()).unwrap_or(i64::MAX)
        };
        let phase = |phase: &'static str| count(&|pod: &Live| pod.text("/status/phase") == phase);
        let indexes = indexes::completed(job, pods);
        let succeeded = match indexes::is_indexed(job) {
            true => i64::try_from(indexes.len()).unwrap_or(i64::MAX),
            false => phase("Succeeded").max(job.count("/status/succeeded")),
        };
        Self {
            active: count(&pod::is_active),
            ready: count(&|pod| pod::is_active(pod) && pod::is_ready(pod)),
            terminating: count(&|pod| pod.deleting() && !pod::is_over(pod)),
            succeeded,
            failed: phase("Failed").max(job.count("/status/failed")),
            restarts: pods.iter().filter(|pod| pod::is_active(pod)).map(pod::restarts).sum(),
            indexes,
        }
    }
}

/// Whether it has ended.
pub(crate) fn is_over(job: &Live) -> bool {
    ended(job).is_some()
}

/// How long it may run.
pub(crate) fn deadline(job: &Live, pace: &Pace) -> Option<Duration> {
    job.int("/spec/activeDeadlineSeconds").map(|seconds| pace.of_seconds(seconds))
}

/// How a Job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Complete,
    TooManyFailures,
    TooLate,
}

/// How it ends, once that is certain; its pods may still have to go.
pub(crate) fn verdict(job: &Live, tally: &Tally, times: &Times, pace: &Pace) -> Option<Verdict> {
    let said = |kind: &str| condition::find(job.conditions(), kind).filter(|c| c["status"] == "True");
    if said("SuccessCriteriaMet").is_some() {
        return Some(Verdict::Complete);
    }
    if let Some(said) = said("FailureTarget") {
        return Some(if said["reason"] == "DeadlineExceeded" {
            Verdict::TooLate
        } else {
            Verdict::TooManyFailures
        });
    }
    let limit = job.int("/spec/backoffLimit").unwrap_or(6);
    let running = !job.text("/status/startTime").is_empty() && !job.flag("/spec/suspend");
    let complete = match job.int("/spec/completions") {
        Some(completions) => tally.succeeded >= completions,
        None => tally.succeeded > 0 && tally.active == 0,
    };
    if tally.failed + tally.restarts > limit {
        Some(Verdict::TooManyFailures)
    } else if running && deadline(job, pace).is_some_and(|deadline| times.running >= deadline) {
        Some(Verdict::TooLate)
    } else if complete {
        Some(Verdict::Complete)
    } else {
        None
    }
}

/// The status as it shall be, and what there is to tell.
pub(crate) fn decide(job: &Live, tally: &Tally, times: &Times, time: (&str, &Pace)) -> Vec<Step> {
    let (now, pace) = time;
    if is_over(job) || job.deleting() {
        return Vec::new();
    }
    let mut conditions = job.conditions().to_vec();
    let mut told = Vec::new();
    let suspended = job.flag("/spec/suspend");
    suspend(job, suspended, &mut conditions, (now, &mut told));
    let mut status = counts(job, tally);
    let started = job.text("/status/startTime");
    if !suspended {
        status["startTime"] = json!(if started.is_empty() { now } else { started });
    }
    if let Some(verdict) = verdict(job, tally, times, pace) {
        let over = tally.active == 0 && tally.terminating == 0;
        end(job, verdict, over, (now, &mut conditions), &mut told);
        if over {
            // A Job that ends has started, also one that never ran.
            status["startTime"] = json!(if started.is_empty() { now } else { started });
            if verdict == Verdict::Complete {
                status["completionTime"] = json!(now);
            }
        }
    }
    if !conditions.is_empty() {
        status["conditions"] = json!(conditions);
    }
    let mut steps: Vec<Step> = Step::status(job, status).into_iter().collect();
    if !steps.is_empty() {
        steps.extend(told);
    }
    steps
}

fn counts(job: &Live, tally: &Tally) -> Value {
    let mut status = json!({
        "active": tally.active, "ready": tally.ready, "terminating": tally.terminating,
        "succeeded": tally.succeeded, "failed": tally.failed, "uncountedTerminatedPods": {}
    });
    if indexes::is_indexed(job) {
        status["completedIndexes"] = json!(indexes::text(&tally.indexes));
    }
    status
}

fn suspend(job: &Live, suspended: bool, conditions: &mut Vec<Value>, said: (&str, &mut Vec<Step>)) {
    let (now, told) = said;
    let was = condition::holds(conditions, "Suspended");
    if suspended && !was {
        Condition::new("Suspended", true, "JobSuspended", "Job suspended").put(conditions, now);
        told.push(Step::tell(job, "Suspended", "Job suspended"));
    } else if !suspended && was {
        Condition::new("Suspended", false, "JobResumed", "Job resumed").put(conditions, now);
        told.push(Step::tell(job, "Resumed", "Job resumed"));
    }
}

fn end(job: &Live, verdict: Verdict, over: bool, at: (&str, &mut Vec<Value>), told: &mut Vec<Step>) {
    let (now, conditions) = at;
    let (first, last, reason, message) = match verdict {
        Verdict::Complete => (
            "SuccessCriteriaMet",
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ),
        Verdict::TooManyFailures => {
            ("FailureTarget", "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        }
        Verdict::TooLate => {
            ("FailureTarget", "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        }
    };
    Condition::new(first, true, reason, message).put(conditions, now);
    if over {
        Condition::new(last, true, reason, message).put(conditions, now);
        told.push(match verdict {
            Verdict::Complete => Step::tell(job, "Completed", "Job completed"),
            _ => Step::warn(job, reason, message),
        });
    }
}
