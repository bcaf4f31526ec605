//! Git: refs, commits, trees, fetch, compare-and-swap writes.
//!
//! | module | knows |
//! |---|---|
//! | [`id`] | [`CommitId`], [`BlobId`] |
//! | [`repository`] | [`Repository`]: refs and commits of one object database, and the trees of its commits |
//! | [`tree`] | [`Tree`]: files of one commit, read from the object database |
//! | `differences` | how two trees differ, at the cost of what differs |
//! | [`write`] | commits built from files without a work tree, and refs moved by compare-and-swap |
//! | [`url`] | which URLs a remote may have |
//! | [`credentials`] | what a remote is shown, kept out of everything that is printed |
//! | [`remote`] | asking a remote for its branches, fetching from it and pushing to it |
//! | [`listing`] | which branches a remote has, read from the bytes of its answer |
//! | [`failure`] | why a remote could not be asked |
//! | [`https`] | what every conversation by https has in common; one question to a server without any login |
//! | `transport` | how bytes get there: HTTPS by our own client, ssh by the `ssh` program |
//! | `egress` | which addresses a remote may have |
//! | [`newcomer`] | what `up` does for somebody without a repository: importing a directory; counting uncommitted files |
//!
//! Everything here blocks; callers in an async runtime use its blocking threads. Absent on purpose: hooks, filters, submodules, LFS,
//! reading from a work tree, `~/.gitconfig`, a Kubernetes word.

pub mod credentials;
mod differences;
mod egress;
pub mod failure;
pub mod https;
pub mod id;
pub mod listing;
pub mod newcomer;
pub mod remote;
pub mod repository;
mod transport;
pub mod tree;
pub mod url;
pub mod write;

pub use credentials::{Credentials, HttpsLogin, SshLogin, Withheld};
pub use differences::Difference;
pub use failure::RemoteFailure;
pub use id::{BlobId, CommitId};
pub use listing::RemoteBranches;
pub use remote::{Limits, Remote};
pub use repository::{Cause, GitError, Repository};
pub use tree::{Entry, Tree};
pub use url::{Scheme, Url, UrlError};
pub use write::{NewCommit, Swap};
