//! The regular expressions of a schema: Helm's validator takes those of Go, ours those of the crate regex.
//!
//! Keywords are told from names: a property may be called `pattern`. What is a value and not a schema stays as it is.

use std::collections::BTreeMap;

use serde_json::{Map as JsonMap, Value as Json};

use crate::helm::functions::compilable;

/// Translated expressions with what the schema says, for messages.
#[derive(Default)]
pub(super) struct Originals(BTreeMap<String, String>);

impl Originals {
    /// How the schema writes an expression.
    pub(super) fn of<'a>(&'a self, translated: &'a str) -> &'a str {
        self.0.get(translated).map_or(translated, String::as_str)
    }
}

/// Translates the expressions of a schema where they stand. The error says which one is none.
pub(super) fn translate(document: &mut Json) -> Result<Originals, String> {
    let mut walk = Walk { originals: Originals::default(), path: Vec::new(), known: true };
    walk.schema(document)?;
    Ok(walk.originals)
}

struct Walk {
    originals: Originals,
    /// The names and keywords down to here.
    path: Vec<String>,
    /// Every keyword on the way is one that holds schemas. Below others there may be anything, so that no expression there is an error.
    known: bool,
}

/// What keywords hold a schema, or a list of them.
const SCHEMAS: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

impl Walk {
    fn schema(&mut self, schema: &mut Json) -> Result<(), String> {
        match schema {
            Json::Object(members) => members.iter_mut().try_for_each(|(keyword, value)| {
                let known = self.known;
                self.path.push(keyword.clone());
                let done = self.keyword(keyword, value);
                self.path.pop();
                self.known = known;
                done
            }),
            Json::Array(schemas) => schemas.iter_mut().enumerate().try_for_each(|(at, schema)| {
                self.path.push(at.to_string());
                let done = self.schema(schema);
                self.path.pop();
                done
            }),
            _ => Ok(()),
        }
    }

    fn keyword(&mut self, keyword: &str, value: &mut Json) -> Result<(), String> {
        match (keyword, value) {
            ("enum" | "const" | "default" | "examples", _) => Ok(()),
            ("pattern", Json::String(pattern)) => {
                *pattern = self.expression(pattern)?;
                Ok(())
            }
            ("patternProperties", Json::Object(members)) => {
                let mut translated = JsonMap::new();
                for (pattern, schema) in std::mem::take(members) {
                    let mut key = self.expression(&pattern)?;
                    // Two that mean the same stay two.
                    while translated.contains_key(&key) {
                        key = format!("(?:){key}");
                    }
                    translated.insert(key, schema);
                }
                *members = translated;
                self.named(members)
            }
            (
                "properties" | "definitions" | "$defs" | "dependentSchemas" | "dependencies",
                Json::Object(members),
            ) => self.named(members),
            (keyword, value) => {
                self.known &= SCHEMAS.contains(&keyword);
                self.schema(value)
            }
        }
    }

    /// Schemas by names that mean nothing.
    fn named(&mut self, members: &mut JsonMap<String, Json>) -> Result<(), String> {
        members.iter_mut().try_for_each(|(name, schema)| {
            self.path.push(name.clone());
            let done = self.schema(schema);
            self.path.pop();
            done
        })
    }

    fn expression(&mut self, pattern: &str) -> Result<String, String> {
        match compilable(pattern) {
            Ok(translated) => {
                if translated != pattern {
                    self.originals.0.insert(translated.clone(), pattern.to_owned());
                }
                Ok(translated)
            }
            Err(_) if !self.known => Ok(pattern.to_owned()),
            Err(why) => {
                let path = self.path.join("/");
                Err(format!("at '/{path}': '{pattern}' is no regular expression of Go: {why}"))
            }
        }
    }
}
