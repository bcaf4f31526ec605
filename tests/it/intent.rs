//! The intent law: intent(get(apply(normal(x)))) = normal(x), but for what sync itself corrects after the server's answer.
//!
//! Every object goes the way that sync goes: its normal form is planned, written, compared with the answer, corrected where the answer differs, read again. What
//! is read must be as declared, and a second sync must find nothing to write. On a real kube-apiserver and on `space`, and on both alike.
//!
//! | file | knows |
//! |---|---|
//! | `law` | the way of one object, and what may come of it |
//! | `ground` | a server, the namespaces and the custom kinds that objects need |
//! | `real` | the objects of `../shared/input`, where that is present |
//! | `made` | objects of every kind, with what manifests hold and servers change |
//! | `tally` | how often what came out |

mod ground;
mod law;
mod made;
mod real;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::Value;

use self::ground::{Ground, Server};
use self::law::Fate;
use crate::harness::{Outcome, trial};

/// An object, and where it comes from.
pub struct Specimen {
    pub origin: String,
    pub value: Value,
    /// SOPS cipher text.
    pub encrypted: bool,
}

/// Where specimens come from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Collection {
    Real,
    Made,
}

impl Collection {
    fn specimens(self) -> anyhow::Result<Vec<Specimen>> {
        match self {
            Self::Real => real::specimens(),
            Self::Made => made::specimens(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Real => "real_objects",
            Self::Made => "made_objects",
        }
    }
}

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for collection in [Collection::Real, Collection::Made] {
        let name = collection.name();
        for server in [Server::Real, Server::Space] {
            trials.push(trial(
                format!("intent::{name}_come_back_as_they_were_declared::{}", server.name()),
                move || holds(collection, server),
            ));
        }
        trials
            .push(trial(format!("intent::both_servers_make_the_same_of_{name}"), move || alike(collection)));
    }
    trials
}

fn holds(collection: Collection, server: Server) -> Outcome {
    let fates = fates(collection, server)?;
    let counts = tally::counts(&fates);
    println!("{} on {}: {counts}", collection.name(), server.name());
    ensure!(counts.as_declared > 0, "no object came back at all");
    let broken = tally::broken(&fates);
    ensure!(broken.is_empty(), "{} objects break the law:\n{}", broken.len(), tally::listed(&broken));
    Ok(())
}

/// What the real server stores, `space` stores alike. What only the real one refuses is counted: validation is the matter of `conformance`.
fn alike(collection: Collection) -> Outcome {
    let (real, space) = (fates(collection, Server::Real)?, fates(collection, Server::Space)?);
    let pairs = || real.iter().zip(space.iter());
    let lenient = pairs().filter(|((_, real), (_, space))| real.is_refusal() && !space.is_refusal()).count();
    println!("{}: {lenient} that the real server refuses are stored by space", collection.name());
    let differences: Vec<String> = pairs()
        .filter(|((_, real), (_, space))| real != space && !real.is_refusal())
        .map(|((origin, real), (_, space))| format!("{origin}:\n  real:  {real}\n  space: {space}"))
        .collect();
    ensure!(
        differences.is_empty(),
        "{} objects fare differently:\n{}",
        differences.len(),
        tally::listed(&differences)
    );
    Ok(())
}

/// What became of every specimen, by its origin.
type Fates = Arc<Vec<(String, Fate)>>;

/// The fates of a collection on a server, found out once per test run.
fn fates(collection: Collection, server: Server) -> anyhow::Result<Fates> {
    static KNOWN: Mutex<BTreeMap<(Collection, Server), Fates>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(fates) = known.get(&(collection, server)) {
        return Ok(Arc::clone(fates));
    }
    let specimens = collection.specimens()?;
    let fates = server.with(|target| {
        let mut ground = Ground::new(target)?;
        ground.serve_custom_kinds(&specimens)?;
        let fates = specimens
            .iter()
            .map(|specimen| Ok((specimen.origin.clone(), law::fate(&mut ground, specimen)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        ground.clear()?;
        Ok(fates)
    })?;
    Ok(Arc::clone(known.entry((collection, server)).or_insert(Arc::new(fates))))
}
