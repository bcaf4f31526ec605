//! Who bears a term (postings), and who waits for one (listeners).

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;

use super::term::{Cover, Term};

/// For each term the ids that bear it. The map is only looked up, never iterated.
#[derive(Clone, Debug, Default)]
pub struct Postings(HashMap<Term, RoaringBitmap>);

impl Postings {
    /// `id` bears these terms.
    pub fn add(&mut self, id: u32, terms: impl IntoIterator<Item = Term>) {
        for term in terms {
            self.0.entry(term).or_default().insert(id);
        }
    }

    /// `id` bears these terms no longer.
    pub fn remove<'t>(&mut self, id: u32, terms: impl IntoIterator<Item = &'t Term>) {
        for term in terms {
            let Some(ids) = self.0.get_mut(term) else { continue };
            ids.remove(id);
            if ids.is_empty() {
                self.0.remove(term);
            }
        }
    }

    /// How many bear a term.
    pub fn count(&self, term: &Term) -> u64 {
        self.0.get(term).map_or(0, RoaringBitmap::len)
    }

    /// Those that bear a term.
    pub fn get(&self, term: &Term) -> Option<&RoaringBitmap> {
        self.0.get(term)
    }

    /// Those that bear one of the terms.
    pub fn any(&self, cover: &[Term]) -> RoaringBitmap {
        cover.iter().filter_map(|term| self.0.get(term)).fold(RoaringBitmap::new(), |all, ids| all | ids)
    }

    /// Those that bear a term of each cover; `None` when there is no cover, so that nothing can be ruled out.
    pub fn all(&self, covers: &[Cover]) -> Option<RoaringBitmap> {
        let mut covers = covers.iter();
        let first = self.any(covers.next()?);
        Some(covers.fold(first, |ids, cover| ids & self.any(cover)))
    }

    /// The cover that the fewest ids bear; between equal ones that of the kind of term that is usually rarest.
    pub fn rarest(&self, covers: Vec<Cover>) -> Option<Cover> {
        covers.into_iter().min_by_key(|cover| {
            let bearers: u64 = cover.iter().map(|term| self.count(term)).sum();
            let rank = cover.iter().map(Term::rank).max();
            (bearers, rank, cover.len())
        })
    }
}

/// For each term those that wait for it, and those that no term can call (only `NotIn`, `DoesNotExist`, or no test at all).
#[derive(Clone, Debug)]
pub struct Listeners<T> {
    by_term: HashMap<Term, BTreeSet<T>>,
    residual: BTreeSet<T>,
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self { by_term: HashMap::new(), residual: BTreeSet::new() }
    }
}

impl<T: Ord + Clone> Listeners<T> {
    /// `listener` waits for any term of `cover`, or for everything.
    pub fn add(&mut self, listener: T, cover: Option<&Cover>) {
        let Some(cover) = cover else {
            self.residual.insert(listener);
            return;
        };
        for term in cover {
            self.by_term.entry(term.clone()).or_default().insert(listener.clone());
        }
    }

    /// Undoes [`Listeners::add`] with the same arguments.
    pub fn remove(&mut self, listener: &T, cover: Option<&Cover>) {
        for term in cover.into_iter().flatten() {
            let Some(listeners) = self.by_term.get_mut(term) else { continue };
            listeners.remove(listener);
            if listeners.is_empty() {
                self.by_term.remove(term);
            }
        }
        self.residual.remove(listener);
    }

    /// Those that somebody with one of these terms may concern.
    pub fn called_by<'t>(&self, terms: impl IntoIterator<Item = &'t Term>) -> BTreeSet<T> {
        let waiting = terms.into_iter().filter_map(|term| self.by_term.get(term)).flatten();
        waiting.chain(&self.residual).cloned().collect()
    }
}
