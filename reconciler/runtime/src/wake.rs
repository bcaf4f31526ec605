//! "Look again", without a payload.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes one controller. Any number of wake-ups while it is busy become one.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// A wake-up that nobody has called yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the controller to look again. Never blocks.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for a wake-up; one that came earlier counts.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
