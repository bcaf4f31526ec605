//! Service.

use std::collections::BTreeSet;

use apimachinery::field_error::FieldPath;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, containers, is_empty, items, metadata, text};

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    if kind != ("", "Service") {
        return;
    }
    let (path, spec) = (FieldPath::new("spec"), &new["spec"]);
    let kind = text(&spec["type"]);
    let headless = spec["clusterIP"] == "None";
    if is_empty(&spec["ports"]) && !headless && kind != "ExternalName" {
        report.required(&path.child("ports"), "");
    }
    types(spec, &path, kind, report);
    ports(&spec["ports"], &path.child("ports"), report);
    metadata::labels(&spec["selector"], &path.child("selector"), report);
    report.one_of(&path.child("sessionAffinity"), &spec["sessionAffinity"], &["ClientIP", "None"]);
    report.one_of(
        &path.child("type"),
        &spec["type"],
        &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
    );
    let policies = ["Cluster", "Local"];
    report.maybe_one_of(&path.child("externalTrafficPolicy"), &spec["externalTrafficPolicy"], &policies);
    if !spec["internalTrafficPolicy"].is_null() {
        report.one_of(&path.child("internalTrafficPolicy"), &spec["internalTrafficPolicy"], &policies);
    }
    if let Some(old) = old {
        update(spec, &old["spec"], &path, report);
    }
}

fn types(spec: &Value, path: &FieldPath, kind: &str, report: &mut Report) {
    match kind {
        "LoadBalancer" | "NodePort" if spec["clusterIP"] == "None" => {
            let detail = format!("may not be set to 'None' for {kind} services");
            report.invalid(&path.child("clusterIPs").index(0), &"None".into(), &detail);
        }
        "ExternalName" => {
            let name = text(&spec["externalName"]);
            if name.is_empty() {
                report.required(&path.child("externalName"), "");
            } else {
                report.reasons(
                    &path.child("externalName"),
                    name,
                    syntax::dns_subdomain(name.trim_end_matches('.')),
                );
            }
        }
        _ => {}
    }
}

fn ports(list: &Value, path: &FieldPath, report: &mut Report) {
    let several = list.as_array().is_some_and(|ports| ports.len() > 1);
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (path, port) in items(list, path) {
        let name = text(&port["name"]);
        if name.is_empty() && several {
            report.required(&path.child("name"), "");
        } else if !name.is_empty() {
            report.reasons(&path.child("name"), name, syntax::dns_label(name));
            if !names.insert(name) {
                report.duplicate(&path.child("name"), &name.into());
            }
        }
        report.port(&path.child("port"), &port["port"]);
        report.one_of(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
        target(&port["targetPort"], &path.child("targetPort"), report);
        if !numbers.insert((port["port"].as_i64(), text(&port["protocol"]))) {
            report
                .duplicate(&path, &serde_json::json!({ "port": port["port"], "protocol": port["protocol"] }));
        }
    }
}

/// A port, or the name of one.
pub(super) fn target(value: &Value, path: &FieldPath, report: &mut Report) {
    match value {
        Value::Number(_) => report.port(path, value),
        Value::String(name) => report.reasons(path, name, containers::syntax_port_name(name)),
        _ => {}
    }
}

fn update(new: &Value, old: &Value, path: &FieldPath, report: &mut Report) {
    let both = |kind: &str| new["type"] != kind && old["type"] != kind;
    if both("ExternalName") && !is_empty(&old["clusterIP"]) && new["clusterIP"] != old["clusterIP"] {
        let path = path.child("clusterIPs").index(0);
        report.invalid(&path, &serde_json::json!([text(&new["clusterIP"])]), "may not change once set");
    }
    if both("ExternalName") && !is_empty(&old["ipFamilies"]) && new["ipFamilies"][0] != old["ipFamilies"][0] {
        let path = path.child("ipFamilies").index(0);
        report.invalid(&path, &new["ipFamilies"], "may not change once set");
    }
}
