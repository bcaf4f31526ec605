//! Values: files merged over each other, and a chart's defaults under what it is given.
//!
//! Two kinds of merging, as in Helm 4. *Merging* keeps an explicit null, because a later merge still needs it; *coalescing* is the
//! last one, and takes a null for the wish to have no such member. Maps are shared between the values of a chart and those of its
//! subcharts exactly where Helm shares them: templates can see the difference, because they can change maps.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::chart::{ChartError, ChartFile};
use super::dependencies::Part;
use super::value::{Dict, DictKind, List, ListKind, Value};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{self, Limits, Loader, Map, Node, Profile};

/// The member of values that every chart of a release sees.
pub(super) const GLOBAL: &str = "global";

/// Two values that do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the value '{path}' belongs to a subchart and must be a map, it is {found}; correct it, or leave it out"
)]
pub(crate) struct Mismatch {
    /// The path of the value, from the top.
    pub(super) path: String,
    /// What it is.
    found: &'static str,
}

/// Reads a values file: its documents, later ones over earlier ones.
pub(super) fn load(file: &ChartFile, limits: Limits) -> Result<Map, ChartError> {
    read(&file.origin, &file.bytes, limits)
}

/// Reads a values file of the repository.
pub(super) fn read(file: &RepoPath, bytes: &[u8], limits: Limits) -> Result<Map, ChartError> {
    let loader = Loader { profile: Profile::Kubectl, limits };
    let mut values = Map::new();
    for document in loader.load(file.as_str(), bytes)? {
        let at = Origin::new(file, document.pos.line);
        let found = document.kind_name();
        match document.value {
            yaml::Value::Map(map) => merge_over(&mut values, map),
            _ => return Err(ChartError::file(&at, format!("values must be a map, they are {found}"))),
        }
    }
    Ok(values)
}

/// The member at a path of names with dots between them, where it is there and no map.
pub(super) fn no_map<'m>(values: &'m Map, path: &str) -> Option<&'m Node> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (values.get(first)?, rest) {
        (Node { value: yaml::Value::Map(below), .. }, Some(rest)) => no_map(below, rest),
        (Node { value: yaml::Value::Map(_), .. }, None) => None,
        (node, None) => Some(node),
        _ => None,
    }
}

/// Puts `over` over `values`: maps are merged, everything else, null too, takes the place of what was there.
pub(crate) fn merge_over(values: &mut Map, over: Map) {
    for (key, node) in over {
        match (values.get_mut(&key).and_then(Node::as_map_mut), node) {
            (Some(below), Node { value: yaml::Value::Map(map), .. }) => merge_over(below, map),
            (_, node) => {
                values.insert(&key, node);
            }
        }
    }
}

/// Whether a null of the stronger side is the wish to have no such member, or is kept for a later merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// Coalescing.
    Delete,
    /// Merging.
    Keep,
}

/// What the charts of a release see: their defaults under `given`, down into the subcharts. `given` stays as it is.
pub(super) fn coalesce(part: &Part<'_>, given: &Dict, nulls: Nulls) -> Result<Dict, Mismatch> {
    let values = copy(given);
    fill(part, &values, "", nulls)?;
    Ok(values)
}

fn fill(part: &Part<'_>, values: &Dict, path: &str, nulls: Nulls) -> Result<(), Mismatch> {
    take_defaults(part, values, nulls);
    for below in &part.parts {
        let name = below.name();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let section = match values.get(name) {
            None => {
                let section = Dict::new(DictKind::Any);
                values.insert(name, Value::Dict(section.clone()));
                section
            }
            Some(Value::Dict(section)) => section,
            Some(other) => return Err(Mismatch { path, found: other.kind_in_yaml() }),
        };
        pass_globals(&section, values);
        fill(below, &section, &path, nulls)?;
    }
    Ok(())
}

/// Puts the chart's own defaults under its values.
fn take_defaults(part: &Part<'_>, values: &Dict, nulls: Nulls) {
    for (key, default) in copy(&part.defaults).entries() {
        match (values.get(&key), default) {
            (Some(Value::Nil), _) => {
                if nulls == Nulls::Delete {
                    values.remove(&key);
                }
            }
            (Some(Value::Dict(given)), Value::Dict(default)) => {
                // The section of a subchart is coalesced once more, with the subchart's defaults: nulls live until then.
                let subchart = part.parts.iter().any(|below| below.name() == &*key);
                let nulls = if subchart { Nulls::Keep } else { nulls };
                if nulls == Nulls::Delete {
                    drop_nulls(&default);
                }
                lay_under(&given, &default, nulls);
            }
            (Some(_), _) => {}
            (None, default) => {
                match (&default, nulls) {
                    (Value::Nil, Nulls::Delete) => continue,
                    (Value::Dict(default), Nulls::Delete) => drop_nulls(default),
                    _ => {}
                }
                values.insert(&key, default);
            }
        }
    }
}

/// Gives a subchart's section the globals of its parent; the parent's win.
///
/// Kept for compatibility: maps two levels below `global` are not copied, so what a subchart sets there by default its parent sees,
/// too.
fn pass_globals(section: &Dict, parent: &Dict) {
    let here = match section.get(GLOBAL) {
        None => Dict::new(DictKind::Any),
        Some(Value::Dict(globals)) => globals,
        Some(_) => return,
    };
    let above = match parent.get(GLOBAL) {
        None => Dict::new(DictKind::Any),
        Some(Value::Dict(globals)) => globals,
        Some(_) => return,
    };
    for (key, value) in above.entries() {
        match (value, here.get(&key)) {
            (Value::Dict(map), None) => here.insert(&key, Value::Dict(map.as_kind(DictKind::Any))),
            (Value::Dict(map), Some(Value::Dict(held))) => {
                let merged = map.as_kind(DictKind::Any);
                lay_under(&merged, &held, Nulls::Keep);
                here.insert(&key, Value::Dict(merged));
            }
            (Value::Dict(_), Some(_)) | (_, Some(Value::Dict(_))) => {}
            (value, _) => here.insert(&key, value),
        }
    }
    section.insert(GLOBAL, Value::Dict(here));
}

/// Merges `under` into `over`, which wins. `under` is used up.
pub(super) fn lay_under(over: &Dict, under: &Dict, nulls: Nulls) {
    let had_value: BTreeSet<Rc<str>> = under
        .entries()
        .into_iter()
        .filter_map(|(key, value)| (!matches!(value, Value::Nil)).then_some(key))
        .collect();
    for (key, value) in over.entries() {
        if matches!(value, Value::Nil) {
            under.insert(&key, Value::Nil);
        }
    }
    for (key, value) in under.entries() {
        match (over.get(&key), value) {
            (Some(Value::Nil), _) if nulls == Nulls::Delete && had_value.contains(&key) => over.remove(&key),
            (None, value) => over.insert(&key, value),
            (Some(Value::Dict(over)), Value::Dict(under)) => lay_under(&over, &under, nulls),
            _ => {}
        }
    }
}

/// Removes members that are null, at every level of maps.
pub(super) fn drop_nulls(map: &Dict) {
    for (key, value) in map.entries() {
        match value {
            Value::Nil => map.remove(&key),
            Value::Dict(below) => drop_nulls(&below),
            _ => {}
        }
    }
}

/// The same values in maps of their own.
pub(super) fn copy(map: &Dict) -> Dict {
    let entries = map.entries();
    Dict::from_entries(DictKind::Any, entries.into_iter().map(|(key, value)| (key, copied(&value))))
}

fn copied(value: &Value) -> Value {
    match value {
        Value::Dict(map) => Value::Dict(copy(map)),
        Value::List(list) if list.kind() == ListKind::Any && !list.is_nil() => {
            Value::List(List::new(ListKind::Any, list.iter().map(copied).collect()))
        }
        other => other.clone(),
    }
}

/// The map at a path of names with dots between them.
pub(super) fn table(values: &Dict, path: &str) -> Option<Dict> {
    let mut table = values.clone();
    for name in path.split('.') {
        match table.get(name) {
            Some(Value::Dict(below)) => table = below,
            _ => return None,
        }
    }
    Some(table)
}

/// The value at a path of names, unless it is a map.
pub(super) fn scalar(values: &Dict, path: &str) -> Option<Value> {
    let (holder, name) = match path.rsplit_once('.') {
        Some((holder, name)) => (table(values, holder)?, name),
        None => (values.clone(), path),
    };
    holder.get(name).filter(|value| !matches!(value, Value::Dict(_)))
}
