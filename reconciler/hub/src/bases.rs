//! Bases of other repositories, fetched for kustomizations that name them.
//!
//! Each repository has a mirror of its own; a commit that is there is not asked for again. Nobody is shown a login: what has to be
//! fetched with one is no public base, and whoever writes a kustomization must not spend the logins of whoever renders it.

use std::path::PathBuf;
use std::sync::Arc;

use apimachinery::Digest;
use git::{CommitId, Credentials, Limits, Remote, Repository, Url};
use render::{RemoteBases, RemoteCommit, RemoteError, Tree};

use crate::declare::GitTree;

/// Mirrors of other repositories, below one directory.
#[derive(Clone, Debug)]
pub struct BaseMirrors {
    directory: PathBuf,
}

impl BaseMirrors {
    /// Keeps mirrors below a directory, which is made when it is needed.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }
}

impl RemoteBases for BaseMirrors {
    fn tree(&self, wanted: &RemoteCommit) -> Result<Arc<dyn Tree>, RemoteError> {
        let url = Url::parse(&wanted.url)?;
        let commit = CommitId::parse(&wanted.commit).ok_or("the id of the commit is none")?;
        let mirror = self.directory.join(Digest::of(url.as_str().as_bytes()).short(16));
        std::fs::create_dir_all(&mirror)?;
        let mirror = Repository::open_or_create_bare(&mirror)?;
        // Who allows this machine by its name wants just that. Another name that leads here does not count.
        let loopback = matches!(url.host(), "localhost" | "127.0.0.1" | "::1");
        let limits = Limits { loopback, ..Limits::default() };
        Remote { url, credentials: Credentials::default(), limits }.fetch_commit(&mirror, commit)?;
        Ok(Arc::new(GitTree::new(mirror.tree(commit)?)))
    }
}
