//! When a remote is asked again.

use std::time::Duration;

/// The first pause after a failure; a source that is polled more often keeps its interval.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest time a server may ask to be left alone.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// The pause before the next question. After failures it doubles from five seconds up to the interval of the source, or to what the server asks for; all pauses are
/// stretched by up to a tenth, by a number of the source's own, so that sources which fail together do not come back together.
pub(super) fn pause(interval: Duration, failures: u32, rest: Option<Duration>, seed: u64) -> Duration {
    let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let pause = if failures == 0 { interval } else { doubled.min(interval.max(FIRST_RETRY)) };
    let pause = pause.max(rest.unwrap_or_default().min(LONGEST_REST));
    let spread = u32::try_from(seed.wrapping_add(u64::from(failures)) % 101).unwrap_or_default();
    pause + pause * spread / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_pause_longer_and_longer_up_to_the_interval() {
        let seconds = |failures, rest| pause(Duration::from_secs(60), failures, rest, 0).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 99].map(|failures| seconds(failures, None)),
            [60, 5, 10, 20, 40, 60, 65]
        );
        assert_eq!(pause(Duration::from_secs(5), 9, None, 0).as_secs(), 5);
        assert_eq!(seconds(1, Some(Duration::from_secs(90))), 90);
        assert_eq!(seconds(1, Some(Duration::from_secs(1_000_000))), 3603);
    }

    #[test]
    fn sources_that_fail_together_do_not_come_back_together() {
        let pauses: std::collections::BTreeSet<Duration> =
            (0..50).map(|seed| pause(Duration::from_secs(60), 3, None, seed)).collect();
        assert!(pauses.len() > 40, "{pauses:?}");
        assert!(pauses.iter().all(|pause| (20.0..=22.0).contains(&pause.as_secs_f64())), "{pauses:?}");
    }
}
