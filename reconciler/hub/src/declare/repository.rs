//! `gitstellar.yaml`: which units there are, where discovery is not enough. It is read from the commit and never applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use plan::UnitName;
use plan::intent::IgnoreRule;
use plan::sync::UnitSettings;
use render::yaml::{Loader, Profile, YamlError};
use render::{BlobId, Entry, PathError, RepoPath, Tree, TreeError};
use serde::Deserialize;

use super::charts::ChartSettings;

/// The name of the file.
pub const FILE_NAME: &str = "gitstellar.yaml";

/// Why nothing is known about what a tree declares.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The root is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// `gitstellar.yaml` is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// `gitstellar.yaml` does not say what it must.
    #[error("{file}: {detail}")]
    Invalid {
        /// The file.
        file: RepoPath,
        /// What is wrong.
        detail: String,
    },
    /// The directory that the source names is not there.
    #[error("{path}: there is no such directory in the repository")]
    NoRoot {
        /// The directory.
        path: RepoPath,
    },
}

/// `kind: Repository`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repository {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "people write it out of habit; it says nothing")]
    metadata: Option<serde_json::Value>,
    /// The units; without any, they are discovered.
    #[serde(default)]
    pub units: Vec<DeclaredUnit>,
    /// What holds for units that say nothing else.
    #[serde(default)]
    pub defaults: Defaults,
}

/// One unit of `gitstellar.yaml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredUnit {
    /// Its name; absent is its path with `/` as `.`, a leading `apps/` dropped.
    #[serde(default)]
    pub name: Option<String>,
    /// Its path, from the source's root.
    pub path: String,
    /// Namespace of objects that have none.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Fields that others steer.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
    /// Whether objects that are no longer declared are removed.
    #[serde(default)]
    pub prune: Option<bool>,
    /// How its charts are released.
    #[serde(default)]
    pub helm: ChartSettings,
}

/// Fields that others steer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ignore {
    /// Only this group.
    #[serde(default)]
    pub group: Option<String>,
    /// Only this kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// Only this name.
    #[serde(default)]
    pub name: Option<String>,
    /// JSON pointers, `/spec/replicas`.
    pub json_pointers: Vec<String>,
}

/// What holds for units that say nothing else.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// Namespace of objects that have none.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Whether objects that are no longer declared are removed.
    #[serde(default)]
    pub prune: Option<bool>,
}

impl Repository {
    /// Settings of the units that the file names.
    pub fn settings(&self) -> BTreeMap<UnitName, UnitSettings> {
        let rule = |ignore: &Ignore| IgnoreRule {
            group: ignore.group.as_deref().map(Into::into),
            kind: ignore.kind.as_deref().map(Into::into),
            name: ignore.name.as_deref().map(Into::into),
            pointers: ignore.json_pointers.clone(),
        };
        let settings = |unit: &DeclaredUnit| UnitSettings {
            ignore: unit.ignore.iter().map(rule).collect(),
            prune: unit.prune.or(self.defaults.prune).unwrap_or(true),
        };
        self.units.iter().map(|unit| (unit.unit_name(), settings(unit))).collect()
    }
}

impl DeclaredUnit {
    /// Its name.
    pub fn unit_name(&self) -> UnitName {
        self.name.clone().map_or_else(|| UnitName::from(render::unit_name(&self.path)), UnitName::from)
    }
}

/// The root of a source as a path.
pub(super) fn root(text: &str) -> Result<RepoPath, PathError> {
    if text.is_empty() { Ok(RepoPath::root()) } else { RepoPath::parse(text) }
}

/// The file as it was last read.
#[derive(Default)]
pub(super) struct Kept {
    found: Option<(Option<BlobId>, Arc<Repository>)>,
    /// What holds without a file.
    nothing: Arc<Repository>,
}

impl Kept {
    /// What it says, the very same value while the file is the same; without a file, everything is discovered.
    pub(super) fn get(&self) -> &Arc<Repository> {
        self.found.as_ref().map_or(&self.nothing, |(_, repository)| repository)
    }

    /// Reads the file unless it is the one that was read last; returns how many documents were parsed.
    pub(super) fn read(&mut self, tree: &dyn Tree, root: &RepoPath) -> Result<u64, RepositoryError> {
        if !root.is_root() && tree.entry(root)?.is_none() {
            return Err(RepositoryError::NoRoot { path: root.clone() });
        }
        let file = root.child(FILE_NAME);
        let blob = match tree.entry(&file)? {
            None => {
                self.found = None;
                return Ok(0);
            }
            Some(Entry::File { blob, .. }) => blob,
            Some(_) => None,
        };
        if blob.is_some() && self.found.as_ref().is_some_and(|(known, _)| *known == blob) {
            return Ok(0);
        }
        self.found = Some((blob, Arc::new(parse(&file, &tree.read(&file)?)?)));
        Ok(1)
    }
}

fn parse(file: &RepoPath, bytes: &[u8]) -> Result<Repository, RepositoryError> {
    let invalid = |detail: String| RepositoryError::Invalid { file: file.clone(), detail };
    let documents = Loader::new(Profile::Kubectl).load(file.as_str(), bytes)?;
    let [document] = documents.as_slice() else {
        return Err(invalid(format!(
            "it must hold one document, kind: Repository; it holds {}",
            documents.len()
        )));
    };
    let repository =
        Repository::deserialize(document.to_json()).map_err(|error| invalid(error.to_string()))?;
    let version = repository.api_version.as_deref();
    if repository.kind.as_deref() != Some("Repository") || version != Some("gitstellar.io/v1alpha1") {
        return Err(invalid(
            "it must say apiVersion: gitstellar.io/v1alpha1 and kind: Repository".to_owned(),
        ));
    }
    Ok(repository)
}
