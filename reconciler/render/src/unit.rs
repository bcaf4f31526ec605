//! Rendering one unit: which dialect, and the render itself.

use std::cell::Cell;

use crate::documents::Documents;
use crate::helm::{self, CHART_FILE, HelmError, HelmOptions};
use crate::kustomize::{self, FILE_NAMES, KustomizeError, KustomizeOptions};
use crate::limits::TimeLimit;
use crate::object::{Dialect, Rendered};
use crate::plain::{self, PlainError, PlainOptions};
use crate::tree::{Files, Found, RepoPath, Tree, TreeError};
use crate::yaml::Limits;

/// Options of a render.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// What one file may hold.
    pub limits: Limits,
    /// How directories of manifests are read.
    pub plain: PlainOptions,
    /// How kustomizations are built.
    pub kustomize: KustomizeOptions,
    /// How charts are released.
    pub helm: HelmOptions,
    /// How long it may take.
    pub time: TimeLimit,
}

/// What kind of trouble a render is in. Each has a finding of its own, and its id never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Something is wrong in the repository: finding `unit-failed`.
    Failed,
    /// A limit is exceeded: finding `unit-over-limit`.
    OverLimit,
    /// Something is asked for that a render never does (leave the repository, use the network, run a program): finding `unit-refused`.
    Refused,
    /// Something of another place could not be fetched, and may be there at the next attempt: finding `unit-fetch-failed`.
    Unreachable,
}

/// Why a unit could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The path cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A directory of manifests is wrong.
    #[error(transparent)]
    Plain(#[from] PlainError),
    /// A kustomization is wrong.
    #[error(transparent)]
    Kustomize(#[from] KustomizeError),
    /// A chart is wrong.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

impl RenderError {
    /// What kind of trouble this is.
    pub fn trouble(&self) -> Trouble {
        match self {
            RenderError::Tree(error) => error.trouble(),
            RenderError::Plain(error) => error.trouble(),
            RenderError::Kustomize(error) => error.trouble(),
            RenderError::Helm(error) => error.trouble(),
        }
    }
}

/// What makes a directory what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Kustomization,
    Chart,
    Manifests,
}

/// Which dialect the directory is written in.
pub(crate) fn dialect_of(files: &Files<'_>, dir: &RepoPath) -> Result<Shape, TreeError> {
    for name in FILE_NAMES {
        if matches!(files.find(&dir.child(name))?, Found::File { .. }) {
            return Ok(Shape::Kustomization);
        }
    }
    if matches!(files.find(&dir.child(CHART_FILE))?, Found::File { .. }) {
        return Ok(Shape::Chart);
    }
    Ok(Shape::Manifests)
}

/// Renders the unit at `path`: a kustomization when there is a kustomization file, a chart when there is a `Chart.yaml`, else every
/// manifest below it.
///
/// The same tree, path and options give the same result. Nothing but the tree is read, and no program is started but the one that
/// [`HelmOptions::program`] stands for, when the options ask for it.
pub fn render_unit(
    tree: &dyn Tree,
    path: &RepoPath,
    options: &RenderOptions,
) -> Result<Rendered, RenderError> {
    render_with(tree, (path, options), &Documents::default())
}

/// The same, with documents that were parsed before.
pub(crate) fn render_with(
    tree: &dyn Tree,
    (path, options): (&RepoPath, &RenderOptions),
    known: &Documents,
) -> Result<Rendered, RenderError> {
    let files = Files::new(tree, options.limits.file_bytes).within(&options.time).remembering(known);
    let documents = Cell::new(0);
    let mut printed = None;
    let (dialect, objects) = match dialect_of(&files, path)? {
        Shape::Kustomization => {
            let real = match files.find(path)? {
                Found::Directory { path } => path,
                _ => path.clone(),
            };
            let settings = (&options.kustomize, &options.helm, options.limits);
            (Dialect::Kustomize, kustomize::build(&files, &real, settings, &documents)?)
        }
        Shape::Chart => {
            let (objects, text) = helm::render(&files, path, (&options.helm, options.limits), &documents)?;
            printed = Some(text);
            (Dialect::Helm, objects)
        }
        Shape::Manifests => {
            let settings = (&options.plain, options.limits);
            (Dialect::Plain, plain::render(&files, path, settings, &documents)?)
        }
    };
    let documents_parsed = documents.get();
    Ok(Rendered { dialect, objects, read: files.into_read_set(), documents_parsed, printed })
}
