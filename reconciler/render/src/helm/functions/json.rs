//! JSON, as Go's `encoding/json` writes it.

use super::Param::{Any, Text as AText};
use super::json_reader::{Read, read};
use super::{Function, Machine, any, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::template::float;
use crate::helm::value::{DEPTH, Dict, DictKind, IntKind, List, ListKind, TooDeep, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("toJson", &[Any], |machine, arguments| lenient(machine, arguments, COMPACT)),
    fixed("mustToJson", &[Any], |machine, arguments| strict(machine, arguments, COMPACT)),
    fixed("toPrettyJson", &[Any], |machine, arguments| lenient(machine, arguments, PRETTY)),
    fixed("mustToPrettyJson", &[Any], |machine, arguments| strict(machine, arguments, PRETTY)),
    fixed("toRawJson", &[Any], |machine, arguments| strict(machine, arguments, RAW)),
    fixed("mustToRawJson", &[Any], |machine, arguments| strict(machine, arguments, RAW)),
    fixed("fromJson", &[AText], |machine, arguments| from_json(machine, arguments)),
    fixed("mustFromJson", &[AText], |machine, arguments| {
        parse(machine, arguments)?.and_then(Read::whole).map_err(Fault::wrong)
    }),
    fixed("fromJsonArray", &[AText], |machine, arguments| from_json_array(machine, arguments)),
];

/// How JSON is written.
#[derive(Clone, Copy)]
struct Spelling {
    /// Whether `<`, `>` and `&` are escaped.
    html: bool,
    /// Whether every member has its line.
    pretty: bool,
}

const COMPACT: Spelling = Spelling { html: true, pretty: false };
const PRETTY: Spelling = Spelling { html: true, pretty: true };
const RAW: Spelling = Spelling { html: false, pretty: false };

fn strict(machine: &mut dyn Machine, arguments: &[Value], spelling: Spelling) -> Result<Value, Fault> {
    let value = any(arguments, 0);
    machine.budget().weigh(&value)?;
    encode(&value, spelling).map(Value::text).map_err(Fault::wrong)
}

/// What JSON cannot say becomes nothing.
fn lenient(machine: &mut dyn Machine, arguments: &[Value], spelling: Spelling) -> Result<Value, Fault> {
    let value = any(arguments, 0);
    machine.budget().weigh(&value)?;
    Ok(Value::text(encode(&value, spelling).unwrap_or_default()))
}

fn encode(value: &Value, spelling: Spelling) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), spelling, level: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    spelling: Spelling,
    level: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        if self.level > DEPTH {
            return Err(TooDeep.to_string());
        }
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(_, number) => self.out.push_str(&number.to_string()),
            Value::Uint(_, number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&number_text(*number)?),
            Value::String(text) => self.text(text.as_bytes()),
            Value::Bytes(bytes) => {
                use base64::Engine as _;
                self.text(base64::engine::general_purpose::STANDARD.encode(bytes).as_bytes());
            }
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                self.nested(('[', ']'), list.len(), |writer, at| match list.get(at) {
                    Some(item) => writer.value(item),
                    None => Ok(()),
                })?;
            }
            Value::Dict(dict) if dict.is_nil() => self.out.push_str("null"),
            Value::Dict(dict) => self.object(&dict.entries())?,
            Value::Host(object) => match object.members() {
                Some(members) => self.object(&members)?,
                None => self.value(&object.encoded())?,
            },
        }
        Ok(())
    }

    fn object<K: AsRef<str>>(&mut self, members: &[(K, Value)]) -> Result<(), String> {
        self.nested(('{', '}'), members.len(), |writer, at| {
            let Some((key, value)) = members.get(at) else { return Ok(()) };
            writer.text(key.as_ref().as_bytes());
            writer.out.push_str(if writer.spelling.pretty { ": " } else { ":" });
            writer.value(value)
        })
    }

    fn nested(
        &mut self,
        (open, close): (char, char),
        count: usize,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        self.level += 1;
        for at in 0..count {
            if at > 0 {
                self.out.push(',');
            }
            self.line();
            each(self, at)?;
        }
        self.level -= 1;
        if count > 0 {
            self.line();
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self) {
        if self.spelling.pretty {
            self.out.push('\n');
            self.out.push_str(&"  ".repeat(self.level));
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push('"');
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|c| self.character(c));
            chunk.invalid().iter().for_each(|_| self.out.push_str("\\ufffd"));
        }
        self.out.push('"');
    }

    fn character(&mut self, c: char) {
        match c {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '<' | '>' | '&' if !self.spelling.html => self.out.push(c),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                self.out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => self.out.push(c),
        }
    }
}

/// Go writes numbers out as long as they have no more than 21 digits.
fn number_text(number: f64) -> Result<String, String> {
    if !number.is_finite() {
        return Err("json: unsupported value: not a finite number".to_owned());
    }
    let size = number.abs();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = float::format(size, 'e', None);
        // Go drops the zero of a negative exponent of one digit only.
        return Ok(format!("{sign}{}", text.replace("e-0", "e-")));
    }
    Ok(format!("{sign}{}", float::format(size, 'f', None)))
}

/// The values of a JSON text; the inner error is what a template may see.
fn parse(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Result<Read, String>, Fault> {
    let text = text(arguments, 0);
    machine.budget().spend(text.len() as u64 / 16 + 1)?;
    machine.budget().produce(text.len())?;
    Ok(read(text.as_bytes()))
}

/// What Go calls a value of JSON in its errors.
pub(super) fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Dict(_) => "object",
        Value::Int(IntKind::Int, _) | Value::Float(_) => "number",
        _ => "null",
    }
}

/// A map with the error, where a map was wanted and the text holds something else.
pub(super) fn map_or_error(read: Result<Value, String>, before: &str) -> Value {
    let message = match read {
        Ok(map @ Value::Dict(_)) => return map,
        // A null of JSON is a nil map, one of YAML an empty one.
        Ok(Value::Nil) if before.is_empty() => return Dict::nil(DictKind::Any).into(),
        Ok(Value::Nil) => return Dict::new(DictKind::Any).into(),
        Ok(other) => format!(
            "{before}json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_kind(&other)
        ),
        Err(message) => message,
    };
    Dict::of([("Error", Value::text(message))]).into()
}

/// A list that holds nothing but the error, where a list was wanted and the text holds something else.
pub(super) fn list_or_error(read: Result<Value, String>, before: &str) -> Value {
    let message = match read {
        Ok(list @ Value::List(_)) => return list,
        Ok(Value::Nil) if before.is_empty() => return Value::List(List::nil(ListKind::Any)),
        Ok(Value::Nil) => return Value::list(Vec::new()),
        Ok(other) => {
            format!(
                "{before}json: cannot unmarshal {} into Go value of type []interface {{}}",
                json_kind(&other)
            )
        }
        Err(message) => message,
    };
    Value::list(vec![Value::text(message)])
}

impl Read {
    /// The value, unless a number of it is none.
    fn whole(self) -> Result<Value, String> {
        self.problem.map_or(Ok(self.value), Err)
    }
}

fn from_json(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(match parse(machine, arguments)? {
        Ok(Read { value: Value::Dict(dict), problem: Some(problem) }) => {
            dict.insert("Error", Value::text(problem));
            dict.into()
        }
        read => map_or_error(read.map(known), ""),
    })
}

fn from_json_array(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let read = parse(machine, arguments)?;
    Ok(list_or_error(
        read.and_then(|read| match (&read.value, read.problem) {
            (Value::List(_), Some(problem)) => Err(problem),
            (_, problem) => Ok(known(Read { value: read.value, problem })),
        }),
        "",
    ))
}

/// A number that is none is still a number where it stands alone, and no null.
fn known(read: Read) -> Value {
    if matches!(read.value, Value::Nil) && read.problem.is_some() { Value::Float(0.0) } else { read.value }
}
