//! Room `space`: an embedded Kubernetes API server. One process, one port, one data file, any number of spaces.
//!
//! ```ignore
//! let server = space::Server::open(space::Options::in_memory()).await?;
//! server.create_space("wds1").await?;
//! server.url("wds1");            // https://127.0.0.1:PORT/spaces/wds1
//! server.ca_pem();               // verifies it
//! server.admin_token();          // bearer token of system:masters
//! server.kubeconfig_cluster("wds1");
//! let client = kube::Client::new(server.service("wds1", space::Identity::admin())?, "default"); // no socket
//! server.shutdown().await;
//! ```
//!
//! A request flows through these modules, in this order:
//!
//! | module | knows |
//! |---|---|
//! | [`server`] | options, data directory, port, certificates, tokens; TLS and the in-process service; shutdown |
//! | [`identity`] | who asks |
//! | [`request`] | what is asked: verb, resource, namespace, name, query |
//! | `handler` | the way of one request: authenticate, authorise, dispatch, answer |
//! | [`registry`], [`resource`] | what is served: built-in kinds and those of CRDs |
//! | `read` | get, list, watch: resourceVersion, continue tokens, selectors, bookmarks |
//! | `write` | create, update, patch, delete: one pipeline for all kinds |
//! | `body`, `answer` | media types: JSON, YAML, protobuf in; JSON, Table, PartialObjectMetadata out |
//! | `defaults`, `validate`, `warnings`, `allocate` | what Go code does to built-in kinds beyond their schemas |
//! | [`space`](mod@space) | one space: registry, caches, versions; `get`, `list`, `change` for controllers |
//! | `cache` | objects of one resource in memory, the ring of its last events |
//! | [`store`] | what survives kill -9: one redb file, or nothing |
//! | `discovery`, `openapi`, `table` | what clients ask before they ask |
//! | `crd`, `gc`, `lifecycle`, `controllers` | custom kinds; owners; namespaces; the task that drives them |
//! | `admission`, `protection` | what admission plugins do to pods, claims and volumes |
//! | `rbac`, `review`, `scale`, `proto` | rights; reviews; the scale subresource; protobuf bodies |
//! | [`status`] | failures, worded as the server words them |
//!
//! Invariants. An acknowledged write is on the disk, and nobody reads a write that is not. resourceVersions of a space rise by every write, never repeat, and survive
//! restarts. A stored object holds canonical JSON in its storage version, with resourceVersion and managedFields.
//!
//! Absent on purpose: any crate of ours but `apimachinery`; aggregation, webhooks, conversion by webhook; anonymous access; a listener that is not loopback.

pub mod identity;
pub mod ids;
pub mod registry;
pub mod request;
pub mod resource;
pub mod server;
pub mod space;
pub mod status;
pub mod store;

mod admission;
mod allocate;
mod answer;
mod body;
mod builtin;
mod cache;
mod controllers;
mod convert;
mod counters;
mod crd;
mod defaults;
mod discovery;
mod gc;
mod handler;
mod lifecycle;
mod normal;
mod openapi;
mod protection;
mod proto;
mod rbac;
mod read;
mod review;
mod scale;
mod special_parts;
mod strategy;
mod table;
mod validate;
mod warnings;
mod write;
mod writer;

pub use answer::Body;
pub use counters::{Counted, Counts};
pub use handler::Service;
pub use identity::Identity;
pub use ids::{Ids, SeededIds, SystemIds};
pub use server::{OpenError, Options, Server, SpaceError};
pub use status::{Answer, ApiError};
