//! YAML in and out: our own value type, a loader with the two profiles that Kubernetes tools have, and an emitter that
//! writes the bytes kustomize writes.

mod emit;
mod events;
mod folded;
mod json;
#[cfg(test)]
mod laws;
mod load;
mod map;
mod scalar;

pub use emit::emit;
pub(crate) use emit::{emit_indented, is_written_quoted};
pub(crate) use load::masked_line;
pub use load::{Limits, Loader, Profile, YamlError};
pub use map::Map;

pub(crate) use json::{go_json, go_json_indented};
pub(crate) use scalar::{go_float, reads_otherwise, resolve_text};

/// A place in a file. Both count from 1; 0 means "nowhere in particular".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A value with its place: where it begins, or for a member of a map where its key begins.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its place in the file it was read from.
    pub pos: Pos,
    /// It was written as quoted or block text. What kustomize writes over such a text becomes text.
    pub(crate) quoted: bool,
    /// A step of kustomize made it and said no type: it is what its text reads as, until a strategic patch makes it a text.
    pub(crate) untyped: bool,
    /// An annotation written like a number, a boolean or a date (`0644`): it is the text, until its object goes through JSON.
    pub(crate) unread: bool,
    /// The number of the value it shares with other nodes of its object; 0 where it has its own (see `kustomize::shared`).
    pub(crate) share: u32,
}

/// A floating point number with the text it was written as.
#[derive(Debug, Clone)]
pub struct Float {
    /// The number; always finite.
    pub number: f64,
    /// The source text, or Go's shortest form for computed numbers.
    pub text: String,
}

/// A YAML value. Mapping keys are always text.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// `null` or `~`.
    #[default]
    Null,
    /// Null by writing nothing at all. Strategic merge drops it where it keeps the other; nothing else tells them apart.
    Blank,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above that, up to 64 bits.
    Uint(u64),
    /// Any other number.
    Float(Box<Float>),
    /// Text.
    String(String),
    /// An unquoted date or time, as it is written. Outside of YAML it is text in RFC 3339.
    Time(Box<str>),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Map),
}

/// Nodes are equal when their values are; places do not count.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null | Value::Blank, Value::Null | Value::Blank) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.number == b.number,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Seq(a), Value::Seq(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            _ => false,
        }
    }
}

/// Reads a text that a scalar holds: its first document, as kustomize reads it.
pub(crate) fn parse_embedded(text: &str) -> Result<Node, String> {
    let documents = Loader::new(Profile::Kustomize).load("", text.as_bytes());
    let documents = documents.map_err(|_| "the text in the field is no YAML".to_owned())?;
    documents.into_iter().next().ok_or_else(|| "the text in the field is empty".to_owned())
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Node { value, ..Node::default() }
    }
}

impl Value {
    /// Whether it is a number, whole or not.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Uint(_) | Value::Float(_))
    }

    /// Whether it is a whole number, in whatever spelling: `0644` is held as a float for the sake of its text.
    pub(crate) fn is_whole_number(&self) -> bool {
        match self {
            Value::Int(_) | Value::Uint(_) => true,
            Value::Float(float) => scalar::is_whole(&float.text),
            _ => false,
        }
    }
}

impl Node {
    /// A node at a place.
    pub(crate) fn new(value: Value, pos: Pos) -> Self {
        Node { value, pos, ..Node::default() }
    }

    /// A text node without a place.
    pub fn text(text: impl Into<String>) -> Self {
        Value::String(text.into()).into()
    }

    /// An empty map without a place.
    pub fn map() -> Self {
        Value::Map(Map::new()).into()
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The mapping, to change it.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a sequence, to change them.
    pub fn as_seq_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null | Value::Blank)
    }

    /// Whether this is null, an empty sequence or an empty map.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null | Value::Blank => true,
            Value::Seq(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// A member of this map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// A member of this map, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.as_map_mut()?.get_mut(key)
    }

    /// The node at a path of member names.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text at a path of member names.
    pub fn str_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// A scalar as the text it stands for; none for null, sequences and maps.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Value::Null | Value::Blank | Value::Seq(_) | Value::Map(_) => None,
            Value::Bool(b) => Some(b.to_string()),
            Value::Int(i) => Some(i.to_string()),
            Value::Uint(u) => Some(u.to_string()),
            Value::Float(float) => Some(float.text.clone()),
            Value::String(text) => Some(text.clone()),
            Value::Time(text) => Some(text.to_string()),
        }
    }

    /// What kind of node this is, for messages. It never holds the value.
    pub fn kind_name(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Blank => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
            Value::String(_) => "text",
            Value::Time(_) => "a date",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// JSON as a value without places.
    pub fn from_json(json: &serde_json::Value) -> Self {
        json::from_json(json)
    }

    /// The value as JSON: integral floats become integers, as Go's encoder writes them.
    pub fn to_json(&self) -> serde_json::Value {
        json::to_json(self)
    }
}
