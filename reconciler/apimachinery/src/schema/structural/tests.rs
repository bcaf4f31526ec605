use serde_json::{Value, json};

use super::check_structural;
use crate::field_error::FieldPath;

#[track_caller]
fn check(schema: &Value, expected: &[&str]) {
    let errors: Vec<String> =
        check_structural(schema, &FieldPath::new("s"), false).iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

#[track_caller]
fn check_spec(spec: &Value, expected: &[&str]) {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let expected: Vec<String> = expected.iter().map(|e| format!("s.properties[spec]{e}")).collect();
    check(&schema, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_structural_schema_has_no_errors() {
    check_spec(
        &json!({
            "type": "object", "required": ["port"],
            "properties": {
                "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}], "default": 80},
                "quantity": {"x-kubernetes-int-or-string": true, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}]},
                "free": {"x-kubernetes-preserve-unknown-fields": true},
                "hosts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}
            },
            "oneOf": [{"required": ["port"]}, {"properties": {"free": {}}, "required": ["free"]}]
        }),
        &[],
    );
}

#[test]
fn every_node_has_a_type() {
    check(&json!({}), &["s.type: Required value: must not be empty at the root"]);
    check(&json!({"type": "string"}), &["s.type: Invalid value: \"string\": must be object at the root"]);
    check_spec(&json!({}), &[".type: Required value: must not be empty for specified object fields"]);
    check_spec(&json!({"type": "array"}), &[".items: Required value: must be specified"]);
    check_spec(
        &json!({"type": "array", "items": {}}),
        &[".items.type: Required value: must not be empty for specified array items"],
    );
    check_spec(
        &json!({"type": "float"}),
        &[
            ".type: Unsupported value: \"float\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
        ],
    );
}

#[test]
fn constraints_say_nothing_about_structure() {
    check_spec(
        &json!({"type": "object", "allOf": [{"type": "object", "properties": {"a": {"default": 1}}}]}),
        &[
            ".allOf[0].properties[a].default: Forbidden: must be undefined to be structural",
            ".allOf[0].type: Forbidden: must be empty to be structural",
            ".properties[a]: Required value: because it is defined in s.properties[spec].allOf[0].properties[a]",
        ]
        .into_iter()
        .filter(|line| !line.starts_with(".properties"))
        .collect::<Vec<_>>(),
    );
    check(
        &json!({"type": "object", "anyOf": [{"properties": {"a": {"minimum": 1}}}]}),
        &["s.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]"],
    );
}

#[test]
fn what_crds_may_not_say_is_named() {
    check_spec(
        &json!({"type": "object", "$ref": "#/x", "uniqueItems": true, "pattern": "(",
            "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
        &[
            ".$ref: Forbidden: $ref is not supported",
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
            ".pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: regex parse error:\n    (\n    ^\nerror: unclosed group",
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ],
    );
    check_spec(
        &json!({"type": "object", "x-kubernetes-preserve-unknown-fields": false}),
        &[".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
    );
}

#[test]
fn metadata_may_only_restrict_names() {
    let names = json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}});
    check(&json!({"type": "object", "properties": {"metadata": names}}), &[]);
    let labels = json!({"type": "object", "properties": {"labels": {"type": "object"}}});
    check(
        &json!({"type": "object", "properties": {"metadata": labels}}),
        &[
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ],
    );
}

#[test]
fn keyed_lists_need_keys_that_are_always_there() {
    check_spec(
        &json!({"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}),
        &[".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    );
    check_spec(
        &json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
            "items": {"type": "object", "properties": {"n": {"type": "string"}}}}),
        &[
            ".items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ],
    );
    check_spec(
        &json!({"type": "string", "x-kubernetes-list-type": "odd"}),
        &[
            ".type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified",
            ".x-kubernetes-list-type: Unsupported value: \"odd\": supported values: \"atomic\", \"set\", \"map\"",
        ],
    );
}

#[test]
fn defaults_are_values_of_their_schema() {
    check_spec(
        &json!({"type": "object", "properties": {"a": {"type": "string"}}, "default": {"a": 1, "b": 2}}),
        &[
            ".default.a: Invalid value: \"integer\": a in body must be of type string: \"integer\"",
            ".default: Invalid value: {\"a\":1,\"b\":2}: must not have unknown fields",
        ],
    );
}

#[test]
fn rules_are_checked_for_their_form() {
    check_spec(
        &json!({"type": "object", "x-kubernetes-validations": [{"rule": " "}, {"rule": "a\nb"}, {"rule": "a", "reason": "Odd"}]}),
        &[
            ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
            ".x-kubernetes-validations[1].message: Required value: message must be specified if rule contains line breaks",
            ".x-kubernetes-validations[2].reason: Unsupported value: \"Odd\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ],
    );
}

#[test]
fn the_status_subresource_narrows_the_root() {
    let schema = json!({"type": "object", "oneOf": [{"required": ["spec"]}], "properties": {"spec": {"type": "object"}}});
    let errors = check_structural(&schema, &FieldPath::new("s"), true);
    assert!(errors[0].to_string().ends_with(
        "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled"
    ));
}
