//! Sprig's functions for lists. They take slices of any kind and give new ones.

use std::ops::ControlFlow;

use super::Param::{Any, Int};
use super::convert::{list_for, shown, texts_of, to_int};
use super::deep::equal;
use super::defaults::is_empty;
use super::{Function, Machine, any, fixed, int, items, open};
use crate::helm::fault::Fault;
use crate::helm::value::{List, ListKind, Value};

pub(super) const TABLE: &[Function] = &[
    open("list", &[], Any, list),
    open("tuple", &[], Any, list),
    fixed("append", &[Any, Any], push),
    fixed("push", &[Any, Any], push),
    fixed("mustAppend", &[Any, Any], push),
    fixed("mustPush", &[Any, Any], push),
    fixed("prepend", &[Any, Any], prepend),
    fixed("mustPrepend", &[Any, Any], prepend),
    fixed("first", &[Any], first),
    fixed("mustFirst", &[Any], first),
    fixed("last", &[Any], last),
    fixed("mustLast", &[Any], last),
    fixed("rest", &[Any], rest),
    fixed("mustRest", &[Any], rest),
    fixed("initial", &[Any], initial),
    fixed("mustInitial", &[Any], initial),
    fixed("reverse", &[Any], reverse),
    fixed("mustReverse", &[Any], reverse),
    fixed("compact", &[Any], compact),
    fixed("mustCompact", &[Any], compact),
    fixed("uniq", &[Any], uniq),
    fixed("mustUniq", &[Any], uniq),
    open("without", &[Any], Any, without),
    open("mustWithout", &[Any], Any, without),
    fixed("has", &[Any, Any], has),
    fixed("mustHas", &[Any, Any], has),
    open("slice", &[Any], Any, slice),
    open("mustSlice", &[Any], Any, slice),
    open("concat", &[], Any, concat),
    fixed("chunk", &[Int, Any], chunk),
    fixed("mustChunk", &[Int, Any], chunk),
    fixed("sortAlpha", &[Any], |machine, arguments| {
        let value = any(arguments, 0);
        let mut texts = match items(&value) {
            Some(_) => texts_of(machine, &value)?,
            None => vec![shown(machine, &value)?],
        };
        texts.sort();
        match value {
            // Upstream sorts the very list that it is given, if it is one of texts.
            Value::List(list) if list.kind() == ListKind::Strings => {
                list.sort_to(texts.into_iter().map(Value::String).collect());
                Ok(Value::List(list))
            }
            _ => Ok(Value::texts(texts)),
        }
    }),
];

/// A list for a function, its items counted as steps.
fn counted(machine: &mut dyn Machine, function: &str, value: &Value) -> Result<List, Fault> {
    let list = list_for(function, value)?;
    machine.budget().spend(list.len() as u64 / 8 + 1)?;
    machine.budget().produce(list.len() * size_of::<Value>())?;
    Ok(list)
}

fn list(_: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::list(arguments.to_vec()))
}

fn push(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "push", &any(arguments, 0))?;
    Ok(Value::list(list.iter().cloned().chain([any(arguments, 1)]).collect()))
}

fn prepend(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "prepend", &any(arguments, 0))?;
    Ok(Value::list(std::iter::once(any(arguments, 1)).chain(list.iter().cloned()).collect()))
}

fn first(_: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(list_for("find first", &any(arguments, 0))?.first().cloned().unwrap_or_default())
}

fn last(_: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(list_for("find last", &any(arguments, 0))?.last().cloned().unwrap_or_default())
}

/// Of an empty list upstream gives a nil slice.
fn part(part: Option<&[Value]>) -> Value {
    part.map_or_else(|| Value::List(List::nil(ListKind::Any)), |part| Value::list(part.to_vec()))
}

fn rest(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "find rest", &any(arguments, 0))?;
    Ok(part(list.split_first().map(|(_, rest)| rest)))
}

fn initial(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "find initial", &any(arguments, 0))?;
    Ok(part(list.split_last().map(|(_, initial)| initial)))
}

fn reverse(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "find reverse", &any(arguments, 0))?;
    Ok(Value::list(list.iter().rev().cloned().collect()))
}

fn compact(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "compact", &any(arguments, 0))?;
    Ok(Value::list(list.iter().filter(|item| !is_empty(item)).cloned().collect()))
}

/// Whether the list holds an equal value.
fn holds(machine: &mut dyn Machine, list: &[Value], value: &Value) -> Result<bool, Fault> {
    let found = list.iter().try_for_each(|item| match equal(machine, value, item) {
        Ok(false) => ControlFlow::Continue(()),
        result => ControlFlow::Break(result),
    });
    match found {
        ControlFlow::Break(result) => result,
        ControlFlow::Continue(()) => Ok(false),
    }
}

fn uniq(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "find uniq", &any(arguments, 0))?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.iter() {
        if !holds(machine, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let list = counted(machine, "find without", &any(arguments, 0))?;
    let omitted = arguments.get(1..).unwrap_or_default();
    let mut kept = Vec::new();
    for item in list.iter() {
        if !holds(machine, omitted, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    match any(arguments, 1) {
        Value::Nil => Ok(Value::Bool(false)),
        haystack => {
            let list = list_for("find has", &haystack)?;
            holds(machine, &list, &any(arguments, 0)).map(Value::Bool)
        }
    }
}

/// `list[from:to]`. Go lets `to` go beyond the length up to a capacity that nothing here knows; that is an error.
fn slice(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let value = any(arguments, 0);
    let Some(list) = items(&value) else {
        return Err(Fault::wrong(format!("list should be type of slice or array but {}", value.kind())));
    };
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    machine.budget().produce(list.len() * size_of::<Value>())?;
    let bound = |at: usize, missing: i64| {
        usize::try_from(arguments.get(at).map_or(missing, to_int)).unwrap_or(usize::MAX)
    };
    let (from, to) = (bound(1, 0), bound(2, i64::try_from(list.len()).unwrap_or(i64::MAX)));
    let part = list.get(from..to).ok_or_else(|| Fault::wrong("slice to beyond the length of the list"))?;
    match value {
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes[from..to].into())),
        Value::List(list) => Ok(Value::List(List::new(list.kind(), part.to_vec()))),
        _ => Ok(Value::list(part.to_vec())),
    }
}

fn concat(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let mut all: Option<Vec<Value>> = None;
    for value in arguments {
        let list = items(value)
            .ok_or_else(|| Fault::wrong(format!("Cannot concat type {} as list", value.kind())))?;
        machine.budget().spend(list.len() as u64 / 8)?;
        machine.budget().produce(list.len() * size_of::<Value>())?;
        if !list.is_empty() {
            all.get_or_insert_default().extend(list.iter().cloned());
        }
    }
    Ok(all.map_or_else(|| Value::List(List::nil(ListKind::Any)), Value::list))
}

fn chunk(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let value = any(arguments, 1);
    let Some(list) = items(&value) else {
        return Err(Fault::wrong(format!("Cannot chunk type {}", value.kind())));
    };
    let size = int(arguments, 0);
    let Ok(size @ 1..) = usize::try_from(size) else {
        // What upstream calculates for negative sizes: one item is a chunk, no chunk at all for lists that are not longer, else a crash.
        if size < -1 && list.len() == 1 {
            return Ok(Value::List(List::new(ListKind::Lists, vec![Value::list(list.to_vec())])));
        }
        let most = size.unsigned_abs().saturating_add(1);
        let none = size < 0 && (2..=most).contains(&(list.len() as u64));
        let chunks = Value::List(List::new(ListKind::Lists, Vec::new()));
        return if none { Ok(chunks) } else { Err(Fault::wrong("chunks need at least one item each")) };
    };
    machine.budget().produce(list.len() * 2 * size_of::<Value>())?;
    let chunks = list.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(List::new(ListKind::Lists, chunks)))
}
