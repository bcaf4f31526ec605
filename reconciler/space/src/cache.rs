//! Objects of one resource in memory, and the ring of its last events.
//!
//! Guarantees. Events appear in the order of their versions. A reader that takes a listing at version v and follows events after v misses nothing. An event is
//! shared by all who read it, and so is its encoded frame.
//!
//! The ring forgets the oldest events first: down to [`SOFT_BYTES`] those older than [`KEEP`], and whatever their age above [`HARD_BYTES`]. Who asks for something
//! forgotten is told so (410), never given a gap.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::space::Stored;

mod past;
#[cfg(test)]
mod tests;

pub(crate) use past::Range;

/// Below this, events are kept whatever their age.
const SOFT_BYTES: usize = 1 << 20;
/// Above this, events are forgotten whatever their age.
const HARD_BYTES: usize = 64 << 20;
/// How long an event is kept if it fits: longer than a client needs to come back after a hiccup.
const KEEP: Duration = Duration::from_secs(90);

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It came to be.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl Happened {
    /// As a watch writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One committed change.
#[derive(Debug)]
pub(crate) struct Event {
    /// The version of the change.
    pub(crate) version: u64,
    /// `namespace/name`, or `name`.
    pub(crate) key: Arc<str>,
    /// What happened.
    pub(crate) happened: Happened,
    /// Before.
    pub(crate) old: Option<Arc<Stored>>,
    /// After; for a deletion the last state, carrying the version of the deletion.
    pub(crate) object: Arc<Stored>,
    /// When, on the server's monotonic clock.
    at: Duration,
    /// The event as a line of a watch in the storage version, made when first needed.
    frame: OnceLock<Bytes>,
}

impl Event {
    /// An event; what happened follows from which of old and new there is.
    pub(crate) fn new(
        key: Arc<str>,
        old: Option<Arc<Stored>>,
        object: Arc<Stored>,
        gone: bool,
        at: Duration,
    ) -> Self {
        let happened = match (&old, gone) {
            (_, true) => Happened::Deleted,
            (None, false) => Happened::Added,
            (Some(_), false) => Happened::Modified,
        };
        Self { version: object.version, key, happened, old, object, at, frame: OnceLock::new() }
    }

    /// After the change: `None` if the object is gone.
    pub(crate) fn new_state(&self) -> Option<&Arc<Stored>> {
        (self.happened != Happened::Deleted).then_some(&self.object)
    }

    /// The line of a watch that wants whole objects as JSON in the storage version.
    pub(crate) fn frame(&self) -> Bytes {
        self.frame.get_or_init(|| frame(self.happened.as_str(), self.object.object.bytes())).clone()
    }

    fn size_bytes(&self) -> usize {
        // The state and, once somebody watches, its frame. Must not change over time, or the sum over the ring would drift.
        256 + 2 * self.object.object.bytes().len()
    }
}

/// `{"type":"ADDED","object":…}` and a newline.
pub(crate) fn frame(happened: &str, object: &[u8]) -> Bytes {
    let head = format!("{{\"type\":\"{happened}\",\"object\":");
    let mut line = Vec::with_capacity(head.len() + object.len() + 2);
    line.extend_from_slice(head.as_bytes());
    line.extend_from_slice(object);
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}

/// What was asked for has been forgotten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// The oldest version that can still be asked for.
    pub(crate) oldest: u64,
}

/// Objects and events of one resource in one space.
#[derive(Debug)]
pub(crate) struct Cache {
    state: RwLock<State>,
    /// Woken by every event.
    all: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Arc<str>, Arc<Stored>>,
    ring: VecDeque<Arc<Event>>,
    ring_bytes: usize,
    /// Events up to this version are forgotten.
    forgotten: u64,
    /// The version of the last event, or of the load.
    last: u64,
    /// The ring once more by namespace, so that a watch of one namespace costs nothing for the others.
    namespaces: BTreeMap<Arc<str>, Namespaced>,
    /// How often the resource stopped being served.
    generation: u64,
}

#[derive(Debug, Default)]
struct Namespaced {
    ring: VecDeque<Arc<Event>>,
    wake: Arc<Notify>,
    /// Events of this namespace up to this version are forgotten.
    forgotten: u64,
}

impl Cache {
    /// A cache that knows nothing of what happened up to `version`.
    pub(crate) fn new(objects: BTreeMap<Arc<str>, Arc<Stored>>, version: u64) -> Self {
        let state = State { objects, forgotten: version, last: version, ..State::default() };
        Self { state: RwLock::new(state), all: Arc::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Stored>> {
        self.read().objects.get(key).cloned()
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.read().objects.len()
    }

    /// Records a change and wakes who waits for it. Versions must rise.
    pub(crate) fn publish(&self, event: Event) -> Arc<Event> {
        let event = Arc::new(event);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match event.new_state() {
            Some(object) => state.objects.insert(Arc::clone(&event.key), Arc::clone(object)),
            None => state.objects.remove(&event.key),
        };
        state.last = event.version;
        state.ring_bytes += event.size_bytes();
        state.ring.push_back(Arc::clone(&event));
        let mut wake = None;
        if let Some(namespace) = namespace_of(&event.key) {
            let entry = state.namespaced(namespace);
            entry.ring.push_back(Arc::clone(&event));
            wake = Some(Arc::clone(&entry.wake));
        }
        state.forget(event.at);
        drop(state);
        self.all.notify_waiters();
        if let Some(wake) = wake {
            wake.notify_waiters();
        }
        event
    }

    /// Events after `after`, of one namespace or of all, at most `limit`.
    ///
    /// # Errors
    /// When some of them are forgotten.
    pub(crate) fn since(
        &self,
        after: u64,
        namespace: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Arc<Event>>, Forgotten> {
        let state = self.read();
        let entry = namespace.and_then(|namespace| state.namespaces.get(namespace));
        // A namespace that somebody watches knows for itself what it has forgotten: a quiet one is not outdated by noisy others.
        let forgotten = entry.map_or(state.forgotten, |entry| entry.forgotten);
        if after < forgotten {
            return Err(Forgotten { oldest: forgotten });
        }
        let ring = match (namespace, entry) {
            (None, _) => &state.ring,
            (Some(_), Some(entry)) => &entry.ring,
            (Some(_), None) => return Ok(Vec::new()),
        };
        let from = ring.partition_point(|event| event.version <= after);
        Ok(ring.range(from..).take(limit).cloned().collect())
    }

    /// Ends all watches: the resource is served no more. Another definition may serve it again later.
    pub(crate) fn close(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.generation += 1;
        let wakes: Vec<_> = state.namespaces.values().map(|entry| Arc::clone(&entry.wake)).collect();
        drop(state);
        self.all.notify_waiters();
        wakes.iter().for_each(|wake| wake.notify_waiters());
    }

    /// How often it was closed; a watch ends when this changes.
    pub(crate) fn generation(&self) -> u64 {
        self.read().generation
    }

    /// What to wait on for events of one namespace or of all. Look at [`Self::since`] after enabling the wait, or an event may be missed.
    pub(crate) fn wake(&self, namespace: Option<&str>) -> Arc<Notify> {
        let Some(namespace) = namespace else { return Arc::clone(&self.all) };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.namespaced(namespace).wake)
    }
}

impl Cache {
    /// A watch of a namespace has ended; its place is tidied up if nobody else needs it.
    pub(crate) fn unwatch(&self, namespace: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let unused = |entry: &Namespaced| entry.ring.is_empty() && Arc::strong_count(&entry.wake) == 1;
        if state.namespaces.get(namespace).is_some_and(unused) {
            state.namespaces.remove(namespace);
        }
    }
}

impl State {
    /// The part of a namespace, made if need be.
    fn namespaced(&mut self, namespace: &str) -> &mut Namespaced {
        let forgotten = self.forgotten;
        let new = || Namespaced { forgotten, ..Namespaced::default() };
        self.namespaces.entry(namespace.into()).or_insert_with(new)
    }

    /// Forgets events that are too old or too many.
    fn forget(&mut self, now: Duration) {
        while let Some(oldest) = self.ring.front() {
            let expired = now.saturating_sub(oldest.at) > KEEP;
            if self.ring_bytes <= if expired { SOFT_BYTES } else { HARD_BYTES } {
                return;
            }
            let Some(event) = self.ring.pop_front() else { return };
            self.ring_bytes -= event.size_bytes();
            self.forgotten = event.version;
            self.forget_namespaced(&event);
        }
    }

    fn forget_namespaced(&mut self, event: &Event) {
        let Some(namespace) = namespace_of(&event.key) else { return };
        let Some(entry) = self.namespaces.get_mut(namespace) else { return };
        entry.ring.pop_front();
        entry.forgotten = event.version;
        // Somebody who waits holds the other reference.
        if entry.ring.is_empty() && Arc::strong_count(&entry.wake) == 1 {
            self.namespaces.remove(namespace);
        }
    }
}

/// The namespace in `namespace/name`.
pub(crate) fn namespace_of(key: &str) -> Option<&str> {
    key.split_once('/').map(|(namespace, _)| namespace)
}

/// `namespace/name`, or `name` at cluster scope: the order of etcd's keys, which lists show.
pub(crate) fn key_of(namespace: Option<&str>, name: &str) -> Arc<str> {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}").into(),
        None => name.into(),
    }
}
