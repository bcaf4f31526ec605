//! Pods without a node get one.
//!
//! Resources, taints and affinity between pods are not weighed: a simulated node has room for all. What counts is what a manifest can get wrong or ask for by name:
//! claims that are missing or not bound, a node's name, and the labels that every node has. Any other label that is asked for, a simulated node has.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::condition::Condition;
use crate::faults::ANNOTATION;
use crate::kind::{Id, Kind};
use crate::live::{Live, items, text};
use crate::naming;
use crate::node;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, Step};
use crate::world::World;

const ACTOR: Actor = Actor { manager: "kube-scheduler", component: "default-scheduler" };

/// Labels that say something of a simulated node.
const KNOWN_LABELS: [&str; 3] = ["kubernetes.io/os", "kubernetes.io/arch", "kubernetes.io/hostname"];

/// Plays the scheduler.
pub(crate) struct Scheduler;

/// A node by name, or why there is none.
type Choice = Result<String, String>;

impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    fn primary(&self) -> Kind {
        Kind::Pod
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        let waiting = |pod: &Live| pod.text("/spec/nodeName").is_empty();
        let ids = |pods: Vec<Live>| {
            pods.iter().map(|pod| Id::new(Kind::Pod, pod.namespace(), pod.name())).collect()
        };
        match kind {
            Kind::PersistentVolumeClaim => {
                let name = object.name().to_owned();
                let mut pods = world.select(Kind::Pod, object.namespace(), |_| true);
                pods.retain(|pod| waiting(pod) && pod::claims(pod).contains(&name));
                ids(pods)
            }
            Kind::Node => {
                let pods = world.ids(Kind::Pod).into_iter().filter_map(|id| world.get(&id)).filter(waiting);
                ids(pods.collect())
            }
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(pod) = world.get(id).filter(is_waiting) else { return Ok(Again::WhenWoken) };
            if let Some(left) = pod::left(world.pace.schedule, world.elapsed(id, "schedule", pod.uid())) {
                return Ok(Again::After(left));
            }
            let nodes = node::all(world);
            let claims = pod::claims(&pod).into_iter().map(|name| {
                let claim = world.get(&Id::new(Kind::PersistentVolumeClaim, pod.namespace(), &name));
                (name, claim)
            });
            let choice = choose(&pod, &nodes, &claims.collect::<Vec<_>>(), world.seed);
            world.act(ACTOR, decide(&pod, choice, &world.now())).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

fn is_waiting(pod: &Live) -> bool {
    let scheduler = pod.text("/spec/schedulerName");
    pod.text("/spec/nodeName").is_empty()
        && pod.items("/spec/schedulingGates").is_empty()
        && ["", "default-scheduler"].contains(&scheduler)
        && pod::is_active(pod)
}

fn choose(pod: &Live, nodes: &[Live], claims: &[(String, Option<Live>)], seed: u64) -> Choice {
    let count = nodes.len();
    let none = |why: &str| Err(format!("0/{count} nodes are available: {why}."));
    if pod.annotation(ANNOTATION) == Some("unschedulable") {
        return none(&format!("{count} Insufficient cpu"));
    }
    for (name, claim) in claims {
        match claim {
            None => return none(&format!("persistentvolumeclaim \"{name}\" not found")),
            Some(claim) if claim.deleting() => {
                return none(&format!("persistentvolumeclaim \"{name}\" is being deleted"));
            }
            Some(claim) if claim.text("/status/phase") != "Bound" => {
                return none("pod has unbound immediate PersistentVolumeClaims");
            }
            Some(_) => {}
        }
    }
    let fitting: Vec<&Live> = nodes.iter().filter(|node| fits(pod, node)).collect();
    let numbers = naming::suffix(&[&seed.to_string(), pod.uid()], 4);
    let number =
        numbers.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    match fitting.get(number.checked_rem(fitting.len()).unwrap_or_default()) {
        Some(node) => Ok(node.name().to_owned()),
        None => none(&format!("{count} node(s) didn't match Pod's node affinity/selector")),
    }
}

/// Whether a pod may run on a node, by its name and the labels that every node has.
pub(crate) fn fits(pod: &Live, node: &Live) -> bool {
    fits_spec(pod.value.pointer("/spec").unwrap_or(&Value::Null), node)
}

/// The same for the spec of a pod or of a template.
pub(crate) fn fits_spec(spec: &Value, node: &Live) -> bool {
    let selected = crate::live::texts(spec, "/nodeSelector");
    let labels_fit = selected
        .iter()
        .all(|(key, value)| !KNOWN_LABELS.contains(&key.as_str()) || node.labels().get(key) == Some(value));
    let terms = items(
        spec,
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let schedulable = node.value.pointer("/spec/unschedulable") != Some(&Value::Bool(true));
    labels_fit && schedulable && (terms.is_empty() || terms.iter().any(|term| term_fits(term, node)))
}

fn term_fits(term: &Value, node: &Live) -> bool {
    let named = items(term, "/matchFields")
        .iter()
        .all(|field| text(field, "/key") != "metadata.name" || expression_fits(field, Some(node.name())));
    let labelled = items(term, "/matchExpressions").iter().all(|expression| {
        let key = text(expression, "/key");
        !KNOWN_LABELS.contains(&key)
            || expression_fits(expression, node.labels().get(key).map(String::as_str))
    });
    named && labelled
}

fn expression_fits(expression: &Value, value: Option<&str>) -> bool {
    let listed = || items(expression, "/values").iter().any(|listed| listed.as_str() == value);
    match text(expression, "/operator") {
        "In" => listed(),
        "NotIn" => !listed(),
        "DoesNotExist" => value.is_none(),
        _ => value.is_some(),
    }
}

fn decide(pod: &Live, choice: Choice, now: &str) -> Vec<Step> {
    match choice {
        Ok(node) => {
            let message = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
            vec![Step::Bind { pod: pod.object.clone(), node }, Step::tell(pod, "Scheduled", message)]
        }
        Err(why) => {
            let mut conditions = pod.conditions().to_vec();
            Condition::new("PodScheduled", false, "Unschedulable", &why).put(&mut conditions, now);
            let mut status = pod.value.get("status").cloned().unwrap_or_else(|| json!({}));
            status["conditions"] = json!(conditions);
            let Some(write) = Step::status(pod, status) else { return Vec::new() };
            vec![write, Step::warn(pod, "FailedScheduling", why)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn node(name: &str) -> Live {
        let labels = json!({ "kubernetes.io/os": "linux", "kubernetes.io/hostname": name });
        live(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } }))
    }

    fn pod(annotations: &Value, spec: &Value) -> Live {
        live(
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart", "annotations": annotations }, "spec": spec }),
        )
    }

    fn claim(phase: &str) -> Live {
        let status = json!({ "phase": phase });
        live(
            json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" }, "status": status }),
        )
    }

    #[track_caller]
    fn check(pod: &Live, claims: &[(String, Option<Live>)], expected: Result<&str, &str>) {
        let choice = choose(pod, &[node("node-1"), node("node-2")], claims, 0);
        match expected {
            Ok("") => assert!(choice.is_ok(), "{choice:?}"),
            expected => assert_eq!(choice.as_deref().map_err(String::as_str), expected),
        }
    }

    #[test]
    fn a_pod_goes_where_it_may() {
        check(&pod(&json!({}), &json!({})), &[], Ok(""));
        check(
            &pod(&json!({}), &json!({ "nodeSelector": { "disk": "ssd", "kubernetes.io/os": "linux" } })),
            &[],
            Ok(""),
        );
        let by_name = json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
            { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["node-2"] }] }] } } } });
        check(&pod(&json!({}), &by_name), &[], Ok("node-2"));
        let windows = json!({ "nodeSelector": { "kubernetes.io/os": "windows" } });
        check(
            &pod(&json!({}), &windows),
            &[],
            Err("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."),
        );
    }

    #[test]
    fn a_pod_waits_for_its_claims() {
        let pod_with_claim = pod(&json!({}), &json!({}));
        let claims = |claim| [("data".to_owned(), claim)];
        check(&pod_with_claim, &claims(Some(claim("Bound"))), Ok(""));
        check(
            &pod_with_claim,
            &claims(Some(claim("Pending"))),
            Err("0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
        );
        check(
            &pod_with_claim,
            &claims(None),
            Err("0/2 nodes are available: persistentvolumeclaim \"data\" not found."),
        );
    }

    #[test]
    fn why_a_pod_waits_is_told_once() {
        let waiting = pod(&json!({ ANNOTATION: "unschedulable" }), &json!({}));
        let why = choose(&waiting, &[node("node-1")], &[], 0);
        let steps = decide(&waiting, why.clone(), "t");
        let texts: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts[1],
            "tell Pod shop/cart: FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu."
        );
        let mut told = waiting.value.clone();
        let Step::Status { status, .. } = &steps[0] else { panic!("{texts:?}") };
        told["status"] = status.clone();
        assert!(decide(&live(told), why, "t2").is_empty());
    }
}
