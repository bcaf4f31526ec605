//! Events: told in passing, written by one task, one object per thing that happens, which counts how often it did.
//!
//! Nobody depends on them: what cannot be written is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::clock::rfc3339_seconds;
use apimachinery::{Clock, Digest, Name, Namespace, Object};
use runtime::{ApiError, Connection, Reason, Shutdown, Target};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::kind::Kind;
use crate::live::{int, text};
use crate::step::{Actor, CONTROLLERS, Event};

/// Events that wait to be written; more are dropped.
const WAITING: usize = 4096;

/// Events whose counts are remembered; then they are read from the server again.
const REMEMBERED: usize = 4096;

/// Where events are told.
#[derive(Clone)]
pub(crate) struct Recorder(mpsc::Sender<(Actor, Event)>);

impl Recorder {
    /// Never blocks.
    pub(crate) fn tell(&self, actor: Actor, event: Event) {
        if self.0.try_send((actor, event)).is_err() {
            tracing::debug!("an event was dropped");
        }
    }
}

/// A recorder, and the task that writes what it is told until shutdown.
pub(crate) fn recorder(
    cluster: Connection,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> (Recorder, impl Future<Output = ()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = Writer { cluster, clock, known: BTreeMap::new() };
    let task = async move {
        tokio::select! {
            () = writer.run(receiver) => {}
            () = shutdown.cancelled() => {}
        }
    };
    (Recorder(sender), task)
}

struct Writer {
    cluster: Connection,
    clock: Arc<dyn Clock>,
    /// How often each event has happened, by namespace and name.
    known: BTreeMap<(String, String), i64>,
}

impl Writer {
    async fn run(mut self, mut events: mpsc::Receiver<(Actor, Event)>) {
        let mut batch = Vec::new();
        while events.recv_many(&mut batch, WAITING).await > 0 {
            for (place, (event, times)) in together(batch.drain(..)) {
                if let Err(error) = self.write(&place, event, times).await {
                    tracing::debug!(%error, "an event was not written");
                }
            }
        }
    }

    async fn write(
        &mut self,
        place: &(String, String),
        mut event: Value,
        times: i64,
    ) -> Result<(), ApiError> {
        let now = rfc3339_seconds(self.clock.now());
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        if let Some(count) = self.known.get(place).copied()
            && self.count(place, count + times, &now).await?
        {
            return Ok(());
        }
        event["firstTimestamp"] = json!(now);
        event["lastTimestamp"] = json!(now);
        event["count"] = json!(times);
        let Ok(object) = Object::from_value(&event) else { return Ok(()) };
        match self.cluster.create(Kind::Event.resource(), &object, text(&event, "/source/component")).await {
            Err(error) if error.reason == Reason::AlreadyExists => self.count_again(place, times, &now).await,
            outcome => {
                outcome?;
                self.known.insert(place.clone(), times);
                Ok(())
            }
        }
    }

    /// After a restart: the count goes on from what is stored.
    async fn count_again(&mut self, place: &(String, String), times: i64, now: &str) -> Result<(), ApiError> {
        let (namespace, name) = (Namespace::from(place.0.as_str()), Name::from(place.1.as_str()));
        let stored = self.cluster.get(Kind::Event.resource(), Some(&namespace), &name).await?;
        let count = stored.and_then(|stored| int(&stored.to_value(), "/count")).unwrap_or_default();
        self.count(place, count + times, now).await.map(|_| ())
    }

    /// `false` when the event is not there any more.
    async fn count(&mut self, place: &(String, String), count: i64, now: &str) -> Result<bool, ApiError> {
        let (namespace, name) = (Namespace::from(place.0.as_str()), Name::from(place.1.as_str()));
        let resource = Kind::Event.resource();
        let target = Target { resource, namespace: Some(&namespace), name: &name, subresource: "" };
        let patch = json!({ "count": count, "lastTimestamp": now });
        match self.cluster.merge(target, &patch, CONTROLLERS).await {
            Ok(_) => {
                self.known.insert(place.clone(), count);
                Ok(true)
            }
            Err(error) if error.is_not_found() => {
                self.known.remove(place);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Equal events of one batch become one, with how often it was told.
fn together(batch: impl Iterator<Item = (Actor, Event)>) -> BTreeMap<(String, String), (Value, i64)> {
    let mut events = BTreeMap::new();
    for (actor, event) in batch {
        let (namespace, name, value) = written(actor, &event);
        events.entry((namespace, name)).or_insert((value, 0)).1 += 1;
    }
    events
}

/// Namespace, name and content of an event. The name follows from what it says, so the same again is the same event.
fn written(actor: Actor, event: &Event) -> (String, String, Value) {
    let header = event.about.header();
    let namespace = header.namespace.as_ref().map_or("default", Namespace::as_str).to_owned();
    let uid = header.uid.as_deref().unwrap_or_default();
    let parts = [uid, actor.component, event.reason, &event.message];
    let digest = Digest::of_parts(parts.iter().map(|part| part.as_bytes())).short(16);
    let name = format!("{}.{digest}", header.name);
    let value = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": {
            "apiVersion": header.gvk.api_version(), "kind": header.gvk.kind.as_str(), "name": header.name.as_str(),
            "namespace": header.namespace.as_ref().map(Namespace::as_str), "uid": uid, "resourceVersion": header.resource_version
        },
        "type": if event.warning { "Warning" } else { "Normal" },
        "reason": event.reason, "message": event.message,
        "source": { "component": actor.component }, "reportingComponent": actor.component, "reportingInstance": ""
    });
    (namespace, name, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    #[test]
    fn the_same_again_is_counted_not_repeated() {
        let actor = Actor { manager: "kubelet", component: "kubelet" };
        let pod = live(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart" } }));
        let event = |message: &str| {
            let message = message.to_owned();
            (actor, Event { about: pod.object.clone(), warning: true, reason: "BackOff", message })
        };
        let events = together([event("a"), event("b"), event("a")].into_iter());
        let mut counts: Vec<(&str, i64)> =
            events.values().map(|(value, times)| (text(value, "/message"), *times)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [("a", 2), ("b", 1)]);
        assert!(events.keys().all(|(namespace, name)| namespace == "shop" && name.starts_with("cart.")));
    }
}
