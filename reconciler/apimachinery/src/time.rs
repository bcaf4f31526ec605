//! Times and durations as Kubernetes reads and writes them. Writing is in [`crate::clock`].

use crate::Timestamp;

/// Reads a `metav1.Time` or `metav1.MicroTime`: RFC 3339 with any offset.
pub fn parse(text: &str) -> Option<Timestamp> {
    // jiff takes more than RFC 3339: a space or nothing between date and time, bracketed zones.
    let bytes = text.as_bytes();
    let plain =
        bytes.get(10) == Some(&b'T') && bytes.iter().all(|b| b.is_ascii_digit() || b"-:T.Z+".contains(b));
    let seconds = bytes.get(16) == Some(&b':');
    if plain && seconds { text.parse().ok() } else { None }
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
        for bad in ["", "2026-11-20", "2026-11-20 11:13:11Z", "2026-11-20T11:13Z", "2026-11-20T11:13:11"] {
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
