//! A BindingPolicy as a noun. The semantics are KubeStellar's: `docs/ARCHITECTURE.md` names where ours differ on purpose.

use std::collections::BTreeSet;

use apimachinery::selector::Selector;
use apimachinery::{Group, Name, Namespace, ObjectId, Plural};

use crate::{Origin, PolicyName};

mod parse;

/// The group of KubeStellar's kinds.
pub const CONTROL_GROUP: &str = "control.kubestellar.io";

/// Whether an identity is that of a BindingPolicy.
pub fn is_policy(id: &ObjectId) -> bool {
    id.group == CONTROL_GROUP && id.kind == "BindingPolicy"
}

/// One BindingPolicy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// ORed; an empty list selects no cluster, an empty selector every cluster.
    pub cluster_selectors: Vec<Selector>,
    /// In the order of `spec.downsync`. ORed; what several matching clauses ask for is merged.
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
    /// Namespaces. A list of concrete names never matches a cluster-scoped object; `*`, an absent list and the empty name do.
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
    /// Only these pass; nothing passes an empty set, which stands for a clause that could not be understood.
    OneOf(BTreeSet<T>),
}

impl<T: Ord> Match<T> {
    /// Whether `value` passes.
    pub fn admits<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        match self {
            Self::Any => true,
            Self::OneOf(values) => values.contains(value),
        }
    }
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

impl Modulation {
    /// Adds what another clause, or another policy, asks for.
    pub fn merge(&mut self, other: &Self) {
        self.create_only |= other.create_only;
        self.want_singleton |= other.want_singleton;
        self.want_multi |= other.want_multi;
        self.status_collectors.extend(other.status_collectors.iter().cloned());
    }
}
