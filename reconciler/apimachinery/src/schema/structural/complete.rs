//! Constraints speak only of fields that the structure has.

use serde_json::{Map, Value};

use super::{alternatives, child, children};
use crate::field_error::{FieldError, FieldPath};

/// A node of the structure and where it stands.
struct Structure<'a> {
    node: Option<&'a Map<String, Value>>,
    path: FieldPath,
}

/// Only the constraints at the root need a start: those of deeper nodes are reached through their own structure.
pub(super) fn check(node: &Map<String, Value>, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let structure = Structure { node: Some(node), path: path.clone() };
    check_constraints(node, &structure, path, errors);
}

fn check_constraints(
    constraints: &Map<String, Value>,
    structure: &Structure,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    if let Some(not) = child(constraints, "not") {
        check_nested(not, structure, &path.child("not"), errors);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, one) in alternatives(constraints, key) {
            check_nested(one, structure, &path.child(key).index(index), errors);
        }
    }
}

fn check_nested(
    constraints: &Map<String, Value>,
    structure: &Structure,
    path: &FieldPath,
    errors: &mut Vec<FieldError>,
) {
    let Some(node) = structure.node else {
        errors.push(FieldError::required(&structure.path, format!("because it is defined in {path}")));
        return;
    };
    check_constraints(constraints, structure, path, errors);
    if let Some(items) = child(constraints, "items") {
        let below = Structure { node: child(node, "items"), path: structure.path.child("items") };
        check_nested(items, &below, &path.child("items"), errors);
    }
    for (name, property) in children(constraints, "properties") {
        let declared = child(node, "properties").and_then(|properties| child(properties, name));
        let below = Structure { node: declared, path: structure.path.child("properties").key(name) };
        check_nested(property, &below, &path.child("properties").key(name), errors);
    }
}
