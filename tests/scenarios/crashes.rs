//! Killed at any moment, everything resumes: the end is that of an undisturbed run, and on the way nothing was written or removed that no commit asked for.
//!
//! Ten times everything is killed while a commit is on its way, then the hub and each agent alone. Every event in every space is compared with the commits that had been
//! made by then: each object goes through the states that commits gave it, in their order, and through no other.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use similar::TextDiff;

use super::recorder::{Entry, Recorder, Seen};
use super::spaces::{Backend, names};
use super::stage::{
    BINDING, CONFIG_MAP, DEPLOYMENT, Kind, LIMIT, MAIN, NAMESPACE, POLICY, SOURCE, Stage, UNIT, WORK, perform,
};
use crate::harness::{Outcome, eventually};

mod expected;
mod program;
mod random;

pub use program::killed_program;

use expected::{Ledger, Place, declared};
use random::Random;

/// Everything is killed during these commits.
const KILLS_OF_EVERYTHING: usize = 10;
const ALONE: [&str; 4] = ["hub", "cluster1", "cluster2", "cluster3"];
const COMMITS: usize = KILLS_OF_EVERYTHING + ALONE.len();

/// What is followed.
const FOLLOWED: [(&str, Kind); 11] = [
    ("wds1", DEPLOYMENT),
    ("wds1", CONFIG_MAP),
    ("wds1", BINDING),
    ("its1", WORK),
    ("cluster1", DEPLOYMENT),
    ("cluster1", CONFIG_MAP),
    ("cluster2", DEPLOYMENT),
    ("cluster2", CONFIG_MAP),
    ("cluster3", DEPLOYMENT),
    ("cluster3", CONFIG_MAP),
    ("wds1", POLICY),
];

pub const STORY: &str = "killed_at_random_moments_everything_ends_as_if_nothing_had_happened";

/// Plays the commits twice, the second time with kills.
pub fn killed_at_random_moments(backend: Backend) -> Outcome {
    let mut random = Random::new()?;
    println!("seed {} (GITSTELLAR_SEED={0} replays it)", random.seed);
    let (undisturbed, events) = perform(backend, |stage| play(stage, &mut Calm))?;
    let mut killer = Killer { random: &mut random, events: events / COMMITS };
    let (killed, _) = perform(backend, |stage| play(stage, &mut killer))
        .with_context(|| format!("seed {}", killer.random.seed))?;
    let (wanted, found) =
        (serde_json::to_string_pretty(&undisturbed)?, serde_json::to_string_pretty(&killed)?);
    let difference = TextDiff::from_lines(&wanted, &found).unified_diff().context_radius(12).to_string();
    ensure!(difference.is_empty(), "seed {}: the end differs:\n{difference}", random.seed);
    Ok(())
}

/// What happens while a commit is on its way.
trait Fate {
    fn strike(&mut self, stage: &mut Stage, recorder: &Recorder, commit: (usize, &str)) -> Outcome;
}

/// Nothing happens.
struct Calm;

impl Fate for Calm {
    fn strike(&mut self, stage: &mut Stage, _: &Recorder, (number, commit): (usize, &str)) -> Outcome {
        arrived(stage, number, commit)
    }
}

/// Somebody dies after some events.
struct Killer<'a> {
    random: &'a mut Random,
    /// How many events a commit causes.
    events: usize,
}

impl Fate for Killer<'_> {
    fn strike(&mut self, stage: &mut Stage, recorder: &Recorder, (number, commit): (usize, &str)) -> Outcome {
        let moment = recorder.len() + self.random.below(self.events + 1);
        recorder.until(moment, || Ok(missing(stage, number, commit)?.is_none()))?;
        let alone = number.checked_sub(KILLS_OF_EVERYTHING + 1).map(|index| ALONE[index]);
        let clusters: Vec<&str> = stage.clusters().collect();
        recorder.say(format!("killed {}", alone.unwrap_or("everything")));
        if alone.is_none_or(|name| name == "hub") {
            stage.kill_hub();
        }
        for cluster in clusters.iter().filter(|name| alone.is_none_or(|alone| alone == **name)) {
            stage.kill_agent(cluster);
            stage.start_agent(cluster);
        }
        if alone.is_none_or(|name| name == "hub") {
            stage.start_hub();
        }
        // The next commit may come while this one is still on its way.
        if self.random.below(2) == 0 { arrived(stage, number, commit) } else { Ok(()) }
    }
}

/// The commits, one after the other; returns what stands in all spaces at the end, and how many events there were.
fn play(stage: &mut Stage, fate: &mut dyn Fate) -> anyhow::Result<(BTreeMap<String, Value>, usize)> {
    stage.register()?;
    let recorder = stage.record(&FOLLOWED);
    let mut last = String::new();
    for number in 1..=COMMITS {
        expected::write(|path, text| stage.write(path, text), number)?;
        recorder.say(format!("commit {number}"));
        last = stage.commit(&format!("Commit {number}"))?;
        if number == 1 {
            stage.start()?;
        }
        fate.strike(stage, &recorder, (number, &last))?;
    }
    arrived(stage, COMMITS, &last)?;
    judge(&recorder, Ledger::default())?;
    Ok((end_state(stage)?, recorder.len()))
}

/// What is missing of a commit, in the spaces or in what is told in git.
fn missing(stage: &Stage, number: usize, commit: &str) -> anyhow::Result<Option<String>> {
    let source = stage.get("wds1", MAIN)?.unwrap_or_default();
    if source["status"]["settled"] != commit || !source["status"]["applying"].is_null() {
        return Ok(Some(format!("the source: {}", source["status"])));
    }
    for cluster in stage.clusters() {
        for object in expected::objects(number) {
            let found = stage.get(cluster, expected::at(&object))?;
            let content = found.as_ref().and_then(expected::content);
            let wanted = declared(&Place::Cluster(cluster.to_owned()), &object, number);
            if content != wanted {
                return Ok(Some(format!("{object} in {cluster} is {content:?} and not {wanted:?}")));
            }
        }
    }
    let readme = stage.status_file("README.md").unwrap_or_default();
    Ok((!readme.contains(&commit[..7])).then_some(readme))
}

fn arrived(stage: &Stage, number: usize, commit: &str) -> Outcome {
    let mut last = None;
    let outcome = eventually(&format!("commit {number} is everywhere"), LIMIT, || {
        last = missing(stage, number, commit)?;
        Ok(last.is_none().then_some(()))
    });
    outcome.with_context(|| format!("missing: {}; board: {}", last.unwrap_or_default(), stage.board()))
}

/// Every event is one that a commit made so far explains.
fn judge(recorder: &Recorder, mut ledger: Ledger) -> Outcome {
    let timeline = recorder.timeline()?;
    for (index, entry) in timeline.iter().enumerate() {
        let judged = match entry {
            Entry::Said(what) => {
                ledger.heard(what);
                Ok(())
            }
            Entry::Seen(seen) => ledger.saw(seen),
        };
        judged.with_context(|| {
            let before = timeline[index.saturating_sub(12)..=index].iter().map(in_words);
            format!("what happened:\n{}\n", before.collect::<Vec<_>>().join("\n"))
        })?;
    }
    Ok(())
}

fn in_words(entry: &Entry) -> String {
    match entry {
        Entry::Said(what) => format!("--- {what}"),
        Entry::Seen(Seen { space, object, state }) => {
            let mut state = state.clone().unwrap_or_default();
            drop(state["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields")));
            format!("{space} {object}: {state}")
        }
    }
}

/// What every API server makes for itself.
fn of_the_server(object: &Value) -> bool {
    object["metadata"]["name"] == "kube-root-ca.crt" || object["metadata"]["namespace"] == "kube-system"
}

/// Everything that stands in the spaces, without what differs from run to run.
fn end_state(stage: &Stage) -> anyhow::Result<BTreeMap<String, Value>> {
    let own = [
        ("wds1", UNIT),
        ("wds1", SOURCE),
        ("wds1", NAMESPACE),
        ("its1", NAMESPACE),
        ("cluster1", expected::APPLIED),
        ("cluster2", expected::APPLIED),
        ("cluster3", expected::APPLIED),
    ];
    let mut state = BTreeMap::new();
    for (space, kind) in FOLLOWED.into_iter().chain(own) {
        for object in stage.list(space, kind)?.into_iter().filter(|object| !of_the_server(object)) {
            let object = random::without_chance(object);
            let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
            let key = format!("{space} {} {namespace} {name}", kind.2);
            ensure!(state.insert(key.clone(), object).is_none(), "there are two of {key}");
        }
    }
    ensure!(
        names().all(|space| state.keys().any(|name| name.starts_with(space))),
        "every space has something"
    );
    Ok(state)
}
