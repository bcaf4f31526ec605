//! How long each step takes.

use std::time::Duration;

/// Delays of a simulated cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Until a pod gets its node.
    pub schedule: Duration,
    /// Pulling an image, or finding out that it is not there.
    pub pull: Duration,
    /// From a container's start until it is ready; also until a container that crashes does.
    pub ready: Duration,
    /// How long a container runs that ends by itself: of a Job, or of an init container.
    pub run: Duration,
    /// From the deletion of a pod until it is gone.
    pub stop: Duration,
    /// Until a claim has its volume, and a Service its load balancer.
    pub provision: Duration,
    /// First pause before a failed container is tried again; doubles each time.
    pub backoff: Duration,
    /// Longest of these pauses.
    pub longest_backoff: Duration,
    /// How long a second lasts that a manifest asks for, as in `progressDeadlineSeconds`, `minReadySeconds` or `activeDeadlineSeconds`. Schedules of CronJobs are in
    /// civil time and do not depend on it.
    pub second: Duration,
}

impl Pace {
    /// Every step at once. A progress deadline of 600 seconds takes 1.2.
    pub fn instant() -> Self {
        Self {
            schedule: Duration::ZERO,
            pull: Duration::ZERO,
            ready: Duration::ZERO,
            run: Duration::ZERO,
            stop: Duration::ZERO,
            provision: Duration::ZERO,
            backoff: Duration::from_millis(50),
            longest_backoff: Duration::from_secs(300),
            second: Duration::from_millis(2),
        }
    }

    /// What a duration in seconds that stands in a manifest lasts here.
    pub(crate) fn of_seconds(&self, seconds: i64) -> Duration {
        let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        self.second.saturating_mul(seconds)
    }
}

impl Default for Pace {
    /// Quick enough to watch, slow enough to see: a pod is ready after about 150 ms. A progress deadline of 600 seconds takes 10.
    fn default() -> Self {
        Self {
            schedule: Duration::from_millis(15),
            pull: Duration::from_millis(60),
            ready: Duration::from_millis(40),
            run: Duration::from_millis(200),
            stop: Duration::from_millis(60),
            provision: Duration::from_millis(40),
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(300),
            second: Duration::from_micros(16_667),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_of_manifests_are_scaled() {
        #[track_caller]
        fn check(pace: Pace, seconds: i64, expected_ms: u128) {
            assert_eq!(pace.of_seconds(seconds).as_millis(), expected_ms);
        }
        check(Pace::default(), 600, 10_000);
        check(Pace::instant(), 600, 1_200);
        check(Pace::instant(), -1, 0);
    }
}
