//! Nodes, and the default storage class: what a cluster has before anybody asks for anything.
//!
//! Heartbeats are left out: they would be writes in steady state, and nobody here declares a node lost.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError, Reason};
use serde_json::{Value, json};

use crate::condition::Condition;
use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::queue::Controller;
use crate::step::{Actor, Step};
use crate::world::World;

/// Who plays the nodes.
pub(crate) const KUBELET: Actor = Actor { manager: "kubelet", component: "kubelet" };

/// The annotation by which people tell simulated nodes from others. Pods on others are left alone.
const SIMULATED: &str = "sim.gitstellar.io/node";

/// How many there are.
const COUNT: u8 = 2;

/// What nodes have. Nobody counts it.
const CAPACITY: [(&str, &str); 4] =
    [("cpu", "64"), ("memory", "256Gi"), ("ephemeral-storage", "1Ti"), ("pods", "1000")];

/// Names of the simulated nodes: `cluster1-node-1`, …
pub(crate) fn names(world: &World) -> Vec<String> {
    let cluster = world.cluster.name().to_lowercase();
    let cluster: String =
        cluster.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let cluster = cluster.trim_matches('-');
    let prefix = if cluster.is_empty() { "sim" } else { cluster };
    (1..=COUNT).map(|number| format!("{prefix}-node-{number}")).collect()
}

/// The simulated nodes that are there.
pub(crate) fn all(world: &World) -> Vec<Live> {
    names(world).iter().filter_map(|name| world.get(&Id::new(Kind::Node, "", name))).collect()
}

/// Where a node is: pods in the same network have its number.
pub(crate) fn number(world: &World, node: &str) -> Option<u8> {
    let place = names(world).iter().position(|name| name == node)?;
    u8::try_from(place).ok()
}

/// `172.18.0.2` is the first node.
pub(crate) fn address(number: u8) -> String {
    format!("172.18.0.{}", number.saturating_add(2))
}

/// The network of a node's pods is `10.244.0.0/16` and those after it; what stands before the last two bytes.
pub(crate) fn network(number: u8) -> String {
    format!("10.{}", 244_u16 + u16::from(number))
}

/// Plays the nodes.
pub(crate) struct Nodes;

impl Controller for Nodes {
    fn name(&self) -> &'static str {
        "node"
    }

    fn primary(&self) -> Kind {
        Kind::Node
    }

    fn concerns(&self, _: &World, _: Kind, _: &Live) -> Vec<Id> {
        Vec::new()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(number) = number(world, &id.name) else { return Ok(Again::WhenWoken) };
            match world.get(id) {
                None => make(world, Step::Create(node(&id.name, number))).await?,
                Some(node) => {
                    let steps = ready(&node, (number, &world.version), &world.now());
                    world.act(KUBELET, steps).await?;
                }
            }
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

/// Makes what is missing at the start.
pub(crate) async fn furnish(world: &World) -> Result<(), ApiError> {
    for (number, name) in (0..).zip(names(world)) {
        if world.get(&Id::new(Kind::Node, "", &name)).is_none() {
            make(world, Step::Create(node(&name, number))).await?;
        }
    }
    if world.ids(Kind::StorageClass).is_empty() {
        make(world, Step::Create(storage_class())).await?;
    }
    Ok(())
}

async fn make(world: &World, step: Step) -> Result<(), ApiError> {
    match world.act(KUBELET, vec![step]).await {
        Err(error) if error.reason == Reason::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

fn node(name: &str, number: u8) -> Value {
    let labels = json!({
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux"
    });
    let network = format!("{}.0.0/16", network(number));
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "labels": labels, "annotations": { SIMULATED: "true" } },
        "spec": { "podCIDR": network, "podCIDRs": [network], "providerID": format!("sim:///{name}") }
    })
}

fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "standard", "annotations": { "storageclass.kubernetes.io/is-default-class": "true" } },
        "provisioner": "sim.gitstellar.io/volumes", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": true
    })
}

/// Takes away the taint that a new node gets, then says that it works.
fn ready(node: &Live, what: (u8, &str), now: &str) -> Vec<Step> {
    let (number, version) = what;
    if node.items("/spec/taints").iter().any(|taint| taint["key"] == "node.kubernetes.io/not-ready") {
        return vec![Step::patch(node, json!({ "spec": { "taints": null } }))];
    }
    let mut conditions = node.conditions().to_vec();
    let pressures = [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ];
    for (kind, reason, message) in pressures {
        Condition::new(kind, false, reason, message).put(&mut conditions, now);
    }
    Condition::new("Ready", true, "KubeletReady", "kubelet is posting ready status")
        .put(&mut conditions, now);
    for condition in &mut conditions {
        let since = condition["lastTransitionTime"].clone();
        condition["lastHeartbeatTime"] = since;
    }
    let capacity: Value = CAPACITY.iter().map(|(name, amount)| ((*name).to_owned(), json!(amount))).collect();
    let mut status = node.value.get("status").cloned().unwrap_or_else(|| json!({}));
    let addresses = [("InternalIP", address(number)), ("Hostname", node.name().to_owned())];
    status["addresses"] = addresses.map(|(kind, address)| json!({ "type": kind, "address": address })).into();
    status["capacity"] = capacity.clone();
    status["allocatable"] = capacity;
    status["conditions"] = json!(conditions);
    let info = json!({
        "architecture": "amd64", "bootID": node.uid(), "containerRuntimeVersion": "containerd://2.1.4", "kernelVersion": "6.12.0",
        "kubeProxyVersion": "", "kubeletVersion": version, "machineID": node.uid(), "operatingSystem": "linux", "osImage": "Simulated Linux",
        "systemUUID": node.uid()
    });
    status["nodeInfo"] = info;
    Step::status(node, status).into_iter().collect()
}
