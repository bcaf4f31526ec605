use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(Quantity::parse(text).map(|q| q.canonical()), Ok(expected.to_owned()), "{text}");
}

/// The right column is what `resource.Quantity` of k8s.io/apimachinery v0.35.4 printed.
#[test]
fn quantities_print_as_upstream_prints_them() {
    for line in "
        0 0 | 1 1 | 1000 1k | 1k 1k | 2000m 2 | 1024Mi 1Gi | 1.5Gi 1536Mi | 0.5 500m | 100e-3 100e-3 | 2.50 2500m
        0.1Gi 107374182400m | 1e3 1e3 | 1E3 1E3 | 12e-1 1200e-3 | 3.2e3 3200 | 1e-9 1e-9 | 1e-10 1e-9 | 1e30 1e30
        9Ei 9223372036854775807 | 8Ei 9223372036854775807 | 0.0000000001 1n | -0.0000000001 -1n | 512Mi 512Mi
        1023 1023 | 1023Ki 1023Ki | 1536 1536 | 1536Ki 1536Ki | 0.5Ki 512 | 100Ki 100Ki | 0.0001Ki 102400u
        1.0000000001Gi 1073741824107374183n | 999999999999999999 999999999999999999 | -1.5Gi -1536Mi
        9999999999999999999999 9999999999999999999999 | 1000000 1M | 1500000 1500k | 4096 4096 | 4Gi 4Gi
        0.3Gi 322122547200m | .5 500m | 1000m 1 | 1001m 1001m | 100m 100m | 1e100 10e99
    "
    .split(['|', '\n'])
    .map(str::trim)
    .filter(|line| !line.is_empty())
    {
        let (text, expected) = line.split_once(' ').unwrap();
        check(text, expected);
    }
}

#[test]
fn quirks_of_upstream_are_kept() {
    check("1.500", "1.500");
    check("+1Ki", "+1Ki");
    check("01Mi", "01Mi");
    check("5.", "5.");
    check(".", "0");
    check("m", "0");
    check("-0", "0");
    check("0Mi", "0");
}

#[test]
fn what_is_no_quantity_says_why() {
    #[track_caller]
    fn check(text: &str, expected: QuantityError) {
        assert_eq!(Quantity::parse(text).unwrap_err(), expected, "{text}");
    }
    check("", QuantityError::Format);
    check("abc", QuantityError::Format);
    check("1,5", QuantityError::Format);
    check("1 Gi", QuantityError::Format);
    check("1.1i", QuantityError::Suffix);
    check("1Kii", QuantityError::Suffix);
    check("1e", QuantityError::Suffix);
    check("1Gi1", QuantityError::Suffix);
    check(&"9".repeat(40), QuantityError::Numeric);
}

#[test]
fn json_numbers_are_quantities_too() {
    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(Quantity::from_json(value).unwrap().unwrap().canonical(), expected);
    }
    check(&json!(2), "2");
    check(&json!(0.1), "100m");
    check(&json!(1.5), "1500m");
    check(&json!(1000.0), "1k");
    check(&json!(" 1Gi "), "1Gi");
    assert!(Quantity::from_json(&json!(true)).is_none());
}

#[test]
fn values_compare_and_add_exactly() {
    let q = |text: &str| Quantity::parse(text).unwrap();
    assert_eq!(q("1"), q("1000m"));
    assert!(q("1Gi") > q("1G") && q("-1") < q("1n") && q("1e100") > q("9E") && q("-1e100") < q("-1"));
    assert_eq!(q("100m").checked_add(&q("900m")).unwrap().to_string(), "1");
    assert_eq!(q("0").checked_add(&q("1Gi")).unwrap().to_string(), "1Gi");
    assert_eq!(q("1Gi").checked_add(&q("0")).unwrap().to_string(), "1Gi");
    assert_eq!(q("1Gi").checked_add(&q("1n")).unwrap().to_string(), "1073741824000000001n");
    assert_eq!(q("1e100").checked_add(&q("1n")), None);
    assert_eq!(
        (q("1500m").scaled(0), q("-1500m").scaled(0), q("1").scaled(-3)),
        (Some(2), Some(-2), Some(1000))
    );
    assert!((q("1.5Gi").to_f64() - 1_610_612_736.0).abs() < f64::EPSILON);
}

proptest! {
    #[test]
    fn the_canonical_form_is_stable_and_of_equal_value(
        whole in "[0-9]{1,12}", decimals in "(\\.[0-9]{1,8})?", sign in "[+-]?",
        suffix in prop::sample::select(vec!["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "e3", "e-3", "E2"]),
    ) {
        let quantity = Quantity::parse(&format!("{sign}{whole}{decimals}{suffix}")).unwrap();
        let canonical = Quantity::parse(&quantity.canonical()).unwrap();
        prop_assert_eq!(&canonical, &quantity);
        prop_assert_eq!(canonical.canonical(), quantity.canonical());
    }

    #[test]
    fn any_text_is_a_quantity_or_an_error(text in "[0-9.eEinumkKMGTP+ -]{0,20}") {
        if let Ok(quantity) = Quantity::parse(&text) {
            prop_assert_eq!(Quantity::parse(&quantity.canonical()).unwrap(), quantity);
        }
    }

    #[test]
    fn the_order_agrees_with_doubles(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000) {
        let (qa, qb) = (Quantity::parse(&format!("{a}u")).unwrap(), Quantity::parse(&format!("{b}e-6")).unwrap());
        prop_assert_eq!(qa.cmp(&qb), a.cmp(&b));
    }
}
