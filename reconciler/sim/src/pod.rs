//! What controllers see of a pod.

use std::time::Duration;

use runtime::Again;
use serde_json::Value;

use crate::condition;
use crate::kind::Kind;
use crate::live::{Live, int, items, text};
use crate::world::World;

/// The label with the hash of the template of a ReplicaSet of a Deployment.
pub(crate) const TEMPLATE_HASH: &str = "pod-template-hash";

/// Whether it has ended.
pub(crate) fn is_over(pod: &Live) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// Whether it counts as a replica: neither ended nor ending.
pub(crate) fn is_active(pod: &Live) -> bool {
    !is_over(pod) && !pod.deleting()
}

pub(crate) fn is_ready(pod: &Live) -> bool {
    condition::holds(pod.conditions(), "Ready")
}

/// How often its containers were started again.
pub(crate) fn restarts(pod: &Live) -> i64 {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = lists.iter().flat_map(|list| pod.items(list));
    statuses.filter_map(|status| int(status, "/restartCount")).sum()
}

/// Names of the claims that its volumes use.
pub(crate) fn claims(pod: &Live) -> Vec<String> {
    let volumes = pod.items("/spec/volumes").iter();
    let named = volumes.filter_map(|volume| {
        if volume.get("ephemeral").is_some() {
            return Some(format!("{}-{}", pod.name(), text(volume, "/name")));
        }
        Some(volume.pointer("/persistentVolumeClaim/claimName")?.as_str()?.to_owned())
    });
    named.collect()
}

/// The number of a container's port: a number as it is, a name as the first container that has it says.
pub(crate) fn port(pod: &Live, wanted: &Value, protocol: &str) -> Option<i64> {
    if let Some(number) = wanted.as_i64() {
        return Some(number);
    }
    let name = wanted.as_str()?;
    let ports = pod.items("/spec/containers").iter().flat_map(|container| items(container, "/ports"));
    let same = |port: &&Value| {
        let its = text(port, "/protocol");
        text(port, "/name") == name && (its == protocol || its.is_empty() && protocol == "TCP")
    };
    ports.into_iter().find(same).and_then(|port| int(port, "/containerPort"))
}

/// A pod as a replica of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub pod: Live,
    pub ready: bool,
    /// Ready for as long as the workload asks for.
    pub available: bool,
}

impl Replica {
    /// For tables of tests.
    #[cfg(test)]
    pub(crate) fn of(pod: Live) -> Self {
        let ready = is_ready(&pod);
        Self { pod, ready, available: ready }
    }
}

/// Which pods are available at least `min_ready_seconds` after they became ready, and when to look again.
pub(crate) fn replicas(world: &World, pods: Vec<Live>, min_ready_seconds: i64) -> (Vec<Replica>, Again) {
    let needed = world.pace.of_seconds(min_ready_seconds);
    let mut again = Again::WhenWoken;
    let mut replicas = Vec::new();
    for pod in pods {
        let ready = is_ready(&pod);
        let id = crate::kind::Id::new(Kind::Pod, pod.namespace(), pod.name());
        let since =
            text(condition::find(pod.conditions(), "Ready").unwrap_or(&Value::Null), "/lastTransitionTime");
        let state = format!("{} {ready} {since}", pod.uid());
        let left = needed.saturating_sub(world.elapsed(&id, "ready", &state));
        if ready && !left.is_zero() && !pod.deleting() {
            again = sooner(again, Again::After(left));
        }
        replicas.push(Replica { pod, ready, available: ready && left.is_zero() });
    }
    (replicas, again)
}

/// The earlier of two.
pub(crate) fn sooner(one: Again, other: Again) -> Again {
    match (one, other) {
        (Again::WhenWoken, again) | (again, Again::WhenWoken) => again,
        (Again::After(one), Again::After(other)) => Again::After(one.min(other)),
    }
}

/// How long until a delay is over, or nothing when it is.
pub(crate) fn left(delay: Duration, elapsed: Duration) -> Option<Duration> {
    let left = delay.saturating_sub(elapsed);
    (!left.is_zero()).then_some(left)
}
