//! CPU time, which a busy machine distorts less than the clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process so far, threads that have ended included.
fn so_far() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// CPU time that `work` costs, the median of several runs.
pub fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    let mut taken: Vec<Duration> = (0..runs)
        .map(|_| {
            let before = so_far();
            work();
            so_far().saturating_sub(before)
        })
        .collect();
    taken.sort();
    taken[taken.len() / 2]
}

/// The exponent k of cost ~ size^k between two measurements.
pub fn exponent((small, cheap): (usize, Duration), (large, dear): (usize, Duration)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes of benchmarks are small")]
    let growth = (large as f64 / small as f64).ln();
    (dear.as_secs_f64() / cheap.as_secs_f64()).ln() / growth
}
