//! Diagnostics of the planner, with stable ids that a repository may refer to.

use std::fmt;

use crate::Origin;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The change must not be merged as it is; `plan` exits with 2.
    Blocker,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocker => "blocker",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// The stable id: `policy-no-clusters`, `ns-missing`, `ssa-duplicate-key`, …
pub type FindingId = &'static str;

/// One diagnostic. Sorts by severity, id, place, message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The stable id.
    pub id: FindingId,
    /// Its cause, if one place in the repository is it.
    pub origin: Option<Origin>,
    /// What is the matter, with which object and which cluster, and what to do.
    pub message: String,
}
