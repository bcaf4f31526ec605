//! What `up` prints. Progress goes to the error stream, the final state to the output, so that a script can read it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hub::World;
use serde_json::{Value, json};
use space::Server;

use super::convergence::State;
use super::place::Place;
use crate::get::table;

/// At most this many laggards are listed at a time.
const MOST_LAGGARDS: usize = 12;

/// What goes by itself within this time is nobody's concern.
const PATIENCE: Duration = Duration::from_secs(1);
/// When nothing waits to be told.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// The terminal of one `up`.
pub(super) struct Screen {
    json: bool,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    progress: String,
    /// Troubles that are there now: since when, and whether they have been told.
    troubles: BTreeMap<String, (Instant, bool)>,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self { json, told: Mutex::default() }
    }

    pub(super) fn place(&self, place: &Place) {
        if let Some(from) = &place.imported_from {
            eprintln!(
                "{} is not a git repository; imported it into {}",
                from.display(),
                place.repository.display()
            );
        }
        eprintln!("Repository  {} (branch {})", place.repository.display(), place.branch);
        eprintln!("Data        {}", place.data_dir.display());
        match place.uncommitted {
            0 => {}
            1 => eprintln!("1 uncommitted file is not synced"),
            n => eprintln!("{n} uncommitted files are not synced"),
        }
    }

    pub(super) fn spaces(&self, server: &Server, place: &Place) {
        eprintln!("Spaces      https://{}/spaces/…", server.address());
        eprintln!("Kubeconfig  {}", place.data_dir.join("kubeconfig").display());
    }

    /// Says what changed since the last call, one line at a time, and each trouble that stays. Returns how long until it has more to say by itself.
    pub(super) fn progress(&self, state: &State) -> Duration {
        let commit = state
            .commit
            .as_deref()
            .map_or_else(|| "no commit read yet".to_owned(), |c| format!("commit {}", &c[..c.len().min(7)]));
        let (placed, ready) = state.pairs;
        let line = format!("{commit}: {ready} of {placed} placements ready");
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.progress != line {
            eprintln!("{line}");
            told.progress = line;
        }
        told.troubles.retain(|trouble, _| state.troubles.contains(trouble));
        let mut untold = LONG;
        for trouble in &state.troubles {
            let (since, known) = told.troubles.entry(trouble.clone()).or_insert((Instant::now(), false));
            if !*known && since.elapsed() >= PATIENCE {
                eprintln!("  not ready: {trouble}");
                *known = true;
            }
            if !*known {
                untold = untold.min(PATIENCE.saturating_sub(since.elapsed()));
            }
        }
        untold
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
        let repository = place.repository.display();
        println!("\nTry next:");
        println!("  export KUBECONFIG={}", place.data_dir.join("kubeconfig").display());
        println!("  kubectl --context cluster1 get pods -A");
        println!("  kubectl --context wds1 get units,bindingpolicies,bdg");
        println!("  edit a file in {repository}, commit, and watch it arrive here");
        println!("  git -C {repository} show gitstellar/status:README.md");
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
