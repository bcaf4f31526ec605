//! The builtin `ValueAddTransformer`: one value put into fields of many objects, or into file paths that fields hold.

use super::super::decode::{Fields, Item, Reading};
use super::super::error::KustomizeError;
use super::super::fieldspec::split_path;
use super::super::file::{Selector, selector};
use super::super::load::Source;
use super::super::path::{Step, reach, step};
use super::super::resmap::ResMap;
use super::super::select::Chooser;
use super::super::shared;
use super::super::transform::{Subjects, namespace_of_one};
use crate::object::Origin;
use crate::yaml::{Node, Value, resolve_text};

type Result<T> = std::result::Result<T, KustomizeError>;

/// Where the value goes.
struct Target {
    at: Origin,
    select: Option<Selector>,
    path: String,
    /// Counted from 1; 0 replaces the whole field.
    position: usize,
}

pub(super) fn run(mut f: Fields<'_>, source: &Source<'_>, objects: &mut ResMap) -> Result<()> {
    let mut value = f.text_or_empty("value")?.trim().to_owned();
    if value.is_empty() {
        source.dir.file_name().clone_into(&mut value);
    }
    let mut targets = f.each("targets", target)?;
    if let Some(named) = f.located("targetFilePath")?.filter(|named| !named.text.is_empty()) {
        let (file, bytes) = source.named_file(&named.text, &named.at)?;
        let documents = source.configuration(&bytes, &Origin::new(&file, 1))?;
        if let Some(document) = documents.first() {
            targets.extend(Fields::of(&file, document, Reading::Plugin)?.each("targets", target)?);
        }
    }
    if targets.is_empty() {
        return Err(f.error("must specify at least one target"));
    }
    targets.iter().try_for_each(|target| add(objects, target, &value))
}

fn target(item: Item<'_>) -> Result<Target> {
    let mut f = item.fields()?;
    let position = f.integer("filePathPosition")?.unwrap_or_default();
    let target = Target {
        at: f.at().clone(),
        select: f.nested("selector", selector)?,
        path: f.text_or_empty("fieldPath")?,
        position: usize::try_from(position)
            .map_err(|_| f.error(format!("value of filePathPosition ({position}) cannot be negative")))?,
    };
    if target.path.is_empty() {
        return Err(f.error("fieldPath cannot be empty"));
    }
    Ok(target)
}

fn add(objects: &mut ResMap, target: &Target, value: &str) -> Result<()> {
    let fail = |message: String| KustomizeError::step(&target.at, "ValueAddTransformer", message);
    let chosen = match &target.select {
        None => (0..objects.len()).collect(),
        Some(select) => Chooser::new(select).map_err(fail)?.choose(objects),
    };
    let steps: Vec<Step> = split_path(&target.path)
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .map(step)
        .collect();
    for at in chosen {
        let resource = objects.get_mut(at);
        if target.path == "metadata/namespace" {
            namespace_of_one(resource, value, Subjects::DefaultOnly).map_err(fail)?;
        } else {
            let write = |node: &mut Node| {
                if let Some(found) = reach(node, &steps)? {
                    let is_text = matches!(found.node.value, Value::String(_));
                    found.node.value = put(found.node, value, target.position)?;
                    found.node.untyped |= !is_text;
                }
                Ok(())
            };
            shared::keeping(&mut resource.node, write).map_err(fail)?;
        }
        objects.renamed(at);
    }
    Ok(())
}

/// The field's new value.
fn put(field: &Node, value: &str, position: usize) -> std::result::Result<Value, String> {
    if matches!(field.value, Value::Map(_) | Value::Seq(_)) {
        return Err(format!("the field holds {}, not a single value", field.kind_name()));
    }
    let held = field.scalar_text().unwrap_or_default();
    let text = match position.checked_sub(1) {
        None => value.to_owned(),
        Some(position) => inserted(&held, position, value),
    };
    Ok(match field.value {
        Value::String(_) => Node::text(text).value,
        _ => resolve_text(&text),
    })
}

/// A file path with one more part at a position; positions behind the end append. An absolute path stays one.
fn inserted(path: &str, position: usize, part: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|held| !held.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_inserted_into_paths() {
        fn check(path: &str, position: usize, expected: &str) {
            assert_eq!(inserted(path, position, "PEACH"), expected, "{path} {position}");
        }
        check("", 0, "PEACH");
        check("/", 0, "/PEACH");
        check("pie", 0, "PEACH/pie");
        check("/pie", 0, "/PEACH/pie");
        check("/raw", 1, "/raw/PEACH");
        check("a/nice/warm/pie", 3, "a/nice/warm/PEACH/pie");
        check("/a/nice/warm/pie", 9, "/a/nice/warm/pie/PEACH");
    }
}
