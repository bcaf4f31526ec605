//! Choosing objects by pattern, and by Kubernetes selectors over labels and annotations.

use regex::Regex;

use super::file::Selector;
use super::id::GvkRef;
use super::requirements::{Requirement, requirements};
use super::resmap::ResMap;
use super::resource::Resource;
use crate::yaml::Node;

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
