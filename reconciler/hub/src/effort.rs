//! How much the controllers have looked at: objects, manifests, pairs, clusters, whatever a loop goes over. Laws of growth are held with it: a wake-up costs what
//! has changed, not what there is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// So many more were looked at.
    pub fn add(&self, items: usize) {
        self.0.fetch_add(u64::try_from(items).unwrap_or(u64::MAX), Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What each controller has looked at since it started.
#[derive(Debug, Default)]
pub struct Effort {
    /// Objects of policies, of ledgers, and clusters.
    pub binding: Count,
    /// Entries of Bindings, manifests of works, contents.
    pub transport: Count,
    /// Mailboxes that were reconciled.
    pub mailboxes: Count,
    /// Entries of Bindings, manifests of works, pairs.
    pub status: Count,
    /// Units whose status was decided.
    pub units: Count,
    /// Objects of units that were rendered anew.
    pub declared: Count,
}
