//! The objects of one resource, fed by a watch and by what this process itself wrote.
//!
//! Events of a watch come in the order of their versions, answers to writes whenever they like. So an object that is not here, in a version that the watch has
//! passed already, is gone: its answer came late, and must not bring it back.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Name, Namespace, Object};

/// Namespace and name.
pub(super) type Place = (Option<Namespace>, Name);

/// The objects of one resource.
#[derive(Default)]
pub(super) struct Table {
    objects: BTreeMap<Place, Object>,
    /// The highest version that the watch has told of.
    passed: u64,
}

impl Table {
    pub(super) fn objects(&self) -> &BTreeMap<Place, Object> {
        &self.objects
    }

    pub(super) fn into_places(self) -> impl Iterator<Item = Place> {
        self.objects.into_keys()
    }

    /// An object as the watch tells of it; `false` when it, or a newer one, is known.
    pub(super) fn seen(&mut self, object: Object) -> bool {
        self.passed = self.passed.max(version(&object));
        let place = place(&object);
        let known = self.objects.get(&place);
        if known.is_some_and(|known| version(known) > version(&object) || *known == object) {
            return false;
        }
        self.objects.insert(place, object);
        true
    }

    /// An object that the watch says is gone; `false` when another one of that name is known.
    pub(super) fn gone(&mut self, object: &Object) -> bool {
        self.passed = self.passed.max(version(object));
        let place = place(object);
        let another =
            |known: &Object| known.header().uid != object.header().uid && version(known) > version(object);
        if self.objects.get(&place).is_some_and(another) {
            return false;
        }
        self.objects.remove(&place);
        true
    }

    /// What this process wrote, as the server stored it; `false` when it is no news.
    pub(super) fn note(&mut self, stored: Object) -> bool {
        let place = place(&stored);
        let newer = match self.objects.get(&place) {
            Some(known) => version(known) < version(&stored),
            None => self.passed < version(&stored),
        };
        if newer {
            self.objects.insert(place, stored);
        }
        newer
    }

    /// A complete list; gives the places of what came, changed or went.
    pub(super) fn replace(&mut self, fresh: BTreeMap<Place, Object>) -> BTreeSet<Place> {
        self.passed = fresh.values().map(version).max().unwrap_or_default();
        let known = std::mem::replace(&mut self.objects, fresh);
        let went = known.keys().filter(|place| !self.objects.contains_key(*place));
        let came = self.objects.iter().filter(|(place, object)| known.get(*place) != Some(*object));
        went.chain(came.map(|(place, _)| place)).cloned().collect()
    }
}

/// Where an object is.
pub(super) fn place(object: &Object) -> Place {
    (object.header().namespace.clone(), object.header().name.clone())
}

/// Versions are opaque to clients but for equality; Kubernetes since 1.35 promises that they compare as numbers, and every server we speak to has always kept it.
fn version(object: &Object) -> u64 {
    object.header().resource_version.as_ref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, uid: &str, version: u64) -> Object {
        let metadata =
            json!({ "name": name, "namespace": "shop", "uid": uid, "resourceVersion": version.to_string() });
        Object::from_value(&json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata })).unwrap()
    }

    /// Names and versions.
    fn content(table: &Table) -> Vec<String> {
        table
            .objects()
            .values()
            .map(|object| format!("{}@{}", object.header().name, version(object)))
            .collect()
    }

    #[test]
    fn ones_own_writes_are_seen_before_the_watch_tells() {
        let mut table = Table::default();
        table.replace([object("a", "1", 5)].map(|object| (place(&object), object)).into());
        table.note(object("b", "2", 7));
        assert_eq!(content(&table), ["a@5", "b@7"]);
        assert!(!table.seen(object("b", "2", 6)));
        assert!(table.seen(object("b", "2", 8)));
        table.note(object("b", "2", 7));
        assert_eq!(content(&table), ["a@5", "b@8"]);
    }

    #[test]
    fn a_late_answer_brings_nothing_back() {
        let mut table = Table::default();
        table.seen(object("a", "1", 5));
        assert!(table.gone(&object("a", "1", 7)));
        table.note(object("a", "1", 6));
        assert_eq!(content(&table), [""; 0]);
        table.note(object("a", "2", 8));
        assert_eq!(content(&table), ["a@8"]);
    }

    #[test]
    fn the_end_of_one_is_not_the_end_of_the_next_of_its_name() {
        let mut table = Table::default();
        table.seen(object("a", "1", 5));
        table.note(object("a", "2", 8));
        assert!(!table.gone(&object("a", "1", 7)));
        assert_eq!(content(&table), ["a@8"]);
        assert!(table.gone(&object("a", "2", 9)));
    }

    #[test]
    fn a_list_tells_what_came_changed_and_went() {
        let mut table = Table::default();
        let list =
            |objects: &[Object]| objects.iter().map(|object| (place(object), object.clone())).collect();
        table.replace(list(&[object("a", "1", 1), object("b", "2", 2), object("c", "3", 3)]));
        let changed = table.replace(list(&[object("a", "1", 1), object("b", "2", 4), object("d", "5", 5)]));
        assert_eq!(changed.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["b", "c", "d"]);
    }
}
