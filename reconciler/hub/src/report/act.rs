//! Writes a status commit.

use std::sync::Arc;

use git::{CommitId, GitError, NewCommit, Repository, Swap};
use plan::report::{Files, commit_message, digest, gist_of};

use super::Last;
use super::observe::Observed;
use crate::board::SourceProblem;
use crate::mirror;
use crate::source::{Location, explain_push, login};
use crate::world::World;

/// Somebody has the status branch checked out; moving it under them would look like lost work.
fn checked_out(branch: &str, repository: &str) -> SourceProblem {
    let message = format!(
        "the branch {branch} is checked out in {repository}; check out another branch, and status goes on"
    );
    SourceProblem { reason: "CheckedOut", message }
}

/// Somebody else keeps moving the ref.
fn contended(branch: &str) -> SourceProblem {
    let message = format!(
        "the branch {branch} keeps moving: somebody else writes it, too; let spec.report.ref of one GitSource name another branch"
    );
    SourceProblem { reason: "Contended", message }
}

const ATTEMPTS: usize = 3;

pub(super) async fn commit(
    world: &Arc<World>,
    observed: &Observed,
    files: Files,
) -> Result<(), SourceProblem> {
    let draft = Draft {
        message: commit_message(&observed.input),
        author: world.settings.author.clone(),
        time_s: world.clock.now().as_second(),
        files,
        branch: observed.spec.report_branch.clone().unwrap_or_default(),
    };
    let remote = login::remote(world, &observed.spec).await?;
    let location = observed.spec.location.clone()?;
    let mirror = mirror::path_of(world, &observed.source);
    let work = move || match (remote, location) {
        (Some(remote), _) => draft.to_remote(&remote, &mirror),
        (None, Location::Local(path)) => draft.to_local(&path),
        // A location elsewhere always has a remote.
        (None, Location::Remote(_)) => Ok(()),
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let message = format!("writing the status commit failed: {error}");
        Err(SourceProblem { reason: "InternalError", message })
    })
}

/// What the status ref says, so that a restart writes nothing that stands there. A remote that does not answer is asked again by the first commit.
pub(super) async fn read_last(world: &Arc<World>, observed: &Observed) -> Option<Last> {
    let branch = observed.spec.report_branch.clone()?;
    let remote = login::remote(world, &observed.spec).await.ok()?;
    let location = observed.spec.location.clone().ok()?;
    let mirror = mirror::path_of(world, &observed.source);
    let read = move || {
        let (repository, tip) = match (remote, location) {
            (Some(remote), _) => {
                remote.branches().ok()?.tips.get(&branch)?;
                mirror::fetch(&mirror, |mirror| remote.fetch(mirror, &branch)).ok()?
            }
            (None, Location::Local(path)) => {
                let repository = Repository::open(&path).ok()?;
                let tip = repository.find_ref(&format!("refs/heads/{branch}")).ok()??;
                (repository, tip)
            }
            (None, Location::Remote(_)) => return None,
        };
        repository.files_of(tip).ok()
    };
    let files = tokio::task::spawn_blocking(read).await.ok()??;
    let gist = gist_of(&files)?;
    let converged = gist.converged.then(|| gist.commit.clone());
    // How long ago it was written does not matter to a process that has just started: pacing counts from now.
    Some(Last { files: digest(&files), gist, converged, at: world.clock.monotonic() })
}

struct Draft {
    files: Files,
    message: String,
    author: (String, String),
    time_s: i64,
    branch: String,
}

impl Draft {
    fn full_name(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// The commit on top of `parent`; `None` when the parent says the same already.
    fn write(&self, repository: &Repository, parent: Option<CommitId>) -> Result<Option<CommitId>, GitError> {
        repository.commit_files(&NewCommit {
            files: self.files.clone(),
            parent,
            message: self.message.clone(),
            author: self.author.clone(),
            time_s: self.time_s,
        })
    }

    fn to_local(&self, path: &std::path::Path) -> Result<(), SourceProblem> {
        let failed = |error: GitError| explain_push(&error, &self.branch);
        let repository = Repository::open(path).map_err(failed)?;
        if repository.is_checked_out(&self.branch).map_err(failed)? {
            return Err(checked_out(&self.branch, &path.display().to_string()));
        }
        let mut tip = repository.find_ref(&self.full_name()).map_err(failed)?;
        for _ in 0..ATTEMPTS {
            let Some(commit) = self.write(&repository, tip).map_err(failed)? else { return Ok(()) };
            match repository.swap_ref(&self.full_name(), tip, commit).map_err(failed)? {
                Swap::Moved => return Ok(()),
                Swap::Lost { found } => tip = found,
            }
        }
        Err(contended(&self.branch))
    }

    fn to_remote(&self, remote: &git::Remote, mirror: &std::path::Path) -> Result<(), SourceProblem> {
        let failed = |error: GitError| explain_push(&error, &self.branch);
        for _ in 0..ATTEMPTS {
            let (repository, tip) = if remote.branches().map_err(failed)?.tips.contains_key(&self.branch) {
                let fetched = mirror::fetch(mirror, |mirror| remote.fetch(mirror, &self.branch));
                let (repository, tip) = fetched.map_err(failed)?;
                (repository, Some(tip))
            } else {
                (mirror::open(mirror).map_err(failed)?, None)
            };
            let Some(commit) = self.write(&repository, tip).map_err(failed)? else { return Ok(()) };
            if remote.push(&repository, &self.branch, tip, commit).map_err(failed)? == Swap::Moved {
                return Ok(());
            }
        }
        Err(contended(&self.branch))
    }
}
