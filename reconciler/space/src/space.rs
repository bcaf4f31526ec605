//! One space: what it serves, what it holds, and how it changes.
//!
//! A write goes: decide on the newest state, which includes writes that are not on the disk yet; take the next version; queue for the disk. Only when
//! it is on the disk is it published to readers and watchers, and acknowledged. If the disk refuses, the write and all that were based on it fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use apimachinery::{Clock, GroupResource, Object};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::allocate::Reserved;
use crate::cache::{self, Cache, Event, Range};
use crate::counters::Counters;
use crate::identity::{Identity, Tokens};
use crate::ids::{self, Ids};
use crate::registry::Registry;
use crate::status::{Answer, ApiError};
use crate::store::{Mutation, RecordKey};
use crate::writer::{Queued, Writer};
use crate::{builtin, controllers, crd};

/// An object as it is held: canonical JSON in the storage version, resourceVersion and managedFields included.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Bytes and header.
    pub object: Object,
    /// `metadata.resourceVersion` as a number.
    pub version: u64,
}

/// One object of a space by its place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The resource.
    pub resource: GroupResource,
    /// `None` at cluster scope.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl Place {
    /// From plain text.
    pub fn new(resource: GroupResource, namespace: Option<&str>, name: &str) -> Self {
        Self { resource, namespace: namespace.map(str::to_owned), name: name.to_owned() }
    }

    fn key(&self) -> Arc<str> {
        cache::key_of(self.namespace.as_deref(), &self.name)
    }
}

/// What a list holds, at one version.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In the order of `namespace/name`, as etcd has it.
    pub items: Vec<Arc<Stored>>,
    /// The version of the list.
    pub version: u64,
}

/// What a writer wants an object to become.
#[derive(Clone, Debug)]
pub enum Next {
    /// This; identity and server-owned metadata are the writer's affair, the resourceVersion is set by the commit.
    Put(Value),
    /// Gone from the store, at once, finalizers or not. With a value: that is the last state, which watchers and the caller see.
    Gone(Option<Value>),
    /// As it is.
    Keep,
}

/// One change that has been committed, as controllers get it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its space.
    pub space: Arc<str>,
    /// What changed.
    pub place: Place,
    /// Before; `None` if it was created.
    pub old: Option<Arc<Stored>>,
    /// After; `None` if it is gone.
    pub new: Option<Arc<Stored>>,
}

/// What a space is given by its server.
pub(crate) struct Host {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    /// `None` in memory-only mode.
    pub(crate) writer: Option<Writer>,
    pub(crate) tokens: Tokens,
    /// The certificate authority of the server, for namespaces to tell their pods.
    pub(crate) ca_pem: Arc<str>,
    /// To the controllers.
    pub(crate) feed: mpsc::UnboundedSender<Change>,
}

impl Host {
    /// Writes what waits and closes the store; afterwards writes are refused.
    pub(crate) fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close();
        }
    }
}

/// Versions up to here were never given out: 0 and 1 mean something of their own to clients, and who asks for what was before a space is told that it is gone.
const FIRST_VERSION: u64 = 10;

/// Largest object that is stored, in bytes: the limit of etcd.
const MAX_OBJECT_BYTES: usize = 1_572_864;

/// One space.
pub struct Space {
    name: Arc<str>,
    host: Arc<Host>,
    registry: RwLock<Arc<Registry>>,
    caches: RwLock<BTreeMap<GroupResource, Arc<Cache>>>,
    writes: Mutex<Writes>,
    /// Version of the last committed write.
    committed: AtomicU64,
    /// Nothing is known of what happened up to here, because it was before the server started.
    opened_at: u64,
    /// How often a write was not stored.
    failures: Arc<AtomicU64>,
    counters: Counters,
    reserved: Arc<Reserved>,
}

#[derive(Debug, Default)]
struct Writes {
    /// The last version given out.
    version: u64,
    /// States on their way to the disk; inside `None` for a deletion.
    pending: BTreeMap<Place, (u64, Option<Arc<Stored>>)>,
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Space({})", self.name)
    }
}

impl Space {
    /// A space with what the store held for it. A new one begins at [`FIRST_VERSION`].
    pub(crate) fn open(
        name: Arc<str>,
        host: Arc<Host>,
        version: u64,
        objects: Vec<(RecordKey, Arc<Stored>)>,
    ) -> Self {
        let newest = objects.iter().map(|(_, object)| object.version).max().unwrap_or(0);
        let version = version.max(newest).max(FIRST_VERSION);
        let mut by_resource = BTreeMap::<GroupResource, BTreeMap<Arc<str>, Arc<Stored>>>::new();
        let mut registry = builtin::registry();
        for (key, object) in objects {
            if key.resource == *crd::DEFINITIONS
                && let Some(resource) = crd::resource(&object.object.to_value())
            {
                registry.insert(resource);
            }
            by_resource.entry(key.resource).or_default().insert(key.key, object);
        }
        let caches = by_resource
            .into_iter()
            .map(|(id, objects)| (id, Arc::new(Cache::new(objects, version))))
            .collect();
        Self {
            name,
            host,
            registry: RwLock::new(Arc::new(registry)),
            caches: RwLock::new(caches),
            writes: Mutex::new(Writes { version, ..Writes::default() }),
            committed: AtomicU64::new(version),
            opened_at: version,
            failures: Arc::default(),
            counters: Counters::default(),
            reserved: Arc::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Addresses and ports that writes on their way have taken.
    pub(crate) fn reserved(&self) -> &Arc<Reserved> {
        &self.reserved
    }

    /// How many requests it has answered.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A random number between 0 and 1.
    pub(crate) fn jitter(&self) -> f64 {
        let mut bytes = [0; 4];
        self.host.ids.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
    }

    /// A new bearer token for an identity of this space; `None` without a source of randomness.
    pub(crate) fn issue_token(&self, identity: Identity) -> Option<String> {
        let token = ids::token(&*self.host.ids)?;
        self.host.tokens.insert_for(&self.name, &token, identity);
        Some(token)
    }

    /// The server's clock, and its source of ids.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// What it serves at the moment.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The version of the last committed write.
    pub fn version(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// The cache of a resource, made when it is first asked for.
    pub(crate) fn cache(&self, resource: &GroupResource) -> Arc<Cache> {
        let caches = self.caches.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cache) = caches.get(resource) {
            return Arc::clone(cache);
        }
        drop(caches);
        let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Cache::new(BTreeMap::new(), self.opened_at));
        Arc::clone(caches.entry(resource.clone()).or_insert_with(new))
    }

    /// How many objects of each resource there are, for those that have any.
    pub fn counts(&self) -> Vec<(GroupResource, usize)> {
        let caches = self.caches.read().unwrap_or_else(PoisonError::into_inner);
        let counts = caches.iter().map(|(id, cache)| (id.clone(), cache.len()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// One object as committed.
    pub fn get(&self, place: &Place) -> Option<Arc<Stored>> {
        self.cache(&place.resource).get(&place.key())
    }

    /// One object with writes that are not on the disk yet: what the next write is based on.
    pub(crate) fn newest_state(&self, place: &Place) -> Option<Arc<Stored>> {
        self.newest(&self.lock(), place)
    }

    /// All objects of a resource, or those of one namespace, as committed.
    pub fn list(&self, resource: &GroupResource, namespace: Option<&str>) -> Listing {
        // In this order: what is committed up to the version read first is in the list.
        let committed = self.version();
        let listing = self.cache(resource).list(Range { namespace, after: None });
        let items = listing.items.into_iter().map(|(_, object)| object).collect();
        Listing { items, version: committed.max(listing.version) }
    }

    /// Decides on the newest state of one object (`None`: absent) and commits. No admission, validation or field management happens here: those are in
    /// `write`, which ends here, and controllers do without. `decide` is called again when another writer was faster. Returns what is
    /// stored afterwards, or for a deletion the last state, carrying the version of the deletion.
    ///
    /// # Errors
    /// Those of `decide`; an object that is too large; a store that cannot write.
    pub async fn change<F>(self: &Arc<Self>, place: &Place, mut decide: F) -> Answer<Option<Arc<Stored>>>
    where
        F: FnMut(Option<&Stored>) -> Answer<Next> + Send,
    {
        loop {
            let before = self.newest_state(place);
            let next = decide(before.as_deref())?;
            let (value, gone) = match next {
                Next::Keep => return Ok(before),
                Next::Put(value) => (value, false),
                Next::Gone(last) => {
                    let Some(stored) = &before else { return Ok(None) };
                    (last.unwrap_or_else(|| stored.object.to_value()), true)
                }
            };
            match self.commit(place, before, value, gone)? {
                // Another writer was faster.
                Committed::Outdated => {}
                Committed::Done(stored) => return Ok(Some(stored)),
                Committed::Waits(stored, wait) => {
                    return match wait.await {
                        Ok(Ok(())) => Ok(Some(stored)),
                        Ok(Err(message)) => Err(ApiError::unavailable(message)),
                        Err(_) => Err(ApiError::unavailable("the server is shutting down")),
                    };
                }
            }
        }
    }

    /// Gives a state its version and sends it on its way, unless the state it is based on is not the newest any more.
    fn commit(
        self: &Arc<Self>,
        place: &Place,
        before: Option<Arc<Stored>>,
        value: Value,
        gone: bool,
    ) -> Answer<Committed> {
        let mut writes = self.lock();
        let now = self.newest(&writes, place);
        if !same(before.as_ref(), now.as_ref()) {
            return Ok(Committed::Outdated);
        }
        let new = Arc::new(stamped(value, writes.version + 1)?);
        writes.version += 1;
        let write = Write { place: place.clone(), old: before, new: Arc::clone(&new), gone };
        Ok(match self.begin(&mut writes, write) {
            None => Committed::Done(new),
            Some(wait) => Committed::Waits(new, wait),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest state, committed or not.
    fn newest(&self, writes: &Writes, place: &Place) -> Option<Arc<Stored>> {
        match writes.pending.get(place) {
            Some((_, state)) => state.clone(),
            None => self.get(place),
        }
    }

    /// Queues a write for the disk and says what to wait for; without a disk it is done at once.
    fn begin(
        self: &Arc<Self>,
        writes: &mut Writes,
        write: Write,
    ) -> Option<oneshot::Receiver<Result<(), String>>> {
        let Some(writer) = &self.host.writer else {
            self.publish(&write);
            return None;
        };
        let version = write.new.version;
        let state = (!write.gone).then(|| Arc::clone(&write.new));
        writes.pending.insert(write.place.clone(), (version, state));
        let key = RecordKey {
            space: Arc::clone(&self.name),
            resource: write.place.resource.clone(),
            key: write.place.key(),
        };
        let mutation = match write.gone {
            true => Mutation::Delete { key },
            false => Mutation::Put { key, bytes: Arc::clone(write.new.object.bytes()) },
        };
        let (done, wait) = oneshot::channel();
        let space = Arc::clone(self);
        let failures = self.failures.load(Ordering::Acquire);
        writer.submit(Queued {
            mutation: Some(mutation),
            advance: (Arc::clone(&self.name), version),
            failures: (Arc::clone(&self.failures), failures),
            done: Box::new(move |result| {
                match &result {
                    Ok(()) => space.settle(&write),
                    Err(_) => space.give_up(failures),
                }
                // Nobody waits when the request was dropped.
                let _nobody_waits = done.send(result);
            }),
        });
        Some(wait)
    }

    /// A write is on the disk.
    fn settle(&self, write: &Write) {
        let mut writes = self.lock();
        self.publish(write);
        if writes.pending.get(&write.place).is_some_and(|(version, _)| *version == write.new.version) {
            writes.pending.remove(&write.place);
        }
    }

    /// A write that was made at this count of failures is not on the disk. All states that wait are forgotten with it, since they may be based on it.
    fn give_up(&self, failures: u64) {
        let mut writes = self.lock();
        if self.failures.compare_exchange(failures, failures + 1, Ordering::AcqRel, Ordering::Acquire).is_ok()
        {
            writes.pending.clear();
        }
    }

    /// Shows a write to readers, watchers and controllers. The lock on the writes is held, so versions come in order.
    fn publish(&self, write: &Write) {
        let at = self.host.clock.monotonic();
        let cache = self.cache(&write.place.resource);
        let event = Event::new(write.place.key(), write.old.clone(), Arc::clone(&write.new), write.gone, at);
        cache.publish(event);
        if write.place.resource == *crd::DEFINITIONS {
            self.redefine(write);
        }
        self.committed.store(write.new.version, Ordering::Release);
        let change = Change {
            space: Arc::clone(&self.name),
            place: write.place.clone(),
            old: write.old.clone(),
            new: (!write.gone).then(|| Arc::clone(&write.new)),
        };
        if controllers::concerns(&change) {
            // The receiver is gone only when the server is shutting down.
            let _closing = self.host.feed.send(change);
        }
    }

    /// A CustomResourceDefinition was written: from now on it is served as it says.
    fn redefine(&self, write: &Write) {
        let mut registry = Registry::clone(&self.registry());
        let before = write.old.as_ref().and_then(|old| crd::resource(&old.object.to_value()));
        if let Some(before) = &before {
            registry.remove(&before.group_resource());
        }
        if !write.gone
            && let Some(resource) = crd::resource(&write.new.object.to_value())
        {
            registry.insert(resource);
        } else if let Some(before) = before {
            self.cache(&before.group_resource()).close();
        }
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }
}

/// What has become of a write.
enum Committed {
    /// Nothing: it was based on an old state.
    Outdated,
    /// It is done.
    Done(Arc<Stored>),
    /// It waits for the disk.
    Waits(Arc<Stored>, oneshot::Receiver<Result<(), String>>),
}

/// A write on its way.
#[derive(Clone, Debug)]
struct Write {
    place: Place,
    old: Option<Arc<Stored>>,
    /// After; for a deletion the last state.
    new: Arc<Stored>,
    gone: bool,
}

fn same(a: Option<&Arc<Stored>>, b: Option<&Arc<Stored>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

/// The object with its new resourceVersion, as it will be stored.
fn stamped(mut value: Value, version: u64) -> Answer<Stored> {
    value["metadata"]["resourceVersion"] = version.to_string().into();
    let object = Object::from_value(&value).map_err(|error| ApiError::internal(&error.to_string()))?;
    if object.bytes().len() > MAX_OBJECT_BYTES {
        return Err(ApiError::object_too_large(object.bytes().len(), MAX_OBJECT_BYTES));
    }
    Ok(Stored { object, version })
}

#[cfg(test)]
mod tests;
