//! The simple transformers: namespace, prefix and suffix, labels, annotations, images, replicas.

mod images;
mod namespace;

use std::collections::BTreeMap;

pub(super) use images::{ImageRule, set_images};
pub(super) use namespace::{NamespaceRule, Subjects, namespace_of_one, set_namespace};

use super::error::KustomizeError;
use super::fieldspec::{FieldSpec, Leaf};
use super::file::Replica;
use super::metadata::literal_text;
use super::resmap::ResMap;
use super::resource::Resource;
use super::shared;
use crate::object::Origin;
use crate::yaml::{Map, Node, Value, reads_otherwise};

/// Kinds whose name is never prefixed, judged by the original identity.
fn keeps_name(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        (_, "CustomResourceDefinition" | "Namespace") | ("apiregistration.k8s.io", "APIService")
    )
}

/// Which end of the name is extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affix {
    Prefix,
    Suffix,
}

/// Puts a text before or after the names.
pub(super) fn affix(objects: &mut ResMap, end: Affix, text: &str, specs: &[FieldSpec]) -> Result<(), String> {
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        let original = resource.original();
        if resource.is_empty() || keeps_name(original.gvk.group, original.gvk.kind) {
            continue;
        }
        let fitting: Vec<&FieldSpec> = specs.iter().filter(|spec| spec.matches(original.gvk)).collect();
        for spec in fitting {
            if spec.path == ["metadata", "name"] && !text.is_empty() {
                match end {
                    Affix::Prefix => resource.prefixes.push(text.to_owned()),
                    Affix::Suffix => resource.suffixes.push(text.to_owned()),
                }
                resource.remember_id();
            }
            spec.apply(&mut resource.node, Leaf::Scalar, &mut |field| {
                single_value(field)?;
                let old = literal_text(field);
                let new = if end == Affix::Prefix { format!("{text}{old}") } else { format!("{old}{text}") };
                field.value = Value::String(new);
                Ok(())
            })?;
        }
        objects.renamed(at);
    }
    Ok(())
}

/// Writes labels or annotations at every fitting field.
pub(super) fn set_texts(
    objects: &mut ResMap,
    pairs: &BTreeMap<String, String>,
    specs: &[FieldSpec],
) -> Result<(), KustomizeError> {
    if pairs.is_empty() {
        return Ok(());
    }
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        let (gvk, origin) = (resource.gvk().to_owned(), resource.origin.clone());
        let fitting: Vec<&FieldSpec> = specs.iter().filter(|spec| spec.matches(gvk.as_ref())).collect();
        shared::keeping(&mut resource.node, |node| {
            // One value per pair and object, wherever it is put: see `shared`.
            let first = if fitting.len() > 1 { shared::free(node) } else { 0 };
            let mut quotes = vec![false; pairs.len()];
            fitting.into_iter().try_for_each(|spec| {
                spec.apply(node, Leaf::Map, &mut |field| put_all(field, pairs, (first, &mut quotes)))
                    .map_err(|message| KustomizeError::step(&origin, &spec.path_text(), message))
            })?;
            if first > 0 {
                (first..).zip(quotes).for_each(|(share, quoted)| shared::restyle(node, share, quoted));
            }
            Ok::<(), KustomizeError>(())
        })?;
    }
    Ok(())
}

/// Puts the pairs into a map. `quotes` says of each whether the one value of upstream is written in quotes by now: it takes over how the
/// text was written whose place it took last.
fn put_all(
    field: &mut Node,
    pairs: &BTreeMap<String, String>,
    (first, quotes): (u32, &mut [bool]),
) -> Result<(), String> {
    if field.is_null() {
        field.value = Value::Map(Map::new());
    }
    let found = field.kind_name();
    let Some(map) = field.as_map_mut() else { return Err(format!("expected a map, found {found}")) };
    for (((key, text), number), quoted) in pairs.iter().zip(0..).zip(quotes) {
        match map.get_mut(key) {
            Some(held) => {
                held.value = Value::String(text.clone());
                (held.untyped, held.unread) = (false, false);
                *quoted = held.quoted;
            }
            None => {
                *quoted |= reads_otherwise(text);
                let share = if first > 0 { first + number } else { 0 };
                map.insert(key, Node { quoted: *quoted, ..shared::text(text, share) });
            }
        }
    }
    Ok(())
}

/// A transformer writes one value over another, never over a map or a list.
fn single_value(field: &Node) -> Result<(), String> {
    match field.value {
        Value::Map(_) | Value::Seq(_) => {
            Err(format!("the field must hold a single value, it holds {}", field.kind_name()))
        }
        _ => Ok(()),
    }
}

/// Sets the replica count of the objects that have or had the entry's name.
pub(super) fn set_replicas(
    objects: &mut ResMap,
    entry: &Replica,
    specs: &[FieldSpec],
) -> Result<(), KustomizeError> {
    let mut found = false;
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        let named = |resource: &Resource| resource.any_id().any(|id| id.name == entry.name);
        let fitting: Vec<&FieldSpec> = specs
            .iter()
            .filter(|spec| named(resource) && resource.any_id().any(|id| spec.matches(id.gvk)))
            .collect();
        for spec in fitting {
            found = true;
            spec.apply(&mut resource.node, Leaf::Scalar, &mut |field| {
                single_value(field)?;
                // Quotes around what was there stay, so that the count is text.
                let text = || Value::String(entry.count.to_string());
                field.value = if field.quoted { text() } else { Value::Int(entry.count) };
                field.untyped = false;
                Ok(())
            })
            .map_err(|message| KustomizeError::step(&resource.origin, "replicas", message))?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<&str> = specs.iter().map(|spec| spec.gvk.kind.as_str()).collect();
    let message = format!(
        "resource with name {} does not match a config with the following GVK [{}]",
        entry.name,
        kinds.join(", ")
    );
    Err(KustomizeError::step(&entry.at, "replicas", message))
}

/// A step's failure without a better place gets the step's own.
pub(super) fn step(origin: &Origin, step: &'static str) -> impl Fn(String) -> KustomizeError {
    let origin = origin.clone();
    move |message| KustomizeError::step(&origin, step, message)
}
