//! JSON paths in kubectl's dialect: `{.status.conditions[?(@.type=="Ready")].status}`, and templates of them with literal text and `{range .items[*]}…{end}`.
//!
//! Used by printer columns and scale paths of CRDs, feedback rules of ManifestWorks, `kubectl wait` and `kubectl get -o jsonpath`.
//! Source: `k8s.io/client-go/util/jsonpath`, with which the tests compare. What differs: maps are walked in the order of their keys (Go's order is random), a `range` without `end` is an
//! error, messages never show the values of the document, and an evaluation stops at [`MAX_VISITED`] values.

use std::borrow::Cow;

use serde_json::Value;

use crate::goprint;

mod eval;
mod parse;

/// Longer templates are refused. In bytes.
pub const MAX_TEMPLATE: usize = 16 * 1024;

/// An evaluation that looks at more values is given up: `..` may visit a document many times over.
pub const MAX_VISITED: usize = 1_000_000;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPathError {
    /// The text does not follow the grammar.
    #[error("{0}")]
    Syntax(String),
    /// A template longer than [`MAX_TEMPLATE`], or nested too deeply.
    #[error("the JSON path is too long or too deeply nested")]
    TooLarge,
    /// A field that is missing, where missing fields are errors.
    #[error("{0} is not found")]
    Missing(String),
    /// A value of the wrong type, an index out of bounds, a comparison of different types.
    #[error("{0}")]
    Value(String),
    /// More than [`MAX_VISITED`] values.
    #[error("the JSON path visits too many values")]
    TooMany,
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    blocks: Vec<Block>,
    requires_keys: bool,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    /// Literal text, or one `{…}`.
    Path(Vec<Step>),
    /// `{range …}`: the blocks up to `{end}` for each result.
    Range(Vec<Step>, Vec<Block>),
}

/// One step of a path, applied to all results of the steps before.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Wildcard,
    Recursive,
    Slice { from: Option<i64>, to: End, step: Option<i64> },
    Union(Vec<Vec<Step>>),
    Filter { left: Vec<Step>, condition: Option<(Comparison, Vec<Step>)> },
    Literal(Value),
}

/// Where a slice ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    At(i64),
    /// `[n]`: after the one element.
    After(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    GreaterEqual,
    Greater,
}

impl JsonPath {
    /// Parses a template: text and `{…}`. Missing fields give no results.
    ///
    /// # Errors
    /// When the text is no template.
    pub fn parse(template: &str) -> Result<Self, JsonPathError> {
        Ok(Self { blocks: parse::parse(template)?, requires_keys: false })
    }

    /// Parses one path in any of kubectl's spellings: `a.b`, `.a.b`, `{a.b}`, `{.a.b}`. Source: `get.RelaxedJSONPathExpression`.
    ///
    /// # Errors
    /// When the text is no path.
    pub fn parse_relaxed(path: &str) -> Result<Self, JsonPathError> {
        let inner = path.strip_prefix('{').and_then(|path| path.strip_suffix('}')).unwrap_or(path);
        let inner = inner.strip_prefix('.').unwrap_or(inner);
        if inner.is_empty() || inner.contains(['{', '}']) {
            return Err(JsonPathError::Syntax(
                "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'".to_owned(),
            ));
        }
        Self::parse(&format!("{{.{inner}}}"))
    }

    /// The same template, for which a missing field is an error.
    #[must_use]
    pub fn requiring_keys(self) -> Self {
        Self { requires_keys: true, ..self }
    }

    /// The results of each part of the template, literal texts as strings, in order.
    ///
    /// # Errors
    /// When a value is not of the type that a step needs, or there are too many.
    pub fn find<'a>(&self, value: &'a Value) -> Result<Vec<Vec<Cow<'a, Value>>>, JsonPathError> {
        eval::Evaluation::new(self.requires_keys).blocks(&self.blocks, value)
    }

    /// All results in one list.
    ///
    /// # Errors
    /// As [`JsonPath::find`].
    pub fn values<'a>(&self, value: &'a Value) -> Result<Vec<Cow<'a, Value>>, JsonPathError> {
        Ok(self.find(value)?.into_iter().flatten().collect())
    }

    /// The text that kubectl prints: scalars plainly, objects and lists as JSON, several results of one part with spaces between.
    ///
    /// # Errors
    /// As [`JsonPath::find`].
    pub fn render(&self, value: &Value) -> Result<String, JsonPathError> {
        let parts = self.find(value)?;
        let texts = parts
            .iter()
            .map(|results| results.iter().map(|result| print(result)).collect::<Vec<_>>().join(" "));
        Ok(texts.collect())
    }
}

/// How kubectl prints one result.
pub fn print(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => goprint::number(number),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => goprint::json(value),
    }
}

#[cfg(test)]
mod tests;
