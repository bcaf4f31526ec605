//! Helm's TOML functions, written as the Go library it uses writes: values first, then tables, each level indented.

use toml_edit::{Item, Value as Toml};

use super::Param::{Any, Text as AText};
use super::dates::Moment;
use super::{Function, Machine, any, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::template::float;
use crate::helm::value::{DEPTH, Dict, DictKind, IntKind, List, ListKind, TooDeep, Value};

pub(super) const TABLE: &[Function] = &[
    // Helm prints the error where a value is none of TOML.
    fixed("toToml", &[Any], |machine, arguments| {
        encoded(machine, arguments).map(|read| Value::text(read.unwrap_or_else(str::to_owned)))
    }),
    fixed("mustToToml", &[Any], |machine, arguments| {
        encoded(machine, arguments)?.map(Value::text).map_err(Fault::wrong)
    }),
    fixed("fromToml", &[AText], |machine, arguments| from_toml(machine, arguments)),
];

fn encoded(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Result<String, &'static str>, Fault> {
    let value = any(arguments, 0);
    machine.budget().weigh(&value)?;
    if matches!(value, Value::Nil) {
        return Err(Fault::wrong("a nil cannot be written as TOML"));
    }
    let mut writer = Writer { out: String::new() };
    Ok(writer.entry(&[], &value).map(|()| writer.out))
}

type Written = Result<(), &'static str>;

const NIL_ELEMENT: &str = "toml: cannot encode array with nil element";
const NO_KEY: &str = "toml: top-level values must be Go maps or structs";

struct Writer {
    out: String,
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list that is written as an array of tables: it is not empty, and holds nothing but maps.
fn is_table_array(list: &List) -> Result<bool, &'static str> {
    if list.iter().any(is_nil) {
        return Err(NIL_ELEMENT);
    }
    let mut tables = !list.is_empty();
    for item in list.iter() {
        if let Value::List(inner) = item {
            is_table_array(inner)?;
        }
        tables &= matches!(item, Value::Dict(_));
    }
    Ok(tables)
}

fn is_nil(value: &Value) -> bool {
    matches!(value, Value::Nil) || matches!(value, Value::List(list) if list.is_nil())
}

fn is_table(value: &Value) -> Result<bool, &'static str> {
    match value {
        Value::Dict(_) => Ok(true),
        Value::List(list) if !list.is_nil() => is_table_array(list),
        _ => Ok(false),
    }
}

impl Writer {
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, key: &[&str]) {
        self.out.push_str(&"  ".repeat(key.len().saturating_sub(1)));
    }

    fn header(&mut self, key: &[&str], (open, close): (&str, &str)) {
        self.indent(key);
        let path: Vec<String> = key.iter().map(|part| key_text(part)).collect();
        self.out.push_str(&format!("{open}{}{close}", path.join(".")));
        self.newline();
    }

    /// A key with its value, on a line or as a table.
    fn entry(&mut self, key: &[&str], value: &Value) -> Written {
        match value {
            Value::Nil => Ok(()),
            Value::Dict(dict) => {
                if key.len() == 1 {
                    self.newline();
                }
                if !key.is_empty() {
                    self.header(key, ("[", "]"));
                }
                self.table(key, dict)
            }
            Value::List(list) if is_table_array(list)? => {
                if key.is_empty() {
                    return Err(NO_KEY);
                }
                for item in list.iter() {
                    if let Value::Dict(dict) = item {
                        self.newline();
                        self.header(key, ("[[", "]]"));
                        self.table(key, dict)?;
                    }
                }
                Ok(())
            }
            value => self.line(key, value),
        }
    }

    fn line(&mut self, key: &[&str], value: &Value) -> Written {
        let Some(last) = key.last() else { return self.element(value) };
        self.indent(key);
        self.out.push_str(&format!("{} = ", key_text(last)));
        self.element(value)?;
        self.newline();
        Ok(())
    }

    /// Entries in order: first those that take a line, then the tables.
    fn table(&mut self, key: &[&str], dict: &Dict) -> Written {
        for tables in [false, true] {
            for (name, value) in dict.entries() {
                if is_nil(&value) || is_table(&value)? != tables {
                    continue;
                }
                let mut inner = key.to_vec();
                inner.push(&name);
                self.entry(&inner, &value)?;
            }
        }
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Written {
        match value {
            Value::Nil => return Err(NIL_ELEMENT),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(IntKind::Duration, number) => {
                self.out.push_str(&quoted(&super::named_number(IntKind::Duration, *number)));
            }
            Value::Int(_, number) => self.out.push_str(&number.to_string()),
            Value::Uint(_, number) => self.out.push_str(&number.to_string()),
            Value::Float(number) => self.out.push_str(&float_text(*number)),
            Value::String(text) => self.out.push_str(&quoted(&text.as_str())),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.out.push_str(&format!("[{}]", items.join(", ")));
            }
            Value::List(list) => {
                self.out.push('[');
                for (at, item) in list.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item)?;
                }
                self.out.push(']');
            }
            Value::Dict(dict) => self.inline(dict)?,
            Value::Host(object) => match object.as_any().downcast_ref::<Moment>() {
                Some(moment) => self.out.push_str(&moment.rfc3339()),
                None => self.element(&object.encoded())?,
            },
        }
        Ok(())
    }

    /// `{a = 1, b = 2}`. A nil leaves its comma, as upstream does.
    fn inline(&mut self, dict: &Dict) -> Written {
        let (mut lines, mut tables) = (Vec::new(), Vec::new());
        for (name, value) in dict.entries() {
            let group = if is_table(&value)? { &mut tables } else { &mut lines };
            group.push((name, value));
        }
        self.out.push('{');
        let trailing = !tables.is_empty();
        for (group, trailing) in [(&lines, trailing), (&tables, false)] {
            for (at, (name, value)) in group.iter().enumerate() {
                if is_nil(value) {
                    continue;
                }
                self.out.push_str(&format!("{} = ", key_text(name)));
                self.element(value)?;
                if trailing || at + 1 < group.len() {
                    self.out.push_str(", ");
                }
            }
        }
        self.out.push('}');
        Ok(())
    }
}

fn float_text(number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if !number.is_finite() {
        return format!("{sign}{}", if number.is_nan() { "nan" } else { "inf" });
    }
    let text = float::format(number.abs(), 'g', None);
    let point = if text.contains(['e', '.']) { "" } else { ".0" };
    format!("{sign}{text}{point}")
}

fn from_toml(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    machine.budget().spend(text.len() as u64 / 16 + 1)?;
    machine.budget().produce(text.len())?;
    let read = text.as_str().parse::<toml_edit::DocumentMut>().map_err(|e| {
        let line = e
            .span()
            .map_or(1, |span| 1 + text.as_bytes()[..span.start].iter().filter(|b| **b == b'\n').count());
        format!("toml: line {line}: {}", e.message())
    });
    let read = read.and_then(|document| {
        let entries = document.iter().map(|(key, item)| Ok((key.into(), from_item(item, DEPTH)?)));
        entries.collect::<Result<Vec<_>, TooDeep>>().map_err(|e| e.to_string())
    });
    Ok(match read {
        Ok(entries) => Dict::from_entries(DictKind::Any, entries).into(),
        Err(message) => Dict::of([("Error", Value::text(message))]).into(),
    })
}

fn from_item(item: &Item, levels: usize) -> Result<Value, TooDeep> {
    let below = levels.checked_sub(1).ok_or(TooDeep)?;
    match item {
        Item::None => Ok(Value::Nil),
        Item::Value(value) => from_value(value, below),
        Item::Table(table) => {
            let entries = table.iter().map(|(key, item)| Ok((key.into(), from_item(item, below)?)));
            Ok(Dict::from_entries(DictKind::Any, entries.collect::<Result<Vec<_>, TooDeep>>()?).into())
        }
        Item::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|table| from_item(&Item::Table(table.clone()), below));
            Ok(Value::List(List::new(ListKind::Dicts, tables.collect::<Result<_, _>>()?)))
        }
    }
}

fn from_value(value: &Toml, levels: usize) -> Result<Value, TooDeep> {
    let below = levels.checked_sub(1).ok_or(TooDeep)?;
    Ok(match value {
        Toml::String(text) => Value::text(text.value().as_str()),
        Toml::Integer(number) => Value::int64(*number.value()),
        Toml::Float(number) => Value::Float(*number.value()),
        Toml::Boolean(b) => Value::Bool(*b.value()),
        Toml::Datetime(time) => Value::host(Moment::from_toml(time.value())),
        Toml::Array(items) => {
            let items = items.iter().map(|item| from_value(item, below));
            Value::list(items.collect::<Result<_, _>>()?)
        }
        Toml::InlineTable(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.into(), from_value(value, below)?)));
            Dict::from_entries(DictKind::Any, entries.collect::<Result<Vec<_>, TooDeep>>()?).into()
        }
    })
}
