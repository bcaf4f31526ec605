use apimachinery::schema::Schema;
use serde_json::{Value, json};

use super::check as check_rules;

/// What the rules of a schema say, `PATH: MESSAGE`.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tables of literals read better")]
fn check(schema: Value, new: Value, old: Option<Value>, expected: &[&str]) {
    let errors = check_rules(&Schema::from_crd(&schema), &new, old.as_ref());
    let seen: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(seen, expected);
}

/// An object schema with a `spec` that has these fields and one rule.
fn spec(properties: &Value, rule: &Value) -> Value {
    json!({"type": "object", "properties": {"spec": {
        "type": "object", "properties": properties, "x-kubernetes-validations": [rule],
    }}})
}

#[test]
fn a_rule_that_does_not_hold_says_its_message() {
    let fields = json!({"size": {"type": "integer"}});
    let rule = json!({"rule": "self.size != 13", "message": "thirteen is unlucky"});
    let object = |size: i64| json!({"spec": {"size": size}});
    check(spec(&fields, &rule), object(12), None, &[]);
    check(spec(&fields, &rule), object(13), None, &["spec: Invalid value: thirteen is unlucky"]);
    let bare = json!({"rule": "self.size < 5"});
    check(spec(&fields, &bare), object(7), None, &["spec: Invalid value: failed rule: self.size < 5"]);
    let computed = json!({"rule": "self.size < 5", "messageExpression": "'size is ' + string(self.size)"});
    check(spec(&fields, &computed), object(7), None, &["spec: Invalid value: size is 7"]);
    let placed = json!({"rule": "self.size < 5", "message": "no", "fieldPath": ".size", "reason": "FieldValueForbidden"});
    check(spec(&fields, &placed), object(7), None, &["spec.size: Forbidden: no"]);
}

#[test]
fn an_absent_field_is_an_error_unless_it_is_asked_for() {
    let fields = json!({"a": {"type": "string"}, "a-b": {"type": "string"}});
    let careless = json!({"rule": "self.a == 'x'"});
    check(
        spec(&fields, &careless),
        json!({"spec": {}}),
        None,
        &["spec: Invalid value: no such key: a evaluating rule: self.a == 'x'"],
    );
    let careful = json!({"rule": "!has(self.a) || self.a == 'x'"});
    check(spec(&fields, &careful), json!({"spec": {}}), None, &[]);
    let escaped = json!({"rule": "self.a__dash__b == 'y'", "message": "no"});
    check(spec(&fields, &escaped), json!({"spec": {"a-b": "y"}}), None, &[]);
}

#[test]
fn a_rule_about_a_change_waits_for_one() {
    let fields = json!({"class": {"type": "string", "x-kubernetes-validations": [
        {"rule": "self == oldSelf", "message": "is immutable"},
    ]}});
    let schema = spec(&fields, &json!({"rule": "true"}));
    let object = |class: &str| json!({"spec": {"class": class}});
    check(schema.clone(), object("a"), None, &[]);
    check(schema.clone(), object("a"), Some(json!({"spec": {}})), &[]);
    check(schema.clone(), object("a"), Some(object("a")), &[]);
    check(schema, object("b"), Some(object("a")), &["spec.class: Invalid value: \"b\": is immutable"]);
    let optional = json!({"rule": "!oldSelf.hasValue() || self.class == oldSelf.value().class", "message": "no", "optionalOldSelf": true});
    let schema = spec(&json!({"class": {"type": "string"}}), &optional);
    check(schema.clone(), object("a"), None, &[]);
    check(schema, object("b"), Some(object("a")), &["spec: Invalid value: no"]);
}

#[test]
fn items_of_a_keyed_list_are_compared_by_their_key() {
    let item = json!({
        "type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.port == oldSelf.port", "message": "port is fixed"}],
    });
    let list = json!({"l": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item}});
    let schema = spec(&list, &json!({"rule": "self.l.all(a, self.l.exists_one(b, a.name == b.name))"}));
    let object = |ports: [i64; 2]| json!({"spec": {"l": [{"name": "a", "port": ports[0]}, {"name": "b", "port": ports[1]}]}});
    let swapped = json!({"spec": {"l": [{"name": "b", "port": 2}, {"name": "a", "port": 1}]}});
    check(schema.clone(), object([1, 2]), Some(swapped), &[]);
    check(schema, object([1, 3]), Some(object([1, 2])), &["spec.l[1]: Invalid value: port is fixed"]);
}

#[test]
fn the_root_shows_the_name_of_the_object() {
    let schema = json!({"type": "object", "properties": {}, "x-kubernetes-validations": [
        {"rule": "self.metadata.name.startsWith('a')", "message": "must begin with a"},
    ]});
    check(schema.clone(), json!({"metadata": {"name": "ab"}}), None, &[]);
    check(schema, json!({"metadata": {"name": "b"}}), None, &["<nil>: Invalid value: must begin with a"]);
}

#[test]
fn rules_like_those_of_the_gateway_api_run() {
    let fields = json!({
        "type": {"type": "string"}, "value": {"type": "string"},
        "path": {"type": "object", "properties": {"a": {"type": "string"}}},
        "filters": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}}}},
    });
    let rules = [
        ("self.type in ['Exact','PathPrefix'] ? self.value.startsWith('/') : true", true),
        ("self.value.matches(r\"\"\"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$\"\"\")", true),
        ("self.filters.filter(f, f.type == 'A').size() <= 1", false),
        ("!(has(self.path) && self.type != 'Exact')", true),
        ("self.filters.exists(f, f.type == 'B') && (size(self.filters) > 1)", false),
        ("self.type == 'Exact' ? has(self.value) : !has(self.value)", true),
    ];
    for (rule, holds) in rules {
        let object = json!({"spec": {"type": "Exact", "value": "/a", "path": {}, "filters": [{"type": "A"}, {"type": "A"}]}});
        let expected = format!("spec: Invalid value: failed rule: {rule}");
        let expected: &[&str] = if holds { &[] } else { &[&expected] };
        check(spec(&fields, &json!({"rule": rule})), object, None, expected);
    }
}

#[test]
fn what_the_engine_does_not_know_is_not_enforced_and_what_is_too_dear_is_refused() {
    let fields = json!({"q": {"type": "string"}, "l": {"type": "array", "items": {"type": "integer"}}});
    let unknown = json!({"rule": "quantity(self.q).isGreaterThan(quantity('1'))"});
    check(spec(&fields, &unknown), json!({"spec": {"q": "0"}}), None, &[]);
    check(spec(&fields, &json!({"rule": "self.("})), json!({"spec": {"q": "0"}}), None, &[]);
    let dear = json!({"rule": "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))"});
    let many: Vec<i64> = (0..200).collect();
    check(
        spec(&fields, &dear),
        json!({"spec": {"l": many}}),
        None,
        &[
            "spec: Invalid value: validation failed due to running out of cost budget, no further validation rules will be run",
        ],
    );
}
