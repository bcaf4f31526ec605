//! The loop of a controller.

use std::future::Future;
use std::time::Duration;

use crate::{Shutdown, Wake};

/// When a controller wants to look again without being woken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// Only when woken.
    WhenWoken,
    /// When woken, but no later than after this time.
    After(Duration),
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const QUIET_BELOW: Duration = Duration::from_millis(800);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Runs passes of a controller until shutdown: one at once, then one per wake-up. A pass that fails is tried again after a pause
/// that doubles from 50 ms to 30 s; success resets it, a wake-up cuts it short. A pass in flight is dropped at shutdown, so a pass must be safe to
/// interrupt at every await, as it must be safe to kill.
pub async fn drive<F, P, E>(name: &'static str, wake: Wake, shutdown: Shutdown, mut pass: F)
where
    F: FnMut() -> P,
    P: Future<Output = Result<Again, E>>,
    E: std::error::Error,
{
    let mut backoff = FIRST_BACKOFF;
    loop {
        let outcome = tokio::select! {
            outcome = pass() => outcome,
            () = shutdown.cancelled() => return,
        };
        let pause = match outcome {
            Ok(again) => {
                backoff = FIRST_BACKOFF;
                again
            }
            Err(error) => {
                let pause = backoff;
                tell(name, &error, pause);
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
                Again::After(pause)
            }
        };
        tokio::select! {
            () = wake.woken() => {}
            () = pause_for(pause) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// What passes by itself within a second is nobody's concern; what stays is told, rarer and rarer.
fn tell(name: &str, error: &dyn std::error::Error, pause: Duration) {
    let (error, retry_ms) = (chain(error), pause.as_millis());
    if pause < QUIET_BELOW {
        tracing::debug!(controller = name, %error, retry_ms, "pass failed");
    } else {
        tracing::warn!(controller = name, %error, retry_ms, "pass failed");
    }
}

async fn pause_for(again: Again) {
    match again {
        Again::After(pause) => tokio::time::sleep(pause).await,
        Again::WhenWoken => std::future::pending().await,
    }
}

/// An error with its sources, `: ` between them.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
