//! From and to the values of YAML and JSON documents.

use std::rc::Rc;

use super::{DEPTH, Dict, DictKind, IntKind, List, Value};
use crate::yaml;

/// A value nests deeper than [`DEPTH`], or holds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value nests deeper than {DEPTH} levels, or holds itself")]
pub struct TooDeep;

impl Value {
    /// A document as Helm sees it after it went through JSON: every number is a `float64`, every map a new
    /// `map[string]interface {}`.
    ///
    /// The loader bounds the depth of documents.
    pub(crate) fn from_document(document: &yaml::Value) -> Value {
        match document {
            yaml::Value::Null | yaml::Value::Blank => Value::Nil,
            yaml::Value::Bool(b) => Value::Bool(*b),
            yaml::Value::Int(number) => Value::Float(*number as f64),
            yaml::Value::Uint(number) => Value::Float(*number as f64),
            yaml::Value::Float(float) => Value::Float(float.number),
            yaml::Value::String(text) => Value::text(text.as_str()),
            yaml::Value::Time(text) => Value::text(&**text),
            yaml::Value::Seq(items) => {
                Value::list(items.iter().map(|item| Value::from_document(&item.value)).collect())
            }
            yaml::Value::Map(map) => Value::Dict(Dict::from_document(map, DictKind::Any)),
        }
    }

    /// The document that a JSON encoder makes of this value, and so a YAML encoder that goes through JSON.
    pub(crate) fn to_document(&self) -> Result<yaml::Value, TooDeep> {
        self.document(DEPTH, Way::Json)
    }

    /// The document that a YAML encoder makes of it by itself: nil lists and maps are empty ones, bytes are numbers, and times and spans
    /// are what they print.
    pub(crate) fn to_direct_document(&self) -> Result<yaml::Value, TooDeep> {
        self.document(DEPTH, Way::Direct)
    }

    fn document(&self, levels: usize, way: Way) -> Result<yaml::Value, TooDeep> {
        let below = (levels.checked_sub(1).ok_or(TooDeep)?, way);
        let direct = way == Way::Direct;
        Ok(match self {
            Value::Int(IntKind::Duration, number) if direct => {
                yaml::Value::String(crate::helm::functions::named_number(IntKind::Duration, *number))
            }
            Value::Bytes(bytes) if direct => {
                yaml::Value::Seq(bytes.iter().map(|byte| yaml::Value::Int(i64::from(*byte)).into()).collect())
            }
            Value::Host(object) if direct && object.type_name() == "time.Time" => {
                let text = object.encoded().as_text().map(|text| text.as_str().into_owned());
                yaml::Value::Time(text.unwrap_or_default().into())
            }
            Value::Nil => yaml::Value::Null,
            Value::Bool(b) => yaml::Value::Bool(*b),
            Value::Int(_, number) => yaml::Value::Int(*number),
            Value::Uint(_, number) => {
                i64::try_from(*number).map_or(yaml::Value::Uint(*number), yaml::Value::Int)
            }
            Value::Float(number) => float(*number),
            Value::String(text) => yaml::Value::String(text.as_str().into_owned()),
            Value::Bytes(bytes) => {
                use base64::Engine as _;
                yaml::Value::String(base64::engine::general_purpose::STANDARD.encode(bytes))
            }
            Value::List(list) if list.is_nil() && !direct => yaml::Value::Null,
            Value::List(list) => yaml::Value::Seq(sequence(list, below)?),
            Value::Dict(dict) if dict.is_nil() && !direct => yaml::Value::Null,
            Value::Dict(dict) => yaml::Value::Map(mapping(dict, below)?),
            Value::Host(object) => object.encoded().document(below.0, way)?,
        })
    }
}

fn float(number: f64) -> yaml::Value {
    yaml::Value::Float(Box::new(yaml::Float { number, text: yaml::go_float(number) }))
}

/// How a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Json,
    Direct,
}

fn sequence(list: &List, (levels, way): (usize, Way)) -> Result<Vec<yaml::Node>, TooDeep> {
    list.iter().map(|item| item.document(levels, way).map(yaml::Node::from)).collect()
}

fn mapping(dict: &Dict, (levels, way): (usize, Way)) -> Result<yaml::Map, TooDeep> {
    let entries = dict.entries();
    let entries =
        entries.iter().map(|(key, value)| Ok((Box::from(&**key), value.document(levels, way)?.into())));
    Ok(yaml::Map::from_entries(entries.collect::<Result<_, TooDeep>>()?))
}

impl Dict {
    /// A mapping of a document, as [`Value::from_document`] reads it.
    pub(crate) fn from_document(map: &yaml::Map, kind: DictKind) -> Dict {
        let entries = map.iter().map(|(key, node)| (Rc::from(key), Value::from_document(&node.value)));
        Dict::from_entries(kind, entries)
    }
}
