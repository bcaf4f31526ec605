//! Choosing objects by pattern, and by Kubernetes selectors over labels and annotations.

use regex::Regex;

use super::file::Selector;
use super::id::GvkRef;
use super::resmap::ResMap;
use super::resource::Resource;
use crate::yaml::{Map, Node};

/// A compiled selector. Patterns are anchored at both ends; an empty one matches anything.
pub(super) struct Chooser {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

enum Pattern {
    Any,
    /// Most patterns are plain names; comparing is cheaper than matching.
    Exactly(String),
    Regex(Box<Regex>),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Pattern::Any);
        }
        if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':')) {
            return Ok(Pattern::Exactly(text.to_owned()));
        }
        let regex =
            Regex::new(&format!("^(?:{text})$")).map_err(|_| format!("'{text}' is no regular expression"))?;
        Ok(Pattern::Regex(Box::new(regex)))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Exactly(wanted) => wanted == text,
            Pattern::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Chooser {
    pub(super) fn new(selector: &Selector) -> Result<Self, String> {
        Ok(Chooser {
            group: Pattern::new(&selector.gvk.group)?,
            version: Pattern::new(&selector.gvk.version)?,
            kind: Pattern::new(&selector.gvk.kind)?,
            name: Pattern::new(&selector.name)?,
            namespace: Pattern::new(&selector.namespace)?,
            labels: requirements(&selector.labels)?,
            annotations: requirements(&selector.annotations)?,
        })
    }

    pub(super) fn matches_gvk(&self, gvk: GvkRef<'_>) -> bool {
        self.kind.matches(gvk.kind) && self.version.matches(gvk.version) && self.group.matches(gvk.group)
    }

    pub(super) fn matches_name(&self, name: &str) -> bool {
        self.name.matches(name)
    }

    pub(super) fn matches_namespace(&self, namespace: &str) -> bool {
        self.namespace.matches(namespace)
    }

    /// Labels and annotations only.
    pub(super) fn matches_metadata(&self, resource: &Resource) -> bool {
        let held = |member: &str| resource.node.at(&["metadata", member]).and_then(Node::as_map);
        self.labels.iter().all(|requirement| requirement.holds(held("labels")))
            && self.annotations.iter().all(|requirement| requirement.holds(held("annotations")))
    }

    /// The original and the current name and namespace are tried.
    fn matches(&self, resource: &Resource) -> bool {
        let (original, current) = (resource.original(), resource.current());
        (self.matches_namespace(original.effective_namespace())
            || self.matches_namespace(current.effective_namespace()))
            && (self.matches_name(original.name) || self.matches_name(current.name))
            && self.matches_gvk(resource.gvk())
            && self.matches_metadata(resource)
    }

    pub(super) fn choose(&self, objects: &ResMap) -> Vec<usize> {
        (0..objects.len()).filter(|at| self.matches(objects.get(*at))).collect()
    }
}

/// One requirement of a selector, in Kubernetes' syntax.
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Requirement {
    fn holds(&self, texts: Option<&Map>) -> bool {
        let value = |key: &String| {
            texts.and_then(|map| map.get(key)).map(|node| node.scalar_text().unwrap_or_default())
        };
        match self {
            Requirement::In(key, wanted) => value(key).is_some_and(|text| wanted.contains(&text)),
            Requirement::NotIn(key, refused) => value(key).is_none_or(|text| !refused.contains(&text)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Missing(key) => value(key).is_none(),
        }
    }
}

fn requirements(selector: &str) -> Result<Vec<Requirement>, String> {
    split_requirements(selector).into_iter().map(requirement).collect()
}

/// Splits at commas outside of parentheses.
fn split_requirements(selector: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(selector[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(selector[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let owned = |text: &str| text.trim().to_owned();
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(owned(key), vec![owned(value)]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(owned(key), vec![owned(value)]));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Requirement::Missing(owned(key)));
    }
    if let Some((head, rest)) = text.split_once('(') {
        let values = rest.trim_end().strip_suffix(')').unwrap_or(rest).split(',').map(owned).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(Requirement::In(key.to_owned(), values)),
            (Some(key), Some("notin"), None) => Ok(Requirement::NotIn(key.to_owned(), values)),
            _ => Err(format!("'{text}' is no selector; write key in (a, b)")),
        };
    }
    if text.split_whitespace().count() == 1 {
        return Ok(Requirement::Exists(text.to_owned()));
    }
    Err(format!("'{text}' is no selector"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile};

    #[test]
    fn selectors_follow_kubernetes_syntax() {
        fn check(selector: &str, expected: bool) {
            let labels =
                Loader::new(Profile::Kustomize).load("f", b"{app: web, tier: front}").unwrap().remove(0);
            let held = requirements(selector).unwrap().iter().all(|r| r.holds(labels.as_map()));
            assert_eq!(held, expected, "{selector}");
        }
        check("", true);
        check("app=web,tier==front", true);
        check("app in (api, web),!gone", true);
        check("app notin (web)", false);
        check("app!=api", true);
        check("other!=api", true);
        check("tier", true);
        check("gone", false);
        assert!(requirements("a b c").is_err());
    }
}
