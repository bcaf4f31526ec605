//! What `up` prints. Progress goes to the error stream, the final state to the output, so that a script can read it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use hub::World;
use serde_json::{Value, json};
use space::Server;

use super::convergence::State;
use super::place::{Place, Repo};
use crate::get::table;

/// At most this many laggards are listed at a time.
const MOST_LAGGARDS: usize = 12;

/// The terminal of one `up`.
pub(super) struct Screen {
    json: bool,
    told: Mutex<String>,
    troubles: Mutex<BTreeSet<String>>,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self { json, told: Mutex::default(), troubles: Mutex::default() }
    }

    pub(super) fn place(&self, place: &Place) {
        if let Some(from) = &place.imported_from {
            eprintln!("{} is not a git repository; imported it into {}", from.display(), place.repository);
        }
        match place.uncommitted {
            0 => {}
            1 => eprintln!("1 uncommitted file is not synced"),
            n => eprintln!("{n} uncommitted files are not synced"),
        }
    }

    pub(super) fn follows(&self, place: &Place, branch: Option<&str>) {
        let words =
            branch.map_or_else(|| "its default branch".to_owned(), |branch| format!("branch {branch}"));
        eprintln!("Repository  {} ({words})", place.repository);
        eprintln!("Data        {}", place.data_dir.display());
        if let (Some(branch), Some(checked_out)) = (branch, &place.checked_out)
            && branch != checked_out
        {
            eprintln!(
                "The branch {checked_out} is checked out there; to follow it, start with --ref {checked_out}"
            );
        }
    }

    pub(super) fn spaces(&self, server: &Server, place: &Place) {
        eprintln!("Spaces      https://{}/spaces/…", server.address());
        eprintln!("Kubeconfig  {}", place.data_dir.join("kubeconfig").display());
    }

    /// Says what changed since the last call, one line at a time: first what is wrong and does not get better by waiting.
    pub(super) fn progress(&self, state: &State) {
        let mut troubles = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for trouble in state.troubles.difference(&troubles) {
            eprintln!("! {trouble}");
        }
        if !troubles.is_empty() && state.troubles.is_empty() {
            eprintln!("! no more trouble");
        }
        troubles.clone_from(&state.troubles);
        let commit = state
            .commit
            .as_deref()
            .map_or_else(|| "no commit read yet".to_owned(), |c| format!("commit {}", &c[..c.len().min(7)]));
        let (placed, ready) = state.pairs;
        let line = format!("{commit}: {ready} of {placed} placements ready");
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *told != line {
            eprintln!("{line}");
            *told = line;
        }
    }

    pub(super) fn final_state(&self, world: &World, state: &State, took: Duration) {
        let rows = unit_rows(world);
        if self.json {
            println!(
                "{}",
                json!({
                    "commit": state.commit, "converged": state.converged, "placed": state.pairs.0, "ready": state.pairs.1,
                    "seconds": took.as_secs_f64(), "units": rows, "laggards": state.laggards,
                    "clusters": world.its.inventory().into_keys().map(|c| c.to_string()).collect::<Vec<_>>(),
                })
            );
            return;
        }
        println!("\n{}\n", table(&["unit", "objects", "clusters", "ready", "message"], &rows));
        for laggard in state.laggards.iter().take(MOST_LAGGARDS) {
            println!("  not ready: {laggard}");
        }
        if state.laggards.len() > MOST_LAGGARDS {
            println!("  … and {} more", state.laggards.len() - MOST_LAGGARDS);
        }
        if state.converged {
            println!("Everything is in sync, {:.1} s.", took.as_secs_f64());
        } else {
            println!("Not in sync after {:.1} s.", took.as_secs_f64());
        }
    }

    pub(super) fn hints(&self, place: &Place) {
        println!("\nTry next:");
        println!("  export KUBECONFIG={}", place.data_dir.join("kubeconfig").display());
        println!("  kubectl --context cluster1 get pods -A");
        println!("  kubectl --context wds1 get units,bindingpolicies,bdg");
        match &place.repository {
            Repo::Local(path) => {
                let path = path.display();
                println!("  edit a file in {path}, commit, and watch it arrive here");
                println!("  git -C {path} show gitstellar/status:README.md");
            }
            Repo::Remote(_) => {
                println!("  push a commit, and watch it arrive here (--interval says how soon)");
                println!("  git fetch origin gitstellar/status, then: git show FETCH_HEAD:README.md");
            }
        }
        println!("Ctrl-C stops; the same command resumes.");
    }

    pub(super) fn goodbye(&self) {
        eprintln!("stopping");
    }
}

fn unit_rows(world: &World) -> Vec<Value> {
    let fleet = world.board.fleet();
    fleet
        .units
        .iter()
        .map(|((_, name), unit)| {
            let counts = &unit.status.counts;
            let ready = unit.status.conditions.iter().find(|condition| condition.kind == "Ready");
            json!({
                "unit": name.as_str(), "objects": counts.objects, "clusters": counts.clusters,
                "ready": format!("{}/{}", counts.ready, counts.placed), "message": ready.map(|c| c.message.clone()),
            })
        })
        .collect()
}
