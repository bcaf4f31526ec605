//! Watching, not sampling: every event of some kinds in some spaces, in the order of their arrival, with what the story says in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ::kube::Client;
use ::kube::api::{Api, ApiResource, DynamicObject, ListParams};
use ::kube::core::GroupVersionKind;
use ::kube::runtime::watcher::{self, Event};
use futures::StreamExt as _;
use runtime::Shutdown;
use serde_json::Value;
use tokio::sync::mpsc;

use super::stage::{Kind, LIMIT};
use crate::harness::{block_on, eventually, spawn};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The story did something.
    Said(String),
    /// An object changed, or is there at the start of the recording.
    Seen(Seen),
}

/// An object at one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    pub space: String,
    /// `Deployment shop/cart`.
    pub object: String,
    /// `None`: it went.
    pub state: Option<Value>,
}

#[derive(Default)]
struct Shared {
    timeline: Mutex<Vec<Entry>>,
    grew: Condvar,
}

impl Shared {
    fn push(&self, entry: Entry) {
        self.timeline.lock().unwrap().push(entry);
        self.grew.notify_all();
    }
}

/// Follows some kinds in some spaces until it is dropped.
pub struct Recorder {
    shared: Arc<Shared>,
    followed: Vec<(String, Kind, Api<DynamicObject>)>,
    shutdown: Shutdown,
}

/// How long to wait for an event before asking whether there will be one.
const PATIENCE: Duration = Duration::from_millis(100);

impl Recorder {
    /// Returns once everything that is there has been seen. `client` reaches a space.
    pub fn start(client: impl Fn(&str) -> Client, kinds: &[(&str, Kind)]) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let shutdown = Shutdown::new();
        let (ready, mut listed) = mpsc::channel(kinds.len().max(1));
        let mut followed = Vec::new();
        for (space, kind) in kinds {
            let api = Api::all_with(client(space), &resource(*kind));
            followed.push(((*space).to_owned(), *kind, api.clone()));
            let task = follow(Arc::clone(&shared), ((*space).to_owned(), *kind), api, ready.clone());
            let stop = shutdown.clone();
            spawn(async move {
                tokio::select! { () = task => {}, () = stop.cancelled() => {} }
            });
        }
        block_on(async {
            for _ in kinds {
                listed.recv().await;
            }
        });
        Self { shared, followed, shutdown }
    }

    /// Notes what the story does.
    pub fn say(&self, what: impl Into<String>) {
        self.shared.push(Entry::Said(what.into()));
    }

    /// How much has been recorded.
    pub fn len(&self) -> usize {
        self.shared.timeline.lock().unwrap().len()
    }

    /// Waits until there are `count` entries, or until `over` says that there will be no more.
    pub fn until(&self, count: usize, mut over: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        loop {
            let timeline = self.shared.timeline.lock().unwrap();
            let (timeline, _) =
                self.shared.grew.wait_timeout_while(timeline, PATIENCE, |seen| seen.len() < count).unwrap();
            let reached = timeline.len() >= count;
            drop(timeline);
            if reached || over()? {
                return Ok(());
            }
        }
    }

    /// Everything that has happened up to now, on the servers' word: what they hold has been seen.
    pub fn timeline(&self) -> anyhow::Result<Vec<Entry>> {
        eventually("the recording has caught up", LIMIT, || {
            for (space, kind, api) in &self.followed {
                let list = block_on(api.list(&ListParams::default()))?;
                let there: BTreeMap<String, Option<String>> = list
                    .items
                    .iter()
                    .map(|item| (name_of(*kind, item), item.metadata.resource_version.clone()))
                    .collect();
                if there != self.last_versions(space, *kind) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })?;
        Ok(self.shared.timeline.lock().unwrap().clone())
    }

    fn last_versions(&self, space: &str, kind: Kind) -> BTreeMap<String, Option<String>> {
        let mut last = BTreeMap::new();
        for entry in self.shared.timeline.lock().unwrap().iter() {
            let Entry::Seen(seen) = entry else { continue };
            if seen.space != space || !seen.object.starts_with(&format!("{} ", kind.2)) {
                continue;
            }
            match &seen.state {
                Some(state) => {
                    let version = state["metadata"]["resourceVersion"].as_str().map(str::to_owned);
                    last.insert(seen.object.clone(), version);
                }
                None => drop(last.remove(&seen.object)),
            }
        }
        last
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn resource(kind: Kind) -> ApiResource {
    let Kind(group, version, name, plural, _) = kind;
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural)
}

fn name_of(kind: Kind, object: &DynamicObject) -> String {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    match &object.metadata.namespace {
        Some(namespace) => format!("{} {namespace}/{name}", kind.2),
        None => format!("{} {name}", kind.2),
    }
}

async fn follow(
    shared: Arc<Shared>,
    (space, kind): (String, Kind),
    api: Api<DynamicObject>,
    ready: mpsc::Sender<()>,
) {
    let mut events = std::pin::pin!(watcher::watcher(api, watcher::Config::default()));
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut relisted = BTreeMap::new();
    let see = |object: &DynamicObject, there: bool| {
        let name = name_of(kind, object);
        let state = there.then(|| serde_json::to_value(object).unwrap());
        shared.push(Entry::Seen(Seen { space: space.clone(), object: name.clone(), state }));
        (name, object.metadata.resource_version.clone())
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => relisted.clear(),
            Ok(Event::InitApply(object)) => {
                let (name, version) = (name_of(kind, &object), object.metadata.resource_version.clone());
                if known.get(&name) != Some(&version) {
                    see(&object, true);
                }
                relisted.insert(name, version);
            }
            Ok(Event::InitDone) => {
                for gone in known.keys().filter(|name| !relisted.contains_key(*name)) {
                    shared.push(Entry::Seen(Seen {
                        space: space.clone(),
                        object: gone.clone(),
                        state: None,
                    }));
                }
                known = std::mem::take(&mut relisted);
                let _ = ready.try_send(());
            }
            Ok(Event::Apply(object)) => {
                let (name, version) = see(&object, true);
                known.insert(name, version);
            }
            Ok(Event::Delete(object)) => {
                let (name, _) = see(&object, false);
                known.remove(&name);
            }
            // The watcher resumes by itself; a server that is down need not be asked all the time.
            Err(_) => tokio::time::sleep(PATIENCE).await,
        }
    }
}
