//! `/openapi/v3` and `/openapi/v3/<group-version>`: what kubectl needs for apply, diff, explain and the validation of create.
//!
//! A document holds the schemas of one group and version with all they refer to, and its paths with the query parameters of the writing operations: kubectl finds out
//! from `PATCH` whether the server validates fields and knows dry runs. Schemas of custom kinds are those of their definitions as written, with
//! descriptions; those of built-in kinds have none. `/openapi/v2` is not served: kubectl 1.29 and later do without.

mod paths;
mod schemas;

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Digest, GroupVersion};
use serde_json::{Map, Value, json};

use crate::crd;
use crate::resource::{Endpoint, Origin};
use crate::space::{Place, Space, Stored};

/// `None` for an unknown path. Query parameters are not part of the path: the hash is for caches only.
pub(crate) fn document(space: &Space, path: &str) -> Option<Value> {
    let served = Served::of(space);
    match path.trim_matches('/').strip_prefix("openapi/v3")? {
        "" => Some(served.index(space)),
        rest => {
            let key = rest.strip_prefix('/')?;
            let (group_version, endpoints) = served.0.iter().find(|(gv, _)| key_of(gv) == key)?;
            Some(group_document(space, group_version, endpoints))
        }
    }
}

/// What is served, by group and version.
struct Served(BTreeMap<GroupVersion, Vec<Endpoint>>);

impl Served {
    fn of(space: &Space) -> Self {
        let mut served = BTreeMap::<GroupVersion, Vec<Endpoint>>::new();
        for resource in space.registry().iter() {
            for version in resource.versions.iter().filter(|version| version.served) {
                if let Some(endpoint) = Endpoint::new(resource.clone(), version.version.as_str()) {
                    served.entry(endpoint.gvk().group_version()).or_default().push(endpoint);
                }
            }
        }
        Self(served)
    }

    fn index(&self, space: &Space) -> Value {
        let paths: Map<String, Value> = self
            .0
            .iter()
            .map(|(group_version, endpoints)| {
                let key = key_of(group_version);
                // Relative to the server, not to the space: clients replace the whole path, or take away what they put before all paths.
                let url =
                    format!("/spaces/{}/openapi/v3/{key}?hash={}", space.name(), hash(space, endpoints));
                (key, json!({"serverRelativeURL": url}))
            })
            .collect();
        json!({"paths": paths})
    }
}

/// `api/v1`, `apis/apps/v1`.
fn key_of(group_version: &GroupVersion) -> String {
    let prefix = if group_version.group.is_empty() { "api" } else { "apis" };
    format!("{prefix}/{group_version}")
}

/// A name for the content of a document: the release that the built-in kinds are of, and the definitions of the custom ones.
fn hash(space: &Space, endpoints: &[Endpoint]) -> String {
    let mut parts: Vec<Vec<u8>> = vec![KindTable::release().into(), env!("CARGO_PKG_VERSION").into()];
    for endpoint in endpoints {
        parts.push(endpoint.gvk().to_string().into_bytes());
        if let Some(stored) = definition(space, endpoint) {
            // The generation counts the changes of what is defined.
            let header = stored.object.header();
            parts.push(format!("{:?} {:?}", header.uid, header.generation).into_bytes());
        }
    }
    Digest::of_parts(parts.iter().map(Vec::as_slice)).to_string().to_uppercase()
}

/// The CustomResourceDefinition behind an endpoint.
fn definition(space: &Space, endpoint: &Endpoint) -> Option<Arc<Stored>> {
    let Origin::Custom { crd, .. } = &endpoint.resource.origin else { return None };
    space.get(&Place::new(crd::DEFINITIONS.clone(), None, crd))
}

fn group_document(space: &Space, group_version: &GroupVersion, endpoints: &[Endpoint]) -> Value {
    let mut components = schemas::Components::default();
    let mut all_paths = Map::new();
    for endpoint in endpoints {
        let definition = definition(space, endpoint).map(|stored| stored.object.to_value());
        let names = components.add(endpoint, definition.as_ref());
        paths::add(endpoint, &names, &mut all_paths);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": KindTable::release()},
        "paths": all_paths,
        "components": {"schemas": components.into_schemas(group_version)},
    })
}

#[cfg(test)]
mod tests;
