//! Examples, and the law of the empty patch.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::schema::{Additional, PatchStrategy, Slot, ValueType};

fn text() -> Schema {
    Schema { value_type: ValueType::String, ..Schema::default() }
}

fn object(fields: Vec<(&str, Slot)>) -> Schema {
    let properties = fields.into_iter().map(|(name, slot)| (name.into(), slot)).collect();
    Schema { value_type: ValueType::Object, properties, ..Schema::default() }
}

fn list(items: Schema, patch: PatchStrategy) -> Slot {
    let list = Schema {
        value_type: ValueType::Array,
        items: Some(Box::new(Slot::from(items))),
        ..Schema::default()
    };
    place(list, patch)
}

fn place(schema: Schema, patch: PatchStrategy) -> Slot {
    let mut slot = Slot::from(schema);
    slot.patch = patch;
    slot
}

fn merged_by(key: &str) -> PatchStrategy {
    PatchStrategy { merge: true, key: Some(key.into()), ..PatchStrategy::default() }
}

/// `set` and `plain` hold texts, `items` objects merged by `name` that have the same fields; `labels` is a map, `union` keeps only what is retained, `atom` is
/// replaced.
fn schema() -> Schema {
    let merge = PatchStrategy { merge: true, ..PatchStrategy::default() };
    let inner = object(vec![
        ("name", Slot::from(text())),
        ("set", list(text(), merge.clone())),
        ("items", list(object(vec![("name", Slot::from(text()))]), merged_by("name"))),
    ]);
    let labels = Schema {
        value_type: ValueType::Object,
        additional: Additional::Values(Box::new(Slot::from(text()))),
        ..Schema::default()
    };
    let retain = PatchStrategy { retain_keys: true, ..PatchStrategy::default() };
    let replace = PatchStrategy { replace: true, ..PatchStrategy::default() };
    object(vec![
        ("set", list(text(), merge.clone())),
        ("plain", list(text(), PatchStrategy::default())),
        ("items", list(inner, merged_by("name"))),
        ("keyless", list(object(vec![("name", Slot::from(text()))]), merge)),
        ("labels", Slot::from(labels.clone())),
        ("union", place(labels.clone(), retain)),
        ("atom", place(labels, replace)),
    ])
}

#[track_caller]
fn check(original: Value, patch: Value, expected: Value) {
    assert_eq!(apply(&original, &patch, &schema()), Ok(expected));
}

#[track_caller]
fn check_error(original: Value, patch: Value, expected: &str) {
    assert_eq!(apply(&original, &patch, &schema()).unwrap_err().to_string(), expected);
}

#[test]
fn objects_merge_and_null_removes() {
    check(
        json!({"labels": {"a": "1", "b": "1"}, "x": 1}),
        json!({"labels": {"a": null, "c": "2"}, "x": null, "y": {"z": null, "w": [{"v": null}]}}),
        json!({"labels": {"b": "1", "c": "2"}, "y": {"w": [{}]}}),
    );
    check(json!({"labels": {"a": "1"}}), json!({"labels": {}}), json!({"labels": {"a": "1"}}));
    check(json!({"labels": {"a": "1"}}), json!({"labels": "text"}), json!({"labels": "text"}));
    check(json!({"atom": {"a": "1"}}), json!({"atom": {"b": "1"}}), json!({"atom": {"b": "1"}}));
    check(
        json!({"unknown": {"a": [1]}}),
        json!({"unknown": {"a": [2], "b": 1}}),
        json!({"unknown": {"a": [2], "b": 1}}),
    );
}

#[test]
fn lists_are_replaced_or_merged() {
    check(json!({"plain": ["a", "b"]}), json!({"plain": ["c"]}), json!({"plain": ["c"]}));
    check(json!({"set": ["a", "b"]}), json!({"set": ["c", "a"]}), json!({"set": ["c", "a", "b"]}));
    check(
        json!({"items": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}),
        json!({"items": [{"name": "b", "w": 2}, {"name": "c", "v": 3}]}),
        json!({"items": [{"name": "a", "v": 1}, {"name": "b", "v": 1, "w": 2}, {"name": "c", "v": 3}]}),
    );
    check(json!({}), json!({"items": [{"name": "a"}]}), json!({"items": [{"name": "a"}]}));
    check(json!({"items": []}), json!({"items": []}), json!({"items": []}));
}

#[test]
fn directives_delete_and_replace() {
    check(
        json!({"labels": {"a": "1"}}),
        json!({"labels": {"$patch": "replace", "b": "1"}}),
        json!({"labels": {"b": "1"}}),
    );
    check(json!({"labels": {"a": "1"}}), json!({"labels": {"$patch": "delete"}}), json!({"labels": {}}));
    check(json!({"x": 1}), json!({"$patch": "replace", "y": 1}), json!({"y": 1}));
    check(json!({"x": 1}), json!({"labels": {"$patch": "delete"}}), json!({"x": 1}));
    check(
        json!({"items": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}),
        json!({"items": [{"$patch": "delete", "name": "a"}, {"$patch": "delete", "name": "z"}]}),
        json!({"items": [{"name": "b"}]}),
    );
    check(
        json!({"items": [{"name": "a"}, {"name": "b"}]}),
        json!({"items": [{"name": "c"}, {"$patch": "replace"}, {"name": "a", "v": 1}]}),
        json!({"items": [{"name": "c"}, {"name": "a", "v": 1}]}),
    );
    check(
        json!({}),
        json!({"items": [{"$patch": "delete", "name": "a"}, {"name": "b"}]}),
        json!({"items": [{"name": "b"}]}),
    );
    check(
        json!({"set": ["a", "b", "c"]}),
        json!({"$deleteFromPrimitiveList/set": ["a", "c", "z"], "set": ["d"]}),
        json!({"set": ["d", "b"]}),
    );
    check(json!({}), json!({"$deleteFromPrimitiveList/set": ["a"]}), json!({}));
}

#[test]
fn retained_keys_are_all_that_stays() {
    check(
        json!({"union": {"a": "1", "b": "1"}}),
        json!({"union": {"$retainKeys": ["b", "c"], "c": "2"}}),
        json!({"union": {"b": "1", "c": "2"}}),
    );
    let patch = json!({"union": {"$retainKeys": ["b"], "c": "2"}});
    check_error(json!({"union": {}}), patch, "invalid patch format of retainKeys");
    let patch = json!({"union": {"$retainKeys": "b"}});
    check_error(json!({"union": {}}), patch, "invalid patch format of retainKeys");
}

#[test]
fn an_order_is_followed() {
    check(
        json!({"set": ["a", "b", "c", "live"]}),
        json!({"$setElementOrder/set": ["c", "d", "a"], "set": ["d"]}),
        json!({"set": ["b", "c", "d", "a", "live"]}),
    );
    let items = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Value>();
    check(
        json!({"items": items(&["a", "b", "c"])}),
        json!({"$setElementOrder/items": items(&["c", "a"])}),
        json!({"items": items(&["b", "c", "a"])}),
    );
    check(
        json!({"items": items(&["a", "sidecar"])}),
        json!({"$setElementOrder/items": items(&["b"]), "items": [{"name": "a", "$patch": "delete"}, {"name": "b"}]}),
        json!({"items": items(&["sidecar", "b"])}),
    );
    check(
        json!({}),
        json!({"$setElementOrder/items": items(&["b", "a"]), "items": items(&["b", "a"])}),
        json!({"items": items(&["b", "a"])}),
    );
    check(json!({}), json!({"$setElementOrder/items": items(&["a"])}), json!({}));
    check_error(
        json!({"set": ["a"]}),
        json!({"$setElementOrder/set": ["a", "b"], "set": ["b", "a"]}),
        "The order in patch list:\n[b a]\n doesn't match $setElementOrder list:\n[a b]\n",
    );
}

#[test]
fn errors_read_as_the_servers() {
    check_error(
        json!([]),
        json!({}),
        "json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    check_error(
        json!({"items": [{"name": "a"}]}),
        json!({"items": [{"image": "nginx", "n": null}]}),
        "map: map[image:nginx n:<nil>] does not contain declared merge key: name",
    );
    check_error(
        json!({"labels": {"a": "1"}}),
        json!({"labels": {"$patch": "merge", "b": "2"}}),
        "unknown patch type: merge in map: map[$patch:merge b:2]",
    );
    check_error(
        json!({"items": [{"name": "a"}]}),
        json!({"items": [{"$patch": "merge", "name": "a"}]}),
        "merging lists cannot yet be specified in the patch",
    );
    check_error(
        json!({"keyless": [{"name": "a"}]}),
        json!({"keyless": [{"name": "b"}]}),
        "cannot merge lists without merge key for struct",
    );
    check_error(
        json!({"set": ["a"]}),
        json!({"set": ["b", 1]}),
        "list element types are not identical: [[a] [b 1]]",
    );
    check_error(
        json!({"set": ["a"]}),
        json!({"set": [["b"]]}),
        "list element types are not identical: [[a] [[b]]]",
    );
    check_error(json!({"set": [["a"]]}), json!({"set": []}), "lists of lists are not supported");
    check_error(
        json!({}),
        json!({"$deleteFromPrimitiveList": ["a"]}),
        "invalid patch format of primitive list",
    );
    check_error(
        json!({}),
        json!({"$setElementOrder": ["a"]}),
        "invalid patch format of setElementOrder list",
    );
    check_error(
        json!({}),
        json!({"$setElementOrder/set": {}}),
        "expected a []interface {}, but received a map[string]interface {}",
    );
}

#[test]
fn a_message_can_hide_what_it_shows() {
    let patch = json!({"labels": {"$patch": "x", "password": "hunter2"}});
    let error = apply(&json!({"labels": {}}), &patch, &schema()).unwrap_err();
    assert_eq!(error.status_code(), 500);
    assert_eq!(error.redacted().to_string(), "unknown patch type: x in map: map[...]");
}

fn document() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-c]".prop_map(Value::from)];
    let name = prop_oneof![
        Just("name"),
        Just("set"),
        Just("items"),
        Just("labels"),
        Just("plain"),
        Just("$patch"),
        Just("$retainKeys"),
        Just("$setElementOrder/items"),
        Just("$setElementOrder/set"),
        Just("$deleteFromPrimitiveList/set"),
    ];
    let value = leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    });
    value.prop_filter("object", Value::is_object)
}

proptest! {
    #[test]
    fn an_empty_patch_changes_nothing(original in document()) {
        prop_assert_eq!(apply(&original, &json!({}), &schema()), Ok(original));
    }

    /// Nothing panics, whatever comes in.
    #[test]
    fn every_patch_has_an_answer(original in document(), patch in document()) {
        let _ = apply(&original, &patch, &schema());
    }
}
