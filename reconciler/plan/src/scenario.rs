//! Small declarations for tests.

use std::sync::Arc;

use apimachinery::Object;
use serde_json::{Value, json};

use crate::kinds::Kinds;
use crate::placement::Expansion;
use crate::{Cluster, Declaration, DeclaredObject, Finding, Origin, UNIT_LABEL, Unit};

/// Builds a declaration; every object gets a line of its own in the file of its unit.
#[derive(Clone, Debug, Default)]
pub struct Scenario(pub Declaration);

impl Scenario {
    pub fn unit(mut self, name: &str, objects: &[Value]) -> Self {
        let file = format!("apps/{name}/all.yaml");
        let objects = objects
            .iter()
            .map(|object| {
                let mut object = object.clone();
                object["metadata"]["labels"][UNIT_LABEL] = name.into();
                object
            })
            .collect::<Vec<_>>();
        let objects = declared(&file, &objects);
        self.0.units.push(Unit {
            name: name.into(),
            path: format!("apps/{name}"),
            objects: objects.into(),
            failure: None,
        });
        self
    }

    pub fn failed_unit(mut self, name: &str) -> Self {
        let failure = Some(Finding::blocker("unit-failed", None, format!("unit {name} does not render")));
        self.0.units.push(Unit {
            name: name.into(),
            path: format!("apps/{name}"),
            objects: Arc::default(),
            failure,
        });
        self
    }

    pub fn policy(mut self, name: &str, spec: &Value) -> Self {
        let policy = json!({
            "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy",
            "metadata": {"name": name}, "spec": spec,
        });
        self.0.policies.extend(declared(&format!("policies/{name}.yaml"), &[policy]));
        self
    }

    /// A policy that sends whole units to the clusters of an environment.
    pub fn policy_of_units(self, name: &str, units: &[&str], env: &str) -> Self {
        self.policy(
            name,
            &json!({
                "clusterSelectors": [{"matchLabels": {"env": env}}],
                "downsync": [{"objectSelectors": [{"matchExpressions": [
                    {"key": UNIT_LABEL, "operator": "In", "values": units},
                ]}]}],
            }),
        )
    }

    pub fn cluster(mut self, name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let origin = Some(Origin { file: format!("clusters/{name}.yaml"), line: 1 });
        self.0.clusters.insert(name.into(), Cluster { labels, origin, ..Cluster::default() });
        self
    }

    pub fn expand(&self) -> Expansion<'_> {
        Expansion::new(&self.0, &self.0.clusters, &Kinds::built_in(), None)
    }
}

fn declared(file: &str, objects: &[Value]) -> Vec<DeclaredObject> {
    let one = |(line, object): (u32, &Value)| DeclaredObject {
        object: Object::from_value(object).unwrap(),
        origin: Origin { file: file.to_owned(), line },
        encrypted: object.get("sops").is_some(),
    };
    (1..).step_by(10).zip(objects).map(one).collect()
}

pub fn object(api_version: &str, kind: &str, at: &str) -> Value {
    let metadata = match at.split_once('/') {
        Some((namespace, name)) => json!({"namespace": namespace, "name": name}),
        None => json!({"name": at}),
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})
}

pub fn deployment(at: &str, image: &str) -> Value {
    let mut object = object("apps/v1", "Deployment", at);
    object["spec"] = json!({"template": {"spec": {"containers": [{"name": "c", "image": image}]}}});
    object
}

pub fn namespace(name: &str) -> Value {
    object("v1", "Namespace", name)
}

pub fn config_map(at: &str, value: &str) -> Value {
    let mut object = object("v1", "ConfigMap", at);
    object["data"] = json!({"key": value});
    object
}

pub fn crd(group: &str, kind: &str, scope: &str) -> Value {
    let plural = crate::names::guessed_plural(&kind.into());
    let mut object =
        object("apiextensions.k8s.io/v1", "CustomResourceDefinition", &format!("{plural}.{group}"));
    object["spec"] = json!({
        "group": group, "scope": scope, "names": {"kind": kind, "plural": plural},
        "versions": [{"name": "v1", "served": true, "storage": true}],
    });
    object
}
