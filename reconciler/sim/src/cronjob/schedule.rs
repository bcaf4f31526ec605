//! Times of a schedule. The one place that knows croner.

use apimachinery::Timestamp;
use croner::Cron;
use jiff::tz::TimeZone;

/// Five fields, or `@daily` and the like, in a time zone.
pub(crate) struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// `None` for what is no schedule, or no time zone. Without a zone, UTC.
    pub(crate) fn parse(text: &str, zone: &str) -> Option<Self> {
        let (zone, text) = match text.split_once(' ') {
            // An old way to name the zone.
            Some((prefix, rest)) if prefix.contains("TZ=") => (prefix.split_once('=')?.1, rest),
            _ => (zone, text),
        };
        let zone = if zone.is_empty() { TimeZone::UTC } else { TimeZone::get(zone).ok()? };
        let fields = text.split_whitespace().count();
        let cron = if fields == 5 || text.starts_with('@') { text.parse().ok()? } else { return None };
        Some(Self { cron, zone })
    }

    /// The first time after a moment.
    pub(crate) fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&moment.to_zoned(self.zone.clone()), false);
        found.ok().map(|time| time.timestamp())
    }

    /// The last time up to a moment.
    pub(crate) fn last_before(&self, moment: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_previous_occurrence(&moment.to_zoned(self.zone.clone()), true);
        found.ok().map(|time| time.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_schedule_and_zone() {
        #[track_caller]
        fn check(text: &str, zone: &str, last: &str, next: &str) {
            let moment = apimachinery::time::parse("2026-11-20T11:13:11Z").unwrap();
            let schedule = Schedule::parse(text, zone).unwrap();
            let seen = (
                schedule.last_before(moment).unwrap().to_string(),
                schedule.after(moment).unwrap().to_string(),
            );
            assert_eq!(seen, (last.to_owned(), next.to_owned()));
        }
        check("*/10 * * * *", "", "2026-11-20T11:10:00Z", "2026-11-20T11:20:00Z");
        check("@hourly", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z");
        check("30 12 * * *", "Europe/Berlin", "2026-11-19T11:30:00Z", "2026-11-20T11:30:00Z");
        check("TZ=Asia/Tokyo 0 0 * * *", "", "2026-11-19T15:00:00Z", "2026-11-20T15:00:00Z");
        for wrong in ["", "* * * *", "61 * * * *", "* * * * * *", "@every 5m"] {
            assert!(Schedule::parse(wrong, "").is_none(), "{wrong}");
        }
        assert!(Schedule::parse("* * * * *", "Nowhere/Land").is_none());
    }
}
