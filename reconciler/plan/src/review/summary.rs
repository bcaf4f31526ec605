//! Counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Change, FindingEntry, PlacementEntry};
use crate::finding::{Scene, Severity};
use crate::placement::Expansion;
use crate::{ClusterName, UnitName};

/// How many pairs of each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Come to a cluster.
    pub appear: usize,
    /// Change their content.
    pub change: usize,
    /// Leave a cluster.
    pub disappear: usize,
    /// Stay for other reasons.
    pub rebound: usize,
    /// Stay as they are.
    pub unchanged: usize,
}

impl Counts {
    /// Counts one pair.
    pub fn add(&mut self, change: Change) {
        match change {
            Change::Appear => self.appear += 1,
            Change::Change => self.change += 1,
            Change::Disappear => self.disappear += 1,
            Change::Rebound => self.rebound += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }

    /// Whether anything but unchanged pairs was counted.
    pub fn any(&self) -> bool {
        self.appear + self.change + self.disappear + self.rebound > 0
    }
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Clusters.
    pub clusters: usize,
    /// Units.
    pub units: usize,
    /// Objects.
    pub objects: usize,
}

/// How many findings of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    /// Blockers.
    pub blocker: usize,
    /// Warnings.
    pub warning: usize,
    /// Notes.
    pub note: usize,
}

/// The counts of a review.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Over all pairs.
    pub changes: Counts,
    /// Clusters of the inventory, units, and objects that can be placed, before or after.
    pub totals: Totals,
    /// Those of them to which something happens.
    pub touched: Totals,
    /// Findings.
    pub findings: FindingCounts,
    /// For each cluster with a pair before or after.
    pub per_cluster: BTreeMap<ClusterName, Counts>,
    /// For each unit with a pair before or after.
    pub per_unit: BTreeMap<UnitName, Counts>,
}

impl Summary {
    /// Counts a review.
    pub(super) fn of(scene: &Scene, placements: &[PlacementEntry], findings: &[FindingEntry]) -> Self {
        let mut summary = Self { totals: totals(scene), ..Self::default() };
        for entry in placements {
            summary.changes.add(entry.change);
            summary.per_cluster.entry(entry.cluster.clone()).or_default().add(entry.change);
            summary.per_unit.entry(entry.unit.clone()).or_default().add(entry.change);
        }
        let changed = scene.changes.iter().filter(|pair| pair.change != Change::Unchanged);
        summary.touched = Totals {
            clusters: summary.per_cluster.values().filter(|counts| counts.any()).count(),
            units: summary.per_unit.values().filter(|counts| counts.any()).count(),
            objects: changed.map(|pair| pair.object).collect::<BTreeSet<_>>().len(),
        };
        for finding in findings {
            match finding.severity {
                Severity::Blocker => summary.findings.blocker += 1,
                Severity::Warning => summary.findings.warning += 1,
                Severity::Note => summary.findings.note += 1,
            }
        }
        summary
    }
}

/// What is there before or after: something may happen to either.
fn totals(scene: &Scene) -> Totals {
    let sides = || scene.base.into_iter().chain([scene.head]);
    Totals {
        clusters: sides().flat_map(|side| side.inventory.keys()).collect::<BTreeSet<_>>().len(),
        units: sides().flat_map(Expansion::unit_names).collect::<BTreeSet<_>>().len(),
        objects: sides().flat_map(Expansion::placeable).map(|(id, _)| id).collect::<BTreeSet<_>>().len(),
    }
}
