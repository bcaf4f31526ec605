//! The state of all units in all clusters, as a value.

use std::collections::{BTreeMap, BTreeSet};

use plan::status::{PairState, UnitInput, UnitStatus, unit_status};
use plan::{ClusterName, Pair, SourceName, UnitName};

use super::act::unit_object_name;
use super::observe::{Show, State, of_object};
use super::units::UnitKey;
use crate::world::World;

/// One unit in the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetUnit {
    /// Its path in the repository.
    pub path: String,
    /// Its status.
    pub status: UnitStatus,
    /// All of its pairs.
    pub pairs: BTreeMap<Pair, PairState>,
}

/// All units of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// By source and unit.
    pub units: BTreeMap<(SourceName, UnitName), FleetUnit>,
    /// The clusters of the inventory.
    pub clusters: BTreeSet<ClusterName>,
    /// Pairs of every Binding: how many.
    pub placed: usize,
}

impl State {
    /// Brings the statuses of the units that are concerned up to date.
    pub(super) fn update_units_status(&mut self, world: &World) {
        for unit in std::mem::take(&mut self.due.units) {
            world.effort.units.add(1);
            self.due.unit_objects.insert(unit_object_name(&unit));
            let status = self.unit_status(&unit);
            match self.units.get_mut(&unit) {
                Some(known) if known.status == status => continue,
                Some(known) => known.status = status,
                None => {}
            }
            self.due.show.units.insert(unit);
        }
    }

    fn unit_status(&self, unit: &UnitKey) -> Option<UnitStatus> {
        let known = self.units.get(unit)?;
        let (commit, advancing) = self.units.commit(&unit.0);
        Some(unit_status(&UnitInput {
            unit: &unit.1,
            commit,
            advancing,
            objects: known.declared.len(),
            failures: &self.units.failures(unit),
            tally: &known.tally,
        }))
    }

    /// Lets the fleet on the board show what has changed; whether anything has.
    pub(super) fn show(&mut self, world: &World) -> bool {
        let show = std::mem::take(&mut self.due.show);
        if show == Show::default() {
            return false;
        }
        world.board.change_fleet(|fleet| {
            if show.everything {
                *fleet = Fleet::default();
            }
            if show.clusters || show.everything {
                fleet.clusters.clone_from(&self.clusters);
            }
            fleet.placed = self.pairs.len();
            for unit in &show.units {
                self.show_unit(fleet, unit, show.other_objects.contains(unit));
            }
            for pair in &show.pairs {
                let state = self.pairs.get(pair);
                for unit in self.units.of(&pair.object) {
                    let Some(shown) = fleet.units.get_mut(unit) else { continue };
                    match state.cloned() {
                        Some(state) => shown.pairs.insert(pair.clone(), state),
                        None => shown.pairs.remove(pair),
                    };
                }
            }
        });
        true
    }

    fn show_unit(&self, fleet: &mut Fleet, unit: &UnitKey, other_objects: bool) {
        let Some((known, status)) = self.units.get(unit).and_then(|k| Some((k, k.status.clone()?))) else {
            fleet.units.remove(unit);
            return;
        };
        let shown = fleet.units.remove(unit).filter(|_| !other_objects);
        let pairs = shown.map(|shown| shown.pairs).unwrap_or_else(|| {
            let pairs = known.objects.iter().flat_map(|id| of_object(&self.pairs, id));
            pairs.map(|(pair, state)| (pair.clone(), state.clone())).collect()
        });
        fleet.units.insert(unit.clone(), FleetUnit { path: known.path.clone(), status, pairs });
    }
}
