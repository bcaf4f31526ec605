//! Spans of time: Go's `time.Duration`, Sprig's `duration` and Helm's `duration…` functions.

use super::Param::Any;
use super::{Function, any, fixed};
use crate::helm::fault::Fault;
use crate::helm::template::constants::parse_float;
use crate::helm::value::{IntKind, Value};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

pub(super) const TABLE: &[Function] = &[
    fixed("mustToDuration", &[Any], |_, arguments| read(&any(arguments, 0)).map(span).map_err(Fault::wrong)),
    fixed("durationSeconds", &[Any], |_, arguments| Ok(parts(arguments, SECOND))),
    fixed("durationMilliseconds", &[Any], |_, arguments| {
        Ok(Value::int64(nanoseconds(arguments) / 1_000_000))
    }),
    fixed("durationMicroseconds", &[Any], |_, arguments| Ok(Value::int64(nanoseconds(arguments) / 1000))),
    fixed("durationNanoseconds", &[Any], |_, arguments| Ok(Value::int64(nanoseconds(arguments)))),
    fixed("durationMinutes", &[Any], |_, arguments| Ok(parts(arguments, MINUTE))),
    fixed("durationHours", &[Any], |_, arguments| Ok(parts(arguments, HOUR))),
    fixed("durationDays", &[Any], |_, arguments| {
        Ok(Value::Float(in_units(nanoseconds(arguments), HOUR) / 24.0))
    }),
    fixed("durationWeeks", &[Any], |_, arguments| {
        Ok(Value::Float(in_units(nanoseconds(arguments), HOUR) / 24.0 / 7.0))
    }),
    fixed("durationRoundTo", &[Any, Any], |_, arguments| Ok(to_multiple(arguments, round))),
    fixed("durationTruncateTo", &[Any, Any], |_, arguments| Ok(to_multiple(arguments, truncate))),
    fixed("duration", &[Any], |_, arguments| {
        let seconds = match any(arguments, 0) {
            Value::String(text) => decimal(&text.as_str()),
            Value::Int(IntKind::Int64, seconds) => seconds,
            _ => 0,
        };
        Ok(Value::text(shown(seconds.wrapping_mul(SECOND))))
    }),
];

fn span(nanoseconds: i64) -> Value {
    Value::Int(IntKind::Duration, nanoseconds)
}

/// Go's `ParseInt(text, 10, 64)`, which gives the nearest number where the text is out of range.
pub(super) fn decimal(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

/// A value as a duration: text with units, or a number of seconds.
fn read(value: &Value) -> Result<i64, &'static str> {
    match value {
        Value::Int(IntKind::Duration, nanoseconds) => Ok(*nanoseconds),
        Value::String(text) => {
            let text = text.as_str();
            let text = text.trim();
            if text.is_empty() {
                return Err("empty duration");
            }
            match parse(text) {
                Some(nanoseconds) => Ok(nanoseconds),
                None => from_seconds(parse_float(text).ok_or("could not parse the duration")?),
            }
        }
        Value::Int(_, seconds) => seconds.checked_mul(SECOND).ok_or("duration seconds overflow"),
        Value::Uint(_, seconds) => i64::try_from(*seconds)
            .ok()
            .and_then(|seconds| seconds.checked_mul(SECOND))
            .ok_or("duration seconds overflow"),
        Value::Float(seconds) => from_seconds(*seconds),
        Value::Nil => Err("invalid duration"),
        _ => Err("unsupported duration type"),
    }
}

fn from_seconds(seconds: f64) -> Result<i64, &'static str> {
    if !seconds.is_finite() {
        return Err("invalid duration seconds");
    }
    if seconds.abs() > i64::MAX as f64 / SECOND as f64 {
        return Err("duration seconds overflow");
    }
    Ok((seconds * SECOND as f64) as i64)
}

fn nanoseconds(arguments: &[Value]) -> i64 {
    read(&any(arguments, 0)).unwrap_or(0)
}

/// Whole units and the rest apart, as Go divides them.
fn in_units(nanoseconds: i64, unit: i64) -> f64 {
    (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64
}

fn parts(arguments: &[Value], unit: i64) -> Value {
    Value::Float(in_units(nanoseconds(arguments), unit))
}

fn to_multiple(arguments: &[Value], adjust: fn(i64, i64) -> i64) -> Value {
    let Ok(duration) = read(&any(arguments, 0)) else { return span(0) };
    match read(&any(arguments, 1)) {
        Ok(multiple) if multiple > 0 => span(adjust(duration, multiple)),
        _ => span(duration),
    }
}

fn truncate(duration: i64, multiple: i64) -> i64 {
    duration - duration % multiple
}

/// To the nearest multiple, halves away from zero; the largest duration where that does not fit.
fn round(duration: i64, multiple: i64) -> i64 {
    let rest = duration % multiple;
    let down = duration - rest;
    if rest.unsigned_abs().saturating_mul(2) < multiple.unsigned_abs() {
        return down;
    }
    if duration < 0 { down.saturating_sub(multiple) } else { down.saturating_add(multiple) }
}

/// Methods of `time.Duration`.
pub(super) fn method(duration: i64, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    let argument = arguments.first().map(read);
    Some(match (name, argument) {
        ("Hours", None) => Ok(Value::Float(in_units(duration, HOUR))),
        ("Minutes", None) => Ok(Value::Float(in_units(duration, MINUTE))),
        ("Seconds", None) => Ok(Value::Float(in_units(duration, SECOND))),
        ("Milliseconds", None) => Ok(Value::int64(duration / 1_000_000)),
        ("Microseconds", None) => Ok(Value::int64(duration / 1000)),
        ("Nanoseconds", None) => Ok(Value::int64(duration)),
        ("Abs", None) => Ok(span(duration.saturating_abs())),
        ("String", None) => Ok(Value::text(shown(duration))),
        ("Round", Some(Ok(multiple))) if multiple > 0 => Ok(span(round(duration, multiple))),
        ("Truncate", Some(Ok(multiple))) if multiple > 0 => Ok(span(truncate(duration, multiple))),
        ("Round" | "Truncate", Some(Ok(_))) => Ok(span(duration)),
        (
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "Abs"
            | "String" | "Round" | "Truncate",
            _,
        ) => Err(Fault::wrong(format!("wrong args for {name}"))),
        _ => return None,
    })
}

/// `1h2m3.5s`, as Go's `Duration.String` writes it.
pub(super) fn shown(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    let second = SECOND.unsigned_abs();
    if magnitude < second {
        let (unit, name) = match magnitude {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", with_fraction(magnitude / unit, magnitude % unit, unit));
    }
    let seconds = magnitude / second;
    let fraction = with_fraction(seconds % 60, magnitude % second, second);
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{fraction}s"),
        (0, minutes) => format!("{sign}{minutes}m{fraction}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{fraction}s"),
    }
}

fn with_fraction(whole: u64, rest: u64, unit: u64) -> String {
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.to_string().len() - 1;
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Go's `ParseDuration`: nanoseconds, none where the text is none or does not fit.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: u64 = 0;
    while {
        let whole = leading_digits(rest);
        rest = &rest[whole.len()..];
        let fraction = rest.strip_prefix('.').map(leading_digits);
        if let Some(fraction) = fraction {
            rest = &rest[fraction.len() + 1..];
        }
        if whole.is_empty() && fraction.is_none_or(str::is_empty) {
            return None;
        }
        let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = unit_of(&rest[..unit_end])?;
        rest = &rest[unit_end..];
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total
            .checked_add(whole.checked_mul(unit)?)?
            .checked_add(part_of(fraction.unwrap_or(""), unit))?;
        !rest.is_empty()
    } {}
    if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// Digits behind the point, as a part of the unit.
fn part_of(fraction: &str, unit: u64) -> u64 {
    // More digits than these change nothing.
    let fraction = &fraction[..fraction.len().min(18)];
    let (value, scale) = fraction
        .bytes()
        .fold((0_u64, 1_u64), |(value, scale), digit| (value * 10 + u64::from(digit - b'0'), scale * 10));
    (value as f64 * (unit as f64 / scale as f64)) as u64
}

fn unit_of(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND.unsigned_abs(),
        "m" => MINUTE.unsigned_abs(),
        "h" => HOUR.unsigned_abs(),
        _ => return None,
    })
}
