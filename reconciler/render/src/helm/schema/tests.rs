//! Schemas with values, and what is said of them.

use std::sync::Arc;

use super::{SchemaError, violations};
use crate::helm::chart::ChartFile;
use crate::helm::value::{Dict, DictKind};
use crate::tree::RepoPath;
use crate::yaml::{Loader, Profile};

fn said(schema: &str, values: &str) -> Result<Vec<String>, SchemaError> {
    let documents = Loader::new(Profile::Kubectl).load("values.yaml", values.as_bytes()).unwrap();
    let file = ChartFile {
        name: "values.schema.json".to_owned(),
        bytes: Arc::from(schema.as_bytes()),
        origin: RepoPath::parse("web/values.schema.json").unwrap(),
        packed: None,
    };
    violations(&file, &Dict::from_document(documents[0].as_map().unwrap(), DictKind::Any))
}

fn check(schema: &str, values: &str, expected: &[&str]) {
    assert_eq!(said(schema, values).unwrap(), expected, "{schema} with {values}");
}

#[test]
fn expressions_of_a_schema_are_those_of_go() {
    fn pattern(pattern: &str, value: &str, fits: bool) {
        let schema = serde_json::json!({"properties": {"pattern": {"pattern": pattern}}});
        let values = serde_json::json!({"pattern": value});
        let expected = format!("at '/pattern': value does not match pattern '{pattern}'");
        let expected: &[&str] = if fits { &[] } else { &[&expected] };
        check(&schema.to_string(), &values.to_string(), expected);
        let schema = serde_json::json!({"patternProperties": {pattern: false}});
        let values = serde_json::json!({value: 1});
        let expected: &[&str] = if fits { &["at '': is not allowed (false schema)"] } else { &[] };
        let location = format!("at '/{value}': is not allowed (false schema)");
        let expected: Vec<&str> = expected.iter().map(|_| location.as_str()).collect();
        check(&schema.to_string(), &values.to_string(), &expected);
    }
    for (expression, fits, not) in [
        (r"^[\w-.]+$", "a-b.c", "a b"),
        ("a{,2}", "a{,2}", "aa"),
        ("{", "x{", "x"),
        (r"^\Qa.b\E$", "a.b", "axb"),
        ("^[&&a]$", "&", "b"),
        (r"^\d+$", "12", "١٢"),
        (r"\bfoo\b", "a foo", "afoo"),
        (r"^\a$", "\u{7}", "a"),
        (r"^\pL+$", "é", "1"),
    ] {
        pattern(expression, fits, true);
        pattern(expression, not, false);
    }
}

#[test]
fn what_go_cannot_compile_is_no_expression_of_a_schema() {
    for wrong in ["a++", "(?x)a", "^(?!x)a", r"\cA"] {
        for schema in [
            serde_json::json!({"properties": {"a": {"pattern": wrong}}}),
            serde_json::json!({"allOf": [{"patternProperties": {wrong: {}}}]}),
        ] {
            let message = said(&schema.to_string(), "a: 1").unwrap_err().to_string();
            assert!(message.contains("is no usable JSON schema: at '/"), "{message}");
            assert!(message.contains(&format!("'{wrong}' is no regular expression of Go")), "{message}");
        }
        let elsewhere = serde_json::json!({
            "default": {"pattern": wrong}, "examples": [{"pattern": wrong}], "x-ui": {"pattern": wrong},
            "properties": {"a": {"enum": [{"pattern": wrong}, 1]}},
        });
        check(&elsewhere.to_string(), "a: 1", &[]);
    }
    let twins = r#"{"patternProperties": {"^\\d$": {"maximum": 1}, "^[0-9]$": {"minimum": 5}}}"#;
    check(twins, "'3': 3", &["at '/3': must be <= 1", "at '/3': must be >= 5"]);
}

#[test]
fn multiples_are_exact() {
    let cents = r#"{"properties": {"a": {"multipleOf": 0.01}, "b": {"multipleOf": 0.1}}}"#;
    check(cents, "{a: 19.99, b: 0.3}", &[]);
    check(cents, "{a: 19.999, b: 3}", &["at '/a': must be a multiple of 0.01"]);
    let either = r#"{"properties": {"a": {"anyOf": [{"type": "string"}, {"multipleOf": 0.1}]}}}"#;
    check(either, "a: 0.3", &[]);
    let one = r#"{"properties": {"a": {"oneOf": [{"multipleOf": 0.1}, {"type": "string"}]}}}"#;
    check(one, "a: 0.3", &[]);
    let items = r#"{"properties": {"a": {"contains": {"multipleOf": 0.1}}}}"#;
    check(items, "a: [0.3]", &[]);
}

#[test]
fn findings_say_which_keyword_asks() {
    check(
        r#"{"properties": {"t": {"contains": {"const": 5}}}}"#,
        "t: [1, 2]",
        &["at '/t': no item matches what `contains` asks"],
    );
    check(
        r#"{"properties": {"t": {"contains": {"const": 5}, "minContains": 2}}}"#,
        "t: [1, 5]",
        &["at '/t': 1 items match what `contains` asks, at least 2 must"],
    );
    check(
        r#"{"properties": {"pp": {"propertyNames": {"pattern": "^\\w$", "maxLength": 3}}, "q": {"propertyNames": false}}}"#,
        "{pp: {B-: 1, b: 1, long: 2}, q: {z: 1}}",
        &[
            "at '/pp': the name 'B-' does not match pattern '^\\w$'",
            "at '/pp': the name 'long': length must be <=3, but got 4, and does not match pattern '^\\w$'",
            "at '/q': the name 'z' is not allowed (false schema)",
        ],
    );
    check(
        r##"{"definitions": {"n": {"propertyNames": {"maxLength": 1}}}, "properties": {"a": {"$ref": "#/definitions/n"}}}"##,
        "a: {bb: 1}",
        &["at '': the name 'bb' of a map of #/definitions/n: length must be <=1, but got 2"],
    );
    check(
        r#"{"properties": {"x": {"anyOf": [{"type": "string"}, {"properties": {"v": {"type": "integer"}}, "required": ["z"]}]}}}"#,
        "x: {v: a}",
        &[
            "at '/x': matches none of 2 alternatives of anyOf: want string, but got object; missing properties 'z', and at '/v': want integer, but got string",
        ],
    );
    check(
        r#"{"properties": {"x": {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "w": {"oneOf": [{}, {}]}, "z": {"not": {}}}}"#,
        "{x: true, w: 1, z: 1}",
        &[
            "at '/w': matches the alternatives 0 and 1 of oneOf, exactly one is allowed",
            "at '/x': matches none of 2 alternatives of oneOf: want string, but got boolean; want integer, but got boolean",
            "at '/z': matches what `not` forbids",
        ],
    );
}
