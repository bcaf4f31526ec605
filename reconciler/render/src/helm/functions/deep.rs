//! Whole values: equal, copied, merged. All of it is bounded, for a map may hold itself.

use super::Machine;
use super::defaults::is_empty;
use crate::helm::fault::Fault;
use crate::helm::value::{DEPTH, Dict, DictKind, List, TooDeep, Value};

fn below(levels: usize) -> Result<usize, Fault> {
    levels.checked_sub(1).ok_or_else(|| Fault::wrong(TooDeep.to_string()))
}

/// Go's `reflect.DeepEqual`: types have to be the same, too, so 1 is not 1.0 and an empty list is no nil.
pub(super) fn equal(machine: &mut dyn Machine, a: &Value, b: &Value) -> Result<bool, Fault> {
    levels_equal(machine, a, b, DEPTH)
}

fn levels_equal(machine: &mut dyn Machine, a: &Value, b: &Value, levels: usize) -> Result<bool, Fault> {
    machine.budget().spend(1)?;
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(kind, a), Value::Int(other, b)) => kind == other && a == b,
        (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.kind() != b.kind() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            let below = below(levels)?;
            for (a, b) in a.iter().zip(b.iter()) {
                if !levels_equal(machine, a, b, below)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if a.kind() != b.kind() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.is(b) {
                return Ok(true);
            }
            let below = below(levels)?;
            for ((key, a), (other, b)) in a.entries().iter().zip(b.entries().iter()) {
                if key != other || !levels_equal(machine, a, b, below)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Host(a), Value::Host(b)) => {
            std::rc::Rc::ptr_eq(a, b) || (a.type_name() == b.type_name() && a.display() == b.display())
        }
        _ => false,
    })
}

/// A value that shares no map with the original.
pub(super) fn copied(machine: &mut dyn Machine, value: &Value) -> Result<Value, Fault> {
    if matches!(value, Value::Nil) {
        return Err(Fault::wrong("a nil cannot be copied"));
    }
    machine.budget().weigh(value)?;
    levels_copied(value, DEPTH)
}

fn levels_copied(value: &Value, levels: usize) -> Result<Value, Fault> {
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let below = below(levels)?;
            let items = list.iter().map(|item| levels_copied(item, below));
            Value::List(List::new(list.kind(), items.collect::<Result<_, _>>()?))
        }
        Value::Dict(dict) => {
            let below = below(levels)?;
            let entries =
                dict.entries().into_iter().map(|(key, value)| Ok((key, levels_copied(&value, below)?)));
            Value::Dict(Dict::from_entries(dict.kind(), entries.collect::<Result<Vec<_>, Fault>>()?))
        }
        Value::Host(object) => object.deep_copied().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    })
}

/// Adds the entries of `source` to `target`, map into map, as mergo does it. Without `overwrite` only what is missing or empty.
/// Maps that `target` does not have become those of `source`, not copies of them.
pub(super) fn merge(
    machine: &mut dyn Machine,
    target: &Dict,
    source: &Dict,
    overwrite: bool,
) -> Result<(), Fault> {
    merge_levels(machine, (target, source), overwrite, DEPTH)
}

fn merge_levels(
    machine: &mut dyn Machine,
    (target, source): (&Dict, &Dict),
    overwrite: bool,
    levels: usize,
) -> Result<(), Fault> {
    let below = below(levels)?;
    for (key, new) in source.entries() {
        machine.budget().spend(1)?;
        if target.kind() == DictKind::Strings && !matches!(new, Value::String(_)) {
            return Err(Fault::wrong(format!(
                "a value of {} cannot become one of map[string]string",
                new.type_name()
            )));
        }
        let held = target.get(&key);
        match (&new, &held) {
            (Value::Nil, _) => {
                if overwrite {
                    target.insert(&key, new);
                }
                continue;
            }
            (Value::Dict(new), Some(Value::Dict(held))) => {
                merge_levels(machine, (held, new), overwrite, below)?;
            }
            _ => {}
        }
        let filled = held.as_ref().is_some_and(|held| !is_empty(held));
        let both_maps = matches!((&new, &held), (Value::Dict(_), Some(Value::Dict(_))));
        if filled && both_maps {
            continue;
        }
        if overwrite || !filled {
            if matches!(new, Value::Dict(_) | Value::List(_)) {
                machine.changed(target)?;
            }
            target.insert(&key, new);
        }
    }
    Ok(())
}
