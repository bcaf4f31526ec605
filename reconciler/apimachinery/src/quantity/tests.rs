use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(Quantity::parse(text).map(|q| q.canonical()), Ok(expected.to_owned()), "{text}");
}

#[test]
fn quantities_print_as_upstream_prints_them() {
    check("0", "0");
    check("1", "1");
    check("1000", "1k");
    check("2000m", "2");
    check("1024Mi", "1Gi");
    check("1.5Gi", "1536Mi");
    check("0.5", "500m");
    check("100e-3", "100e-3");
}
