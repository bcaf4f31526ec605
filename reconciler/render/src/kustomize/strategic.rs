//! Strategic merge as kustomize implements it (`spec/rendering.md` 2.11).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::schema::{ListMerge, Shape};
use crate::yaml::{Map, Node, Value};

const DIRECTIVE: &str = "$patch";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Merges a patch into an object. `None` when the patch deletes it.
pub(super) fn merge(target: Node, patch: Node, shape: Shape<'_>) -> Result<Option<Node>, String> {
    merge_map(target, patch, shape)
}

fn directive(node: &mut Node) -> Result<Directive, String> {
    let Some(taken) = node.as_map_mut().and_then(|map| map.remove(DIRECTIVE)) else {
        return Ok(Directive::Merge);
    };
    match taken.as_str() {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        _ => Err("unknown patch strategy in $patch: use merge, replace or delete".to_owned()),
    }
}

fn merge_map(target: Node, mut patch: Node, shape: Shape<'_>) -> Result<Option<Node>, String> {
    match directive(&mut patch)? {
        Directive::Delete => return Ok(None),
        Directive::Replace => return created(patch, shape),
        Directive::Merge => {}
    }
    let pos = target.pos;
    let (Value::Map(mut into), Value::Map(patch)) = (target.value, patch.value) else {
        return Err("expected a map on both sides".to_owned());
    };
    for (key, value) in patch {
        let (shape, list) = shape.member(&key);
        let held = into.remove(&key);
        let pos = held.as_ref().map(|held| held.pos);
        let merged = merge_value(held, value, (shape, &list)).map_err(|e| within(&key, &e))?;
        if let Some(mut merged) = merged {
            merged.pos = pos.unwrap_or(merged.pos);
            into.insert(&key, merged);
        }
    }
    Ok(Some(Node { value: Value::Map(into), pos }))
}

fn within(key: &str, error: &str) -> String {
    match error.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') => format!("{key}.{path}: {rest}"),
        _ => format!("{key}: {error}"),
    }
}

fn merge_value(
    target: Option<Node>,
    patch: Node,
    (shape, list): (Shape<'_>, &ListMerge),
) -> Result<Option<Node>, String> {
    let target = target.filter(|held| !held.is_null());
    match (&patch.value, target) {
        (Value::Null, _) => Ok(None),
        (Value::Map(_), None) => created(patch, shape),
        (Value::Seq(_), None) => {
            let empty = Node { value: Value::Seq(Vec::new()), pos: patch.pos };
            merge_list(empty, patch, (shape, list))
        }
        (Value::Map(_), Some(target)) if target.as_map().is_some() => merge_map(target, patch, shape),
        (Value::Seq(_), Some(target)) if target.as_seq().is_some() => {
            merge_list(target, patch, (shape, list))
        }
        (Value::Map(_) | Value::Seq(_), Some(target)) => Err(mismatch(&target, &patch)),
        (_, Some(target)) if target.as_map().is_some() || target.as_seq().is_some() => {
            Err(mismatch(&target, &patch))
        }
        (_, _) => Ok(Some(patch)),
    }
}

fn mismatch(target: &Node, patch: &Node) -> String {
    format!("the object has {} here, the patch {}", target.kind_name(), patch.kind_name())
}

/// What a patch creates keeps its content, without nulls and directives.
fn created(mut patch: Node, shape: Shape<'_>) -> Result<Option<Node>, String> {
    if directive(&mut patch)? == Directive::Delete {
        return Ok(None);
    }
    let pos = patch.pos;
    let Value::Map(map) = patch.value else { return Ok(Some(patch)) };
    let mut kept = Map::new();
    for (key, value) in map {
        let (shape, list) = shape.member(&key);
        if let Some(merged) = merge_value(None, value, (shape, &list))? {
            kept.insert(&key, merged);
        }
    }
    Ok(Some(Node { value: Value::Map(kept), pos }))
}

/// Takes a one-key `$patch` element out of a list.
fn list_directive(items: &mut Vec<Node>) -> Result<Directive, String> {
    let lone = |item: &Node| item.as_map().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE));
    let Some(at) = items.iter().position(lone) else { return Ok(Directive::Merge) };
    directive(&mut items.remove(at))
}

fn merge_list(
    target: Node,
    patch: Node,
    (shape, list): (Shape<'_>, &ListMerge),
) -> Result<Option<Node>, String> {
    let pos = target.pos;
    let (Value::Seq(target), Value::Seq(mut patch)) = (target.value, patch.value) else {
        return Err("expected a list on both sides".to_owned());
    };
    let whole = |items: Vec<Node>| Ok(Some(Node { value: Value::Seq(items), pos }));
    if *list == ListMerge::Replace {
        // Directives in lists without keys are not read: they stay in the output (measured).
        return whole(patch);
    }
    match list_directive(&mut patch)? {
        Directive::Delete => return Ok(None),
        Directive::Replace => return whole(patch),
        Directive::Merge => {}
    }
    match list {
        ListMerge::Replace => whole(patch),
        ListMerge::Set => {
            let rest = target.into_iter().filter(|held| !patch.contains(held)).collect::<Vec<_>>();
            patch.extend(rest);
            whole(patch)
        }
        ListMerge::Keyed(keys) => whole(keyed(target, patch, (shape, keys))?),
    }
}

/// The key of a list element: the texts of its key members.
type Key = Vec<Option<String>>;

struct Slot {
    node: Option<Node>,
    /// Of several target elements with one key upstream keeps the last and ignores the patch; a quirk.
    repeated: bool,
}

/// The patch's elements in patch order, merged with their matches, then the remaining elements of the target in theirs.
fn keyed(
    target: Vec<Node>,
    patch: Vec<Node>,
    (shape, keys): (Shape<'_>, &[String]),
) -> Result<Vec<Node>, String> {
    let keys = used_keys(keys, &target, &patch);
    let key_of =
        |node: &Node| -> Key { keys.iter().map(|key| node.get(key).and_then(Node::scalar_text)).collect() };
    let mut slots: Vec<Slot> = Vec::new();
    let mut by_key: HashMap<Key, usize> = HashMap::new();
    for element in target {
        match by_key.entry(key_of(&element)) {
            Entry::Occupied(held) => {
                if let Some(slot) = slots.get_mut(*held.get()) {
                    *slot = Slot { node: Some(element), repeated: true };
                }
            }
            Entry::Vacant(free) => {
                free.insert(slots.len());
                slots.push(Slot { node: Some(element), repeated: false });
            }
        }
    }
    let (mut merged, mut seen) = (Vec::new(), HashSet::new());
    for mut element in patch {
        let key = key_of(&element);
        if element.as_map().is_none() || !seen.insert(key.clone()) {
            // Of several patch elements with one key the first counts.
            continue;
        }
        match by_key.get(&key).and_then(|at| slots.get_mut(*at)) {
            Some(slot) if slot.repeated => merged.extend(slot.node.take()),
            Some(slot) => {
                if let Some(held) = slot.node.take() {
                    merged.extend(merge_map(held, element, shape)?);
                }
            }
            // A tuple that agrees with one of the target without being equal is taken for it, and ignored (measured).
            None if keys.len() > 1 && by_key.keys().any(|held| agree(held, &key)) => {}
            None => {
                if directive(&mut element)? != Directive::Delete {
                    merged.extend(created(element, shape)?);
                }
            }
        }
    }
    merged.extend(slots.into_iter().filter_map(|slot| slot.node));
    Ok(merged)
}

/// Whether two key tuples are equal wherever both are set, and both are set somewhere.
fn agree(a: &Key, b: &Key) -> bool {
    let both = || a.iter().zip(b).filter(|(a, b)| a.is_some() && b.is_some());
    both().next().is_some() && both().all(|(a, b)| a == b)
}

/// If no element has a secondary key, only the first counts.
fn used_keys<'k>(keys: &'k [String], target: &[Node], patch: &[Node]) -> Vec<&'k str> {
    let used = |key: &&String| target.iter().chain(patch).any(|item| item.get(key).is_some());
    let first = keys.iter().take(1).map(String::as_str);
    first.chain(keys.iter().skip(1).filter(used).map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::id::GvkRef;
    use super::super::schema::Schemas;
    use super::*;
    use crate::yaml::{Loader, Profile};

    /// Cases measured on the reference; `container` is one member of a container.
    #[test]
    fn lists_merge_as_measured_on_the_reference() {
        fn check(target: &str, patch: &str, expected: &str) {
            let wrap = |member: &str| {
                let text =
                    format!("{{spec: {{template: {{spec: {{containers: [{{name: a, {member}}}]}}}}}}}}");
                Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap().remove(0)
            };
            let schemas = Schemas::default();
            let shape = schemas.of(GvkRef::new("apps/v1", "Deployment"));
            let merged = merge(wrap(target), wrap(patch), shape).unwrap().unwrap();
            let expected = wrap(expected);
            assert_eq!(merged.to_json(), expected.to_json(), "{target} + {patch}");
        }
        check(
            "env: [{name: A}, {name: B}]",
            "env: [{name: B, value: x}]",
            "env: [{name: B, value: x}, {name: A}]",
        );
        check("env: [{name: A}, {name: B}]", "env: [{name: B, $patch: delete}]", "env: [{name: A}]");
        check("env: [{name: A}]", "env: [{name: A, $patch: delete}]", "env: []");
        check(
            "env: [{name: A, value: x}]",
            "env: [{name: A, value: ~, valueFrom: {x: ~}}]",
            "env: [{name: A, valueFrom: {}}]",
        );
        check("env: [{name: A}]", "env: [{$patch: replace}, {name: C}]", "env: [{name: C}]");
        check(
            "env: [{name: X, value: a}, {name: X, value: b}]",
            "env: [{name: X, value: c}]",
            "env: [{name: X, value: b}]",
        );
        check(
            "env: [{name: X}]",
            "env: [{name: X, value: c}, {name: X, value: d}]",
            "env: [{name: X, value: c}]",
        );
        check("args: [a, b]", "args: [c]", "args: [c]");
        check("x: [{a: 1}]", "x: [{$patch: delete}]", "x: [{$patch: delete}]");
        check(
            "ports: [{containerPort: 80, protocol: TCP, name: w}]",
            "ports: [{containerPort: 80, name: q}]",
            "ports: [{containerPort: 80, protocol: TCP, name: w}]",
        );
        check(
            "ports: [{containerPort: 80, name: w}]",
            "ports: [{containerPort: 80, name: q}]",
            "ports: [{containerPort: 80, name: q}]",
        );
        check("x: {a: 1, b: 2}", "x: {$patch: replace, c: 3}", "x: {c: 3}");
        check("x: {a: ~, b: 2}", "x: {b: ~}", "x: {a: ~}");
        check("y: 1", "x: {a: {c: ~, $patch: delete}, b: [{d: ~}]}", "y: 1, x: {b: [{d: ~}]}");
    }
}
