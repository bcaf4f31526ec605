//! Rendering one unit: which dialect, and the render itself.

use std::cell::Cell;

use crate::documents::Documents;
use crate::error::{Problem, RenderError};
use crate::helm::{self, CHART_FILE, HelmOptions};
use crate::kustomize::{self, FILE_NAMES, KustomizeOptions};
use crate::limits::TimeLimit;
use crate::object::{Dialect, Rendered, RenderedObject};
use crate::plain::{self, PlainOptions};
use crate::tree::{Files, Found, ReadSet, RepoPath, Tree, TreeError};
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

/// Renders the unit at `path`: the chart of a repository that [`HelmOptions::from`] names, else a kustomization when there is a
/// kustomization file, a chart when there is a `Chart.yaml`, else every manifest below it.
///
/// The same tree, path and options give the same result. Nothing but the tree is read, and no program is started but the one that
/// [`HelmOptions::program`] stands for, when the options ask for it.
pub fn render_unit(
    tree: &dyn Tree,
    path: &RepoPath,
    options: &RenderOptions,
) -> Result<Rendered, RenderError> {
    let documents = Cell::new(0);
    // Nobody comes back for what it parses.
    let ((dialect, objects, printed), read) =
        reading(tree, options, None, |files| render_from(files, (path, options), &documents))?;
    Ok(Rendered { dialect, objects, read, documents_parsed: documents.get(), printed })
}

/// Does a render within the limits of time and bytes, with documents that were parsed before, where somebody keeps them; tells what was read.
pub(crate) fn reading<T>(
    tree: &dyn Tree,
    options: &RenderOptions,
    known: Option<&Documents>,
    render: impl FnOnce(&Files<'_>) -> Result<T, Problem>,
) -> Result<(T, ReadSet), RenderError> {
    let files = Files::new(tree, options.limits.file_bytes).within(&options.time).remembering(known);
    let made = render(&files).map_err(|problem| RenderError::new(problem, &files))?;
    Ok((made, files.into_read_set()))
}

/// What is rendered at `path`.
pub(crate) fn shape_of(
    files: &Files<'_>,
    (path, options): (&RepoPath, &RenderOptions),
) -> Result<Shape, TreeError> {
    if options.helm.from.is_some() { Ok(Shape::Chart) } else { dialect_of(files, path) }
}

/// The objects, in which dialect they were written, and the text that a chart prints.
pub(crate) type Made = (Dialect, Vec<RenderedObject>, Option<String>);

pub(crate) fn render_from(
    files: &Files<'_>,
    (path, options): (&RepoPath, &RenderOptions),
    documents: &Cell<u64>,
) -> Result<Made, Problem> {
    Ok(match shape_of(files, (path, options))? {
        Shape::Kustomization => {
            let real = match files.find(path)? {
                Found::Directory { path } => path,
                _ => path.clone(),
            };
            let settings = (&options.kustomize, &options.helm, options.limits);
            (Dialect::Kustomize, kustomize::build(files, &real, settings, documents)?, None)
        }
        Shape::Chart => {
            let (objects, text) = helm::render(files, path, (&options.helm, options.limits), documents)?;
            (Dialect::Helm, objects, Some(text))
        }
        Shape::Manifests => {
            let settings = (&options.plain, options.limits);
            (Dialect::Plain, plain::render(files, path, settings, documents)?, None)
        }
    })
}
