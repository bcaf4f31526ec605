//! Time as a constructor argument, so that a test owns it.

use std::time::Duration;

/// An instant of civil time. Kubernetes writes it in RFC 3339 with seconds, micro-time fields with six decimals.
pub type Timestamp = jiff::Timestamp;

/// What a room that needs time is given.
pub trait Clock: Send + Sync {
    /// Civil time: for what is written into objects. It may jump; never measure a duration with it.
    fn now(&self) -> Timestamp;

    /// Time since some fixed instant of this process; it never jumps. For durations and deadlines.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// `2026-11-20T11:13:11Z`: how Kubernetes writes a `metav1.Time`.
pub fn rfc3339_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-20T11:13:11.000123Z`: how Kubernetes writes a `metav1.MicroTime`.
pub fn rfc3339_micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
