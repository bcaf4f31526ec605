//! What a node does with its pods: containers are created, run, get ready, end, fail, and a deleted pod goes.
//!
//! | file | knows |
//! |---|---|
//! | [`container`] | the life of one container |
//! | [`status`] | what the pod says when its containers are like that |
//! | [`references`] | ConfigMaps and Secrets that must be there first |

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};

use crate::kind::{Id, Kind};
use crate::live::{Live, text};
use crate::node::{self, KUBELET};
use crate::pod;
use crate::queue::Controller;
use crate::step::Step;
use crate::world::{self, World};

mod addresses;
mod container;
mod references;
mod status;

use addresses::Addresses;
use status::Scene;

/// Plays the kubelets of all simulated nodes.
#[derive(Default)]
pub(crate) struct Kubelet {
    addresses: Mutex<Addresses>,
}

impl Controller for Kubelet {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn primary(&self) -> Kind {
        Kind::Pod
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        match kind {
            Kind::ConfigMap if Some(world::config_id()) == object.id() => world.ids(Kind::Pod),
            // Who runs has read it already.
            Kind::ConfigMap | Kind::Secret => {
                let mut pods = world.select(Kind::Pod, object.namespace(), |_| true);
                pods.retain(|pod| !pod::is_ready(pod) && references::uses(pod, kind, object.name()));
                pods.iter().map(|pod| Id::new(Kind::Pod, pod.namespace(), pod.name())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(pod) = world.get(id) else {
                world.memory.forget(id);
                self.lock().free(id);
                return Ok(Again::WhenWoken);
            };
            let number = node::number(world, pod.text("/spec/nodeName"));
            if pod.deleting() {
                return end(world, id, &pod, number.is_some()).await;
            }
            let Some(number) = number.filter(|_| !pod::is_over(&pod)) else { return Ok(Again::WhenWoken) };
            let host = node::address(number);
            let own = pod.text("/status/podIP").to_owned();
            let address = match pod.flag("/spec/hostNetwork") {
                true => host.clone(),
                false => self.lock().give(world, id, number, &own),
            };
            let (steps, again) = decide(world, id, &pod, (&address, &host));
            world.act(KUBELET, steps).await?;
            Ok(again)
        }
        .boxed()
    }
}

impl Kubelet {
    fn lock(&self) -> std::sync::MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decide(world: &World, id: &Id, pod: &Live, at: (&str, &str)) -> (Vec<Step>, Again) {
    let (address, host) = at;
    let faults = world.faults();
    let problems = references::problems(pod, |kind, name| world.get(&Id::new(kind, pod.namespace(), name)));
    let scene = Scene {
        pod,
        faults: &faults,
        problems: &problems,
        address,
        host,
        pace: &world.pace,
        now: &world.now(),
    };
    let elapsed = world.elapsed(id, "stage", &scene.stage());
    scene.decide(elapsed)
}

/// Ends a deleted pod: at once what no node runs, else after the grace it has.
async fn end(world: &World, id: &Id, pod: &Live, simulated: bool) -> Result<Again, ApiError> {
    let node = Id::new(Kind::Node, "", pod.text("/spec/nodeName"));
    let foreign = !simulated && world.get(&node).is_some();
    let seconds = pod.count("/metadata/deletionGracePeriodSeconds");
    // Only finalizers keep what has no grace left, and those are for others to remove.
    if foreign || (seconds == 0 && !pod.items("/metadata/finalizers").is_empty()) {
        return Ok(Again::WhenWoken);
    }
    let runs = simulated && !pod::is_over(pod);
    let delay = if runs { world.pace.stop.min(world.pace.of_seconds(seconds)) } else { Duration::ZERO };
    let elapsed = world.elapsed(id, "end", pod.uid());
    if elapsed.is_zero() && runs {
        let containers = pod.items("/spec/containers").iter();
        let killing = containers.map(|container| {
            Step::tell(pod, "Killing", format!("Stopping container {}", text(container, "/name")))
        });
        world.act(KUBELET, killing.collect()).await?;
    }
    if let Some(left) = pod::left(delay, elapsed) {
        return Ok(Again::After(left));
    }
    world.act(KUBELET, vec![Step::Delete { of: pod.object.clone(), now: true }]).await?;
    Ok(Again::WhenWoken)
}
