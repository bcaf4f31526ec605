//! `policies/` and `clusters/`, file by file.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::Object;
use plan::{Cluster, ClusterName, Finding, Inventory, Origin, Severity};
use render::{Entry, RenderOptions, Renders, RepoPath, Tree, TreeError, is_manifest};
use serde_json::Value;

use super::Raw;
use super::repository::RepositoryError;

/// Everything that a directory declares.
#[derive(Default)]
pub(super) struct Read {
    /// By file.
    pub(super) by_file: Vec<Arc<Vec<Raw>>>,
    /// Files that cannot be read.
    pub(super) findings: Vec<Finding>,
}

/// Reads every manifest below `directory`. A file that cannot be read is a finding, and the others count all the same.
pub(super) fn read(
    tree: &dyn Tree,
    directory: &RepoPath,
    (operator, renders): (&Arc<RenderOptions>, &mut Renders<Vec<Raw>>),
) -> Result<Read, RepositoryError> {
    let asked: Vec<render::Asked> =
        manifests(tree, directory, 0)?.into_iter().map(|file| (file, Arc::clone(operator))).collect();
    let mut read = Read::default();
    for ((file, _), result) in asked.iter().zip(renders.render(tree, &asked, Raw::all)) {
        match result {
            Ok(parts) => read.by_file.extend(parts.iter().cloned()),
            Err(error) => read.findings.push(Finding {
                severity: Severity::Blocker,
                id: "file-unreadable",
                origin: Some(Origin { file: file.as_str().to_owned(), line: 1 }),
                message: format!("what the file declared before stays as it is: {error}"),
            }),
        }
    }
    Ok(read)
}

/// Directories inside each other that are looked at.
const MAX_DEPTH: usize = 64;

fn manifests(tree: &dyn Tree, directory: &RepoPath, depth: usize) -> Result<Vec<RepoPath>, TreeError> {
    let mut found = Vec::new();
    if depth > MAX_DEPTH || tree.entry(directory)? != Some(Entry::Directory) {
        return Ok(found);
    }
    for (name, entry) in tree.list(directory)? {
        let path = directory.child(&name);
        match entry {
            _ if name.starts_with('.') => {}
            Entry::Directory => found.extend(manifests(tree, &path, depth + 1)?),
            Entry::File { .. } | Entry::Symlink { .. } if is_manifest(&name) => found.push(path),
            Entry::File { .. } | Entry::Symlink { .. } | Entry::Other => {}
        }
    }
    Ok(found)
}

/// The clusters that `clusters/` declares: ManagedClusters with their labels and annotations, ConfigMaps of namespace `customization-properties` with their properties.
pub(super) fn inventory(by_file: &[Arc<Vec<Raw>>]) -> (Inventory, Vec<Finding>) {
    let mut clusters = Inventory::new();
    let mut findings = Vec::new();
    for raw in by_file.iter().flat_map(|raw| raw.iter()) {
        let value = raw.object.as_ref().map(Object::to_value).unwrap_or_default();
        let origin = raw.origin.clone();
        let name = ClusterName::from(value["metadata"]["name"].as_str().unwrap_or_default());
        match (value["kind"].as_str(), value["metadata"]["namespace"].as_str()) {
            (Some("ManagedCluster"), _) => {
                let cluster: &mut Cluster = clusters.entry(name).or_default();
                cluster.labels = strings(&value, "/metadata/labels");
                cluster.annotations = strings(&value, "/metadata/annotations");
                cluster.origin = Some(origin);
            }
            (Some("ConfigMap"), Some("customization-properties")) => {
                clusters.entry(name).or_default().properties = strings(&value, "/data");
            }
            (kind, _) => findings.push(Finding {
                severity: Severity::Warning,
                id: "cluster-file-odd",
                origin: Some(origin),
                message: format!(
                    "clusters/ holds ManagedClusters and ConfigMaps of namespace customization-properties; this {} is ignored",
                    kind.unwrap_or("document")
                ),
            }),
        }
    }
    // Properties of a cluster that nobody declares belong to no cluster.
    clusters.retain(|_, cluster| cluster.origin.is_some());
    (clusters, findings)
}

fn strings(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    let map = value.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    map.map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}
