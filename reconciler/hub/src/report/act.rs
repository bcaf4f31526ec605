//! Writes a status commit.

use std::sync::Arc;

use apimachinery::Digest;
use git::{CommitId, GitError, NewCommit, Repository, Swap};
use plan::report::{Files, commit_message, digest, gist_of};

use super::Last;
use super::observe::Observed;
use crate::source::Location;
use crate::world::World;

/// Why a status commit is not on its ref.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    /// The repository refuses.
    #[error("status of source {source_name}")]
    Git { source_name: plan::SourceName, source: GitError },
    /// Somebody has the status branch checked out; moving it under them would look like lost work.
    #[error(
        "the branch {branch} is checked out in {repository}; check out another branch, and status goes on"
    )]
    CheckedOut { branch: String, repository: String },
    /// Somebody else keeps moving the ref.
    #[error("the branch {branch} keeps moving: somebody else writes it, too")]
    Contended { branch: String },
    /// The task died.
    #[error("writing the status commit failed: {0}")]
    Internal(String),
}

const ATTEMPTS: usize = 3;

pub(super) async fn commit(world: &Arc<World>, observed: &Observed, files: Files) -> Result<(), ReportError> {
    let draft = Draft {
        message: commit_message(&observed.input),
        author: world.settings.author.clone(),
        time_s: world.clock.now().as_second(),
        files,
        branch: observed.branch.clone(),
    };
    let location = observed.location.clone();
    let mirror = world.settings.mirrors.join(Digest::of(observed.source.as_str().as_bytes()).short(16));
    let source = observed.source.clone();
    let work = move || match &location {
        Location::Local(path) => draft.to_local(path),
        Location::Remote(remote) => draft.to_remote(remote, &mirror),
    };
    let outcome = tokio::task::spawn_blocking(work).await;
    match outcome.unwrap_or_else(|error| Err(Failed::Report(ReportError::Internal(error.to_string())))) {
        Ok(()) => Ok(()),
        Err(Failed::Git(error)) => Err(ReportError::Git { source_name: source, source: error }),
        Err(Failed::Report(error)) => Err(error),
    }
}

/// What the status ref of a local repository says, so that a restart writes nothing that stands there. A remote's is read by the first commit.
pub(super) async fn read_last(world: &Arc<World>, observed: &Observed) -> Option<Last> {
    let Location::Local(path) = observed.location.clone() else { return None };
    let full_name = format!("refs/heads/{}", observed.branch);
    let read = move || {
        let repository = Repository::open(&path).ok()?;
        repository.files_of(repository.find_ref(&full_name).ok()??).ok()
    };
    let files = tokio::task::spawn_blocking(read).await.ok()??;
    let gist = gist_of(&files)?;
    let converged = gist.converged.then(|| gist.commit.clone());
    // How long ago it was written does not matter to a process that has just started: pacing counts from now.
    Some(Last { files: digest(&files), gist, converged, at: world.clock.monotonic() })
}

enum Failed {
    Git(GitError),
    Report(ReportError),
}

impl From<GitError> for Failed {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
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

    fn to_local(&self, path: &std::path::Path) -> Result<(), Failed> {
        let repository = Repository::open(path)?;
        if repository.is_checked_out(&self.branch)? {
            let (branch, repository) = (self.branch.clone(), path.display().to_string());
            return Err(Failed::Report(ReportError::CheckedOut { branch, repository }));
        }
        let mut tip = repository.find_ref(&self.full_name())?;
        for _ in 0..ATTEMPTS {
            let Some(commit) = self.write(&repository, tip)? else { return Ok(()) };
            match repository.swap_ref(&self.full_name(), tip, commit)? {
                Swap::Moved => return Ok(()),
                Swap::Lost { found } => tip = found,
            }
        }
        Err(Failed::Report(ReportError::Contended { branch: self.branch.clone() }))
    }

    fn to_remote(&self, remote: &git::Remote, mirror: &std::path::Path) -> Result<(), Failed> {
        let repository = Repository::open_or_create_bare(mirror)?;
        for _ in 0..ATTEMPTS {
            let there = remote.branches()?.tips.contains_key(&self.branch);
            let tip = if there { Some(remote.fetch(&repository, &self.branch)?) } else { None };
            let Some(commit) = self.write(&repository, tip)? else { return Ok(()) };
            if remote.push(&repository, &self.branch, commit)? == Swap::Moved {
                return Ok(());
            }
        }
        Err(Failed::Report(ReportError::Contended { branch: self.branch.clone() }))
    }
}
