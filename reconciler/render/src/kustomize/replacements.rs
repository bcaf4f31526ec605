//! Replacements: a value of one object written into fields of others.

use super::bounds;
use super::decode::Fields;
use super::error::KustomizeError;
use super::file::{Selector, selector};
use super::id::{IdRef, ResId};
use super::load::Source;
use super::path::{Make, Visit, lookup, split};
use super::resmap::ResMap;
use super::resource::Resource;
use super::select::Chooser;
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{Node, Value, resolve_text};

type Result<T> = std::result::Result<T, KustomizeError>;

/// An entry of `replacements`: inline, or a file that holds one or a list.
#[derive(Debug, Clone)]
pub(super) enum ReplacementEntry {
    Path { path: String, at: Origin },
    Inline(Box<Replacement>),
}

/// One replacement.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    at: Origin,
    from: From,
    targets: Vec<Target>,
}

#[derive(Debug, Clone)]
enum From {
    Literal(String),
    Field { id: Selector, path: String, part: Part },
}

#[derive(Debug, Clone)]
struct Target {
    select: Selector,
    reject: Vec<Selector>,
    paths: Vec<String>,
    part: Part,
    create: bool,
}

/// Which part of a scalar: all of it without a delimiter.
#[derive(Debug, Clone, Default)]
struct Part {
    delimiter: String,
    index: i64,
}

const DEFAULT_PATH: &str = "metadata.name";

pub(super) fn replacement_entry(file: &RepoPath, what: &str, node: &Node) -> Result<ReplacementEntry> {
    let mut f = Fields::new(file, what, node)?;
    if let Some(path) = f.text("path")? {
        let at = f.at().clone();
        if f.take("source").is_some() || f.take("targets").is_some() {
            return Err(f.error("cannot specify both path and inline replacement"));
        }
        f.finish()?;
        return Ok(ReplacementEntry::Path { path, at });
    }
    replacement(f).map(|inline| ReplacementEntry::Inline(Box::new(inline)))
}

fn replacement(mut f: Fields<'_>) -> Result<Replacement> {
    let at = f.at().clone();
    let literal = f.text("sourceValue")?;
    let field = f.nested("source", source_fields)?;
    let targets = f.each("targets", target)?;
    let from = match (literal, field) {
        (Some(text), None) => From::Literal(text),
        (None, Some(field)) => field,
        (Some(_), Some(_)) => return Err(f.error("specify either source or sourceValue, not both")),
        (None, None) => return Err(f.error("replacements must specify a source and at least one target")),
    };
    if targets.is_empty() {
        return Err(f.error("replacements must specify a source and at least one target"));
    }
    f.finish()?;
    Ok(Replacement { at, from, targets })
}

fn source_fields(mut f: Fields<'_>) -> Result<From> {
    let path =
        f.text("fieldPath")?.filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.to_owned());
    let (part, _) = options(&mut f)?;
    Ok(From::Field { id: selector(f)?, path, part })
}

fn target(file: &RepoPath, what: &str, node: &Node) -> Result<Target> {
    let mut f = Fields::new(file, what, node)?;
    let Some(select) = f.nested("select", selector)? else {
        return Err(f.error("target must specify resources to select"));
    };
    let reject = f.each("reject", |file, what, node| selector(Fields::new(file, what, node)?))?;
    let mut paths: Vec<String> = f.texts("fieldPaths")?.into_iter().map(|path| path.text).collect();
    if paths.is_empty() {
        paths.push(DEFAULT_PATH.to_owned());
    }
    let (part, create) = options(&mut f)?;
    f.finish()?;
    Ok(Target { select, reject, paths, part, create })
}

fn options(f: &mut Fields<'_>) -> Result<(Part, bool)> {
    let options = f.nested("options", |mut f| {
        let part =
            Part { delimiter: f.text_or_empty("delimiter")?, index: f.integer("index")?.unwrap_or_default() };
        let create = f.flag("create")?;
        // Accepted and ignored, as upstream does.
        f.take("encoding");
        f.finish()?;
        Ok((part, create))
    })?;
    Ok(options.unwrap_or_default())
}

/// Applies entries in order.
pub(super) fn apply(source: &Source<'_>, objects: &mut ResMap, entries: &[ReplacementEntry]) -> Result<()> {
    for entry in entries {
        match entry {
            ReplacementEntry::Inline(replacement) => one(objects, replacement)?,
            ReplacementEntry::Path { path, at } => {
                let (file, bytes) = source.named_file(path, at)?;
                for document in source.configuration(&bytes, &Origin::new(&file, 1))? {
                    let items = match document.value {
                        Value::Seq(items) => items,
                        _ => vec![document],
                    };
                    for item in &items {
                        one(objects, &replacement(Fields::new(&file, "replacement", item)?)?)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn one(objects: &mut ResMap, replacement: &Replacement) -> Result<()> {
    let fail = |message: String| KustomizeError::step(&replacement.at, "replacements", message);
    let value = match &replacement.from {
        From::Literal(text) => Node::text(text.as_str()),
        From::Field { id, path, part } => taken(objects, (id, path), part).map_err(fail)?,
    };
    for target in &replacement.targets {
        let select = Chooser::new(&target.select).map_err(fail)?;
        let rejects: std::result::Result<Vec<Chooser>, String> =
            target.reject.iter().map(Chooser::new).collect();
        let rejects: Vec<(&Selector, Chooser)> = target.reject.iter().zip(rejects.map_err(fail)?).collect();
        for at in 0..objects.len() {
            if chosen(objects.get(at), &select, &rejects) {
                write(objects.get_mut(at), target, &value).map_err(fail)?;
                objects.renamed(at);
            }
        }
    }
    Ok(())
}

/// The value at the source's path. Kind and identity are compared exactly, with any identity the object had.
fn taken(objects: &ResMap, (id, path): (&Selector, &str), part: &Part) -> std::result::Result<Node, String> {
    let wanted = ResId { gvk: id.gvk.clone(), name: id.name.clone(), namespace: id.namespace.clone() };
    let fits = |held: IdRef<'_>| {
        (wanted.namespace.is_empty() || wanted.as_ref().effective_namespace() == held.effective_namespace())
            && (wanted.name.is_empty() || wanted.name == held.name)
            && held.gvk.is_selected(&wanted.gvk)
    };
    let mut found = objects.iter().filter(|resource| resource.any_id().any(fits));
    let Some(source) = found.next() else { return Err(format!("nothing selected by {wanted}")) };
    if found.next().is_some() {
        return Err(format!("multiple matches for selector {wanted}"));
    }
    let value =
        lookup(&source.node, &split(path)).filter(|value| !value.is_empty() && value.as_str() != Some(""));
    let Some(value) = value else {
        return Err(format!("fieldPath `{path}` is missing for replacement source {wanted}"));
    };
    if part.delimiter.is_empty() {
        return Ok(value.clone());
    }
    let Some(text) = value.scalar_text() else {
        return Err("delimiter option can only be used with scalar nodes".to_owned());
    };
    let picked = usize::try_from(part.index).ok().and_then(|at| text.split(&part.delimiter).nth(at));
    match picked {
        Some(picked) => Ok(retyped(&value.value, picked)),
        None if source.kind() == "Secret" => Err(format!("options.index {} is out of bounds", part.index)),
        None => Err(format!("options.index {} is out of bounds for value {text}", part.index)),
    }
}

fn chosen(resource: &Resource, select: &Chooser, rejects: &[(&Selector, Chooser)]) -> bool {
    let by_id = |chooser: &Chooser, id: IdRef<'_>| {
        chooser.matches_gvk(id.gvk)
            && chooser.matches_name(id.name)
            && (chooser.matches_namespace(id.namespace)
                || chooser.matches_namespace(id.effective_namespace()))
    };
    let rejected = rejects.iter().any(|(selector, chooser)| {
        let has_id = selector.gvk != super::id::Gvk::default()
            || !selector.name.is_empty()
            || !selector.namespace.is_empty();
        let has_texts = !selector.labels.is_empty() || !selector.annotations.is_empty();
        (has_id && resource.any_id().any(|id| by_id(chooser, id)))
            || (has_texts && chooser.matches_metadata(resource))
    });
    !rejected && select.matches_metadata(resource) && resource.any_id().any(|id| by_id(select, id))
}

fn write(resource: &mut Resource, target: &Target, value: &Node) -> std::result::Result<(), String> {
    for path in &target.paths {
        let or_create = if target.create { "find or create" } else { "find" };
        let missing = format!("unable to {or_create} field \"{path}\" in replacement target");
        let steps = split(path);
        if steps.len() > bounds::MAX_PATH {
            return Err(format!("{missing}: the path has more than {} parts", bounds::MAX_PATH));
        }
        let mut set = |field: &mut Node| put(field, value, &target.part);
        let create = target.create.then(|| Make::like(value));
        let mut visit = Visit { create, set: &mut set, found: 0 };
        visit.walk(&mut resource.node, &steps).map_err(|e| match e.strip_prefix('!') {
            Some(own) => own.to_owned(),
            None => format!("{missing}: {e}"),
        })?;
        if visit.found == 0 {
            return Err(missing);
        }
        // Copying a map into itself doubles it: texts are checked where they are joined.
        if value.scalar_text().is_none() {
            bounds::check(&resource.node)?;
        }
    }
    Ok(())
}

/// Writes a value. A scalar target takes the text only and keeps its own type. Errors start with `!`: they are not about the path.
fn put(field: &mut Node, value: &Node, part: &Part) -> std::result::Result<(), String> {
    let is_scalar = !matches!(field.value, Value::Seq(_) | Value::Map(_));
    if part.delimiter.is_empty() {
        field.value = match (is_scalar, value.scalar_text()) {
            (true, Some(text)) => retyped(&field.value, &text).value,
            _ => value.value.clone(),
        };
        return Ok(());
    }
    let (true, Some(text)) = (is_scalar, value.scalar_text()) else {
        return Err("!delimiter option can only be used with scalar nodes".to_owned());
    };
    let old = field.scalar_text().unwrap_or_default();
    let mut parts: Vec<&str> = old.split(&part.delimiter).collect();
    match usize::try_from(part.index) {
        Err(_) => parts.insert(0, &text),
        Ok(at) => match parts.get_mut(at) {
            Some(held) => *held = &text,
            None => parts.push(&text),
        },
    }
    let joined = parts.join(&part.delimiter);
    bounds::check_text(&joined).map_err(|e| format!("!{e}"))?;
    field.value = retyped(&field.value, &joined).value;
    Ok(())
}

/// A text with the type of what it replaces: quoted text stays text, anything else is read anew.
fn retyped(old: &Value, text: &str) -> Node {
    match old {
        Value::String(_) => Node::text(text),
        _ => resolve_text(text).into(),
    }
}
