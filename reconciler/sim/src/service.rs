//! Services of type LoadBalancer, and Ingresses, get an address from outside.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::{Live, text};
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, Step};
use crate::world::World;

/// What plays the cloud.
const ACTOR: Actor = Actor { manager: "cloud-controller-manager", component: "service-controller" };

/// A network for examples (RFC 5737, TEST-NET-2): nobody is there.
const NETWORK: &str = "198.51.100";

const INGRESS: &str = "/status/loadBalancer/ingress";

/// Plays the load balancers of one of the two kinds.
pub(crate) struct LoadBalancers {
    kind: Kind,
    /// Addresses that were chosen, and may not be stored yet.
    chosen: Mutex<BTreeSet<String>>,
}

impl Controller for LoadBalancers {
    fn name(&self) -> &'static str {
        if self.kind == Kind::Service { "service" } else { "ingress" }
    }

    fn primary(&self) -> Kind {
        self.kind
    }

    fn concerns(&self, _: &World, _: Kind, _: &Live) -> Vec<Id> {
        Vec::new()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(service) = world.get(id) else {
                world.memory.forget(id);
                return Ok(Again::WhenWoken);
            };
            let wants = !service.deleting()
                && (self.kind == Kind::Ingress || service.text("/spec/type") == "LoadBalancer");
            let has = !service.items(INGRESS).is_empty();
            if wants == has {
                return Ok(Again::WhenWoken);
            }
            if wants
                && let Some(left) =
                    pod::left(world.pace.provision, world.elapsed(id, "provision", service.uid()))
            {
                return Ok(Again::After(left));
            }
            let address = wants.then(|| self.choose(world));
            world.act(ACTOR, decide(&service, address)).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

impl LoadBalancers {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, chosen: Mutex::default() }
    }

    /// The first address that no other has, of this kind's half of the network.
    fn choose(&self, world: &World) -> String {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let used: BTreeSet<String> = world
            .ids(self.kind)
            .iter()
            .filter_map(|id| world.get(id))
            .flat_map(|service| {
                service.items(INGRESS).iter().map(|i| text(i, "/ip").to_owned()).collect::<Vec<_>>()
            })
            .collect();
        let first = if self.kind == Kind::Service { 1 } else { 128 };
        let mut free = (first..first + 127).map(|host: u8| format!("{NETWORK}.{host}"));
        let address = free.find(|address| !used.contains(address) && !chosen.contains(address));
        let address = address.unwrap_or_else(|| {
            // All were given once; those that are not used now are free again.
            chosen.clear();
            format!("{NETWORK}.{first}")
        });
        chosen.insert(address.clone());
        address
    }
}

/// Gives an address, or takes it away.
fn decide(service: &Live, address: Option<String>) -> Vec<Step> {
    let mut status =
        service.value.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let told = match address {
        Some(address) => {
            status["loadBalancer"] = json!({ "ingress": [{ "ip": address }] });
            Step::tell(service, "EnsuredLoadBalancer", "Ensured load balancer")
        }
        None => {
            status["loadBalancer"] = json!({});
            Step::tell(service, "DeletedLoadBalancer", "Deleted load balancer")
        }
    };
    let mut steps: Vec<Step> = Step::status(service, status).into_iter().collect();
    steps.push(told);
    steps
}
