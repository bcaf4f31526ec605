//! The built-in resources, from the table of facts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apimachinery::kinds::{self, KindTable};
use apimachinery::{GroupResource, Version};

use crate::registry::Registry;
use crate::resource::{Origin, Resource, ScalePaths, ServedVersion};

static BUILT_IN: LazyLock<Registry> = LazyLock::new(|| {
    let mut groups = BTreeMap::<GroupResource, Vec<&kinds::Resource>>::new();
    for resource in KindTable::built_in().resources().filter(|resource| resource.served_by_default()) {
        groups.entry(resource.group_resource()).or_default().push(resource);
    }
    let mut registry = Registry::default();
    for versions in groups.values().filter(|versions| !is_absent(versions)) {
        if let Some(resource) = resource(versions) {
            registry.insert(resource);
        }
    }
    registry
});

/// What every space serves.
pub(crate) fn registry() -> Registry {
    BUILT_IN.clone()
}

/// Kinds that are no objects, or only views of what this server does not have. Webhooks, admission policies, aggregated APIs and flow control are served as plain
/// objects without effect, because a space is where they are described for clusters that have them.
fn is_absent(versions: &[&kinds::Resource]) -> bool {
    versions.iter().any(|resource| {
        resource.gvk.group.is_empty() && matches!(resource.plural.as_str(), "bindings" | "componentstatuses")
    })
}

fn resource(versions: &[&kinds::Resource]) -> Option<Resource> {
    let first = versions.first()?;
    let review = !first.serves("get") && first.serves("create");
    Some(Resource {
        group: first.gvk.group.clone(),
        plural: first.plural.clone(),
        singular: first.singular.clone(),
        kind: first.gvk.kind.clone(),
        list_kind: first.list_kind.as_str().into(),
        short_names: first.short_names.clone(),
        categories: first.categories.clone(),
        namespaced: first.is_namespaced(),
        origin: if review { Origin::Review } else { Origin::BuiltIn },
        versions: versions.iter().map(|version| served(version)).collect(),
        storage: storage(versions),
    })
}

/// Objects are stored in the version that discovery prefers, which is the newest stable one.
fn storage(versions: &[&kinds::Resource]) -> Version {
    versions.first().map(|first| first.gvk.version.clone()).unwrap_or_else(|| "v1".into())
}

fn served(version: &kinds::Resource) -> ServedVersion {
    let others = version.subresources.iter().map(|sub| &*sub.name);
    ServedVersion {
        version: version.gvk.version.clone(),
        served: true,
        schema: version.schema.clone(),
        status: version.subresource("status").is_some(),
        scale: version.subresource("scale").map(|_| ScalePaths {
            spec_replicas: ".spec.replicas".into(),
            status_replicas: ".status.replicas".into(),
            selector: Some(".spec.selector".into()),
        }),
        subresources: others.filter(|name| !matches!(*name, "status" | "scale")).map(Into::into).collect(),
        columns: Vec::new(),
        deprecation: None,
        selectable_fields: Vec::new(),
    }
}
