//! The read-only file tree that everything here renders from: a git commit, a directory, or a map in memory.
//!
//! Symlinks are data (`Entry::Symlink`); they are followed by [`Files`], in one place, so that no implementation of the
//! trait can forget the jail.

mod changes;
mod files;
mod mem;
mod path;

use std::sync::Arc;

use crate::error::Trouble;

pub use changes::Changes;
pub use files::ReadSet;
pub(crate) use files::{Deadline, Files, Found};
pub use mem::MemTree;
pub use path::{PathError, RepoPath};

/// Identity of a file's bytes within one store: equal ids mean equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(Arc<str>);

impl BlobId {
    /// Takes the store's own spelling of the id, for instance a git object id in hex.
    pub fn new(id: &str) -> Self {
        BlobId(Arc::from(id))
    }

    /// The id as the store spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is found at one path, without following a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File {
        /// The identity of the content, where the store knows it without reading the file.
        blob: Option<BlobId>,
        /// Length in bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link with the text it holds.
    Symlink {
        /// The text of the link, relative to the directory that holds it.
        target: String,
    },
    /// A submodule, socket, device or anything else that holds no text.
    Other,
}

/// A read-only tree of files at one revision. Paths are `/`-separated, relative to the repository's root, without `.` or `..`.
pub trait Tree: Send + Sync {
    /// What is at `path`, without following a link there; `None` when there is nothing.
    fn entry(&self, path: &RepoPath) -> Result<Option<Entry>, TreeError>;
    /// The bytes of a regular file.
    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError>;
    /// The entries of a directory, sorted by name.
    fn list(&self, dir: &RepoPath) -> Result<Vec<(String, Entry)>, TreeError>;
}

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// There is nothing at the path.
    #[error("{path}: there is no such file or directory in the repository")]
    Missing {
        /// The path that was asked for.
        path: RepoPath,
    },
    /// A directory was asked for as a file.
    #[error("{path}: is not a file")]
    NotAFile {
        /// The path that was asked for.
        path: RepoPath,
    },
    /// A file was asked for as a directory.
    #[error("{path}: is not a directory")]
    NotADirectory {
        /// The path that was asked for.
        path: RepoPath,
    },
    /// A link that leads out of the repository.
    #[error("{path}: the symlink leads out of the repository; only targets inside it are followed")]
    Escapes {
        /// The link.
        path: RepoPath,
    },
    /// Too many links in a row, or a cycle of links.
    #[error("{path}: more than {limit} symlinks in a row; point the link at the file itself")]
    TooManyLinks {
        /// The path that was asked for.
        path: RepoPath,
        /// The limit.
        limit: usize,
    },
    /// A file over the size limit.
    #[error("{path}: {size} bytes are more than the limit of {limit}; split the file")]
    TooLarge {
        /// The file.
        path: RepoPath,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The unit takes too long.
    #[error("{path}: the unit takes more than {seconds} s to render; split it")]
    TooSlow {
        /// What was about to be read.
        path: RepoPath,
        /// The limit in seconds.
        seconds: u64,
    },
    /// A path that is no path inside the repository.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The store failed.
    #[error("{path}: cannot be read from the repository")]
    Store {
        /// The path that was asked for.
        path: RepoPath,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TreeError {
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            TreeError::TooManyLinks { .. } | TreeError::TooLarge { .. } | TreeError::TooSlow { .. } => {
                Trouble::OverLimit
            }
            TreeError::Escapes { .. } | TreeError::Path(_) => Trouble::Refused,
            _ => Trouble::Failed,
        }
    }
}
