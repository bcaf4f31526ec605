//! A value without some of its fields.

use serde_json::{Map, Value};

use super::item_element;
use crate::smd::path::PathElement;
use crate::smd::set::FieldSet;
use crate::smd::shape::{ListForm, MapForm, Shape};

/// The value without the fields and items of the set. A list or map that loses its last item this way becomes null, as on the server.
pub fn remove_items(value: &Value, set: &FieldSet, shape: Shape<'_>) -> Value {
    if set.is_empty() {
        return value.clone();
    }
    let atom = shape.atom().narrow(Some(value));
    if let Some(map) = &atom.map {
        of_map(map, value, set)
    } else if let (None, Some(list)) = (atom.scalar, &atom.list) {
        of_list(list, value, set)
    } else {
        value.clone()
    }
}

fn of_map(map: &MapForm<'_>, value: &Value, set: &FieldSet) -> Value {
    let Some(fields) = value.as_object().filter(|_| !map.whole) else { return Value::Null };
    let mut kept = Map::new();
    for (name, value) in fields {
        match set.mark(&PathElement::field(name)) {
            Some(mark) if mark.member => {}
            Some(mark) => drop(kept.insert(name.clone(), remove_items(value, &mark.below, map.field(name)))),
            None => drop(kept.insert(name.clone(), value.clone())),
        }
    }
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn of_list(list: &ListForm<'_>, value: &Value, set: &FieldSet) -> Value {
    let Some(items) = value.as_array().filter(|_| !list.is_whole()) else { return Value::Null };
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        let mark = item_element(list, item).ok().and_then(|element| set.mark(&element));
        match mark {
            Some(mark) if mark.member => {}
            Some(mark) => kept.push(remove_items(item, &mark.below, list.items)),
            None => kept.push(item.clone()),
        }
    }
    if kept.is_empty() { Value::Null } else { Value::Array(kept) }
}
