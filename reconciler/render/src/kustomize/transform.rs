//! The simple transformers: namespace, prefix and suffix, labels, annotations, images, replicas.

mod images;
mod namespace;

use std::collections::BTreeMap;

pub(super) use images::{ImageRule, set_images};
pub(super) use namespace::{NamespaceRule, Subjects, namespace_of_one, set_namespace};

use super::error::KustomizeError;
use super::fieldspec::{FieldSpec, Leaf};
use super::file::Replica;
use super::resmap::ResMap;
use super::resource::Resource;
use super::shared;
use crate::object::Origin;
use crate::yaml::{Map, Node, Value};

/// Kinds whose name is never prefixed, judged by the original identity.
fn keeps_name(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        (_, "CustomResourceDefinition") | ("", "Namespace") | ("apiregistration.k8s.io", "APIService")
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
                let old = field.scalar_text().unwrap_or_default();
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
            fitting.into_iter().try_for_each(|spec| {
                spec.apply(node, Leaf::Map, &mut |field| put_all(field, pairs, first))
                    .map_err(|message| KustomizeError::step(&origin, &spec.path_text(), message))
            })
        })?;
    }
    Ok(())
}

fn put_all(field: &mut Node, pairs: &BTreeMap<String, String>, first: u32) -> Result<(), String> {
    if field.is_null() {
        field.value = Value::Map(Map::new());
    }
    let found = field.kind_name();
    let Some(map) = field.as_map_mut() else { return Err(format!("expected a map, found {found}")) };
    for ((key, text), number) in pairs.iter().zip(0..) {
        match map.get_mut(key) {
            Some(held) => held.value = Value::String(text.clone()),
            None => {
                let share = if first > 0 { first + number } else { 0 };
                map.insert(key, shared::text(text, share));
            }
        }
    }
    Ok(())
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
                field.value = Value::Int(entry.count);
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
