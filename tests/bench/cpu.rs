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

/// CPU time of another process so far.
pub fn of(process: u32) -> Duration {
    ticks(&process.to_string(), [11, 12])
}

/// CPU time of all processes that this one has started and waited for.
pub fn of_ended_children() -> Duration {
    ticks("self", [13, 14])
}

/// The kernel counts in hundredths of a second.
fn ticks(process: &str, fields: [usize; 2]) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks = |field: usize| rest.split_whitespace().nth(field).unwrap().parse::<u64>().unwrap();
    Duration::from_millis(fields.into_iter().map(ticks).sum::<u64>() * 10)
}

/// A line of `/proc/PROCESS/status` that counts memory, KiB.
pub fn memory(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The exponent k of cost ~ size^k between two measurements.
pub fn exponent((small, cheap): (usize, Duration), (large, dear): (usize, Duration)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes of benchmarks are small")]
    let growth = (large as f64 / small as f64).ln();
    (dear.as_secs_f64() / cheap.as_secs_f64()).ln() / growth
}
