//! Remotes: asking for branches, fetching and pushing.

use std::cell::RefCell;
use std::time::Duration;

use git2::{AutotagOption, ErrorClass, ErrorCode, FetchOptions, FetchPrune, PushOptions, RemoteCallbacks};

use crate::listing::RemoteBranches;
use crate::transport::{self, Call};
use crate::{CommitId, Credentials, GitError, RemoteFailure, Repository, Swap, Url};

/// What bounds a conversation with a remote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long the other side may say nothing, at any point.
    pub silence: Duration,
    /// Whether it may be on this machine.
    pub loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), loopback: false }
    }
}

/// Objects that one fetch may bring.
const MOST_OBJECTS: usize = 20_000_000;

/// A remote repository with the credentials for it.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where.
    pub url: Url,
    /// What it is shown.
    pub credentials: Credentials,
    /// What bounds the conversation.
    pub limits: Limits,
}

impl Remote {
    /// Tips of all branches and the default branch, without fetching: the question a poll asks.
    ///
    /// # Errors
    /// When the remote does not answer or refuses.
    pub fn branches(&self) -> Result<RemoteBranches, GitError> {
        transport::branches(&Call::new(self)).map_err(|failure| self.failed("ask", failure))
    }

    /// Fetches one branch into `mirror`, whatever history it has; returns its tip, of which every file is there then. No tags, no other branches. The mirror
    /// keeps it under a name of its own, so that branches which the remote renamed never stand in each other's way.
    ///
    /// # Errors
    /// When the remote does not answer, refuses, or lacks the branch; and [`GitError::Damaged`] when the mirror claimed to have what it lacks.
    pub fn fetch(&self, mirror: &Repository, branch: &str) -> Result<CommitId, GitError> {
        let kept = mirror.failed("write to");
        let name = mirror_ref(branch).map_err(&kept)?;
        let arriving = format!("{name}-arriving");
        mirror.forget_ref(&arriving)?;
        self.bring(mirror, &format!("+refs/heads/{branch}:{arriving}"))?;
        let missing = || GitError::NoSuchRef {
            repository: self.url.to_string(),
            name: format!("branch {branch}"),
            known: None,
        };
        let tip = mirror.find_ref(&arriving)?.ok_or_else(missing)?;
        if !mirror.is_whole(tip)? {
            return Err(GitError::Damaged { path: mirror.path().display().to_string(), commit: tip });
        }
        mirror.force_ref(&name, tip)?;
        mirror.forget_ref(&arriving)?;
        Ok(tip)
    }

    /// Sees to it that one commit is in `mirror` with every file, and stays there; without a conversation when it is there already. A server that gives no
    /// commit out by its id is asked for the branch whose tip it is.
    ///
    /// # Errors
    /// When the remote does not answer or refuses, or has no such commit.
    pub fn fetch_commit(&self, mirror: &Repository, commit: CommitId) -> Result<(), GitError> {
        if mirror.is_whole(commit)? {
            return Ok(());
        }
        if let Err(error) = self.bring(mirror, &format!("+{commit}:refs/mirror/commit-{commit}")) {
            let tips = self.branches()?.tips;
            let branch = tips.iter().find(|(_, tip)| **tip == commit).map(|(name, _)| name.clone());
            self.fetch(mirror, &branch.ok_or(error)?)?;
            mirror.force_ref(&format!("refs/mirror/commit-{commit}"), commit)?;
        }
        if mirror.is_whole(commit)? {
            return Ok(());
        }
        Err(GitError::Damaged { path: mirror.path().display().to_string(), commit })
    }

    /// Fetches what a refspec says, and nothing else.
    fn bring(&self, mirror: &Repository, refspec: &str) -> Result<(), GitError> {
        self.speak("fetch from", |call| {
            let git = mirror.lock();
            let mut remote = git.remote_anonymous(transport::ADDRESS)?;
            let mut callbacks = RemoteCallbacks::new();
            callbacks.transfer_progress(|progress| progress.total_objects() <= MOST_OBJECTS);
            callbacks.sideband_progress(|_| true);
            let mut options = FetchOptions::new();
            options.remote_callbacks(callbacks);
            options.download_tags(AutotagOption::None).prune(FetchPrune::Off).update_fetchhead(false);
            remote.fetch(&[refspec], Some(&mut options), None).inspect_err(|error| {
                if error.code() == ErrorCode::User {
                    call.fail(RemoteFailure::TooLarge {
                        what: "the number of its objects",
                        limit: MOST_OBJECTS as u64,
                    });
                }
            })
        })
    }

    /// Moves a branch from `expected` (`None`: it must not exist) to `commit`, whose parent that is: a compare-and-swap, because the remote itself moves a
    /// branch only from where it was when the push began, and where that was is compared here.
    ///
    /// # Errors
    /// When the remote does not answer, or refuses for any reason but a branch that moved, which is [`Swap::Lost`].
    pub fn push(
        &self,
        from: &Repository,
        branch: &str,
        expected: Option<CommitId>,
        commit: CommitId,
    ) -> Result<Swap, GitError> {
        let attempt = Attempt { full_name: format!("refs/heads/{branch}"), expected, ..Attempt::default() };
        let outcome = self.speak("push to", |_| attempt.push(from, commit));
        let refused = attempt.refused.into_inner();
        if outcome.is_ok() && refused.is_none() {
            return Ok(Swap::Moved);
        }
        let raced = attempt.elsewhere.into_inner()
            || refused.is_some()
            || matches!(&outcome, Err(GitError::Other { source, .. }) if source.code() == ErrorCode::NotFastForward);
        if raced {
            // Whatever words the server has for it, the branch itself tells whether somebody else was faster.
            let found = self.branches()?.tips.get(branch).copied();
            if found != expected {
                return Ok(Swap::Lost { found });
            }
        }
        outcome?;
        let said = [refused.unwrap_or_default(), attempt.said.into_inner()].join(" ");
        let message = self.credentials.printable(&said);
        Err(GitError::PushRefused { remote: self.url.to_string(), name: attempt.full_name, message })
    }

    /// Runs a call of libgit2 that talks to this remote. Of a failure the transport knows more than libgit2 does.
    fn speak<T>(
        &self,
        action: &'static str,
        talk: impl FnOnce(&Call) -> Result<T, git2::Error>,
    ) -> Result<T, GitError> {
        let call = Call::new(self);
        transport::with(&call, || talk(&call)).map_err(|error| match call.failure() {
            Some(failure) => self.failed(action, failure),
            None if error.class() == ErrorClass::Net => {
                let detail = self.credentials.printable(error.message());
                self.failed(action, RemoteFailure::NotGit { detail })
            }
            None => GitError::Other { action, repository: self.url.to_string(), source: error.into() },
        })
    }

    fn failed(&self, action: &'static str, source: RemoteFailure) -> GitError {
        GitError::Remote { action, remote: self.url.to_string(), source }
    }
}

/// The mirror's name for a branch.
fn mirror_ref(branch: &str) -> Result<String, git2::Error> {
    Ok(format!("refs/mirror/{}", git2::Oid::hash_object(git2::ObjectType::Blob, branch.as_bytes())?))
}

/// What became of one push, beyond what libgit2 returns.
#[derive(Default)]
struct Attempt {
    full_name: String,
    expected: Option<CommitId>,
    /// The remote's reason for refusing the ref.
    refused: RefCell<Option<String>>,
    /// What its hooks said.
    said: RefCell<String>,
    /// The branch was not where it was expected.
    elsewhere: RefCell<bool>,
}

/// Bytes of what hooks say that are kept.
const MOST_SAID: usize = 2_000;

impl Attempt {
    fn push(&self, from: &Repository, commit: CommitId) -> Result<(), git2::Error> {
        let git = from.lock();
        let mut remote = git.remote_anonymous(transport::ADDRESS)?;
        let mut callbacks = RemoteCallbacks::new();
        callbacks.push_negotiation(|updates| {
            let found = |update: &git2::PushUpdate<'_>| Some(update.src()).filter(|id| !id.is_zero());
            let expected = self.expected.map(CommitId::oid);
            if updates.iter().all(|update| found(update) == expected) {
                return Ok(());
            }
            *self.elsewhere.borrow_mut() = true;
            Err(git2::Error::new(ErrorCode::User, ErrorClass::Callback, "the branch is elsewhere"))
        });
        callbacks.push_update_reference(|_, status| {
            *self.refused.borrow_mut() = status.map(str::to_owned);
            Ok(())
        });
        callbacks.sideband_progress(|words| {
            let mut said = self.said.borrow_mut();
            if said.len() < MOST_SAID {
                said.push_str(&String::from_utf8_lossy(words));
            }
            true
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks);
        remote.push(&[format!("{commit}:{}", self.full_name)], Some(&mut options))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn libgit2_is_the_release_without_known_holes() {
        assert!(git2::Version::get().libgit2_version() >= (1, 9, 7));
    }
}
