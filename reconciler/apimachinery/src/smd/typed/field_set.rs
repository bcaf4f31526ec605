//! The fields that a value mentions.

use std::collections::BTreeMap;

use serde_json::Value;

use super::item_element;
use crate::smd::path::PathElement;
use crate::smd::set::{FieldSet, Mark};
use crate::smd::shape::{ListForm, MapForm, Shape};

/// The leaves and list items that a value mentions: what a manager that applies it owns.
///
/// Scalars, whole lists and whole maps are leaves; items of sets and keyed lists are members beside what they hold, and so are entries of maps (as opposed to declared
/// fields) and empty maps. An empty list that is owned item by item leaves no trace. Of items that occur more than once, only the item itself is a member.
pub fn to_field_set(value: &Value, shape: Shape<'_>) -> FieldSet {
    mark(value, shape).below
}

fn mark(value: &Value, shape: Shape<'_>) -> Mark {
    let atom = shape.atom().narrow(Some(value));
    if let Some(map) = atom.map {
        of_map(&map, value)
    } else if atom.scalar.is_some() {
        Mark::leaf()
    } else if let Some(list) = atom.list {
        of_list(&list, value)
    } else {
        Mark::default()
    }
}

fn of_map(map: &MapForm<'_>, value: &Value) -> Mark {
    if map.whole {
        return Mark::leaf();
    }
    let fields = value.as_object().into_iter().flatten();
    let below = FieldSet::from_marks(fields.map(|(name, value)| {
        let declared = map.declared(name);
        let mut mark = mark(value, declared.unwrap_or(map.rest));
        let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        mark.member |= empty || declared.is_none();
        (PathElement::field(name), mark)
    }));
    Mark { member: false, below }
}

fn of_list(list: &ListForm<'_>, value: &Value) -> Mark {
    if list.is_whole() {
        return Mark::leaf();
    }
    let mut found: BTreeMap<PathElement, (&Value, bool)> = BTreeMap::new();
    for item in value.as_array().into_iter().flatten() {
        if let Ok(element) = item_element(list, item) {
            found.entry(element).and_modify(|(_, repeated)| *repeated = true).or_insert((item, false));
        }
    }
    let below = FieldSet::from_marks(found.into_iter().map(|(element, (item, repeated))| {
        let below = if repeated { FieldSet::new() } else { mark(item, list.items).below };
        (element, Mark { member: true, below })
    }));
    Mark { member: false, below }
}
