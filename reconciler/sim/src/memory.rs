//! How long something has been as it is, and which names were given: the only memory of a simulated cluster.
//!
//! Times that are stored have whole seconds, delays are shorter. After a restart everything counts from the first look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kind::Id;

/// What is remembered of one aspect of an object.
struct Entry {
    state: String,
    from: Duration,
}

/// What is remembered of an object.
#[derive(Default)]
struct Remembered {
    aspects: BTreeMap<&'static str, Entry>,
    names_given: u64,
}

/// For each object: what each aspect of it was and since when, and how many names it gave.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<Id, Remembered>>);

impl Memory {
    /// How long `aspect` of an object has been `state`, at `now` on the monotonic clock. A state that is new counts from `now`.
    pub(crate) fn elapsed(&self, id: &Id, aspect: &'static str, state: &str, now: Duration) -> Duration {
        let mut memory = self.lock();
        let aspects = &mut memory.entry(id.clone()).or_default().aspects;
        let entry = aspects.entry(aspect).or_insert_with(|| Entry { state: state.to_owned(), from: now });
        if entry.state != state {
            *entry = Entry { state: state.to_owned(), from: now };
        }
        now.saturating_sub(entry.from)
    }

    /// The number of the next name that an object gives: 0, 1, 2, …
    pub(crate) fn next_number(&self, id: &Id) -> u64 {
        let mut memory = self.lock();
        let remembered = memory.entry(id.clone()).or_default();
        let number = remembered.names_given;
        remembered.names_given += 1;
        number
    }

    /// Forgets an object.
    pub(crate) fn forget(&self, id: &Id) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Id, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn time_counts_from_the_last_change_of_the_state() {
        let memory = Memory::default();
        let id = Id::new(Kind::Pod, "shop", "cart");
        let look =
            |state: &str, now: u64| memory.elapsed(&id, "stage", state, Duration::from_secs(now)).as_secs();
        assert_eq!(
            (look("pulling", 5), look("pulling", 8), look("running", 9), look("pulling", 12)),
            (0, 3, 0, 0)
        );
        memory.forget(&id);
        assert_eq!(look("pulling", 20), 0);
    }
}
