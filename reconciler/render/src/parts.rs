//! A render in parts that can be kept each by itself: every file of a directory of manifests is one, so that of a changed unit no other file is parsed again,
//! only read. A kustomization is one part as a whole, and so is a chart: what one file of theirs does to the others is not known before it is done.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use apimachinery::Digest;

use crate::documents::Documents;
use crate::error::{Problem, RenderError};
use crate::object::RenderedObject;
use crate::plain;
use crate::tree::{Files, ReadSet, RepoPath, Tree};
use crate::unit::{RenderOptions, Shape, reading, render_from, shape_of};

/// What was made of a part of a render.
#[derive(Debug)]
pub(crate) struct Part<T> {
    /// The file and its content, where the part is all of a file and nothing else.
    file: Option<(RepoPath, Digest)>,
    objects: usize,
    made: Arc<T>,
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self { file: self.file.clone(), objects: self.objects, made: Arc::clone(&self.made) }
    }
}

impl<T> Part<T> {
    pub(crate) fn made(&self) -> &Arc<T> {
        &self.made
    }

    fn new(
        file: Option<(RepoPath, Digest)>,
        objects: &[RenderedObject],
        make: &impl Fn(&[RenderedObject]) -> T,
    ) -> Self {
        Self { file, objects: objects.len(), made: Arc::new(make(objects)) }
    }
}

/// A render in parts, in their order.
#[derive(Debug)]
pub(crate) struct InParts<T> {
    pub(crate) parts: Vec<Part<T>>,
    pub(crate) read: ReadSet,
    pub(crate) documents_parsed: u64,
}

/// Renders a unit; of files that are among the parts from before nothing is parsed. Those parts have to come from the same path and options.
pub(crate) fn render_in_parts<T>(
    tree: &dyn Tree,
    unit: (&RepoPath, &RenderOptions),
    (before, known): (&[Part<T>], &Documents),
    make: &impl Fn(&[RenderedObject]) -> T,
) -> Result<InParts<T>, RenderError> {
    let documents = Cell::new(0);
    let (parts, read) = reading(tree, unit.1, Some(known), |files| {
        if shape_of(files, unit)? == Shape::Manifests {
            return manifests(files, unit, before, &documents, make);
        }
        let (_, objects, _) = render_from(files, unit, &documents)?;
        Ok(vec![Part::new(None, &objects, make)])
    })?;
    Ok(InParts { parts, read, documents_parsed: documents.get() })
}

fn manifests<T>(
    files: &Files<'_>,
    (path, options): (&RepoPath, &RenderOptions),
    before: &[Part<T>],
    documents: &Cell<u64>,
    make: &impl Fn(&[RenderedObject]) -> T,
) -> Result<Vec<Part<T>>, Problem> {
    let before: HashMap<&(RepoPath, Digest), &Part<T>> =
        before.iter().filter_map(|part| Some((part.file.as_ref()?, part))).collect();
    let (mut parts, mut count) = (Vec::new(), 0);
    for file in plain::manifests(files, path, &options.plain)? {
        let bytes = files.read(&file)?;
        let content = (file, Digest::of(&bytes));
        let part = match before.get(&content) {
            Some(part) => (*part).clone(),
            None => {
                let objects = plain::objects(&content.0, &bytes, options.limits, documents)?;
                Part::new(Some(content), &objects, make)
            }
        };
        count += part.objects;
        options.plain.check(path, count)?;
        parts.push(part);
    }
    Ok(parts)
}
