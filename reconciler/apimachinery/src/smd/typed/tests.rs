//! Examples of the walks, in the words of `fieldsV1`.

use serde_json::{Value, json};

use super::*;
use crate::schema::{Additional, Schema, ValueType};
use crate::smd::testing::{
    boolean, deployment, fields, keyed, list, map, number, object, open, set, text, whole, with_default,
};

#[track_caller]
fn check_errors(schema: &Schema, value: Value, expected: &str) {
    let errors = validate(&value, Shape::of_object(schema), Duplicates::Refused).unwrap_err();
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn errors_read_as_the_servers() {
    let schema =
        object([("a", text()), ("b", boolean()), ("n", number()), ("l", list(text())), ("m", map(text()))]);
    check_errors(&schema, json!({"a": 1}), ".a: expected string, got &value.valueUnstructured{Value:1}");
    check_errors(
        &schema,
        json!({"a": {"x": ["y", 1]}}),
        r#".a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"x":[]interface {}{"y", 1}}}"#,
    );
    check_errors(&schema, json!({"b": "yes"}), ".b: expected boolean, got &{yes}");
    check_errors(&schema, json!({"n": "1"}), ".n: expected numeric (int or float), got string");
    check_errors(&schema, json!({"l": {"x": 1}}), ".l: expected list, got &{map[x:1]}");
    check_errors(&schema, json!({"m": ["x"]}), ".m: expected map, got &{[x]}");
    check_errors(&schema, json!({"z": 1}), ".z: field not declared in schema");
    check_errors(&schema, json!([]), "expected map, got &{[]}");
    check_errors(
        &schema,
        json!({"l": ["x", 1], "n": true}),
        "errors:\n  .l[1]: expected string, got &value.valueUnstructured{Value:1}\n  .n: expected numeric (int or float), got bool",
    );
}

#[test]
fn items_must_be_identifiable_and_different() {
    let schema = deployment();
    let pod = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    check_errors(
        &schema,
        pod(json!([{"name": "c", "env": [{"name": "A"}, {"name": "B"}, {"name": "A"}]}])),
        r#".spec.template.spec.containers[name="c"].env: duplicate entries for key [name="A"]"#,
    );
    check_errors(
        &schema,
        pod(
            json!([{"name": "c", "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]}]),
        ),
        r#".spec.template.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]"#,
    );
    check_errors(
        &schema,
        pod(json!([{"image": "i"}])),
        ".spec.template.spec.containers: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have default values for any key fields)",
    );
    check_errors(
        &schema,
        pod(json!([null])),
        ".spec.template.spec.containers: element 0: associative list with keys may not have a null element",
    );
    check_errors(
        &schema,
        pod(json!(["c"])),
        ".spec.template.spec.containers: element 0: associative list with keys may not have non-map elements",
    );
    let sets = object([("s", set(text()))]);
    check_errors(&sets, json!({"s": ["a", "b", "a"]}), r#".s: duplicate entries for key [="a"]"#);
    check_errors(
        &sets,
        json!({"s": [null]}),
        ".s: element 0: associative list without keys has an element that's an explicit null",
    );
}

#[test]
fn an_object_always_has_its_type_and_metadata() {
    let schema = object([("spec", open())]);
    let object = json!({"apiVersion": "g/v1", "kind": "K", "metadata": {
        "name": "x", "labels": {"a": "b"}, "finalizers": ["f"], "ownerReferences": [{"uid": "u", "name": "o"}],
    }});
    assert_eq!(validate(&object, Shape::of_object(&schema), Duplicates::Refused), Ok(()));
    let owned = to_field_set(&object, Shape::of_object(&schema)).to_fields_v1();
    assert_eq!(
        owned["f:metadata"],
        json!({
            "f:name": {}, "f:labels": {"f:a": {}}, "f:finalizers": {"v:\"f\"": {}},
            "f:ownerReferences": {"k:{\"uid\":\"u\"}": {}},
        })
    );
    check_errors(&schema, json!({"metadata": {"nmae": "x"}}), ".metadata.nmae: field not declared in schema");
}

#[test]
fn values_are_hidden_on_demand() {
    let schema = object([("data", map(text()))]);
    let errors = validate(&json!({"data": {"p": 4711}}), Shape::of_object(&schema), Duplicates::Refused);
    assert_eq!(errors.unwrap_err().redacted().to_string(), ".data.p: expected string, got another type");
}

#[track_caller]
fn check_fields(schema: &Schema, value: Value, expected: Value) {
    assert_eq!(to_field_set(&value, Shape::of_value(schema)).to_fields_v1(), expected);
}

#[test]
fn a_field_set_has_leaves_and_items() {
    let schema = deployment();
    check_fields(
        &schema,
        json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {
            "nodeSelector": {"x": "y"},
            "containers": [{"name": "c", "args": ["a", "b"], "env": [], "ports": [{"containerPort": 80}]}],
        }}}}),
        json!({"f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:spec": {
            "f:nodeSelector": {},
            "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:args": {}, "f:ports": {
                "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
            }}},
        }}}}),
    );
    let maps = object([
        ("m", map(map(text()))),
        ("o", object([("x", text())])),
        ("s", set(number())),
        ("t", text()),
    ]);
    check_fields(
        &maps,
        json!({"m": {"a": {"b": "c"}, "d": {}}, "o": {}, "s": [2, 1], "t": null}),
        json!({"f:m": {"f:a": {".": {}, "f:b": {}}, "f:d": {}}, "f:o": {}, "f:s": {"v:1": {}, "v:2": {}}, "f:t": {}}),
    );
}

#[test]
fn of_repeated_items_only_the_item_is_known() {
    let schema = object([("l", keyed(["name"], object([("name", text()), ("v", text())])))]);
    check_fields(
        &schema,
        json!({"l": [{"name": "a", "v": "1"}, {"name": "b", "v": "1"}, {"name": "a", "v": "2"}]}),
        json!({"f:l": {"k:{\"name\":\"a\"}": {}, "k:{\"name\":\"b\"}": {".": {}, "f:name": {}, "f:v": {}}}}),
    );
}

#[test]
fn what_is_not_described_is_deduced_from_the_value() {
    let open = object([("o", open())]);
    check_fields(
        &open,
        json!({"o": {"a": [{"name": "x"}], "m": {"n": 1}}}),
        json!({"f:o": {"f:a": {}, "f:m": {".": {}, "f:n": {}}}}),
    );
    let empty = object([("o", Schema { value_type: ValueType::Object, ..Schema::default() })]);
    check_fields(&empty, json!({"o": {"a": 1}}), json!({"f:o": {"f:a": {}}}));
    let raw = Schema { value_type: ValueType::Object, additional: Additional::Any, ..Schema::default() };
    check_fields(&object([("o", raw)]), json!({"o": {"a": 1}}), json!({"f:o": {}}));
}

#[track_caller]
fn check_compare(schema: &Schema, (old, new): (Value, Value), expected: [Value; 3]) {
    let change = compare(&old, &new, Shape::of_value(schema)).unwrap();
    let found = [change.removed, change.modified, change.added].map(|set| set.to_fields_v1());
    assert_eq!(found, expected, "removed, modified, added");
}

#[test]
fn a_comparison_tells_removed_modified_and_added() {
    let item = object([("name", text()), ("v", text())]);
    let schema = object([
        ("k", keyed(["name"], item)),
        ("l", list(text())),
        ("m", map(text())),
        ("s", set(text())),
        ("w", whole(map(text()))),
        ("o", object([("x", text())])),
    ]);
    check_compare(
        &schema,
        (json!({"m": {"a": "1"}}), json!({"m": {"a": "2"}})),
        [json!({}), json!({"f:m": {"f:a": {}}}), json!({})],
    );
    check_compare(
        &schema,
        (json!({}), json!({"m": {"a": "1"}})),
        [json!({}), json!({}), json!({"f:m": {".": {}, "f:a": {}}})],
    );
    check_compare(
        &schema,
        (json!({"l": ["a", "b"], "w": {"a": "1"}}), json!({"l": ["b", "a"], "w": {"b": "1"}})),
        [json!({}), json!({"f:l": {}, "f:w": {}}), json!({})],
    );
    check_compare(
        &schema,
        (json!({"s": ["a", "b"]}), json!({"s": ["c", "b"]})),
        [json!({"f:s": {"v:\"a\"": {}}}), json!({}), json!({"f:s": {"v:\"c\"": {}}})],
    );
    check_compare(
        &schema,
        (
            json!({"k": [{"name": "a", "v": "1"}, {"name": "b"}]}),
            json!({"k": [{"name": "c"}, {"name": "a", "v": "2"}]}),
        ),
        [
            json!({"f:k": {"k:{\"name\":\"b\"}": {".": {}, "f:name": {}}}}),
            json!({"f:k": {"k:{\"name\":\"a\"}": {"f:v": {}}}}),
            json!({"f:k": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}}}}),
        ],
    );
    check_compare(
        &schema,
        (json!({"o": null}), json!({"o": {}})),
        [json!({}), json!({"f:o": {}}), json!({})],
    );
    check_compare(&schema, (json!({"s": ["a"]}), json!({"s": ["a"]})), [json!({}), json!({}), json!({})]);
}

#[test]
fn repeated_items_are_compared_together() {
    let schema =
        object([("s", set(text())), ("k", keyed(["name"], object([("name", text()), ("v", text())])))]);
    let item = |v: &str| json!({"name": "a", "v": v});
    check_compare(
        &schema,
        (json!({"k": [item("1")]}), json!({"k": [item("1"), item("2")]})),
        [
            json!({"f:k": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:v": {}}}}),
            json!({}),
            json!({"f:k": {"k:{\"name\":\"a\"}": {}}}),
        ],
    );
    check_compare(
        &schema,
        (json!({"k": [item("1"), item("2")]}), json!({"k": [item("1")]})),
        [
            json!({"f:k": {"k:{\"name\":\"a\"}": {}}}),
            json!({}),
            json!({"f:k": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:v": {}}}}),
        ],
    );
    check_compare(
        &schema,
        (json!({"k": [item("1"), item("2")]}), json!({"k": [item("2"), item("1")]})),
        [json!({}), json!({"f:k": {"k:{\"name\":\"a\"}": {}}}), json!({})],
    );
}

#[track_caller]
fn check_merge(schema: &Schema, live: Value, applied: Value, expected: Value) {
    assert_eq!(merge(&live, &applied, Shape::of_value(schema)), Ok(expected));
}

#[test]
fn a_merge_keeps_what_is_live_and_takes_what_is_applied() {
    let schema = object([("m", map(text())), ("l", list(text())), ("w", whole(map(text()))), ("o", open())]);
    check_merge(
        &schema,
        json!({"m": {"a": "1", "b": "1"}, "l": ["x", "y"], "w": {"a": "1"}}),
        json!({"m": {"b": "2", "c": "2"}, "l": ["z"], "w": {"b": "2"}}),
        json!({"m": {"a": "1", "b": "2", "c": "2"}, "l": ["z"], "w": {"b": "2"}}),
    );
    check_merge(&schema, json!({"m": {}}), json!({"m": null}), json!({"m": null}));
    check_merge(&schema, json!({"m": {"a": "1"}}), json!({"m": {}}), json!({"m": {"a": "1"}}));
    check_merge(
        &schema,
        json!({"o": {"x": {"y": 1}}}),
        json!({"o": {"x": "text"}}),
        json!({"o": {"x": "text"}}),
    );
    check_merge(
        &schema,
        json!({"o": {"x": "text"}}),
        json!({"o": {"x": {"y": 1}}}),
        json!({"o": {"x": {"y": 1}}}),
    );
}

#[test]
fn merged_lists_interleave() {
    let schema = object([("s", set(text()))]);
    #[track_caller]
    fn check(schema: &Schema, live: &str, applied: &str, expected: &str) {
        let list = |items: &str| json!({"s": items.split_terminator(',').collect::<Vec<_>>()});
        check_merge(schema, list(live), list(applied), list(expected));
    }
    check(&schema, "a,b,c", "a,b,c", "a,b,c");
    check(&schema, "a,b,c", "c,b,a", "c,b,a");
    check(&schema, "a,b,c", "d", "a,b,c,d");
    check(&schema, "a,b,c", "a,d,c", "a,b,d,c");
    check(&schema, "a,b,c,d", "d,a", "b,c,d,a");
    check(&schema, "", "a,b", "a,b");
    check(&schema, "a,b", "", "a,b");
    check(&schema, "a,b,c,d,e", "b,e,a", "b,c,d,e,a");
}

#[test]
fn keyed_items_merge_by_key_with_its_default() {
    let port = with_default(
        object([("port", number()), ("proto", text()), ("name", text())]),
        "proto",
        json!("TCP"),
    );
    let schema = object([("p", keyed(["port", "proto"], port))]);
    check_merge(
        &schema,
        json!({"p": [{"port": 80, "proto": "TCP", "name": "a"}, {"port": 80, "proto": "UDP"}]}),
        json!({"p": [{"port": 80, "name": "b"}]}),
        json!({"p": [{"port": 80, "proto": "TCP", "name": "b"}, {"port": 80, "proto": "UDP"}]}),
    );
}

#[test]
fn an_applied_item_replaces_repeated_live_ones() {
    let schema = object([("k", keyed(["name"], object([("name", text()), ("v", text()), ("w", text())])))]);
    check_merge(
        &schema,
        json!({"k": [{"name": "a", "v": "1", "w": "1"}, {"name": "a", "v": "2"}, {"name": "b"}]}),
        json!({"k": [{"name": "a", "v": "3"}]}),
        json!({"k": [{"name": "a", "v": "3"}, {"name": "b"}]}),
    );
    let twice = json!({"k": [{"name": "a"}, {"name": "a"}]});
    let errors = merge(&json!({}), &json!({"k": [{"name": "b"}]}), Shape::of_value(&schema));
    assert!(errors.is_ok());
    let errors = merge(&twice, &twice, Shape::of_value(&schema)).unwrap_err();
    assert_eq!(errors.to_string(), r#".k: duplicate entries for key [name="a"]"#);
}

#[track_caller]
fn check_parts(schema: &Schema, value: Value, set: Value, (extracted, left): (Value, Value)) {
    let shape = Shape::of_value(schema);
    assert_eq!(extract_items(&value, &fields(&set), shape), extracted, "extracted");
    assert_eq!(remove_items(&value, &fields(&set), shape), left, "left");
}

#[test]
fn a_set_divides_an_object() {
    let schema = deployment();
    let value = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
        {"name": "c", "image": "i", "args": ["x"], "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}]},
        {"name": "d", "image": "j"},
    ]}}}});
    check_parts(
        &schema,
        value,
        json!({"f:spec": {"f:replicas": {}, "f:gone": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"c\"}": {"f:image": {}, "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {"f:name": {}}}},
            "k:{\"name\":\"e\"}": {".": {}, "f:image": {}},
        }}}}}),
        (
            json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "c", "image": "i", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}]},
            ]}}}}),
            json!({"spec": {"template": {"spec": {"containers": [
                {"name": "c", "args": ["x"], "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                {"name": "d", "image": "j"},
            ]}}}}),
        ),
    );
}

#[test]
fn an_owned_container_without_owned_content_comes_out_empty() {
    let item = object([("name", text()), ("v", text())]);
    let schema = object([
        ("m", map(text())),
        ("k", keyed(["name"], item.clone())),
        ("w", keyed(["name"], whole(item))),
    ]);
    let value = json!({
        "m": {"a": "1"},
        "k": [{"name": "a", "v": "1"}, {"name": "b", "v": "1"}],
        "w": [{"name": "a", "v": "1"}],
    });
    let set = json!({
        "f:m": {},
        "f:k": {"k:{\"name\":\"a\"}": {}},
        "f:w": {"k:{\"name\":\"a\"}": {}},
    });
    let extracted = json!({"m": {}, "k": [{"name": "a"}], "w": [{"name": "a", "v": "1"}]});
    check_parts(&schema, value, set, (extracted, json!({"k": [{"name": "b", "v": "1"}], "w": null})));
}

#[test]
fn repeated_items_are_extracted_together() {
    let schema = object([("k", keyed(["name"], object([("name", text()), ("v", text())])))]);
    let value = json!({"k": [{"name": "a", "v": "1"}, {"name": "b"}, {"name": "a", "v": "2"}]});
    let set = json!({"f:k": {"k:{\"name\":\"a\"}": {}}});
    let extracted = json!({"k": [{"name": "a", "v": "1"}, {"name": "a", "v": "2"}]});
    check_parts(&schema, value, set, (extracted, json!({"k": [{"name": "b"}]})));
}

#[test]
fn named_fields_above_a_member_are_added() {
    let schema = object([("spec", object([("m", map(object([("x", text())])))]))]);
    let set = fields(&json!({"f:spec": {"f:m": {"f:a": {"f:x": {}}}}}));
    assert_eq!(
        with_named_fields(&set, Shape::of_value(&schema)).to_fields_v1(),
        json!({"f:spec": {".": {}, "f:m": {".": {}, "f:a": {"f:x": {}}}}})
    );
}

#[test]
fn ownership_of_parts_becomes_ownership_of_the_whole() {
    let item = object([("name", text())]);
    let schema = object([
        ("w", whole(map(text()))),
        ("l", list(text())),
        ("k", keyed(["name"], whole(item))),
        ("m", map(text())),
    ]);
    let set = fields(&json!({
        "f:w": {"f:a": {}},
        "f:l": {".": {}, "v:\"x\"": {}},
        "f:k": {"k:{\"name\":\"a\"}": {"f:name": {}}},
        "f:m": {"f:a": {}},
        "f:unknown": {"f:a": {}},
    }));
    assert_eq!(
        reconcile(&set, Shape::of_value(&schema)).to_fields_v1(),
        json!({
            "f:w": {}, "f:l": {}, "f:k": {"k:{\"name\":\"a\"}": {}}, "f:m": {"f:a": {}}, "f:unknown": {"f:a": {}},
        })
    );
}
