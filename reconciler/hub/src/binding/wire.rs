//! Bindings between their wire form and `plan`'s content.

use std::collections::BTreeMap;

use api::kubestellar::{
    BindingSpec, ClusterScopeEntry, Destination, DownsyncModulation, NamespaceScopeEntry, Workload,
};
use apimachinery::{Digest, GroupResource, Object};
use plan::binding::{BindingContent, Entry, INTENTS_ANNOTATION, ResourceId};
use plan::{ClusterName, PolicyName};
use serde::Deserialize;
use serde_json::{Value, json};

/// The content of a stored Binding; `None` when its spec does not parse, so that it is neither trusted nor overwritten blindly.
pub fn content(binding: &Object) -> Option<BindingContent> {
    let value = binding.to_value();
    let spec = BindingSpec::deserialize(value.get("spec")?).ok()?;
    let cluster_scope = spec.workload.cluster_scope.into_iter().map(|e| {
        let id = ResourceId {
            resource: GroupResource::new(&e.group, &e.resource),
            namespace: None,
            name: e.name.into(),
        };
        (id, entry(&e.version, e.resource_version, &e.modulation))
    });
    let namespace_scope = spec.workload.namespace_scope.into_iter().map(|e| {
        let resource = GroupResource::new(&e.group, &e.resource);
        let id = ResourceId { resource, namespace: Some(e.namespace.into()), name: e.name.into() };
        (id, entry(&e.version, e.resource_version, &e.modulation))
    });
    Some(BindingContent {
        entries: cluster_scope.chain(namespace_scope).collect::<BTreeMap<_, _>>(),
        destinations: spec.destinations.into_iter().map(|d| ClusterName::from(d.cluster_id)).collect(),
        intents: binding.header().annotation(INTENTS_ANNOTATION).and_then(Digest::parse),
    })
}

fn entry(version: &str, resource_version: String, modulation: &DownsyncModulation) -> Entry {
    Entry { version: version.into(), resource_version, modulation: modulation.into() }
}

/// The UID of the policy that controls a Binding; `None` for one that somebody wrote as an API in its own right.
pub fn controlling_policy(binding: &Object) -> Option<String> {
    let value = binding.to_value();
    let owners = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners
        .into_iter()
        .flatten()
        .find(|owner| owner["kind"] == "BindingPolicy" && owner["controller"] == json!(true))
        .and_then(|owner| owner["uid"].as_str().map(str::to_owned))
}

/// The Binding of a policy, to be created, or to replace `stored`.
pub fn object(
    policy: (&PolicyName, &str),
    content: &BindingContent,
    stored: Option<&Object>,
) -> Option<Object> {
    let (name, uid) = policy;
    let mut binding = stored.map_or_else(
        || {
            let owner = json!({
                "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "name": name.as_str(), "uid": uid,
                "controller": true, "blockOwnerDeletion": false,
            });
            json!({
                "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "Binding",
                "metadata": { "name": name.as_str(), "ownerReferences": [owner] },
            })
        },
        Object::to_value,
    );
    let metadata = binding.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("managedFields");
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    annotations[INTENTS_ANNOTATION] =
        json!(content.intents.map(|digest| digest.to_string()).unwrap_or_default());
    binding["spec"] = serde_json::to_value(spec(content)).ok()?;
    Object::from_value(&binding).ok()
}

fn spec(content: &BindingContent) -> BindingSpec {
    let mut workload = Workload::default();
    for (id, entry) in &content.entries {
        let modulation = DownsyncModulation::from(&entry.modulation);
        let (group, resource) = (id.resource.group.to_string(), id.resource.plural.to_string());
        let (version, name) = (entry.version.to_string(), id.name.to_string());
        let resource_version = entry.resource_version.clone();
        match &id.namespace {
            None => workload.cluster_scope.push(ClusterScopeEntry {
                group,
                version,
                resource,
                name,
                resource_version,
                modulation,
            }),
            Some(namespace) => workload.namespace_scope.push(NamespaceScopeEntry {
                group,
                version,
                resource,
                namespace: namespace.to_string(),
                name,
                resource_version,
                modulation,
            }),
        }
    }
    let destinations =
        content.destinations.iter().map(|cluster| Destination { cluster_id: cluster.to_string() }).collect();
    BindingSpec { workload, destinations }
}
