//! What was nearly meant: the nearest cluster to a selector, the nearest name to one that does not exist.

use std::collections::BTreeMap;

use apimachinery::ObjectId;
use apimachinery::selector::{Requirement, Selector};

use crate::ClusterName;
use crate::finding::some_of;
use crate::select::Index;

/// A selector as kubectl writes it, `env in (prod,test),!edge`; an empty one says so.
pub fn selector_text(selector: &Selector) -> String {
    if selector.is_everything() {
        return "everything".to_owned();
    }
    if selector.is_nothing() {
        return "nothing (the selector is null)".to_owned();
    }
    selector.requirements().iter().map(requirement_text).collect::<Vec<_>>().join(",")
}

/// ORed selectors.
pub fn selectors_text(selectors: &[Selector]) -> String {
    selectors.iter().map(selector_text).collect::<Vec<_>>().join(" or ")
}

/// `matchLabels` and an `In` of one value read the same.
fn requirement_text(requirement: &Requirement) -> String {
    match requirement.required_values() {
        Some([value]) => format!("{}={value}", requirement.key()),
        _ => requirement.to_string(),
    }
}

/// What the labels have where the selector asks for something else: `env=staging, no label region`.
pub fn unmet(selector: &Selector, labels: &BTreeMap<String, String>) -> String {
    let unmet = selector.requirements().iter().filter(|requirement| !requirement.matches(labels));
    let texts: Vec<String> = unmet.map(|requirement| has(requirement, labels)).collect();
    texts.join(", ")
}

fn has(requirement: &Requirement, labels: &BTreeMap<String, String>) -> String {
    let key = requirement.key();
    match labels.get(key) {
        Some(value) => format!("{key}={value}"),
        None => match nearest_key(key, labels) {
            Some(near) => format!("no label {key} (but {near})"),
            None => format!("no label {key}"),
        },
    }
}

fn nearest_key<'a>(key: &str, labels: &'a BTreeMap<String, String>) -> Option<&'a str> {
    labels.keys().map(String::as_str).find(|other| is_near(key, other))
}

/// How far labels are from ORed selectors: how many requirements of the nearest one are unmet, and how far off the values are.
fn distance(selectors: &[Selector], labels: &BTreeMap<String, String>) -> Option<(usize, usize)> {
    let of_selector = |selector: &Selector| {
        let unmet: Vec<&Requirement> =
            selector.requirements().iter().filter(|requirement| !requirement.matches(labels)).collect();
        (unmet.len(), unmet.iter().map(|requirement| value_distance(requirement, labels)).sum())
    };
    selectors.iter().map(of_selector).min()
}

/// A value that is nearly the wanted one counts less than another value, and that less than none.
fn value_distance(requirement: &Requirement, labels: &BTreeMap<String, String>) -> usize {
    match labels.get(requirement.key()) {
        Some(actual) if requirement.values().iter().any(|wanted| is_near(wanted, actual)) => 1,
        Some(_) => 2,
        None => 3,
    }
}

/// The cluster that misses the least: `edge-1 with stage=canary-1`.
pub fn nearest_cluster(selectors: &[Selector], index: &Index) -> Option<String> {
    let ranked =
        index.clusters().filter_map(|(name, labels)| Some((distance(selectors, labels)?, name, labels)));
    let (_, name, labels) = ranked.min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))?;
    let selector =
        selectors.iter().min_by_key(|selector| distance(std::slice::from_ref(*selector), labels))?;
    Some(format!("{name} with {}", unmet(selector, labels)))
}

/// Why there is no such object, and which ones may have been meant.
pub fn unknown_object(index: &Index, object: &ObjectId) -> String {
    let mut near: Vec<(usize, &ObjectId)> =
        index.objects().filter_map(|other| Some((object_distance(object, &other.id)?, &other.id))).collect();
    near.sort_unstable();
    if near.is_empty() {
        return format!("there is no {object}");
    }
    format!("there is no {object}; there is {}", some_of(near.iter().map(|(_, id)| id), 3))
}

/// How far an identity is from another; `None` for one that nobody can have meant.
fn object_distance(wanted: &ObjectId, other: &ObjectId) -> Option<usize> {
    let name = if wanted.name == other.name {
        0
    } else if is_near(wanted.name.as_str(), other.name.as_str()) {
        2
    } else {
        return None;
    };
    let kind = usize::from(wanted.kind != other.kind || wanted.group != other.group);
    let namespace = usize::from(wanted.namespace != other.namespace);
    // The same name in another kind and another namespace is a coincidence.
    (name + kind + namespace <= 2).then_some(name + kind + namespace)
}

/// Why there is no such cluster, and which one may have been meant.
pub fn unknown_cluster(index: &Index, cluster: &ClusterName) -> String {
    let near = index.clusters().map(|(name, _)| name).filter(|name| is_near(cluster.as_str(), name.as_str()));
    let near: Vec<&ClusterName> = near.collect();
    if near.is_empty() {
        return format!("the inventory holds no cluster {cluster}");
    }
    format!("the inventory holds no cluster {cluster}; it holds {}", some_of(near, 3))
}

/// Whether one text is likely a slip of the other: equal but for case, one begins with the other, or at most two edits apart (one for short texts).
pub fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let shorter = a.chars().count().min(b.chars().count());
    let prefix = shorter >= 3 && (a.starts_with(&b) || b.starts_with(&a));
    prefix || edits(&a, &b) <= if shorter < 4 { 1 } else { 2 }
}

/// Insertions, deletions, replacements and swaps of neighbours between two texts. Names are at most 253 characters, so the square is small.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    let at = |rows: &[Vec<usize>], i: usize, j: usize| {
        rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0)
    };
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let (from, to) = (a.get(i - 1), b.get(j - 1));
            let left = row.last().copied().unwrap_or(0);
            let mut best = (at(&rows, i - 1, j - 1) + usize::from(from != to))
                .min(left + 1)
                .min(at(&rows, i - 1, j) + 1);
            if i > 1 && j > 1 && from == b.get(j - 2) && a.get(i - 2) == to {
                best = best.min(at(&rows, i - 2, j - 2) + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    at(&rows, a.len(), b.len())
}

#[cfg(test)]
mod tests {
    use super::{edits, is_near};

    #[test]
    fn edits_are_counted() {
        for (a, b, count) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("cart", "cart", 0),
            ("cart", "crat", 1),
            ("web", "wbe", 1),
        ] {
            assert_eq!(edits(a, b), count, "{a} {b}");
            assert_eq!(edits(b, a), count, "{b} {a}");
        }
    }

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        for (a, b, near) in [
            ("prod", "Prod", true),
            ("canary", "canary-1", true),
            ("edge-1", "edge-2", true),
            ("shop", "shpo", true),
            ("prod", "test", false),
            ("a", "b", true),
            ("", "a", false),
            ("staging", "production", false),
        ] {
            assert_eq!(is_near(a, b), near, "{a} {b}");
        }
    }
}
