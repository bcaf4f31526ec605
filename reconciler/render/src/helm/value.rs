//! The values of templates: what Go's `interface{}` holds while a chart renders.
//!
//! Maps are shared and change in place, as Sprig's `set`, `unset` and `merge` need it: a clone of a [`Dict`] is the same map.
//! Everything else never changes. Kinds and names are Go's, because templates ask for them (`kindOf`, `typeOf`, `%T`).
//!
//! A map may hold itself. So nothing here walks values without a bound ([`DEPTH`]), and dropping them is no recursion.

mod convert;
mod dict;
mod host;
mod list;
mod text;

use std::rc::Rc;

pub(crate) use convert::TooDeep;
pub(crate) use dict::{Dict, DictKind, WeakDict};
pub(crate) use host::Host;
pub(crate) use list::{List, ListKind};
pub(crate) use text::Text;

/// How deep functions walk into values: printing, encoding, comparing, copying, merging. The YAML loader allows 120 levels.
pub(crate) const DEPTH: usize = 250;

/// Which of Go's signed integer types a number has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntKind {
    /// `int`: constants of templates, `len`, `int`, `until`.
    Int,
    /// `int64`: arithmetic, `--set`.
    Int64,
    /// `time.Duration`, which prints as `1h0m0s`.
    Duration,
    /// `time.Month`, which prints as `January`.
    Month,
    /// `time.Weekday`, which prints as `Sunday`.
    Weekday,
}

/// Which of Go's unsigned integer types a number has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UintKind {
    /// `uint8`: one byte of a text.
    Uint8,
    /// `uint64`: parts of a semantic version.
    Uint64,
}

/// A value of a template.
#[derive(Clone, Default)]
pub(crate) enum Value {
    /// `nil`, and a member that is not there.
    #[default]
    Nil,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(IntKind, i64),
    /// An unsigned integer.
    Uint(UintKind, u64),
    /// `float64`: every number of a values file.
    Float(f64),
    /// A `string`.
    String(Text),
    /// A `[]byte`: contents of files.
    Bytes(Rc<[u8]>),
    /// A slice.
    List(List),
    /// A map, shared.
    Dict(Dict),
    /// An object with fields and methods.
    Host(Rc<dyn Host>),
}

impl Value {
    /// A Go `int`.
    pub(crate) fn int(number: i64) -> Self {
        Value::Int(IntKind::Int, number)
    }

    /// A Go `int64`.
    pub(crate) fn int64(number: i64) -> Self {
        Value::Int(IntKind::Int64, number)
    }

    /// A Go `string`.
    pub(crate) fn text(text: impl Into<Text>) -> Self {
        Value::String(text.into())
    }

    /// A `[]interface {}`.
    pub(crate) fn list(items: Vec<Value>) -> Self {
        Value::List(List::new(ListKind::Any, items))
    }

    /// A `[]string`.
    pub(crate) fn texts<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        Value::List(List::new(ListKind::Strings, items.into_iter().map(Value::text).collect()))
    }

    /// An object.
    pub(crate) fn host(object: impl Host + 'static) -> Self {
        Value::Host(Rc::new(object))
    }

    /// Go's kind, as `kindOf` prints it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(IntKind::Int | IntKind::Month | IntKind::Weekday, _) => "int",
            Value::Int(IntKind::Int64 | IntKind::Duration, _) => "int64",
            Value::Uint(UintKind::Uint8, _) => "uint8",
            Value::Uint(UintKind::Uint64, _) => "uint64",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::Bytes(_) | Value::List(_) => "slice",
            Value::Dict(_) => "map",
            Value::Host(object) => object.kind(),
        }
    }

    /// What it is in the words of those who write YAML, for messages.
    pub(crate) fn kind_in_yaml(&self) -> &'static str {
        match self {
            Value::Nil => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(..) | Value::Uint(..) | Value::Float(_) => "a number",
            Value::String(_) => "text",
            Value::Bytes(_) | Value::List(_) => "a list",
            Value::Dict(_) => "a map",
            Value::Host(object) => object.kind(),
        }
    }

    /// Go's type, as `typeOf` and `%T` print it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Int(IntKind::Duration, _) => "time.Duration",
            Value::Int(IntKind::Month, _) => "time.Month",
            Value::Int(IntKind::Weekday, _) => "time.Weekday",
            Value::Bytes(_) => "[]uint8",
            Value::List(list) => list.kind().type_name(),
            Value::Dict(dict) => dict.kind().type_name(),
            Value::Host(object) => object.type_name(),
            scalar => scalar.kind(),
        }
    }

    /// Whether `if` takes it for true: not nil, zero or empty. An object always is, unless it is an empty collection.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => *b,
            Value::Int(_, number) => *number != 0,
            Value::Uint(_, number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::String(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Dict(dict) => !dict.is_empty(),
            Value::Host(object) => object.plain().is_none_or(|plain| plain.is_true()),
        }
    }

    /// The map, also that of an object which is one.
    pub(crate) fn as_dict(&self) -> Option<Dict> {
        match self {
            Value::Dict(dict) => Some(dict.clone()),
            Value::Host(object) => object.plain()?.as_dict(),
            _ => None,
        }
    }

    /// The text of a string; none for other kinds.
    pub(crate) fn as_text(&self) -> Option<&Text> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Never the contents: they may be those of a Secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.type_name())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::text(value)
    }
}

impl From<Dict> for Value {
    fn from(value: Dict) -> Self {
        Value::Dict(value)
    }
}

/// Takes values apart with a list of what is still to do, so that a chain of a million maps needs no stack.
fn unravel(mut open: Vec<Value>) {
    while let Some(value) = open.pop() {
        match value {
            Value::Dict(dict) => dict.dismantle(&mut open),
            Value::List(list) => list.dismantle(&mut open),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
