//! Events are kept for an hour after they were last seen, as upstream's default is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use apimachinery::{GroupResource, Object, Timestamp};
use serde_json::Value;

use crate::gc;
use crate::space::{Next, Place, Space, Stored};
use crate::status::Answer;

/// How long an event is kept.
const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Whether a resource holds events.
pub(super) fn expires(resource: &GroupResource) -> bool {
    resource.group.is_empty() && resource.plural == "events"
}

/// When events expire, by space and place. What is due is looked at anew: an event that was seen again stays.
#[derive(Debug, Default)]
pub(super) struct Calendar(BTreeSet<(Timestamp, Arc<str>, Place)>);

impl Calendar {
    /// Notes when an event expires.
    pub(super) fn note(&mut self, space: &Arc<str>, place: &Place, object: &Object) {
        if let Some(at) = expiry(object) {
            self.0.insert((at, Arc::clone(space), place.clone()));
        }
    }

    /// How long to wait for the next one; `None` if there is none.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let (at, ..) = self.0.first()?;
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    }

    /// What is due.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<(Arc<str>, Place)> {
        let mut due = Vec::new();
        while self.0.first().is_some_and(|(at, ..)| *at <= now) {
            due.extend(self.0.pop_first().map(|(_, space, place)| (space, place)));
        }
        due
    }
}

/// The last time that an event was seen, and what it may stay from then on.
fn expiry(object: &Object) -> Option<Timestamp> {
    let event = object.to_value();
    let times = [
        "/metadata/creationTimestamp",
        "/lastTimestamp",
        "/firstTimestamp",
        "/eventTime",
        "/series/lastObservedTime",
    ];
    let seen = times
        .iter()
        .filter_map(|pointer| event.pointer(pointer).and_then(Value::as_str)?.parse::<Timestamp>().ok())
        .max()?;
    seen.checked_add(KEPT).ok()
}

/// Deletes an event that has not been seen for long enough.
///
/// # Errors
/// A store that cannot write.
pub(super) async fn expire(space: &Arc<Space>, place: &Place) -> Answer<()> {
    let now = space.host().clock.now();
    let is_due = |stored: &Stored| expiry(&stored.object).is_some_and(|at| at <= now);
    if !space.get(place).is_some_and(|stored| is_due(&stored)) {
        return Ok(());
    }
    let next = |stored: Option<&Stored>| match stored {
        Some(stored) if is_due(stored) && gc::finalizers(&stored.object.to_value()).is_empty() => {
            Ok(Next::Gone(None))
        }
        _ => Ok(Next::Keep),
    };
    space.change(place, next).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(last: &str) -> Object {
        let value = json!({
            "apiVersion": "v1", "kind": "Event", "lastTimestamp": last,
            "metadata": {"name": "a", "creationTimestamp": "2026-11-20T10:00:00Z"},
        });
        Object::from_value(&value).unwrap()
    }

    #[test]
    fn an_event_is_due_an_hour_after_it_was_last_seen() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let place = Place::new(GroupResource::new("", "events"), Some("n"), "a");
        let mut calendar = Calendar::default();
        calendar.note(&"s".into(), &place, &event("2026-11-20T10:30:00Z"));
        assert_eq!(calendar.wait(at("2026-11-20T11:29:00Z")), Some(Duration::from_secs(60)));
        assert_eq!(calendar.due(at("2026-11-20T11:29:59Z")), []);
        assert_eq!(calendar.due(at("2026-11-20T11:30:00Z")), [("s".into(), place)]);
        assert_eq!(calendar.wait(at("2026-11-20T11:30:00Z")), None);
    }
}
