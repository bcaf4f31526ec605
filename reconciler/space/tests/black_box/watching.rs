//! kube's watcher in both modes, and watches that must not miss or mix up anything.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::{inside, outside, server};

fn map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name }, "data": { "k": value } })).unwrap()
}

/// A step of a watcher as text; the objects that every namespace has are left out.
async fn next<S>(events: &mut S) -> String
where
    S: Stream<Item = Result<Event<ConfigMap>, watcher::Error>> + Unpin,
{
    loop {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap();
        let text = match event.unwrap().unwrap() {
            Event::Init => "init".to_owned(),
            Event::InitApply(object) => format!("had {}", object.name_any()),
            Event::InitDone => "done".to_owned(),
            Event::Apply(object) => format!("apply {}", object.name_any()),
            Event::Delete(object) => format!("delete {}", object.name_any()),
        };
        if !text.ends_with("kube-root-ca.crt") {
            return text;
        }
    }
}

async fn watcher_follows(client: Client, config: watcher::Config) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.create(&PostParams::default(), &map("before", "1")).await.unwrap();
    let mut events = Box::pin(watcher::watcher(maps.clone(), config));
    assert_eq!(next(&mut events).await, "init");
    assert_eq!(next(&mut events).await, "had before");
    assert_eq!(next(&mut events).await, "done");
    maps.create(&PostParams::default(), &map("after", "1")).await.unwrap();
    assert_eq!(next(&mut events).await, "apply after");
    let patch = Patch::Merge(json!({ "data": { "k": "2" } }));
    maps.patch("before", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(next(&mut events).await, "apply before");
    maps.delete("after", &DeleteParams::default()).await.unwrap();
    assert_eq!(next(&mut events).await, "delete after");
}

#[tokio::test]
async fn a_listing_watcher_follows() {
    let server = server().await;
    watcher_follows(inside(&server), watcher::Config::default()).await;
}

#[tokio::test]
async fn a_streaming_watcher_follows_over_tls() {
    let server = server().await;
    watcher_follows(outside(&server).await, watcher::Config::default().streaming_lists()).await;
}

#[tokio::test]
async fn every_watcher_sees_every_change_in_order() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(inside(&server));
    let version = maps.list_metadata(&Default::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut watchers = Vec::new();
    for _ in 0..20 {
        watchers.push(Box::pin(maps.watch(&WatchParams::default(), &version).await.unwrap()));
    }
    let writes = (0..100).map(|index| {
        let maps = maps.clone();
        async move { maps.create(&PostParams::default(), &map(&format!("m{index}"), "v")).await }
    });
    let made: Vec<ConfigMap> =
        futures::stream::iter(writes).buffer_unordered(16).try_collect().await.unwrap();
    let mut expected: Vec<(u64, String)> =
        made.iter().map(|map| (map.resource_version().unwrap().parse().unwrap(), map.name_any())).collect();
    expected.sort();
    for watcher in &mut watchers {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            let event = tokio::time::timeout(Duration::from_secs(20), watcher.next()).await.unwrap();
            if let WatchEvent::Added(map) = event.unwrap().unwrap() {
                seen.push((map.resource_version().unwrap().parse::<u64>().unwrap(), map.name_any()));
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_watch_of_a_namespace_sees_that_namespace_only() {
    let server = server().await;
    let client = inside(&server);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let mut watches = BTreeMap::new();
    for index in 0..10 {
        let name = format!("ns{index}");
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &name);
        let params = WatchParams::default().labels("mine");
        let watch = Box::pin(maps.watch(&params, "0").await.unwrap());
        watches.insert(name, (maps, watch));
    }
    for (name, (maps, _)) in &watches {
        let mut map = map("m", name);
        map.labels_mut().insert("mine".into(), String::new());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    for (name, (_, watch)) in &mut watches {
        let map = loop {
            let event = tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap();
            match event.unwrap().unwrap() {
                WatchEvent::Added(map) => break map,
                WatchEvent::Bookmark(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(map.data.unwrap()["k"], *name);
    }
}

#[tokio::test]
async fn watches_end_when_the_server_does() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(inside(&server));
    let mut watch = Box::pin(maps.watch(&WatchParams::default().labels("none"), "0").await.unwrap());
    server.shutdown().await;
    let ended = async { while watch.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
}
