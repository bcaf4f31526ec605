//! Counts of a Deployment, and whether it gets on.

use std::time::Duration;

use runtime::Again;
use serde_json::{Value, json};

use super::rollout::Limits;
use super::sets::{Set, Sets};
use crate::condition::{self, Condition};
use crate::live::{Live, text};
use crate::pace::Pace;
use crate::pod;

/// A deadline of this many seconds is none. Source: `HasProgressDeadline`.
const NO_DEADLINE: i64 = i32::MAX as i64;

const AVAILABLE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// What must change for a rollout to get on.
pub(crate) fn fingerprint(deployment: &Live, sets: &Sets) -> String {
    let of_new = sets.new.as_ref().map(|set| format!("{} {}", set.live.uid(), set.available));
    let counts: Vec<(i64, i64, i64)> =
        sets.all().map(|set| (set.running, set.ready, set.available)).collect();
    format!("{} {of_new:?} {counts:?}", deployment.flag("/spec/paused"))
}

/// Whether the status says that the rollout is done.
pub(crate) fn is_complete(deployment: &Live) -> bool {
    let wanted = deployment.int("/spec/replicas").unwrap_or(1);
    let counts = ["updatedReplicas", "replicas", "availableReplicas"];
    counts.iter().all(|count| deployment.count(&format!("/status/{count}")) == wanted)
        && deployment.count("/status/observedGeneration") >= deployment.generation()
}

/// The status, and when to look again because a deadline comes. `stalled` is how long nothing has moved.
pub(crate) fn decide(
    deployment: &Live,
    sets: &Sets,
    stalled: Duration,
    time: (&str, &Pace),
) -> (Value, Again) {
    let (now, pace) = time;
    let mut status = counts(deployment, sets);
    let mut conditions = deployment.conditions().to_vec();
    availability(deployment, &status).put_dated(&mut conditions, now);
    let again = progress(deployment, (sets, &status), stalled, (now, pace), &mut conditions);
    failure(sets, now, &mut conditions);
    status["conditions"] = json!(conditions);
    (status, again)
}

fn counts(deployment: &Live, sets: &Sets) -> Value {
    let sum = |count: &dyn Fn(&Set) -> i64| sets.all().map(count).sum::<i64>();
    let available = sum(&|set| set.available);
    let mut status = json!({
        "observedGeneration": deployment.generation(),
        "replicas": sum(&|set| set.running),
        "updatedReplicas": sets.new.as_ref().map_or(0, |set| set.running),
        "readyReplicas": sum(&|set| set.ready),
        "availableReplicas": available,
        "unavailableReplicas": (sum(&|set| set.replicas) - available).max(0)
    });
    if let Some(collisions) = deployment.int("/status/collisionCount") {
        status["collisionCount"] = json!(collisions);
    }
    status
}

fn availability(deployment: &Live, status: &Value) -> Condition {
    let limits = Limits::of(deployment);
    let available = status["availableReplicas"].as_i64().unwrap_or_default();
    if available >= limits.wanted - limits.unavailable {
        Condition::new("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        let message = "Deployment does not have minimum availability.";
        Condition::new("Available", false, "MinimumReplicasUnavailable", message)
    }
}

/// Source: `syncRolloutStatus`.
fn progress(
    deployment: &Live,
    seen: (&Sets, &Value),
    stalled: Duration,
    time: (&str, &Pace),
    conditions: &mut Vec<Value>,
) -> Again {
    let ((sets, status), (now, pace)) = (seen, time);
    let seconds = deployment.int("/spec/progressDeadlineSeconds").unwrap_or(600);
    if seconds >= NO_DEADLINE {
        condition::remove(conditions, "Progressing");
        return Again::WhenWoken;
    }
    let known = condition::find(conditions, "Progressing").cloned().unwrap_or_default();
    let reason = text(&known, "/reason");
    let subject = match &sets.new {
        Some(set) => format!("ReplicaSet \"{}\"", set.live.name()),
        None => format!("Deployment \"{}\"", deployment.name()),
    };
    let settled = reason == AVAILABLE && status["replicas"] == status["updatedReplicas"];
    let left = pod::left(pace.of_seconds(seconds), stalled);
    // A deadline that has passed for one set says nothing of the next.
    let names_new = sets.new.as_ref().is_none_or(|set| text(&known, "/message").contains(set.live.name()));
    let moved =
        !names_new || moved(deployment, status) || !["ReplicaSetUpdated", TIMED_OUT].contains(&reason);
    let said = if deployment.flag("/spec/paused") {
        (reason != TIMED_OUT).then(|| progressing("DeploymentPaused", "Deployment is paused"))
    } else if settled {
        None
    } else if done(deployment, status) {
        Some(progressing(AVAILABLE, format!("{subject} has successfully progressed.")))
    } else if moved {
        Some(first_word(!names_new, sets, &subject))
    } else if left.is_none() {
        let message = format!("{subject} has timed out progressing.");
        Some(Condition::new("Progressing", false, TIMED_OUT, message))
    } else {
        None
    };
    if let Some(said) = said {
        said.put_dated(conditions, now);
    }
    let waits =
        condition::find(conditions, "Progressing").is_some_and(|c| text(c, "/reason") == "ReplicaSetUpdated");
    if waits || moved { left.map_or(Again::WhenWoken, Again::After) } else { Again::WhenWoken }
}

/// What is said of a rollout that moves: at its start that there is a new set, then that it gets on.
fn first_word(starts: bool, sets: &Sets, subject: &str) -> Condition {
    match sets.new.as_ref().filter(|set| starts && set.running == 0) {
        Some(set) => {
            progressing("NewReplicaSetCreated", format!("Created new replica set \"{}\"", set.live.name()))
        }
        None => progressing("ReplicaSetUpdated", format!("{subject} is progressing.")),
    }
}

fn progressing(reason: &str, message: impl Into<String>) -> Condition {
    Condition::new("Progressing", true, reason, message)
}

/// Source: `DeploymentComplete`.
fn done(deployment: &Live, status: &Value) -> bool {
    let wanted = json!(deployment.int("/spec/replicas").unwrap_or(1));
    ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|count| status[count] == wanted)
}

/// Source: `DeploymentProgressing`.
fn moved(deployment: &Live, status: &Value) -> bool {
    let was = |field: &str| deployment.count(&format!("/status/{field}"));
    let is = |field: &str| status[field].as_i64().unwrap_or_default();
    is("updatedReplicas") > was("updatedReplicas")
        || is("replicas") - is("updatedReplicas") < was("replicas") - was("updatedReplicas")
        || is("readyReplicas") > was("readyReplicas")
        || is("availableReplicas") > was("availableReplicas")
}

/// The failure of the new set, or else of the first old one that has one.
fn failure(sets: &Sets, now: &str, conditions: &mut Vec<Value>) {
    let failed = sets.all().find_map(|set| condition::find(set.live.conditions(), "ReplicaFailure"));
    match failed {
        Some(failed) => {
            let (reason, message) = (text(failed, "/reason"), text(failed, "/message"));
            Condition::new("ReplicaFailure", true, reason, message).put_dated(conditions, now);
        }
        None => condition::remove(conditions, "ReplicaFailure"),
    }
}

impl Condition {
    /// As a Deployment's conditions are put: with the time of their last change.
    fn put_dated(&self, conditions: &mut Vec<Value>, now: &str) {
        let known = condition::find(conditions, self.kind);
        let status = if self.holds { "True" } else { "False" };
        let same = |known: &Value| {
            text(known, "/status") == status
                && text(known, "/reason") == self.reason
                && text(known, "/message") == self.message
        };
        if known.is_some_and(same) {
            return;
        }
        self.put(conditions, now);
        if let Some(put) = conditions.iter_mut().find(|c| text(c, "/type") == self.kind) {
            put["lastUpdateTime"] = json!(now);
        }
    }
}
