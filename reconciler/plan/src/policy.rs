//! A BindingPolicy as a noun. The semantics are KubeStellar's: `docs/ARCHITECTURE.md` names where ours differ on purpose.

use std::collections::BTreeSet;

use apimachinery::{Group, Name, Namespace, Plural};
use apimachinery::selector::Selector;

use crate::{Origin, PolicyName};

/// One BindingPolicy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// ORed; an empty list selects no cluster, an empty selector every cluster.
    pub cluster_selectors: Vec<Selector>,
    /// ORed; what several matching clauses ask for is merged.
    pub clauses: Vec<Clause>,
    /// Parts that could not be understood (an invalid selector); they select nothing, the rest of the policy works.
    pub problems: Vec<String>,
    /// Where it was written, if a source of ours declares it.
    pub origin: Option<Origin>,
}

/// One entry of `spec.downsync`.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Which objects.
    pub test: ObjectTest,
    /// How they travel.
    pub modulation: Modulation,
}

/// Six tests, ANDed.
#[derive(Clone, Debug, Default)]
pub struct ObjectTest {
    /// Exact group, `Some("")` for core; `None` is any.
    pub group: Option<Group>,
    /// Lowercase plurals.
    pub resources: Match<Plural>,
    /// Namespaces. A list of concrete names never matches a cluster-scoped object; `*` and an absent list do.
    pub namespaces: Match<Namespace>,
    /// ORed over the labels of the object's Namespace; empty passes, a list with an empty selector, too.
    pub namespace_selectors: Vec<Selector>,
    /// ORed over the object's labels; empty passes.
    pub object_selectors: Vec<Selector>,
    /// Object names.
    pub names: Match<Name>,
}

/// A list test of a clause: absent, empty and `*` pass everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Match<T> {
    /// Everything passes.
    #[default]
    Any,
    /// Only these pass.
    OneOf(BTreeSet<T>),
}

/// How selected objects travel and what comes back; merged over clauses by OR and union.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modulation {
    /// Create in the cluster if absent, never update.
    pub create_only: bool,
    /// Names of StatusCollectors.
    pub status_collectors: BTreeSet<String>,
    /// Return `.status` where exactly one cluster runs the object.
    pub want_singleton: bool,
    /// Return a merged `.status` from several clusters.
    pub want_multi: bool,
}
