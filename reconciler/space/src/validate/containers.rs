//! Containers and what is in them.

use std::collections::BTreeSet;

use apimachinery::field_error::FieldPath;
use apimachinery::quantity::Quantity;
use apimachinery::syntax;
use serde_json::Value;

use super::{Report, is_empty, items, quantities, service, text};

/// The containers of a list; names are unique over all lists of a pod.
pub(super) fn check<'a>(
    list: &'a Value,
    path: &FieldPath,
    volumes: &BTreeSet<&str>,
    names: &mut BTreeSet<&'a str>,
    report: &mut Report,
) {
    for (path, container) in items(list, path) {
        let name = text(&container["name"]);
        if name.is_empty() {
            report.required(&path.child("name"), "");
        } else {
            report.reasons(&path.child("name"), name, syntax::dns_label(name));
            if !names.insert(name) {
                report.duplicate(&path.child("name"), &name.into());
            }
        }
        image(container, &path, report);
        ports(&container["ports"], &path.child("ports"), report);
        environment(container, &path, report);
        mounts(&container["volumeMounts"], &path.child("volumeMounts"), volumes, report);
        resources(&container["resources"], &path.child("resources"), report);
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            handler(&container[probe], &path.child(probe), report);
        }
        report.one_of(
            &path.child("terminationMessagePolicy"),
            &container["terminationMessagePolicy"],
            &["FallbackToLogsOnError", "File"],
        );
    }
}

fn image(container: &Value, path: &FieldPath, report: &mut Report) {
    let image = text(&container["image"]);
    if image.is_empty() {
        report.required(&path.child("image"), "");
    } else if image.trim() != image {
        report.invalid(&path.child("image"), &image.into(), "must not have leading or trailing whitespace");
    }
    let policies = ["Always", "IfNotPresent", "Never"];
    report.one_of(&path.child("imagePullPolicy"), &container["imagePullPolicy"], &policies);
}

fn ports(list: &Value, path: &FieldPath, report: &mut Report) {
    let mut names = BTreeSet::new();
    for (path, port) in items(list, path) {
        let name = text(&port["name"]);
        if !name.is_empty() {
            report.reasons(&path.child("name"), name, syntax_port_name(name));
            if !names.insert(name) {
                report.duplicate(&path.child("name"), &name.into());
            }
        }
        if port["containerPort"] == 0 {
            report.required(&path.child("containerPort"), "");
        } else {
            report.port(&path.child("containerPort"), &port["containerPort"]);
        }
        if !port["hostPort"].is_null() {
            report.port(&path.child("hostPort"), &port["hostPort"]);
        }
        report.one_of(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
    }
}

/// Names of ports: at most 15 lowercase letters, digits and dashes, at least one letter.
pub(super) fn syntax_port_name(name: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if name.len() > 15 {
        reasons.push("must be no more than 15 characters".to_owned());
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        reasons.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        reasons.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        reasons.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        reasons.push("must not begin or end with a hyphen".to_owned());
    }
    reasons
}

fn environment(container: &Value, path: &FieldPath, report: &mut Report) {
    let odd =
        "a valid environment variable name must consist only of printable ASCII characters other than '='";
    for (path, variable) in items(&container["env"], &path.child("env")) {
        let name = text(&variable["name"]);
        if name.is_empty() {
            report.required(&path.child("name"), "");
        } else if !name.chars().all(|c| matches!(c, ' '..='~') && c != '=') {
            report.invalid(&path.child("name"), &name.into(), odd);
        }
        let from = &variable["valueFrom"];
        if from.is_null() {
            continue;
        }
        let path = path.child("valueFrom");
        if !text(&variable["value"]).is_empty() {
            report.invalid(&path, &"".into(), "may not be specified when `value` is not empty");
        }
        match from.as_object().map_or(0, serde_json::Map::len) {
            0 => report.invalid(
                &path,
                &"".into(),
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            ),
            1 => {}
            _ => report.invalid(&path, &"".into(), "may not have more than one field specified at a time"),
        }
        if !from["fieldRef"].is_null() {
            field_reference(&from["fieldRef"], &path.child("fieldRef"), report);
        }
        for source in ["configMapKeyRef", "secretKeyRef"] {
            if !from[source].is_null() && text(&from[source]["key"]).is_empty() {
                report.required(&path.child(source).child("key"), "");
            }
        }
    }
}

/// A field of the pod that a variable takes its value from.
fn field_reference(reference: &Value, path: &FieldPath, report: &mut Report) {
    let (version, field) = (text(&reference["apiVersion"]), text(&reference["fieldPath"]));
    let path_of_field = path.child("fieldPath");
    let fault = |detail: &str| format!("error converting fieldPath: {detail}");
    if field.is_empty() {
        report.required(&path_of_field, "");
    } else if version != "v1" {
        report.invalid(&path_of_field, &field.into(), &fault(&format!("unsupported pod version: {version}")));
    } else if let Some((map, _)) = field.split_once('[') {
        if !matches!(map, "metadata.annotations" | "metadata.labels") {
            let detail = format!("field label does not support subscript: {field}");
            report.invalid(&path_of_field, &field.into(), &fault(&detail));
        }
    } else if !FIELDS_OF_VARIABLES.contains(&field) {
        let elsewhere = [
            "metadata.annotations",
            "metadata.labels",
            "spec.restartPolicy",
            "spec.schedulerName",
            "status.phase",
        ];
        if elsewhere.contains(&field) {
            report.one_of(&path_of_field, &field.into(), &FIELDS_OF_VARIABLES);
        } else {
            let detail = format!("field label not supported: {field}");
            report.invalid(&path_of_field, &field.into(), &fault(&detail));
        }
    }
}

const FIELDS_OF_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

fn mounts(list: &Value, path: &FieldPath, volumes: &BTreeSet<&str>, report: &mut Report) {
    let mut paths = BTreeSet::new();
    for (path, mount) in items(list, path) {
        let name = text(&mount["name"]);
        if name.is_empty() {
            report.required(&path.child("name"), "");
        } else if !volumes.contains(name) {
            report.0.push(apimachinery::field_error::FieldError {
                kind: apimachinery::field_error::FieldErrorKind::NotFound,
                ..apimachinery::field_error::FieldError::invalid(&path.child("name"), name.into(), "")
            });
        }
        let mount_path = text(&mount["mountPath"]);
        if mount_path.is_empty() {
            report.required(&path.child("mountPath"), "");
        } else if !paths.insert(mount_path) {
            report.invalid(&path.child("mountPath"), &mount_path.into(), "must be unique");
        }
    }
}

/// Requests and limits: not negative, and requests not above limits.
pub(super) fn resources(resources: &Value, path: &FieldPath, report: &mut Report) {
    let amount = |kind: &str, name: &str| Quantity::from_json(&resources[kind][name]).and_then(Result::ok);
    for kind in ["limits", "requests"] {
        for (name, value) in resources[kind].as_object().into_iter().flatten() {
            let path = path.child(kind).key(name);
            quantities::of_container(name, &path, report);
            if amount(kind, name).is_some_and(|quantity| quantity.is_negative()) {
                report.invalid(&path, value, "must be greater than or equal to 0");
            }
        }
    }
    for (name, value) in resources["requests"].as_object().into_iter().flatten() {
        let (Some(request), Some(limit)) = (amount("requests", name), amount("limits", name)) else {
            continue;
        };
        if request.to_f64() > limit.to_f64() {
            let path = path.child("requests");
            let detail = format!("must be less than or equal to {name} limit of {}", limit.canonical());
            report.invalid(&path, value, &detail);
        }
    }
}

fn handler(probe: &Value, path: &FieldPath, report: &mut Report) {
    if probe.is_null() {
        return;
    }
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    let given: Vec<&&str> = handlers.iter().filter(|name| !probe[**name].is_null()).collect();
    match given.as_slice() {
        [] => report.required(path, "must specify a handler type"),
        [_] => {}
        [_, rest @ ..] => {
            for name in rest {
                report.forbidden(&path.child(name), "may not specify more than 1 handler type");
            }
        }
    }
    let numbers =
        ["failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"];
    report.none_negative(path, probe, &numbers);
    if !probe["exec"].is_null() && is_empty(&probe["exec"]["command"]) {
        report.required(&path.child("exec").child("command"), "");
    }
    for handler in ["httpGet", "tcpSocket"] {
        if !probe[handler].is_null() {
            let port = match &probe[handler]["port"] {
                // The zero value of a port that is left out.
                Value::Null => &Value::from(0),
                port => port,
            };
            service::target(port, &path.child(handler).child("port"), report);
        }
    }
    if !probe["httpGet"].is_null() {
        let schemes = ["HTTP", "HTTPS"];
        report.one_of(&path.child("httpGet").child("scheme"), &probe["httpGet"]["scheme"], &schemes);
    }
    if !probe["grpc"].is_null() {
        report.port(&path.child("grpc").child("port"), &probe["grpc"]["port"]);
    }
}
