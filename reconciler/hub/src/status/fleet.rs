//! The state of all units in all clusters, as a value.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;
use plan::intent::IntentState;
use plan::status::{Failure, PairStatus, UnitInput, UnitStatus, unit_status};
use plan::{ClusterName, SourceName, UnitName};

use super::observe::Observed;
use crate::board::SourceBoard;
use crate::world::World;

/// One unit in the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetUnit {
    /// Its path in the repository.
    pub path: String,
    /// Its status.
    pub status: UnitStatus,
    /// All of its pairs.
    pub pairs: Vec<PairStatus>,
}

/// All units of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// By source and unit.
    pub units: BTreeMap<(SourceName, UnitName), FleetUnit>,
    /// Objects of sources that belong to no unit (policies), with their pairs' failures in words.
    pub clusters: BTreeSet<ClusterName>,
    /// Pairs of every Binding: how many, how many applied and healthy.
    pub placed: usize,
}

pub(super) fn fleet(world: &World, observed: &Observed) -> Fleet {
    let mut units = BTreeMap::new();
    for (source, board) in world.board.sources() {
        let Some(revision) = &board.revision else { continue };
        for unit in &revision.declaration.units {
            let objects: Vec<ObjectId> = unit.objects.iter().map(|declared| declared.object.id()).collect();
            let pairs = observed.pairs_of(objects.iter().cloned(), None);
            let failures = failures(world, observed, &board, unit);
            let status = unit_status(&UnitInput {
                unit: &unit.name,
                commit: board.bound.as_deref().unwrap_or_default(),
                advancing: board.bound.as_ref() != Some(&revision.commit),
                objects: objects.len(),
                failures: &failures,
                pairs: &pairs,
            });
            units.insert(
                (source.clone(), unit.name.clone()),
                FleetUnit { path: unit.path.clone(), status, pairs },
            );
        }
    }
    Fleet { units, clusters: world.its.inventory().into_keys().collect(), placed: observed.pairs.len() }
}

/// What keeps a unit from being in the WDS as declared.
fn failures(world: &World, observed: &Observed, board: &SourceBoard, unit: &plan::Unit) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(finding) = &unit.failure {
        let place = finding.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
        failures.push(Failure {
            object: None,
            cluster: None,
            message: format!("{place}{}", finding.message),
        });
    }
    for declared in unit.objects.iter() {
        let id = declared.object.id();
        for failed in board.failures.iter().filter(|failure| failure.object == id) {
            let place = failed.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
            failures.push(Failure {
                object: Some(id.clone()),
                cluster: None,
                message: format!("{place}{}", failed.message),
            });
        }
        let Some(stored) = world.wds.get(&id) else { continue };
        if let IntentState::Contended { managers, fields } = &world.intents.of(&stored, &observed.kinds).state
        {
            let message =
                format!("Contended: {} changed {} in the WDS", managers.join(", "), fields.join(", "));
            failures.push(Failure { object: Some(id), cluster: None, message });
        }
    }
    failures
}
