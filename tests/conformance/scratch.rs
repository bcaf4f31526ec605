//! What a case makes for itself: a namespace, and objects to play with.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Target;
use crate::harness::eventually;

/// How long controllers may take (the garbage collector, the namespace controller).
pub const CONTROLLERS: Duration = Duration::from_secs(120);

/// A namespace of the case's own.
pub struct Scratch {
    pub namespace: String,
}

impl Scratch {
    pub fn new(target: &Target) -> Result<Self> {
        let body =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "generateName": "case-" } });
        let made = target.post("/api/v1/namespaces", &body)?.expect(201)?;
        Ok(Self { namespace: text(&made, "/metadata/name")?.to_owned() })
    }

    /// `/api/v1/namespaces/<namespace>/<plural>`.
    pub fn core(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }

    /// `/apis/apps/v1/namespaces/<namespace>/<plural>`.
    pub fn apps(&self, plural: &str) -> String {
        self.of("apps/v1", plural)
    }

    /// The collection of a kind of any group.
    pub fn of(&self, group_version: &str, plural: &str) -> String {
        format!("/apis/{group_version}/namespaces/{}/{plural}", self.namespace)
    }
}

/// A ConfigMap with one entry, `key`.
pub fn config_map(name: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "key": value } })
}

/// A Deployment with one container, `web`.
pub fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "web", "image": "nginx:1.27" }] }
            }
        }
    })
}

/// A text at a JSON pointer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no text at {pointer} of {value}"))
}

/// The resourceVersion of an object or a list.
pub fn version(value: &Value) -> Result<String> {
    Ok(text(value, "/metadata/resourceVersion")?.to_owned())
}

/// The names of a list's items.
pub fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect()
}

/// Waits until a path answers 404.
pub fn gone(target: &Target, path: &str) -> Result<()> {
    eventually(
        &format!("{path} is gone"),
        CONTROLLERS,
        || Ok((target.get(path)?.status == 404).then_some(())),
    )
}

/// A name, unique in this process, for things without a namespace.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{prefix}{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
