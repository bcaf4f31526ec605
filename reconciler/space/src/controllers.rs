//! The task that drives what happens without being asked: garbage collection, namespaces, definitions. (space two)

use std::sync::Arc;

use crate::space::{Change, Space};

/// Whether a committed change can make a controller act; asked on the writer's thread, so it must be quick.
pub(crate) fn concerns(_change: &Change) -> bool {
    false
}

/// Acts on one change (also called for every stored object that [`concerns`] at start, with `old` absent). Runs on one task per server, in commit order per space.
pub(crate) async fn react(_space: &Arc<Space>, _change: &Change) {}
