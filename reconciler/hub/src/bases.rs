//! Bases of other repositories, fetched for kustomizations that name them.
//!
//! Each repository has a mirror of its own; a commit that is there is not asked for again. Nobody is shown a login: what has to be
//! fetched with one is no public base, and whoever writes a kustomization must not spend the logins of whoever renders it.
//!
//! Units are rendered side by side. Those that name one repository wait for each other, and a commit that could not be fetched is not
//! asked for again for a moment: a server that says nothing costs its patience once, not once per unit.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apimachinery::{Clock, Digest};
use git::{CommitId, Credentials, Limits, Remote, Repository, Url};
use render::{RemoteBases, RemoteCommit, RemoteError, Tree};

use crate::declare::GitTree;
use crate::mirror;

/// How long what could not be fetched is not asked for; shorter than the first pause of a source that tries again.
pub(crate) const REST: Duration = Duration::from_secs(3);

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
    /// Commits that are there with every file.
    trees: HashMap<CommitId, GitTree>,
    /// When the last attempt to fetch a commit failed, and why.
    failed: HashMap<CommitId, (Duration, String)>,
}

impl BaseMirrors {
    /// Keeps mirrors below a directory, which is made when it is needed.
    pub fn new(directory: PathBuf, silence: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { directory, silence, clock, mirrors: Mutex::default() }
    }

    fn fetch(&self, url: Url, commit: CommitId) -> Result<Repository, RemoteError> {
        let directory = self.directory.join(Digest::of(url.as_str().as_bytes()).short(16));
        std::fs::create_dir_all(&directory)?;
        let loopback = url.names_this_machine();
        let limits = Limits { silence: self.silence, loopback };
        let remote = Remote { url, credentials: Credentials::default(), limits };
        let (repository, ()) = mirror::fetch(&directory, |mirror| remote.fetch_commit(mirror, commit))?;
        Ok(repository)
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
        if let Some(tree) = mirror.trees.get(&commit) {
            return Ok(Arc::new(tree.clone()));
        }
        if let Some((at, why)) = mirror.failed.get(&commit)
            && self.clock.monotonic() < *at + REST
        {
            return Err(why.clone().into());
        }
        let fetched =
            self.fetch(url, commit).and_then(|mirror| Ok((GitTree::new(mirror.tree(commit)?), mirror)));
        match fetched {
            Ok((tree, repository)) => {
                mirror.failed.remove(&commit);
                // The mirror may have been made anew, and lacks what was in it before.
                let known = std::mem::take(&mut mirror.trees).into_keys();
                let there =
                    known.filter_map(|known| Some((known, GitTree::new(repository.tree(known).ok()?))));
                mirror.trees = there.collect();
                mirror.trees.insert(commit, tree.clone());
                Ok(Arc::new(tree))
            }
            Err(error) => {
                mirror.failed.insert(commit, (self.clock.monotonic(), error.to_string()));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use jiff::Timestamp;

    use super::*;

    /// A clock that stands still until somebody turns it; in seconds.
    #[derive(Debug, Default)]
    struct Turned(AtomicU64);

    impl Clock for Turned {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_commit_that_cannot_be_fetched_is_not_asked_for_again_at_once() {
        static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/o/r", server.local_addr().unwrap());
        // It hangs up on everybody. The thread ends with the process.
        std::thread::spawn(move || {
            for stream in server.incoming() {
                CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                drop(stream);
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Turned::default());
        let mirrors = BaseMirrors::new(directory.path().to_owned(), Duration::from_secs(5), clock.clone());
        let ask = || {
            let wanted = RemoteCommit { url: url.clone(), commit: "a".repeat(40) };
            let said = mirrors.tree(&wanted).err().unwrap().to_string();
            (said, CONNECTIONS.load(Ordering::Relaxed))
        };
        let first = ask();
        assert!(first.1 > 0);
        assert_eq!(ask(), first);
        clock.0.store(REST.as_secs(), Ordering::Relaxed);
        let later = ask();
        assert!(later.1 > first.1, "{later:?}");
        assert_eq!(later.0, first.0);
    }
}
