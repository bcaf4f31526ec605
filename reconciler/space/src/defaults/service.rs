//! Service: what is filled in before addresses are allocated.

use serde_json::{Value, json};

use super::{Fields, Fill, absent, each, inner, text, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    (name == "core.v1.Service").then_some(service as Fill)
}

fn service(fields: &mut Fields) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    zero(spec, "sessionAffinity", "None");
    match text(spec, "sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let set = spec
                .get("sessionAffinityConfig")
                .and_then(|config| config.pointer("/clientIP/timeoutSeconds"));
            if set.is_none_or(Value::is_null) {
                spec.insert(
                    "sessionAffinityConfig".into(),
                    json!({ "clientIP": { "timeoutSeconds": 10800 } }),
                );
            }
        }
        _ => {}
    }
    zero(spec, "type", "ClusterIP");
    for port in each(spec, "ports") {
        zero(port, "protocol", "TCP");
        if let Some(number) = port.get("port").cloned() {
            zero(port, "targetPort", number);
        }
    }
    let kind = text(spec, "type").to_owned();
    let outside = matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        || kind == "ClusterIP"
            && spec.get("externalIPs").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if outside {
        zero(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        absent(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        absent(spec, "allocateLoadBalancerNodePorts", true);
        let Some(balancer) = inner(fields, "status").and_then(|status| inner(status, "loadBalancer")) else {
            return;
        };
        for ingress in each(balancer, "ingress") {
            if !text(ingress, "ip").is_empty() {
                absent(ingress, "ipMode", "VIP");
            }
        }
    }
}
