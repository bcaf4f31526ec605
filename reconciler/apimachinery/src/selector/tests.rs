use proptest::prelude::*;
use serde_json::json;

use super::*;

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

#[track_caller]
fn check_text(text: &str, expected: &str) {
    assert_eq!(
        Selector::parse(text).map(|s| s.to_string()).map_err(|e| e.to_string()),
        Ok(expected.to_owned())
    );
}

#[test]
fn texts_parse_and_print_as_upstream() {
    check_text("", "");
    check_text("x=a", "x=a");
    check_text("x==a,y!=b", "x=a,y!=b");
    check_text("z, y in (b,a,a) ,x", "x,y in (a,b),z");
    check_text("!x", "!x");
    check_text("x notin ()", "x notin ()");
    check_text("x in (foo,,baz)", "x in (,baz,foo)");
    check_text("x in (,)", "x in ()");
    check_text("x=,y", "x=,y");
    check_text("in in (in,notin)", "in in (in,notin)");
    check_text("x>5,y<3", "x>5,y<3");
    check_text(" a.example.com/b = c ", "a.example.com/b=c");
}

#[test]
fn texts_that_are_no_selector_say_why() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Selector::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    check(",", "found ',', expected: !, identifier, or 'end of string'");
    check("x=a,", "found '', expected: identifier after ','");
    check("x=a b", "found 'b', expected: ',' or 'end of string'");
    check("x in a", "unable to parse requirement: found 'a' expected: '('");
    check("x in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'");
    check("x a", "unable to parse requirement: found 'a', expected: in, notin, =, ==, !=, gt, lt");
    check("!!x", "unable to parse requirement: found '!', expected: identifier");
    check(
        "x>a",
        "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer",
    );
    assert!(
        Selector::parse("-x")
            .unwrap_err()
            .to_string()
            .starts_with("unable to parse requirement: <nil>: Invalid value: \"-x\": name part")
    );
}

#[test]
fn matching_follows_the_operators() {
    #[track_caller]
    fn check(text: &str, given: &str, expected: bool) {
        assert_eq!(Selector::parse(text).unwrap().matches(&labels(given)), expected, "{text} on {given}");
    }
    check("", "", true);
    check("x=y", "x=y,a=b", true);
    check("x=y", "x=z", false);
    check("x=y", "", false);
    check("x!=y", "", true);
    check("x!=y", "x=y", false);
    check("x in (a,b)", "x=b", true);
    check("x notin (a,b)", "x=b", false);
    check("x notin (a,b)", "", true);
    check("x", "x=", true);
    check("!x", "x=", false);
    check("x>5", "x=6", true);
    check("x>5", "x=five", false);
    check("x<5", "", false);
    check("x=y,!z", "x=y,z=1", false);
}

#[test]
fn label_selectors_are_read() {
    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(Selector::from_label_selector(value).unwrap().to_string(), expected);
    }
    check(&json!({}), "");
    check(&json!({"matchLabels": null, "matchExpressions": []}), "");
    check(
        &json!({"matchLabels": {"b": "1"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "c", "operator": "DoesNotExist"}]}),
        "a in (x,y),b=1,!c",
    );
    assert!(Selector::from_label_selector(&Value::Null).unwrap().is_nothing());
    assert!(!Selector::from_label_selector(&Value::Null).unwrap().matches(&BTreeMap::new()));
    assert!(Selector::from_label_selector(&json!({})).unwrap().is_everything());
}

#[test]
fn label_selectors_that_are_not_valid_say_why() {
    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(Selector::from_label_selector(value).unwrap_err().to_string(), expected);
    }
    check(
        &json!({"matchExpressions": [{"key": "a", "operator": "Equals"}]}),
        "\"Equals\" is not a valid label selector operator",
    );
    check(
        &json!({"matchExpressions": [{"key": "a", "operator": "In"}]}),
        "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
    );
    check(&json!({"matchLabels": ["a"]}), "not a label selector: matchLabels is not an object");
    check(&json!("a=b"), "not a label selector: it is not an object");
}

#[test]
fn an_api_server_names_every_fault_with_its_path() {
    let value = json!({"matchExpressions": [
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "Exists", "values": ["x"]},
        {"key": "a", "operator": "Is"},
    ]});
    let errors: Vec<String> = validate_label_selector(&value, &FieldPath::new("spec.selector"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            "spec.selector.matchExpressions[2].operator: Invalid value: \"Is\": not a valid selector operator",
        ]
    );
    assert!(
        validate_label_selector(&json!({"matchLabels": {"a": "b c"}}), &FieldPath::new("s"))[0]
            .to_string()
            .starts_with("s.matchLabels: Invalid value: \"b c\": a valid label must be")
    );
}

#[test]
fn an_index_finds_the_values_that_are_required() {
    let selector = Selector::parse("a=1,b in (2,3),c!=4").unwrap();
    let required: Vec<_> = selector.requirements().iter().map(Requirement::required_values).collect();
    assert_eq!(required[0], Some(&["1".to_owned()][..]));
    assert_eq!(required[1].map(<[String]>::len), Some(2));
    assert_eq!(required[2], None);
    assert_eq!((selector.required_value("a"), selector.required_value("b")), (Some("1"), None));
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let operators = prop::sample::select(vec![
        Operator::Equals,
        Operator::NotEquals,
        Operator::In,
        Operator::NotIn,
        Operator::Exists,
        Operator::DoesNotExist,
        Operator::GreaterThan,
        Operator::LessThan,
    ]);
    let values = prop::collection::vec("([a-z0-9]([a-z.]{0,3}[a-z])?)?", 1..4);
    ("([a-z]{1,4}\\.io/)?[a-z]{1,6}", operators, values, 0..100_i64).prop_map(
        |(key, operator, values, number)| {
            let values = match operator {
                Operator::Equals | Operator::NotEquals => values.into_iter().take(1).collect(),
                Operator::Exists | Operator::DoesNotExist => Vec::new(),
                Operator::GreaterThan | Operator::LessThan => vec![number.to_string()],
                Operator::In | Operator::NotIn => values,
            };
            Requirement::new(&key, operator, values).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_parses_back(requirements in prop::collection::vec(requirement(), 0..6)) {
        let selector = Selector::new(requirements);
        prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
    }

    #[test]
    fn any_text_is_a_selector_or_an_error(text in "[a-c=!<>(), innot./-]{0,24}") {
        if let Ok(selector) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
        }
    }
}
