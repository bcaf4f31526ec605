//! JSON patches as kustomize applies them, which is not RFC 6902 (`spec/rendering.md` 2.12): negative indexes, indexes with
//! leading zeros, `replace` of a missing member and paths without a leading slash are accepted.

use super::bounds;
use crate::yaml::{Node, Value};

/// Operations of one patch.
const MAX_OPERATIONS: usize = 2_000;

/// One operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    op: Op,
    path: Vec<String>,
    from: Vec<String>,
    value: Node,
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
        return Err(format!("more than {MAX_OPERATIONS} operations in one patch; split it"));
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
        return Err(format!("the path has more than {} parts", bounds::MAX_PATH));
    }
    let value = item.get("value").cloned();
    if value.is_none() && matches!(op, Op::Add | Op::Replace) {
        return Err("value is missing".to_owned());
    }
    Ok(Operation {
        op,
        path: pointer(path),
        from: pointer(from.unwrap_or_default()),
        value: value.unwrap_or_default(),
    })
}

/// The parts after the first slash; whatever is before it is dropped.
fn pointer(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Applies the operations in order; the first that fails ends it.
pub(super) fn apply(node: &mut Node, operations: &[Operation]) -> Result<(), String> {
    for (at, operation) in operations.iter().enumerate() {
        let path = || operation.path.join("/");
        one(node, operation).map_err(|e| format!("operation {at} at '/{}': {e}", path()))?;
    }
    bounds::check(node)
}

fn one(node: &mut Node, operation: &Operation) -> Result<(), String> {
    match operation.op {
        Op::Add => add(node, &operation.path, operation.value.clone()),
        Op::Remove => remove(node, &operation.path).map(drop),
        Op::Replace => replace(node, &operation.path, operation.value.clone()),
        Op::Move => {
            let taken = remove(node, &operation.from)?;
            add(node, &operation.path, taken)
        }
        Op::Copy => {
            let copied = lookup(node, &operation.from).cloned().ok_or("nothing at 'from'")?;
            add(node, &operation.path, copied)?;
            bounds::check(node)
        }
        Op::Test => match lookup(node, &operation.path) {
            Some(held) if equal(held, &operation.value) => Ok(()),
            None if operation.value.is_null() => Ok(()),
            _ => Err("the test failed: another value is there".to_owned()),
        },
    }
}

fn split_last(path: &[String]) -> Result<(&String, &[String]), String> {
    path.split_last().ok_or_else(|| "the whole object cannot be the target".to_owned())
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

fn lookup<'n>(node: &'n Node, path: &[String]) -> Option<&'n Node> {
    path.iter().try_fold(node, |here, part| match &here.value {
        Value::Map(map) => map.get(part),
        Value::Seq(items) => index(part, items.len()).and_then(|at| items.get(at)),
        _ => None,
    })
}

/// An index into a list of this length; negative ones count from the end.
fn index(part: &str, length: usize) -> Option<usize> {
    let number: i64 = part.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let at = if number < 0 { number + length } else { number };
    usize::try_from(at).ok()
}

fn add(node: &mut Node, path: &[String], value: Node) -> Result<(), String> {
    let Ok((last, before)) = split_last(path) else {
        node.value = value.value;
        return Ok(());
    };
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

fn remove(node: &mut Node, path: &[String]) -> Result<Node, String> {
    let (last, before) = split_last(path)?;
    match &mut parent(node, before)?.value {
        Value::Map(map) => map.remove(last).ok_or_else(|| format!("'{last}' does not exist")),
        Value::Seq(items) => match index(last, items.len()).filter(|at| *at < items.len()) {
            Some(at) => Ok(items.remove(at)),
            None => Err(format!("the list has {} elements only", items.len())),
        },
        _ => Err("its parent is neither a map nor a list".to_owned()),
    }
}

fn replace(node: &mut Node, path: &[String], value: Node) -> Result<(), String> {
    let Ok((last, before)) = split_last(path) else {
        node.value = value.value;
        return Ok(());
    };
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
        let refused = "operation 198 at '/a/b': the object would be nested deeper than 200 levels";
        check("{a: {}}", &format!("[{doubling}]"), refused);
        check(
            "{a: 1}",
            "[{op: Add, path: /b, value: 1}]",
            "operation 0: unknown op 'Add': use add, remove, replace, move, copy or test",
        );
    }
}
