//! Git: refs, commits, trees, fetch, compare-and-swap writes.
//!
//! | module | knows |
//! |---|---|
//! | [`id`] | [`CommitId`], [`BlobId`] |
//! | [`repository`] | [`Repository`]: refs and commits of one object database, and the trees of its commits |
//! | [`tree`] | [`Tree`]: files of one commit, read from the object database |
//! | [`write`] | commits built from files without a work tree, and refs moved by compare-and-swap |
//! | [`remote`] | which URLs are allowed; asking, fetching from and pushing to a remote |
//! | [`transport`] | how bytes get there: HTTPS by our own client, ssh by the `ssh` program |
//! | [`newcomer`] | what `up` does for somebody without a repository: importing a directory; counting uncommitted files |
//!
//! Everything here blocks; callers in an async runtime use its blocking threads. Absent on purpose: hooks, filters, submodules, LFS,
//! reading from a work tree, `~/.gitconfig`, a Kubernetes word.

pub mod id;
pub mod newcomer;
pub mod remote;
pub mod repository;
pub mod transport;
pub mod tree;
pub mod write;

pub use id::{BlobId, CommitId};
pub use remote::{Credentials, Remote, Url, UrlError};
pub use repository::{GitError, Repository};
pub use tree::{Difference, Entry, Tree};
pub use write::{NewCommit, Swap};
