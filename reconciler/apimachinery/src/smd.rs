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
//! | [`merging`] | the merge and who owns what after it; conflicts |
//! | [`updater`] | the whole answer to a write: object in, object with new `managedFields` out |
//! | [`client_side`] | hand-over from `kubectl apply` without `--server-side` |
//! | [`scale`] | managers seen through the scale subresource |
//! | [`duplicates`] | list entries that server-side apply would refuse |
//!
//! Absent on purpose: defaulting, pruning, admission and storage; a caller does these before and after.

mod order;

pub mod fields_v1;
pub mod path;
pub mod set;
pub mod shape;
pub mod typed;

pub use fields_v1::FieldsV1Error;
pub use path::{FieldPath, PathElement};
pub use set::FieldSet;
pub use shape::Shape;
pub use typed::{Comparison, Duplicates, ValidationErrors};
