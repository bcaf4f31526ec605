//! A synced copy of many resources of one server.
//!
//! Guarantees: after [`Mirror::synced`] every watched resource has been listed completely once; an object disappears only by a delete
//! event or by its absence from a complete list; a reader never sees half a list. A mirror may lag behind the server, so whoever
//! removes something reads the object itself first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apimachinery::{GroupResource, Name, Namespace, Object, Version};
use futures::{StreamExt as _, pin_mut};
use kube::Api;
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{Connection, Resource, Shutdown, Wake};

mod reading;
mod table;

use table::{Place, Table, place};

/// What identifies an object in a mirror.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Group and plural.
    pub resource: GroupResource,
    /// Namespace, `None` for cluster-scoped objects.
    pub namespace: Option<Namespace>,
    /// Name.
    pub name: Name,
}

/// Which objects a mirror holds, and how.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only this namespace.
    pub namespace: Option<Namespace>,
    /// Leave `metadata.managedFields` out: they double an object, and few readers want them.
    pub drop_managed_fields: bool,
    /// The version that an object is wanted in, where that is not the one that it is watched in: it is then read once more.
    pub read_in: Option<fn(&Object) -> Option<Version>>,
}

/// A synced copy of many resources of one server. Cloning shares it.
#[derive(Clone)]
pub struct Mirror {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Connection,
    scope: Scope,
    shutdown: Shutdown,
    state: Mutex<State>,
    /// How many resources have not been listed once; readers wait for zero.
    unsynced: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<GroupResource, Watched>,
    readers: Vec<Reader>,
}

struct Watched {
    resource: Resource,
    table: Table,
    synced: bool,
    stop: Shutdown,
}

struct Reader {
    /// Only these resources; `None` is all.
    only: Option<BTreeSet<GroupResource>>,
    /// Where the keys are remembered; `None` for a reader that looks at everything anyway.
    changed: Option<Arc<Mutex<BTreeSet<Key>>>>,
    wake: Wake,
}

impl Reader {
    fn wants(&self, key: &Key) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&key.resource))
    }
}

/// What changed since one last looked.
pub struct Changes {
    changed: Arc<Mutex<BTreeSet<Key>>>,
}

impl Changes {
    /// Takes the keys of all objects that appeared, changed or went since the last call; the first call tells all that were there.
    pub fn take(&self) -> BTreeSet<Key> {
        std::mem::take(&mut *lock(&self.changed))
    }

    /// Whether nothing changed since the last call of [`Self::take`]: what was read from the mirror in between is what was taken.
    pub fn is_empty(&self) -> bool {
        lock(&self.changed).is_empty()
    }
}

/// The data behind these locks is a set of keys or of shared objects: consistent at every step, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mirror {
    /// A mirror that watches nothing yet.
    pub fn new(connection: Connection, scope: Scope, shutdown: Shutdown) -> Self {
        let (unsynced, _) = watch::channel(0);
        let state = Mutex::new(State::default());
        Self { shared: Arc::new(Shared { connection, scope, shutdown, state, unsynced }) }
    }

    /// Starts watching a resource; once more is a no-op.
    pub fn watch(&self, resource: &Resource) {
        let key = resource.group_resource();
        let stop = self.shared.shutdown.child_token();
        {
            let mut state = lock(&self.shared.state);
            if state.tables.contains_key(&key) {
                return;
            }
            let watched = Watched {
                resource: resource.clone(),
                table: Table::default(),
                synced: false,
                stop: stop.clone(),
            };
            state.tables.insert(key, watched);
        }
        self.shared.unsynced.send_modify(|count| *count += 1);
        let mirror = self.clone();
        let resource = resource.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = mirror.follow(&resource) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Stops watching a resource and forgets its objects; readers learn that they went.
    pub fn unwatch(&self, resource: &GroupResource) {
        let mut state = lock(&self.shared.state);
        let Some(watched) = state.tables.remove(resource) else { return };
        watched.stop.cancel();
        if !watched.synced {
            self.shared.unsynced.send_modify(|count| *count -= 1);
        }
        let gone = watched.table.into_places().map(|place| key(resource, place));
        tell(&state.readers, &gone.collect());
    }

    /// The resources that are watched.
    pub fn watched(&self) -> Vec<Resource> {
        lock(&self.shared.state).tables.values().map(|table| table.resource.clone()).collect()
    }

    /// The resource of a plural, if it is watched.
    pub fn resource(&self, key: &GroupResource) -> Option<Resource> {
        lock(&self.shared.state).tables.get(key).map(|table| table.resource.clone())
    }

    /// Waits until every watched resource has been listed once.
    pub async fn synced(&self) {
        let mut unsynced = self.shared.unsynced.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = unsynced.wait_for(|count| *count == 0).await;
    }

    /// Whether this resource has been listed once. A resource that is not watched is not synced.
    pub fn is_synced(&self, resource: &GroupResource) -> bool {
        lock(&self.shared.state).tables.get(resource).is_some_and(|table| table.synced)
    }

    /// Wakes `wake` at each change from now on, and remembers the keys. All that is there counts as changed.
    pub fn subscribe(&self, wake: Wake) -> Changes {
        self.subscribe_to(&[], wake)
    }

    /// As [`Self::subscribe`], for these resources only (an empty list: for all).
    pub fn subscribe_to(&self, resources: &[Resource], wake: Wake) -> Changes {
        let changed: Arc<Mutex<BTreeSet<Key>>> = Arc::default();
        self.add_reader(Reader { only: only(resources), changed: Some(Arc::clone(&changed)), wake });
        Changes { changed }
    }

    /// Wakes `wake` at each change of these resources from now on (an empty list: of all), for a reader that looks at everything anyway.
    pub fn wake_on_change(&self, resources: &[Resource], wake: Wake) {
        self.add_reader(Reader { only: only(resources), changed: None, wake });
    }

    fn add_reader(&self, reader: Reader) {
        let mut state = lock(&self.shared.state);
        let present = state.tables.iter().flat_map(|(resource, watched)| {
            watched.table.objects().keys().map(|place| key(resource, place.clone()))
        });
        tell(std::slice::from_ref(&reader), &present.collect());
        reader.wake.wake();
        state.readers.push(reader);
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Option<Object> {
        let state = lock(&self.shared.state);
        let place = (key.namespace.clone(), key.name.clone());
        state.tables.get(&key.resource)?.table.objects().get(&place).cloned()
    }

    /// All objects of a resource, sorted by namespace and name.
    pub fn list(&self, resource: &GroupResource) -> Vec<Object> {
        let state = lock(&self.shared.state);
        let watched = state.tables.get(resource);
        watched.map(|watched| watched.table.objects().values().cloned().collect()).unwrap_or_default()
    }

    /// The objects of one namespace (`None`: of none) that are wanted, sorted by name. `wanted` runs while the mirror is locked, so it must be quick.
    pub fn select(
        &self,
        resource: &GroupResource,
        namespace: Option<&Namespace>,
        wanted: impl Fn(&Object) -> bool,
    ) -> Vec<Object> {
        let state = lock(&self.shared.state);
        let Some(watched) = state.tables.get(resource) else { return Vec::new() };
        let first = (namespace.cloned(), Name::from(""));
        let inside =
            watched.table.objects().range(first..).take_while(|((place, _), _)| place.as_ref() == namespace);
        inside.map(|(_, object)| object).filter(|object| wanted(object)).cloned().collect()
    }

    /// Notes what this process itself just wrote, so that its next look is not older than its own write.
    pub fn note(&self, resource: &GroupResource, stored: Object) {
        let stored =
            if self.shared.scope.drop_managed_fields { without_managed_fields(&stored) } else { stored };
        self.put(resource, stored, Table::note);
    }

    async fn follow(&self, resource: &Resource) {
        let kube_resource = resource.to_kube();
        let client = self.shared.connection.kube().clone();
        let api: Api<DynamicObject> = match &self.shared.scope.namespace {
            Some(namespace) if resource.namespaced => {
                Api::namespaced_with(client, namespace.as_str(), &kube_resource)
            }
            _ => Api::all_with(client, &kube_resource),
        };
        let events =
            kube::runtime::WatchStreamExt::default_backoff(watcher::watcher(api, watcher::Config::default()));
        pin_mut!(events);
        let mut arriving = BTreeMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => arriving.clear(),
                Ok(Event::InitApply(object)) => {
                    if let Some(object) = self.stored_form(resource, object) {
                        arriving.insert(place(&object), object);
                    }
                }
                Ok(Event::InitDone) => {
                    let listed = std::mem::take(&mut arriving);
                    self.replace_table(resource, self.all_as_wanted(resource, listed).await);
                }
                Ok(Event::Apply(object)) => {
                    if let Some(object) = self.stored_form(resource, object) {
                        let object = self.as_wanted(resource, object).await;
                        self.put(&resource.group_resource(), object, Table::seen);
                    }
                }
                Ok(Event::Delete(object)) => {
                    if let Some(object) = self.stored_form(resource, object) {
                        self.put(&resource.group_resource(), object, |table, object| table.gone(&object));
                    }
                }
                Err(error) => {
                    let server = self.shared.connection.name();
                    tracing::debug!(server, plural = %resource.plural, %error, "watch interrupted, resuming");
                }
            }
        }
    }

    /// Back from kube's type to bytes, with the kind that items of lists lack.
    fn stored_form(&self, resource: &Resource, object: DynamicObject) -> Option<Object> {
        let mut value = serde_json::to_value(object).ok()?;
        value["apiVersion"] = json!(resource.gvk.api_version());
        value["kind"] = json!(resource.gvk.kind.as_str());
        if self.shared.scope.drop_managed_fields {
            drop_managed_fields(&mut value);
        }
        Object::from_value(&value).ok()
    }

    /// Puts an object into its table, and tells the readers if it is news.
    fn put(&self, resource: &GroupResource, object: Object, put: impl FnOnce(&mut Table, Object) -> bool) {
        let changed = key(resource, place(&object));
        let mut state = lock(&self.shared.state);
        let Some(watched) = state.tables.get_mut(resource) else { return };
        if put(&mut watched.table, object) {
            tell(&state.readers, &BTreeSet::from([changed]));
        }
    }

    fn replace_table(&self, resource: &Resource, fresh: BTreeMap<Place, Object>) {
        let resource = resource.group_resource();
        let mut state = lock(&self.shared.state);
        let Some(watched) = state.tables.get_mut(&resource) else { return };
        let changed = watched.table.replace(fresh).into_iter().map(|place| key(&resource, place)).collect();
        let first = !std::mem::replace(&mut watched.synced, true);
        tell(&state.readers, &changed);
        drop(state);
        if first {
            self.shared.unsynced.send_modify(|count| *count -= 1);
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        lock(&self.shared.state).readers.iter().for_each(|reader| reader.wake.wake());
    }
}

fn only(resources: &[Resource]) -> Option<BTreeSet<GroupResource>> {
    (!resources.is_empty()).then(|| resources.iter().map(Resource::group_resource).collect())
}

fn key(resource: &GroupResource, place: Place) -> Key {
    Key { resource: resource.clone(), namespace: place.0, name: place.1 }
}

fn tell(readers: &[Reader], changed: &BTreeSet<Key>) {
    for reader in readers {
        let mut wanted = changed.iter().filter(|key| reader.wants(key)).cloned().peekable();
        if wanted.peek().is_some() {
            if let Some(changed) = &reader.changed {
                lock(changed).extend(wanted);
            }
            reader.wake.wake();
        }
    }
}

fn drop_managed_fields(value: &mut Value) {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

fn without_managed_fields(object: &Object) -> Object {
    let mut value = object.to_value();
    drop_managed_fields(&mut value);
    // Removing an optional field cannot spoil the header.
    Object::from_value(&value).unwrap_or_else(|_| object.clone())
}
