//! Watches: what client-go's reflectors and kube's watcher rest on.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::scratch::{CONTROLLERS, Scratch, config_map, text, version};
use super::target::Patch;
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_watch_goes_on_from_a_resource_version,
    a_watch_without_version_begins_with_what_there_is,
    a_watch_by_label_sees_objects_come_and_go,
    a_watch_ends_when_its_time_is_over,
    a_watch_from_before_history_is_gone,
    a_bookmark_tells_the_version_reached,
    a_streaming_list_ends_with_a_marked_bookmark,
    a_watch_of_one_name_sees_nothing_else,
];

/// What of ConfigMaps a case watches; a cluster adds its root authority to every namespace, which has no such label.
fn path(scratch: &Scratch, query: &str) -> String {
    scratch.core(&format!("configmaps?watch=true&labelSelector=mine&timeoutSeconds=30&{query}"))
}

fn mine(name: &str, value: &str) -> Value {
    let mut body = config_map(name, value);
    body["metadata"]["labels"] = json!({ "mine": "yes" });
    body
}

fn a_watch_goes_on_from_a_resource_version(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let before = target.post(&collection, &mine("before", "a"))?.expect(201)?;
    let made = target.post(&collection, &mine("one", "a"))?.expect(201)?;
    let changed = target.put(&format!("{collection}/one"), &mine("one", "b"))?.expect(200)?;
    target.delete(&format!("{collection}/one"))?.expect(200)?;

    let mut watch = target.watch(&path(&scratch, &format!("resourceVersion={}", version(&before)?)))?;
    same("added", watch.expect("ADDED")?, made)?;
    same("modified", watch.expect("MODIFIED")?, changed.clone())?;
    let deleted = watch.expect("DELETED")?;
    same("deleted data", &deleted["data"], &changed["data"])?;
    ensure!(version(&deleted)? != version(&changed)?, "a deletion has a resourceVersion of its own");
    target.post(&collection, &mine("later", "a"))?.expect(201)?;
    same("later", text(&watch.expect("ADDED")?, "/metadata/name")?, "later")
}

fn a_watch_without_version_begins_with_what_there_is(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &mine("one", "a"))?.expect(201)?;
    let mut watch = target.watch(&path(&scratch, ""))?;
    same("name", text(&watch.expect("ADDED")?, "/metadata/name")?, "one")
}

fn a_watch_by_label_sees_objects_come_and_go(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let made = target.post(&collection, &config_map("one", "a"))?.expect(201)?;
    let mut watch = target.watch(&path(&scratch, &format!("resourceVersion={}", version(&made)?)))?;
    let label = |value: Value| {
        let patch = json!({ "metadata": { "labels": { "mine": value } } });
        target.patch(&format!("{collection}/one"), Patch::Merge, &patch)?.expect(200)
    };
    label("yes".into())?;
    same("comes into view", &watch.expect("ADDED")?["metadata"]["labels"]["mine"], &"yes".into())?;
    let left = label(Value::Null)?;
    let deleted = watch.expect("DELETED")?;
    same("goes out of view as it was last seen", &deleted["metadata"]["labels"]["mine"], &"yes".into())?;
    same("at the version of the change", version(&deleted)?, version(&left)?)
}

fn a_watch_ends_when_its_time_is_over(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let query = scratch.core("configmaps?watch=true&labelSelector=mine&timeoutSeconds=1");
    same("after its time", target.watch(&query)?.next()?, None)
}

fn a_watch_from_before_history_is_gone(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &mine("one", "a"))?.expect(201)?;
    let status = target.watch(&path(&scratch, "resourceVersion=1"))?.expect("ERROR")?;
    same("code and reason", (&status["code"], &status["reason"]), (&410.into(), &"Expired".into()))?;
    ensure!(text(&status, "/message")?.starts_with("too old resource version: 1 ("), "{status}");
    Ok(())
}

fn a_bookmark_tells_the_version_reached(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &mine("one", "a"))?.expect(201)?;
    // A bookmark comes once a minute, and in the last two seconds of a watch. A busy server may miss the latter, so some watches are tried.
    let query = scratch.core(&format!(
        "configmaps?watch=true&labelSelector=mine&timeoutSeconds=4&allowWatchBookmarks=true&resourceVersion={}",
        version(&made)?
    ));
    let event = eventually("a watch sends a bookmark", CONTROLLERS, || target.watch(&query)?.next())?;
    same("type", &event["type"], &"BOOKMARK".into())?;
    let bookmark = &event["object"];
    same("kind", text(bookmark, "/kind")?, "ConfigMap")?;
    ensure!(version(bookmark)?.parse::<u64>()? >= version(&made)?.parse::<u64>()?, "{bookmark}");
    Ok(())
}

fn a_streaming_list_ends_with_a_marked_bookmark(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    for name in ["b", "a"] {
        target.post(&collection, &mine(name, "value"))?.expect(201)?;
    }
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let mut watch = target.watch(&path(&scratch, query))?;
    let mut seen = vec![];
    let bookmark = loop {
        let event = watch.next()?.context("the stream ended before its bookmark")?;
        if event["type"] == "BOOKMARK" {
            break event;
        }
        same("type", &event["type"], &"ADDED".into())?;
        seen.push(text(&event, "/object/metadata/name")?.to_owned());
    };
    seen.sort();
    same("names", seen, vec!["a".to_owned(), "b".into()])?;
    same("mark", text(&bookmark, "/object/metadata/annotations/k8s.io~1initial-events-end")?, "true")?;
    target.post(&collection, &mine("later", "value"))?.expect(201)?;
    same("afterwards", text(&watch.expect("ADDED")?, "/metadata/name")?, "later")
}

fn a_watch_of_one_name_sees_nothing_else(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let start = version(&target.get(&collection)?.expect(200)?)?;
    for name in ["other", "one"] {
        target.post(&collection, &config_map(name, "value"))?.expect(201)?;
    }
    let query =
        format!("watch=true&timeoutSeconds=30&fieldSelector=metadata.name%3Done&resourceVersion={start}");
    let mut watch = target.watch(&format!("{collection}?{query}"))?;
    same("name", text(&watch.expect("ADDED")?, "/metadata/name")?, "one")
}
