use serde_json::{Value, json};

use crate::schema::Schema;

#[track_caller]
fn check(schema: &Value, value: &Value, expected: &[&str]) {
    let schema = Schema::parse(&json!({"type": "object", "properties": {"spec": schema}}));
    let errors: Vec<String> =
        schema.validate(&json!({"spec": value})).iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

#[test]
fn types_are_checked() {
    let number = json!({"type": "integer"});
    check(&number, &json!(1), &[]);
    check(&number, &json!(1.0), &[]);
    check(
        &number,
        &json!(1.5),
        &["spec: Invalid value: \"number\": spec in body must be of type integer: \"number\""],
    );
    check(
        &number,
        &json!("1"),
        &["spec: Invalid value: \"string\": spec in body must be of type integer: \"string\""],
    );
    check(
        &number,
        &Value::Null,
        &["spec: Invalid value: \"null\": spec in body must be of type integer: \"null\""],
    );
    check(&json!({"type": "integer", "nullable": true}), &Value::Null, &[]);
    check(&json!({"type": "number"}), &json!(1), &[]);
    check(&json!({}), &json!({"any": [1]}), &[]);
    let either = json!({"x-kubernetes-int-or-string": true});
    check(&either, &json!(1), &[]);
    check(&either, &json!("50%"), &[]);
    check(
        &either,
        &json!(true),
        &["spec: Invalid value: \"boolean\": spec in body must be of type integer,string: \"boolean\""],
    );
}

#[test]
fn texts_are_checked() {
    check(
        &json!({"type": "string", "pattern": "^a+$"}),
        &json!("b"),
        &["spec: Invalid value: \"b\": spec in body should match '^a+$'"],
    );
    check(
        &json!({"type": "string", "minLength": 2}),
        &json!("é"),
        &["spec: Invalid value: \"é\": spec in body should be at least 2 chars long"],
    );
    check(
        &json!({"type": "string", "maxLength": 2}),
        &json!("abc"),
        &["spec: Too long: may not be more than 2 bytes"],
    );
    check(
        &json!({"type": "string", "enum": ["A", "B"]}),
        &json!("c"),
        &["spec: Unsupported value: \"c\": supported values: \"A\", \"B\""],
    );
    check(
        &json!({"type": "string", "format": "date-time"}),
        &json!("yesterday"),
        &["spec: Invalid value: \"yesterday\": spec in body must be of type date-time: \"yesterday\""],
    );
    check(&json!({"type": "string", "format": "no-such-format"}), &json!("x"), &[]);
}

#[test]
fn numbers_are_checked() {
    let schema = json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 10, "multipleOf": 2});
    check(&schema, &json!(2), &[]);
    check(&schema, &json!(0), &["spec: Invalid value: 0: spec in body should be greater than or equal to 1"]);
    check(&schema, &json!(12), &["spec: Invalid value: 12: spec in body should be less than or equal to 10"]);
    check(&schema, &json!(3), &["spec: Invalid value: 3: spec in body should be a multiple of 2"]);
    check(
        &json!({"type": "number", "maximum": 1.5, "exclusiveMaximum": true}),
        &json!(1.5),
        &["spec: Invalid value: 1.5: spec in body should be less than 1.5"],
    );
}

#[test]
fn lists_and_objects_are_checked() {
    let list = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}});
    check(&list, &json!([]), &["spec: Invalid value: 0: spec in body should have at least 1 items"]);
    check(&list, &json!([{"a": "x"}, {}]), &["spec[1].a: Required value"]);
    check(
        &list,
        &json!([{"a": "x"}, {"a": "x"}, {"a": "x"}]),
        &["spec: Too many: 3: must have at most 2 items"],
    );
    let map = json!({"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}});
    check(
        &map,
        &json!({"a": "x", "b": 1}),
        &[
            "spec: Too many: 2: must have at most 1 item",
            "spec.b: Invalid value: \"integer\": spec.b in body must be of type string: \"integer\"",
        ],
    );
}

#[test]
fn alternatives_are_checked() {
    let schema = json!({
        "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]
    });
    check(&schema, &json!({"a": "1"}), &[]);
    check(
        &schema,
        &json!({}),
        &[
            "<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found none valid",
            "spec.a: Required value",
        ],
    );
    check(
        &schema,
        &json!({"a": "1", "b": "1"}),
        &[
            "<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
        ],
    );
    check(
        &json!({"type": "integer", "anyOf": [{"minimum": 5}, {"enum": [1]}]}),
        &json!(2),
        &[
            "<nil>: Invalid value: \"\": \"spec\" must validate at least one schema (anyOf)",
            "spec: Invalid value: 2: spec in body should be greater than or equal to 5",
        ],
    );
    check(
        &json!({"type": "integer", "allOf": [{"minimum": 5}, {"maximum": 9}]}),
        &json!(2),
        &[
            "spec: Invalid value: 2: spec in body should be greater than or equal to 5",
            "<nil>: Invalid value: \"\": \"spec\" must validate all the schemas (allOf)",
        ],
    );
    check(
        &json!({"type": "integer", "not": {"enum": [1]}}),
        &json!(1),
        &["<nil>: Invalid value: \"\": \"spec\" must not validate the schema (not)"],
    );
}

#[test]
fn sets_and_keyed_lists_hold_each_key_once() {
    let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
    check(&set, &json!(["a", "b", "a", "a"]), &["spec[2]: Duplicate value: \"a\""]);
    let map = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n", "p"],
        "items": {"type": "object", "properties": {"n": {"type": "string"}, "p": {"type": "integer"}}}});
    check(
        &map,
        &json!([{"n": "a", "p": 1}, {"n": "a", "p": 2}, {"n": "a", "p": 1}]),
        &["spec[2]: Duplicate value: {\"n\":\"a\",\"p\":1}"],
    );
}

#[test]
fn embedded_objects_have_a_kind() {
    let schema = json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true});
    check(&schema, &json!({"apiVersion": "v1", "kind": "Pod"}), &[]);
    check(
        &schema,
        &json!({"kind": ""}),
        &["spec.apiVersion: Required value", "spec.kind: Invalid value: \"\": must not be empty"],
    );
}
