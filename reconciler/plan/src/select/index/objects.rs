//! Objects come, change and go.

use apimachinery::Namespace;

use super::{
    Changed, ClauseRef, Index, Labels, Modulation, Narrowed, ObjectId, RoaringBitmap, Selectable, clause,
    never_selected, term,
};
use crate::select::Narrowing;
use std::collections::{BTreeMap, BTreeSet};

/// What one object was to the policies that a change may concern, before it: its modulation, and where its narrowing sends it.
struct Before {
    modulations: BTreeMap<u32, Option<Modulation>>,
    admitted: Option<RoaringBitmap>,
}

impl Before {
    /// An object that was not there yet.
    fn nowhere(clauses: &BTreeSet<ClauseRef>) -> Self {
        let modulations = clauses.iter().map(|(policy, _)| (*policy, None)).collect();
        Self { modulations, admitted: None }
    }
}

impl Index {
    /// Adds an object, or replaces what it says of itself.
    pub fn upsert_object(&mut self, object: Selectable) -> Changed {
        if self.objects.get(&object.id) == Some(&object) {
            return Changed::new();
        }
        self.replace_object(object)
    }

    /// Removes an object.
    pub fn remove_object(&mut self, id: &ObjectId) -> Changed {
        let Some(object) = self.objects.get(id).cloned() else { return Changed::new() };
        let mut changed = match object.as_namespace() {
            Some(namespace) => self.set_namespace(&namespace, None),
            None => Changed::new(),
        };
        changed.append(&mut self.move_object(Some(&object), None));
        self.objects.remove(id);
        changed
    }

    /// [`Index::upsert_object`] that does not stop when nothing differs.
    pub(super) fn replace_object(&mut self, object: Selectable) -> Changed {
        let mut changed = match object.as_namespace() {
            Some(namespace) => self.set_namespace(&namespace, Some(&object.labels)),
            None => Changed::new(),
        };
        let old = self.objects.get(&object.id).cloned();
        changed.append(&mut self.move_object(old.as_ref(), Some(object)));
        changed
    }

    /// From what an object was to what it is; `None` before it comes and when it goes.
    fn move_object(&mut self, old: Option<&Selectable>, new: Option<Selectable>) -> Changed {
        let old_terms = old.map(term::of_object).unwrap_or_default();
        let new_terms = new.as_ref().map(|new| self.terms_of(new)).unwrap_or_default();
        let clauses = self.clauses.called_by(old_terms.iter().chain(&new_terms));
        let known = old.and_then(|old| self.objects.id(&old.id));
        let before = known.map(|id| self.before(id, &clauses));
        let stored = new.clone().map(|new| self.objects.insert(new.id.clone(), new));
        let Some(id) = stored.or(known) else { return Changed::new() };
        let before = before.unwrap_or_else(|| Before::nowhere(&clauses));
        self.bearers.remove(id, &old_terms);
        let narrowing = |object: Option<&Selectable>| object.and_then(|object| object.narrowing.clone());
        self.narrow(id, narrowing(old).as_ref(), narrowing(new.as_ref()).as_ref());
        let selectable = new.filter(|_| !new_terms.is_empty());
        for clause in clauses {
            let holds = selectable.as_ref().is_some_and(|object| self.try_clause(clause, object));
            self.set_clause(clause, id, holds);
        }
        self.bearers.add(id, new_terms);
        self.changed_since(id, &before)
    }

    /// The terms that an object can be found by: none if it is never selected.
    fn terms_of(&self, object: &Selectable) -> Vec<term::Term> {
        match never_selected(object, &self.secret_refs) {
            Some(_) => Vec::new(),
            None => term::of_object(object),
        }
    }

    fn before(&self, id: u32, clauses: &BTreeSet<ClauseRef>) -> Before {
        let policies: BTreeSet<u32> = clauses.iter().map(|(policy, _)| *policy).collect();
        let modulation = |policy| self.policy_at(policy).and_then(|indexed| indexed.modulation(id));
        Before {
            modulations: policies.into_iter().map(|policy| (policy, modulation(policy))).collect(),
            admitted: self.admitted(id).cloned(),
        }
    }

    fn changed_since(&self, id: u32, before: &Before) -> Changed {
        let admitted = self.admitted(id);
        let differs = |policy: u32, was: &Option<Modulation>| {
            let Some(indexed) = self.policy_at(policy) else { return false };
            let is = indexed.modulation(id);
            let narrowed =
                |admitted: Option<&RoaringBitmap>| admitted.map(|admitted| admitted & &indexed.clusters);
            *was != is || (is.is_some() && narrowed(before.admitted.as_ref()) != narrowed(admitted))
        };
        let differing = before.modulations.iter().filter(|(policy, was)| differs(**policy, was));
        self.names_of(differing.map(|(policy, _)| *policy))
    }

    /// The clusters that an object's narrowing admits; `None` for an object that is not narrowed.
    pub(super) fn admitted(&self, object: u32) -> Option<&RoaringBitmap> {
        let narrowing = self.objects.value(object)?.narrowing.as_ref()?;
        self.narrowings.get(narrowing.text()).map(|narrowed| &narrowed.clusters)
    }

    fn narrow(&mut self, id: u32, old: Option<&Narrowing>, new: Option<&Narrowing>) {
        if old == new {
            return;
        }
        if let Some(narrowed) = old.and_then(|old| self.narrowings.get_mut(old.text())) {
            narrowed.objects.remove(id);
            if narrowed.objects.is_empty() {
                self.narrowings.retain(|_, narrowed| !narrowed.objects.is_empty());
            }
        }
        let Some(new) = new else { return };
        if !self.narrowings.contains_key(new.text()) {
            let clusters = self.clusters_admitted_by(new);
            let narrowed = Narrowed { narrowing: new.clone(), objects: RoaringBitmap::new(), clusters };
            self.narrowings.insert(new.text().into(), narrowed);
        }
        if let Some(narrowed) = self.narrowings.get_mut(new.text()) {
            narrowed.objects.insert(id);
        }
    }

    /// A Namespace comes, gets other labels, or goes: the objects in it are tried again on the clauses for which that makes a difference.
    fn set_namespace(&mut self, namespace: &Namespace, labels: Option<&Labels>) -> Changed {
        let old = self.namespaces.get(namespace).cloned();
        if old.as_ref() == labels {
            return Changed::new();
        }
        match labels {
            Some(labels) => drop(self.namespaces.insert(namespace.clone(), labels.clone())),
            None => drop(self.namespaces.remove(namespace)),
        }
        let differs = |&(policy, position): &ClauseRef| {
            let clause = self.policy_at(policy).and_then(|p| p.policy.clauses.get(position as usize));
            clause.is_some_and(|clause| {
                let selectors = &clause.test.namespace_selectors;
                let passes = |labels: Option<&Labels>| clause::namespace_passes(selectors, labels);
                passes(old.as_ref()) != passes(labels)
            })
        };
        let concerned: BTreeSet<ClauseRef> =
            self.by_namespace.iter().filter(|c| differs(c)).copied().collect();
        let inside = self.bearers.get(&term::Term::Namespace(namespace.clone())).cloned().unwrap_or_default();
        let mut changed = Changed::new();
        for id in inside {
            changed.append(&mut self.retry(id, &concerned));
        }
        changed
    }

    /// Tries an object again on some clauses.
    fn retry(&mut self, id: u32, clauses: &BTreeSet<ClauseRef>) -> Changed {
        let Some(object) = self.objects.value(id).cloned() else { return Changed::new() };
        let before = self.before(id, clauses);
        for clause in clauses {
            let holds = self.try_clause(*clause, &object);
            self.set_clause(*clause, id, holds);
        }
        self.changed_since(id, &before)
    }
}
