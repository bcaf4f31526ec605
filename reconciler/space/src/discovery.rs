//! `/api`, `/apis`, `/api/v1`, `/apis/<group>`, `/apis/<group>/<version>`: legacy and aggregated (v2, v2beta1) discovery.
//!
//! Only what the space serves is told. Groups stand in the order in which a server prefers them, custom groups after the built-in ones by name, because
//! clients take the first resource that answers to a short name. The aggregated form comes in the version that `Accept` names first: kubectl 1.27 understands v2beta1
//! only, and sees nothing at all in v2.

mod aggregated;
mod catalogue;
mod legacy;

use serde_json::Value;

use crate::registry::Registry;

use catalogue::Catalogue;

/// A document with its media type.
#[derive(Debug)]
pub(crate) struct Document {
    /// `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` for aggregated ones.
    pub(crate) content_type: &'static str,
    /// The JSON.
    pub(crate) body: Value,
}

/// `None` for a path that is no discovery path or names an unknown group or version. `accept` is the header as it came.
pub(crate) fn document(registry: &Registry, path: &str, accept: &str) -> Option<Document> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let catalogue = Catalogue::of(registry);
    let legacy = |body| Some(Document { content_type: "application/json", body });
    match (parts.as_slice(), aggregated::wanted(accept)) {
        (["api"], Some(version)) => Some(aggregated::document(&catalogue, true, version)),
        (["apis"], Some(version)) => Some(aggregated::document(&catalogue, false, version)),
        (["api"], None) => legacy(legacy::versions()),
        (["apis"], None) => legacy(legacy::groups(&catalogue)),
        (["apis", group], _) => legacy(legacy::group(catalogue.group(group)?)),
        (["api", version], _) => legacy(legacy::resources(catalogue.group("")?, version)?),
        (["apis", group, version], _) => legacy(legacy::resources(catalogue.group(group)?, version)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
