//! `gitstellar up`, the program itself, killed at random moments.

use std::collections::BTreeMap;

use ::kube::Client;
use anyhow::Context as _;
use serde_json::Value;

use super::super::first_hour::Desk;
use super::super::program::Program;
use super::super::recorder::Recorder;
use super::super::spaces::{CLUSTERS, configured, names};
use super::super::stage::cluster_file;
use super::expected::{self, Ledger};
use super::random::Random;
use super::{FOLLOWED, judge};
use crate::harness::{Outcome, block_on, same};

/// Commits, each with a kill.
const KILLS: usize = 10;
/// Most events that go by before a kill.
const EVENTS: usize = 150;
/// Most looks at whether that many have come.
const MOST_LOOKS: usize = 20;

/// Ten kills on one data directory, and a run without any: the end is the same.
pub fn killed_program() -> Outcome {
    let mut random = Random::new()?;
    println!("seed {} (GITSTELLAR_SEED={0} replays it)", random.seed);
    let seed = random.seed;
    let undisturbed = Desk::new()?;
    for number in 1..=KILLS {
        commit(&undisturbed, number)?;
    }
    let wanted = undisturbed.until_synced()?;
    let desk = Desk::new()?;
    let found = killed(&desk, &mut random).with_context(|| format!("seed {seed}"))?;
    for field in ["commit", "converged", "placed", "ready", "units", "clusters"] {
        same(field, &found[field], &wanted[field])?;
    }
    same("the status branch", told(&desk)?, told(&undisturbed)?)
}

/// All files of the status branch.
fn told(desk: &Desk) -> anyhow::Result<BTreeMap<String, String>> {
    let names = desk.git(&["ls-tree", "-r", "--name-only", "gitstellar/status"])?;
    let file = |name: &str| Ok((name.to_owned(), desk.git(&["show", &format!("gitstellar/status:{name}")])?));
    names.lines().map(file).collect()
}

fn commit(desk: &Desk, number: usize) -> Outcome {
    for (name, region, tier) in CLUSTERS {
        desk.write(&format!("clusters/{name}.yaml"), &cluster_file(name, region, tier))?;
    }
    expected::write(|path, text| desk.write(path, text), number)?;
    desk.commit(&format!("Commit {number}"))
}

/// The commits, each with a kill while it is on its way; what the program says at the end.
fn killed(desk: &Desk, random: &mut Random) -> anyhow::Result<Value> {
    commit(desk, 1)?;
    // The first time undisturbed, so that there is something to watch.
    desk.until_synced()?;
    let mut up = Some(desk.up()?);
    let recorder = record(desk)?;
    for number in 2..=KILLS {
        recorder.say(format!("commit {number}"));
        commit(desk, number)?;
        let moment = recorder.len() + random.below(EVENTS);
        // That may be more events than there are; then it has had time enough.
        let mut looks = 0;
        recorder.until(moment, || {
            looks += 1;
            up.as_mut().map_or(Ok(()), Program::still_runs)?;
            Ok(looks > MOST_LOOKS)
        })?;
        recorder.say("killed");
        drop(up.take());
        up = Some(desk.up()?);
    }
    drop(up);
    let end = desk.until_synced()?;
    let mut again = desk.up()?;
    again.until_it_says(&["Everything is in sync"], 0)?;
    judge(&recorder, Ledger::of_simulated_clusters(1))?;
    Ok(end)
}

/// Follows the spaces of a running program, also over its kills: address, token and versions stay.
fn record(desk: &Desk) -> anyhow::Result<Recorder> {
    let kubeconfig = desk.path("data").join("kubeconfig");
    let clients = block_on(async {
        let mut clients = BTreeMap::new();
        for name in names() {
            clients.insert(name, Client::try_from(configured(&kubeconfig, name).await?)?);
        }
        anyhow::Ok(clients)
    })?;
    Ok(Recorder::start(|space| clients[space].clone(), &FOLLOWED))
}
