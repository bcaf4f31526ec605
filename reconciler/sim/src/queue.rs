//! Which objects a controller has to look at, and when.
//!
//! One task per cluster reads the mirror's changes and tells every controller which of its objects are concerned; each controller looks at those, eight at a time and
//! none twice at once. What failed is looked at again after a pause that doubles; what waits for time, when it has come.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apimachinery::Object;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError, Changes, Reason, Shutdown, Wake};

use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::world::World;

/// Objects that a controller looks at at the same time.
const AT_ONCE: usize = 8;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One controller.
pub(crate) trait Controller: Send + Sync {
    /// For logs.
    fn name(&self) -> &'static str;

    /// The kind whose objects it reconciles; each change of one concerns that one.
    fn primary(&self) -> Kind;

    /// Which of its objects an object of another kind concerns.
    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id>;

    /// Looks at one object, which may be gone, and does what is needed. Every await may be the last.
    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>>;
}

/// A controller and what it has to look at.
pub(crate) struct Queue {
    controller: Box<dyn Controller>,
    wake: Wake,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dirty: BTreeSet<Id>,
    /// When to look again, on the monotonic clock.
    due: BTreeMap<Id, Duration>,
    /// How long the last pause after a failure was.
    pauses: BTreeMap<Id, Duration>,
}

impl Queue {
    pub(crate) fn new(controller: Box<dyn Controller>) -> Self {
        Self { controller, wake: Wake::new(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, ids: impl IntoIterator<Item = Id>) {
        let mut state = self.lock();
        let before = state.dirty.len();
        state.dirty.extend(ids);
        if state.dirty.len() != before {
            self.wake.wake();
        }
    }

    /// Works until shutdown.
    pub(crate) async fn run(&self, world: &World, shutdown: Shutdown) {
        runtime::drive(self.controller.name(), self.wake.clone(), shutdown, || self.pass(world)).await;
    }

    async fn pass(&self, world: &World) -> Result<Again, Infallible> {
        let batch = self.take(world.clock.monotonic());
        futures::stream::iter(batch)
            .for_each_concurrent(AT_ONCE, async |id| {
                let outcome = self.controller.reconcile(world, &id).await;
                self.settle(world, id, outcome);
            })
            .await;
        Ok(self.next(world.clock.monotonic()))
    }

    /// What is dirty or due.
    fn take(&self, now: Duration) -> BTreeSet<Id> {
        let mut state = self.lock();
        let mut batch = std::mem::take(&mut state.dirty);
        state.due.retain(|id, due| {
            let later = *due > now;
            if !later {
                batch.insert(id.clone());
            }
            later
        });
        batch
    }

    fn settle(&self, world: &World, id: Id, outcome: Result<Again, ApiError>) {
        let mut state = self.lock();
        let again = match outcome {
            Ok(again) => {
                state.pauses.remove(&id);
                again
            }
            Err(error) => {
                let pause = state.pauses.get(&id).map_or(FIRST_PAUSE, |last| (*last * 2).min(LONGEST_PAUSE));
                tell_failure(self.controller.name(), &id, &error, pause);
                state.pauses.insert(id.clone(), pause);
                Again::After(pause)
            }
        };
        match again {
            Again::After(pause) => {
                state.due.insert(id, world.clock.monotonic() + pause);
            }
            Again::WhenWoken => {
                state.due.remove(&id);
            }
        }
    }

    fn next(&self, now: Duration) -> Again {
        let state = self.lock();
        if !state.dirty.is_empty() {
            return Again::After(Duration::ZERO);
        }
        state.due.values().min().map_or(Again::WhenWoken, |due| Again::After(due.saturating_sub(now)))
    }
}

fn tell_failure(controller: &'static str, id: &Id, error: &ApiError, pause: Duration) {
    let retry_ms = pause.as_millis();
    // The first two are the daily bread of optimistic concurrency.
    if matches!(error.reason, Reason::Conflict | Reason::AlreadyExists) {
        tracing::debug!(controller, %id, %error, retry_ms, "looking again");
    } else {
        tracing::warn!(controller, %id, %error, retry_ms, "a simulated controller failed, trying again");
    }
}

/// Tells every controller what it has to look at.
pub(crate) struct Dispatch {
    pub world: Arc<World>,
    pub queues: Arc<Vec<Queue>>,
    pub changes: Changes,
    pub wake: Wake,
}

/// What is known of an object that has been looked at.
struct Known {
    object: Object,
    /// Whom it concerned: queues by number.
    concerned: BTreeSet<(usize, Id)>,
}

impl Dispatch {
    /// Works until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let known: Mutex<BTreeMap<Id, Known>> = Mutex::default();
        let (this, known) = (&self, &known);
        runtime::drive("sim", self.wake.clone(), shutdown, || async move {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            for id in this.changes.take().iter().filter_map(Id::of_key) {
                this.dispatch(id, &mut known);
            }
            Ok::<_, Infallible>(Again::WhenWoken)
        })
        .await;
    }

    /// A change concerns whom the object concerned when it was last seen, whom it would concern now as it was then, and whom it concerns as it is.
    fn dispatch(&self, id: Id, known: &mut BTreeMap<Id, Known>) {
        let mut all = BTreeSet::new();
        if let Some(before) = known.remove(&id) {
            all.extend(self.concerned(&id, &Live::of(before.object)));
            all.extend(before.concerned);
        }
        for (index, queue) in self.queues.iter().enumerate() {
            if queue.controller.primary() == id.kind {
                all.insert((index, id.clone()));
            }
        }
        if let Some(live) = self.world.get(&id) {
            let concerned = self.concerned(&id, &live);
            all.extend(concerned.iter().cloned());
            known.insert(id, Known { object: live.object, concerned });
        }
        for (index, concerned) in all {
            if let Some(queue) = self.queues.get(index) {
                queue.add([concerned]);
            }
        }
    }

    fn concerned(&self, id: &Id, live: &Live) -> BTreeSet<(usize, Id)> {
        let queues = self.queues.iter().enumerate();
        let concerned = queues.flat_map(|(index, queue)| {
            queue.controller.concerns(&self.world, id.kind, live).into_iter().map(move |id| (index, id))
        });
        concerned.collect()
    }
}
