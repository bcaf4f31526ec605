//! What a report says, from the board.

use std::collections::{BTreeMap, BTreeSet};

use plan::report::{HeldRemovals, ReportInput, ReportedUnit, Snapshot};
use plan::status::{Failure, PairStatus};
use plan::{ClusterName, Policy, SourceName};

use crate::board::{Revision, SourceBoard};
use crate::source::{BRANCH_MISSING, REPOSITORY_INVALID, SourceSpec, spec};
use crate::status::Fleet;
use crate::world::{World, resources};

/// A report, and where it goes.
pub(super) struct Observed {
    pub(super) input: ReportInput,
    pub(super) spec: SourceSpec,
    pub(super) source: SourceName,
    /// The generation of the GitSource.
    pub(super) generation: i64,
}

impl Observed {
    /// Whether status commits are turned on.
    pub(super) fn is_wanted(&self) -> bool {
        self.spec.report_branch.is_some()
    }
}

/// `None` when there is nothing to say yet, or nowhere to say it.
pub(super) fn observe(world: &World, source: &SourceName) -> Option<Observed> {
    let spec = spec(world, source).filter(|spec| spec.location.is_ok())?;
    let board = world.board.source(source)?;
    let Some(revision) = board.revision.clone() else { return unread(world, source, spec, &board) };
    // Nothing is said about a commit before every write of it was attempted once.
    let commit = board.settled.clone()?;
    let fleet = world.board.fleet();
    // The fleet was looked at before this commit settled: its readiness would be that of the commit before.
    let of_this_commit = |unit: &plan::Unit| {
        let known = fleet.units.get(&(source.clone(), unit.name.clone()));
        known.is_some_and(|known| known.status.commit == commit)
    };
    if !revision.declaration.units.iter().all(of_this_commit) {
        return None;
    }
    let of_source = fleet.units.iter().filter(|((of, _), _)| of == source);
    let units = of_source.map(|((_, unit), state)| {
        let pairs = state.pairs.iter();
        let pairs = pairs.map(|(pair, state)| PairStatus { pair: pair.clone(), state: state.clone() });
        let reported =
            ReportedUnit { path: state.path.clone(), status: state.status.clone(), pairs: pairs.collect() };
        (unit.clone(), reported)
    });
    let unit_objects: BTreeSet<_> =
        revision.declaration.units.iter().flat_map(|u| u.objects.iter()).map(|d| d.object.id()).collect();
    let others = board.failures.iter().filter(|failure| !unit_objects.contains(&failure.object));
    let others = others.chain(board.cluster_failures()).map(|failure| Failure {
        object: Some(failure.object.clone()),
        cluster: None,
        message: failure.message.clone(),
    });
    let mut findings = revision.declaration.findings.clone();
    findings.extend(board.findings.iter().cloned());
    let problem = board.problem.iter().map(|problem| Failure {
        object: None,
        cluster: None,
        message: problem.message.clone(),
    });
    let held = [&board.held_by_sync, &board.held_by_transport].into_iter().flatten();
    let input = ReportInput {
        source: Some(source.clone()),
        commit,
        git_ref: revision.branch.clone(),
        units: units.collect::<BTreeMap<_, _>>(),
        findings,
        held: held
            .map(|h| HeldRemovals { hash: h.hash.clone(), reason: h.reason.clone(), pairs: h.pairs.clone() })
            .collect(),
        failures: others.chain(problem).collect(),
        absent: absent(&revision, &spec, &fleet),
        snapshot: snapshot(world, source),
    };
    Some(Observed { input, generation: spec.generation, spec, source: source.clone() })
}

/// A source of which nothing could be read, in a repository that has commits: its author looks there, too. An empty repository stays empty, or the status ref would
/// become its default branch.
fn unread(world: &World, source: &SourceName, spec: SourceSpec, board: &SourceBoard) -> Option<Observed> {
    let told = [BRANCH_MISSING, REPOSITORY_INVALID];
    let problem = board.problem.as_ref().filter(|problem| told.contains(&problem.reason))?;
    let input = ReportInput {
        source: Some(source.clone()),
        git_ref: spec.branch.clone().unwrap_or_else(|| "the default branch".to_owned()),
        failures: vec![Failure { object: None, cluster: None, message: problem.message.clone() }],
        snapshot: snapshot(world, source),
        ..ReportInput::default()
    };
    Some(Observed { input, generation: spec.generation, spec, source: source.clone() })
}

/// A cluster that the source may not speak of is told as a failure instead.
fn absent(revision: &Revision, spec: &SourceSpec, fleet: &Fleet) -> BTreeSet<ClusterName> {
    let declared = revision.declaration.clusters.keys().filter(|name| spec.allow.admits_cluster(name));
    declared.filter(|name| !fleet.clusters.contains(*name)).cloned().collect()
}

fn snapshot(world: &World, source: &SourceName) -> Snapshot {
    let stored = world.wds.mirror.list(&resources::policies().group_resource());
    let parsed = stored.iter().filter_map(|policy| Policy::parse(&policy.to_value(), None));
    let labels = parsed.flat_map(|policy| {
        let selectors = policy.cluster_selectors.into_iter();
        selectors
            .flat_map(|s| s.requirements().iter().map(|r| r.key().to_owned()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    });
    let foreign = stored.iter().filter(|policy| plan::intent::source_of(policy).as_ref() != Some(source));
    Snapshot {
        clusters: world.its.inventory(),
        labels: labels.collect(),
        properties: BTreeSet::new(),
        served: BTreeMap::<ClusterName, _>::new(),
        foreign_policies: foreign
            .map(|policy| {
                world.intents.of(policy, &world.wds.kinds()).content.clone().unwrap_or_else(|| policy.clone())
            })
            .collect(),
        foreign_objects: BTreeMap::new(),
    }
}
