//! Values as JSON, with the two spellings that matter: serde's, and Go's compact encoder for content hashes.

use std::fmt::Write as _;

use serde_json::{Number, Value as Json};

use super::{Node, Value, go_float};

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
        Value::Seq(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, node)| (key.to_owned(), to_json(node))).collect())
        }
    }
}

/// The integer a float is, where 64 bits hold it.
fn whole(number: f64) -> Option<Number> {
    if number.fract() != 0.0 {
        return None;
    }
    // Both bounds are exact powers of two, so the casts below cannot change the number.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) {
        return Some((number as i64).into());
    }
    (0.0..18_446_744_073_709_551_616.0).contains(&number).then(|| (number as u64).into())
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
