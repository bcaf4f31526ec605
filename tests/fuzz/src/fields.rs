//! Field ownership, structured merge, and the schemas of custom kinds.

use apimachinery::kinds::{CustomKind, KindTable};
use apimachinery::smd::typed::{compare, extract_items, merge, remove_items, to_field_set, validate};
use apimachinery::smd::{Applier, Duplicates, Endpoint, FieldSet, Force, Managers, OneShape, Shape};
use apimachinery::{GroupVersionKind, Timestamp};
use serde_json::Value;

use super::bundle;

/// Two field sets: each comes back, and together they are sets.
pub fn fields_v1(bytes: &[u8]) {
    let (one, other) = bundle::pair(bytes);
    let read = |part: &[u8]| {
        let value: Value = serde_json::from_slice(part).ok()?;
        let set = FieldSet::from_fields_v1(&value).ok()?;
        let again = FieldSet::from_fields_v1(&set.to_fields_v1());
        // A number beyond the digits of a float is written by its shortest digits, as the server does, and read as the integer that these are.
        let has_long_numbers = part.windows(16).any(|digits| digits.iter().all(u8::is_ascii_digit));
        let again = again.unwrap();
        assert!(again == set || has_long_numbers, "{again:?} {set:?}");
        assert_eq!(FieldSet::from_fields_v1(&again.to_fields_v1()).as_ref(), Ok(&again));
        let text: Value = serde_json::from_str(&set.to_fields_v1_json()).unwrap();
        assert_eq!(text, set.to_fields_v1());
        assert_eq!(set.paths().len(), set.len());
        assert!(set.paths().iter().all(|path| set.contains(&path.0)));
        Some(set)
    };
    let (Some(one), Some(other)) = (read(one), read(other)) else { return };
    let union = one.union(&other);
    assert_eq!(union, other.union(&one));
    assert_eq!(union.len() + one.intersection(&other).len(), one.len() + other.len());
    assert_eq!(one.difference(&other).union(&one.intersection(&other)), one);
    assert!(one.difference(&one).is_empty());
    assert!(union.leaves().len() <= union.len());
}

/// A live object and what is applied to it, both of a built-in kind or of none.
pub fn structured_merge(bytes: &[u8]) {
    let (live, config) = bundle::pair(bytes);
    let (Some(live), Some(config)) = (bundle::json(live), bundle::json(config)) else { return };
    let text = |field: &str| config.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let gvk = GroupVersionKind::new(group, version, kind);
    // A request always says which kind and version it is for.
    if version.is_empty() || kind.is_empty() {
        return;
    }
    let shape = KindTable::built_in().schema(&gvk).map_or_else(Shape::deduced, Shape::of_object);
    walks(&live, &config, shape);
    let versions = OneShape(shape);
    let endpoint =
        Endpoint { gvk: &gvk, versions: &versions, subresource: "", reset: &FieldSet::new(), go_type: false };
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let applier = |manager| Applier { manager, force: Force::Yes };
    let Ok(stored) = endpoint.apply(Some(&live), &config, applier("one"), at(1)) else { return };
    assert!(Managers::of(&stored).is_ok(), "managers that cannot be read back: {stored}");
    // Of an object without owners the next apply says who had it before the first.
    if stored.pointer("/metadata/managedFields").is_none() {
        return;
    }
    let twice = endpoint.apply(Some(&stored), &config, applier("one"), at(2));
    if let Ok(mut twice) = twice {
        apimachinery::smd::managed::keep_times_of_unchanged(&stored, &mut twice);
        assert_eq!(twice, stored, "applying twice is not applying once");
    }
}

fn walks(live: &Value, config: &Value, shape: Shape<'_>) {
    let is_valid = |value: &Value| validate(value, shape, Duplicates::Refused).is_ok();
    let set = to_field_set(config, shape);
    assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()).as_ref().ok(), Some(&set));
    let _ = (extract_items(live, &set, shape), remove_items(live, &set, shape));
    if let Ok(same) = compare(live, live, shape) {
        assert!(same.is_same(), "an object differs from itself");
    }
    if !is_valid(live) || !is_valid(config) {
        return;
    }
    let Ok(merged) = merge(live, config, shape) else { return };
    let again = merge(&merged, config, shape);
    assert_eq!(again.as_ref().ok(), Some(&merged), "merging twice is not merging once");
}

/// A CustomResourceDefinition, and an object of it.
pub fn custom_kind(bytes: &[u8]) {
    let (crd, object) = bundle::pair(bytes);
    let Some(crd) = bundle::json(crd) else { return };
    let Ok(custom) = CustomKind::from_crd(&crd) else { return };
    let table = KindTable::built_in().with_crd(&crd);
    assert!(table.is_ok(), "a kind that can be read cannot be added");
    let table = table.unwrap();
    let Some(object) = bundle::json(object) else { return };
    for resource in custom.resources() {
        if let Some(schema) = resource.schema() {
            let shape = Shape::of_object(schema);
            let _ = (validate(&object, shape, Duplicates::Refused), to_field_set(&object, shape));
        }
    }
    let normal = apimachinery::normal::normal_form(&object, &table);
    assert_eq!(
        apimachinery::normal::normal_form(&normal, &table),
        normal,
        "the normal form of a normal form differs"
    );
}
