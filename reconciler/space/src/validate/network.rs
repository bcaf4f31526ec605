//! Ingress and NetworkPolicy.

use apimachinery::field_error::FieldPath;
use apimachinery::selector::validate_label_selector;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, containers, is_empty, items, service, text};

pub(super) fn check(kind: (&str, &str), new: &Value, _old: Option<&Value>, report: &mut Report) {
    match kind {
        ("networking.k8s.io", "Ingress") => ingress(&new["spec"], &FieldPath::new("spec"), report),
        ("networking.k8s.io", "NetworkPolicy") => policy(&new["spec"], &FieldPath::new("spec"), report),
        _ => {}
    }
}

fn ingress(spec: &Value, path: &FieldPath, report: &mut Report) {
    if is_empty(&spec["rules"]) && spec["defaultBackend"].is_null() {
        report.invalid(path, &spec["rules"], "either `defaultBackend` or `rules` must be specified");
    }
    if !spec["defaultBackend"].is_null() {
        backend(&spec["defaultBackend"], &path.child("defaultBackend"), report);
    }
    for (path, entry) in items(&spec["tls"], &path.child("tls")) {
        let secret = text(&entry["secretName"]);
        if !secret.is_empty() {
            report.reasons(&path.child("secretName"), secret, syntax::dns_subdomain(secret));
        }
    }
    for (path, rule) in items(&spec["rules"], &path.child("rules")) {
        let http = &rule["http"];
        if http.is_null() {
            continue;
        }
        let paths = path.child("http").child("paths");
        if is_empty(&http["paths"]) {
            report.required(&paths, "");
        }
        for (path, entry) in items(&http["paths"], &paths) {
            match entry["pathType"].as_str() {
                None => report.required(&path.child("pathType"), "pathType must be specified"),
                Some(kind) => {
                    let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
                    report.one_of(&path.child("pathType"), &kind.into(), &kinds);
                    if kind != "ImplementationSpecific" && !text(&entry["path"]).starts_with('/') {
                        let value = text(&entry["path"]).into();
                        report.invalid(&path.child("path"), &value, "must be an absolute path");
                    }
                }
            }
            backend(&entry["backend"], &path.child("backend"), report);
        }
    }
}

fn backend(backend: &Value, path: &FieldPath, report: &mut Report) {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    let nothing = Value::from("");
    match (service.is_null(), resource.is_null()) {
        (true, true) => return report.invalid(path, &nothing, "resource or service backend is required"),
        (false, false) => {
            return report.invalid(path, &nothing, "cannot set both resource and service backends");
        }
        (true, false) => return,
        (false, true) => {}
    }
    let (whole, path) = (path, path.child("service"));
    let name = text(&service["name"]);
    if name.is_empty() {
        report.required(&path.child("name"), "");
    } else {
        report.reasons(&path.child("name"), name, syntax::dns_1035_label(name));
    }
    let port = &service["port"];
    let (has_name, has_number) = (!is_empty(&port["name"]), port["number"].as_i64().is_some_and(|n| n != 0));
    match (has_name, has_number) {
        (true, true) => report.invalid(whole, &nothing, "cannot set both port name & port number"),
        (false, false) => report.required(whole, "port name or number is required"),
        (false, true) => report.port(&path.child("port").child("number"), &port["number"]),
        (true, false) => {
            let name = text(&port["name"]);
            let reasons = containers::syntax_port_name(name);
            report.reasons(&path.child("port").child("name"), name, reasons);
        }
    }
}

fn policy(spec: &Value, path: &FieldPath, report: &mut Report) {
    report.0.extend(validate_label_selector(&spec["podSelector"], &path.child("podSelector")));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (path, rule) in items(&spec[direction], &path.child(direction)) {
            for (path, port) in items(&rule["ports"], &path.child("ports")) {
                report.maybe_one_of(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
                service::target(&port["port"], &path.child("port"), report);
            }
            for (path, peer) in items(&rule[peers], &path.child(peers)) {
                if peer.as_object().is_none_or(serde_json::Map::is_empty) {
                    report.required(&path, "must specify a peer");
                }
                if !peer["ipBlock"].is_null() && peer.as_object().is_some_and(|fields| fields.len() > 1) {
                    report.forbidden(&path, "may not specify both ipBlock and another peer");
                }
            }
        }
    }
    for (path, kind) in items(&spec["policyTypes"], &path.child("policyTypes")) {
        report.one_of(&path, kind, &["Ingress", "Egress"]);
    }
}
