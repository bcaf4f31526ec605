//! All groups, versions and resources in one document.

use apimachinery::GroupVersionKind;
use serde_json::{Map, Value, json};

use super::Document;
use super::catalogue::{Catalogue, Entry, Group, Subresource, Version};

/// The versions of `apidiscovery.k8s.io` that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    V2,
    V2Beta1,
}

/// The first version that `Accept` names and that is known here; `None` if the client wants the legacy documents. Quality values are not looked at:
/// no client sends them here.
pub(super) fn wanted(accept: &str) -> Option<Wire> {
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters: Vec<&str> = parts.collect();
        let is_list = parameters.contains(&"g=apidiscovery.k8s.io")
            && parameters.contains(&"as=APIGroupDiscoveryList")
            && media_type == "application/json";
        if is_list && parameters.contains(&"v=v2") {
            return Some(Wire::V2);
        }
        if is_list && parameters.contains(&"v=v2beta1") {
            return Some(Wire::V2Beta1);
        }
        if media_type == "application/json" && parameters.is_empty() {
            return None;
        }
    }
    None
}

/// `/api` (the core group) or `/apis` (all others).
pub(super) fn document(catalogue: &Catalogue, core: bool, wire: Wire) -> Document {
    let groups = catalogue.groups.iter().filter(|group| group.name.is_empty() == core);
    let items: Vec<Value> = groups.map(item).collect();
    let (version, content_type) = match wire {
        Wire::V2 => ("v2", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
        Wire::V2Beta1 => {
            ("v2beta1", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList")
        }
    };
    let body = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    });
    Document { content_type, body }
}

fn item(group: &Group) -> Value {
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": group.versions.iter().map(version).collect::<Vec<_>>()})
}

fn version(version: &Version) -> Value {
    let resources: Vec<Value> = version.resources.iter().map(resource).collect();
    json!({"version": version.name, "resources": resources, "freshness": "Current"})
}

/// Group and version are told of custom kinds, and where they are others than those of the resource. Clients take both.
fn response_kind(entry: &Entry, gvk: &GroupVersionKind) -> Value {
    if !entry.resource.is_custom() && gvk.group_version() == entry.gvk.group_version() {
        return json!({"group": "", "version": "", "kind": gvk.kind});
    }
    json!({"group": gvk.group, "version": gvk.version, "kind": gvk.kind})
}

fn resource(entry: &Entry) -> Value {
    let resource = &entry.resource;
    let mut line = Map::new();
    line.insert("resource".into(), json!(resource.plural));
    line.insert("responseKind".into(), response_kind(entry, &entry.gvk));
    line.insert("scope".into(), json!(if resource.namespaced { "Namespaced" } else { "Cluster" }));
    line.insert("singularResource".into(), json!(resource.singular));
    line.insert("verbs".into(), json!(entry.verbs));
    if !resource.short_names.is_empty() {
        line.insert("shortNames".into(), json!(resource.short_names));
    }
    if !resource.categories.is_empty() {
        line.insert("categories".into(), json!(resource.categories));
    }
    if !entry.subresources.is_empty() {
        let subresources: Vec<Value> = entry.subresources.iter().map(|sub| subresource(entry, sub)).collect();
        line.insert("subresources".into(), Value::Array(subresources));
    }
    Value::Object(line)
}

fn subresource(entry: &Entry, sub: &Subresource) -> Value {
    json!({"subresource": sub.name, "responseKind": response_kind(entry, &sub.gvk), "verbs": sub.verbs})
}
