//! Durations as people read them: two or three significant figures, as kubectl writes them.

/// `5s`, `3m12s`, `4h`, `2d3h`, `1y40d`; slightly negative spans (clocks that disagree) are `0s`, others `<invalid>`.
pub fn human(seconds: i64) -> String {
    if seconds < -1 {
        return "<invalid>".into();
    }
    if seconds < 120 {
        return format!("{}s", seconds.max(0));
    }
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    match () {
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => two(days, "d", hours % 24, "h"),
        () if hours < 24 * 365 * 2 => format!("{days}d"),
        () if hours < 24 * 365 * 8 => two(years, "y", days % 365, "d"),
        () => format!("{years}y"),
    }
}

/// The larger unit, and the smaller one unless it is zero.
fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        assert_eq!(human(seconds), expected);
    }

    #[test]
    fn a_duration_has_two_or_three_significant_figures() {
        check(-2, "<invalid>");
        check(-1, "0s");
        check(0, "0s");
        check(119, "119s");
        check(120, "2m");
        check(599, "9m59s");
        check(600, "10m");
        check(3 * 3600 - 1, "179m");
        check(3 * 3600, "3h");
        check(3 * 3600 + 61, "3h1m");
        check(8 * 3600, "8h");
        check(47 * 3600, "47h");
        check(48 * 3600, "2d");
        check(49 * 3600, "2d1h");
        check(8 * 24 * 3600, "8d");
        check(2 * 365 * 24 * 3600, "2y");
        check((2 * 365 + 3) * 24 * 3600, "2y3d");
        check(9 * 365 * 24 * 3600, "9y");
    }
}
