//! The only user of Kubernetes' client: connecting, synced watches, writes, wake-ups, backoff.
//!
//! | module | gives |
//! |---|---|
//! | [`connection`] | [`Connection`]: one API server, by kubeconfig, in-cluster configuration or in process |
//! | [`resource`] | [`Resource`]: a kind with its plural and scope; what a server serves |
//! | [`request`] | reads and writes of objects as bytes, and the one error type [`ApiError`] |
//! | [`mirror`] | [`Mirror`]: a synced copy of many resources, with what changed since one last looked |
//! | [`wake`] | [`Wake`]: "look again", without a payload |
//! | [`drive`] | the loop of a controller: wake, pass, backoff, shutdown |
//!
//! Objects travel as [`apimachinery::Object`]: never through typed structs, which would drop fields newer than they are.
//! Absent on purpose: our words, and any decision.

pub mod connection;
pub mod drive;
pub mod mirror;
pub mod request;
pub mod resource;
pub mod wake;

pub use connection::{ConnectError, Connection};
pub use drive::{Again, drive};
pub use mirror::{Changes, Key, Mirror, Scope};
pub use request::{ApiError, DeleteOptions, Manager, Reason, Removal, Target};
pub use resource::{Resource, Served, ServedResource};
pub use tokio_util::sync::CancellationToken as Shutdown;
pub use wake::Wake;
