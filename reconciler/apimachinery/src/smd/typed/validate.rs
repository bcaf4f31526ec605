//! Whether a value fits its shape.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Problem, Trail, ValidationErrors, found, item_element};
use crate::goprint;
use crate::smd::path::PathElement;
use crate::smd::shape::{ListForm, MapForm, ScalarForm, Shape};

/// Whether the same item may be in a set or keyed list twice: not in what is applied, but in what is stored, since nothing else forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// They are errors.
    Refused,
    /// They pass.
    Allowed,
}

/// Checks a value against its shape.
///
/// # Errors
/// All violations. After an item that cannot be identified the rest of its list is not looked at.
pub fn validate(value: &Value, shape: Shape<'_>, duplicates: Duplicates) -> Result<(), ValidationErrors> {
    let mut walk = Walk { trail: Trail::default(), duplicates };
    walk.node(value, shape);
    ValidationErrors::check(walk.trail.errors)
}

struct Walk {
    trail: Trail,
    duplicates: Duplicates,
}

impl Walk {
    fn node(&mut self, value: &Value, shape: Shape<'_>) {
        let atom = shape.atom().narrow(Some(value));
        if let Some(map) = atom.map {
            self.map(&map, value);
        } else if let Some(scalar) = atom.scalar {
            if let Some(problem) = scalar_problem(scalar, Some(value)) {
                self.trail.report(problem);
            }
        } else if let Some(list) = atom.list {
            self.list(&list, value);
        }
    }

    fn map(&mut self, map: &MapForm<'_>, value: &Value) {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return,
            _ => return self.trail.report(Problem::Type { expected: "map", found: found(value) }),
        };
        for (name, value) in fields {
            let shape = map.field(name);
            let element = PathElement::field(name);
            self.trail.path.push(element);
            if shape.is_undeclared() {
                self.trail.report(Problem::Undeclared);
            } else {
                self.node(value, shape);
            }
            self.trail.path.pop();
        }
    }

    fn list(&mut self, list: &ListForm<'_>, value: &Value) {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return,
            _ => return self.trail.report(Problem::Type { expected: "list", found: found(value) }),
        };
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if list.is_whole() {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            } else {
                let element = match item_element(list, item) {
                    Ok(element) => element,
                    Err(detail) => return self.trail.report(Problem::Item { index, detail }),
                };
                if !seen.insert(element.clone()) && self.duplicates == Duplicates::Refused {
                    self.trail.report(Problem::Duplicate { key: element.clone() });
                }
                element
            };
            self.trail.path.push(element);
            self.node(item, list.items);
            self.trail.path.pop();
        }
    }
}

/// Why a value is not a scalar of this form. Null and no value pass.
pub(super) fn scalar_problem(form: ScalarForm, value: Option<&Value>) -> Option<Problem> {
    let value = value.filter(|value| !value.is_null())?;
    let fits = match form {
        ScalarForm::Number => value.is_number(),
        ScalarForm::Text => value.is_string(),
        ScalarForm::Boolean => value.is_boolean(),
        ScalarForm::Any => !value.is_array() && !value.is_object(),
    };
    // Every write of every object comes here, so nothing is worded before it is known to be wrong.
    if fits {
        return None;
    }
    let (expected, found) = match form {
        ScalarForm::Number => ("numeric (int or float)", goprint::type_name(value).to_owned()),
        ScalarForm::Text => {
            ("string", format!("&value.valueUnstructured{{Value:{}}}", goprint::syntax(value)))
        }
        ScalarForm::Boolean => ("boolean", found(value)),
        ScalarForm::Any => ("any scalar", found(value)),
    };
    Some(Problem::Type { expected, found })
}
