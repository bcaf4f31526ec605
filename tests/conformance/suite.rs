//! What a Kubernetes API server does, as cases that the real kube-apiserver **and** the embedded `space` must satisfy.
//!
//! A case gets a [`Target`] and nothing else; it makes a namespace of its own, and kinds under a group of its own, so cases run
//! concurrently and leave what they made. What both do is asserted exactly where a client can tell the difference (codes, reasons,
//! messages that kubectl prints), and loosely elsewhere. The trial is called `conformance::<area>::<sentence>::<target>`.

mod crds;
mod discovery;
mod errors;
mod kubectl;
mod lists;
mod objects;
mod owners;
mod patches;
mod rights;
mod scratch;
mod stored;
mod tables;
mod target;
mod watches;

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use libtest_mimic::Trial;

pub use target::{AGGREGATED_DISCOVERY, Patch, Target};

use crate::harness::{Outcome, block_on, trial};
use crate::kube::ApiServer;

/// What a case is.
type Case = fn(&Target) -> Outcome;

/// The cases of an area, named by their functions.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), $name as $crate::conformance::Case)),+]
    };
}
use cases;

/// All areas.
const AREAS: &[(&str, &[(&str, Case)])] = &[
    ("crds", crds::CASES),
    ("discovery", discovery::CASES),
    ("errors", errors::CASES),
    ("kubectl", kubectl::CASES),
    ("lists", lists::CASES),
    ("objects", objects::CASES),
    ("owners", owners::CASES),
    ("patches", patches::CASES),
    ("rights", rights::CASES),
    ("tables", tables::CASES),
    ("watches", watches::CASES),
];

/// Starts a target at first, and gives the same one ever after.
type Provide = fn() -> anyhow::Result<Target>;

/// What the cases run against; the name ends the name of the trial.
const TARGETS: &[(&str, Provide)] = &[("real", real), ("space", space)];

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, target) in TARGETS {
        for (area, cases) in AREAS {
            for (sentence, case) in *cases {
                let name = format!("conformance::{area}::{sentence}::{name}");
                trials.push(trial(name, move || case(&target()?)));
            }
        }
        trials.extend(stored::trials(name, *target));
    }
    trials
}

static REAL: Mutex<Option<ApiServer>> = Mutex::new(None);

/// The kube-apiserver that all cases share.
fn real() -> anyhow::Result<Target> {
    let mut slot = REAL.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() {
        *slot = Some(ApiServer::start("conformance")?);
    }
    Ok(slot.as_ref().context("just started")?.target().clone())
}

static SPACE: Mutex<Option<::space::Server>> = Mutex::new(None);

/// The embedded server that all cases share.
fn space() -> anyhow::Result<Target> {
    let mut slot = SPACE.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() {
        *slot = Some(block_on(async {
            let server = ::space::Server::open(::space::Options::in_memory()).await?;
            server.create_space("conformance").await?;
            anyhow::Ok(server)
        })?);
    }
    let server = slot.as_ref().context("just started")?;
    Target::new(&server.url("conformance"), server.admin_token(), server.ca_pem())
}

/// Ends the servers that cases ran against.
pub fn stop() {
    REAL.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(server) = SPACE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        block_on(server.shutdown());
    }
}
