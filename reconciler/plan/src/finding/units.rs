//! Checks on units. They look at the declaration alone, so `validate` and sync can use them without a review.

use std::collections::BTreeMap;

use super::{Finding, some_of};
use crate::{Declaration, Unit};

/// All checks on units.
pub fn all(declaration: &Declaration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = declaration.units.iter().filter_map(failed).collect();
    findings.extend(declaration.units.iter().filter_map(name_too_long));
    findings.extend(duplicate_names(declaration));
    findings
}

/// The unit could not be rendered: what was said when it was tried.
pub fn failed(unit: &Unit) -> Option<Finding> {
    unit.failure.clone()
}

/// The name becomes the value of the label `gitstellar.io/unit`.
pub fn name_too_long(unit: &Unit) -> Option<Finding> {
    let name = unit.name.as_str();
    if is_label_value(name) {
        return None;
    }
    let message = format!(
        "unit {name} at {}: its name cannot be the value of the label gitstellar.io/unit ({} characters; at most 63, letters, digits, `-`, `_`, `.`). \
         Give it a name in gitstellar.yaml",
        unit.path,
        name.chars().count(),
    );
    Some(Finding::blocker("unit-name-too-long", None, message))
}

/// Two units of one name would prune each other's objects.
pub fn duplicate_names(declaration: &Declaration) -> Vec<Finding> {
    let mut paths: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for unit in &declaration.units {
        paths.entry(&unit.name).or_default().push(&unit.path);
    }
    let doubled = paths.into_iter().filter(|(_, paths)| paths.len() > 1);
    doubled
        .map(|(name, mut paths)| {
            paths.sort_unstable();
            let message =
                format!("units at {} are all named {name}; name them in gitstellar.yaml", some_of(paths, 5));
            Finding::blocker("unit-duplicate-name", None, message)
        })
        .collect()
}

/// The rule of Kubernetes for label values: empty, or at most 63 of letters, digits, `-`, `_`, `.`, a letter or digit at both ends.
fn is_label_value(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let ends = |c: Option<&u8>| c.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.iter().all(|c| inner(*c)) && ends(bytes.first()) && ends(bytes.last())
}
