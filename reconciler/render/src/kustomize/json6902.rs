//! JSON patches as kustomize applies them, which is not RFC 6902 (`spec/rendering.md` 2.12): negative indexes, indexes with
//! leading zeros, `replace` of a missing member and paths without a leading slash are accepted.

use super::bounds;
use super::shared;
use crate::yaml::{Float, Node, Value, go_float, is_written_quoted, resolve_text};

/// Operations of one patch.
const MAX_OPERATIONS: usize = 2_000;

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    op: Op,
    path: Pointer,
    from: Pointer,
    value: Option<Node>,
}

/// Where an operation reads or writes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pointer {
    /// The empty path.
    Whole,
    /// A path without any slash, which leads nowhere.
    Nowhere,
    At(Vec<String>),
}

impl Pointer {
    /// The parts after the first slash; whatever is before it is dropped.
    fn parse(text: &str) -> Self {
        let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
        match text.split_once('/') {
            Some((_, rest)) => Pointer::At(rest.split('/').map(part).collect()),
            None if text.is_empty() => Pointer::Whole,
            None => Pointer::Nowhere,
        }
    }

    /// The way to the parent, and the last part.
    fn split(&self) -> Result<(&[String], &String), String> {
        let parts = if let Pointer::At(parts) = self { parts.as_slice() } else { &[] };
        let (last, before) = parts.split_last().ok_or_else(|| "the path leads nowhere".to_owned())?;
        Ok((before, last))
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Pointer::At(parts) = self else { return Ok(()) };
        parts.iter().try_for_each(|part| write!(f, "/{part}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// Reads a list of operations.
pub(super) fn operations(node: &Node) -> Result<Vec<Operation>, String> {
    let items = node.as_seq().ok_or("a JSON patch is a list of operations")?;
    if items.len() > MAX_OPERATIONS {
        return Err(bounds::over(&format!("more than {MAX_OPERATIONS} operations in one patch")));
    }
    items
        .iter()
        .enumerate()
        .map(|(at, item)| operation(item).map_err(|e| format!("operation {at}: {e}")))
        .collect()
}

fn operation(item: &Node) -> Result<Operation, String> {
    let op = match item.str_at(&["op"]).unwrap_or_default() {
        "add" => Op::Add,
        "remove" => Op::Remove,
        "replace" => Op::Replace,
        "move" => Op::Move,
        "copy" => Op::Copy,
        "test" => Op::Test,
        other => return Err(format!("unknown op '{other}': use add, remove, replace, move, copy or test")),
    };
    let path = item.str_at(&["path"]).ok_or("path is missing")?;
    let from = item.str_at(&["from"]);
    if from.is_none() && matches!(op, Op::Move | Op::Copy) {
        return Err("from is missing".to_owned());
    }
    if path.split('/').count() > bounds::MAX_PATH {
        return Err(bounds::over(&format!("the path has more than {} parts", bounds::MAX_PATH)));
    }
    Ok(Operation {
        op,
        path: Pointer::parse(path),
        from: Pointer::parse(from.unwrap_or_default()),
        value: item.get("value").cloned(),
    })
}

/// Applies the operations in order; the first that fails ends it.
pub(super) fn apply(node: &mut Node, operations: &[Operation]) -> Result<(), String> {
    read_annotations(node);
    for (at, operation) in operations.iter().enumerate() {
        one(node, operation).map_err(|e| format!("operation {at} at '{}': {e}", operation.path))?;
    }
    bounds::check(node)?;
    if node.as_map().is_none() {
        return Err(format!("the object would become {}", node.kind_name()));
    }
    through_json(node);
    shared::separate(node);
    Ok(())
}

/// The reference takes the object to JSON and back: numbers become floats, and quotes are where YAML needs them.
fn through_json(node: &mut Node) {
    node.untyped = false;
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(through_json),
        Value::Map(map) => map.values_mut().for_each(through_json),
        Value::Blank => node.value = Value::Null,
        Value::Time(_) => {
            if let Some(text) = node.to_json().as_str() {
                node.value = Value::String(text.to_owned());
                node.quoted = true;
            }
        }
        Value::Int(number) if number.unsigned_abs() >= 1_000_000 => node.value = float(*number as f64),
        Value::Uint(number) => node.value = float(*number as f64),
        Value::Float(held) => node.value = float(held.number),
        Value::String(text) => node.quoted = is_written_quoted(text),
        _ => {}
    }
}

/// What JSON makes of annotations that are written like numbers.
fn read_annotations(node: &mut Node) {
    let annotations = node.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let Some(map) = annotations.and_then(Node::as_map_mut) else { return };
    for held in map.values_mut().filter(|held| held.unread) {
        held.unread = false;
        if let Some(text) = held.as_str() {
            held.value = resolve_text(text);
        }
    }
}

/// A float as it is written after that, or the small whole number it is.
fn float(number: f64) -> Value {
    match go_float(number).parse() {
        Ok(whole) => Value::Int(whole),
        Err(_) => Value::Float(Box::new(Float { number, text: go_float(number) })),
    }
}

fn one(node: &mut Node, operation: &Operation) -> Result<(), String> {
    // A missing value is null.
    let value = || operation.value.clone().unwrap_or_default();
    match operation.op {
        Op::Add => add(node, &operation.path, value()),
        Op::Remove => remove(node, &operation.path).map(drop),
        Op::Replace => replace(node, &operation.path, value()),
        Op::Move => {
            let taken = remove(node, &operation.from)?;
            add(node, &operation.path, taken)
        }
        Op::Copy => {
            // A missing member is copied as null.
            let copied = held(node, &operation.from)?.cloned().unwrap_or_default();
            add(node, &operation.path, copied)?;
            bounds::check(node)
        }
        Op::Test => {
            let found =
                if operation.path == Pointer::Whole { Some(&*node) } else { held(node, &operation.path)? };
            let wanted = operation.value.as_ref().filter(|value| !value.is_null());
            match (found.filter(|found| !found.is_null()), wanted) {
                (None, None) => Ok(()),
                (Some(found), Some(wanted)) if equal(found, wanted) => Ok(()),
                _ => Err("the test failed: another value is there".to_owned()),
            }
        }
    }
}

fn parent<'n>(node: &'n mut Node, path: &[String]) -> Result<&'n mut Node, String> {
    let mut here = node;
    for part in path {
        here = match &mut here.value {
            Value::Map(map) => map.get_mut(part),
            Value::Seq(items) => index(part, items.len()).and_then(|at| items.get_mut(at)),
            _ => None,
        }
        .ok_or_else(|| format!("'{part}' does not exist"))?;
    }
    Ok(here)
}

/// What is at a path whose parent exists; a map may lack the member.
fn held<'n>(node: &'n Node, path: &Pointer) -> Result<Option<&'n Node>, String> {
    let (before, last) = path.split()?;
    let mut here = node;
    for part in before {
        here = member(here, part).ok_or_else(|| format!("'{part}' does not exist"))?;
    }
    match &here.value {
        Value::Map(map) => Ok(map.get(last)),
        Value::Seq(items) => match member(here, last) {
            Some(found) => Ok(Some(found)),
            None => Err(format!("the list has {} elements only", items.len())),
        },
        _ => Err("its parent is neither a map nor a list".to_owned()),
    }
}

fn member<'n>(node: &'n Node, part: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(map) => map.get(part),
        Value::Seq(items) => index(part, items.len()).and_then(|at| items.get(at)),
        _ => None,
    }
}

/// An index into a list of this length; negative ones count from the end.
fn index(part: &str, length: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let at = if number < 0 { number + length } else { number };
    usize::try_from(at).ok()
}

fn add(node: &mut Node, path: &Pointer, value: Node) -> Result<(), String> {
    let (before, last) = path.split()?;
    match &mut parent(node, before)?.value {
        Value::Map(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Seq(items) => {
            // Behind the last element counts as an index here, so that -1 appends.
            let at = if last == "-" { Some(items.len()) } else { index(last, items.len() + 1) };
            match at.filter(|at| *at <= items.len()) {
                Some(at) => {
                    items.insert(at, value);
                    Ok(())
                }
                None => Err(format!("the list has {} elements only", items.len())),
            }
        }
        _ => Err("its parent is neither a map nor a list".to_owned()),
    }
}

fn remove(node: &mut Node, path: &Pointer) -> Result<Node, String> {
    let (before, last) = path.split()?;
    match &mut parent(node, before)?.value {
        Value::Map(map) => map.remove(last).ok_or_else(|| format!("'{last}' does not exist")),
        Value::Seq(items) => match index(last, items.len()).filter(|at| *at < items.len()) {
            Some(at) => Ok(items.remove(at)),
            None => Err(format!("the list has {} elements only", items.len())),
        },
        _ => Err("its parent is neither a map nor a list".to_owned()),
    }
}

fn replace(node: &mut Node, path: &Pointer, value: Node) -> Result<(), String> {
    if *path == Pointer::Whole {
        node.value = value.value;
        return Ok(());
    }
    let (before, last) = path.split()?;
    match &mut parent(node, before)?.value {
        Value::Map(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Seq(items) => {
            let length = items.len();
            match index(last, length).and_then(|at| items.get_mut(at)) {
                Some(held) => {
                    *held = value;
                    Ok(())
                }
                None => Err(format!("the list has {length} elements only")),
            }
        }
        _ => Err("its parent is neither a map nor a list".to_owned()),
    }
}

/// Equality that compares numbers by value: 1 equals 1.0.
fn equal(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Seq(a), Value::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((ka, a), (kb, b))| ka == kb && equal(a, b))
        }
        (
            Value::Int(_) | Value::Uint(_) | Value::Float(_),
            Value::Int(_) | Value::Uint(_) | Value::Float(_),
        ) => a.to_json() == b.to_json(),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile};

    #[test]
    fn operations_behave_as_measured_on_the_reference() {
        fn check(object: &str, patch: &str, expected: &str) {
            let load =
                |text: &str| Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap().remove(0);
            let mut node = load(object);
            let done = operations(&load(patch)).and_then(|ops| apply(&mut node, &ops));
            let got = done.map_or_else(|e| e, |()| node.to_json().to_string());
            assert_eq!(got, expected, "{patch}");
        }
        check("{a: [1, 2]}", "[{op: add, path: /a/-, value: 3}]", r#"{"a":[1,2,3]}"#);
        check("{a: [1, 2]}", "[{op: add, path: /a/-1, value: 3}]", r#"{"a":[1,2,3]}"#);
        check("{a: [1, 2]}", "[{op: remove, path: /a/-1}]", r#"{"a":[1]}"#);
        check("{a: [1, 2]}", "[{op: replace, path: /a/01, value: 3}]", r#"{"a":[1,3]}"#);
        check("{a: 1}", "[{op: replace, path: /b, value: 3}]", r#"{"a":1,"b":3}"#);
        check("{a: 1}", "[{op: test, path: /a, value: 1.0}, {op: remove, path: a/a}]", "{}");
        check("{a: 1}", "[{op: test, path: /b, value: null}]", r#"{"a":1}"#);
        check("{a: 1}", "[{op: remove, path: /b}]", "operation 0 at '/b': 'b' does not exist");
        check("{a: 1}", "[{op: add, path: /b/c, value: 1}]", "operation 0 at '/b/c': 'b' does not exist");
        check(
            "{a: [1]}",
            "[{op: add, path: /a/5, value: 1}]",
            "operation 0 at '/a/5': the list has 1 elements only",
        );
        check(
            "{a: [1]}",
            "[{op: replace, path: /a/-, value: 1}]",
            "operation 0 at '/a/-': the list has 1 elements only",
        );
        check("{a/b: {c~d: 1}}", "[{op: move, from: /a~1b/c~0d, path: /x}]", r#"{"a/b":{},"x":1}"#);
        let doubling = vec!["{op: copy, from: /a, path: /a/b}"; 400].join(", ");
        let refused = "operation 198 at '/a/b': the object would be nested deeper than 200 levels; that is more than a render makes of one object";
        check("{a: {}}", &format!("[{doubling}]"), refused);
        check(
            "{a: 1}",
            "[{op: Add, path: /b, value: 1}]",
            "operation 0: unknown op 'Add': use add, remove, replace, move, copy or test",
        );
    }
}
