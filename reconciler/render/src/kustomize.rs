//! The kustomize dialect (`spec/rendering.md` section 2): behaviour of Kustomize 5.8.1, of 5.5.0 where both agree.
//!
//! Order of one kustomization: resources, configurations and crds, generators, components, the builtin transformers in
//! upstream's fixed order, `transformers`, vars. Once, at the very top: hashes, name references, vars, order, build metadata.
//!
//! Absent on purpose: programs and containers. Charts are rendered in process, from the repository; bases of other repositories come
//! through a trait, where they are allowed.

mod bounds;
mod build;
mod charts;
mod configurations;
mod decode;
mod error;
mod fieldspec;
mod file;
mod generate;
mod hash;
mod id;
mod json6902;
mod load;
mod metadata;
mod order;
mod patch;
mod path;
mod plugins;
mod references;
mod remote;
mod replacements;
mod resmap;
mod resource;
mod schema;
mod scope;
mod select;
mod shared;
mod specs;
mod strategic;
mod transform;
mod validators;
mod vars;

pub use build::KustomizeOptions;
pub(crate) use build::build;
pub(crate) use charts::directories as charts_of;
pub use error::KustomizeError;
pub use file::FILE_NAMES;
pub(crate) use load::is_remote;
pub use order::Order;
pub use remote::{RemoteBases, RemoteCommit, RemoteError, Remotes};
