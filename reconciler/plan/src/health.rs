//! Whether an object works in a cluster, from the `.status` that the cluster returns. The rules are those that kubectl, kstatus and Argo CD agree on;
//! where they differ, the comment says whom we follow.
//!
//! | module | knows |
//! |---|---|
//! | [`workloads`] | Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob |
//! | [`pod`] | Pod: phases and what its containers wait for |
//! | [`others`] | claims, Services, CRDs, autoscalers, Namespaces |
//! | [`conditions`] | every other kind, by the conditions it reports |

use apimachinery::GroupKind;
use serde_json::Value;

mod conditions;
mod others;
mod pod;
#[cfg(test)]
mod tests;
mod workloads;

/// The verdict, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthState {
    /// It does what was asked for.
    Healthy,
    /// It is paused because it was asked to be.
    Suspended,
    /// On its way.
    Progressing,
    /// Nothing is known.
    #[default]
    Unknown,
    /// It failed, or cannot get further by itself.
    Degraded,
}

/// A verdict with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Health {
    /// The verdict.
    pub state: HealthState,
    /// One word as in a condition, `ImagePullBackOff`; may be empty.
    pub reason: String,
    /// One sentence for people; may be empty.
    pub message: String,
}

impl Health {
    /// Healthy, with nothing to say.
    pub fn healthy() -> Self {
        Self { state: HealthState::Healthy, ..Self::default() }
    }

    /// A verdict with its reason.
    pub fn new(state: HealthState, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), message: message.into() }
    }

    fn progressing(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(HealthState::Progressing, reason, message)
    }

    fn degraded(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(HealthState::Degraded, reason, message)
    }

    fn suspended(message: &str) -> Self {
        Self::new(HealthState::Suspended, "Suspended", message)
    }

    /// Whether nobody has to wait or to look: healthy, or paused as asked.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, HealthState::Healthy | HealthState::Suspended)
    }
}

impl std::fmt::Display for HealthState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Unknown => "Unknown",
            Self::Degraded => "Degraded",
        })
    }
}

impl std::fmt::Display for Health {
    /// `Degraded: ImagePullBackOff: …`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.state)?;
        for part in [&self.reason, &self.message] {
            if !part.is_empty() {
                write!(f, ": {part}")?;
            }
        }
        Ok(())
    }
}

/// What a cluster says of one object.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// Its kind.
    pub kind: &'a GroupKind,
    /// What was shipped: rules look at `spec.replicas`, `spec.suspend`, `spec.type`.
    pub content: &'a Value,
    /// `.status` in the cluster; `None` when nothing has come back.
    pub status: Option<&'a Value>,
    /// `metadata.generation` in the cluster, if known.
    pub generation: Option<i64>,
}

type Rule = fn(&Seen<'_>) -> Health;

/// Spec and status, as the rules look at them.
struct Seen<'a> {
    content: &'a Value,
    status: &'a Value,
}

/// The health of an object that is applied. Kinds without a rule are healthy once applied, unless they report conditions.
pub fn health(reported: &Reported<'_>) -> Health {
    let rule = rule(reported.kind);
    let Some(status) = reported.status else {
        return match rule {
            Some(_) if waits_for_status(reported) => {
                Health::new(HealthState::Unknown, "NoStatus", "the cluster has not returned its status")
            }
            _ => Health::healthy(),
        };
    };
    if let Some(observed) = status.get("observedGeneration").and_then(Value::as_i64)
        && reported.generation.is_some_and(|generation| observed < generation)
    {
        return Health::progressing("NotObserved", "its controller has not seen the last change yet");
    }
    let seen = Seen { content: reported.content, status };
    rule.map_or_else(|| conditions::health(&seen), |rule| rule(&seen))
}

fn rule(kind: &GroupKind) -> Option<Rule> {
    let rule: Rule = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workloads::replica_set,
        ("batch", "Job") => workloads::job,
        ("batch", "CronJob") => workloads::cron_job,
        ("", "Pod") => pod::pod,
        ("", "PersistentVolumeClaim") => others::claim,
        ("", "PersistentVolume") => others::volume,
        ("", "Service") => others::service,
        ("", "Namespace") => others::namespace,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => others::definition,
        ("autoscaling", "HorizontalPodAutoscaler") => others::autoscaler,
        _ => return None,
    };
    Some(rule)
}

/// Whether silence means something: a ClusterIP Service and a CronJob never have a status worth waiting for.
fn waits_for_status(reported: &Reported<'_>) -> bool {
    match reported.kind.kind.as_str() {
        "Service" => reported.content.pointer("/spec/type") == Some(&Value::from("LoadBalancer")),
        "CronJob" | "Namespace" | "PersistentVolume" | "HorizontalPodAutoscaler" => false,
        _ => true,
    }
}

impl<'a> Seen<'a> {
    /// A number of the status; absent is zero, as Kubernetes leaves zeros out.
    fn count(&self, field: &str) -> i64 {
        self.status.get(field).and_then(Value::as_i64).unwrap_or(0)
    }

    fn text(&self, field: &str) -> &'a str {
        self.status.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn spec(&self, pointer: &str) -> Option<&'a Value> {
        self.content.get("spec").and_then(|spec| spec.pointer(pointer))
    }

    /// `spec.replicas`, which is 1 unless something else was asked for.
    fn replicas(&self) -> i64 {
        self.spec("/replicas").and_then(Value::as_i64).unwrap_or(1)
    }

    fn conditions(&self) -> impl Iterator<Item = Condition<'a>> + use<'a> {
        let list = self.status.get("conditions").and_then(Value::as_array);
        list.into_iter().flatten().map(|value| Condition { value })
    }

    /// The condition of a type.
    fn condition(&self, kind: &str) -> Option<Condition<'a>> {
        self.conditions().find(|c| c.text("type") == kind)
    }

    /// The condition of a type, if it is True.
    fn is_true(&self, kind: &str) -> Option<Condition<'a>> {
        self.condition(kind).filter(Condition::holds)
    }
}

/// One entry of `status.conditions`.
#[derive(Clone, Copy)]
struct Condition<'a> {
    value: &'a Value,
}

impl<'a> Condition<'a> {
    fn text(&self, field: &str) -> &'a str {
        self.value.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn holds(&self) -> bool {
        self.text("status") == "True"
    }

    fn fails(&self) -> bool {
        self.text("status") == "False"
    }

    /// Its reason, or its type where it gives none.
    fn reason(&self) -> &'a str {
        let reason = self.text("reason");
        if reason.is_empty() { self.text("type") } else { reason }
    }

    fn verdict(&self, state: HealthState) -> Health {
        Health::new(state, self.reason(), self.text("message"))
    }
}
