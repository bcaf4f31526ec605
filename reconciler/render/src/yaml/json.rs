//! Values as JSON, with the two spellings that matter: serde's, and Go's compact encoder for content hashes.

use std::fmt::Write as _;

use serde_json::{Number, Value as Json};

use super::scalar::full_time;
use super::{Float, Map, Node, Value, go_float};

pub(super) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Blank => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::Number((*i).into()),
        Value::Uint(u) => Json::Number((*u).into()),
        Value::Float(float) => {
            whole(float.number).or_else(|| Number::from_f64(float.number)).map_or(Json::Null, Json::Number)
        }
        Value::String(text) => Json::String(text.clone()),
        Value::Time(text) => Json::String(full_time(text)),
        Value::Seq(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, node)| (key.to_owned(), to_json(node))).collect())
        }
    }
}

pub(super) fn from_json(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Value::Int(number),
            (_, Some(number), _) => Value::Uint(number),
            (_, _, number) => {
                let number = number.unwrap_or_default();
                Value::Float(Box::new(Float { number, text: go_float(number) }))
            }
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Seq(items.iter().map(from_json).collect()),
        Json::Object(map) => {
            let entries = map.iter().map(|(key, value)| (Box::from(key.as_str()), from_json(value)));
            Value::Map(Map::from_entries(entries.collect()))
        }
    };
    value.into()
}

/// The integer that a float is read back as, where 64 bits hold it: Go writes the digits that tell it from other floats, and zeros.
fn whole(number: f64) -> Option<Number> {
    if number.fract() != 0.0 || number.abs() >= 18_446_744_073_709_551_616.0 {
        return None;
    }
    let text = number.to_string();
    let signed = text.parse::<i64>().map(Number::from);
    signed.or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

/// How a float is printed once it went through JSON: as an integer where it is one.
pub(super) fn float_text(number: f64) -> String {
    whole(number).map_or_else(|| go_float(number), |n| n.to_string())
}

/// Compact JSON with sorted keys, spelled like Go's encoder: `<`, `>`, `&`, U+2028 and U+2029 escaped.
pub(crate) fn go_json(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, None);
    out
}

/// The same with line breaks and two blanks per level.
pub(crate) fn go_json_indented(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node, Some(0));
    out
}

/// Begins a line at this level, when lines are wanted.
fn new_line(out: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", level));
    }
}

fn write(out: &mut String, node: &Node, level: Option<usize>) {
    let inner = level.map(|level| level + 1);
    match &node.value {
        Value::Null | Value::Blank => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(i) => out.push_str(&i.to_string()),
        Value::Uint(u) => out.push_str(&u.to_string()),
        Value::Float(float) => out.push_str(&json_float(float.number)),
        Value::String(text) => write_text(out, text),
        Value::Time(text) => write_text(out, &full_time(text)),
        Value::Seq(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                new_line(out, inner);
                write(out, item, inner);
            }
            if !items.is_empty() {
                new_line(out, level);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, node)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                new_line(out, inner);
                write_text(out, key);
                out.push_str(if level.is_some() { ": " } else { ":" });
                write(out, node, inner);
            }
            if !map.is_empty() {
                new_line(out, level);
            }
            out.push('}');
        }
    }
}

/// Go's JSON spelling of a float: plain digits between 1e-6 and 1e21, and exponents without a leading zero.
fn json_float(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    go_float(number).replacen("e-0", "e-", 1)
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::{Loader, Profile};
    use super::*;

    #[test]
    fn json_is_spelled_like_go() {
        let text = "z: <a>&\nb: [1.0, 1e21, 0.5, true, ~, \"\\u2028\\t\"]\n";
        let documents = Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap();
        assert_eq!(
            go_json(&documents[0]),
            r#"{"b":[1,1e+21,0.5,true,null,"\u2028\t"],"z":"\u003ca\u003e\u0026"}"#
        );
    }
}
