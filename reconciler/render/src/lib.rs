//! Room `render`: from a tree of files at one commit to Kubernetes objects.
//!
//! The map:
//!
//! | file | knows |
//! |---|---|
//! | `tree` | trait [`Tree`], paths, links and their jail, what was read; [`MemTree`] for tests |
//! | `directory` | a directory as a tree: the only I/O of the room |
//! | `yaml` | values with places, the loader with both tools' readings and its budgets, the emitter |
//! | `unit` | one unit: which dialect, the render, its result |
//! | `error` | why a unit cannot be rendered, told as a whole |
//! | `limits` | every limit by its name, and time, by somebody else's clock |
//! | `plain` | directories of manifests |
//! | `kustomize` | kustomizations |
//! | `helm` | charts |
//! | `discover` | which units a repository has |
//! | `documents` | parsed documents kept by content, so that none is parsed twice in a row |
//! | `renders`, `parts` | what is kept from commit to commit, so that cost follows the change |
//!
//! Sister rooms: `git` has commits (`hub` makes them a [`Tree`]), `plan` takes the objects, `cli` prints them.
//!
//! What this room never knows: clusters, git history, the network, the clock, a process. A render depends on the tree, the path
//! and the options alone; the same three give the same bytes.
//!
//! No message holds a value of an object, only places, names and kinds: the object may be a Secret.

mod directory;
mod discover;
mod documents;
mod error;
pub mod helm;
pub mod kustomize;
mod limits;
mod object;
mod parts;
mod plain;
mod renders;
mod tree;
mod unit;
pub mod yaml;

pub use directory::Directory;
pub use discover::{DiscoveredUnit, UnitKind, UnitProblem, discover, unit_name};
pub use error::{RenderError, Trouble};
pub use helm::{
    ChartLock, ChartNeed, Charts, Engine, EngineLimits, EngineOptions, HelmError, HelmOptions, HelmProgram,
    LOCK_FILE, LockedChart, Program, ProgramError, ProgramRequest, RemoteCharts, TemplateError,
    TemplateProblem,
};
pub use kustomize::{
    KustomizeError, KustomizeOptions, Order, RemoteBases, RemoteCommit, RemoteError, Remotes,
};
pub use limits::{LIMITS, Limit, LimitError, TimeLimit, limits_reference};
pub use object::{Dialect, Hook, Origin, OriginalId, Phase, Rendered, RenderedObject};
pub use plain::{PlainError, PlainOptions, is_manifest};
pub use renders::{Asked, Parts, Renders};
pub use tree::{BlobId, Changes, Entry, MemTree, PathError, ReadSet, RepoPath, Tree, TreeError};
pub use unit::{RenderOptions, render_unit};

#[cfg(test)]
mod stories;
