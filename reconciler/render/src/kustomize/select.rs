//! Choosing objects by pattern, and by Kubernetes selectors over labels and annotations.

use std::collections::BTreeMap;

use apimachinery::selector;
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
    labels: selector::Selector,
    annotations: selector::Selector,
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
        let holds = |selector: &selector::Selector, member| {
            selector.is_everything() || selector.matches(&texts(&resource.node, member))
        };
        holds(&self.labels, "labels") && holds(&self.annotations, "annotations")
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

fn requirements(text: &str) -> Result<selector::Selector, String> {
    selector::Selector::parse(text).map_err(|error| format!("the selector '{text}': {error}"))
}

/// Labels or annotations, as texts.
fn texts(node: &Node, member: &str) -> BTreeMap<String, String> {
    let held = node.at(&["metadata", member]).and_then(Node::as_map);
    let texts = held.into_iter().flat_map(Map::iter);
    texts.map(|(key, value)| (key.to_owned(), value.scalar_text().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile};

    #[test]
    fn selectors_follow_kubernetes_syntax() {
        fn check(selector: &str, expected: bool) {
            let labels = "{app: web, tier: front, count: \"5\", empty: \"\", in: x}";
            let object = format!("metadata: {{labels: {labels}}}");
            let object = Loader::new(Profile::Kustomize).load("f", object.as_bytes()).unwrap().remove(0);
            let held = requirements(selector).unwrap().matches(&texts(&object, "labels"));
            assert_eq!(held, expected, "{selector}");
        }
        check("", true);
        check("app=web,tier==front", true);
        check(" app in (api, web) , !gone ", true);
        check("app notin (web)", false);
        check("app!=api", true);
        check("other!=api", true);
        check("tier", true);
        check("gone", false);
        check("count>4,count<6", true);
        check("app>4", false);
        check("empty=", true);
        check("empty in (,a)", true);
        check("in in (x)", true);
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "a b c",
            "app=a b",
            "app in web",
            "app in (web",
            "a=b,",
            ",a",
            "=b",
            "!a=b",
            "a=-b",
            "a_/b",
            "a>x",
        ] {
            assert!(requirements(text).is_err(), "{text}");
        }
    }
}
