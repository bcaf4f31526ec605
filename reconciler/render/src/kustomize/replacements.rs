//! Replacements: a value of one object written into fields of others.

mod structured;

use super::bounds;
use super::decode::{Fields, Item, Reading};
use super::error::KustomizeError;
use super::file::{Selector, gvk, selector};
use super::id::{Gvk, IdRef, ResId};
use super::load::Source;
use super::patch::{Notes, with_notes};
use super::path::{Make, Match, Step, Visit, lookup, split};
use super::resmap::ResMap;
use super::resource::Resource;
use super::select::Chooser;
use super::shared;
use crate::object::Origin;
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
    paths: Vec<Path>,
    part: Part,
    create: bool,
}

/// A field path with its text, for messages.
#[derive(Debug, Clone)]
struct Path {
    text: String,
    steps: Vec<Step>,
}

impl Path {
    fn new(text: String) -> Self {
        Path { steps: split(&text), text }
    }
}

/// Which part of a scalar: all of it without a delimiter.
#[derive(Debug, Clone, Default)]
struct Part {
    delimiter: String,
    index: i64,
}

/// The value that is written.
struct Taken {
    node: Node,
    /// It comes from a field; a literal is only a text.
    has_type: bool,
}

const DEFAULT_PATH: &str = "metadata.name";

pub(super) fn replacement_entry(item: Item<'_>) -> Result<ReplacementEntry> {
    let mut f = item.fields()?;
    let path = f.text_or_empty("path")?;
    if !path.is_empty() {
        let at = f.at().clone();
        if f.has("source") || f.take("targets").is_some_and(|targets| !targets.is_empty()) {
            return Err(f.error("cannot specify both path and inline replacement"));
        }
        f.take("sourceValue");
        f.finish()?;
        return Ok(ReplacementEntry::Path { path, at });
    }
    replacement(f).map(|inline| ReplacementEntry::Inline(Box::new(inline)))
}

fn replacement(mut f: Fields<'_>) -> Result<Replacement> {
    let at = f.at().clone();
    let literal = f.text("sourceValue")?;
    let field = f.nested("source", source_fields)?;
    let has_targets = f.has("targets");
    let targets = f.each("targets", target)?;
    let from = match (literal, field) {
        (Some(text), None) => From::Literal(text),
        (None, Some(field)) => field,
        (Some(_), Some(_)) => return Err(f.error("value and resource selectors are mutually exclusive")),
        (None, None) => return Err(f.error("replacements must specify a source and at least one target")),
    };
    if !has_targets {
        return Err(f.error("replacements must specify a source and at least one target"));
    }
    f.finish()?;
    Ok(Replacement { at, from, targets })
}

fn source_fields(mut f: Fields<'_>) -> Result<From> {
    let path =
        f.text("fieldPath")?.filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.to_owned());
    let (part, _) = options(&mut f)?;
    let id = Selector {
        gvk: gvk(&mut f)?,
        name: f.text_or_empty("name")?,
        namespace: f.text_or_empty("namespace")?,
        ..Selector::default()
    };
    f.finish()?;
    Ok(From::Field { id, path, part })
}

fn target(item: Item<'_>) -> Result<Target> {
    let mut f = item.fields()?;
    let Some(select) = f.nested("select", selector)? else {
        return Err(f.error("target must specify resources to select"));
    };
    let reject = f.each("reject", |item| selector(item.fields()?))?;
    let mut paths: Vec<Path> = f.texts("fieldPaths")?.into_iter().map(|path| Path::new(path.text)).collect();
    if paths.is_empty() {
        paths.push(Path::new(DEFAULT_PATH.to_owned()));
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
                let documents = source.configuration(&bytes, &Origin::new(&file, 1))?;
                let Some(document) = documents.first() else {
                    let message =
                        "unsupported replacement type encountered within replacement path: the file is empty";
                    return Err(KustomizeError::file(Origin::new(&file, 1), message));
                };
                let items = document.as_seq().unwrap_or(std::slice::from_ref(document));
                for item in items {
                    one(objects, &replacement(Fields::of(&file, item, Reading::Plugin)?)?)?;
                }
            }
        }
    }
    Ok(())
}

fn one(objects: &mut ResMap, replacement: &Replacement) -> Result<()> {
    let fail = |message: String| KustomizeError::step(&replacement.at, "replacements", message);
    let value = match &replacement.from {
        From::Literal(text) => Taken { node: Node::text(text.as_str()), has_type: false },
        From::Field { id, path, part } => {
            Taken { node: taken(objects, (id, path), part).map_err(fail)?, has_type: true }
        }
    };
    for target in &replacement.targets {
        let select = Chooser::new(&target.select).map_err(fail)?;
        let rejects: std::result::Result<Vec<Chooser>, String> =
            target.reject.iter().map(Chooser::new).collect();
        let rejects: Vec<(&Selector, Chooser)> = target.reject.iter().zip(rejects.map_err(fail)?).collect();
        for at in 0..objects.len() {
            if chosen(objects.get(at), &select, &rejects) {
                let write =
                    |node: &mut Node| shared::keeping(node, |node| write(node, target, &value).map(Some));
                let resource = objects.get_mut(at);
                with_notes(resource, Notes::Lost, write)
                    .map_err(|message| fail(format!("{} {}: {message}", resource.kind(), resource.name())))?;
                objects.renamed(at);
            }
        }
    }
    Ok(())
}

/// The value at the source's path. Kind and identity are compared exactly, with any identity the object had.
fn taken(objects: &ResMap, (id, path): (&Selector, &str), part: &Part) -> std::result::Result<Node, String> {
    let wanted = ResId { gvk: id.gvk.clone(), name: id.name.clone(), namespace: id.namespace.clone() };
    let mut found = objects.iter().filter(|resource| {
        resource.any_id().any(|held| {
            (wanted.namespace.is_empty() || wanted.namespace == plain_namespace(held))
                && (wanted.name.is_empty() || wanted.name == held.name)
                && held.gvk.is_selected(&wanted.gvk)
        })
    });
    let Some(source) = found.next() else { return Err(format!("nothing selected by {wanted}")) };
    if let Some(other) = found.next() {
        let (one, other) = (source.current(), other.current());
        return Err(format!("multiple matches for selector {wanted}: {one} and {other}; select one of them"));
    }
    let value = lookup(&source.node, &split(path))
        .map_err(|e| format!("error looking up replacement source: {e}"))?;
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(format!("fieldPath `{path}` is missing for replacement source {wanted}"));
    };
    if part.delimiter.is_empty() {
        let mut copy = value.clone();
        shared::separate(&mut copy);
        return Ok(copy);
    }
    let Some(text) = value.scalar_text() else {
        return Err("delimiter option can only be used with scalar nodes".to_owned());
    };
    let picked = usize::try_from(part.index).ok().and_then(|at| text.split(&part.delimiter).nth(at));
    match picked {
        // A part has the type of the whole.
        Some(picked) if value.as_str().is_none() && !value.untyped => Ok(resolve_text(picked).into()),
        Some(picked) => Ok(Node::text(picked)),
        None if source.kind() == "Secret" => Err(format!("options.index {} is out of bounds", part.index)),
        None => Err(format!("options.index {} is out of bounds for value {text}", part.index)),
    }
}

/// The namespace as replacements compare it: they do not know which kinds have none.
fn plain_namespace(id: IdRef<'_>) -> &str {
    if id.namespace.is_empty() { "default" } else { id.namespace }
}

fn chosen(resource: &Resource, select: &Chooser, rejects: &[(&Selector, Chooser)]) -> bool {
    let by_id = |chooser: &Chooser, id: IdRef<'_>| {
        chooser.matches_gvk(id.gvk)
            && chooser.matches_name(id.name)
            && chooser.matches_namespace(id.namespace)
    };
    let rejected = rejects.iter().any(|(selector, chooser)| {
        let has_id =
            selector.gvk != Gvk::default() || !selector.name.is_empty() || !selector.namespace.is_empty();
        let has_texts = !selector.labels.is_empty() || !selector.annotations.is_empty();
        (has_id && resource.any_id().any(|id| by_id(chooser, id)))
            || (has_texts && chooser.matches_metadata(resource))
    });
    !rejected && select.matches_metadata(resource) && resource.any_id().any(|id| by_id(select, id))
}

fn write(object: &mut Node, target: &Target, value: &Taken) -> std::result::Result<(), String> {
    for Path { text, steps } in &target.paths {
        let or_create = if target.create { "find or create" } else { "find" };
        let missing = format!("unable to {or_create} field \"{text}\" in replacement target");
        if steps.len() > bounds::MAX_PATH {
            return Err(bounds::over(&format!(
                "{missing}: the path has more than {} parts",
                bounds::MAX_PATH
            )));
        }
        let create = target.create.then(|| Make::like(&value.node));
        if structured::set(object, steps, (&value.node, create))? {
            continue;
        }
        let mut set = |found: Match<'_>| put(found, value, &target.part);
        let mut visit = Visit { create, set: &mut set, found: 0 };
        visit.walk(object, steps).map_err(|e| match e.strip_prefix('!') {
            Some(own) => own.to_owned(),
            None => format!("{missing}: {e}"),
        })?;
        if visit.found == 0 {
            return Err(missing);
        }
        // Copying a map into itself doubles it: texts are checked where they are joined.
        if value.node.scalar_text().is_none() {
            bounds::check(object)?;
        }
    }
    Ok(())
}

/// Writes a value. A scalar takes the text only and keeps its own type. Errors start with `!`: they are not about the path.
fn put(Match { node, created }: Match<'_>, value: &Taken, part: &Part) -> std::result::Result<(), String> {
    let is_scalar = !matches!(node.value, Value::Seq(_) | Value::Map(_));
    let text = value.node.scalar_text().unwrap_or_default();
    if part.delimiter.is_empty() {
        node.value = match (is_scalar, value.has_type) {
            (true, _) => return retype(node, created, &text),
            (false, true) if value.node.unread => resolve_text(&text),
            (false, true) => value.node.value.clone(),
            (false, false) => {
                node.untyped = true;
                resolve_text(&text)
            }
        };
        return Ok(());
    }
    if !is_scalar {
        return Err("!delimiter option can only be used with scalar nodes".to_owned());
    }
    let old = node.scalar_text().unwrap_or_default();
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
    retype(node, created, &joined)
}

/// Writes a text with the type of what it replaces. Only what was just made has none: its text is read anew.
fn retype(node: &mut Node, created: bool, text: &str) -> std::result::Result<(), String> {
    let new = resolve_text(text);
    let fits = match (&node.value, &new) {
        _ if node.untyped => true,
        (Value::String(_), _) => {
            node.value = Value::String(text.to_owned());
            return Ok(());
        }
        _ if created => true,
        (old, new) if old.is_number() && new.is_number() => new.is_whole_number() || !old.is_whole_number(),
        (Value::Bool(_), Value::Bool(_))
        | (Value::Time(_), Value::Time(_))
        | (Value::Null | Value::Blank, Value::Null | Value::Blank) => true,
        _ => false,
    };
    if !fits {
        return Err(format!(
            "!the field holds {0}, and what shall replace it is not {0}; put quotes around the field where it is written, or replace it with another value",
            node.kind_name()
        ));
    }
    node.value = new;
    node.untyped |= created;
    Ok(())
}
