use std::sync::atomic::AtomicBool;

use apimachinery::SystemClock;
use serde_json::json;

use super::*;
use crate::ids::SeededIds;
use crate::store::{Loaded, Store, StoreError};

/// A disk that is full while the flag is set.
#[derive(Debug, Default)]
struct Disk {
    full: Arc<AtomicBool>,
    written: Arc<Mutex<Vec<Mutation>>>,
}

impl Store for Disk {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn commit(&mut self, batch: &[Mutation]) -> Result<(), StoreError> {
        if self.full.load(Ordering::Acquire) {
            return Err(StoreError::Io { path: "disk".into(), detail: "no space left".into() });
        }
        self.written.lock().unwrap().extend(batch.iter().cloned());
        Ok(())
    }
}

fn space(store: Option<Box<dyn Store>>) -> Arc<Space> {
    let (feed, _controllers) = mpsc::unbounded_channel();
    let host = Host {
        clock: Arc::new(SystemClock::default()),
        ids: Arc::new(SeededIds::new(1)),
        writer: store.map(|store| Writer::start(store).unwrap()),
        tokens: Tokens::default(),
        ca_pem: "".into(),
        feed,
    };
    Arc::new(Space::open("s".into(), Arc::new(host), 0, Vec::new()))
}

fn place(name: &str) -> Place {
    Place::new(GroupResource::new("", "configmaps"), Some("n"), name)
}

fn map(name: &str, value: i64) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "n" }, "value": value })
}

async fn put(space: &Arc<Space>, name: &str, value: i64) -> Answer<Option<Arc<Stored>>> {
    space.change(&place(name), |_| Ok(Next::Put(map(name, value)))).await
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_reads_and_recovers() {
    let disk = Disk::default();
    let (full, written) = (Arc::clone(&disk.full), Arc::clone(&disk.written));
    let space = space(Some(Box::new(disk)));
    put(&space, "a", 1).await.unwrap();
    full.store(true, Ordering::Release);
    let refused = put(&space, "a", 2).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (503, "ServiceUnavailable"));
    assert!(refused.to_string().contains("no space left"), "{refused}");
    assert_eq!(
        space.get(&place("a")).unwrap().object.to_value()["value"],
        1,
        "a refused write is never read"
    );
    assert_eq!(space.newest_state(&place("a")).unwrap().object.to_value()["value"], 1);
    full.store(false, Ordering::Release);
    let later = put(&space, "a", 3).await.unwrap().unwrap();
    assert_eq!(space.get(&place("a")).unwrap().version, later.version);
    let values: Vec<Value> = written
        .lock()
        .unwrap()
        .iter()
        .filter_map(|mutation| match mutation {
            Mutation::Put { bytes, .. } => serde_json::from_slice::<Value>(bytes).ok()?.get("value").cloned(),
            _ => None,
        })
        .collect();
    assert_eq!(values, [json!(1), json!(3)]);
}

#[tokio::test]
async fn concurrent_counting_loses_nothing() {
    for store in [None, Some(Box::new(Disk::default()) as Box<dyn Store>)] {
        let space = space(store);
        put(&space, "a", 0).await.unwrap();
        let increments = (0..50).map(|_| {
            let space = Arc::clone(&space);
            tokio::spawn(async move {
                let place = place("a");
                let counted = space.change(&place, |stored| {
                    let value = stored.unwrap().object.to_value()["value"].as_i64().unwrap();
                    Ok(Next::Put(map("a", value + 1)))
                });
                counted.await.unwrap().unwrap().version
            })
        });
        let mut versions: Vec<u64> =
            futures::future::join_all(increments).await.into_iter().map(Result::unwrap).collect();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), 50, "every write has a version of its own");
        assert_eq!(space.get(&place("a")).unwrap().object.to_value()["value"], 50);
        assert_eq!(space.version(), *versions.last().unwrap());
    }
}

#[tokio::test]
async fn a_deletion_has_a_version_and_leaves_nothing() {
    let space = space(None);
    let made = put(&space, "a", 1).await.unwrap().unwrap();
    let gone = space.change(&place("a"), |_| Ok(Next::Gone(None))).await.unwrap().unwrap();
    assert!(gone.version > made.version);
    assert_eq!(gone.object.to_value()["value"], 1);
    assert!(space.get(&place("a")).is_none());
    assert!(space.change(&place("a"), |_| Ok(Next::Gone(None))).await.unwrap().is_none());
    assert!(space.list(&place("a").resource, None).items.is_empty());
}

#[tokio::test]
async fn what_is_larger_than_etcd_takes_is_refused() {
    let space = space(None);
    let mut large = map("a", 1);
    large["data"] = "x".repeat(MAX_OBJECT_BYTES).into();
    let refused = space.change(&place("a"), |_| Ok(Next::Put(large.clone()))).await.unwrap_err();
    assert_eq!(refused.code(), 413);
}
