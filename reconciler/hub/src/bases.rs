//! Bases of other repositories, fetched for kustomizations that name them.
//!
//! Each repository has a mirror of its own; a commit that is there is not asked for again. Nobody is shown a login: what has to be
//! fetched with one is no public base, and whoever writes a kustomization must not spend the logins of whoever renders it.
//!
//! Units are rendered side by side. Those that name one repository wait for each other, and a commit that could not be fetched is not
//! asked for again for a moment: a server that says nothing costs its patience once, not once per unit.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apimachinery::{Clock, Digest};
use git::{CommitId, Credentials, Limits, Remote, Repository, Url};
use render::{RemoteBases, RemoteCommit, RemoteError, Tree};

use crate::declare::GitTree;

/// How long a commit that could not be fetched is not asked for; shorter than the first pause of a source that tries again.
const REST: Duration = Duration::from_secs(3);

/// Mirrors of other repositories, below one directory.
pub struct BaseMirrors {
    directory: PathBuf,
    /// How long a server may say nothing.
    silence: Duration,
    clock: Arc<dyn Clock>,
    /// By URL.
    mirrors: Mutex<HashMap<String, Arc<Mutex<Mirror>>>>,
}

/// What is known of one repository.
#[derive(Default)]
struct Mirror {
    repository: Option<Repository>,
    /// Commits that are there with every file.
    whole: HashSet<CommitId>,
    /// When the last attempt to fetch a commit failed, and why.
    failed: HashMap<CommitId, (Duration, String)>,
}

impl BaseMirrors {
    /// Keeps mirrors below a directory, which is made when it is needed.
    pub fn new(directory: PathBuf, silence: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { directory, silence, clock, mirrors: Mutex::default() }
    }

    fn open(&self, url: &Url) -> Result<Repository, RemoteError> {
        let directory = self.directory.join(Digest::of(url.as_str().as_bytes()).short(16));
        std::fs::create_dir_all(&directory)?;
        Ok(Repository::open_or_create_bare(&directory)?)
    }

    fn fetch(&self, url: Url, repository: &Repository, commit: CommitId) -> Result<(), RemoteError> {
        // Who allows this machine by its name wants just that. Another name that leads here does not count.
        let loopback = matches!(url.host(), "localhost" | "127.0.0.1" | "::1");
        let limits = Limits { silence: self.silence, loopback };
        Remote { url, credentials: Credentials::default(), limits }.fetch_commit(repository, commit)?;
        Ok(())
    }
}

impl RemoteBases for BaseMirrors {
    fn tree(&self, wanted: &RemoteCommit) -> Result<Arc<dyn Tree>, RemoteError> {
        let url = Url::parse(&wanted.url)?;
        let commit = CommitId::parse(&wanted.commit).ok_or("the id of the commit is none")?;
        let mirror = {
            let mut mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(mirrors.entry(wanted.url.clone()).or_default())
        };
        let mut mirror = mirror.lock().unwrap_or_else(PoisonError::into_inner);
        let repository = match &mirror.repository {
            Some(repository) => repository.clone(),
            None => mirror.repository.insert(self.open(&url)?).clone(),
        };
        if !mirror.whole.contains(&commit) {
            if let Some((at, why)) = mirror.failed.get(&commit)
                && self.clock.monotonic() < *at + REST
            {
                return Err(why.clone().into());
            }
            if let Err(error) = self.fetch(url, &repository, commit) {
                mirror.failed.insert(commit, (self.clock.monotonic(), error.to_string()));
                return Err(error);
            }
            mirror.failed.remove(&commit);
            mirror.whole.insert(commit);
        }
        Ok(Arc::new(GitTree::new(repository.tree(commit)?)))
    }
}
