//! What a render hands out.

use std::fmt;

use crate::tree::{ReadSet, RepoPath};
use crate::yaml::{Node, Pos, emit};

/// Where something was written: a file, a line and a column, both counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file, relative to the repository's root.
    pub file: RepoPath,
    /// The line; 0 means the file as a whole.
    pub line: u32,
    /// The column; 0 means the line as a whole.
    pub column: u32,
}

impl Origin {
    /// A line of a file.
    pub fn new(file: &RepoPath, line: u32) -> Self {
        Origin { file: file.clone(), line, column: 0 }
    }

    /// A place in a file.
    pub fn at(file: &RepoPath, pos: Pos) -> Self {
        Origin { file: file.clone(), line: pos.line, column: pos.column }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        match (self.line, self.column) {
            (0, _) => Ok(()),
            (line, 0) => write!(f, ":{line}"),
            (line, column) => write!(f, ":{line}:{column}"),
        }
    }
}

/// The name of an object before prefixes, suffixes, hashes and namespaces changed it. Base and overlay objects are paired by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginalId {
    /// The kind.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`; empty when there was none.
    pub namespace: String,
}

/// When a hook of a chart is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the unit's other objects: `pre-install`, `pre-upgrade`.
    Before,
    /// Once the unit's other objects are there: `post-install`, `post-upgrade`.
    After,
    /// When the unit goes: `pre-delete`, `post-delete`.
    Removal,
    /// When somebody asks for a test: `test`.
    Test,
    /// Never: rolling back, in git, is a commit like others.
    Never,
}

/// What makes an object a hook of its chart. Its annotations are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hook {
    /// When it is applied; of several events the first one counts.
    pub phase: Phase,
    /// Lower weights come first within a phase.
    pub weight: i64,
}

/// One object of a unit.
#[derive(Debug, Clone)]
pub struct RenderedObject {
    /// The object. Its members are ordered by key; [`RenderedObject::to_json`] gives serde's form.
    pub object: Node,
    /// The document it came from; for a generated object the line of its generator.
    pub origin: Origin,
    /// Its identity before kustomize changed it.
    pub original: OriginalId,
    /// It is encrypted with SOPS: applying it would store cipher text.
    pub sops_encrypted: bool,
    /// Set for a hook of a chart.
    pub hook: Option<Hook>,
}

impl RenderedObject {
    pub(crate) fn new(object: Node, origin: Origin, original: OriginalId) -> Self {
        let sops_encrypted = object.at(&["sops", "mac"]).is_some();
        RenderedObject { object, origin, original, sops_encrypted, hook: None }
    }

    /// The object as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        self.object.to_json()
    }

    /// The object as kustomize prints it, without document marker.
    pub fn to_yaml(&self) -> String {
        emit(&self.object)
    }
}

/// Which dialect a unit is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A directory of manifests.
    Plain,
    /// A kustomization.
    Kustomize,
    /// A chart.
    Helm,
}

/// The result of a render.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Which dialect was found.
    pub dialect: Dialect,
    /// The objects, in the dialect's order.
    pub objects: Vec<RenderedObject>,
    /// What was read; a commit that changes none of it renders the same.
    pub read: ReadSet,
    /// YAML documents parsed. A poll that changes nothing parses none.
    pub documents_parsed: u64,
    /// What `helm template` prints for a chart: the text of its templates, which is more than its objects. None for other dialects.
    pub printed: Option<String>,
}

impl Rendered {
    /// One stream, as the dialect's own tool prints it: kustomize the objects in its own form, Helm the text of the templates.
    pub fn to_yaml(&self) -> String {
        if let Some(printed) = &self.printed {
            return printed.clone();
        }
        self.objects.iter().map(RenderedObject::to_yaml).collect::<Vec<_>>().join("---\n")
    }
}
