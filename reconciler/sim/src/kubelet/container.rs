//! The life of one container, as a table: what it is, what is wrong with it, what comes next and after how long.

use std::time::Duration;

use serde_json::{Value, json};

use crate::faults::Fault;
use crate::live::{int, items, text};
use crate::pace::Pace;

/// What a container is told by its pod.
#[derive(Clone, Debug)]
pub(crate) struct Container<'a> {
    pub spec: &'a Value,
    /// For identifiers that it gets.
    pub pod_uid: &'a str,
    /// Whether it is an init container that has to end before the next one starts.
    pub init: bool,
    /// Whether it ends by itself.
    pub ends: bool,
    /// Whether it is started again after an error.
    pub restarts: bool,
    pub fault: Option<Fault>,
    /// Why it cannot be made from its configuration.
    pub config: Option<String>,
    /// What it says before anything happens: `ContainerCreating`, or `PodInitializing` behind init containers.
    pub first_word: &'static str,
    /// Whether it waits for others: for init containers, or for volumes.
    pub held: bool,
    /// Whether all that it serves have ended.
    pub dismissed: bool,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    /// Nothing by itself.
    Stay,
    /// This status after this time, and what is told about it: reason, message, whether it is a warning.
    To(Duration, Value, Vec<Told>),
}

/// An event: reason, message, whether it is a warning.
pub(crate) type Told = (&'static str, String, bool);

/// What a status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    Creating,
    Misconfigured,
    PullFailed,
    PullBackOff,
    Running { ready: bool },
    CrashBackOff,
    Ended { code: i64 },
}

impl State {
    fn of(status: &Value) -> Self {
        if status.pointer("/state/running").is_some() {
            return Self::Running { ready: status["ready"] == json!(true) };
        }
        if let Some(code) = int(status, "/state/terminated/exitCode") {
            return Self::Ended { code };
        }
        match text(status, "/state/waiting/reason") {
            "" => Self::Absent,
            "ErrImagePull" => Self::PullFailed,
            "ImagePullBackOff" => Self::PullBackOff,
            "CrashLoopBackOff" => Self::CrashBackOff,
            "CreateContainerConfigError" => Self::Misconfigured,
            _ => Self::Creating,
        }
    }
}

impl Container<'_> {
    pub(crate) fn name(&self) -> &str {
        text(self.spec, "/name")
    }

    fn image(&self) -> &str {
        text(self.spec, "/image")
    }

    /// What follows on a status (`Null` before there is one).
    pub(crate) fn turn(&self, status: &Value, pace: &Pace, now: &str) -> Turn {
        let state = State::of(status);
        let other_image = text(status, "/image") != self.image();
        match state {
            State::Absent => Turn::To(Duration::ZERO, self.waits(status, self.first_word, ""), Vec::new()),
            State::Ended { code } => self.after_end(status, code, now),
            _ if other_image => {
                let told = format!("Container {} definition changed, will be restarted", self.name());
                Turn::To(Duration::ZERO, self.changed(status, now), vec![("Killing", told, false)])
            }
            State::Creating | State::Misconfigured | State::PullFailed | State::PullBackOff if self.held => {
                Turn::Stay
            }
            State::Creating | State::Misconfigured | State::PullFailed | State::PullBackOff => {
                self.create(status, state, pace, now)
            }
            State::Running { ready } => self.run(status, ready, pace, now),
            State::CrashBackOff => self.restart(status, pace, now),
        }
    }

    fn create(&self, status: &Value, state: State, pace: &Pace, now: &str) -> Turn {
        if let Some(why) = &self.config {
            if state == State::Misconfigured && text(status, "/state/waiting/message") == why {
                return Turn::Stay;
            }
            let told = vec![("Failed", format!("Error: {why}"), true)];
            return Turn::To(pace.pull, self.waits(status, "CreateContainerConfigError", why), told);
        }
        if self.fault == Some(Fault::Image) {
            return self.pull_in_vain(status, state, pace);
        }
        let pulled = ("Pulled", format!("Successfully pulled image \"{}\"", self.image()), false);
        let created = ("Created", format!("Created container: {}", self.name()), false);
        let started = ("Started", format!("Started container {}", self.name()), false);
        let told = vec![pulled, created, started];
        if self.init && self.ends && self.fault != Some(Fault::Crash) {
            // Nobody looks at what an init container does meanwhile, so one status tells of its start and its end.
            return Turn::To(pace.pull + pace.run, self.ended(status, 0, now), told);
        }
        Turn::To(pace.pull, self.started(status, now, 0), told)
    }

    fn pull_in_vain(&self, status: &Value, state: State, pace: &Pace) -> Turn {
        let image = self.image();
        let why = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": not found"
        );
        match state {
            State::PullBackOff => Turn::Stay,
            State::PullFailed => {
                let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {why}");
                let told = vec![
                    ("BackOff", format!("Back-off pulling image \"{image}\""), false),
                    ("Failed", "Error: ImagePullBackOff".to_owned(), true),
                ];
                Turn::To(pace.backoff, self.waits(status, "ImagePullBackOff", &message), told)
            }
            _ => {
                let told = vec![
                    ("Failed", format!("Failed to pull image \"{image}\": {why}"), true),
                    ("Failed", "Error: ErrImagePull".to_owned(), true),
                ];
                Turn::To(pace.pull, self.waits(status, "ErrImagePull", &why), told)
            }
        }
    }

    fn run(&self, status: &Value, ready: bool, pace: &Pace, now: &str) -> Turn {
        if self.dismissed {
            return Turn::To(Duration::ZERO, self.ended(status, 0, now), Vec::new());
        }
        if self.fault == Some(Fault::Crash) {
            let (status, told) = self.crashed(status, pace, now);
            return Turn::To(pace.ready, status, told);
        }
        if self.fault == Some(Fault::NeverReady) {
            let told = vec![(
                "Unhealthy",
                "Readiness probe failed: the simulation was asked to let it fail".to_owned(),
                true,
            )];
            return if ready {
                Turn::To(Duration::ZERO, with_ready(status, false), told)
            } else {
                Turn::Stay
            };
        }
        if !ready && !self.init {
            return Turn::To(self.until_ready(pace), with_ready(status, true), Vec::new());
        }
        if self.ends { Turn::To(pace.run, self.ended(status, 0, now), Vec::new()) } else { Turn::Stay }
    }

    /// A container without probes is ready as soon as it runs.
    fn until_ready(&self, pace: &Pace) -> Duration {
        let probes = ["startupProbe", "readinessProbe"].into_iter().filter_map(|probe| self.spec.get(probe));
        let delays = probes.map(|probe| {
            pace.ready + pace.of_seconds(int(probe, "/initialDelaySeconds").unwrap_or_default())
        });
        delays.sum()
    }

    /// After an error: again, unless it is never started again. A container that crashed and is well now does not wait.
    fn restart(&self, status: &Value, pace: &Pace, now: &str) -> Turn {
        let told = vec![("Started", format!("Started container {}", self.name()), false)];
        let pause =
            if self.fault == Some(Fault::Crash) { backoff(restarts(status), pace) } else { pace.pull };
        Turn::To(pause, self.started(status, now, 1), told)
    }

    fn after_end(&self, status: &Value, code: i64, now: &str) -> Turn {
        if code == 0 && self.ends || self.dismissed || !self.restarts {
            return Turn::Stay;
        }
        let mut again = self.waits(status, "CrashLoopBackOff", "");
        again["lastState"] = json!({ "terminated": self.termination(status, code, now) });
        Turn::To(Duration::ZERO, again, Vec::new())
    }

    fn waits(&self, status: &Value, reason: &str, message: &str) -> Value {
        let mut waiting = json!({ "reason": reason });
        if !message.is_empty() {
            waiting["message"] = json!(message);
        }
        json!({
            "name": self.name(), "image": self.image(), "imageID": "", "ready": false, "started": false,
            "restartCount": restarts(status), "state": { "waiting": waiting }, "lastState": status.get("lastState").cloned().unwrap_or_else(|| json!({}))
        })
    }

    fn started(&self, status: &Value, now: &str, more_restarts: i64) -> Value {
        let mut running = self.waits(status, "", "");
        let count = restarts(status) + more_restarts;
        running["restartCount"] = json!(count);
        running["started"] = json!(true);
        // Init containers that stay are ready as soon as they run; others when their probes say so.
        running["ready"] = json!(self.init || (self.has_no_probe() && self.fault.is_none()));
        running["imageID"] =
            json!(format!("{}@sha256:{}", self.image(), apimachinery::Digest::of(self.image().as_bytes())));
        running["containerID"] = json!(self.container_id(count));
        running["state"] = json!({ "running": { "startedAt": now } });
        running
    }

    fn has_no_probe(&self) -> bool {
        ["startupProbe", "readinessProbe"].iter().all(|probe| self.spec.get(*probe).is_none())
    }

    fn container_id(&self, count: i64) -> String {
        let parts = [self.pod_uid, self.name(), &count.to_string()];
        format!("containerd://{}", apimachinery::Digest::of_parts(parts.iter().map(|part| part.as_bytes())))
    }

    fn ended(&self, status: &Value, code: i64, now: &str) -> Value {
        let mut ended = self.started(status, now, 0);
        ended["started"] = json!(false);
        ended["ready"] = json!(self.init && code == 0);
        ended["state"] = json!({ "terminated": self.termination(status, code, now) });
        ended
    }

    fn termination(&self, status: &Value, code: i64, now: &str) -> Value {
        let started = text(status, "/state/running/startedAt");
        let id = text(status, "/containerID");
        let own = self.container_id(restarts(status));
        json!({
            "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": if started.is_empty() { now } else { started }, "finishedAt": now,
            "containerID": if id.is_empty() { own.as_str() } else { id }
        })
    }

    fn crashed(&self, status: &Value, pace: &Pace, now: &str) -> (Value, Vec<Told>) {
        if !self.restarts {
            return (self.ended(status, 1, now), Vec::new());
        }
        let seconds = backoff(restarts(status), pace).as_secs();
        let message = format!("back-off {seconds}s restarting failed container={}", self.name());
        let mut waiting = self.waits(status, "CrashLoopBackOff", &message);
        waiting["lastState"] = json!({ "terminated": self.termination(status, 1, now) });
        waiting["containerID"] = status["containerID"].clone();
        let told = vec![("BackOff", format!("Back-off restarting failed container {}", self.name()), true)];
        (waiting, told)
    }

    /// After a change of the image in place.
    fn changed(&self, status: &Value, now: &str) -> Value {
        let ran = State::of(status) == State::Running { ready: status["ready"] == json!(true) };
        let mut waiting = self.waits(status, "ContainerCreating", "");
        if ran {
            waiting["restartCount"] = json!(restarts(status) + 1);
            waiting["lastState"] = json!({ "terminated": self.termination(status, 0, now) });
        }
        waiting
    }
}

fn with_ready(status: &Value, ready: bool) -> Value {
    let mut status = status.clone();
    status["ready"] = json!(ready);
    status
}

fn restarts(status: &Value) -> i64 {
    int(status, "/restartCount").unwrap_or_default()
}

fn backoff(restarts: i64, pace: &Pace) -> Duration {
    let doublings = u32::try_from(restarts.clamp(0, 20)).unwrap_or_default();
    pace.backoff.saturating_mul(1 << doublings).min(pace.longest_backoff)
}

/// The status of a container in a list of a pod's status.
pub(crate) fn status_of<'a>(status: &'a Value, list: &str, name: &str) -> &'a Value {
    items(status, list).iter().find(|status| text(status, "/name") == name).unwrap_or(&Value::Null)
}

/// Whether an init container lets the next one start.
pub(crate) fn lets_pass(status: &Value, sidecar: bool) -> bool {
    match State::of(status) {
        State::Running { .. } => sidecar,
        State::Ended { code } => code == 0,
        _ => false,
    }
}

/// What the pod makes of a container: it has run, it runs, it has ended and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    NeverRan,
    Runs,
    Ended(i64),
}

pub(crate) fn verdict(status: &Value) -> Verdict {
    match State::of(status) {
        State::Running { .. } | State::CrashBackOff => Verdict::Runs,
        State::Ended { code } => Verdict::Ended(code),
        _ if restarts(status) > 0 => Verdict::Runs,
        _ => Verdict::NeverRan,
    }
}
