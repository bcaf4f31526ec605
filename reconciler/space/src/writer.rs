//! The one thread that writes to the store, in groups: everything that waits when a commit ends goes into the next one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::store::{Mutation, Store};

/// A write that waits for the disk.
pub(crate) struct Queued {
    /// What to store.
    pub(crate) mutation: Option<Mutation>,
    /// Its space, and the version it was given.
    pub(crate) advance: (Arc<str>, u64),
    /// The space's count of failures now, and when the write was made: if they differ, the write was based on one that failed, and fails, too.
    pub(crate) failures: (Arc<AtomicU64>, u64),
    /// Called on the writer's thread once it is on the disk, or has failed with this message.
    pub(crate) done: Box<dyn FnOnce(Result<(), String>) + Send>,
}

/// Largest number of writes in one commit, so that the first of them does not wait for ever.
const MAX_GROUP: usize = 1024;

/// The handle of the writing thread.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Queued>,
    closing: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(store: Box<dyn Store>) -> std::io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let of_thread = Arc::clone(&queue);
        let thread =
            std::thread::Builder::new().name("space-writer".into()).spawn(move || run(&of_thread, store))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over a write. Writes of one space must come in the order of their versions.
    pub(crate) fn submit(&self, write: Queued) {
        let mut state = self.queue.lock();
        if state.closing {
            drop(state);
            (write.done)(Err("the server is shutting down".into()));
            return;
        }
        state.waiting.push(write);
        drop(state);
        self.queue.wake.notify_one();
    }

    /// Writes what waits, closes the store, ends the thread.
    pub(crate) fn close(&self) {
        self.queue.lock().closing = true;
        self.queue.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended by a panic");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(queue: &Queue, mut store: Box<dyn Store>) {
    loop {
        let mut state = queue.lock();
        while state.waiting.is_empty() && !state.closing {
            state = queue.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() {
            return;
        }
        let group = if state.waiting.len() > MAX_GROUP {
            let rest = state.waiting.split_off(MAX_GROUP);
            std::mem::replace(&mut state.waiting, rest)
        } else {
            std::mem::take(&mut state.waiting)
        };
        drop(state);
        commit(store.as_mut(), group);
    }
}

fn commit(store: &mut dyn Store, group: Vec<Queued>) {
    let (valid, stale): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|write| write.failures.0.load(Ordering::Acquire) == write.failures.1);
    for write in stale {
        (write.done)(Err("an earlier write of the same object was not stored".into()));
    }
    let mut versions = BTreeMap::new();
    for write in &valid {
        versions.insert(Arc::clone(&write.advance.0), write.advance.1);
    }
    let mut batch: Vec<Mutation> = valid.iter().filter_map(|write| write.mutation.clone()).collect();
    batch.extend(versions.into_iter().map(|(space, version)| Mutation::Advance { space, version }));
    let result = if valid.is_empty() { Ok(()) } else { store.commit(&batch) };
    let result = result.map_err(|error| {
        tracing::error!(%error, writes = valid.len(), "a group of writes was not stored");
        error.to_string()
    });
    for write in valid {
        (write.done)(result.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::store::{Loaded, StoreError};

    /// Fails every commit that holds an advance to an odd version.
    #[derive(Debug)]
    struct FailsOdd;

    impl Store for FailsOdd {
        fn load(&mut self) -> Result<Loaded, StoreError> {
            Ok(Loaded::default())
        }

        fn commit(&mut self, batch: &[Mutation]) -> Result<(), StoreError> {
            let odd =
                batch.iter().any(|m| matches!(m, Mutation::Advance { version, .. } if version % 2 == 1));
            if odd { Err(StoreError::Io { path: "x".into(), detail: "full".into() }) } else { Ok(()) }
        }
    }

    fn write(version: u64, failures: &Arc<AtomicU64>, results: &mpsc::Sender<(u64, bool)>) -> Queued {
        let (results, counted) = (results.clone(), Arc::clone(failures));
        Queued {
            mutation: None,
            advance: ("a".into(), version),
            failures: (Arc::clone(failures), failures.load(Ordering::Acquire)),
            done: Box::new(move |result| {
                if result.is_err() {
                    counted.fetch_add(1, Ordering::AcqRel);
                }
                results.send((version, result.is_ok())).unwrap();
            }),
        }
    }

    #[test]
    fn a_write_based_on_a_failed_one_fails_and_later_ones_succeed() {
        let failures = Arc::<AtomicU64>::default();
        let (results, seen) = mpsc::channel();
        let (first, based_on_it) = (write(1, &failures, &results), write(2, &failures, &results));
        commit(&mut FailsOdd, vec![first]);
        commit(&mut FailsOdd, vec![based_on_it, write(4, &failures, &results)]);
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(1, false), (2, false), (4, true)]);
    }

    #[test]
    fn closing_writes_what_waits() {
        let writer = Writer::start(Box::new(FailsOdd)).unwrap();
        let failures = Arc::<AtomicU64>::default();
        let (results, seen) = mpsc::channel();
        writer.submit(write(2, &failures, &results));
        writer.close();
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(2, true)]);
        writer.submit(write(4, &failures, &results));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(4, false)]);
    }
}
