//! Sprig's functions for maps. `set`, `unset` and the merges change the map they are given, for everyone who holds it.

use std::rc::Rc;

use super::Param::{Any, Dict as ADict, Text as AText};
use super::convert::shown;
use super::deep;
use super::{Function, Machine, any, dict, fixed, open, text};
use crate::helm::fault::Fault;
use crate::helm::value::{Dict, DictKind, Value};

pub(super) const TABLE: &[Function] = &[
    open("dict", &[], Any, make),
    fixed("get", &[ADict, AText], |_, arguments| {
        Ok(dict(arguments, 0).get(&text(arguments, 1).as_str()).unwrap_or_else(|| Value::text("")))
    }),
    fixed("set", &[ADict, AText, Any], |machine, arguments| {
        let (dict, value) = (changeable(arguments)?, any(arguments, 2));
        if matches!(value, Value::Dict(_) | Value::List(_)) {
            machine.changed(&dict)?;
        }
        dict.insert(&text(arguments, 1).as_str(), value);
        Ok(any(arguments, 0))
    }),
    fixed("unset", &[ADict, AText], |_, arguments| {
        dict(arguments, 0).remove(&text(arguments, 1).as_str());
        Ok(any(arguments, 0))
    }),
    fixed("hasKey", &[ADict, AText], |_, arguments| {
        Ok(Value::Bool(dict(arguments, 0).contains_key(&text(arguments, 1).as_str())))
    }),
    open("pluck", &[AText], ADict, |_, arguments| {
        let key = text(arguments, 0);
        let found = (1..arguments.len()).filter_map(|at| dict(arguments, at).get(&key.as_str()));
        Ok(Value::list(found.collect()))
    }),
    open("keys", &[], ADict, |machine, arguments| {
        let mut keys: Vec<Rc<str>> = Vec::new();
        for at in 0..arguments.len() {
            let more = dict(arguments, at).keys();
            machine.budget().spend(more.len() as u64)?;
            keys.extend(more);
        }
        Ok(Value::texts(keys))
    }),
    fixed("values", &[ADict], |machine, arguments| {
        let entries = dict(arguments, 0).entries();
        machine.budget().spend(entries.len() as u64)?;
        Ok(Value::list(entries.into_iter().map(|(_, value)| value).collect()))
    }),
    open("pick", &[ADict], AText, |machine, arguments| {
        machine.budget().produce(ENTRY * arguments.len())?;
        let all = dict(arguments, 0);
        let picked = (1..arguments.len()).filter_map(|at| {
            let key: Rc<str> = Rc::from(&*text(arguments, at).as_str());
            all.get(&key).map(|value| (key, value))
        });
        Ok(Dict::from_entries(DictKind::Any, picked).into())
    }),
    open("omit", &[ADict], AText, |machine, arguments| {
        let entries = dict(arguments, 0).entries();
        machine.budget().spend(entries.len() as u64)?;
        machine.budget().produce(ENTRY * entries.len())?;
        let kept = Dict::from_entries(DictKind::Any, entries);
        for at in 1..arguments.len() {
            kept.remove(&text(arguments, at).as_str());
        }
        Ok(kept.into())
    }),
    open("merge", &[ADict], ADict, |machine, arguments| merge(machine, arguments, false)),
    open("mustMerge", &[ADict], ADict, |machine, arguments| merge(machine, arguments, false)),
    open("mergeOverwrite", &[ADict], ADict, |machine, arguments| merge(machine, arguments, true)),
    open("mustMergeOverwrite", &[ADict], ADict, |machine, arguments| merge(machine, arguments, true)),
    open("dig", &[], Any, |_, arguments| dig(arguments)),
    fixed("deepCopy", &[Any], |machine, arguments| copy(machine, arguments)),
    fixed("mustDeepCopy", &[Any], |machine, arguments| copy(machine, arguments)),
    fixed("deepEqual", &[Any, Any], |machine, arguments| {
        deep::equal(machine, &any(arguments, 0), &any(arguments, 1)).map(Value::Bool)
    }),
];

/// Bytes of an entry of a map, more or less.
const ENTRY: usize = 96;

fn make(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    machine.budget().produce(ENTRY * (arguments.len() / 2 + 1))?;
    let made = Dict::new(DictKind::Any);
    for pair in arguments.chunks(2) {
        let key = shown(machine, &any(pair, 0))?;
        made.insert(&key.as_str(), pair.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    Ok(made.into())
}

/// The map of the first argument; a nil one cannot take anything.
fn changeable(arguments: &[Value]) -> Result<Dict, Fault> {
    match arguments.first() {
        Some(Value::Dict(dict)) if !dict.is_nil() => Ok(dict.clone()),
        _ => Err(Fault::wrong("assignment to entry in nil map")),
    }
}

fn merge(machine: &mut dyn Machine, arguments: &[Value], overwrite: bool) -> Result<Value, Fault> {
    let target = match dict(arguments, 0) {
        nil if nil.is_nil() && arguments.len() > 1 => Dict::new(DictKind::Any),
        target => target,
    };
    for at in 1..arguments.len() {
        deep::merge(machine, &target, &dict(arguments, at), overwrite)?;
    }
    Ok(target.into())
}

fn copy(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    deep::copied(machine, &any(arguments, 0))
}

/// `dig "a" "b" default map`.
fn dig(arguments: &[Value]) -> Result<Value, Fault> {
    let [keys @ .., default, map] = arguments else {
        return Err(Fault::wrong("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(Fault::wrong("dig needs at least three arguments"));
    }
    if let Some(key) = keys.iter().find(|key| !matches!(key, Value::String(_))) {
        return Err(Fault::wrong(format!("a key to dig for is {}, not string", key.type_name())));
    }
    let mut held = map.clone();
    for key in keys.iter().filter_map(Value::as_text) {
        // Only maps of the very type will do, a nil is an error, too.
        let Value::Dict(dict) = &held else {
            return Err(Fault::wrong(format!("cannot dig in {}", held.type_name())));
        };
        if dict.kind() != DictKind::Any {
            return Err(Fault::wrong(format!("cannot dig in {}", held.type_name())));
        }
        match dict.get(&key.as_str()) {
            None => return Ok(default.clone()),
            Some(value) => held = value,
        }
    }
    Ok(held)
}
