use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What `k8s.io/client-go/util/jsonpath` v0.35.4 made of `document.json`: template, outcome, and outcome with missing keys as errors where it is another.
#[test]
fn templates_give_what_client_go_gives() {
    let document: Value = serde_json::from_str(include_str!("golden/document.json")).unwrap();
    let outcome = |path: Result<JsonPath, JsonPathError>| match path.and_then(|path| path.render(&document)) {
        Ok(text) => format!("OK {}", text.replace('\n', "\\N")),
        Err(error) => format!("ERROR {error}"),
    };
    let mut differing = Vec::new();
    for line in include_str!("golden/results.txt").lines() {
        let (template, outcomes) = line.split_once('\t').unwrap();
        // A result may hold a tab; a second column begins with its verdict.
        let split = outcomes.find("\tERROR ");
        let (lenient, strict) =
            split.map_or((outcomes, outcomes), |at| (&outcomes[..at], &outcomes[at + 1..]));
        for (path, expected) in [
            (JsonPath::parse(template), lenient),
            (JsonPath::parse(template).map(JsonPath::requiring_keys), strict),
        ] {
            let found = outcome(path);
            if found != expected {
                differing.push(format!("{template}: {found} instead of {expected}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_differs_from_client_go_on_purpose() {
    #[track_caller]
    fn check(template: &str, expected: &str) {
        let document = json!({"b": "2", "a": ["1", {"c": 3}], "s": "secret"});
        let found = JsonPath::parse(template).and_then(|path| path.render(&document));
        assert_eq!(found.unwrap_or_else(|error| error.to_string()), expected, "{template}");
    }
    check("{.*}", r#"["1",{"c":3}] 2 secret"#);
    check("{.a..}", r#"["1",{"c":3}] 1 {"c":3}"#);
    check("{range .a[*]}{.c}", "unclosed range, {end} is missing");
    check("{.s[?(@.x)]}", "string is not array or slice and cannot be filtered");
}

#[test]
fn kubectl_spells_one_path_in_many_ways() {
    let document = json!({"a": {"b": "x"}});
    for path in ["a.b", ".a.b", "{a.b}", "{.a.b}"] {
        assert_eq!(JsonPath::parse_relaxed(path).unwrap().render(&document).unwrap(), "x", "{path}");
    }
    for path in ["", "{", "{}", "{.a}{.b}"] {
        assert!(JsonPath::parse_relaxed(path).is_err(), "{path}");
    }
}

#[test]
fn values_keep_their_types() {
    let document = json!({"l": [1, "x", null, {"k": true}]});
    let path = JsonPath::parse("{.l[*]}").unwrap();
    let values: Vec<Value> = path.values(&document).unwrap().into_iter().map(Cow::into_owned).collect();
    assert_eq!(Value::Array(values), document["l"]);
}

#[test]
fn what_is_too_much_is_refused() {
    assert_eq!(JsonPath::parse(&"x".repeat(MAX_TEMPLATE + 1)), Err(JsonPathError::TooLarge));
    let nested = format!("{{{}@{}}}", "[?(".repeat(40), ")]".repeat(40));
    assert!(JsonPath::parse(&nested).is_err());
    let deep = (0..30).fold(json!(1), |inner, _| json!({"b": inner}));
    let doubling = format!("{{{}}}", "['b','b']".repeat(30));
    assert_eq!(JsonPath::parse(&doubling).unwrap().find(&deep), Err(JsonPathError::TooMany));
}

proptest! {
    #[test]
    fn any_text_is_a_template_or_an_error(template in "[a-c{}\\[\\].?()@=\"'*:,0-2 range-]{0,32}") {
        if let Ok(path) = JsonPath::parse(&template) {
            let _ = path.render(&json!({"a": {"b": [1, {"c": "x"}]}, "b": [[]], "c": null}));
        }
    }
}
