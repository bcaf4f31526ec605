//! `intstr.IntOrString`: a port or a share, a number or a text like `http` or `25%`.

use std::fmt;

use serde_json::Value;

/// A number or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A text, which may look like a number.
    Text(String),
}

/// How a share of a whole is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// As for `maxSurge`.
    Up,
    /// As for `maxUnavailable`.
    Down,
}

impl IntOrString {
    /// Reads JSON; `None` for what is neither a 32-bit whole number nor a text.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => i32::try_from(number.as_i64()?).ok().map(Self::Int),
            Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// The number, or the share of `total` that a percentage means; `None` for other texts.
    /// Source: `intstr.GetScaledValueFromIntOrPercent`.
    pub fn of_total(&self, total: i32, rounding: Rounding) -> Option<i32> {
        let text = match self {
            Self::Int(number) => return Some(*number),
            Self::Text(text) => text,
        };
        let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
        let product = percent.checked_mul(i64::from(total))?;
        let share = match rounding {
            Rounding::Down => product.div_euclid(100),
            Rounding::Up => product.checked_add(99)?.div_euclid(100),
        };
        i32::try_from(share).ok()
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, total: i32, up: Option<i32>, down: Option<i32>) {
        let read = IntOrString::from_json(value).unwrap();
        assert_eq!((read.of_total(total, Rounding::Up), read.of_total(total, Rounding::Down)), (up, down));
    }

    #[test]
    fn shares_are_rounded() {
        check(&json!(3), 10, Some(3), Some(3));
        check(&json!("25%"), 10, Some(3), Some(2));
        check(&json!("100%"), 7, Some(7), Some(7));
        check(&json!("0%"), 7, Some(0), Some(0));
        check(&json!("http"), 7, None, None);
        check(&json!("5"), 7, None, None);
    }

    #[test]
    fn other_json_is_neither() {
        for value in [json!(1.5), json!(true), json!(null), json!(4_294_967_296_i64)] {
            assert_eq!(IntOrString::from_json(&value), None, "{value}");
        }
        assert_eq!(IntOrString::from_json(&json!("80")).unwrap().to_string(), "80");
    }
}
