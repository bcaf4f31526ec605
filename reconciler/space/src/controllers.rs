//! The task that drives what happens without being asked: garbage collection, namespaces, definitions, aggregated roles.
//!
//! Changes wake it, and only say where to look: what is there is read anew. Places to look at wait in a queue without duplicates, several are looked at concurrently, and what
//! cannot be written is looked at again later. After a restart every object is looked at once, so whatever was interrupted goes on.

mod expiry;
mod queue;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::gc::Graph;
use crate::server::Shared;
use crate::space::{Change, Place, Space};
use crate::status::Answer;

use expiry::Calendar;
use queue::Queue;
use work::Work;

pub(crate) use work::concerns;

/// How long to wait after a write failed, before it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How many places are looked at concurrently.
const AT_ONCE: usize = 32;

/// Looks at everything that was stored before the server started, then at every change, until the server closes.
pub(crate) async fn run(shared: Arc<Shared>, changes: UnboundedReceiver<Change>) {
    let closing = shared.closing.clone();
    tokio::select! {
        () = Controllers::new(shared).run(changes) => {}
        () = closing.cancelled() => {}
    }
}

/// A look at something in a space, and how it ended.
type Done = (Arc<str>, Work, Answer<()>);

struct Controllers {
    shared: Arc<Shared>,
    queue: Queue,
    calendar: Calendar,
    /// By space.
    graphs: BTreeMap<Arc<str>, Graph>,
}

impl Controllers {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, queue: Queue::default(), calendar: Calendar::default(), graphs: BTreeMap::new() }
    }

    async fn run(mut self, mut changes: UnboundedReceiver<Change>) {
        for space in self.shared.all() {
            self.note_all(&space);
        }
        loop {
            while let Ok(change) = changes.try_recv() {
                self.note(&change);
            }
            if !self.queue.is_empty() {
                self.look().await;
                continue;
            }
            let now = self.shared.host.clock.now();
            let due = self.calendar.wait(now);
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.note(&change),
                    None => return,
                },
                () = tokio::time::sleep(AFTER_FAILURE), if self.queue.has_failures() => self.queue.retry(),
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => self.expire(),
            }
        }
    }

    /// Notes everything that a space holds.
    fn note_all(&mut self, space: &Arc<Space>) {
        for (resource, _) in space.counts() {
            for stored in space.list(&resource, None).items {
                let header = stored.object.header();
                let namespace = header.namespace.as_ref().map(apimachinery::Namespace::as_str);
                let change = Change {
                    space: Arc::clone(space.name()),
                    place: Place::new(resource.clone(), namespace, header.name.as_str()),
                    old: None,
                    new: Some(stored),
                };
                if concerns(&change) {
                    self.note(&change);
                }
            }
        }
    }

    /// Keeps the index of owners, and queues what a change makes necessary to look at.
    fn note(&mut self, change: &Change) {
        let Some(space) = self.shared.space(&change.space) else { return };
        let graph = self.graphs.entry(Arc::clone(&change.space)).or_default();
        let current = space.get(&change.place);
        graph.note(&change.place, current.as_ref().map(|stored| &stored.object));
        if let Some(stored) = current.filter(|_| expiry::expires(&change.place.resource)) {
            self.calendar.note(&change.space, &change.place, &stored.object);
        }
        for work in work::after(&space, graph, change) {
            self.queue.add(Arc::clone(&change.space), work);
        }
    }

    /// Queues the events whose time has come.
    fn expire(&mut self) {
        for (space, place) in self.calendar.due(self.shared.host.clock.now()) {
            self.queue.add(space, Work::Expire(place));
        }
    }

    /// Does a batch of what waits.
    async fn look(&mut self) {
        let batch = self.queue.take(AT_ONCE);
        let mut looking: Vec<BoxFuture<'_, Done>> = Vec::new();
        for (name, work) in batch {
            let (Some(space), Some(graph)) = (self.shared.space(&name), self.graphs.get(&name)) else {
                continue;
            };
            looking.push(
                async move {
                    let outcome = work::perform(&space, graph, &work).await;
                    (name, work, outcome)
                }
                .boxed(),
            );
        }
        let done = futures::future::join_all(looking).await;
        for (name, work, outcome) in done {
            if let Err(error) = outcome {
                tracing::warn!(space = %name, %error, "a controller could not finish and will try again");
                self.queue.fail(name, work);
            }
        }
    }
}
