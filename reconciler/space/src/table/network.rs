//! Services, endpoints, Ingresses, network policies.

use serde_json::{Value, json};

use super::read::{
    NONE, UNKNOWN, UNSET, abridged, at, labels, list, number, scalar, selector_or_none, text, text_or,
};
use super::{AGE, NAME, Printer, age, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("", "Service") => Some(&SERVICE),
        ("", "Endpoints") => Some(&ENDPOINTS),
        ("discovery.k8s.io", "EndpointSlice") => Some(&ENDPOINT_SLICE),
        ("networking.k8s.io", "Ingress") => Some(&INGRESS),
        ("networking.k8s.io", "IngressClass") => Some(&INGRESS_CLASS),
        ("networking.k8s.io", "NetworkPolicy") => Some(&NETWORK_POLICY),
        ("networking.k8s.io", "ServiceCIDR") => Some(&SERVICE_CIDR),
        ("networking.k8s.io", "IPAddress") => Some(&IP_ADDRESS),
        _ => None,
    }
}

static SERVICE: Printer = Printer {
    columns: &[
        NAME,
        string("Type"),
        string("Cluster-IP"),
        string("External-IP"),
        string("Port(s)"),
        AGE,
        wide("Selector"),
    ],
    cells: |object, now| {
        let cluster_ip = list(object, &["spec", "clusterIPs"]).first().and_then(Value::as_str);
        vec![
            name(object),
            json!(text(object, &["spec", "type"])),
            json!(cluster_ip.unwrap_or(NONE)),
            json!(external_ip(object)),
            json!(service_ports(object)),
            age(object, now),
            json!(labels(object, &["spec", "selector"])),
        ]
    },
};

fn texts(object: &Value, path: &[&str]) -> Vec<String> {
    list(object, path).iter().map(scalar).collect()
}

fn external_ip(service: &Value) -> String {
    let mut external = texts(service, &["spec", "externalIPs"]);
    match text(service, &["spec", "type"]) {
        "ClusterIP" | "NodePort" if external.is_empty() => NONE.into(),
        "ClusterIP" | "NodePort" => external.join(","),
        "LoadBalancer" => {
            let mut addresses = load_balancer_addresses(service);
            addresses.append(&mut external);
            if addresses.is_empty() { "<pending>".into() } else { addresses.join(",") }
        }
        "ExternalName" => text(service, &["spec", "externalName"]).into(),
        _ => UNKNOWN.into(),
    }
}

/// The addresses of a load balancer, sorted, each once: the IP, else the host name.
fn load_balancer_addresses(object: &Value) -> Vec<String> {
    let mut addresses: Vec<String> = list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|ingress| text_or(ingress, &["ip"], text(ingress, &["hostname"])).to_owned())
        .filter(|address| !address.is_empty())
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

fn service_ports(service: &Value) -> String {
    let ports: Vec<String> = list(service, &["spec", "ports"])
        .iter()
        .map(|port| {
            let (number_, protocol) = (number(port, &["port"]), text(port, &["protocol"]));
            match number(port, &["nodePort"]) {
                0 => format!("{number_}/{protocol}"),
                node_port => format!("{number_}:{node_port}/{protocol}"),
            }
        })
        .collect();
    if ports.is_empty() { NONE.into() } else { ports.join(",") }
}

static ENDPOINTS: Printer = Printer {
    columns: &[NAME, string("Endpoints"), AGE],
    cells: |object, now| vec![name(object), json!(endpoints(object)), age(object, now)],
};

fn endpoints(object: &Value) -> String {
    let subsets = list(object, &["subsets"]);
    if subsets.is_empty() {
        return NONE.into();
    }
    let all: Vec<String> = subsets.iter().flat_map(subset_addresses).collect();
    abridged(&all, 3, ",")
}

fn subset_addresses(subset: &Value) -> Vec<String> {
    let addresses: Vec<&str> =
        list(subset, &["addresses"]).iter().map(|address| text(address, &["ip"])).collect();
    let ports = list(subset, &["ports"]);
    if ports.is_empty() {
        // A headless service without ports.
        return addresses.into_iter().map(str::to_owned).collect();
    }
    ports
        .iter()
        .map(|port| number(port, &["port"]))
        .flat_map(|port| addresses.iter().map(move |address| host_and_port(address, port)))
        .collect()
}

fn host_and_port(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

static ENDPOINT_SLICE: Printer = Printer {
    columns: &[NAME, string("AddressType"), string("Ports"), string("Endpoints"), AGE],
    cells: |object, now| {
        let ports: Vec<String> = list(object, &["ports"])
            .iter()
            .map(|port| match at(port, &["port"]) {
                Value::Null => text_or(port, &["name"], "*").to_owned(),
                number => number.to_string(),
            })
            .collect();
        let addresses: Vec<String> = list(object, &["endpoints"])
            .iter()
            .flat_map(|endpoint| texts(endpoint, &["addresses"]))
            .collect();
        vec![
            name(object),
            json!(text(object, &["addressType"])),
            json!(abridged_or_unset(&ports)),
            json!(abridged_or_unset(&addresses)),
            age(object, now),
        ]
    },
};

fn abridged_or_unset(all: &[String]) -> String {
    if all.is_empty() { UNSET.into() } else { abridged(all, 3, ",") }
}

static INGRESS: Printer = Printer {
    columns: &[NAME, string("Class"), string("Hosts"), string("Address"), string("Ports"), AGE],
    cells: |object, now| {
        let ports = if list(object, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
        vec![
            name(object),
            json!(text_or(object, &["spec", "ingressClassName"], NONE)),
            json!(hosts(object)),
            json!(load_balancer_addresses(object).join(",")),
            json!(ports),
            age(object, now),
        ]
    },
};

/// The first three hosts. What is counted besides are rules, with and without a host, as upstream does.
fn hosts(ingress: &Value) -> String {
    let rules = list(ingress, &["spec", "rules"]);
    let mut shown = Vec::new();
    let mut more = false;
    for rule in rules {
        more = more || shown.len() == 3;
        let host = text(rule, &["host"]);
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match () {
        () if shown.is_empty() => "*".into(),
        () if more => format!("{} + {} more...", shown.join(","), rules.len() - 3),
        () => shown.join(","),
    }
}

static INGRESS_CLASS: Printer = Printer {
    columns: &[NAME, string("Controller"), string("Parameters"), AGE],
    cells: |object, now| {
        vec![
            name(object),
            json!(text(object, &["spec", "controller"])),
            json!(parameters(object)),
            age(object, now),
        ]
    },
};

fn parameters(class: &Value) -> String {
    let parameters = at(class, &["spec", "parameters"]);
    if parameters.is_null() {
        return NONE.into();
    }
    let (kind, referred) = (text(parameters, &["kind"]), text(parameters, &["name"]));
    match at(parameters, &["apiGroup"]).as_str() {
        Some(group) => format!("{kind}.{group}/{referred}"),
        None => format!("{kind}/{referred}"),
    }
}

static NETWORK_POLICY: Printer = Printer {
    columns: &[NAME, string("Pod-Selector"), AGE],
    cells: |object, now| {
        vec![name(object), json!(selector_or_none(object, &["spec", "podSelector"])), age(object, now)]
    },
};

static SERVICE_CIDR: Printer = Printer {
    columns: &[NAME, string("CIDRs"), AGE],
    cells: |object, now| {
        vec![name(object), json!(texts(object, &["spec", "cidrs"]).join(",")), age(object, now)]
    },
};

static IP_ADDRESS: Printer =
    Printer { columns: &[NAME, string("ParentRef")], cells: |object, _| ip_address_cells(object) };

fn ip_address_cells(object: &Value) -> Vec<Value> {
    let parent = at(object, &["spec", "parentRef"]);
    let mut shown = NONE.to_owned();
    if !parent.is_null() {
        shown = text(parent, &["resource"]).to_lowercase();
        for (separator, field) in [(".", "group"), ("/", "namespace"), ("/", "name")] {
            let part = text(parent, &[field]);
            if !part.is_empty() {
                shown = format!("{shown}{separator}{part}");
            }
        }
    }
    vec![name(object), json!(shown)]
}
