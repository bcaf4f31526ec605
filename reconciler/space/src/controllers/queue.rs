//! What waits to be looked at: first in, first out, each once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::work::Work;

type Entry = (Arc<str>, Work);

/// Work by space.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Entry>,
    known: BTreeSet<Entry>,
    failed: BTreeSet<Entry>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds work, unless it waits already.
    pub(super) fn add(&mut self, space: Arc<str>, work: Work) {
        let entry = (space, work);
        if self.known.insert(entry.clone()) {
            self.waiting.push_back(entry);
        }
    }

    /// The work that waits longest, at most so much of it.
    pub(super) fn take(&mut self, most: usize) -> Vec<Entry> {
        let count = most.min(self.waiting.len());
        let taken: Vec<Entry> = self.waiting.drain(..count).collect();
        for entry in &taken {
            self.known.remove(entry);
        }
        taken
    }

    /// Remembers work that failed.
    pub(super) fn fail(&mut self, space: Arc<str>, work: Work) {
        self.failed.insert((space, work));
    }

    pub(super) fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Queues again what failed.
    pub(super) fn retry(&mut self) {
        for (space, work) in std::mem::take(&mut self.failed) {
            self.add(space, work);
        }
    }
}
