//! The inventory as an offline plan may know it: written into the status ref, read back by `gitstellar plan`.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupVersion, GroupVersionKind, Object, ObjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Snapshot;
use super::json::text;
use crate::{Cluster, ClusterName};

/// The format; a reader refuses a newer one.
const FORMAT: u32 = 1;

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Not JSON of the expected shape.
    #[error("inventory.json cannot be read: {detail}; take it from the status ref as it is")]
    Malformed {
        /// What the parser says.
        detail: String,
    },
    /// A newer gitstellar wrote it.
    #[error("inventory.json has format {found}, and this gitstellar reads up to {FORMAT}: upgrade it")]
    Newer {
        /// The format that was found.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    clusters: BTreeMap<String, ClusterFile>,
    /// Clusters that serve the same kinds stand together: in a fleet of thousands there are few such sets.
    served: Vec<Served>,
    policies: Vec<Value>,
    objects: Vec<Placed>,
    labels: BTreeSet<String>,
    properties: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct ClusterFile {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Served {
    clusters: Vec<String>,
    /// `apps/v1/Deployment`, `v1/Pod`.
    kinds: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Placed {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    clusters: Vec<String>,
}

/// The file. Of each cluster only the keys that somebody reads: labels may say more about a fleet than its repository's readers shall know.
pub(super) fn write(snapshot: &Snapshot) -> Vec<u8> {
    let file = File {
        format: FORMAT,
        clusters: snapshot
            .clusters
            .iter()
            .map(|(name, c)| (name.to_string(), read_keys(c, snapshot)))
            .collect(),
        served: served(&snapshot.served),
        policies: snapshot.foreign_policies.iter().map(declared_part).collect(),
        objects: snapshot.foreign_objects.iter().map(placed).collect(),
        labels: snapshot.labels.clone(),
        properties: snapshot.properties.clone(),
    };
    // A struct of strings, lists and maps with string keys always serialises.
    text(&serde_json::to_value(file).unwrap_or_default())
}

fn read_keys(cluster: &Cluster, snapshot: &Snapshot) -> ClusterFile {
    let picked = |map: &BTreeMap<String, String>, test: &dyn Fn(&String) -> bool| {
        map.iter().filter(|(key, _)| test(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let property = |key: &String| snapshot.properties.contains(key);
    ClusterFile {
        labels: picked(&cluster.labels, &|key| snapshot.labels.contains(key) || property(key)),
        annotations: picked(&cluster.annotations, &property),
        properties: picked(&cluster.properties, &property),
    }
}

fn served(by_cluster: &BTreeMap<ClusterName, BTreeSet<GroupVersionKind>>) -> Vec<Served> {
    let mut groups: BTreeMap<&BTreeSet<GroupVersionKind>, Vec<String>> = BTreeMap::new();
    for (cluster, kinds) in by_cluster {
        groups.entry(kinds).or_default().push(cluster.to_string());
    }
    let mut served: Vec<Served> = groups
        .into_iter()
        .map(|(kinds, clusters)| Served {
            clusters,
            kinds: kinds.iter().map(|k| format!("{}/{}", k.api_version(), k.kind)).collect(),
        })
        .collect();
    served.sort_by(|a, b| a.clusters.cmp(&b.clusters));
    served
}

/// What somebody wrote: no status, nothing that a server adds.
fn declared_part(object: &Object) -> Value {
    let value = object.to_value();
    let header = object.header();
    let mut part = json!({
        "apiVersion": header.gvk.api_version(),
        "kind": header.gvk.kind.as_str(),
        "metadata": {"name": header.name.as_str()},
    });
    let spec = value.get("spec").map(|spec| ("spec".to_owned(), spec.clone()));
    if let Some(map) = part.as_object_mut() {
        map.extend(spec);
    }
    part
}

fn placed((id, clusters): (&ObjectId, &BTreeSet<ClusterName>)) -> Placed {
    Placed {
        group: id.group.to_string(),
        kind: id.kind.to_string(),
        namespace: id.namespace.as_ref().map(ToString::to_string),
        name: id.name.to_string(),
        clusters: clusters.iter().map(ToString::to_string).collect(),
    }
}

/// Reads `inventory.json`.
///
/// # Errors
/// When it is not what this or an older gitstellar wrote.
pub fn parse_snapshot(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let malformed = |detail: String| SnapshotError::Malformed { detail };
    let value: Value = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let format =
        value.get("format").and_then(Value::as_u64).ok_or_else(|| malformed("it has no format".into()))?;
    let format = u32::try_from(format).unwrap_or(u32::MAX);
    if format > FORMAT {
        return Err(SnapshotError::Newer { found: format });
    }
    let file: File = serde_json::from_value(value).map_err(|e| malformed(e.to_string()))?;
    let policies: Result<Vec<Object>, _> = file.policies.iter().map(Object::from_value).collect();
    Ok(Snapshot {
        clusters: file.clusters.into_iter().map(|(name, c)| (name.into(), cluster(c))).collect(),
        labels: file.labels,
        properties: file.properties,
        served: file.served.iter().flat_map(kinds_of).collect(),
        foreign_policies: policies.map_err(|e| malformed(e.to_string()))?,
        foreign_objects: file.objects.into_iter().map(object).collect(),
    })
}

fn cluster(file: ClusterFile) -> Cluster {
    Cluster { labels: file.labels, annotations: file.annotations, properties: file.properties, origin: None }
}

fn kinds_of(served: &Served) -> impl Iterator<Item = (ClusterName, BTreeSet<GroupVersionKind>)> {
    let kinds: BTreeSet<GroupVersionKind> = served
        .kinds
        .iter()
        .filter_map(|text| {
            let (api_version, kind) = text.rsplit_once('/')?;
            let GroupVersion { group, version } = GroupVersion::parse(api_version);
            Some(GroupVersionKind { group, version, kind: kind.into() })
        })
        .collect();
    served.clusters.iter().map(move |cluster| (cluster.as_str().into(), kinds.clone()))
}

fn object(placed: Placed) -> (ObjectId, BTreeSet<ClusterName>) {
    let id = ObjectId::new(&placed.group, &placed.kind, placed.namespace.as_deref(), &placed.name);
    (id, placed.clusters.into_iter().map(ClusterName::from).collect())
}
