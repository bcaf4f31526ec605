//! What a failing test wants and what the object has instead, as text.

use std::fmt::Display;

use super::near::{selector_text, selectors_text, unmet};
use crate::select::clause::Test;
use crate::select::{Index, Selectable};
use crate::{Match, ObjectTest};
use apimachinery::selector::Selector;

/// What the test wants.
pub fn of_test(test: &ObjectTest, failing: Test) -> String {
    match failing {
        Test::Group => test.group.as_ref().map_or_else(|| "any".to_owned(), |group| quoted(group.as_str())),
        Test::Resources => one_of(&test.resources),
        Test::Names => one_of(&test.names),
        Test::Namespaces => one_of(&test.namespaces),
        Test::ObjectSelectors => selectors_text(&test.object_selectors),
        Test::NamespaceSelectors => selectors_text(&test.namespace_selectors),
    }
}

/// What the object has.
pub fn actual(index: &Index, object: &Selectable, test: &ObjectTest, failing: Test) -> String {
    match failing {
        Test::Group => quoted(object.id.group.as_str()),
        Test::Resources => object.plural.to_string(),
        Test::Names => object.id.name.to_string(),
        Test::Namespaces => match &object.id.namespace {
            Some(namespace) => namespace.to_string(),
            None => "it is cluster-scoped, which only `*` or no list at all matches".to_owned(),
        },
        Test::ObjectSelectors => unmet_of_each(&test.object_selectors, &object.labels),
        Test::NamespaceSelectors => namespace_labels(index, object, test),
    }
}

fn namespace_labels(index: &Index, object: &Selectable, test: &ObjectTest) -> String {
    let Some(namespace) = &object.id.namespace else { return "it is cluster-scoped".to_owned() };
    match index.namespaces().get(namespace) {
        Some(labels) => {
            format!("Namespace {namespace} has {}", unmet_of_each(&test.namespace_selectors, labels))
        }
        None => format!("there is no Namespace {namespace}"),
    }
}

/// What is unmet of the selector that misses least: of several ORed ones the others are further away.
fn unmet_of_each(selectors: &[Selector], labels: &std::collections::BTreeMap<String, String>) -> String {
    let missing = |selector: &&Selector| {
        selector.requirements().iter().filter(|requirement| !requirement.matches(labels)).count()
    };
    match selectors.iter().min_by_key(missing) {
        Some(nearest) if selectors.len() > 1 => {
            format!("{} (nearest: {})", unmet(nearest, labels), selector_text(nearest))
        }
        Some(nearest) => unmet(nearest, labels),
        None => "nothing".to_owned(),
    }
}

fn one_of<T: Display>(test: &Match<T>) -> String {
    match test {
        Match::Any => "any".to_owned(),
        Match::OneOf(values) if values.is_empty() => "nothing: the clause could not be understood".to_owned(),
        Match::OneOf(values) => crate::finding::some_of(values, 8),
    }
}

/// The core group is the empty text, which nobody sees.
fn quoted(group: &str) -> String {
    if group.is_empty() { "\"\" (core)".to_owned() } else { group.to_owned() }
}
