//! Fields that a unit leaves to somebody else: replicas under an autoscaler.

use apimachinery::Object;
use serde_json::Value;

use super::IgnoreRule;

/// A declared object without the fields that its unit ignores. What makes the object what it is (kind, name) stays, whatever a rule says.
pub fn without_ignored(object: &Object, rules: &[IgnoreRule]) -> Object {
    let header = object.header();
    let mut value = object.to_value();
    for rule in rules {
        let applies = rule.group.as_ref().is_none_or(|group| *group == header.gvk.group)
            && rule.kind.as_ref().is_none_or(|kind| *kind == header.gvk.kind)
            && rule.name.as_ref().is_none_or(|name| *name == header.name);
        for pointer in rule.pointers.iter().filter(|_| applies) {
            if let Some(segments) = segments(pointer) {
                remove(&mut value, &segments, 0);
            }
        }
    }
    match Object::from_value(&value) {
        Ok(reduced) if reduced.id() == object.id() && reduced.header().gvk == header.gvk => reduced,
        _ => object.clone(),
    }
}

/// The segments of a JSON pointer; `None` for what is none, and for the whole object.
fn segments(pointer: &str) -> Option<Vec<String>> {
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect())
}

/// Removes what the segments name. A map below the top that is left empty goes, too: it would be a declaration of its own.
fn remove(value: &mut Value, segments: &[String], depth: usize) {
    let Some((first, rest)) = segments.split_first() else { return };
    match value {
        Value::Object(map) if first == "*" => {
            if rest.is_empty() {
                map.clear();
            } else {
                map.values_mut().for_each(|inner| remove(inner, rest, depth + 1));
            }
        }
        Value::Object(map) => {
            if rest.is_empty() {
                map.remove(first);
            } else if let Some(inner) = map.get_mut(first) {
                let filled = !is_empty(inner);
                remove(inner, rest, depth + 1);
                if filled && is_empty(inner) && depth > 0 {
                    map.remove(first);
                }
            }
        }
        Value::Array(list) if first == "*" => {
            if rest.is_empty() {
                list.clear();
            } else {
                list.iter_mut().for_each(|inner| remove(inner, rest, depth + 1));
            }
        }
        Value::Array(list) => {
            let Some(index) = first.parse::<usize>().ok().filter(|index| *index < list.len()) else { return };
            if rest.is_empty() {
                list.remove(index);
            } else if let Some(inner) = list.get_mut(index) {
                remove(inner, rest, depth + 1);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
