//! Room `render`.

mod digest;
mod directory;
pub mod kustomize;
mod object;
mod plain;
mod tree;
mod unit;
pub mod yaml;

pub use directory::Directory;
pub use kustomize::{KustomizeError, KustomizeOptions, Order};
pub use object::{Dialect, Origin, OriginalId, Rendered, RenderedObject};
pub use plain::{PlainError, PlainOptions};
pub use tree::{BlobId, Entry, MemTree, PathError, ReadSet, RepoPath, Tree, TreeError};
pub use unit::{RenderError, RenderOptions, render_unit};
