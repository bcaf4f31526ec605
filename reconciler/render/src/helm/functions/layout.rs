//! Go's layouts of times: `Mon Jan 2 15:04:05 MST 2006`, in both directions.

use super::dates::Moment;

mod read;

pub(super) use read::parse;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Go's zero time, the first of January of the year 1, in seconds since 1970.
pub(super) const ZERO: i64 = -62_135_596_800;

/// One element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Std {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset: whether `Z` stands for none, whether with colons, how many parts.
    Offset {
        z: bool,
        colons: bool,
        parts: u8,
    },
    /// A fraction of so many digits behind this character, whether zeros at the end are left out.
    Fraction {
        separator: char,
        digits: usize,
        trims: bool,
    },
}

/// Elements by their text, longer ones before those they begin with.
const ELEMENTS: &[(&str, Std)] = &[
    ("January", Std::LongMonth),
    ("Monday", Std::LongWeekday),
    ("MST", Std::ZoneName),
    ("002", Std::ZeroYearDay),
    ("01", Std::ZeroMonth),
    ("02", Std::ZeroDay),
    ("03", Std::ZeroHour12),
    ("04", Std::ZeroMinute),
    ("05", Std::ZeroSecond),
    ("06", Std::Year),
    ("15", Std::Hour),
    ("1", Std::NumMonth),
    ("2006", Std::LongYear),
    ("2", Std::Day),
    ("__2", Std::UnderYearDay),
    ("_2", Std::UnderDay),
    ("3", Std::Hour12),
    ("4", Std::Minute),
    ("5", Std::Second),
    ("PM", Std::UpperPm),
    ("pm", Std::LowerPm),
    ("-070000", Std::Offset { z: false, colons: false, parts: 3 }),
    ("-07:00:00", Std::Offset { z: false, colons: true, parts: 3 }),
    ("-0700", Std::Offset { z: false, colons: false, parts: 2 }),
    ("-07:00", Std::Offset { z: false, colons: true, parts: 2 }),
    ("-07", Std::Offset { z: false, colons: false, parts: 1 }),
    ("Z070000", Std::Offset { z: true, colons: false, parts: 3 }),
    ("Z07:00:00", Std::Offset { z: true, colons: true, parts: 3 }),
    ("Z0700", Std::Offset { z: true, colons: false, parts: 2 }),
    ("Z07:00", Std::Offset { z: true, colons: true, parts: 2 }),
    ("Z07", Std::Offset { z: true, colons: false, parts: 1 }),
];

/// The first element of a layout: the text before it, the element, the rest.
fn next_element(layout: &str) -> (&str, Option<Std>, &str) {
    for (at, c) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((element, length)) = element_at(rest, c) {
            // `_2006` is an underscore and a year.
            if element == Std::UnderDay && rest[1..].starts_with("2006") {
                return (&layout[..=at], Some(Std::LongYear), &rest[5..]);
            }
            return (&layout[..at], Some(element), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn element_at(rest: &str, c: char) -> Option<(Std, usize)> {
    if matches!(c, '.' | ',') {
        return fraction(rest, c);
    }
    if let Some((text, element)) = ELEMENTS.iter().find(|(text, _)| rest.starts_with(text)) {
        return Some((*element, text.len()));
    }
    // Short names only where no small letter follows, so that `Month` is none.
    let short = |name: &str, element: Std| {
        let follows = rest.strip_prefix(name)?;
        (!follows.starts_with(|c: char| c.is_ascii_lowercase())).then_some((element, name.len()))
    };
    short("Jan", Std::Month).or_else(|| short("Mon", Std::Weekday))
}

/// `.000` or `,999`, when no other digit follows.
fn fraction(rest: &str, separator: char) -> Option<(Std, usize)> {
    let digit = rest.chars().nth(1).filter(|c| matches!(c, '0' | '9'))?;
    let digits = rest[1..].chars().take_while(|c| *c == digit).count();
    if rest[1 + digits..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((Std::Fraction { separator, digits, trims: digit == '9' }, 1 + digits))
}

/// Days from 1970 to a date of the Gregorian calendar; months and days may be out of range.
pub(super) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let months = year * 12 + month - 1;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    // Years that begin in March have their leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 + day - 1
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A time on the clock and the calendar of its zone.
pub(super) struct Parts {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) weekday: i64,
    pub(super) year_day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    offset: i64,
    zone: String,
}

impl Parts {
    pub(super) fn of(moment: &Moment) -> Self {
        let (offset, zone) = moment.offset();
        // Far beyond every calendar; the bound keeps the arithmetic from overflowing.
        let local = moment.seconds.clamp(-1 << 54, 1 << 54) + offset;
        let (days, of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = date_of(days);
        Parts {
            year,
            month,
            day,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_since_1970(year, 1, 1) + 1,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            offset,
            zone,
        }
    }
}

/// Go's `AddDate`.
pub(super) fn plus_date(moment: &Moment, (years, months, days): (i64, i64, i64)) -> Moment {
    let parts = Parts::of(moment);
    let bound = |number: i64| number.clamp(-10_000_000, 10_000_000);
    let to = days_since_1970(parts.year + bound(years), parts.month + bound(months), parts.day + bound(days));
    let from = days_since_1970(parts.year, parts.month, parts.day);
    Moment { seconds: moment.seconds.saturating_add((to - from) * 86_400), ..moment.clone() }
}

/// A time in a layout.
pub(super) fn format(moment: &Moment, layout: &str) -> String {
    let parts = Parts::of(moment);
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while !rest.is_empty() {
        let (before, element, after) = next_element(rest);
        out.push_str(before);
        if let Some(element) = element {
            push_element(&mut out, element, &parts, moment.nanoseconds);
        }
        rest = after;
    }
    out
}

fn name_of<const N: usize>(names: &[&'static str; N], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
}

fn push_element(out: &mut String, element: Std, parts: &Parts, nanoseconds: u32) {
    let hour12 = match parts.hour % 12 {
        0 => 12,
        hour => hour,
    };
    let text = match element {
        Std::LongMonth => name_of(&MONTHS, parts.month - 1).to_owned(),
        Std::Month => name_of(&MONTHS, parts.month - 1).chars().take(3).collect(),
        Std::NumMonth => parts.month.to_string(),
        Std::ZeroMonth => format!("{:02}", parts.month),
        Std::LongWeekday => name_of(&DAYS, parts.weekday).to_owned(),
        Std::Weekday => name_of(&DAYS, parts.weekday).chars().take(3).collect(),
        Std::Day => parts.day.to_string(),
        Std::UnderDay => format!("{:2}", parts.day),
        Std::ZeroDay => format!("{:02}", parts.day),
        Std::UnderYearDay => format!("{:3}", parts.year_day),
        Std::ZeroYearDay => format!("{:03}", parts.year_day),
        Std::Hour => format!("{:02}", parts.hour),
        Std::Hour12 => hour12.to_string(),
        Std::ZeroHour12 => format!("{hour12:02}"),
        Std::Minute => parts.minute.to_string(),
        Std::ZeroMinute => format!("{:02}", parts.minute),
        Std::Second => parts.second.to_string(),
        Std::ZeroSecond => format!("{:02}", parts.second),
        Std::LongYear if parts.year < 0 => format!("-{:04}", -parts.year),
        Std::LongYear => format!("{:04}", parts.year),
        Std::Year => format!("{:02}", parts.year.rem_euclid(100)),
        Std::UpperPm => (if parts.hour >= 12 { "PM" } else { "AM" }).to_owned(),
        Std::LowerPm => (if parts.hour >= 12 { "pm" } else { "am" }).to_owned(),
        Std::ZoneName if !parts.zone.is_empty() => parts.zone.clone(),
        Std::ZoneName => offset_text(parts.offset, false, 2),
        Std::Offset { z: true, .. } if parts.offset == 0 => "Z".to_owned(),
        Std::Offset { colons, parts: count, .. } => offset_text(parts.offset, colons, count),
        Std::Fraction { separator, digits, trims } => fraction_text(nanoseconds, (separator, digits, trims)),
    };
    out.push_str(&text);
}

fn offset_text(offset: i64, colons: bool, parts: u8) -> String {
    let (sign, size) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    let between = if colons { ":" } else { "" };
    let mut text = format!("{sign}{:02}", size / 3600);
    if parts > 1 {
        text.push_str(&format!("{between}{:02}", size / 60 % 60));
    }
    if parts > 2 {
        text.push_str(&format!("{between}{:02}", size % 60));
    }
    text
}

fn fraction_text(nanoseconds: u32, (separator, digits, trims): (char, usize, bool)) -> String {
    let all = format!("{nanoseconds:09}");
    let kept = &all[..digits.min(9)];
    let kept = if trims { kept.trim_end_matches('0') } else { kept };
    if kept.is_empty() { String::new() } else { format!("{separator}{kept}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_in_layouts_of_go() {
        let moment = parse("2006-01-02T15:04:05.000Z07:00", "2024-02-29T23:05:09.120+02:00").unwrap();
        assert_eq!(moment.seconds, 1_709_240_709);
        fn check(moment: &Moment, layout: &str, expected: &str) {
            assert_eq!(format(moment, layout), expected, "{layout}");
        }
        check(&moment, "Mon Jan _2 15:04:05.999 MST 2006", "Thu Feb 29 23:05:09.12 +0200 2024");
        check(
            &moment,
            "Monday, January 2, 06 3:4:5 pm Z0700 __2 002",
            "Thursday, February 29, 24 11:5:9 pm +0200  60 060",
        );
        check(&moment, "Month Janu 1_2006 .0001", "Month Janu 2_2024 .0002");
        assert_eq!(format(&parse("Jan 2 2006", "feb  3 2001").unwrap(), "2006-01-02"), "2001-02-03");
        assert_eq!(format(&parse("3:04PM", "1:30PM").unwrap(), "15:04:05"), "13:30:00");
        for (layout, text) in
            [("2006-01-02", "2023-02-29"), ("2006-01-02", "2023-2-01"), ("15:04", "24:00"), ("2006", "2006x")]
        {
            assert!(parse(layout, text).is_none(), "{layout} {text}");
        }
    }
}
