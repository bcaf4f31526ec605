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

/// Why values do not fit the schema of a chart.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The schema is none.
    #[error("{at}: is no usable JSON schema: {why}")]
    Schema {
        /// The schema.
        at: Origin,
        /// Why.
        why: String,
    },
    /// The values break it.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Values(String),
    /// Values that no document holds.
    #[error(transparent)]
    Deep(#[from] TooDeep),
}

/// Where the schema itself is, for references inside it.
const HERE: &str = "file:///values.schema.json";
/// Findings shown of one chart.
const SHOWN: usize = 20;

/// Checks the values of a chart and of all its subcharts.
pub(super) fn check(part: &Part<'_>, values: &Dict) -> Result<(), SchemaError> {
    let mut found = String::new();
    walk(part, values, &mut found)?;
    if found.is_empty() { Ok(()) } else { Err(SchemaError::Values(found.trim_end().to_owned())) }
}

fn walk(part: &Part<'_>, values: &Dict, found: &mut String) -> Result<(), SchemaError> {
    if let Some(schema) = &part.chart.schema {
        let said = violations(schema, values)?;
        if !said.is_empty() {
            found.push_str(&format!("{}: ({})\n", part.name(), schema.place(0)));
            said.iter().take(SHOWN).for_each(|line| found.push_str(&format!("- {line}\n")));
            if said.len() > SHOWN {
                found.push_str(&format!("- and {} more\n", said.len() - SHOWN));
            }
        }
    }
    for below in &part.parts {
        match values.get(below.name()) {
            None | Some(Value::Nil) => {}
            Some(Value::Dict(section)) => walk(below, &section, found)?,
            Some(other) => found.push_str(&format!(
                "{}:\n- invalid type for values: expected a map, got {}\n",
                below.name(),
                other.kind()
            )),
        }
    }
    Ok(())
}

fn violations(schema: &ChartFile, values: &Dict) -> Result<Vec<String>, SchemaError> {
    let wrong = |why: String| SchemaError::Schema { at: schema.place(0), why };
    let mut document: Json =
        serde_json::from_slice(&schema.bytes).map_err(|error| wrong(error.to_string()))?;
    let originals = patterns::translate(&mut document).map_err(wrong)?;
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nowhere));
    compiler.add_resource(HERE, document).map_err(|error| wrong(told(&error)))?;
    let index = compiler.compile(HERE, &mut schemas).map_err(|error| wrong(told(&error)))?;
    let values = Node::from(Value::Dict(values.clone()).to_document()?).to_json();
    let mut said = Vec::new();
    if let Err(error) = schemas.validate(&values, index) {
        findings::leaves(&error, &originals, &mut said);
        // The order of members in the validator is that of a hash map.
        said.sort();
        said.dedup();
    }
    Ok(said)
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
