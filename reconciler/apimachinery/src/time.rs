//! Times and durations as Kubernetes reads and writes them. Writing is in [`crate::clock`].

use crate::{Timestamp, goprint};

/// Reads a `metav1.Time` or `metav1.MicroTime`: RFC 3339 with any offset.
pub fn parse(text: &str) -> Option<Timestamp> {
    try_parse(text).ok()
}

/// As [`parse`].
///
/// # Errors
/// The message of Go's `time.Parse`, which shows the text.
pub fn try_parse(text: &str) -> Result<Timestamp, String> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    // A number of so many digits with its bounds, or a letter.
    const PARTS: [(&str, usize, &str, u32, u32); 11] = [
        ("2006", 4, "year", 0, 9999),
        ("-", 0, "", 0, 0),
        ("01", 2, "month", 1, 12),
        ("-", 0, "", 0, 0),
        ("02", 2, "day", 1, 31),
        ("T", 0, "", 0, 0),
        ("15", 2, "hour", 0, 23),
        (":", 0, "", 0, 0),
        ("04", 2, "minute", 0, 59),
        (":", 0, "", 0, 0),
        ("05", 2, "second", 0, 59),
    ];
    let quoted = goprint::quote(text);
    let mut rest = text;
    let misread = |rest: &str, part: &str| {
        format!("parsing time {quoted} as \"{LAYOUT}\": cannot parse {} as \"{part}\"", goprint::quote(rest))
    };
    for (part, digits, name, least, most) in PARTS {
        rest = if digits == 0 {
            rest.strip_prefix(part).ok_or_else(|| misread(rest, part))?
        } else {
            let number = rest.get(..digits).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
            let number: u32 = number.and_then(|n| n.parse().ok()).ok_or_else(|| misread(rest, part))?;
            if !(least..=most).contains(&number) {
                return Err(format!("parsing time {quoted}: {name} out of range"));
            }
            rest.get(digits..).unwrap_or_default()
        };
    }
    let fraction = rest.strip_prefix('.').map(|tail| tail.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = fraction.unwrap_or(rest);
    if zone != "Z" && !is_offset(zone) {
        return Err(misread(zone, "Z07:00"));
    }
    text.parse().map_err(|_| format!("parsing time {quoted}: day out of range"))
}

fn is_offset(zone: &str) -> bool {
    let two = |text: &str, most: u32| {
        text.len() == 2
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|n: u32| n <= most)
    };
    let parts = zone.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    parts.is_some_and(|(hours, minutes)| two(hours, 23) && two(minutes, 59))
}

/// `2026-11-20`: a day that exists.
pub fn is_date(text: &str) -> bool {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    shape && text.parse::<jiff::civil::Date>().is_ok()
}

/// RFC 3339 as schemas read it: any case, a fraction of any length, `Z` or an offset.
pub fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let Some((date, time)) = lower.split_once('t') else { return false };
    is_date(date) && is_time(time)
}

fn is_time(time: &str) -> bool {
    let Some((clock, rest)) = time.split_at_checked(8) else { return false };
    let zone = match rest.strip_prefix(|c: char| !matches!(c, 'z' | '+' | '-')) {
        Some(fraction) => {
            let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        None => rest,
    };
    let two_digits = |text: &str, highest: &str| {
        text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) && text <= highest
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let proper = match parts.as_slice() {
        [hour, minute, second] => {
            two_digits(hour, "23") && two_digits(minute, "59") && two_digits(second, "59")
        }
        _ => false,
    };
    let offset = zone.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    proper && (zone == "z" || offset.is_some_and(|(h, m)| two_digits(h, "99") && two_digits(m, "99")))
}

/// A duration of Go (`1h30m`, `1.5s`) in nanoseconds; `None` for anything else, and for what does not fit 64 bits.
pub fn parse_go_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        total = total.checked_add(scaled(number, nanoseconds(unit)?)?)?;
        rest = tail;
    }
    i64::try_from(sign * total).ok()
}

/// `1.5` times a unit, exactly; digits beyond what 128 bits hold are cut off.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = fraction.get(..fraction.len().min(18))?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / scale)
}

fn nanoseconds(unit: &str) -> Option<i128> {
    match unit {
        "ns" => Some(1),
        "us" | "µs" | "μs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// A duration as schemas read it: Go's, or Scala's (`3 days`, `22 ns`), of which one number with a unit suffices.
pub fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 21] = [
        "ns", "nano", "us", "µs", "micro", "ms", "milli", "s", "sec", "m", "min", "h", "hr", "hour", "d",
        "day", "w", "wk", "week", "nanos", "days",
    ];
    if parse_go_duration(text).is_some() {
        return true;
    }
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let tail = rest.get(start..).unwrap_or_default();
        let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let word: String = tail.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
        let long = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
        if UNITS.contains(&word.as_str()) || long.iter().any(|unit| word.starts_with(unit)) {
            return true;
        }
        rest = tail;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(parse("2026-11-20T11:13:11Z").unwrap().as_second(), 1_795_173_191);
        assert_eq!(parse("2026-11-20T12:13:11.5+01:00").unwrap().subsec_millisecond(), 500);
        assert_eq!(
            try_parse("yesterday").unwrap_err(),
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""
        );
        assert_eq!(
            try_parse("2026-13-20T11:13:11Z").unwrap_err(),
            "parsing time \"2026-13-20T11:13:11Z\": month out of range"
        );
        assert_eq!(
            try_parse("2026-02-30T11:13:11Z").unwrap_err(),
            "parsing time \"2026-02-30T11:13:11Z\": day out of range"
        );
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20 11:13:11Z",
            "2026-11-20T11:13Z",
            "2026-11-20T11:13:11",
            "2026-11-20T11:13:60Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn go_durations_are_exact() {
        #[track_caller]
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(parse_go_duration(text), expected, "{text}");
        }
        check("1h30m", Some(5_400_000_000_000));
        check("-1.5s", Some(-1_500_000_000));
        check(".5ms", Some(500_000));
        check("0", Some(0));
        check("5", None);
        check("", None);
        check("1d", None);
        check("9999999h", None);
        check("1.2.3s", None);
        check("s", None);
    }

    #[test]
    fn schema_date_times_have_a_zone() {
        for (text, expected) in [
            ("2026-11-20T11:13:11Z", true),
            ("2026-11-20t11:13:11.123456789z", true),
            ("2026-11-20T11:13:11+25:00", true),
            ("2026-11-20T24:00:00Z", false),
            ("2026-11-20T11:13:11", false),
            ("2026-11-20T11:13Z", false),
        ] {
            assert_eq!(is_date_time(text), expected, "{text}");
        }
    }
}
