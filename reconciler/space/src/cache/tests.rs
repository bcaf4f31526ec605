use std::collections::BTreeMap;

use apimachinery::Object;
use proptest::prelude::*;
use serde_json::json;

use super::past::Listing;
use super::*;

fn stored(name: &str, version: u64, padding: usize) -> Arc<Stored> {
    let value = json!({
        "kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "x".repeat(padding)},
        "metadata": {"name": name, "resourceVersion": version.to_string()},
    });
    Arc::new(Stored { object: Object::from_value(&value).unwrap(), version })
}

fn change(cache: &Cache, key: &str, version: u64, gone: bool, at_s: u64) {
    let old = cache.get(key);
    let event = Event::new(key.into(), old, stored("n", version, 100), gone, Duration::from_secs(at_s));
    cache.publish(event);
}

fn keys(listing: &Listing) -> Vec<(String, u64)> {
    listing.items.iter().map(|(key, object)| (key.to_string(), object.version)).collect()
}

#[test]
fn lists_are_in_the_order_of_etcds_keys() {
    let cache = Cache::new(BTreeMap::new(), 0);
    for (version, key) in ["a/x", "a-b/x", "b/x"].into_iter().enumerate() {
        change(&cache, key, version as u64 + 1, false, 0);
    }
    let all: Vec<_> = keys(&cache.list(Range::default())).into_iter().map(|(key, _)| key).collect();
    assert_eq!(all, ["a-b/x", "a/x", "b/x"]);
    let one = cache.list(Range { namespace: Some("a"), after: None });
    assert_eq!(keys(&one), [("a/x".to_owned(), 1)]);
    let rest = cache.list(Range { namespace: None, after: Some("a-b/x") });
    assert_eq!(keys(&rest), [("a/x".to_owned(), 1), ("b/x".to_owned(), 3)]);
    assert!(cache.list(Range { namespace: Some("a"), after: Some("zzz") }).items.len() <= 1);
}

#[test]
fn events_of_a_namespace_are_found_without_the_others() {
    let cache = Cache::new(BTreeMap::new(), 5);
    change(&cache, "a/x", 6, false, 0);
    change(&cache, "b/x", 7, false, 0);
    change(&cache, "a/x", 8, true, 0);
    let of_a: Vec<_> =
        cache.since(5, Some("a"), 10).unwrap().iter().map(|e| (e.version, e.happened)).collect();
    assert_eq!(of_a, [(6, Happened::Added), (8, Happened::Deleted)]);
    assert_eq!(cache.since(6, None, 1).unwrap().len(), 1);
    assert_eq!(cache.since(4, None, 1).unwrap_err(), Forgotten { oldest: 5 });
    assert_eq!(cache.since(99, None, 1).unwrap().len(), 0);
}

#[test]
fn the_ring_is_bounded_by_bytes_and_age() {
    let cache = Cache::new(BTreeMap::new(), 0);
    for version in 1..=10_000 {
        change(&cache, "a/x", version, false, 0);
    }
    assert!(cache.since(0, None, 1).is_ok(), "young events are kept");
    change(&cache, "a/x", 10_001, false, 1000);
    assert!(cache.since(0, None, 1).is_err(), "old ones are forgotten down to the soft limit");
    assert!(cache.since(9_000, None, 1).is_ok());
    assert!(cache.read().ring_bytes <= SOFT_BYTES);
    let total: usize = cache.read().ring.iter().map(|event| event.size_bytes()).sum();
    assert_eq!(total, cache.read().ring_bytes);
    assert_eq!(cache.read().namespaces["a"].ring.len(), cache.read().ring.len());
}

proptest! {
    /// A past listing is what a listing showed at that time.
    #[test]
    fn a_past_listing_is_what_was_listed_then(steps in prop::collection::vec((0..6_u8, any::<bool>()), 1..40)) {
        let cache = Cache::new(BTreeMap::new(), 0);
        let mut seen = vec![(0, keys(&cache.list(Range::default())))];
        for (index, (key, delete)) in steps.into_iter().enumerate() {
            let (version, key) = (index as u64 + 1, format!("{}/{}", key / 3, key % 3));
            let gone = delete && cache.get(&key).is_some();
            change(&cache, &key, version, gone, 0);
            seen.push((version, keys(&cache.list(Range::default()))));
        }
        for (version, expected) in seen {
            let past = cache.list_at(version, Range::default()).unwrap();
            prop_assert_eq!(keys(&past), expected);
        }
    }
}
