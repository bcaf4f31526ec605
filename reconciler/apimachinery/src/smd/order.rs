//! The total order of JSON values that field sets are sorted by: numbers, texts, booleans, lists, maps, null; whole numbers and fractions compare as
//! numbers. `serde_json` has equality only, and there 1 and 1.0 differ, while a number in `managedFields` may come back either way.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Compares two values.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let items = a.iter().zip(b).map(|(x, y)| compare(x, y));
            first_difference(items).then(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let fields = a.iter().zip(b).map(|((k, x), (l, y))| k.cmp(l).then_with(|| compare(x, y)));
            first_difference(fields).then(a.len().cmp(&b.len()))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

/// Whether two values are the same for the purpose of ownership.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    compare(left, right) == Ordering::Equal
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => left.as_f64().unwrap_or(f64::NAN).total_cmp(&right.as_f64().unwrap_or(f64::NAN)),
    }
}

/// A number without a fraction, whichever way it is written, so that the order stays transitive where floats run out of digits.
fn whole(number: &Number) -> Option<i128> {
    if let Some(n) = number.as_i64() {
        return Some(n.into());
    }
    if let Some(n) = number.as_u64() {
        return Some(n.into());
    }
    let f = number.as_f64()?;
    // Beyond 1e30 every float is whole, and none equals an integer of JSON.
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within the range of i128")]
    (f.fract() == 0.0 && f.abs() < 1e30).then_some(f as i128)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_ordered_by_kind_and_then_by_content() {
        let sorted = [
            json!(-1),
            json!(1.5),
            json!(2),
            json!(10),
            json!("a"),
            json!("b"),
            json!(false),
            json!(true),
            json!([]),
            json!([1]),
            json!([1, 2]),
            json!([2]),
            json!({}),
            json!({"a": 1}),
            json!({"a": 1, "b": 1}),
            json!({"a": 2}),
            json!({"b": 0}),
            json!(null),
        ];
        for (i, left) in sorted.iter().enumerate() {
            for (j, right) in sorted.iter().enumerate() {
                assert_eq!(compare(left, right), i.cmp(&j), "{left} and {right}");
            }
        }
    }

    #[test]
    fn one_is_one_however_it_is_written() {
        assert!(same(&json!({"port": 80}), &json!({"port": 80.0})));
        assert!(!same(&json!(u64::MAX), &json!(u64::MAX - 1)));
        assert!(!same(&json!("80"), &json!(80)));
        assert!(same(&json!(0.0), &json!(-0.0)));
    }
}
