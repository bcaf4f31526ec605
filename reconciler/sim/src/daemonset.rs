//! DaemonSets: one pod on every node that fits.
//!
//! Source of order and rules: `pkg/controller/daemon`. A rollout never runs two pods of one set on a node: `maxSurge` counts as `maxUnavailable`.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::{Live, items, share, text};
use crate::node;
use crate::owner;
use crate::pod::{self, Replica};
use crate::queue::Controller;
use crate::revision::{History, REVISION_HASH};
use crate::scheduler;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::template;
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "daemonset-controller" };

/// What pods of DaemonSets put up with: key and effect. Source: `AddOrUpdateDaemonPodTolerations`.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// Plays the DaemonSet controller.
pub(crate) struct DaemonSets;

/// A set, its pods by node, and the nodes that it wants pods on.
struct Observed {
    set: Live,
    pods: BTreeMap<String, Vec<Replica>>,
    nodes: BTreeSet<String>,
    history: History,
    adoptions: Vec<Step>,
    again: Again,
}

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset"
    }

    fn primary(&self) -> Kind {
        Kind::DaemonSet
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        match kind {
            Kind::Pod | Kind::ControllerRevision => {
                owner::controller_id(object).into_iter().filter(|id| id.kind == Kind::DaemonSet).collect()
            }
            Kind::Node => world.ids(Kind::DaemonSet),
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let name = || world.free_name(Kind::Pod, (id, observed.set.uid()), observed.set.name());
            let outcome = world.act(ACTOR, decide(&observed, name)).await;
            // What was just made or deleted counts.
            let Some(observed) = observe(world, id) else { return Ok(Again::WhenWoken) };
            let status = Step::status(&observed.set, status(&observed));
            world.act(ACTOR, status.into_iter().collect()).await?;
            outcome.map(|()| observed.again)
        }
        .boxed()
    }
}

fn observe(world: &World, id: &Id) -> Option<Observed> {
    let Some(set) = world.get(id) else {
        world.memory.forget(id);
        return None;
    };
    let selector = set.selector("/spec/selector");
    let (owned, adoptions) = owner::claim(&set, &selector, world.candidates(Kind::Pod, &set, &selector));
    let (replicas, again) = pod::replicas(world, owned, set.count("/spec/minReadySeconds"));
    let mut pods: BTreeMap<String, Vec<Replica>> = BTreeMap::new();
    for replica in replicas {
        pods.entry(node_of(&replica.pod).to_owned()).or_default().push(replica);
    }
    for on_node in pods.values_mut() {
        on_node.sort_by_cached_key(|replica| replica.pod.by_age());
    }
    let spec = template::of(&set).get("spec").cloned().unwrap_or_default();
    let nodes = node::all(world).into_iter().filter(|node| scheduler::fits_spec(&spec, node));
    let nodes = nodes.map(|node| node.name().to_owned()).collect();
    let history = History::observe(world, &set);
    Some(Observed { set, pods, nodes, history, adoptions, again })
}

const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// The node of a pod, or the one that it was made for.
fn node_of(pod: &Live) -> &str {
    let node = pod.text("/spec/nodeName");
    if !node.is_empty() {
        return node;
    }
    let fields = pod.items(TERMS).iter().flat_map(|term| items(term, "/matchFields"));
    let mut named = fields.into_iter().filter(|field| text(field, "/key") == "metadata.name");
    named.next().map(|field| text(field, "/values/0")).unwrap_or_default()
}

fn decide(observed: &Observed, mut name: impl FnMut() -> String) -> Vec<Step> {
    let Observed { set, history, adoptions, .. } = observed;
    if set.deleting() {
        return Vec::new();
    }
    let mut steps = adoptions.clone();
    steps.extend(history.record(set));
    let (create, mut delete) = misplaced(observed);
    delete.extend(outdated(observed));
    for node in create {
        let name = name();
        steps.push(Step::Create(made(set, &history.hash, &name, node)));
        steps.push(Step::tell(set, "SuccessfulCreate", format!("Created pod: {name}")));
    }
    for pod in delete {
        steps.push(Step::delete(pod));
        steps.push(Step::tell(set, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())));
    }
    let hashes =
        observed.pods.values().flatten().filter_map(|replica| replica.pod.labels().get(REVISION_HASH));
    let used = hashes.map(String::as_str).chain([history.name.as_str()]).collect();
    steps.extend(history.forget(set, &used));
    steps
}

/// Nodes that lack a pod, and pods that are not wanted: on other nodes, ended, or the second of a node.
fn misplaced(observed: &Observed) -> (Vec<&str>, Vec<&Live>) {
    let Observed { pods, nodes, .. } = observed;
    let create =
        nodes.iter().filter(|node| pods.get(*node).is_none_or(Vec::is_empty)).map(String::as_str).collect();
    let mut delete = Vec::new();
    for (node, on_node) in pods {
        let standing = on_node.iter().filter(|replica| !replica.pod.deleting());
        let (over, fine): (Vec<&Replica>, Vec<&Replica>) =
            standing.partition(|replica| pod::is_over(&replica.pod));
        let keep = usize::from(nodes.contains(node));
        delete.extend(over.into_iter().chain(fine.into_iter().skip(keep)).map(|replica| &replica.pod));
    }
    (create, delete)
}

/// Pods of an old template that go now: those that do not work, and as many others as may be unavailable. Source: `rollingUpdate`.
fn outdated(observed: &Observed) -> Vec<&Live> {
    let Observed { set, pods, nodes, history, .. } = observed;
    if set.text("/spec/updateStrategy/type") == "OnDelete" {
        return Vec::new();
    }
    let wanted = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    let limit = |field: &str| {
        let value = set.value.pointer(&format!("/spec/updateStrategy/rollingUpdate/{field}"));
        share(value, wanted, true).unwrap_or_default()
    };
    let most = limit("maxUnavailable").max(limit("maxSurge")).max(1);
    let mut unavailable = 0;
    let (mut broken, mut working) = (Vec::new(), Vec::new());
    for node in nodes {
        let Some(replica) = pods.get(node).and_then(|on_node| on_node.first()) else {
            unavailable += 1;
            continue;
        };
        let works = replica.available && !replica.pod.deleting();
        unavailable += i64::from(!works);
        let old = replica.pod.labels().get(REVISION_HASH) != Some(&history.hash);
        if old && !replica.pod.deleting() && !pod::is_over(&replica.pod) {
            if works { working.push(&replica.pod) } else { broken.push(&replica.pod) }
        }
    }
    let room = usize::try_from(most - unavailable).unwrap_or_default();
    broken.into_iter().chain(working.into_iter().take(room)).collect()
}

fn made(set: &Live, hash: &str, name: &str, node: &str) -> Value {
    let mut pod = template::pod(set, template::of(set), name);
    template::label(&mut pod, REVISION_HASH, hash);
    template::label(&mut pod, "pod-template-generation", &set.generation().to_string());
    let here = json!([{ "key": "metadata.name", "operator": "In", "values": [node] }]);
    let mut terms = items(&pod, TERMS).to_vec();
    if terms.is_empty() {
        terms.push(json!({}));
    }
    for term in &mut terms {
        term["matchFields"] = here.clone();
    }
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({ "nodeSelectorTerms": terms });
    let mut tolerations = items(&pod, "/spec/tolerations").to_vec();
    for (key, effect) in TOLERATED {
        if !tolerations.iter().any(|known| text(known, "/key") == key && text(known, "/effect") == effect) {
            tolerations.push(json!({ "key": key, "operator": "Exists", "effect": effect }));
        }
    }
    pod["spec"]["tolerations"] = json!(tolerations);
    pod
}

fn status(observed: &Observed) -> Value {
    let Observed { set, pods, nodes, history, .. } = observed;
    // Of each node the oldest pod counts.
    let firsts: Vec<&Replica> = nodes.iter().filter_map(|node| pods.get(node)?.first()).collect();
    let count = |counts: &dyn Fn(&Replica) -> bool| firsts.iter().filter(|replica| counts(replica)).count();
    let available = count(&|replica| replica.available);
    let elsewhere = pods.iter().filter(|(node, on_node)| !nodes.contains(*node) && !on_node.is_empty());
    let mut status = json!({
        "observedGeneration": set.generation(),
        "desiredNumberScheduled": nodes.len(), "currentNumberScheduled": firsts.len(), "numberMisscheduled": elsewhere.count(),
        "numberReady": count(&|replica| replica.ready), "numberAvailable": available,
        "numberUnavailable": nodes.len().saturating_sub(available),
        "updatedNumberScheduled": count(&|replica| replica.pod.labels().get(REVISION_HASH) == Some(&history.hash))
    });
    if let Some(conditions) = set.value.pointer("/status/conditions") {
        status["conditions"] = conditions.clone();
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn set(image: &str) -> Live {
        let template = json!({ "metadata": { "labels": { "app": "log" } }, "spec": { "containers": [{ "name": "log", "image": image }] } });
        let spec = json!({ "selector": { "matchLabels": { "app": "log" } }, "template": template });
        live(
            json!({ "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "log", "generation": 2 }, "spec": spec }),
        )
    }

    /// Nodes `a` and `b`, and pods as node, state (`+` available, `-` not, `x` deleting) and whether of the present template.
    fn observed(seen: &[(&str, &str, bool)]) -> Observed {
        let set = set("log:2");
        let history = History::of(&set, Vec::new());
        let mut pods: BTreeMap<String, Vec<Replica>> = BTreeMap::new();
        for (index, (node, state, new)) in seen.iter().enumerate() {
            let hash = if *new { history.hash.as_str() } else { "old" };
            let mut value = made(&set, hash, &format!("log-{index}"), node);
            let ready = if *state == "+" { "True" } else { "False" };
            value["status"] =
                json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] });
            if *state == "x" {
                value["metadata"]["deletionTimestamp"] = json!("2026-11-20T11:13:11Z");
            }
            let pod = live(value);
            assert_eq!(node_of(&pod), *node);
            pods.entry((*node).to_owned()).or_default().push(Replica::of(pod));
        }
        let nodes = ["a", "b"].map(str::to_owned).into();
        Observed { set, pods, nodes, history, adoptions: Vec::new(), again: Again::WhenWoken }
    }

    #[test]
    fn every_node_has_one_pod_of_the_present_template() {
        #[track_caller]
        fn check(seen: &[(&str, &str, bool)], expected: &[&str]) {
            let mut number = 0;
            let name = || {
                number += 1;
                format!("new-{number}")
            };
            let steps: Vec<String> = decide(&observed(seen), name).iter().map(ToString::to_string).collect();
            let steps: Vec<&str> = steps
                .iter()
                .map(String::as_str)
                .filter(|s| s.contains(" Pod ") && !s.starts_with("tell"))
                .collect();
            assert_eq!(steps, expected);
        }
        check(&[], &["create Pod shop/new-1", "create Pod shop/new-2"]);
        check(&[("a", "+", true), ("b", "-", true)], &[]);
        check(&[("a", "+", true), ("b", "+", true), ("gone", "+", true)], &["delete Pod shop/log-2"]);
        check(&[("a", "+", true), ("b", "+", true), ("b", "+", true)], &["delete Pod shop/log-2"]);
        // One after the other, but what does not work goes at once.
        check(&[("a", "+", false), ("b", "+", false)], &["delete Pod shop/log-0"]);
        check(&[("a", "x", false), ("b", "+", false)], &[]);
        check(&[("a", "-", true), ("b", "+", false)], &[]);
        check(&[("a", "+", true), ("b", "+", false)], &["delete Pod shop/log-1"]);
        check(&[("a", "-", false), ("b", "+", false)], &["delete Pod shop/log-0"]);
    }

    #[test]
    fn the_status_counts_nodes() {
        let seen = status(&observed(&[("a", "+", true), ("b", "-", false), ("gone", "+", true)]));
        let numbers = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberMisscheduled",
            "numberReady",
            "numberUnavailable",
            "updatedNumberScheduled",
        ];
        assert_eq!(numbers.map(|field| seen[field].as_i64().unwrap()), [2, 2, 1, 1, 1, 1]);
    }
}
