//! Endpoints and EndpointSlices: which pods stand behind a Service with a selector.
//!
//! Source of shapes: `pkg/controller/endpoint` and `endpointslice`. Of the two families only IPv4 is played.

use std::collections::BTreeMap;

use apimachinery::selector::Selector;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::{Live, same_but_for_empties, text, texts};
use crate::naming;
use crate::owner;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "endpoint-slice-controller" };

/// Most endpoints of one slice.
const SLICE: usize = 100;

const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

/// How Endpoints are told that are written here.
const ENDPOINTS_MANAGED_BY: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");

/// Plays the two controllers.
pub(crate) struct EndpointsOfServices;

/// A Service and what stands behind it now, and what is written of it.
struct Observed {
    service: Live,
    pods: Vec<Live>,
    slices: Vec<Live>,
    endpoints: Option<Live>,
}

impl Controller for EndpointsOfServices {
    fn name(&self) -> &'static str {
        "endpoints"
    }

    fn primary(&self) -> Kind {
        Kind::Service
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        let service = |name: &str| vec![Id::new(Kind::Service, object.namespace(), name)];
        match kind {
            Kind::Pod => {
                let services = world.select(Kind::Service, object.namespace(), |_| true);
                let behind =
                    services.iter().filter(|s| selector(s).is_some_and(|s| s.matches(object.labels())));
                behind.map(|s| Id::new(Kind::Service, s.namespace(), s.name())).collect()
            }
            Kind::EndpointSlice => object.labels().get(SERVICE).map(|name| service(name)).unwrap_or_default(),
            Kind::Endpoints => service(object.name()),
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let steps = match observe(world, id) {
                Some(observed) => decide(&observed, world.seed),
                None => orphaned(world, id),
            };
            world.act(ACTOR, steps).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

/// Services without a selector have endpoints of somebody else's making.
fn selector(service: &Live) -> Option<Selector> {
    let labels = texts(&service.value, "/spec/selector");
    let played = !labels.is_empty() && service.text("/spec/type") != "ExternalName";
    played.then(|| Selector::of_labels(&labels))
}

fn observe(world: &World, id: &Id) -> Option<Observed> {
    let service = world.get(id).filter(|service| !service.deleting())?;
    let selector = selector(&service)?;
    let mut pods = world.labelled(Kind::Pod, service.namespace(), &selector);
    pods.retain(|pod| !pod::is_over(pod) && !pod.text("/status/podIP").is_empty());
    let of_service = Selector::of_labels(&BTreeMap::from([
        (SERVICE.to_owned(), service.name().to_owned()),
        (MANAGED_BY.to_owned(), MANAGER.to_owned()),
    ]));
    let slices = world.labelled(Kind::EndpointSlice, service.namespace(), &of_service);
    let endpoints = world.get(&Id::new(Kind::Endpoints, service.namespace(), service.name()));
    Some(Observed { service, pods, slices, endpoints })
}

/// Slices go with their Service by the garbage collector, Endpoints have no owner.
fn orphaned(world: &World, id: &Id) -> Vec<Step> {
    let endpoints = world.get(&Id::new(Kind::Endpoints, &id.namespace, &id.name));
    let orphaned = |endpoints: &Live| {
        endpoints
            .labels()
            .get(ENDPOINTS_MANAGED_BY.0)
            .is_some_and(|manager| manager == ENDPOINTS_MANAGED_BY.1)
    };
    let gone = world.get(id).is_none();
    endpoints.filter(|endpoints| gone && orphaned(endpoints)).iter().map(Step::delete).collect()
}

fn decide(observed: &Observed, seed: u64) -> Vec<Step> {
    let Observed { service, pods, slices, endpoints } = observed;
    let mut steps = Vec::new();
    let wanted = wanted_slices(service, pods, seed);
    for slice in &wanted {
        let known = slices.iter().find(|known| Some(known.name()) == slice["metadata"]["name"].as_str());
        steps.extend(written(known, slice, &["endpoints", "ports"]));
    }
    let is_wanted = |known: &&Live| wanted.iter().any(|slice| slice["metadata"]["name"] == known.name());
    steps.extend(slices.iter().filter(|known| !is_wanted(known) && !known.deleting()).map(Step::delete));
    steps.extend(written(endpoints.as_ref(), &wanted_endpoints(service, pods), &["subsets"]));
    steps
}

/// Makes an object, or gives it other values of some fields.
fn written(known: Option<&Live>, wanted: &Value, fields: &[&str]) -> Option<Step> {
    let Some(known) = known else { return Some(Step::Create(wanted.clone())) };
    let null = Value::Null;
    let value = |of: &Value, field: &str| of.get(field).unwrap_or(&null).clone();
    let same =
        fields.iter().all(|field| same_but_for_empties(&value(&known.value, field), &value(wanted, field)));
    let patch: Value = fields.iter().map(|field| ((*field).to_owned(), value(wanted, field))).collect();
    (!same && !known.deleting()).then(|| Step::patch(known, patch))
}

/// Ports by what they are, for pods that name them differently.
type Ports = Vec<(String, String, i64)>;

/// Name, protocol and number of each port of a Service on a pod. A port that the pod does not have is left out.
fn ports(service: &Live, pod: &Live) -> Ports {
    let of_port = |port: &Value| {
        let protocol = match text(port, "/protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        let target = port.get("targetPort").or_else(|| port.get("port"))?;
        let number = pod::port(pod, target, protocol)?;
        Some((text(port, "/name").to_owned(), protocol.to_owned(), number))
    };
    service.items("/spec/ports").iter().filter_map(of_port).collect()
}

fn groups<'a>(service: &Live, pods: &'a [Live]) -> BTreeMap<Ports, Vec<&'a Live>> {
    let mut groups: BTreeMap<Ports, Vec<&Live>> = BTreeMap::new();
    for pod in pods {
        groups.entry(ports(service, pod)).or_default().push(pod);
    }
    groups
}

fn wanted_slices(service: &Live, pods: &[Live], seed: u64) -> Vec<Value> {
    let mut slices = Vec::new();
    let mut labels = service.object.header().labels.as_ref().clone();
    labels.insert(SERVICE.to_owned(), service.name().to_owned());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    if service.text("/spec/clusterIP") == "None" {
        labels.insert("service.kubernetes.io/headless".to_owned(), String::new());
    }
    let mut groups = groups(service, pods);
    if groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for (ports, pods) in groups {
        let chunks: Vec<&[&Live]> = if pods.is_empty() { vec![&[]] } else { pods.chunks(SLICE).collect() };
        for chunk in chunks {
            let suffix = naming::suffix(&[&seed.to_string(), service.uid(), &slices.len().to_string()], 5);
            let endpoints: Vec<Value> = chunk.iter().map(|pod| endpoint(service, pod)).collect();
            let ports: Vec<Value> = ports.iter().map(port).collect();
            slices.push(json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {
                    "name": naming::generated(service.name(), &suffix), "namespace": service.namespace(), "labels": labels,
                    "ownerReferences": [owner::reference(service)]
                },
                "endpoints": endpoints, "ports": ports
            }));
        }
    }
    slices
}

fn port(of: &(String, String, i64)) -> Value {
    let (name, protocol, number) = of;
    json!({ "name": name, "protocol": protocol, "port": number })
}

fn endpoint(service: &Live, pod: &Live) -> Value {
    let serving = pod::is_ready(pod);
    let ready = (serving && !pod.deleting()) || service.flag("/spec/publishNotReadyAddresses");
    let mut endpoint = json!({
        "addresses": [pod.text("/status/podIP")],
        "conditions": { "ready": ready, "serving": serving, "terminating": pod.deleting() },
        "nodeName": pod.text("/spec/nodeName"), "targetRef": target(pod)
    });
    let hostname = pod.text("/spec/hostname");
    if !hostname.is_empty() && pod.text("/spec/subdomain") == service.name() {
        endpoint["hostname"] = json!(hostname);
    }
    endpoint
}

fn target(pod: &Live) -> Value {
    json!({ "kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid() })
}

fn wanted_endpoints(service: &Live, pods: &[Live]) -> Value {
    let mut subsets = Vec::new();
    let standing: Vec<Live> = pods.iter().filter(|pod| !pod.deleting()).cloned().collect();
    for (ports, pods) in groups(service, &standing) {
        let address = |pod: &&Live| json!({ "ip": pod.text("/status/podIP"), "nodeName": pod.text("/spec/nodeName"), "targetRef": target(pod) });
        let publish = service.flag("/spec/publishNotReadyAddresses");
        let (ready, not_ready): (Vec<&Live>, Vec<&Live>) =
            pods.into_iter().partition(|pod| publish || pod::is_ready(pod));
        let mut subset = json!({ "ports": ports.iter().map(port).collect::<Vec<_>>() });
        for (field, pods) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
            let mut addresses: Vec<Value> = pods.iter().map(address).collect();
            addresses.sort_by(|one, other| text(one, "/ip").cmp(text(other, "/ip")));
            if !addresses.is_empty() {
                subset[field] = json!(addresses);
            }
        }
        subsets.push(subset);
    }
    let mut labels = service.object.header().labels.as_ref().clone();
    labels.insert(ENDPOINTS_MANAGED_BY.0.to_owned(), ENDPOINTS_MANAGED_BY.1.to_owned());
    json!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": { "name": service.name(), "namespace": service.namespace(), "labels": labels },
        "subsets": subsets
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{items, live};

    fn service() -> Live {
        let ports =
            json!([{ "name": "http", "port": 80, "targetPort": "web" }, { "name": "admin", "port": 81 }]);
        let spec = json!({ "selector": { "app": "cart" }, "ports": ports });
        live(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "cart" }, "spec": spec }))
    }

    fn pod(number: u8, ready: bool) -> Live {
        let containers = json!([{ "name": "cart", "ports": [{ "name": "web", "containerPort": 8080 }] }]);
        let status = json!({ "podIP": format!("10.244.0.{number}"), "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] });
        let metadata = json!({ "name": format!("cart-{number}"), "labels": { "app": "cart" } });
        live(
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": { "nodeName": "n", "containers": containers }, "status": status }),
        )
    }

    fn observed(pods: Vec<Live>) -> Observed {
        Observed { service: service(), pods, slices: Vec::new(), endpoints: None }
    }

    /// What is made, as it would be stored.
    fn made(steps: Vec<Step>) -> Vec<Live> {
        let created = steps.into_iter().filter_map(|step| match step {
            Step::Create(value) => Some(live(value)),
            _ => None,
        });
        created.collect()
    }

    #[test]
    fn pods_stand_behind_their_service_with_the_ports_they_name() {
        let made = made(decide(&observed(vec![pod(3, true), pod(4, false)]), 0));
        let [slice, endpoints] = made.as_slice() else { panic!("{made:?}") };
        let ports: Vec<i64> = slice.items("/ports").iter().filter_map(|port| port["port"].as_i64()).collect();
        assert_eq!(ports, [8080, 81]);
        let ready: Vec<&Value> =
            slice.items("/endpoints").iter().map(|e| &e["conditions"]["ready"]).collect();
        assert_eq!(ready, [&json!(true), &json!(false)]);
        assert_eq!(endpoints.text("/subsets/0/addresses/0/ip"), "10.244.0.3");
        assert_eq!(endpoints.text("/subsets/0/notReadyAddresses/0/ip"), "10.244.0.4");
    }

    #[test]
    fn what_is_right_is_not_written() {
        let mut seen = observed(vec![pod(3, true)]);
        let stored = made(decide(&seen, 0));
        seen.endpoints = stored.iter().find(|object| object.object.header().gvk.kind == "Endpoints").cloned();
        seen.slices =
            stored.into_iter().filter(|object| object.object.header().gvk.kind == "EndpointSlice").collect();
        assert!(decide(&seen, 0).is_empty());
        seen.pods.push(pod(4, true));
        let steps: Vec<String> =
            decide(&seen, 0).iter().map(|step| step.to_string().chars().take(18).collect()).collect();
        assert_eq!(steps, ["patch EndpointSlic", "patch Endpoints sh"]);
    }

    #[test]
    fn more_pods_than_a_slice_holds_have_another() {
        let pods: Vec<Live> = (0..150).map(|number| pod(number, true)).collect();
        assert_eq!(
            wanted_slices(&service(), &pods, 0)
                .iter()
                .map(|s| items(s, "/endpoints").len())
                .collect::<Vec<_>>(),
            [100, 50]
        );
        assert_eq!(wanted_slices(&service(), &[], 0).len(), 1);
    }
}
