//! What a plain scalar means: go-yaml v3 for kustomize's resources, go-yaml v2 for kubectl and for kustomization files.
//!
//! Rules read from upstream behaviour (`spec/rendering.md` 2.16), not from the YAML specification, which both ignore in places.

use std::fmt;

use super::{Float, Value};
use crate::yaml::{Loader, Profile};

/// Reads a plain scalar. None stands for a number JSON cannot hold (infinity, not a number).
pub(super) fn resolve(text: &str, profile: Profile) -> Option<Value> {
    let Some(&first) = text.as_bytes().first() else { return Some(Value::Blank) };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text, profile),
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => {
            Some(word(text, profile))
        }
        _ => Some(Value::String(text.to_owned())),
    }
}

/// Reads a plain scalar as kustomize reads resources; a number that JSON cannot hold stays text.
pub(crate) fn resolve_text(text: &str) -> Value {
    resolve(text, Profile::Kustomize).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn word(text: &str, profile: Profile) -> Value {
    let old_words = profile == Profile::Kubectl;
    match text {
        "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if old_words => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if old_words => Value::Bool(false),
        _ => Value::String(text.to_owned()),
    }
}

fn number(text: &str, profile: Profile) -> Option<Value> {
    if matches!(
        text,
        ".nan"
            | ".NaN"
            | ".NAN"
            | ".inf"
            | ".Inf"
            | ".INF"
            | "+.inf"
            | "+.Inf"
            | "+.INF"
            | "-.inf"
            | "-.Inf"
            | "-.INF"
    ) {
        return None;
    }
    if profile == Profile::Kustomize && timestamp(text).is_some() {
        return Some(Value::Time(Box::from(text)));
    }
    let plain = text.replace('_', "");
    if let Some(value) = integer(&plain) {
        return Some(match value {
            Value::Uint(big) if profile == Profile::Kubectl => float(big as f64, text),
            Value::Int(number) if keeps_text(number, text, profile) => float(number as f64, text),
            other => other,
        });
    }
    if looks_like_float(&plain)
        && let Ok(parsed) = plain.parse::<f64>()
    {
        return parsed.is_finite().then(|| float(parsed, text));
    }
    Some(Value::String(text.to_owned()))
}

/// Whether a number is written as a whole one.
pub(super) fn is_whole(text: &str) -> bool {
    integer(&text.replace('_', "")).is_some()
}

/// Up to here a float holds every whole number.
const EXACT: u64 = 1 << 53;

/// Whether an integer in an unusual spelling (`0644`, `0x1F`) is held as a float for the sake of its text: steps of kustomize that copy
/// text copy the spelling.
fn keeps_text(number: i64, text: &str, profile: Profile) -> bool {
    profile == Profile::Kustomize && number.unsigned_abs() < EXACT && number.to_string() != text
}

fn float(number: f64, text: &str) -> Value {
    Value::Float(Box::new(Float { number, text: text.to_owned() }))
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: prefixes 0x, 0o, 0b, and a leading 0 for octal.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(small)) => Some(Value::Int(small)),
        // Go reads an unsigned number only without a sign.
        (false, Err(_)) => (!text.starts_with('+')).then_some(Value::Uint(magnitude)),
        (true, Ok(small)) => Some(Value::Int(-small)),
        (true, Err(_)) => (magnitude == 1 << 63).then_some(Value::Int(i64::MIN)),
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn looks_like_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole == 0 && fraction == 0 {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'-' | b'+')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

/// What JSON makes of an unquoted date: go-yaml v3 decodes it to a time, which is then written in full.
pub(super) fn full_time(text: &str) -> String {
    timestamp(text).unwrap_or_else(|| text.to_owned())
}

/// An unquoted date or time in one of go-yaml's four layouts, as RFC 3339.
fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    let (year, rest) = (text.get(..4)?, text.get(5..)?);
    let (month, rest) = rest.split_once('-')?;
    let day_end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (day, rest) = rest.split_at(day_end);
    let in_range = |part: &str, low: u32, high: u32| {
        (1..=2).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|n| (low..=high).contains(&n))
    };
    if !in_range(month, 1, 12) || !in_range(day, 1, days_in(year.parse().ok()?, month.parse().ok()?)) {
        return None;
    }
    let date = format!("{year}-{month:0>2}-{day:0>2}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = rest.starts_with(['T', 't']);
    if !zoned && !rest.starts_with(' ') {
        return None;
    }
    let (clock, zone) = split_zone(&rest[1..], zoned)?;
    let (whole, fraction) = clock.split_once('.').map_or((clock, ""), |(whole, fraction)| (whole, fraction));
    let parts: Vec<&str> = whole.split(':').collect();
    let [hour, minute, second] = parts[..] else { return None };
    let fraction_ok = fraction.bytes().all(|b| b.is_ascii_digit()) && !clock.ends_with('.');
    if !in_range(hour, 0, 23) || !in_range(minute, 0, 59) || !in_range(second, 0, 59) || !fraction_ok {
        return None;
    }
    let fraction = fraction.get(..9.min(fraction.len())).unwrap_or_default().trim_end_matches('0');
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    Some(format!("{date}T{hour:0>2}:{minute:0>2}:{second:0>2}{fraction}{zone}"))
}

fn split_zone(text: &str, zoned: bool) -> Option<(&str, &str)> {
    if !zoned {
        return Some((text, "Z"));
    }
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, "Z"));
    }
    let at = text.rfind(['+', '-'])?;
    let (clock, zone) = text.split_at(at);
    let digits = zone.as_bytes();
    let shaped =
        digits.len() == 6 && digits[3] == b':' && zone[1..].bytes().filter(u8::is_ascii_digit).count() == 4;
    shaped.then_some((clock, if matches!(zone, "+00:00" | "-00:00") { "Z" } else { zone }))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether go-yaml v2 would read this text, unquoted, as something other than text; the emitter then quotes it.
pub(super) fn needs_quotes(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else { return true };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => {
            timestamp(text).is_some()
                || !matches!(number(text, Profile::Kubectl), Some(Value::String(_)))
                || base_60(text)
        }
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => {
            !matches!(word(text, Profile::Kubectl), Value::String(_))
        }
        _ => false,
    }
}

/// Whether YAML 1.1 reads this line of text, unquoted, as something other than text. Kustomize's setter of members then writes it in quotes.
pub(crate) fn reads_otherwise(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    let inner = text.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '+' | '-');
    if inner.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '+')) && inner.chars().all(plain)
    {
        return !matches!(resolve(inner, Profile::Kubectl), Some(Value::String(_)));
    }
    match Loader::new(Profile::Kubectl).load("", text.as_bytes()) {
        Ok(documents) => documents.first().is_none_or(|document| document.as_str().is_none()),
        Err(_) => false,
    }
}

/// `^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`: YAML 1.1's base-60 numbers, which go-yaml quotes.
fn base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((first, rest)) = unsigned.split_once(':') else { return false };
    let first_ok = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (groups, fraction) = rest.split_once('.').map_or((rest, ""), |(groups, fraction)| (groups, fraction));
    first_ok
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && groups.split(':').all(|group| match group.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [ten, digit] => (b'0'..=b'5').contains(ten) && digit.is_ascii_digit(),
            _ => false,
        })
}

/// Go's `strconv.FormatFloat(number, 'g', -1, …)` of a float of either width: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn go_float(number: impl fmt::Display + fmt::LowerExp) -> String {
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Option<Value>) -> String {
        match value {
            None => "error".to_owned(),
            Some(Value::Null | Value::Blank) => "null".to_owned(),
            Some(Value::String(text)) => format!("text {text}"),
            Some(Value::Time(text)) => format!("time {}", full_time(&text)),
            Some(Value::Bool(b)) => b.to_string(),
            Some(Value::Int(i)) => i.to_string(),
            Some(Value::Uint(u)) => format!("u{u}"),
            Some(Value::Float(f)) => format!("float {}", go_float(f.number)),
            Some(Value::Seq(_) | Value::Map(_)) => unreachable!(),
        }
    }

    #[test]
    fn plain_scalars_follow_the_two_profiles() {
        fn check(text: &str, kustomize: &str, kubectl: &str) {
            assert_eq!(shown(resolve(text, Profile::Kustomize)), kustomize, "kustomize {text}");
            assert_eq!(shown(resolve(text, Profile::Kubectl)), kubectl, "kubectl {text}");
        }
        check("yes", "text yes", "true");
        check("off", "text off", "false");
        check("true", "true", "true");
        check("~", "null", "null");
        check("", "null", "null");
        check("2020-01-01", "time 2020-01-01T00:00:00Z", "text 2020-01-01");
        check("2020-13-01", "text 2020-13-01", "text 2020-13-01");
        check(
            "2001-12-14t21:59:43.10-05:00",
            "time 2001-12-14T21:59:43.1-05:00",
            "text 2001-12-14t21:59:43.10-05:00",
        );
        check("0644", "float 420", "420");
        check("0o644", "float 420", "420");
        check("0x1F", "float 31", "31");
        check("0b11", "float 3", "3");
        check("1_000", "float 1000", "1000");
        check("089", "float 89", "float 89");
        check("1e3", "float 1000", "float 1000");
        check("12345678901234567890", "u12345678901234567890", "float 1.2345678901234567e+19");
        check("-9223372036854775808", "-9223372036854775808", "-9223372036854775808");
        check("100000000000000000000", "float 1e+20", "float 1e+20");
        check(".inf", "error", "error");
        check("1.2.3", "text 1.2.3", "text 1.2.3");
        check("-", "text -", "text -");
        check("1:30", "text 1:30", "text 1:30");
        check("0", "0", "0");
        check("+1", "float 1", "1");
        check(".5", "float 0.5", "float 0.5");
    }

    #[test]
    fn text_that_reads_as_something_else_is_quoted() {
        for text in
            ["", "y", "No", "null", "~", "1", "1e3", "0x1F", "1_0", "2020-01-01", "1:30", "12:30:45", ".nan"]
        {
            assert!(needs_quotes(text), "{text}");
        }
        for text in ["a", "<<", "1.2.3", "yess", "10.0.0.1/8", "1:99", "-", "v1", "2020-13-01", "12e", "0x"] {
            assert!(!needs_quotes(text), "{text}");
        }
    }

    #[test]
    fn text_that_yaml_1_1_reads_otherwise_is_told_from_text() {
        for text in
            ["y", "0644", "1.50", " 5", "~", "null", "# x", "a: b", "[x]", "{}", "- x", "- -", "&a", "'5': x"]
        {
            assert!(reads_otherwise(text), "{text}");
        }
        for text in ["", "a", "2020-01-01", "12:30:45", "'5'", "@at", "a\nb", "[x", "https://a", "x: y: z"] {
            assert!(!reads_otherwise(text), "{text}");
        }
    }

    #[test]
    fn floats_print_as_go_prints_them() {
        fn check(number: f64, expected: &str) {
            assert_eq!(go_float(number), expected);
        }
        check(0.5, "0.5");
        check(1e20, "1e+20");
        check(1e21, "1e+21");
        check(1e-7, "1e-07");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(123.456, "123.456");
        check(1234567.5, "1.2345675e+06");
    }
}
