//! Items that are in a list twice although the list is keyed, or a set. An API server stores them, but server-side apply refuses them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::{FieldPath, PathElement};
use super::shape::Shape;
use super::typed::{self, Duplicates, Problem};

/// The lists with repeated items and what is repeated in them: `.spec.template.spec.containers[name="c"].env` and `[name="A"]`. Each pair once, in the order of the object.
pub fn find_duplicate_list_keys(object: &Value, shape: Shape<'_>) -> Vec<(FieldPath, PathElement)> {
    let Err(errors) = typed::validate(object, shape, Duplicates::Refused) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    errors
        .0
        .into_iter()
        .filter_map(|error| match error.problem {
            Problem::Duplicate { key } => Some((error.path, key)),
            _ => None,
        })
        .filter(|pair| seen.insert(pair.clone()))
        .collect()
}
