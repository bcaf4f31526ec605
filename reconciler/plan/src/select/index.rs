//! Objects, policies, clusters and their selections, kept up to date by deltas.
//!
//! Guarantee: after any sequence of changes the index equals one that is built from what is left, and the naive model of `naive.rs` (property
//! test in `tests.rs`). It rests on two facts: everything that a clause matches bears a term of each cover of it, and each change looks up the terms
//! before and after.
//!
//! Cost: a change of an object visits the clauses that wait for one of its terms, not the others; a change of a policy visits the objects that bear
//! the terms it requires. [`Index::visited`] counts both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::ObjectId;
use roaring::RoaringBitmap;

use super::clause::{self, Namespaces};
use super::ids::Table;
use super::never::{SecretRefs, never_selected};
use super::postings::{Listeners, Postings};
use super::term::{self, Cover};
use super::{Changed, Labels, Selectable, Selection};
use crate::{ClusterName, Modulation, Policy, PolicyName};

mod clusters;
mod objects;
mod policies;
mod views;

pub use views::{PlacedPair, Placing};

/// The index. See the module.
#[derive(Clone, Debug, Default)]
pub struct Index {
    objects: Table<ObjectId, Selectable>,
    clusters: Table<ClusterName, Labels>,
    policies: Table<PolicyName, Indexed>,
    namespaces: Namespaces,
    secret_refs: SecretRefs,
    bearers: Postings,
    cluster_bearers: Postings,
    clauses: Listeners<ClauseRef>,
    cluster_policies: Listeners<u32>,
    /// Clauses with namespace selectors: those that a label change of a Namespace concerns.
    by_namespace: BTreeSet<ClauseRef>,
    narrowings: BTreeMap<Arc<str>, Narrowed>,
    visited: Visited,
}

/// How much work the index has done since it was made. Tests hold the laws of growth with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visited {
    /// How often a clause was tried on an object.
    pub clauses: u64,
    /// How often a cluster was tried on a policy or a narrowing.
    pub clusters: u64,
}

/// A clause: the id of its policy and its place in `spec.downsync`.
type ClauseRef = (u32, u32);

#[derive(Clone, Debug)]
struct Indexed {
    policy: Arc<Policy>,
    /// For each clause, what it matches and where it waits.
    clauses: Vec<IndexedClause>,
    clusters: RoaringBitmap,
    clusters_cover: Option<Cover>,
}

#[derive(Clone, Debug, Default)]
struct IndexedClause {
    objects: RoaringBitmap,
    cover: Option<Cover>,
}

/// One text of the narrowing annotation: objects that bear it, and clusters that it admits.
#[derive(Clone, Debug)]
struct Narrowed {
    narrowing: super::Narrowing,
    objects: RoaringBitmap,
    clusters: RoaringBitmap,
}

impl Indexed {
    fn objects(&self) -> RoaringBitmap {
        self.clauses.iter().fold(RoaringBitmap::new(), |all, clause| all | &clause.objects)
    }

    /// What the clauses that match an object ask for; `None` if none does.
    fn modulation(&self, object: u32) -> Option<Modulation> {
        let matching =
            self.clauses.iter().zip(&self.policy.clauses).filter(|(found, _)| found.objects.contains(object));
        matching.fold(None, |merged: Option<Modulation>, (_, clause)| {
            let mut merged = merged.unwrap_or_default();
            merged.merge(&clause.modulation);
            Some(merged)
        })
    }
}

impl Index {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much work it has done.
    pub fn visited(&self) -> Visited {
        self.visited
    }

    /// Replaces the set of Secrets that a `secretRef` of ours names; those are never selected.
    pub fn set_secret_refs(&mut self, refs: SecretRefs) -> Changed {
        let touched: Vec<_> = self.secret_refs.symmetric_difference(&refs).cloned().collect();
        self.secret_refs = refs;
        let mut changed = Changed::new();
        for (namespace, name) in touched {
            let id = ObjectId::new("", "Secret", Some(namespace.as_str()), name.as_str());
            if let Some(object) = self.objects.get(&id).cloned() {
                changed.append(&mut self.replace_object(object));
            }
        }
        changed
    }

    /// Namespaces that exist though no object of the index stands for them, with their labels: those that an API server makes itself. To be set
    /// before any object; an object that is such a Namespace takes its place.
    pub fn set_initial_namespaces(
        &mut self,
        namespaces: impl IntoIterator<Item = (apimachinery::Namespace, Labels)>,
    ) {
        self.namespaces.extend(namespaces);
    }

    /// Why no policy ever selects an object that it holds.
    pub fn never_selected(&self, object: &ObjectId) -> Option<&'static str> {
        never_selected(self.objects.get(object)?, &self.secret_refs)
    }

    fn policy_at(&self, id: u32) -> Option<&Indexed> {
        self.policies.value(id)
    }

    /// Whether a clause matches, counted. The caller has made sure that the object can be selected at all.
    fn try_clause(&mut self, (policy, position): ClauseRef, object: &Selectable) -> bool {
        self.visited.clauses += 1;
        let Some(indexed) = self.policies.value(policy) else { return false };
        let Some(clause) = indexed.policy.clauses.get(position as usize) else { return false };
        clause::matches(&clause.test, object, &self.namespaces)
    }

    /// Sets whether a clause holds an object.
    fn set_clause(&mut self, (policy, position): ClauseRef, object: u32, holds: bool) {
        let Some(indexed) = self.policies.value_mut(policy) else { return };
        let Some(clause) = indexed.clauses.get_mut(position as usize) else { return };
        if holds {
            clause.objects.insert(object);
        } else {
            clause.objects.remove(object);
        }
    }

    fn holds(&self, (policy, position): ClauseRef, object: u32) -> bool {
        let clause = self.policy_at(policy).and_then(|indexed| indexed.clauses.get(position as usize));
        clause.is_some_and(|clause| clause.objects.contains(object))
    }

    fn names_of(&self, policies: impl IntoIterator<Item = u32>) -> Changed {
        policies.into_iter().filter_map(|id| Some(self.policies.at(id)?.0.clone())).collect()
    }
}
