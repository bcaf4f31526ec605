//! A server for tests: server-side apply, updates, and the metadata that a server adds; no defaults.

use apimachinery::kinds::KindTable;
use apimachinery::smd::{Applier, Endpoint, FieldPath, FieldSet, Force, OneShape, Shape};
use apimachinery::{GroupVersionKind, Object, Timestamp};
use serde_json::Value;

/// See above.
pub(crate) struct Server {
    gvk: GroupVersionKind,
    now: i64,
}

impl Server {
    pub(crate) fn of(object: &Value) -> Self {
        let object = Object::from_value(object).unwrap();
        Self { gvk: object.header().gvk.clone(), now: 1_700_000_000 }
    }

    fn at<T>(&mut self, write: impl FnOnce(&Endpoint<'_>, Timestamp) -> T) -> T {
        self.now += 60;
        let schema = KindTable::built_in().schema(&self.gvk).unwrap();
        let reset: FieldSet = [FieldPath::of_fields(["status"])].into_iter().collect();
        let versions = OneShape(Shape::of_object(schema));
        let endpoint =
            Endpoint { gvk: &self.gvk, versions: &versions, subresource: "", reset: &reset, go_type: true };
        write(&endpoint, Timestamp::from_second(self.now).unwrap())
    }

    pub(crate) fn apply(&mut self, live: Option<&Value>, config: &Value, manager: &str) -> Value {
        let by = Applier { manager, force: Force::Yes };
        let mut stored = self.at(|endpoint, now| endpoint.apply(live, config, by, now)).unwrap();
        stored["metadata"]["uid"] = "u1".into();
        stored["metadata"]["resourceVersion"] = self.now.to_string().into();
        stored["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
        stored["metadata"]["generation"] = 1.into();
        stored
    }

    pub(crate) fn update(&mut self, live: Option<&Value>, new: Value, manager: &str) -> Value {
        self.at(|endpoint, now| endpoint.update(live, new, manager, now)).unwrap()
    }
}
