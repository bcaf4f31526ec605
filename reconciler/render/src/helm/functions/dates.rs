//! Times, and Sprig's functions for them. There is no clock in this room: `now` is what the options say, or refused.
//!
//! The local time zone is UTC, wherever a render runs; others come from the database that is built in.

use std::any::Any as StdAny;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Param::{Any, Text as AText, Time};
use super::{Body, Function, Machine, any, durations, fixed, layout, text};
use crate::helm::fault::Fault;
use crate::helm::value::{Host, IntKind, Value};

const MODIFY: Body = |_, arguments| {
    let Some(moment) = moment(&any(arguments, 1)) else { return Ok(any(arguments, 1)) };
    let by = durations::parse(&text(arguments, 0).as_str()).unwrap_or(0);
    Ok(Value::host(moment.later(by)))
};
const MUST_MODIFY: Body = |machine, arguments| {
    if durations::parse(&text(arguments, 0).as_str()).is_none() {
        return Err(Fault::wrong("time: invalid duration"));
    }
    MODIFY(machine, arguments)
};
const IN_ZONE: Body = |machine, arguments| {
    formatted(machine, &text(arguments, 0).as_str(), &any(arguments, 1), &text(arguments, 2).as_str())
};

pub(super) const TABLE: &[Function] = &[
    fixed("now", &[], |machine, _| Ok(Value::host(Moment::unix(now(machine, "now")?)))),
    fixed("date", &[AText, Any], |machine, arguments| {
        formatted(machine, &text(arguments, 0).as_str(), &any(arguments, 1), "Local")
    }),
    fixed("dateInZone", &[AText, Any, AText], IN_ZONE),
    fixed("date_in_zone", &[AText, Any, AText], IN_ZONE),
    fixed("htmlDate", &[Any], |machine, arguments| {
        formatted(machine, "2006-01-02", &any(arguments, 0), "Local")
    }),
    fixed("htmlDateInZone", &[Any, AText], |machine, arguments| {
        formatted(machine, "2006-01-02", &any(arguments, 0), &text(arguments, 1).as_str())
    }),
    fixed("dateModify", &[AText, Time], MODIFY),
    fixed("date_modify", &[AText, Time], MODIFY),
    fixed("mustDateModify", &[AText, Time], MUST_MODIFY),
    fixed("must_date_modify", &[AText, Time], MUST_MODIFY),
    fixed("toDate", &[AText, AText], |_, arguments| {
        let (format, text) = (text(arguments, 0), text(arguments, 1));
        let zero = Moment { seconds: layout::ZERO, nanoseconds: 0, zone: Zone::utc() };
        Ok(Value::host(layout::parse(&format.as_str(), &text.as_str()).unwrap_or(zero)))
    }),
    fixed("mustToDate", &[AText, AText], |_, arguments| {
        let (format, text) = (text(arguments, 0), text(arguments, 1));
        let read = layout::parse(&format.as_str(), &text.as_str());
        read.map(Value::host).ok_or_else(|| Fault::wrong("the text is no time of that layout"))
    }),
    fixed("unixEpoch", &[Time], |_, arguments| {
        Ok(Value::text(moment(&any(arguments, 0)).map_or(0, |moment| moment.seconds).to_string()))
    }),
    fixed("ago", &[Any], |machine, arguments| {
        let now = now(machine, "ago")?;
        let then = match any(arguments, 0) {
            Value::Int(IntKind::Int | IntKind::Int64, seconds) => seconds,
            value => moment(&value).map_or(now, |moment| moment.seconds),
        };
        Ok(Value::text(durations::shown(now.saturating_sub(then).saturating_mul(1_000_000_000))))
    }),
    fixed("durationRound", &[Any], |machine, arguments| {
        let nanoseconds = match any(arguments, 0) {
            Value::String(text) => durations::parse(&text.as_str()).unwrap_or(0),
            Value::Int(IntKind::Int64, nanoseconds) => nanoseconds,
            value => match moment(&value) {
                Some(moment) => now(machine, "durationRound")?
                    .saturating_sub(moment.seconds)
                    .saturating_mul(1_000_000_000),
                None => 0,
            },
        };
        Ok(Value::text(rounded(nanoseconds)))
    }),
];

fn now(machine: &dyn Machine, function: &'static str) -> Result<i64, Fault> {
    let why = "it asks for the time, and a render gives the same result at any time";
    machine.now().ok_or(Fault::Refused { function, why })
}

/// The largest unit that fits.
fn rounded(nanoseconds: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3600 * SECOND;
    let units = [
        (8760 * HOUR, "y"),
        (720 * HOUR, "mo"),
        (24 * HOUR, "d"),
        (HOUR, "h"),
        (60 * SECOND, "m"),
        (SECOND, "s"),
    ];
    let size = nanoseconds.unsigned_abs();
    let unit = units.iter().find(|(unit, _)| size > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit))
}

/// The time of an object.
fn moment(value: &Value) -> Option<Moment> {
    match value {
        Value::Host(object) => object.as_any().downcast_ref::<Moment>().cloned(),
        _ => None,
    }
}

/// A time, or a number of seconds since 1970, in a layout and a zone. Anything else stands for now.
fn formatted(machine: &mut dyn Machine, format: &str, value: &Value, zone: &str) -> Result<Value, Fault> {
    let time = match value {
        Value::Int(IntKind::Int | IntKind::Int64, seconds) => Moment::unix(*seconds),
        value => match moment(value) {
            Some(moment) => moment,
            None => Moment::unix(now(machine, "date")?),
        },
    };
    machine.budget().produce(format.len().saturating_mul(16))?;
    Ok(Value::text(layout::format(&time.in_zone(named_zone(zone)), format)))
}

/// A zone by name; UTC for the local one and for names that nobody knows.
fn named_zone(name: &str) -> Zone {
    match name {
        "" | "UTC" | "Local" => Zone::utc(),
        name => Zone::Place(TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)),
    }
}

/// Go's `time.Time`.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// Seconds since 1970.
    pub(super) seconds: i64,
    /// Nanoseconds of the second.
    pub(super) nanoseconds: u32,
    /// Where it is shown.
    pub(super) zone: Zone,
}

/// Where a time is shown.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// A place with its rules.
    Place(TimeZone),
    /// So many seconds east of UTC, with the name it was read with.
    Fixed(i64, String),
}

impl Zone {
    /// UTC, which is the local zone, too.
    pub(super) fn utc() -> Self {
        Zone::Place(TimeZone::UTC)
    }
}

impl Moment {
    fn unix(seconds: i64) -> Self {
        Moment { seconds, nanoseconds: 0, zone: Zone::utc() }
    }

    fn in_zone(self, zone: Zone) -> Self {
        Moment { zone, ..self }
    }

    fn later(&self, nanoseconds: i64) -> Self {
        let total = i64::from(self.nanoseconds) + nanoseconds % 1_000_000_000;
        let seconds =
            self.seconds.saturating_add(nanoseconds / 1_000_000_000 + total.div_euclid(1_000_000_000));
        let nanoseconds = u32::try_from(total.rem_euclid(1_000_000_000)).unwrap_or(0);
        Moment { seconds, nanoseconds, zone: self.zone.clone() }
    }

    /// The offset from UTC in seconds, and the name of the zone then.
    pub(super) fn offset(&self) -> (i64, String) {
        match (&self.zone, Timestamp::from_second(self.seconds)) {
            (Zone::Fixed(offset, name), _) => (*offset, name.clone()),
            (Zone::Place(zone), Ok(timestamp)) if *zone != TimeZone::UTC => {
                let info = zone.to_offset_info(timestamp);
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
            }
            _ => (0, "UTC".to_owned()),
        }
    }

    /// A time of TOML. What has no offset is taken as UTC.
    pub(super) fn from_toml(time: &toml_edit::Datetime) -> Self {
        let date = time.date.map_or((0, 1, 1), |date| (i64::from(date.year), date.month, date.day));
        let clock = time.time.map_or((0, 0, 0, 0), |clock| {
            (clock.hour, clock.minute, clock.second.unwrap_or(0), clock.nanosecond.unwrap_or(0))
        });
        let minutes = match time.offset {
            Some(toml_edit::Offset::Custom { minutes }) => i64::from(minutes),
            _ => 0,
        };
        let days = layout::days_since_1970(date.0, i64::from(date.1), i64::from(date.2));
        let of_day = i64::from(clock.0) * 3600 + i64::from(clock.1) * 60 + i64::from(clock.2);
        let zone = if minutes == 0 { Zone::utc() } else { Zone::Fixed(minutes * 60, String::new()) };
        Moment { seconds: days * 86400 + of_day - minutes * 60, nanoseconds: clock.3, zone }
    }

    /// The form that JSON and TOML have.
    pub(super) fn rfc3339(&self) -> String {
        layout::format(self, "2006-01-02T15:04:05.999999999Z07:00")
    }
}

impl Host for Moment {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let parts = layout::Parts::of(self);
        let integer = |number: i64| Ok(Value::int(number));
        let result = match (name, arguments) {
            ("Year", []) => integer(parts.year),
            ("Month", []) => Ok(Value::Int(IntKind::Month, parts.month)),
            ("Day", []) => integer(parts.day),
            ("Weekday", []) => Ok(Value::Int(IntKind::Weekday, parts.weekday)),
            ("YearDay", []) => integer(parts.year_day),
            ("Hour", []) => integer(parts.hour),
            ("Minute", []) => integer(parts.minute),
            ("Second", []) => integer(parts.second),
            ("Nanosecond", []) => integer(i64::from(self.nanoseconds)),
            ("Unix", []) => Ok(Value::int64(self.seconds)),
            ("UnixMilli", []) => Ok(Value::int64(self.subseconds(1000))),
            ("UnixMicro", []) => Ok(Value::int64(self.subseconds(1_000_000))),
            ("UnixNano", []) => Ok(Value::int64(self.subseconds(1_000_000_000))),
            ("UTC" | "Local", []) => Ok(Value::host(self.clone().in_zone(Zone::utc()))),
            ("IsZero", []) => Ok(Value::Bool(self.seconds == layout::ZERO && self.nanoseconds == 0)),
            ("String", []) => Ok(Value::text(self.display())),
            ("Format", [Value::String(format)]) => Ok(Value::text(layout::format(self, &format.as_str()))),
            ("Add", [Value::Int(IntKind::Duration, by)]) => Ok(Value::host(self.later(*by))),
            ("AddDate", [Value::Int(_, years), Value::Int(_, months), Value::Int(_, days)]) => {
                Ok(Value::host(layout::plus_date(self, (*years, *months, *days))))
            }
            ("Sub" | "Before" | "After" | "Equal" | "Compare", [other]) => match moment(other) {
                Some(other) => Ok(self.compared(name, &other)),
                None => Err(Fault::wrong(format!(
                    "wrong type for value; expected time.Time; got {}",
                    other.type_name()
                ))),
            },
            _ => return None,
        };
        Some(result)
    }

    fn display(&self) -> String {
        layout::format(self, "2006-01-02 15:04:05.999999999 -0700 MST")
    }

    fn encoded(&self) -> Value {
        Value::text(self.rfc3339())
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

impl Moment {
    fn subseconds(&self, per_second: i64) -> i64 {
        let part = i64::from(self.nanoseconds) / (1_000_000_000 / per_second);
        self.seconds.wrapping_mul(per_second).wrapping_add(part)
    }

    fn compared(&self, how: &str, other: &Moment) -> Value {
        let order = (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds));
        match how {
            "Before" => Value::Bool(order.is_lt()),
            "After" => Value::Bool(order.is_gt()),
            "Equal" => Value::Bool(order.is_eq()),
            "Compare" => Value::int(order as i64),
            _ => {
                let seconds = self.seconds.saturating_sub(other.seconds).saturating_mul(1_000_000_000);
                let rest = i64::from(self.nanoseconds) - i64::from(other.nanoseconds);
                Value::Int(IntKind::Duration, seconds.saturating_add(rest))
            }
        }
    }
}

/// `January`; Go's text for a number that is no month.
pub(super) fn month_name(number: i64) -> String {
    let name = usize::try_from(number - 1).ok().and_then(|at| layout::MONTHS.get(at));
    name.map_or_else(|| format!("%!Month({number})"), |name| (*name).to_owned())
}

/// `Sunday`; Go's text for a number that is no day.
pub(super) fn weekday_name(number: i64) -> String {
    let name = usize::try_from(number).ok().and_then(|at| layout::DAYS.get(at));
    name.map_or_else(|| format!("%!Weekday({number})"), |name| (*name).to_owned())
}
