//! How much a manifest weighs, and what fits into a work.

use super::{HARD_LIMIT_BYTES, Limits};

/// Bytes of one manifest as OCM's webhook counts them: JSON as Go writes it (which escapes `<`, `>` and `&` as six bytes each), and its frame.
pub fn weight(json: &[u8]) -> usize {
    const FRAME: usize = 8;
    let escaped = json.iter().filter(|b| matches!(b, b'<' | b'>' | b'&')).count();
    json.len() + 5 * escaped + FRAME
}

/// How full a work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Manifests.
    pub(super) objects: usize,
    /// Their weights.
    pub(super) bytes: usize,
}

impl Load {
    /// The load with one manifest more.
    pub(super) fn with(self, weight: usize) -> Self {
        Self { objects: self.objects + 1, bytes: self.bytes + weight }
    }

    /// Whether a manifest may join. A work is cut where KubeStellar cuts it: when its bytes reach the limit, or its count would exceed it. The first
    /// manifest always may: larger than the limit it has a work of its own.
    pub(super) fn admits(self, weight: usize, limits: Limits) -> bool {
        self.objects == 0
            || (self.objects < limits.max_objects
                && self.bytes + weight < limits.max_bytes
                && self.bytes + weight <= HARD_LIMIT_BYTES)
    }
}
