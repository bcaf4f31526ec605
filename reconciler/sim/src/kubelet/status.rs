//! The status of a pod, from those of its containers.

use std::time::Duration;

use apimachinery::Digest;
use runtime::Again;
use serde_json::{Value, json};

use super::container::{Container, Told, Turn, Verdict, lets_pass, status_of, verdict};
use super::references::Problems;
use crate::condition::Condition;
use crate::faults::Faults;
use crate::live::{Live, items, text};
use crate::pace::Pace;
use crate::pod;
use crate::step::Step;

/// Turns that one look takes at most; the rest comes with the next.
const TURNS: usize = 32;

const INIT: &str = "/initContainerStatuses";
const MAIN: &str = "/containerStatuses";

/// A pod on a node, and all that its life depends on.
pub(crate) struct Scene<'a> {
    pub pod: &'a Live,
    pub faults: &'a Faults,
    pub problems: &'a Problems,
    /// Of the pod, and of its node.
    pub address: &'a str,
    pub host: &'a str,
    pub pace: &'a Pace,
    pub now: &'a str,
}

/// What happens next to a status.
struct Next {
    after: Duration,
    status: Value,
    told: Vec<Told>,
}

impl Scene<'_> {
    /// Changes when what the containers wait for changes: then waiting starts anew.
    pub(crate) fn stage(&self) -> String {
        let status = self.status();
        let faults: Vec<String> = self
            .containers(&status)
            .iter()
            .map(|(container, _)| format!("{:?} {:?} {}", container.fault, container.config, container.held))
            .collect();
        let text = format!("{} {} {} {faults:?}", self.pod.uid(), status[&INIT[1..]], status[&MAIN[1..]]);
        Digest::of(text.as_bytes()).short(16)
    }

    /// The steps that are due, `elapsed` after the stage began, and when to look again.
    pub(crate) fn decide(&self, elapsed: Duration) -> (Vec<Step>, Again) {
        let (mut status, mut left, mut told) = (self.status(), elapsed, Vec::new());
        let mut again = Again::WhenWoken;
        let mut turns = 0;
        while let Some(next) = self.next(&status) {
            if next.after > left || turns == TURNS {
                again = Again::After(next.after.saturating_sub(left));
                break;
            }
            left -= next.after;
            status = next.status;
            told.extend(next.told);
            turns += 1;
        }
        self.conclude(&mut status);
        let unfilled = self.problems.volume.as_ref().filter(|_| !pod::is_ready(self.pod) && self.is_new());
        told.extend(unfilled.map(|why| ("FailedMount", why.clone(), true)));
        let mut steps: Vec<Step> = Step::status(self.pod, status).into_iter().collect();
        if !steps.is_empty() || unfilled.is_some() {
            steps.extend(told.into_iter().map(|(reason, message, warning)| match warning {
                true => Step::warn(self.pod, reason, message),
                false => Step::tell(self.pod, reason, message),
            }));
        }
        (steps, again)
    }

    fn status(&self) -> Value {
        self.pod.value.get("status").cloned().unwrap_or_else(|| json!({}))
    }

    /// Whether no container has been looked at yet.
    fn is_new(&self) -> bool {
        self.pod.items("/status/containerStatuses").is_empty()
    }

    /// All containers with the list that their status is in, init containers first.
    fn containers(&self, status: &Value) -> Vec<(Container<'_>, &'static str)> {
        let policy = self.pod.text("/spec/restartPolicy");
        let mains = self.pod.items("/spec/containers");
        let over = mains.iter().all(|main| {
            let verdict = verdict(status_of(status, MAIN, text(main, "/name")));
            matches!(verdict, Verdict::Ended(_)) && policy != "Always"
        });
        let mut held = self.problems.volume.is_some();
        let inits = self.pod.items("/spec/initContainers");
        let waits = if inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let mut containers = Vec::new();
        for spec in inits {
            let sidecar = text(spec, "/restartPolicy") == "Always";
            let (restarts, ends) = (sidecar || policy != "Never", !sidecar);
            let container = Container {
                init: true,
                ends,
                restarts,
                held,
                dismissed: over && sidecar,
                ..self.container(spec, waits)
            };
            held |= !lets_pass(status_of(status, INIT, container.name()), sidecar);
            containers.push((container, INIT));
        }
        for spec in mains {
            let (restarts, ends) = (policy != "Never", policy == "OnFailure" || policy == "Never");
            containers.push((Container { ends, restarts, held, ..self.container(spec, waits) }, MAIN));
        }
        containers
    }

    fn container<'s>(&'s self, spec: &'s Value, first_word: &'static str) -> Container<'s> {
        Container {
            spec,
            pod_uid: self.pod.uid(),
            first_word,
            init: false,
            ends: false,
            restarts: true,
            fault: self.faults.of_container(self.pod, text(spec, "/image")),
            config: self.problems.containers.get(text(spec, "/name")).cloned(),
            held: false,
            dismissed: false,
        }
    }

    /// The earliest turn, together with all that are due by then.
    fn next(&self, status: &Value) -> Option<Next> {
        let containers = self.containers(status);
        let turn = |(container, list): &(Container<'_>, &'static str)| {
            container.turn(status_of(status, list, container.name()), self.pace, self.now)
        };
        let turns: Vec<Turn> = containers.iter().map(turn).collect();
        let delays = turns.iter().filter_map(|turn| match turn {
            Turn::Stay => None,
            Turn::To(after, ..) => Some(*after),
        });
        let after = delays.min()?;
        let (mut next, mut told) = (status.clone(), Vec::new());
        for ((container, list), turn) in containers.iter().zip(turns) {
            match turn {
                Turn::To(due, new, events) if due <= after => {
                    put(&mut next, list, container.name(), new);
                    told.extend(events);
                }
                _ => {}
            }
        }
        Some(Next { after, status: next, told })
    }

    /// Phase, conditions and addresses, as the containers have it.
    fn conclude(&self, status: &mut Value) {
        let verdicts = |list: &str| items(status, list).iter().map(verdict).collect::<Vec<_>>();
        let (inits, mains) = (verdicts(INIT), verdicts(MAIN));
        let phase = phase(&inits, &mains);
        status["phase"] = json!(phase);
        status["hostIP"] = json!(self.host);
        status["hostIPs"] = json!([{ "ip": self.host }]);
        let begun = inits.iter().chain(&mains).any(|verdict| *verdict != Verdict::NeverRan);
        let asked = [INIT, MAIN].iter().flat_map(|list| items(status, list)).any(|container| {
            !["", "ContainerCreating", "PodInitializing"].contains(&text(container, "/state/waiting/reason"))
        });
        if begun || asked {
            status["podIP"] = json!(self.address);
            status["podIPs"] = json!([{ "ip": self.address }]);
        }
        if text(status, "/startTime").is_empty() {
            status["startTime"] = json!(self.now);
        }
        self.put_conditions(status, phase, begun || asked);
    }

    fn put_conditions(&self, status: &mut Value, phase: &str, has_network: bool) {
        let names = |list: &str, counts: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let found = items(status, list).iter().filter(|container| counts(container));
            found.map(|container| text(container, "/name").to_owned()).collect()
        };
        let sidecar = |name: &str| {
            let spec = self.pod.items("/spec/initContainers").iter().find(|spec| text(spec, "/name") == name);
            spec.is_some_and(|spec| text(spec, "/restartPolicy") == "Always")
        };
        let unfinished = names(INIT, &|container| !lets_pass(container, sidecar(text(container, "/name"))));
        let unready = names(MAIN, &|container| container["ready"] != json!(true));
        let over = matches!(phase, "Succeeded" | "Failed");
        let mut conditions = items(status, "/conditions").to_vec();
        let mut put = |kind, holds, reason: &str, message: String| {
            Condition::new(kind, holds, reason, message).put(&mut conditions, self.now);
        };
        put("PodReadyToStartContainers", has_network && !over, "", String::new());
        match phase {
            "Succeeded" => put("Initialized", true, "PodCompleted", String::new()),
            _ if unfinished.is_empty() => put("Initialized", true, "", String::new()),
            _ => {
                let message = format!("containers with incomplete status: [{}]", unfinished.join(" "));
                put("Initialized", false, "ContainersNotInitialized", message);
            }
        }
        for kind in ["Ready", "ContainersReady"] {
            match phase {
                "Succeeded" => put(kind, false, "PodCompleted", String::new()),
                "Failed" => put(kind, false, "PodFailed", String::new()),
                _ if unready.is_empty() && unfinished.is_empty() => put(kind, true, "", String::new()),
                _ => {
                    let message = format!("containers with unready status: [{}]", unready.join(" "));
                    put(kind, false, "ContainersNotReady", message);
                }
            }
        }
        put("PodScheduled", true, "", String::new());
        status["conditions"] = json!(conditions);
    }
}

/// Source: `getPhase` of the kubelet.
fn phase(inits: &[Verdict], mains: &[Verdict]) -> &'static str {
    let failed = |verdict: &Verdict| matches!(verdict, Verdict::Ended(code) if *code != 0);
    if inits.iter().any(failed) {
        return "Failed";
    }
    if mains.contains(&Verdict::NeverRan) || mains.is_empty() {
        return "Pending";
    }
    if mains.contains(&Verdict::Runs) {
        return "Running";
    }
    if mains.iter().any(failed) { "Failed" } else { "Succeeded" }
}

fn put(status: &mut Value, list: &str, name: &str, new: Value) {
    let field = &list[1..];
    if !status[field].is_array() {
        status[field] = json!([]);
    }
    let Some(statuses) = status[field].as_array_mut() else { return };
    match statuses.iter_mut().find(|known| text(known, "/name") == name) {
        Some(known) => *known = new,
        None => statuses.push(new),
    }
}

#[cfg(test)]
mod tests;
