//! `/api`, `/apis`, `/api/v1`, `/apis/<group>`, `/apis/<group>/<version>`: legacy and aggregated (v2, v2beta1) discovery. (space two)

use serde_json::Value;

use crate::registry::Registry;

/// A document with its media type.
#[derive(Debug)]
pub(crate) struct Document {
    /// `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` for aggregated ones.
    pub(crate) content_type: &'static str,
    /// The JSON.
    pub(crate) body: Value,
}

/// `None` for a path that is no discovery path or names an unknown group or version. `accept` is the header as it came.
pub(crate) fn document(_registry: &Registry, _path: &str, _accept: &str) -> Option<Document> {
    None
}
