//! Structured merge and diff: who owns which field, and what server-side apply makes of it.
//!
//! The behaviour is that of `structured-merge-diff` v6.3 under kube-apiserver 1.35, which every client relies on; the shape is ours. The flow of one apply:
//!
//! | module | step |
//! |---|---|
//! | [`path`], [`set`], [`fields_v1`] | paths into an object, sets of them, and their form in `metadata.managedFields` |
//! | [`managed`] | the managers of an object: read, sort, cap, print |
//! | [`shape`] | what a schema says about a value: scalar, list (whole, set, keyed), map (whole, by field) |
//! | [`typed`] | the walks over (value, shape): validate, field set, compare, merge, remove, extract |
//! | [`conflict`] | fields that an apply would take from others, in the server's words |
//! | [`merging`] | the merge proper, and who owns what after it |
//! | [`updater`] | the whole answer to a write: object in, object with new `managedFields` out |
//! | [`client_side`] | hand-over from `kubectl apply` without `--server-side` |
//! | [`scale`] | managers seen through the scale subresource |
//! | [`duplicates`] | list entries that server-side apply would refuse |
//!
//! Absent on purpose: defaulting, pruning, admission and storage; a caller does these before and after.

mod order;
mod zero;

pub mod client_side;
pub mod conflict;
pub mod duplicates;
pub mod fields_v1;
pub mod managed;
pub mod merging;
pub mod path;
pub mod scale;
pub mod set;
pub mod shape;
pub mod typed;
pub mod updater;

pub use conflict::{Conflict, ConflictCause, Conflicts};
pub use duplicates::find_duplicate_list_keys;
pub use fields_v1::FieldsV1Error;
pub use managed::{Managed, ManagedFieldsError, ManagerId, Managers, Operation};
pub use merging::{Force, OneShape, Versions};
pub use path::{FieldPath, PathElement};
pub use set::FieldSet;
pub use shape::Shape;
pub use typed::{Comparison, Duplicates, ValidationErrors};
pub use updater::{Applier, Endpoint, WriteError};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod testing;
