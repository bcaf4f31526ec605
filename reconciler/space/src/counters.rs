//! How many requests a space has answered: for `/metrics`, and for tests that hold the number of writes down.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use apimachinery::GroupResource;

use crate::request::Verb;

/// What requests are counted by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Counted {
    /// The resource.
    pub resource: GroupResource,
    /// `status`, `scale`, or empty.
    pub subresource: String,
    /// What was asked.
    pub verb: Verb,
    /// The HTTP status code of the answer.
    pub code: u16,
}

/// Numbers of requests since the server started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<Counted, u64>);

impl Counts {
    /// Requests that were to change something and succeeded. Dry runs and reviews do not count; writes that changed nothing do.
    pub fn writes(&self) -> u64 {
        self.sum(|counted| counted.verb.is_write() && counted.code < 400)
    }

    /// Requests that were to read or watch something.
    pub fn reads(&self) -> u64 {
        self.sum(|counted| !counted.verb.is_write())
    }

    /// The sum over those that the filter wants.
    pub fn sum(&self, wanted: impl Fn(&Counted) -> bool) -> u64 {
        self.0.iter().filter(|(counted, _)| wanted(counted)).map(|(_, count)| count).sum()
    }

    /// What was counted since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = self.0.iter().map(|(counted, count)| {
            (counted.clone(), count - earlier.0.get(counted).copied().unwrap_or_default())
        });
        Self(difference.filter(|(_, count)| *count > 0).collect())
    }
}

/// The counters of one space.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Counts>);

impl Counters {
    pub(crate) fn count(&self, counted: Counted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).0.entry(counted).or_default() += 1;
    }

    /// The numbers now.
    pub fn read(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tell_reads_from_writes_and_failures() {
        let counters = Counters::default();
        let counted = |verb, code| Counted {
            resource: GroupResource::new("", "pods"),
            subresource: String::new(),
            verb,
            code,
        };
        counters.count(counted(Verb::Create, 201));
        let earlier = counters.read();
        counters.count(counted(Verb::Create, 409));
        counters.count(counted(Verb::Patch, 200));
        counters.count(counted(Verb::List, 200));
        let now = counters.read();
        assert_eq!((now.writes(), now.reads(), now.since(&earlier).writes()), (2, 1, 1));
    }
}
