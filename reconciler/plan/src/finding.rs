//! Diagnostics of the planner, with stable ids that a repository may refer to.
//!
//! | module | looks at |
//! |---|---|
//! | [`catalogue`] | all ids, with severity and meaning; the source of `docs/reference/findings.md` |
//! | [`policies`] | policies and their clauses |
//! | [`objects`] | single objects: size, duplicates, encryption, what selects them |
//! | [`removals`] | what disappears |
//! | [`delivery`] | whether a cluster can take what it gets: namespaces and kinds |
//! | [`units`] | units |
//!
//! A check is a small function over one [`Scene`]. It reports one finding for one cause: what many objects or clusters share is said once, with examples.

use std::fmt;

use apimachinery::ObjectId;

use crate::Origin;
use crate::escape::visible;

pub mod catalogue;
pub mod delivery;
pub mod objects;
pub mod policies;
pub mod removals;
pub mod scene;
pub mod units;

pub use scene::Scene;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
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

impl Finding {
    /// That the change must not be merged.
    pub fn blocker(id: FindingId, origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Blocker, id, origin, message: message.into() }
    }

    /// That something is probably not what was meant.
    pub fn warning(id: FindingId, origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, id, origin, message: message.into() }
    }

    /// Something worth knowing.
    pub fn note(id: FindingId, origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, id, origin, message: message.into() }
    }
}

impl fmt::Display for Finding {
    /// `warning ns-missing: … (apps/shop/web.yaml:3)`, and below it the line that it shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (said, shown) = said_and_shown(&self.message);
        write!(f, "{} {}: {said}", self.severity, self.id)?;
        self.origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))?;
        shown.map_or(Ok(()), |line| write!(f, "{SHOWN}{line}"))
    }
}

/// Stands before the line of a file that a message ends with.
const SHOWN: &str = "\n  | ";

/// What a message says, and the line of a file that it shows at its end, if any.
pub fn said_and_shown(message: &str) -> (&str, Option<&str>) {
    let parts = message.rsplit_once(SHOWN).filter(|(_, line)| !line.contains('\n'));
    parts.map_or((message, None), |(said, line)| (said, Some(line)))
}

/// The same of a message that strangers may have written, each part on one line and without what a terminal or a build log would obey.
pub(crate) fn visible_message(message: &str) -> String {
    let (said, shown) = said_and_shown(message);
    let shown = shown.map(|line| format!("{SHOWN}{}", visible(line))).unwrap_or_default();
    format!("{}{shown}", visible(said))
}

/// Finding `mutated-in-wds`, which sync raises: the API server answered with other values than were applied. Takes paths only, so that no value of a Secret
/// can get into a message.
pub fn mutated_in_wds(object: &ObjectId, paths: &[String], origin: Option<Origin>) -> Finding {
    let message = format!(
        "{object}: the WDS stored other values than were applied at {}; a mutating webhook changes them. Exempt the object from it, \
         or drop these fields with the unit's `ignore`",
        some_of(paths, 5),
    );
    Finding::warning("mutated-in-wds", origin, message)
}

/// `a, b, c and 7 more`: the first `limit` of a list, and how many are left.
pub fn some_of<T: fmt::Display>(items: impl IntoIterator<Item = T>, limit: usize) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(limit).map(|item| item.to_string()).collect();
    match items.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `1 object`, `2 objects`.
pub fn counted(count: usize, singular: &str) -> String {
    if count == 1 { format!("1 {singular}") } else { format!("{count} {singular}s") }
}

#[cfg(test)]
mod tests;
