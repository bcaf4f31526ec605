//! Watches: a cursor over the ring of events, shaped and selected for one client.
//!
//! A watch holds no queue of its own: a slow client only falls behind, and if it falls behind further than the ring reaches, it is told 410.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Reading;
use super::options::ListOptions;
use super::select::Selection;
use crate::answer::Shaped;
use crate::cache::{self, Cache, Event, Forgotten, Happened, Range};
use crate::space::{Space, Stored};
use crate::status::{Answer, ApiError};

/// Events that are taken from the ring at once.
const BATCH: usize = 256;
/// How often a bookmark is sent.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// A last bookmark comes this long before the end of a watch, so that the next one begins where this one ended.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// A watch without a time of its own lasts between this and twice this.
const LASTS: Duration = Duration::from_secs(1800);

/// An open watch.
struct Watch {
    space: Arc<Space>,
    cache: Arc<Cache>,
    /// See [`Cache::generation`].
    generation: u64,
    namespace: Option<String>,
    wake: Arc<Notify>,
    shaped: Shaped,
    selection: Selection,
    /// Events up to here have been sent or passed over.
    seen: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    ends: Instant,
    closing: CancellationToken,
    /// Whether nothing has been sent yet.
    first: bool,
    /// What is sent before events.
    initial: Option<Initial>,
    over: bool,
}

/// What there is when a watch begins.
struct Initial {
    items: std::vec::IntoIter<Arc<Stored>>,
    version: u64,
    /// Whether a marked bookmark ends it.
    marked: bool,
}

/// Opens a watch. `jitter` spreads the ends of watches that did not choose one, between 0 and 1.
///
/// # Errors
/// 400 for malformed selectors. A version that is too old is an event of the watch, as in the real server.
pub(crate) fn open(
    reading: &Reading,
    options: &ListOptions,
    closing: CancellationToken,
    jitter: f64,
) -> Answer<impl Stream<Item = Bytes> + Send + 'static> {
    let selection = Selection::parse(&reading.endpoint, options)?.named(&reading.name)?;
    let cache = reading.space.cache(&reading.endpoint.resource.stored_as());
    let namespace = reading.namespace.clone();
    let wake = cache.wake(namespace.as_deref());
    let committed = reading.space.version();
    let with_initial = options.send_initial_events.unwrap_or(false);
    let (seen, initial) = if with_initial {
        if options.version.is_some_and(|version| version > committed) {
            let wanted = options.version.unwrap_or_default();
            return Err(ApiError::too_large_resource_version(wanted, committed));
        }
        let listing = cache.list(Range { namespace: namespace.as_deref(), after: None });
        let version = committed.max(listing.version);
        let items: Vec<_> = listing
            .items
            .into_iter()
            .map(|(_, stored)| stored)
            .filter(|stored| selection.matches(stored))
            .collect();
        let marked = options.allow_bookmarks;
        (listing.version, Some(Initial { items: items.into_iter(), version, marked }))
    } else {
        (options.version.filter(|version| *version > 0).unwrap_or(committed), None)
    };
    let now = Instant::now();
    let lasts = options
        .timeout_seconds
        .filter(|seconds| *seconds > 0)
        .map_or_else(|| LASTS.mul_f64(1.0 + jitter), Duration::from_secs);
    let watch = Watch {
        generation: cache.generation(),
        space: Arc::clone(&reading.space),
        cache,
        namespace,
        wake,
        shaped: reading.shaped(),
        selection,
        seen,
        bookmarks: options.allow_bookmarks,
        next_bookmark: now + first_bookmark(lasts),
        ends: now + lasts,
        closing,
        first: true,
        initial,
        over: false,
    };
    Ok(futures::stream::unfold(watch, |mut watch| async move {
        let bytes = watch.next().await?;
        Some((bytes, watch))
    }))
}

/// Once a minute, but in any case shortly before the end.
fn first_bookmark(lasts: Duration) -> Duration {
    BOOKMARK_EVERY.min(lasts.saturating_sub(BOOKMARK_BEFORE_END))
}

impl Watch {
    /// The next lines, or `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over {
                return None;
            }
            if let Some(lines) = self.initial_lines() {
                return Some(lines);
            }
            let wake = Arc::clone(&self.wake);
            let woken = wake.notified();
            tokio::pin!(woken);
            // From here on a wake-up is not missed, so looking comes after.
            woken.as_mut().enable();
            if self.cache.generation() != self.generation {
                return None;
            }
            if let Some(lines) = self.lines() {
                return Some(lines);
            }
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep_until(self.ends) => return None,
                () = self.closing.cancelled() => return None,
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                    return Some(self.bookmark());
                }
            }
        }
    }

    /// A part of the initial lines, while there are any.
    fn initial_lines(&mut self) -> Option<Bytes> {
        let initial = self.initial.as_mut()?;
        let items: Vec<_> = initial.items.by_ref().take(BATCH).collect();
        let (done, marked, version) = (initial.items.len() == 0, initial.marked, initial.version);
        let mut lines = BytesMut::new();
        for stored in items {
            lines.extend_from_slice(&self.line(Happened::Added, &stored, None));
        }
        if done {
            self.initial = None;
            if marked {
                lines.extend_from_slice(&self.shaped.bookmark(version, true, self.first));
                self.first = false;
            }
        }
        (!lines.is_empty()).then(|| lines.freeze())
    }

    /// The lines of the events since the last ones; `None` if there is nothing to tell.
    fn lines(&mut self) -> Option<Bytes> {
        loop {
            let events = match self.cache.since(self.seen, self.namespace.as_deref(), BATCH) {
                Ok(events) => events,
                Err(Forgotten { oldest }) => {
                    self.over = true;
                    return Some(self.too_old(oldest));
                }
            };
            self.seen = events.last()?.version;
            let mut lines: Vec<Bytes> = Vec::new();
            for event in &events {
                lines.extend(self.event(event));
            }
            match lines.len() {
                0 => {}
                1 => return lines.pop(),
                _ => return Some(joined(&lines)),
            }
        }
    }

    /// What an event is to this watch: an object that comes to match is added, one that ceases to match is deleted as it last matched.
    fn event(&mut self, event: &Event) -> Option<Bytes> {
        let was = event.old.as_ref().filter(|old| self.selection.matches(old));
        let is = event.new_state().filter(|new| self.selection.matches(new));
        match (was, is) {
            (None, None) => None,
            (None, Some(_)) => Some(self.line(Happened::Added, &event.object, Some(event))),
            (Some(_), Some(_)) => Some(self.line(Happened::Modified, &event.object, Some(event))),
            (Some(_), None) if event.happened == Happened::Deleted => {
                Some(self.line(Happened::Deleted, &event.object, Some(event)))
            }
            (Some(old), None) => {
                let left = restamped(old, event.version);
                Some(self.line(Happened::Deleted, &left, None))
            }
        }
    }

    fn line(&mut self, happened: Happened, stored: &Stored, event: Option<&Event>) -> Bytes {
        let first = std::mem::take(&mut self.first);
        match event {
            // All who watch in the stored form share one line.
            Some(event) if event.happened == happened && self.shaped.is_stored_form(stored) => event.frame(),
            _ => self.shaped.line(happened, stored, first),
        }
    }

    fn bookmark(&mut self) -> Bytes {
        let now = Instant::now();
        let last = self.ends - BOOKMARK_BEFORE_END.min(self.ends - now);
        self.next_bookmark =
            if now < last { last.min(now + BOOKMARK_EVERY) } else { self.ends + BOOKMARK_EVERY };
        // Read first: afterwards nothing of this resource up to that version is unseen, or `lines` would have told it.
        let committed = self.space.version();
        if let Some(lines) = self.lines() {
            return lines;
        }
        let first = std::mem::take(&mut self.first);
        self.seen = self.seen.max(committed);
        self.shaped.bookmark(self.seen, false, first)
    }

    fn too_old(&self, oldest: u64) -> Bytes {
        let error = ApiError::expired(format!("too old resource version: {} ({oldest})", self.seen));
        cache::frame("ERROR", error.to_value().to_string().as_bytes())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(namespace) = &self.namespace {
            // Given back first, so that the cache sees that nobody waits.
            self.wake = Arc::default();
            self.cache.unwatch(namespace);
        }
    }
}

fn joined(lines: &[Bytes]) -> Bytes {
    let mut all = BytesMut::with_capacity(lines.iter().map(Bytes::len).sum());
    for line in lines {
        all.extend_from_slice(line);
    }
    all.freeze()
}

/// An object as it was, at another version.
fn restamped(stored: &Stored, version: u64) -> Stored {
    let mut value = stored.object.to_value();
    value["metadata"]["resourceVersion"] = version.to_string().into();
    let object = apimachinery::Object::from_value(&value);
    // It was an object before, and its version is no part of its identity.
    Stored { object: object.unwrap_or_else(|_| stored.object.clone()), version }
}
