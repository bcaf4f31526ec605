//! Pods and what is made of them.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::age::human;
use super::read::{
    NONE, at, condition_is_true, containers, is_deleting, is_true, labels, list, number, seconds_between,
    text, text_or, time,
};
use super::{AGE, NAME, Printer, age, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("", "Pod") => Some(&POD),
        ("", "PodTemplate") => Some(&POD_TEMPLATE),
        _ => None,
    }
}

static POD: Printer = Printer {
    columns: &[
        NAME,
        string("Ready"),
        string("Status"),
        string("Restarts"),
        AGE,
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ],
    cells: pod_cells,
};

static POD_TEMPLATE: Printer = Printer {
    columns: &[NAME, string("Containers"), string("Images"), string("Pod Labels")],
    cells: |object, _| {
        let [names, images] = containers(object, &["template", "spec", "containers"]);
        vec![name(object), names, images, json!(labels(object, &["template", "metadata", "labels"]))]
    },
};

/// The conditions of a row: a Pod that has finished is `Completed`.
pub(super) fn row_conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(pod, &["status", "phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

fn pod_cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summarise(pod);
    let total = list(pod, &["spec", "containers"]).len()
        + list(pod, &["spec", "initContainers"]).iter().filter(|container| is_sidecar(container)).count();
    let restarts = match summary.restarts.last {
        Some(last) if summary.restarts.count != 0 => {
            format!("{} ({} ago)", summary.restarts.count, human(seconds_between(last, now)))
        }
        _ => summary.restarts.count.to_string(),
    };
    let ip = list(pod, &["status", "podIPs"]).first().map_or("", |first| text(first, &["ip"]));
    vec![
        name(pod),
        json!(format!("{}/{total}", summary.ready)),
        json!(summary.reason),
        json!(restarts),
        age(pod, now),
        json!(if ip.is_empty() { NONE } else { ip }),
        json!(text_or(pod, &["spec", "nodeName"], NONE)),
        json!(text_or(pod, &["status", "nominatedNodeName"], NONE)),
        json!(readiness_gates(pod)),
    ]
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return NONE.into();
    }
    let met = gates
        .iter()
        .filter(|gate| condition_is_true(pod, &["status", "conditions"], text(gate, &["conditionType"])))
        .count();
    format!("{met}/{}", gates.len())
}

/// Restarts, and the end of the last run before one.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += number(status, &["restartCount"]);
        self.last = self.last.max(time(status, &["lastState", "terminated", "finishedAt"]));
    }
}

struct Summary {
    reason: String,
    ready: usize,
    restarts: Restarts,
}

/// An init container that keeps running beside the others.
fn is_sidecar(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

fn summarise(pod: &Value) -> Summary {
    let mut summary = Summary { reason: initial_reason(pod), ready: 0, restarts: Restarts::default() };
    let mut sidecar_restarts = Restarts::default();
    let initializing = init_containers(pod, &mut summary, &mut sidecar_restarts);
    if !initializing || condition_is_true(pod, &["status", "conditions"], "Initialized") {
        summary.restarts = sidecar_restarts;
        main_containers(pod, &mut summary);
    }
    let finished = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    if is_deleting(pod) && text(pod, &["status", "reason"]) == "NodeLost" {
        summary.reason = "Unknown".into();
    } else if is_deleting(pod) && !finished {
        summary.reason = "Terminating".into();
    }
    summary
}

fn initial_reason(pod: &Value) -> String {
    let gated = list(pod, &["status", "conditions"]).iter().any(|condition| {
        text(condition, &["type"]) == "PodScheduled" && text(condition, &["reason"]) == "SchedulingGated"
    });
    if gated {
        return "SchedulingGated".into();
    }
    text_or(pod, &["status", "reason"], text(pod, &["status", "phase"])).to_owned()
}

/// Walks the init containers up to the first that has not done its part; whether there is one.
fn init_containers(pod: &Value, summary: &mut Summary, sidecar_restarts: &mut Restarts) -> bool {
    let declared = list(pod, &["spec", "initContainers"]);
    for (index, status) in list(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
        summary.restarts.add(status);
        let sidecar = declared
            .iter()
            .any(|container| is_sidecar(container) && text(container, &["name"]) == text(status, &["name"]));
        if sidecar {
            sidecar_restarts.add(status);
        }
        let terminated = at(status, &["state", "terminated"]);
        if !terminated.is_null() && number(terminated, &["exitCode"]) == 0 {
            continue;
        }
        if sidecar && is_true(status, &["started"]) {
            summary.ready += usize::from(is_true(status, &["ready"]));
            continue;
        }
        let waiting = text(status, &["state", "waiting", "reason"]);
        summary.reason = if !terminated.is_null() {
            format!("Init:{}", ending(terminated))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", declared.len())
        };
        return true;
    }
    false
}

fn main_containers(pod: &Value, summary: &mut Summary) {
    let mut running = false;
    let mut failure = None;
    for status in list(pod, &["status", "containerStatuses"]).iter().rev() {
        summary.restarts.add(status);
        let waiting = text(status, &["state", "waiting", "reason"]);
        let terminated = at(status, &["state", "terminated"]);
        if !waiting.is_empty() {
            summary.reason = waiting.to_owned();
        } else if !terminated.is_null() {
            summary.reason = ending(terminated);
            if number(terminated, &["exitCode"]) != 0 {
                failure = Some(summary.reason.clone());
            }
        } else if is_true(status, &["ready"]) && !at(status, &["state", "running"]).is_null() {
            running = true;
            summary.ready += 1;
        }
    }
    // A Pod of which one container has completed is not itself completed.
    if summary.reason == "Completed" {
        if running && condition_is_true(pod, &["status", "conditions"], "Ready") {
            summary.reason = "Running".into();
        } else if let Some(failure) = failure {
            summary.reason = failure;
        } else if running {
            summary.reason = "NotReady".into();
        }
    }
}

/// How a container ended: the reason, else the signal, else the exit code.
fn ending(terminated: &Value) -> String {
    let signal = number(terminated, &["signal"]);
    match text(terminated, &["reason"]) {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", number(terminated, &["exitCode"])),
        reason => reason.to_owned(),
    }
}
