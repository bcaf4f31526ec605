//! `values.schema.json`: whether the values of a chart are what the chart says they must be.
//!
//! The validator is the Rust twin of the one that Helm uses, by the same author. It reads no file and no address: a schema refers to
//! itself and to the published drafts only. Its own messages quote values, so ours are made here; a value may be a Secret's.

mod findings;
mod patterns;

use std::error::Error;

use boon::{Compiler, Schemas, UrlLoader};
use serde_json::Value as Json;

use super::chart::ChartFile;
use super::dependencies::Part;
use super::value::{Dict, TooDeep, Value};
use crate::object::Origin;
use crate::yaml::Node;
use findings::Findings;

/// Why values do not fit the schema of a chart.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The schema is none.
    #[error("{}is no usable JSON schema: {why}", packed.as_ref().map(|name| format!("{name}: ")).unwrap_or_default())]
    Schema {
        /// The schema, and the place in it where that is known; the archive that it lies in.
        at: Origin,
        /// Its name in the archive.
        packed: Option<Box<str>>,
        /// Why.
        why: String,
    },
    /// The values break schemas, or some of several schemas are none.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{said}")]
    Values {
        /// The first of the schemas.
        at: Origin,
        /// What is said of each chart.
        said: String,
    },
    /// Values that no document holds.
    #[error(transparent)]
    Deep(#[from] TooDeep),
}

impl SchemaError {
    /// The schema that it is about.
    pub(super) fn place(&self) -> Option<&Origin> {
        match self {
            SchemaError::Schema { at, .. } | SchemaError::Values { at, .. } => Some(at),
            SchemaError::Deep(_) => None,
        }
    }
}

/// Where the schema itself is, for references inside it.
const HERE: &str = "file:///values.schema.json";
/// Findings shown of one chart.
const SHOWN: usize = 20;

/// Checks the values of a chart and of all its subcharts.
pub(super) fn check(part: &Part<'_>, values: &Dict) -> Result<(), SchemaError> {
    let mut found = Vec::new();
    walk(part, values, &mut found)?;
    let Some(first) = found.first() else { return Ok(()) };
    let at = first.at.clone();
    if let [Found { unusable: true, lines, .. }] = found.as_slice() {
        return Err(SchemaError::Schema {
            at,
            packed: first.packed.as_deref().map(Box::from),
            why: lines.join("; "),
        });
    }
    let said: Vec<String> = found.iter().map(Found::told).collect();
    Err(SchemaError::Values { at, said: said.join("\n") })
}

/// What there is to say of one chart.
struct Found {
    chart: String,
    at: Origin,
    /// The schema's name in its archive.
    packed: Option<String>,
    /// The schema is none: the one line says why.
    unusable: bool,
    lines: Vec<String>,
}

impl Found {
    fn told(&self) -> String {
        let packed = self.packed.as_ref().map(|name| format!(": {name}")).unwrap_or_default();
        let mut said = format!("{}: ({}{packed})", self.chart, self.at);
        let usable = if self.unusable { "is no usable JSON schema: " } else { "" };
        self.lines.iter().take(SHOWN).for_each(|line| said.push_str(&format!("\n- {usable}{line}")));
        if self.lines.len() > SHOWN {
            said.push_str(&format!("\n- and {} more", self.lines.len() - SHOWN));
        }
        said
    }
}

fn walk(part: &Part<'_>, values: &Dict, found: &mut Vec<Found>) -> Result<(), SchemaError> {
    let chart = part.name().to_owned();
    if let Some(schema) = &part.chart.schema {
        match violations(schema, values) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                let (at, packed) = (schema.place(0), schema.packed.clone());
                found.push(Found { chart, at, packed, unusable: false, lines });
            }
            // It hides nothing of what the schemas of other charts say.
            Err(SchemaError::Schema { at, packed, why }) => {
                let packed = packed.map(String::from);
                found.push(Found { chart, at, packed, unusable: true, lines: vec![why] });
            }
            Err(error) => return Err(error),
        }
    }
    for below in &part.parts {
        match values.get(below.name()) {
            None | Some(Value::Nil) => {}
            Some(Value::Dict(section)) => walk(below, &section, found)?,
            Some(other) => found.push(Found {
                chart: below.name().to_owned(),
                at: below.chart.at.clone(),
                packed: None,
                unusable: false,
                lines: vec![format!("invalid type for values: expected a map, got {}", other.kind_in_yaml())],
            }),
        }
    }
    Ok(())
}

fn violations(schema: &ChartFile, values: &Dict) -> Result<Vec<String>, SchemaError> {
    let packed = || schema.packed.as_deref().map(Box::from);
    let wrong = |why: String| SchemaError::Schema { at: schema.place(0), packed: packed(), why };
    let mut document = document(schema)?;
    let originals = patterns::translate(&mut document).map_err(wrong)?;
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nowhere));
    compiler.add_resource(HERE, document).map_err(|error| wrong(told(&error)))?;
    let index = compiler.compile(HERE, &mut schemas).map_err(|error| wrong(told(&error)))?;
    let values = Node::from(Value::Dict(values.clone()).to_document()?).to_json();
    let findings = Findings { originals: &originals, values: &values };
    Ok(schemas.validate(&values, index).err().map(|error| findings.told(&error)).unwrap_or_default())
}

/// The schema as JSON. What is none has its place, but inside an archive, where the message has it.
fn document(schema: &ChartFile) -> Result<Json, SchemaError> {
    serde_json::from_slice(&schema.bytes).map_err(|error| {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut at = schema.place(small(error.line()));
        let mut why = error.to_string();
        if at.line > 0 {
            at.column = small(error.column());
            let place = format!(" at line {} column {}", error.line(), error.column());
            why = why.strip_suffix(&place).unwrap_or(&why).to_owned();
        }
        SchemaError::Schema { at, packed: schema.packed.as_deref().map(Box::from), why }
    })
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", told(cause)),
        None => error.to_string(),
    }
}

/// The only loader of schemas there is: none.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, url: &str) -> Result<Json, Box<dyn Error>> {
        if url.starts_with("urn:") {
            // Helm takes every value where it cannot resolve a URN.
            return Ok(Json::Bool(true));
        }
        Err(format!("{url} is not fetched while rendering; copy its definitions into the schema").into())
    }
}

#[cfg(test)]
mod tests;
