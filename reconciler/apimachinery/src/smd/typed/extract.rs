//! The part of a value that a set of fields covers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::item_element;
use crate::smd::path::PathElement;
use crate::smd::set::{FieldSet, Mark};
use crate::smd::shape::{ListForm, MapForm, Relation, Shape};

/// The part of an object that the set covers: the fields that a manager owns, as an object.
///
/// * Items of keyed lists always carry their key fields, so that the result can be applied again, and keep the order of the value.
/// * A map or list that is a member while none of its parts is comes out empty: that is what the owner applied.
/// * Of an item that occurs more than once all occurrences come whole: the set knows them only together.
/// * What the set names and the value does not have is left out.
///
/// The result is always an object, if need be an empty one; `apiVersion`, `kind`, name and namespace are owned by nobody, so not in it.
pub fn extract_items(value: &Value, set: &FieldSet, shape: Shape<'_>) -> Value {
    let mark = Mark { member: true, below: set.clone() };
    node(value, &mark, shape).filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()))
}

fn node(value: &Value, mark: &Mark, shape: Shape<'_>) -> Option<Value> {
    if value.is_null() {
        return mark.member.then_some(Value::Null);
    }
    let atom = shape.atom().narrow(Some(value));
    match (&atom.map, &atom.list) {
        (Some(map), _) if !map.whole => of_map(map, value, mark),
        (None, Some(list)) if atom.scalar.is_none() && !list.is_whole() => of_list(list, value, mark),
        // A leaf; what the set may name below it stems from another schema and means the leaf.
        _ => Some(value.clone()),
    }
}

fn of_map(map: &MapForm<'_>, value: &Value, mark: &Mark) -> Option<Value> {
    let mut covered = Map::new();
    for (name, value) in value.as_object()? {
        let part = mark.below.mark(&PathElement::field(name));
        if let Some(value) = part.and_then(|mark| node(value, mark, map.field(name))) {
            covered.insert(name.clone(), value);
        }
    }
    (mark.member || !covered.is_empty()).then_some(Value::Object(covered))
}

fn of_list(list: &ListForm<'_>, value: &Value, mark: &Mark) -> Option<Value> {
    let items: Vec<_> = value
        .as_array()?
        .iter()
        .filter_map(|item| item_element(list, item).ok().map(|element| (element, item)))
        .collect();
    let mut count: BTreeMap<&PathElement, usize> = BTreeMap::new();
    for (element, _) in &items {
        *count.entry(element).or_default() += 1;
    }
    let covered: Vec<Value> = items
        .iter()
        .filter_map(|(element, item)| {
            let mark = mark.below.mark(element)?;
            let repeated = count.get(element).is_some_and(|count| *count > 1);
            if repeated { Some((*item).clone()) } else { of_item(list, item, mark) }
        })
        .collect();
    (mark.member || !covered.is_empty()).then_some(Value::Array(covered))
}

fn of_item(list: &ListForm<'_>, item: &Value, mark: &Mark) -> Option<Value> {
    let mut covered = node(item, mark, list.items);
    if let (Relation::Keyed(keys), Some(Value::Object(covered)), Value::Object(fields)) =
        (list.relation, &mut covered, item)
    {
        for key in keys {
            if let Some(value) = fields.get(&**key) {
                covered.entry(&**key).or_insert_with(|| value.clone());
            }
        }
    }
    covered
}
