//! Policies come, change and go.

use std::sync::Arc;

use super::{Changed, Index, Indexed, IndexedClause, Policy, PolicyName, RoaringBitmap, Selection, term};
use crate::policy::{Clause, ObjectTest};

impl Index {
    /// Adds a policy, or replaces it.
    pub fn upsert_policy(&mut self, policy: impl Into<Arc<Policy>>) -> Changed {
        let policy = policy.into();
        let before = self.selection(&policy.name);
        self.unlisten(&policy.name);
        let indexed = self.indexed(policy.clone());
        let id = self.policies.insert(policy.name.clone(), indexed);
        self.listen(id);
        let changed = before != self.selection(&policy.name);
        if changed { [policy.name.clone()].into() } else { Changed::new() }
    }

    /// Removes a policy.
    pub fn remove_policy(&mut self, name: &PolicyName) -> Changed {
        let before = self.selection(name);
        self.unlisten(name);
        self.policies.remove(name);
        let selected_something = before.is_some_and(|before| before != Selection::default());
        if selected_something { [name.clone()].into() } else { Changed::new() }
    }

    fn indexed(&mut self, policy: Arc<Policy>) -> Indexed {
        let clauses = policy.clauses.iter().map(|clause| self.indexed_clause(clause)).collect();
        let clusters = self.clusters_selected_by(&policy.cluster_selectors);
        let clusters_cover = term::of_selectors(&policy.cluster_selectors, &self.cluster_bearers);
        Indexed { policy, clauses, clusters, clusters_cover }
    }

    /// Finds what a clause matches, and the term by which it shall be called from now on.
    fn indexed_clause(&mut self, clause: &Clause) -> IndexedClause {
        let covers = term::of_test(&clause.test, &self.bearers);
        let candidates = self.candidates(&clause.test, &covers);
        let mut objects = RoaringBitmap::new();
        for id in candidates {
            let Some(object) = self.objects.value(id) else { continue };
            self.visited.clauses += 1;
            if super::clause::matches(&clause.test, object, &self.namespaces) {
                objects.insert(id);
            }
        }
        IndexedClause { objects, cover: self.bearers.rarest(covers) }
    }

    /// All objects that can match: those that bear a term of each cover, and of ORed selectors all covers of one of them.
    fn candidates(&self, test: &ObjectTest, covers: &[term::Cover]) -> RoaringBitmap {
        let found = self.bearers.all(covers).unwrap_or_else(|| self.selectable_ids());
        let mut by_selectors = RoaringBitmap::new();
        for selector in &test.object_selectors {
            match self.bearers.all(&term::of_selector(selector)) {
                Some(ids) => by_selectors |= ids,
                None => return found,
            }
        }
        if test.object_selectors.is_empty() { found } else { found & by_selectors }
    }

    /// Every object that is not one of those never selected.
    fn selectable_ids(&self) -> RoaringBitmap {
        let selectable = self
            .objects
            .iter()
            .filter(|(_, _, object)| super::never_selected(object, &self.secret_refs).is_none());
        selectable.map(|(_, id, _)| id).collect()
    }

    fn listen(&mut self, id: u32) {
        let Some(indexed) = self.policies.value(id) else { return };
        for (position, (found, clause)) in (0..).zip(indexed.clauses.iter().zip(&indexed.policy.clauses)) {
            self.clauses.add((id, position), found.cover.as_ref());
            if !clause.test.namespace_selectors.is_empty() {
                self.by_namespace.insert((id, position));
            }
        }
        if !indexed.policy.cluster_selectors.is_empty() {
            self.cluster_policies.add(id, indexed.clusters_cover.as_ref());
        }
    }

    fn unlisten(&mut self, name: &PolicyName) {
        let Some(id) = self.policies.id(name) else { return };
        let Some(indexed) = self.policies.value(id) else { return };
        for (position, found) in (0..).zip(&indexed.clauses) {
            self.clauses.remove(&(id, position), found.cover.as_ref());
            self.by_namespace.remove(&(id, position));
        }
        self.cluster_policies.remove(&id, indexed.clusters_cover.as_ref());
    }
}
