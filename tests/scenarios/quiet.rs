//! When nothing is new, nothing is read and nothing is written.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::Story;
use super::first_sync::{CART, shop};
use super::stage::{CONFIG_MAP, LIMIT, Stage};
use crate::harness::{Outcome, eventually, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![("a_poll_that_finds_nothing_new_parses_no_document_and_writes_nothing", nothing_new)]
}

/// Looks at which nothing may be written.
const LOOKS: usize = 20;

fn nothing_new(stage: &mut Stage) -> Outcome {
    for cluster in ["cluster1", "cluster2"] {
        stage.simulate(cluster);
    }
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "runs", |cart| cart["status"]["readyReplicas"] == 2)?;
    stage.until_status(|readme| readme.contains("1 of 1 unit ready"))?;
    until_silent(stage)?;
    let (looks, documents) = cost(stage)?;
    ensure!(documents > 0, "the first commit was parsed");
    // Looking is no reason to look again.
    let mut quiet = 0;
    eventually("a while goes by", LIMIT, || {
        quiet += 1;
        Ok((quiet == LOOKS).then_some(()))
    })?;
    let more = cost(stage)?.0 - looks;
    ensure!(more <= 1, "the repository was looked at {more} times, and nothing had changed");
    for round in 1..=5 {
        // Every controller looks again, and so does every agent: something else has changed in its cluster.
        stage.wake_all()?;
        for cluster in stage.clusters() {
            let other = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "other", "namespace": "default" }, "data": { "round": round.to_string() } });
            stage.apply_now(cluster, CONFIG_MAP, &other)?;
        }
        eventually("the repository was looked at once more", LIMIT, || {
            Ok((cost(stage)?.0 >= looks + round).then_some(()))
        })?;
    }
    let mut quiet = 0;
    eventually("nothing is written", LIMIT, || {
        let writes = stage.writes();
        ensure!(writes.is_empty(), "these were written: {writes:#?}");
        quiet += 1;
        Ok((quiet == LOOKS).then_some(()))
    })?;
    same("documents parsed", cost(stage)?.1, documents)
}

/// Waits until hub and agents have had nothing to write for a while.
fn until_silent(stage: &Stage) -> Outcome {
    let mut quiet = 0;
    eventually("nothing is written any more", LIMIT, || {
        quiet = if stage.writes().is_empty() { quiet + 1 } else { 0 };
        Ok((quiet == LOOKS).then_some(()))
    })
}

/// How often the hub has looked at the repository, and how many documents it has parsed.
fn cost(stage: &Stage) -> anyhow::Result<(u64, u64)> {
    let board = stage.source_board().context("the hub knows the source")?;
    Ok((board.looks, board.documents_parsed))
}
