//! The six tests of a clause. One implementation serves the index and `explain`, so that a reason cannot contradict a decision.

use std::collections::BTreeMap;

use apimachinery::{Namespace, selector::Selector};

use super::{Labels, Selectable};
use crate::policy::ObjectTest;

/// One of the six tests, in the order they are tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Test {
    /// `apiGroup`.
    Group,
    /// `resources`.
    Resources,
    /// `objectNames`.
    Names,
    /// `namespaces`.
    Namespaces,
    /// `objectSelectors`.
    ObjectSelectors,
    /// `namespaceSelectors`.
    NamespaceSelectors,
}

/// All tests, in the order they are tried: cheap ones first.
pub const TESTS: [Test; 6] = [
    Test::Group,
    Test::Resources,
    Test::Names,
    Test::Namespaces,
    Test::ObjectSelectors,
    Test::NamespaceSelectors,
];

impl Test {
    /// The field of a clause.
    pub fn field(self) -> &'static str {
        match self {
            Self::Group => "apiGroup",
            Self::Resources => "resources",
            Self::Names => "objectNames",
            Self::Namespaces => "namespaces",
            Self::ObjectSelectors => "objectSelectors",
            Self::NamespaceSelectors => "namespaceSelectors",
        }
    }

    /// Whether `object` passes.
    pub fn passes(self, test: &ObjectTest, object: &Selectable, namespaces: &Namespaces) -> bool {
        match self {
            Self::Group => test.group.as_ref().is_none_or(|group| *group == object.id.group),
            Self::Resources => test.resources.admits(object.plural.as_str()),
            Self::Names => test.names.admits(object.id.name.as_str()),
            // A cluster-scoped object has the empty namespace, as in KubeStellar: `namespaces: [""]` selects it.
            Self::Namespaces => {
                test.namespaces.admits(object.id.namespace.as_ref().map_or("", Namespace::as_str))
            }
            Self::ObjectSelectors => any_matches(&test.object_selectors, &object.labels),
            Self::NamespaceSelectors => {
                let labels = object.id.namespace.as_ref().and_then(|namespace| namespaces.get(namespace));
                namespace_passes(&test.namespace_selectors, labels)
            }
        }
    }
}

/// The labels of each Namespace that exists.
pub type Namespaces = BTreeMap<Namespace, Labels>;

/// Whether all tests pass.
pub fn matches(test: &ObjectTest, object: &Selectable, namespaces: &Namespaces) -> bool {
    TESTS.iter().all(|one| one.passes(test, object, namespaces))
}

/// The tests that fail, in order.
pub fn failing<'a>(
    test: &'a ObjectTest,
    object: &'a Selectable,
    namespaces: &'a Namespaces,
) -> impl Iterator<Item = Test> + 'a {
    TESTS.into_iter().filter(move |one| !one.passes(test, object, namespaces))
}

/// Whether a namespace with these labels passes; `None` is a namespace that does not exist, or a cluster-scoped object. An empty
/// list and an empty selector pass without looking, as in KubeStellar.
pub fn namespace_passes(selectors: &[Selector], labels: Option<&Labels>) -> bool {
    if selectors.is_empty() || selectors.iter().any(Selector::is_everything) {
        return true;
    }
    labels.is_some_and(|labels| selectors.iter().any(|selector| selector.matches(labels)))
}

fn any_matches(selectors: &[Selector], labels: &Labels) -> bool {
    selectors.is_empty() || selectors.iter().any(|selector| selector.matches(labels))
}
