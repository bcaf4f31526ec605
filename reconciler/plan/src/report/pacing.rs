//! When a state is worth a commit.

use apimachinery::Digest;

use super::{Committed, Gist, Pacing, Verdict};

/// Whether to commit `next` now. `last` is `None` when nothing was ever committed.
///
/// The first state is committed at once, and so is the first converged state of each commit: somebody waits for it. Progress alone waits for
/// [`Pacing::progress_ms`] after the last commit; a change of readiness, a failure, a held removal for [`Pacing::change_ms`].
pub fn should_commit(last: Option<&Committed>, next: (&Gist, Digest), pacing: Pacing) -> Verdict {
    let Some(last) = last else { return Verdict::Now };
    let (gist, files) = next;
    if files == last.files {
        return Verdict::No;
    }
    let awaited = gist.converged && last.converged.as_deref() != Some(gist.commit.as_str());
    let (old, new) = (&last.gist, gist);
    let matters = old.ready != new.ready
        || old.failures != new.failures
        || old.held != new.held
        || (new.converged && !old.converged);
    let wait = match (awaited, matters) {
        (true, _) => 0,
        (false, true) => pacing.change_ms,
        (false, false) => pacing.progress_ms,
    };
    match wait.saturating_sub(last.ago_ms) {
        0 => Verdict::Now,
        left => Verdict::Later(left),
    }
}
