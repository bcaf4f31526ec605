//! Real Kubernetes API servers, for every claim about how one behaves.
//!
//! | file | knows |
//! |---|---|
//! | `assets` | where kube-apiserver, its controllers, etcd and kubectl come from |
//! | `leash` | how a process never outlives the tests |
//! | `etcd`, `pki`, `server` | one etcd, and an API server with its controllers |
//! | `fleet` | a pool of servers that trials take turns with, and how a used one becomes new |
//! | `kubectl` | the pinned kubectl, without anything of the user's |
//! | `proofs` | trials of the above |
//!
//! Measured on two cores, Kubernetes v1.35.4: the programs take 11 minutes to build, once. A server with its controllers is ready after 3 s,
//! 5 s with a compiler running beside it. The server has 260 MiB, its controllers 90 MiB, and etcd 75 MiB for all servers together.
//! A reset takes 0.1 to 0.3 s.

pub mod assets;
mod etcd;
pub mod fleet;
mod kubectl;
pub mod leash;
mod pki;
mod proofs;
mod server;

use libtest_mimic::Trial;

pub use etcd::free_port;
pub use fleet::{fleet, servers};
pub use kubectl::{kubectl, kubectl_ok, kubectl_with_input};
pub use server::ApiServer;

pub fn trials() -> Vec<Trial> {
    proofs::trials()
}

/// Ends every server that was started, and removes its files.
pub fn stop() {
    crate::conformance::stop();
    fleet::stop();
    kubectl::stop();
    etcd::stop();
}
