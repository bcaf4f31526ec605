//! Addresses and ports of Services: allocated when they are written, given back when they go.
//!
//! What is taken is read from the stored Services at each allocation, plus what writes on their way have reserved; so there is nothing to repair after a crash.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::GroupResource;
use apimachinery::field_error::{FieldError, FieldPath};
use serde_json::{Value, json};

use crate::resource::Endpoint;
use crate::space::{Space, Stored};
use crate::status::{Answer, ApiError};
use crate::write::meta;

/// The addresses of Services: 10.96.0.0/16, kubeadm's habit. The first is that of the API server.
const NETWORK: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const ADDRESSES: u32 = 1 << 16;
/// The static ones come first in the range; dynamic allocation begins above this, as in the server.
const DYNAMIC_FROM: u32 = 256;
/// The ports of nodes.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;

/// What writes on their way have taken.
#[derive(Debug, Default)]
pub(crate) struct Reserved(Mutex<BTreeSet<Taken>>);

/// Something that only one Service may have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Taken {
    Address(String),
    Port(u16, String),
}

/// An object with what was allocated to it; what was taken is given back when this is dropped, by then it is stored or was not to be.
#[derive(Debug)]
pub(crate) struct Allocated {
    /// The object.
    pub(crate) object: Value,
    taken: Vec<Taken>,
    reserved: Arc<Reserved>,
}

impl Allocated {
    /// The object is stored: from now on it says itself what is taken.
    pub(crate) fn keep(self) {
        drop(self);
    }
}

impl Drop for Allocated {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let mut reserved = self.reserved.0.lock().unwrap_or_else(PoisonError::into_inner);
        for taken in &self.taken {
            reserved.remove(taken);
        }
    }
}

/// Allocates what a Service needs; other objects pass as they are. `old` is what is stored.
///
/// # Errors
/// 422 if an address or port is taken or outside of the range, 500 if none is left.
pub(crate) fn reserve(
    space: &Space,
    endpoint: &Endpoint,
    object: Value,
    old: Option<&Stored>,
) -> Answer<Allocated> {
    let reserved = Arc::clone(space.reserved());
    let is_service = endpoint.resource.group.is_empty() && endpoint.resource.kind == "Service";
    let mut allocated = Allocated { object, taken: Vec::new(), reserved };
    if is_service {
        let old = old.map(|stored| stored.object.to_value());
        service(space, &mut allocated, old.as_ref())?;
    }
    Ok(allocated)
}

fn service(space: &Space, allocated: &mut Allocated, old: Option<&Value>) -> Answer<()> {
    let reserved = Arc::clone(&allocated.reserved);
    // Held while looking for something free, so that two writes do not find the same.
    let mut reserved = reserved.0.lock().unwrap_or_else(PoisonError::into_inner);
    let own = (meta::text(&allocated.object, "namespace"), meta::text(&allocated.object, "name"));
    let mut taken = taken_by_others(space, own);
    taken.extend(reserved.iter().cloned());
    let mut found = Found { taken: taken.clone(), own: Vec::new(), errors: Vec::new() };
    addresses(&mut allocated.object, &mut found)?;
    node_ports(&mut allocated.object, old, &mut found)?;
    if !found.errors.is_empty() {
        let kind = apimachinery::GroupKind::new("", "Service");
        return Err(ApiError::invalid_fields(&kind, meta::text(&allocated.object, "name"), found.errors));
    }
    reserved.extend(found.own.iter().cloned());
    allocated.taken = found.own;
    Ok(())
}

/// What an allocation knows and finds.
struct Found {
    /// What is taken, by this Service, too.
    taken: BTreeSet<Taken>,
    /// What this Service takes.
    own: Vec<Taken>,
    /// What it cannot have.
    errors: Vec<FieldError>,
}

impl Found {
    fn take(&mut self, what: Taken) {
        self.taken.insert(what.clone());
        self.own.push(what);
    }
}

/// Everything that other stored Services have.
fn taken_by_others(space: &Space, own: (&str, &str)) -> BTreeSet<Taken> {
    let mut taken = BTreeSet::new();
    taken.insert(Taken::Address(Ipv4Addr::from(NETWORK + 1).to_string()));
    for stored in space.list(&GroupResource::new("", "services"), None).items {
        let header = stored.object.header();
        let namespace = header.namespace.as_ref().map_or("", |namespace| namespace.as_str());
        if (namespace, header.name.as_str()) != own {
            taken.extend(had(&stored.object.to_value()));
        }
    }
    taken
}

/// What a Service has.
fn had(service: &Value) -> Vec<Taken> {
    let mut had = Vec::new();
    for address in service["spec"]["clusterIPs"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !matches!(address, "" | "None") {
            had.push(Taken::Address(address.to_owned()));
        }
    }
    for port in service["spec"]["ports"].as_array().into_iter().flatten() {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        if let Some(number) = port["nodePort"].as_u64().and_then(|number| u16::try_from(number).ok()) {
            had.push(Taken::Port(number, protocol.to_owned()));
        }
    }
    if let Some(number) = service["spec"]["healthCheckNodePort"].as_u64().and_then(|n| u16::try_from(n).ok())
    {
        had.push(Taken::Port(number, "TCP".to_owned()));
    }
    had
}

/// An update that leaves addresses out means those that the Service has.
pub(crate) fn keep(new: &mut Value, old: &Value) {
    let is_external = |service: &Value| service["spec"]["type"] == "ExternalName";
    if is_external(new) || is_external(old) {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if new["spec"].get(field).is_none_or(Value::is_null)
            && let Some(value) = old["spec"].get(field)
        {
            new["spec"][field] = value.clone();
        }
    }
}

fn addresses(object: &mut Value, found: &mut Found) -> Answer<()> {
    let spec = &mut object["spec"];
    if spec["type"] == "ExternalName" {
        if let Some(fields) = spec.as_object_mut() {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                fields.remove(field);
            }
        }
        return Ok(());
    }
    let wanted = spec["clusterIP"].as_str().unwrap_or_default().to_owned();
    let address = match wanted.as_str() {
        "" => {
            let free = free_address(&found.taken)
                .ok_or_else(|| ApiError::internal("failed to allocate a serviceIP: range is full"))?;
            found.take(Taken::Address(free.clone()));
            free
        }
        "None" => wanted,
        given => {
            check_address(given, found);
            found.take(Taken::Address(given.to_owned()));
            wanted
        }
    };
    let selects = spec["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    let headless_without_selector = address == "None" && !selects;
    spec["clusterIP"] = address.as_str().into();
    spec["clusterIPs"] = json!([address]);
    let policy = if headless_without_selector { "RequireDualStack" } else { "SingleStack" };
    for (field, default) in [("ipFamilies", json!(["IPv4"])), ("ipFamilyPolicy", json!(policy))] {
        if spec.get(field).is_none_or(Value::is_null) {
            spec[field] = default;
        }
    }
    Ok(())
}

fn check_address(given: &str, found: &mut Found) {
    let path = FieldPath::new("spec").child("clusterIPs").index(0);
    let value = json!([given]);
    let invalid = |detail: &str| {
        let detail = format!("failed to allocate IP {given}: {detail}");
        FieldError::invalid(&FieldPath::new("spec").child("clusterIPs"), value.clone(), detail)
    };
    match given.parse::<Ipv4Addr>() {
        // Other families, and what is no address at all, are left to validation.
        Err(_) if given.parse::<std::net::IpAddr>().is_ok() => {}
        Err(_) => found.errors.push(FieldError::invalid(
            &path,
            given.into(),
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        )),
        Ok(address) => {
            let offset = u32::from(address).wrapping_sub(NETWORK);
            if offset == 0 || offset >= ADDRESSES - 1 {
                found.errors.push(invalid(
                    "the provided IP is not in the valid range. The range of valid IPs is 10.96.0.0/16",
                ));
            } else if found.taken.contains(&Taken::Address(given.to_owned())) {
                found.errors.push(invalid("provided IP is already allocated"));
            }
        }
    }
}

fn free_address(taken: &BTreeSet<Taken>) -> Option<String> {
    let dynamic = DYNAMIC_FROM..ADDRESSES - 1;
    let candidates = dynamic.chain(2..DYNAMIC_FROM);
    candidates
        .map(|offset| Ipv4Addr::from(NETWORK + offset).to_string())
        .find(|address| !taken.contains(&Taken::Address(address.clone())))
}

fn node_ports(object: &mut Value, old: Option<&Value>, found: &mut Found) -> Answer<()> {
    let spec = &mut object["spec"];
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    let allocates =
        kind == "NodePort" || kind == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false;
    let keeps = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for (index, port) in ports.into_iter().flatten().enumerate() {
        let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
        let path = FieldPath::new("spec").child("ports").index(index).child("nodePort");
        let given = port["nodePort"].as_u64().filter(|number| *number > 0);
        if !keeps {
            // A change to a type without ports drops the ones that the server had chosen.
            if given.is_some() && old.is_some_and(|old| had_port(old, given)) {
                remove_field(port, "nodePort");
            }
            continue;
        }
        let given = given.or_else(|| old.and_then(|old| port_of(old, port)));
        match given {
            Some(number) => {
                let number = u16::try_from(number).unwrap_or(0);
                let wanted = Taken::Port(number, protocol);
                if !NODE_PORTS.contains(&number) {
                    let detail =
                        "provided port is not in the valid range. The range of valid ports is 30000-32767";
                    found.errors.push(FieldError::invalid(&path, number.into(), detail));
                } else if found.taken.contains(&wanted) {
                    found.errors.push(FieldError::invalid(
                        &path,
                        number.into(),
                        "provided port is already allocated",
                    ));
                }
                port["nodePort"] = number.into();
                found.take(wanted);
            }
            None if allocates => {
                let is_free = |number: &u16| !found.taken.contains(&Taken::Port(*number, protocol.clone()));
                let free = NODE_PORTS.clone().find(is_free);
                let free =
                    free.ok_or_else(|| ApiError::internal("failed to allocate a nodePort: range is full"))?;
                port["nodePort"] = free.into();
                found.take(Taken::Port(free, protocol));
            }
            None => {}
        }
    }
    health_port(spec, old, found)
}

/// Balancers that keep to the nodes with pods ask them by a port of its own.
fn health_port(spec: &mut Value, old: Option<&Value>, found: &mut Found) -> Answer<()> {
    let field = "healthCheckNodePort";
    if spec["type"] != "LoadBalancer" || spec["externalTrafficPolicy"] != "Local" {
        remove_field(spec, field);
        return Ok(());
    }
    let before = old.and_then(|old| old["spec"][field].as_u64());
    let given = spec[field].as_u64().filter(|number| *number > 0).or(before);
    let number = match given.and_then(|number| u16::try_from(number).ok()) {
        Some(number) => number,
        None => NODE_PORTS
            .clone()
            .find(|number| !found.taken.contains(&Taken::Port(*number, "TCP".to_owned())))
            .ok_or_else(|| ApiError::internal("failed to allocate a nodePort: range is full"))?,
    };
    spec[field] = number.into();
    found.take(Taken::Port(number, "TCP".to_owned()));
    Ok(())
}

fn remove_field(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}

fn had_port(old: &Value, number: Option<u64>) -> bool {
    old["spec"]["ports"].as_array().into_iter().flatten().any(|port| port["nodePort"].as_u64() == number)
}

/// The node port that the same port had before.
fn port_of(old: &Value, port: &Value) -> Option<u64> {
    let ports = old["spec"]["ports"].as_array()?;
    let same = |other: &&Value| {
        other["port"] == port["port"]
            && other["protocol"] == port["protocol"]
            && other.get("name") == port.get("name")
    };
    ports.iter().find(same)?["nodePort"].as_u64()
}
