//! Kubernetes' data model, without I/O and without a word of gitstellar's.
//!
//! | module | knows |
//! |---|---|
//! | [`names`] | typed names: groups, kinds, plurals, namespaces; identities of objects and of resources |
//! | [`object`] | an object as canonical JSON bytes plus a parsed header |
//! | [`digest`] | SHA-256 as a value |
//! | [`clock`] | time as a constructor argument |
//! | [`kinds`] | which kinds there are, built-in and custom: names, scopes, versions, schemas |
//! | [`schema`] | types, list and map types, merge keys, defaults and constraints of built-in and custom kinds |
//! | [`field_error`] | errors about a field, worded as an API server words them |
//! | [`syntax`] | which texts may be names, label keys and label values |
//! | [`selector`], [`field_selector`] | label selectors, field selectors |
//! | [`jsonpath`] | JSON paths in kubectl's dialect |
//! | [`quantity`], [`intstr`] | exact quantities and their canonical form; numbers or texts |
//! | [`time`] | times and durations |
//! | [`normal`] | what an API server makes of a desired object |
//! | [`patch`] | JSON patch, JSON merge patch, strategic merge patch |
//! | [`smd`] | structured merge and diff: field ownership and server-side apply |
//!
//! Absent on purpose: any crate of ours, the network, files, environment, randomness.

pub mod clock;
pub mod digest;
mod facts;
pub mod field_error;
pub mod field_selector;
mod goprint;
pub mod intstr;
pub mod jsonpath;
pub mod kinds;
pub mod names;
pub mod normal;
pub mod object;
pub mod patch;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod smd;
pub mod syntax;
pub mod time;

pub use clock::{Clock, SystemClock, Timestamp};
pub use digest::Digest;
pub use names::{
    Group, GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource, Kind, Name,
    Namespace, ObjectId, Plural, Version,
};
pub use object::{Header, Object, ObjectError};
