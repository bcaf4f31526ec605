//! One document per group and version, as it was before aggregated discovery.

use serde_json::{Value, json};

use super::catalogue::{Catalogue, Entry, Group, Subresource};

/// `/api`.
pub(super) fn versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        // Clients that connect from anywhere reach it at the loopback address.
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
    })
}

/// `/apis`.
pub(super) fn groups(catalogue: &Catalogue) -> Value {
    let named = catalogue.groups.iter().filter(|group| !group.name.is_empty());
    let groups: Vec<Value> = named.map(summary).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`.
pub(super) fn group(group: &Group) -> Value {
    let mut document = summary(group);
    document["kind"] = json!("APIGroup");
    document["apiVersion"] = json!("v1");
    document
}

fn summary(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|version| json!({"groupVersion": group_version(&group.name, &version.name), "version": version.name}))
        .collect();
    json!({"name": group.name, "versions": versions, "preferredVersion": versions.first()})
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `/api/v1`, `/apis/<group>/<version>`.
pub(super) fn resources(group: &Group, version: &str) -> Option<Value> {
    let served = group.versions.iter().find(|served| served.name == version)?;
    let mut resources = Vec::new();
    for entry in &served.resources {
        resources.push(resource(entry));
        resources.extend(entry.subresources.iter().map(|sub| subresource(entry, sub)));
    }
    let group_version = group_version(&group.name, version);
    let mut document =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": resources});
    if !group.name.is_empty() {
        document["apiVersion"] = json!("v1");
    }
    Some(document)
}

fn resource(entry: &Entry) -> Value {
    let resource = &entry.resource;
    let mut line = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": entry.verbs,
    });
    if !resource.short_names.is_empty() {
        line["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        line["categories"] = json!(resource.categories);
    }
    if let Some(hash) = entry.storage_version_hash() {
        line["storageVersionHash"] = json!(hash);
    }
    line
}

fn subresource(entry: &Entry, sub: &Subresource) -> Value {
    let mut line = json!({
        "name": format!("{}/{}", entry.resource.plural, sub.name),
        "singularName": "",
        "namespaced": entry.resource.namespaced,
        "kind": sub.gvk.kind,
        "verbs": sub.verbs,
    });
    // Group and version are told only where they are others than those of the document.
    if sub.gvk.group_version() != entry.gvk.group_version() {
        line["group"] = json!(sub.gvk.group);
        line["version"] = json!(sub.gvk.version);
    }
    line
}
