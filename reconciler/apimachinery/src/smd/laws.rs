//! Laws of field sets and of server-side apply, on random schemas and objects.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{any_fields, any_json, object_schema, schema_and_objects};
use super::typed::{compare, extract_items, merge, remove_items, to_field_set, validate, with_named_fields};
use super::{
    Applier, Duplicates, Endpoint, FieldPath, FieldSet, Force, ManagerId, Managers, OneShape, Shape,
    WriteError,
};
use crate::schema::Schema;
use crate::{GroupVersionKind, Timestamp};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Applies as a manager; returns what the server would store.
fn apply(
    schema: &Schema,
    live: Option<&Value>,
    config: &Value,
    (manager, force, second): (&str, Force, i64),
) -> Result<Value, WriteError> {
    let gvk = GroupVersionKind::new("g", "v1", "K");
    let versions = OneShape(Shape::of_object(schema));
    let endpoint =
        Endpoint { gvk: &gvk, versions: &versions, subresource: "", reset: &FieldSet::new(), go_type: false };
    endpoint.apply(live, config, Applier { manager, force }, at(second))
}

/// What a manager owns of an object, with the identity that nobody owns.
fn owned(schema: &Schema, object: &Value, manager: &str) -> Value {
    let managers = Managers::of(object).unwrap();
    let fields = managers.get(&ManagerId::applier(manager, "")).map(|m| m.fields.clone()).unwrap_or_default();
    let mut owned = extract_items(object, &fields, Shape::of_object(schema));
    for field in ["apiVersion", "kind"] {
        owned[field] = object[field].clone();
    }
    owned["metadata"] = json!({"name": object["metadata"]["name"]});
    owned
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn fields_v1_come_back(set in any_fields()) {
        prop_assert_eq!(&FieldSet::from_fields_v1(&set.to_fields_v1()).unwrap(), &set);
        let text: Value = serde_json::from_str(&set.to_fields_v1_json()).unwrap();
        prop_assert_eq!(&text, &set.to_fields_v1());
        prop_assert_eq!(set.paths().into_iter().collect::<FieldSet>(), set);
    }

    #[test]
    fn the_algebra_is_that_of_sets_of_paths(a in any_fields(), b in any_fields()) {
        let paths = |set: &FieldSet| set.paths().into_iter().collect::<BTreeSet<FieldPath>>();
        let (left, right) = (paths(&a), paths(&b));
        prop_assert_eq!(paths(&a.union(&b)), left.union(&right).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(paths(&a.intersection(&b)), left.intersection(&right).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(paths(&a.difference(&b)), left.difference(&right).cloned().collect::<BTreeSet<_>>());
        let under = |path: &FieldPath| right.iter().any(|above| path.0.starts_with(&above.0));
        prop_assert_eq!(paths(&a.recursive_difference(&b)), left.iter().filter(|p| !under(p)).cloned().collect::<BTreeSet<_>>());
        let has_below = |path: &FieldPath| left.iter().any(|p| p.0.len() > path.0.len() && p.0.starts_with(&path.0));
        prop_assert_eq!(paths(&a.leaves()), left.iter().filter(|p| !has_below(p)).cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(a.len(), left.len());
        prop_assert!(left.iter().all(|path| a.contains(&path.0)));
    }

    #[test]
    fn what_was_applied_is_what_is_owned((schema, config, _) in schema_and_objects()) {
        let stored = apply(&schema, None, &config, ("one", Force::No, 1)).unwrap();
        prop_assert_eq!(owned(&schema, &stored, "one"), config);
    }

    #[test]
    fn what_was_applied_last_is_what_is_owned((schema, first, second) in schema_and_objects()) {
        let stored = apply(&schema, None, &first, ("one", Force::No, 1)).unwrap();
        let stored = apply(&schema, Some(&stored), &second, ("one", Force::No, 2)).unwrap();
        // Items that stay keep their order in the object, so lists are compared as sets; a map that lost all its entries is null.
        prop_assert_eq!(unordered(owned(&schema, &stored, "one")), unordered(second.clone()));
        // And nothing else is left of the first configuration.
        let mut bare = stored.clone();
        Managers::default().write_into(&mut bare);
        prop_assert_eq!(unordered(bare), unordered(second));
    }

    #[test]
    fn to_apply_twice_is_to_apply_once((schema, live, config) in schema_and_objects()) {
        let stored = apply(&schema, None, &live, ("other", Force::No, 1)).unwrap();
        let once = apply(&schema, Some(&stored), &config, ("one", Force::Yes, 2)).unwrap();
        let twice = apply(&schema, Some(&once), &config, ("one", Force::No, 3)).unwrap();
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn managers_conflict_exactly_on_shared_leaves_that_differ((schema, first, second) in schema_and_objects()) {
        let shape = Shape::of_object(&schema);
        let stored = apply(&schema, None, &first, ("one", Force::No, 1)).unwrap();
        let shared = to_field_set(&first, shape).leaves().intersection(&to_field_set(&second, shape).leaves());
        let only = |path: &FieldPath| -> FieldSet { [path.clone()].into_iter().collect() };
        let differ: BTreeSet<FieldPath> = shared
            .paths()
            .into_iter()
            .filter(|path| extract_items(&first, &only(path), shape) != extract_items(&second, &only(path), shape))
            .collect();
        let conflicts: BTreeSet<FieldPath> = match apply(&schema, Some(&stored), &second, ("two", Force::No, 2)) {
            Ok(_) => BTreeSet::new(),
            Err(WriteError::Conflicts(conflicts)) => conflicts.iter().map(|c| c.path.clone()).collect(),
            Err(other) => panic!("{other}"),
        };
        prop_assert_eq!(conflicts, differ);
    }

    #[test]
    fn the_field_set_of_an_object_covers_it((schema, object, _) in schema_and_objects()) {
        let shape = Shape::of_object(&schema);
        let all = to_field_set(&object, shape);
        prop_assert_eq!(extract_items(&object, &all, shape), object.clone());
        let left = remove_items(&object, &with_named_fields(&all, shape), shape);
        prop_assert_eq!(left, Value::Null);
        prop_assert!(compare(&object, &object, shape).unwrap().is_same());
        prop_assert_eq!(merge(&object, &object, shape).unwrap(), object);
    }

    #[test]
    fn a_comparison_leads_from_one_object_to_the_other((schema, old, new) in schema_and_objects()) {
        let shape = Shape::of_object(&schema);
        let there = compare(&old, &new, shape).unwrap();
        let back = compare(&new, &old, shape).unwrap();
        prop_assert_eq!((&there.added, &there.removed, &there.modified), (&back.removed, &back.added, &back.modified));
        prop_assert!(!there.is_same() || unordered(old.clone()) == unordered(new.clone()));
        prop_assert!(there.is_same() || old != new);
    }

    /// Nothing panics, whatever comes in.
    #[test]
    fn every_walk_takes_every_value(schema in object_schema(), a in any_json(), b in any_json(), set in any_fields()) {
        for shape in [Shape::of_object(&schema), Shape::deduced()] {
            let _ = validate(&a, shape, Duplicates::Refused);
            let _ = compare(&a, &b, shape);
            let _ = merge(&a, &b, shape);
            let _ = extract_items(&a, &set, shape);
            let _ = remove_items(&a, &set, shape);
            let _ = to_field_set(&a, shape);
            let _ = super::typed::reconcile(&set, shape);
        }
        let _ = FieldSet::from_fields_v1(&a);
        let _ = Managers::parse(&a);
    }
}

/// With all lists sorted, and null as the empty map.
fn unordered(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(unordered).collect();
            items.sort_by(super::order::compare);
            Value::Array(items)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, unordered(value))).collect(),
        Value::Null => json!({}),
        scalar => scalar,
    }
}
