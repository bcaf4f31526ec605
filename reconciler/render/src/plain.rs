//! The plain dialect: every manifest of a directory and of those below it, read as kubectl reads them.
//!
//! Files end in `.yaml`, `.yml` or `.json`; hidden files and directories are left out; order is by path. Lists are expanded.
//! A directory below that is a kustomization or a chart is another unit and is left out, too.

use std::cell::Cell;

use crate::error::Trouble;
use crate::object::{Origin, OriginalId, RenderedObject};
use crate::tree::{Entry, Files, Found, RepoPath, TreeError};
use crate::unit::{Shape, dialect_of};
use crate::yaml::{Limits, Loader, Node, Profile, Value, YamlError};

/// How directories of manifests are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainOptions {
    /// Whether directories below are read, too (`kubectl apply -R`).
    pub recursive: bool,
    /// The most objects of one unit.
    pub max_objects: usize,
}

impl Default for PlainOptions {
    fn default() -> Self {
        PlainOptions { recursive: true, max_objects: 200_000 }
    }
}

/// Why a directory of manifests could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PlainError {
    /// A file or directory could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A document is no Kubernetes object.
    #[error("{at}: {message}")]
    NotAnObject {
        /// The document.
        at: Origin,
        /// What is missing and what to do.
        message: String,
    },
    /// Too many objects.
    #[error("{path}: more than {limit} objects in one unit; split it")]
    TooMany {
        /// The unit.
        path: RepoPath,
        /// The limit.
        limit: usize,
    },
}

impl PlainError {
    pub(crate) fn place(&self) -> Option<Origin> {
        match self {
            PlainError::NotAnObject { at, .. } => Some(at.clone()),
            PlainError::Yaml(error) => error.place(),
            PlainError::Tree(_) | PlainError::TooMany { .. } => None,
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            PlainError::Tree(error) => error.trouble(),
            PlainError::Yaml(error) => error.trouble(),
            PlainError::NotAnObject { .. } => Trouble::Failed,
            PlainError::TooMany { .. } => Trouble::OverLimit,
        }
    }
}

/// Directories inside each other.
const MAX_DEPTH: usize = 64;

/// Whether a file of this name holds manifests.
pub fn is_manifest(name: &str) -> bool {
    !name.starts_with('.') && [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

/// The manifests of the unit at `path`, or that file itself.
pub(crate) fn manifests(
    files: &Files<'_>,
    path: &RepoPath,
    options: &PlainOptions,
) -> Result<Vec<RepoPath>, PlainError> {
    let mut found = Vec::new();
    match files.find(path)? {
        Found::File { .. } => found.push(path.clone()),
        Found::Directory { .. } => walk(files, path, (options.recursive, 0), &mut found)?,
        Found::Other | Found::Nothing => return Err(TreeError::Missing { path: path.clone() }.into()),
    }
    Ok(found)
}

/// The objects of one manifest.
pub(crate) fn objects(
    file: &RepoPath,
    bytes: &[u8],
    limits: Limits,
    documents: &Cell<u64>,
) -> Result<Vec<RenderedObject>, PlainError> {
    let nodes = Loader { profile: Profile::Kubectl, limits }.load(file.as_str(), bytes)?;
    documents.set(documents.get() + nodes.len() as u64);
    let mut objects = Vec::new();
    nodes.into_iter().try_for_each(|node| expand(file, node, &mut objects))?;
    Ok(objects)
}

impl PlainOptions {
    /// Whether a unit may have so many objects.
    pub(crate) fn check(&self, path: &RepoPath, objects: usize) -> Result<(), PlainError> {
        let limit = self.max_objects;
        if objects > limit { Err(PlainError::TooMany { path: path.clone(), limit }) } else { Ok(()) }
    }
}

pub(crate) fn render(
    files: &Files<'_>,
    path: &RepoPath,
    (options, limits): (&PlainOptions, Limits),
    documents: &Cell<u64>,
) -> Result<Vec<RenderedObject>, PlainError> {
    let mut all = Vec::new();
    for file in manifests(files, path, options)? {
        all.extend(objects(&file, &files.read(&file)?, limits, documents)?);
        options.check(path, all.len())?;
    }
    Ok(all)
}

fn walk(
    files: &Files<'_>,
    dir: &RepoPath,
    (recursive, depth): (bool, usize),
    found: &mut Vec<RepoPath>,
) -> Result<(), PlainError> {
    for (name, entry) in files.list(dir)? {
        if name.starts_with('.') {
            continue;
        }
        let path = dir.child(&name);
        match entry {
            Entry::File { .. } if is_manifest(&name) => found.push(path),
            Entry::Symlink { .. }
                if is_manifest(&name) && matches!(files.find(&path)?, Found::File { .. }) =>
            {
                found.push(path);
            }
            Entry::Directory
                if recursive && depth < MAX_DEPTH && dialect_of(files, &path)? == Shape::Manifests =>
            {
                walk(files, &path, (recursive, depth + 1), found)?;
            }
            // Links to directories are not followed: `kubectl apply -R` does not, and a cycle would never end.
            _ => {}
        }
    }
    Ok(())
}

fn expand(file: &RepoPath, mut node: Node, objects: &mut Vec<RenderedObject>) -> Result<(), PlainError> {
    let at = Origin::new(file, node.pos.line);
    let fail = |message: &str| PlainError::NotAnObject { at: at.clone(), message: message.to_owned() };
    if node.as_map().is_none() {
        return Err(fail(
            "the document is no object; a manifest is a map with apiVersion, kind and metadata",
        ));
    }
    let kind = node.str_at(&["kind"]).unwrap_or_default().to_owned();
    if kind.is_empty() || node.str_at(&["apiVersion"]).unwrap_or_default().is_empty() {
        return Err(fail(
            "apiVersion and kind must be set; move files that are no manifests out of the unit",
        ));
    }
    let items =
        kind.ends_with("List").then(|| node.as_map_mut().and_then(|map| map.remove("items"))).flatten();
    match items.map(|items| items.value) {
        Some(Value::Seq(items)) => items.into_iter().try_for_each(|item| expand(file, item, objects)),
        Some(Value::Null | Value::Blank) => Ok(()),
        Some(_) => Err(fail("items of a list must be a list")),
        None => {
            let text = |path: &[&str]| node.str_at(path).unwrap_or_default().to_owned();
            let (name, namespace) = (text(&["metadata", "name"]), text(&["metadata", "namespace"]));
            if name.is_empty() {
                return Err(fail("metadata.name must be set (generateName cannot be synced)"));
            }
            let original = OriginalId { kind, name, namespace };
            objects.push(RenderedObject::new(node, at, original));
            Ok(())
        }
    }
}
