//! Labels, names, namespaces and resources as terms, and the terms that clauses and selectors require.
//!
//! A *cover* of a condition is a set of terms of which everything that meets the condition bears at least one. `In` gives one term for each value,
//! `Exists` and comparisons the key; `NotIn` and `DoesNotExist` give no cover: they are met by absence.

use std::collections::BTreeMap;

use apimachinery::selector::{Operator, Requirement, Selector};
use apimachinery::{Group, Name, Namespace, Plural};

use super::Selectable;
use super::postings::Postings;
use crate::policy::{Match, ObjectTest};

/// One thing that an object or a cluster bears.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Term {
    /// Its name.
    Name(Name),
    /// One of its labels: key and value.
    Label(String, String),
    /// Its namespace; empty for a cluster-scoped object.
    Namespace(Namespace),
    /// The key of one of its labels.
    LabelKey(String),
    /// Its plural.
    Plural(Plural),
    /// Its group.
    Group(Group),
}

/// Terms of which at least one is required.
pub type Cover = Vec<Term>;

impl Term {
    /// From what is usually rare to what is usually common.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Name(_) => 0,
            Self::Label(..) => 1,
            Self::Namespace(_) => 2,
            Self::LabelKey(_) => 3,
            Self::Plural(_) => 4,
            Self::Group(_) => 5,
        }
    }

    /// The namespace an object bears; a cluster-scoped one bears the empty one.
    pub fn namespace(namespace: Option<&Namespace>) -> Self {
        Self::Namespace(namespace.cloned().unwrap_or_else(|| "".into()))
    }
}

/// The terms of an object.
pub fn of_object(object: &Selectable) -> Vec<Term> {
    let mut terms = of_labels(&object.labels);
    terms.push(Term::Name(object.id.name.clone()));
    terms.push(Term::namespace(object.id.namespace.as_ref()));
    terms.push(Term::Plural(object.plural.clone()));
    terms.push(Term::Group(object.id.group.clone()));
    terms
}

/// The terms of labels.
pub fn of_labels(labels: &BTreeMap<String, String>) -> Vec<Term> {
    let pairs = labels.iter().map(|(key, value)| Term::Label(key.clone(), value.clone()));
    pairs.chain(labels.keys().map(|key| Term::LabelKey(key.clone()))).collect()
}

/// The covers of a clause, one for each test that has one. A namespace selector has none: it is a condition on another object.
pub fn of_test(test: &ObjectTest, bearers: &Postings) -> Vec<Cover> {
    let mut covers = Vec::new();
    covers.extend(test.group.iter().map(|group| vec![Term::Group(group.clone())]));
    covers.extend(one_of(&test.resources, Term::Plural));
    covers.extend(one_of(&test.namespaces, Term::Namespace));
    covers.extend(one_of(&test.names, Term::Name));
    covers.extend(of_selectors(&test.object_selectors, bearers));
    covers
}

/// The cover of ORed selectors: the rarest of each. `None` when the list is empty, or one of them has none.
pub fn of_selectors(selectors: &[Selector], bearers: &Postings) -> Option<Cover> {
    if selectors.is_empty() {
        return None;
    }
    let covers = selectors.iter().map(|selector| bearers.rarest(of_selector(selector)));
    let mut terms: Cover = covers.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    terms.sort_unstable();
    terms.dedup();
    Some(terms)
}

/// The covers of one selector, one for each requirement that has one.
pub fn of_selector(selector: &Selector) -> Vec<Cover> {
    selector.requirements().iter().filter_map(of_requirement).collect()
}

fn of_requirement(requirement: &Requirement) -> Option<Cover> {
    let key = requirement.key();
    if let Some(values) = requirement.required_values() {
        return Some(values.iter().map(|value| Term::Label(key.to_owned(), value.clone())).collect());
    }
    match requirement.operator() {
        Operator::NotEquals | Operator::NotIn | Operator::DoesNotExist => None,
        _ => Some(vec![Term::LabelKey(key.to_owned())]),
    }
}

fn one_of<T: Clone>(test: &Match<T>, term: impl Fn(T) -> Term) -> Option<Cover> {
    match test {
        Match::Any => None,
        Match::OneOf(values) => Some(values.iter().cloned().map(term).collect()),
    }
}
