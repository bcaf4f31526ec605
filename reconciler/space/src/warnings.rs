//! What the server says of objects that are valid and will not do what their author may think. Sent as `Warning` headers; kubectl prints them.
//!
//! Sources: `pkg/api/pod/warnings.go`, `pkg/api/service/warnings.go` and the strategies of Kubernetes 1.35, apiextensions' custom resource strategy.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::field_error::FieldPath;
use apimachinery::quantity::Quantity;
use serde_json::Value;

use crate::resource::Endpoint;
use crate::write::meta;

/// Labels of nodes that have got other names.
const DEPRECATED_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
    ("beta.kubernetes.io/os", r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
    (
        "failure-domain.beta.kubernetes.io/region",
        r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#,
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#,
    ),
    (
        "beta.kubernetes.io/instance-type",
        r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#,
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", r#"use "node-role.kubernetes.io/control-plane" instead"#),
];

/// What is said of a new object, or of an update. Both in the endpoint's version, prepared.
pub(crate) fn of(endpoint: &Endpoint, new: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    if endpoint.resource.is_custom() {
        finalizers(new, old, &mut warnings);
        return warnings;
    }
    let changed = old.is_none_or(|old| meta::field(new, "generation") != meta::field(old, "generation"));
    let spec = FieldPath::new("spec");
    match (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") if changed => {
            template(&new["spec"]["template"], &spec.child("template"), &mut warnings);
        }
        ("batch", "CronJob") if changed => {
            let path = spec.child("jobTemplate").child("spec").child("template");
            template(&new["spec"]["jobTemplate"]["spec"]["template"], &path, &mut warnings);
        }
        ("", "Pod") if old.is_none() => template(new, &FieldPath::default(), &mut warnings),
        ("", "Service") => service(new, &mut warnings),
        _ => {}
    }
    warnings
}

/// New finalizers of custom objects should say whose they are.
fn finalizers(new: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    let had: BTreeSet<&str> =
        old.map(|old| meta::texts(old, "finalizers")).unwrap_or_default().into_iter().collect();
    let added: BTreeSet<&str> =
        meta::texts(new, "finalizers").into_iter().filter(|name| !had.contains(name)).collect();
    let own = ["orphan", "foregroundDeletion", "kubernetes"];
    for name in added.into_iter().filter(|name| !name.contains('/') && !own.contains(name)) {
        let path = if name.contains('.') { " including a path (/)" } else { "" };
        warnings.push(format!(
            "metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name{path} \
             to avoid accidental conflicts with other finalizer writers"
        ));
    }
}

/// A pod, or a template of pods.
fn template(template: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    let (spec, spec_path) = (&template["spec"], path.child("spec"));
    node_labels(spec, &spec_path, warnings);
    volumes(&spec["volumes"], &spec_path.child("volumes"), warnings);
    repeated(&spec["hostAliases"], "ip", &spec_path.child("hostAliases"), warnings);
    repeated(&spec["imagePullSecrets"], "name", &spec_path.child("imagePullSecrets"), warnings);
    let mut ports = BTreeMap::new();
    let mut names = BTreeMap::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let path = spec_path.child(list).index(index);
            fractions(&container["resources"], &path.child("resources"), warnings);
            environment(&container["env"], &path.child("env"), warnings);
            container_ports(&container["ports"], &path.child("ports"), (&mut ports, &mut names), warnings);
        }
    }
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        let path = spec_path.child("terminationGracePeriodSeconds");
        warnings.push(format!("{path}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
}

fn deprecated_label(key: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(label, _)| *label == key).map(|(_, message)| *message)
}

fn node_labels(spec: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    for key in spec["nodeSelector"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if let Some(message) = deprecated_label(key) {
            warnings.push(format!("{}: {message}", path.child("nodeSelector").key(key)));
        }
    }
    let affinity = &spec["affinity"]["nodeAffinity"];
    let path_of = |name: &str| path.child("affinity").child("nodeAffinity").child(name);
    let (required, preferred) =
        ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
    let terms = affinity[required]["nodeSelectorTerms"].as_array().into_iter().flatten().enumerate();
    for (index, term) in terms {
        selector_term(term, &path_of(required).child("nodeSelectorTerms").index(index), warnings);
    }
    for (index, term) in affinity[preferred].as_array().into_iter().flatten().enumerate() {
        selector_term(&term["preference"], &path_of(preferred).index(index).child("preference"), warnings);
    }
    let constraints = spec["topologySpreadConstraints"].as_array().into_iter().flatten().enumerate();
    for (index, constraint) in constraints {
        let path = path.child("topologySpreadConstraints").index(index);
        let key = constraint["topologyKey"].as_str().unwrap_or_default();
        if let Some(message) = deprecated_label(key) {
            warnings.push(format!("{}: {key} is {message}", path.child("topologyKey")));
        }
        if constraint["labelSelector"].is_null() {
            let path = path.child("labelSelector");
            warnings.push(format!("{path}: a null labelSelector results in matching no pod"));
        }
    }
}

fn selector_term(term: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    for (index, expression) in term["matchExpressions"].as_array().into_iter().flatten().enumerate() {
        let key = expression["key"].as_str().unwrap_or_default();
        if let Some(message) = deprecated_label(key) {
            let path = path.child("matchExpressions").index(index).child("key");
            warnings.push(format!("{path}: {key} is {message}"));
        }
    }
}

fn volumes(list: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    let gone = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];
    for (index, volume) in list.as_array().into_iter().flatten().enumerate() {
        for (source, message) in gone.iter().filter(|(source, _)| !volume[*source].is_null()) {
            warnings.push(format!("{}: {message}", path.index(index).child(source)));
        }
    }
}

/// Items of a list that stand twice, or are empty.
fn repeated(list: &Value, field: &str, path: &FieldPath, warnings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, item) in list.as_array().into_iter().flatten().enumerate() {
        let value = item[field].as_str().unwrap_or_default();
        if !seen.insert(value) {
            warnings.push(format!("{}: duplicate {field} {value:?}", path.index(index).child(field)));
        }
        if value.is_empty() && field == "name" {
            warnings.push(format!("{}: invalid empty name {value:?}", path.index(index).child(field)));
        }
    }
}

/// Memory comes in whole bytes.
fn fractions(resources: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        for kind in ["limits", "requests"] {
            let Some(Ok(quantity)) = Quantity::from_json(&resources[kind][name]) else { continue };
            if quantity.scaled(-3).is_some_and(|milli| milli % 1000 != 0) {
                let path = path.child(kind).key(name);
                let value = quantity.canonical();
                warnings
                    .push(format!("{path}: fractional byte value {value:?} is invalid, must be an integer"));
            }
        }
    }
}

/// A variable that stands twice, unless the later one refers to the earlier.
fn environment(list: &Value, path: &FieldPath, warnings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, variable) in list.as_array().into_iter().flatten().enumerate() {
        let name = variable["name"].as_str().unwrap_or_default();
        if seen.insert(name) {
            continue;
        }
        let value = variable["value"].as_str().unwrap_or_default();
        let reference = format!("$({name})");
        if !variable["valueFrom"].is_null() || value == reference || !value.contains(&reference) {
            let path = path.index(index);
            warnings.push(format!(
                "{path}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Where each port and each name of a port was first seen.
type Ports<'a, 'p> = (&'p mut BTreeMap<(i64, &'a str), FieldPath>, &'p mut BTreeMap<&'a str, FieldPath>);

fn container_ports<'a>(list: &'a Value, path: &FieldPath, seen: Ports<'a, '_>, warnings: &mut Vec<String>) {
    let (ports, names) = seen;
    for (index, port) in list.as_array().into_iter().flatten().enumerate() {
        let path = path.index(index);
        let key =
            (port["containerPort"].as_i64().unwrap_or(0), port["protocol"].as_str().unwrap_or_default());
        match ports.get(&key) {
            Some(first) => warnings.push(format!("{path}: duplicate port definition with {first}")),
            None => {
                ports.insert(key, path.clone());
            }
        }
        let name = port["name"].as_str().unwrap_or_default();
        match names.get(name) {
            _ if name.is_empty() => {}
            Some(first) => warnings.push(format!(
                "{path}: duplicate port name {name:?} with {first}, services and probes that select ports by name will use {first}"
            )),
            None => {
                names.insert(name, path);
            }
        }
    }
}

fn service(service: &Value, warnings: &mut Vec<String>) {
    let spec = &service["spec"];
    let has =
        |field: &str| !spec[field].is_null() && spec[field] != "" && spec[field] != Value::Array(Vec::new());
    let external = spec["type"] == "ExternalName";
    if meta::field(service, "annotations")
        .is_some_and(|all| all.get("service.kubernetes.io/topology-aware-hints").is_some())
    {
        warnings.push(
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead"
                .into(),
        );
    }
    if spec["clusterIP"] == "None" {
        if has("loadBalancerIP") {
            warnings.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if has("externalIPs") {
            warnings.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec["sessionAffinity"] != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    if external && has("externalIPs") {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !external && has("externalName") {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec["trafficDistribution"] == "PreferClose" {
        warnings
            .push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn doubtful_templates_are_warned_of() {
        let pod = json!({ "spec": {
            "nodeSelector": { "beta.kubernetes.io/os": "linux" },
            "containers": [
                { "env": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }, { "name": "A", "value": "$(A)3" }],
                  "ports": [{ "containerPort": 80, "protocol": "TCP", "name": "web" }],
                  "resources": { "limits": { "memory": "100m" } } },
                { "ports": [{ "containerPort": 80, "protocol": "TCP" }] },
            ],
        } });
        let mut warnings = Vec::new();
        template(&pod, &FieldPath::new("spec.template"), &mut warnings);
        assert_eq!(
            warnings,
            [
                "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "spec.template.spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer",
                "spec.template.spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.template.spec.containers[1].ports[0]: duplicate port definition with spec.template.spec.containers[0].ports[0]",
            ]
        );
    }
}
