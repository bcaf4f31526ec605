//! Room `render`.

mod digest;
mod directory;
mod tree;
pub mod yaml;

pub use directory::Directory;
pub use tree::{BlobId, Entry, MemTree, PathError, ReadSet, RepoPath, Tree, TreeError};
