//! Texts to times, in the layouts of Go.

use super::{DAYS, MONTHS, Std, date_of, days_since_1970, next_element};
use crate::helm::functions::dates::{Moment, Zone};

/// What a text says, piece by piece.
#[derive(Debug, Default)]
struct Read {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    pm: Option<bool>,
    offset: Option<i64>,
    zone: Option<String>,
    /// Whether the zone is UTC whatever else is said.
    utc: bool,
}

/// Reads a time. None: the text is not of that layout, or says a time that there is not.
pub(in crate::helm::functions) fn parse(layout: &str, text: &str) -> Option<Moment> {
    let mut read = Read::default();
    let (mut layout, mut text) = (layout, text);
    loop {
        let (before, element, after) = next_element(layout);
        text = skip(text, before)?;
        let Some(wanted) = element else {
            return if text.is_empty() { read.moment() } else { None };
        };
        text = self::element(&mut read, wanted, text, after)?;
        layout = after;
    }
}

/// The text behind what the layout says literally; a blank there stands for any number of them.
fn skip<'t>(mut text: &'t str, literal: &str) -> Option<&'t str> {
    let mut literal = literal;
    while !literal.is_empty() {
        if literal.starts_with(' ') {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            literal = literal.trim_start_matches(' ');
            text = text.trim_start_matches(' ');
            continue;
        }
        let c = literal.chars().next()?;
        text = text.strip_prefix(c)?;
        literal = &literal[c.len_utf8()..];
    }
    Some(text)
}

/// A number of one or two digits, or of exactly two.
fn number(text: &str, fixed: bool) -> Option<(i64, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if digits == 0 || (fixed && digits < 2) {
        return None;
    }
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// A name whatever its case; its place among the names.
fn name<'t>(text: &'t str, names: &[&str], length: Option<usize>) -> Option<(i64, &'t str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = length.map_or(*name, |length| &name[..length]);
        let begin = text.get(..name.len())?;
        begin.eq_ignore_ascii_case(name).then(|| (at as i64, &text[name.len()..]))
    })
}

/// Reads one element; gives what is left of the text. `after` is the rest of the layout.
fn element<'t>(read: &mut Read, element: Std, text: &'t str, after: &str) -> Option<&'t str> {
    match element {
        Std::LongYear
        | Std::Year
        | Std::Month
        | Std::LongMonth
        | Std::NumMonth
        | Std::ZeroMonth
        | Std::Weekday
        | Std::LongWeekday
        | Std::Day
        | Std::UnderDay
        | Std::ZeroDay => read.date(element, text),
        Std::UnderYearDay | Std::ZeroYearDay => read.day_of_year(element == Std::UnderYearDay, text),
        Std::Offset { z, colons, parts } => {
            if z && let Some(rest) = text.strip_prefix('Z') {
                read.utc = true;
                return Some(rest);
            }
            let (offset, rest) = offset_of(text, colons, parts)?;
            read.offset = Some(offset);
            Some(rest)
        }
        Std::ZoneName => zone_name(read, text),
        _ => read.clock(element, text, after),
    }
}

fn nanoseconds_of(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{:0<9}", &digits[..digits.len().min(9)]).parse().ok()
}

fn offset_of(text: &str, colons: bool, parts: u8) -> Option<(i64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut rest = &text[1..];
    let mut offset = 0;
    for (part, seconds) in (0..parts).zip([3600, 60, 1]) {
        if part > 0 && colons {
            rest = rest.strip_prefix(':')?;
        }
        let (value, after) = number(rest, true)?;
        offset += value * seconds;
        rest = after;
    }
    Some((sign * offset, rest))
}

/// `UTC`, or what looks like the name of a zone.
fn zone_name<'t>(read: &mut Read, text: &'t str) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("UTC") {
        read.utc = true;
        return Some(rest);
    }
    let length = zone_name_length(text)?;
    read.zone = Some(text[..length].to_owned());
    Some(&text[length..])
}

fn zone_name_length(text: &str) -> Option<usize> {
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(hours) = text.strip_prefix("GMT") {
        return Some(3 + signed_hours(hours).map_or(0, |(length, _)| length));
    }
    if text.starts_with(['+', '-']) {
        return signed_hours(text).map(|(length, _)| length);
    }
    match text.bytes().take(6).take_while(u8::is_ascii_uppercase).count() {
        3 => Some(3),
        4 if text[..4].ends_with('T') || text.starts_with("WITA") => Some(4),
        5 if text[..5].ends_with('T') => Some(5),
        _ => None,
    }
}

/// `+3`, with its length; hours up to 23.
fn signed_hours(text: &str) -> Option<(usize, i64)> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let hours: i64 = digits[..length].parse().ok()?;
    (hours <= 23).then_some((length + 1, sign * hours))
}

impl Read {
    fn date<'t>(&mut self, element: Std, text: &'t str) -> Option<&'t str> {
        let (value, rest) = match element {
            Std::LongYear => {
                let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
                (digits.parse().ok()?, &text[4..])
            }
            Std::Year => {
                let (year, rest) = number(text, true)?;
                (if year >= 69 { year + 1900 } else { year + 2000 }, rest)
            }
            Std::Month => name(text, &MONTHS, Some(3))?,
            Std::LongMonth => name(text, &MONTHS, None)?,
            Std::NumMonth => number(text, false).filter(|(month, _)| (1..=12).contains(month))?,
            Std::ZeroMonth => number(text, true).filter(|(month, _)| (1..=12).contains(month))?,
            Std::Weekday => return Some(name(text, &DAYS, Some(3))?.1),
            Std::LongWeekday => return Some(name(text, &DAYS, None)?.1),
            Std::UnderDay => number(text.strip_prefix(' ').unwrap_or(text), false)?,
            _ => number(text, element == Std::ZeroDay)?,
        };
        match element {
            Std::LongYear | Std::Year => self.year = value,
            Std::Month | Std::LongMonth => self.month = Some(value + 1),
            Std::NumMonth | Std::ZeroMonth => self.month = Some(value),
            _ => self.day = Some(value),
        }
        Some(rest)
    }

    fn day_of_year<'t>(&mut self, padded: bool, text: &'t str) -> Option<&'t str> {
        let blanks = if padded { text.bytes().take(3).take_while(|b| *b == b' ').count() } else { 0 };
        let text = &text[blanks..];
        let digits = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if digits == 0 || (!padded && digits < 3) {
            return None;
        }
        self.year_day = Some(text[..digits].parse().ok()?);
        Some(&text[digits..])
    }

    fn clock<'t>(&mut self, element: Std, text: &'t str, after: &str) -> Option<&'t str> {
        let below = |end: i64, fixed: bool| number(text, fixed).filter(|(number, _)| *number < end);
        let rest;
        match element {
            Std::Hour => (self.hour, rest) = below(24, false)?,
            Std::Hour12 | Std::ZeroHour12 => (self.hour, rest) = below(13, element == Std::ZeroHour12)?,
            Std::Minute | Std::ZeroMinute => (self.minute, rest) = below(60, element == Std::ZeroMinute)?,
            Std::Second | Std::ZeroSecond => {
                let (second, behind) = below(60, element == Std::ZeroSecond)?;
                self.second = second;
                // A fraction may follow although the layout has none.
                let expected = matches!(next_element(after), ("", Some(Std::Fraction { .. }), _));
                rest = if expected { behind } else { self.optional_fraction(behind) };
            }
            Std::UpperPm | Std::LowerPm => {
                let (am, pm) = if element == Std::UpperPm { ("AM", "PM") } else { ("am", "pm") };
                self.pm = Some(text.starts_with(pm));
                rest = text.strip_prefix(pm).or_else(|| text.strip_prefix(am))?;
            }
            Std::Fraction { digits, trims: false, .. } => {
                let part = text.get(..=digits).filter(|part| part.starts_with(['.', ',']))?;
                self.nanoseconds = nanoseconds_of(&part[1..])?;
                rest = &text[part.len()..];
            }
            _ => rest = self.optional_fraction(text),
        }
        Some(rest)
    }

    fn optional_fraction<'t>(&mut self, text: &'t str) -> &'t str {
        let Some(after) = text.strip_prefix(['.', ',']) else { return text };
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        match nanoseconds_of(&after[..digits]) {
            Some(nanoseconds) => {
                self.nanoseconds = nanoseconds;
                &after[digits..]
            }
            None => text,
        }
    }

    fn moment(self) -> Option<Moment> {
        let hour = match (self.pm, self.hour) {
            (Some(true), hour) if hour < 12 => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let (month, day) = match self.year_day {
            Some(at) => {
                let first = days_since_1970(self.year, 1, 1);
                let (year, month, day) = date_of(first + at - 1);
                let agrees = self.month.is_none_or(|m| m == month) && self.day.is_none_or(|d| d == day);
                if year != self.year || at < 1 || !agrees {
                    return None;
                }
                (month, day)
            }
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        let days = days_since_1970(self.year, month, day);
        if date_of(days) != (self.year, month, day) {
            return None;
        }
        let local = days * 86_400 + hour * 3600 + self.minute * 60 + self.second;
        let at =
            |offset: i64, zone: Zone| Moment { seconds: local - offset, nanoseconds: self.nanoseconds, zone };
        Some(match (self.utc, self.offset, self.zone) {
            (true, ..) | (_, None, None) => at(0, Zone::utc()),
            (_, Some(0), None) => at(0, Zone::utc()),
            (_, Some(offset), name) => at(offset, Zone::Fixed(offset, name.unwrap_or_default())),
            (_, None, Some(name)) => {
                // A name that nobody can look up says no offset. Of `GMT+3` Go only shows it.
                let hours = name.strip_prefix("GMT").and_then(signed_hours).map_or(0, |(_, hours)| hours);
                at(0, Zone::Fixed(hours * 3600, name))
            }
        })
    }
}
