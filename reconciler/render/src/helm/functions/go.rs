//! The functions that Go's `text/template` brings along.

use super::Param::{Any, Text as AText};
use super::{Action, Function, Machine, any, fixed, items, open, text};
use crate::helm::fault::Fault;
use crate::helm::template::{printf, quote::is_print};
use crate::helm::value::{Text, UintKind, Value};

pub(super) const TABLE: &[Function] = &[
    Function { name: "and", params: &[Any], rest: Some(Any), action: Action::And },
    Function { name: "or", params: &[Any], rest: Some(Any), action: Action::Or },
    fixed("not", &[Any], |_, arguments| Ok(Value::Bool(!any(arguments, 0).is_true()))),
    fixed("len", &[Any], |_, arguments| length(&any(arguments, 0))),
    open("index", &[Any], Any, |_, arguments| index(arguments)),
    open("call", &[Any], Any, |_, _| Err(Fault::wrong("no value of a template is a function"))),
    open("print", &[], Any, |machine, arguments| print(machine, arguments)),
    open("println", &[], Any, |machine, arguments| {
        arguments.iter().try_for_each(|value| machine.budget().weigh(value))?;
        let room = machine.budget().room();
        printf::sprintln(arguments, room).map(Value::String).map_err(|_| machine.budget().overflow())
    }),
    open("printf", &[AText], Any, |machine, arguments| {
        formatted(machine, &text(arguments, 0), arguments.get(1..).unwrap_or_default()).map(Value::String)
    }),
    open("html", &[], Any, |machine, arguments| escaped(machine, arguments, html)),
    open("js", &[], Any, |machine, arguments| escaped(machine, arguments, js)),
    open("urlquery", &[], Any, |machine, arguments| escaped(machine, arguments, query)),
];

fn print(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    arguments.iter().try_for_each(|value| machine.budget().weigh(value))?;
    let room = machine.budget().room();
    printf::sprint(arguments, room).map(Value::String).map_err(|_| machine.budget().overflow())
}

/// Go's `Sprintf`, within the budget.
pub(super) fn formatted(machine: &mut dyn Machine, format: &Text, values: &[Value]) -> Result<Text, Fault> {
    values.iter().try_for_each(|value| machine.budget().weigh(value))?;
    let room = machine.budget().room();
    printf::sprintf(format, values, room).map_err(|_| machine.budget().overflow())
}

/// The arguments as one text, then escaped.
fn escaped(
    machine: &mut dyn Machine,
    arguments: &[Value],
    escape: fn(&[u8]) -> Vec<u8>,
) -> Result<Value, Fault> {
    let shown = |value: &Value| match value {
        Value::Nil => Value::text("<no value>"),
        value => value.clone(),
    };
    let arguments: Vec<Value> = arguments.iter().map(shown).collect();
    let Value::String(text) = print(machine, &arguments)? else { return Ok(Value::Nil) };
    machine.budget().produce(text.len().saturating_mul(6))?;
    Ok(Value::text(escape(text.as_bytes())))
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend("\u{fffd}".bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            byte => out.push(*byte),
        }
    }
    out
}

fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' | '"' => out.extend([b'\\', c as u8]),
                '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => {
                    out.extend(format!("\\u{:04X}", u32::from(c)).bytes());
                }
                c if c.is_ascii() || is_print(c) => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                c => out.extend(format!("\\u{:04X}", u32::from(c)).bytes()),
            }
        }
        // Go takes such a byte for U+FFFD, which prints, and writes the byte.
        out.extend(chunk.invalid());
    }
    out
}

fn query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            byte => out.extend(format!("%{byte:02X}").bytes()),
        }
    }
    out
}

fn length(value: &Value) -> Result<Value, Fault> {
    let length = match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Dict(dict) => dict.len(),
        Value::Host(object) => match object.plain() {
            Some(plain) => return length(&plain),
            None => return Err(Fault::wrong(format!("len of type {}", object.type_name()))),
        },
        Value::Nil => return Err(Fault::wrong("len of nil pointer")),
        value => return Err(Fault::wrong(format!("len of type {}", value.type_name()))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(arguments: &[Value]) -> Result<Value, Fault> {
    let Some((item, indexes)) = arguments.split_first() else { return Ok(Value::Nil) };
    if matches!(item, Value::Nil) {
        return Err(Fault::wrong("index of untyped nil"));
    }
    indexes.iter().try_fold(item.clone(), |item, index| member(&item, index))
}

fn member(item: &Value, index: &Value) -> Result<Value, Fault> {
    match item {
        Value::Nil => Err(Fault::wrong("index of nil pointer")),
        Value::String(text) => {
            let at = position(index, text.len())?;
            Ok(Value::Uint(UintKind::Uint8, u64::from(text.as_bytes().get(at).copied().unwrap_or(0))))
        }
        Value::Host(object) => match object.plain() {
            Some(plain) => member(&plain, index),
            None => Err(Fault::wrong(format!("can't index item of type {}", object.type_name()))),
        },
        Value::Dict(dict) => match index {
            Value::String(key) => Ok(dict.get(&key.as_str()).unwrap_or_else(|| dict.zero())),
            Value::Nil => Err(Fault::wrong("value is nil; should be of type string")),
            index => Err(Fault::wrong(format!("value has type {}; should be string", index.type_name()))),
        },
        item => {
            let Some(list) = items(item) else {
                return Err(Fault::wrong(format!("can't index item of type {}", item.type_name())));
            };
            let at = position(index, list.len())?;
            Ok(list.get(at).cloned().unwrap_or_default())
        }
    }
}

/// A number as a place in something of this length.
fn position(index: &Value, length: usize) -> Result<usize, Fault> {
    let number = match index {
        Value::Int(_, number) => Some(*number),
        Value::Uint(_, number) => i64::try_from(*number).ok(),
        Value::Nil => return Err(Fault::wrong("cannot index slice/array with nil")),
        other => {
            return Err(Fault::wrong(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    number
        .and_then(|number| usize::try_from(number).ok())
        .filter(|at| *at < length)
        .ok_or_else(|| Fault::wrong("index out of range"))
}
