//! How much a chart may hold. One budget serves a chart with everything packed into it, so that archives inside archives
//! do not multiply it.

use std::io::{self, Read};

/// What a chart may hold, its dependencies included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartLimits {
    /// Bytes of all files, unpacked. Helm's own limit is the default.
    pub bytes: u64,
    /// Files.
    pub files: usize,
    /// Charts inside each other.
    pub depth: usize,
    /// How many times its own size an archive may unpack to, once that is more than a mebibyte.
    pub inflation: u64,
}

impl Default for ChartLimits {
    fn default() -> Self {
        ChartLimits { bytes: 100 << 20, files: 20_000, depth: 16, inflation: 250 }
    }
}

/// Archives that unpack to less than this are never bombs.
const ALWAYS_ALLOWED: u64 = 1 << 20;

/// More than a chart may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    /// Too many bytes.
    #[error("the chart holds more than {0} bytes; leave files out with .helmignore, or split the chart")]
    Bytes(u64),
    /// Too many files.
    #[error("the chart holds more than {0} files; leave files out with .helmignore, or split the chart")]
    Files(usize),
    /// Charts inside each other.
    #[error("more than {0} charts inside each other; put them side by side")]
    Depth(usize),
    /// An archive that grows too much.
    #[error("the archive unpacks to more than {0} times its own size; commit the chart as a directory")]
    Inflation(u64),
}

/// What is left of the limits.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    limits: ChartLimits,
    bytes: u64,
    files: usize,
}

impl Budget {
    pub(super) fn new(limits: ChartLimits) -> Self {
        Budget { limits, bytes: limits.bytes, files: limits.files }
    }

    pub(super) fn depth(&self) -> usize {
        self.limits.depth
    }

    /// Takes one file of `size` bytes.
    pub(super) fn take(&mut self, size: u64) -> Result<(), OverBudget> {
        self.bytes = self.bytes.checked_sub(size).ok_or(OverBudget::Bytes(self.limits.bytes))?;
        self.files = self.files.checked_sub(1).ok_or(OverBudget::Files(self.limits.files))?;
        Ok(())
    }

    /// The bound on what an archive of `packed` bytes may unpack to: headers and padding of a tar are part of it.
    pub(super) fn inflation(&self, packed: u64) -> Inflation {
        let most = packed.saturating_mul(self.limits.inflation).max(ALWAYS_ALLOWED);
        Inflation { left: most, over: OverBudget::Inflation(self.limits.inflation) }
    }
}

/// A bound on the bytes of a stream.
pub(super) struct Inflation {
    left: u64,
    over: OverBudget,
}

impl Inflation {
    pub(super) fn reader<R: Read>(self, inner: R) -> Counted<R> {
        Counted { inner, bound: self }
    }
}

/// A stream that fails once it gives more than its bound.
pub(super) struct Counted<R> {
    inner: R,
    bound: Inflation,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.bound.left.checked_sub(count as u64) {
            Some(left) => self.bound.left = left,
            None => return Err(io::Error::other(self.bound.over)),
        }
        Ok(count)
    }
}
