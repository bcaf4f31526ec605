//! The walks over a value and its shape.
//!
//! All of them are total: a value that does not fit its shape gives errors or is skipped, never a panic, and they recurse as deep as the JSON does, which
//! the JSON parser bounds.

use std::fmt;

use serde_json::Value;

use super::path::{FieldPath, PathElement};
use super::shape::{ListForm, Relation, Shape};
use crate::goprint;

mod compare;
mod extract;
mod field_set;
mod merge;
mod named;
mod reconcile;
mod remove;
mod validate;

pub use compare::{Comparison, compare};
pub use extract::extract_items;
pub use field_set::to_field_set;
pub use merge::merge;
pub(super) use named::with_named_fields;
pub(super) use reconcile::reconcile;
pub use remove::remove_items;
pub use validate::{Duplicates, validate};

/// One way in which a value does not fit its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    /// Where.
    pub path: FieldPath,
    /// What is wrong, in the server's words.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A value of another type. `found` is how the server prints the value.
    Type {
        /// The server's name of the type.
        expected: &'static str,
        /// The value.
        found: String,
    },
    /// Two items of a set or keyed list are the same.
    Duplicate {
        /// What they have in common.
        key: PathElement,
    },
    /// The schema does not have the field.
    Undeclared,
    /// An item of a set or keyed list that cannot be identified.
    Item {
        /// Its position.
        index: usize,
        /// Why.
        detail: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { expected, found } => write!(f, "expected {expected}, got {found}"),
            Self::Duplicate { key } => write!(f, "duplicate entries for key {key}"),
            Self::Undeclared => f.write_str("field not declared in schema"),
            Self::Item { index, detail } => write!(f, "element {index}: {detail}"),
        }
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            self.problem.fmt(f)
        } else {
            write!(f, "{}: {}", self.path, self.problem)
        }
    }
}

/// All the ways in which a value does not fit its shape; at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ValidationErrors(pub Vec<ValidationError>);

impl ValidationErrors {
    /// Without the values that the messages would show.
    pub fn redacted(mut self) -> Self {
        for error in &mut self.0 {
            if let Problem::Type { found, .. } = &mut error.problem {
                "another type".clone_into(found);
            }
        }
        self
    }

    fn check(errors: Vec<ValidationError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}

impl fmt::Display for ValidationErrors {
    /// One error stands for itself, several are listed under `errors:`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [error] = self.0.as_slice() {
            return error.fmt(f);
        }
        f.write_str("errors:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// Where a walk is, and what it found wrong.
#[derive(Default)]
struct Trail {
    path: Vec<PathElement>,
    errors: Vec<ValidationError>,
}

impl Trail {
    /// Walks one step down and comes back.
    fn descend<T>(&mut self, element: &PathElement, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(element.clone());
        let result = walk(self);
        self.path.pop();
        result
    }

    fn report(&mut self, problem: Problem) {
        self.errors.push(ValidationError { path: FieldPath(self.path.clone()), problem });
    }
}

/// How the server prints a value that has the wrong type.
fn found(value: &Value) -> String {
    format!("&{{{}}}", goprint::plain(value))
}

/// What identifies an item of a set or keyed list.
fn item_element(list: &ListForm<'_>, item: &Value) -> Result<PathElement, String> {
    match list.relation {
        Relation::Whole => Err("invalid indexing of non-associative list".to_owned()),
        Relation::Set => set_element(item),
        Relation::Keyed(keys) => keyed_element(list.items, keys, item),
    }
}

fn set_element(item: &Value) -> Result<PathElement, String> {
    let detail = match item {
        Value::Object(_) => "associative list without keys has an element that's a map type",
        Value::Array(_) => "not supported: associative list with lists as elements",
        Value::Null => "associative list without keys has an element that's an explicit null",
        _ => return Ok(PathElement::value(item.clone())),
    };
    Err(detail.to_owned())
}

/// A key that the item leaves out has its default; without one the key is left out of the element, too.
fn keyed_element(items: Shape<'_>, keys: &[Box<str>], item: &Value) -> Result<PathElement, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let form = items.atom().map;
    let present: Vec<(&str, Value)> = keys
        .iter()
        .filter_map(|key| {
            let value = fields.get(&**key).or_else(|| form?.default_of(key))?;
            Some((&**key, value.clone()))
        })
        .collect();
    if present.is_empty() && !keys.is_empty() {
        let keys: Vec<_> = keys.iter().map(|key| goprint::quote(key)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    Ok(PathElement::key(present))
}

/// The fields of an object; `None` for null and for what is no object.
fn fields(value: Option<&Value>) -> Option<&serde_json::Map<String, Value>> {
    value.and_then(Value::as_object)
}

/// The items of a list; none for null and for what is no list.
fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The names of two objects, each once, in order.
fn names<'v>(
    left: Option<&'v serde_json::Map<String, Value>>,
    right: Option<&'v serde_json::Map<String, Value>>,
) -> std::collections::BTreeSet<&'v String> {
    left.into_iter().chain(right).flat_map(serde_json::Map::keys).collect()
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests;
