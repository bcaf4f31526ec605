//! The ordered set of objects of a build, with an index over every identity an object has or had.
//!
//! Upstream scans the list for every append and lookup, which makes large builds quadratic; here a lookup costs one hash.
//! An index entry may be stale (an object renamed without a note); every hit is checked against the object.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::error::KustomizeError;
use super::id::IdRef;
use super::resource::Resource;

#[derive(Debug, Default)]
pub(super) struct ResMap {
    resources: Vec<Resource>,
    index: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
}

impl ResMap {
    pub(super) fn len(&self) -> usize {
        self.resources.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.resources.iter()
    }

    pub(super) fn get(&self, at: usize) -> &Resource {
        &self.resources[at]
    }

    /// An object to change. When its identity may change, call [`ResMap::renamed`] afterwards.
    pub(super) fn get_mut(&mut self, at: usize) -> &mut Resource {
        &mut self.resources[at]
    }

    pub(super) fn into_resources(self) -> Vec<Resource> {
        self.resources
    }

    fn key(hasher: &RandomState, id: &IdRef<'_>) -> u64 {
        hasher.hash_one((id.gvk.kind, id.name, id.effective_namespace()))
    }

    /// Adds an object; an equal current identity is an error.
    pub(super) fn append(&mut self, resource: Resource) -> Result<(), KustomizeError> {
        if let Some(first) = self.find_current(&resource.current()) {
            return Err(self.conflict_with(first, &resource));
        }
        let at = self.resources.len();
        self.resources.push(resource);
        self.note(at);
        Ok(())
    }

    fn conflict_with(&self, first: usize, second: &Resource) -> KustomizeError {
        KustomizeError::Conflict {
            id: second.current().to_string(),
            first: self.resources[first].origin.clone(),
            second: second.origin.clone(),
        }
    }

    /// Two objects with one current identity are an error.
    pub(super) fn refuse_duplicates(&self) -> Result<(), KustomizeError> {
        self.refuse_duplicates_of(|_| true)
    }

    /// Adds all objects of another set, among which a step may have given one the identity of another: that is found here.
    pub(super) fn append_all(&mut self, other: ResMap) -> Result<(), KustomizeError> {
        if self.resources.is_empty() {
            *self = other;
            return self.refuse_duplicates();
        }
        other.resources.into_iter().try_for_each(|resource| self.append(resource))
    }

    fn note(&mut self, at: usize) {
        let Some(resource) = self.resources.get(at) else { return };
        for id in resource.any_id() {
            let held = self.index.entry(Self::key(&self.hasher, &id)).or_default();
            if held.last() != Some(&at) && !held.contains(&at) {
                held.push(at);
            }
        }
    }

    /// Notes the identities of an object that was changed.
    pub(super) fn renamed(&mut self, at: usize) {
        self.note(at);
    }

    /// The object whose current identity this is.
    pub(super) fn find_current(&self, id: &IdRef<'_>) -> Option<usize> {
        self.candidates(id).iter().copied().find(|at| self.resources[*at].current().same(id))
    }

    /// The objects that have or had this identity, in order.
    pub(super) fn find_any(&self, id: &IdRef<'_>) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .candidates(id)
            .iter()
            .copied()
            .filter(|at| self.resources[*at].any_id().any(|held| held.same(id)))
            .collect();
        found.sort_unstable();
        found
    }

    fn candidates(&self, id: &IdRef<'_>) -> &[usize] {
        self.index.get(&Self::key(&self.hasher, id)).map_or(&[], Vec::as_slice)
    }

    /// Drops emptied objects.
    pub(super) fn drop_empties(&mut self) {
        if self.resources.iter().any(Resource::is_empty) {
            self.resources.retain(|resource| !resource.is_empty());
            self.rebuild();
        }
    }

    /// Keeps the objects that `keep` likes.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.resources.retain(keep);
        self.rebuild();
    }

    /// Sorts the objects, stably.
    pub(super) fn sort_by_cached_key<K: Ord>(&mut self, key: impl FnMut(&Resource) -> K) {
        self.resources.sort_by_cached_key(key);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.index.clear();
        (0..self.resources.len()).for_each(|at| self.note(at));
    }

    /// The same among those that count.
    pub(super) fn refuse_duplicates_of(
        &self,
        counts: impl Fn(&Resource) -> bool,
    ) -> Result<(), KustomizeError> {
        match self.duplicate(counts) {
            Some((first, second)) => Err(self.conflict_with(first, &self.resources[second])),
            None => Ok(()),
        }
    }

    /// The first two objects that count and have one current identity.
    pub(super) fn duplicate(&self, counts: impl Fn(&Resource) -> bool) -> Option<(usize, usize)> {
        let mut counted = (0..self.resources.len()).filter(|at| counts(&self.resources[*at]));
        counted.find_map(|at| {
            let id = self.resources[at].current();
            let twin = self.candidates(&id).iter().find(|other| {
                let twin = &self.resources[**other];
                **other < at && counts(twin) && twin.current().same(&id)
            })?;
            Some((*twin, at))
        })
    }
}
