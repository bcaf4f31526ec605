//! What templates can call: Go's, Sprig's and Helm's functions, one file per family, each with its table.
//!
//! A function says what types it takes, as its Go counterpart does, and the executor checks them: `trunc` of a number is an error.
//! What a function gives has Go's type, too, because the next one asks for it.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::budget::Budget;
use super::fault::Fault;
use super::value::{Dict, DictKind, List, Text, Value};

mod cases;
mod compare;
mod convert;
mod dates;
mod decimal;
mod deep;
mod defaults;
mod dicts;
mod durations;
mod encoding;
mod go;
mod helm;
mod json;
mod json_reader;
mod layout;
mod lists;
mod methods;
mod numbers;
mod paths;
mod patterns;
mod reflect;
mod refused;
mod regexes;
mod strings;
mod toml;
mod urls;
mod versions;
mod yaml;

pub(crate) use decimal::is_multiple;
pub(crate) use methods::{call_method, named_number};
pub(crate) use patterns::{compilable, compile};
pub(crate) use versions::{Range, Version};

/// What a function can ask the engine for.
pub(crate) trait Machine {
    /// What may still be used up.
    fn budget(&mut self) -> &mut Budget;
    /// The time of the render in seconds since 1970, where its options have one.
    fn now(&self) -> Option<i64>;
    /// Remembers a map that was given another map or a list: it may hold itself now.
    fn changed(&mut self, dict: &Dict) -> Result<(), Fault>;
    /// A regular expression, compiled once.
    fn expression(&mut self, pattern: &str) -> Result<Regex, String>;
    /// Runs a named template and gives what it prints.
    fn include(&mut self, name: &str, dot: Value) -> Result<Text, Fault>;
    /// Runs a text as a template and gives what it prints.
    fn expand(&mut self, template: &Text, dot: Value) -> Result<Text, Fault>;
}

/// A function of Rust that does what a function of templates does. The arguments have the types that the table says.
pub(crate) type Body = fn(&mut dyn Machine, &[Value]) -> Result<Value, Fault>;

/// What a call does.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// Runs this.
    Body(Body),
    /// `and`: evaluates its arguments itself, up to the first false one.
    And,
    /// `or`: the same, up to the first true one.
    Or,
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// The type of a parameter in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    /// `interface {}`.
    Any,
    /// `string`.
    Text,
    /// `int`.
    Int,
    /// `float64`.
    Float,
    /// `bool`.
    Bool,
    /// `map[string]interface {}`, maybe a nil one.
    Dict,
    /// `time.Time`.
    Time,
}

impl Param {
    /// The type, for messages.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Param::Any => "interface {}",
            Param::Text => "string",
            Param::Int => "int",
            Param::Float => "float64",
            Param::Bool => "bool",
            Param::Dict => "map[string]interface {}",
            Param::Time => "time.Time",
        }
    }
}

/// A function of templates.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: &'static str,
    /// The types it takes.
    pub(crate) params: &'static [Param],
    /// The type of any number of further arguments.
    pub(crate) rest: Option<Param>,
    /// What it does.
    pub(crate) action: Action,
}

/// A function that takes just these types.
const fn fixed(name: &'static str, params: &'static [Param], body: Body) -> Function {
    Function { name, params, rest: None, action: Action::Body(body) }
}

/// A function that takes any number of further arguments.
const fn open(name: &'static str, params: &'static [Param], rest: Param, body: Body) -> Function {
    Function { name, params, rest: Some(rest), action: Action::Body(body) }
}

/// One table per family. Of two functions with one name the later one counts: Helm replaces some of Sprig's, Sprig one of Go's.
const FAMILIES: &[&[Function]] = &[
    go::TABLE,
    compare::TABLE,
    cases::TABLE,
    dates::TABLE,
    defaults::TABLE,
    dicts::TABLE,
    durations::TABLE,
    encoding::TABLE,
    lists::TABLE,
    numbers::TABLE,
    paths::TABLE,
    reflect::TABLE,
    regexes::TABLE,
    strings::TABLE,
    urls::TABLE,
    versions::TABLE,
    refused::TABLE,
    helm::TABLE,
    json::TABLE,
    toml::TABLE,
    yaml::TABLE,
];

static FUNCTIONS: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
});

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.get(name).copied()
}

/// What to say of a name that is no function.
pub(crate) fn unknown(name: &str) -> String {
    match name {
        "env" | "expandenv" => {
            format!("function {name:?} not defined: Helm has no access to the environment")
        }
        _ => format!("function {name:?} not defined"),
    }
}

/// The text at a place of the arguments; the table promises that it is one.
fn text(arguments: &[Value], at: usize) -> Text {
    match arguments.get(at) {
        Some(Value::String(text)) => text.clone(),
        _ => Text::from(""),
    }
}

/// The `int` at a place of the arguments.
fn int(arguments: &[Value], at: usize) -> i64 {
    match arguments.get(at) {
        Some(Value::Int(_, number)) => *number,
        _ => 0,
    }
}

/// The boolean at a place of the arguments.
fn boolean(arguments: &[Value], at: usize) -> bool {
    matches!(arguments.get(at), Some(Value::Bool(true)))
}

/// Any value at a place of the arguments.
fn any(arguments: &[Value], at: usize) -> Value {
    arguments.get(at).cloned().unwrap_or_default()
}

/// The map at a place of the arguments.
fn dict(arguments: &[Value], at: usize) -> Dict {
    match arguments.get(at) {
        Some(Value::Dict(dict)) => dict.clone(),
        _ => Dict::new(DictKind::Any),
    }
}

/// The items of a slice of whatever kind. None: the value is no slice.
fn items(value: &Value) -> Option<List> {
    match value {
        Value::List(list) => Some(list.clone()),
        Value::Bytes(bytes) => {
            let byte = |byte: &u8| Value::Uint(super::value::UintKind::Uint8, u64::from(*byte));
            Some(List::new(super::value::ListKind::Any, bytes.iter().map(byte).collect()))
        }
        Value::Host(object) => items(&object.plain()?),
        _ => None,
    }
}
