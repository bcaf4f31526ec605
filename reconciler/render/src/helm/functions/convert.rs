//! What functions make of any value: a text, a list of texts, a number. Sprig's `strval` and `strslice`, and spf13's `cast`.

use super::{Machine, go, items};
use crate::helm::fault::Fault;
use crate::helm::template::constants::{parse_float, parse_int};
use crate::helm::value::{IntKind, List, Text, Value};

/// The text of a value.
pub(super) fn shown(machine: &mut dyn Machine, value: &Value) -> Result<Text, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bytes(bytes) => Ok(Text::from(&**bytes)),
        value => go::formatted(machine, &Text::from("%v"), std::slice::from_ref(value)),
    }
}

/// The texts of a list, nils left out; of any other value its text.
pub(super) fn texts_of(machine: &mut dyn Machine, value: &Value) -> Result<Vec<Text>, Fault> {
    match items(value) {
        Some(list) => {
            machine.budget().spend(list.len() as u64)?;
            let there = list.iter().filter(|item| !matches!(item, Value::Nil));
            there.map(|item| shown(machine, item)).collect()
        }
        None if matches!(value, Value::Nil) => Ok(Vec::new()),
        None => Ok(vec![shown(machine, value)?]),
    }
}

/// The items of a list, or an error that says what the value is instead.
pub(super) fn list_for(function: &str, value: &Value) -> Result<List, Fault> {
    items(value).ok_or_else(|| Fault::wrong(format!("Cannot {function} on type {}", value.kind())))
}

/// A value as an integer; 0 where it is none.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(IntKind::Duration, _) => 0,
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => number.cast_signed(),
        Value::Float(number) => float_to_int(*number),
        Value::Bool(b) => i64::from(*b),
        Value::String(text) => parse_int(without_zero_decimals(&text.as_str())).unwrap_or(0),
        _ => 0,
    }
}

/// Go's conversion on the machines that matter: what does not fit is the smallest number.
pub(super) fn float_to_int(number: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}

/// `8.00` is `8`.
fn without_zero_decimals(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    }
}

/// A value as a floating point number; 0 where it is none.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(IntKind::Duration, _) => 0.0,
        Value::Int(_, number) => *number as f64,
        Value::Uint(_, number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => parse_float(&text.as_str()).unwrap_or(0.0),
        _ => 0.0,
    }
}
