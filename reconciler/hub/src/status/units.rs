//! Which units there are, which objects they declare, and what keeps them from being in the WDS as declared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::ObjectId;
use plan::status::{Failure, Tally, UnitStatus};
use plan::{DeclaredObject, Finding, SourceName, UnitName};

use super::act::unit_object_name;
use crate::board::{Revision, SourceBoard, SyncFailure};
use crate::bound::drop_entry;
use crate::world::World;

/// A unit among those of all sources.
pub(super) type UnitKey = (SourceName, UnitName);

/// The units of all sources.
#[derive(Default)]
pub(super) struct Units {
    board_version: Option<u64>,
    sources: BTreeMap<SourceName, OnBoard>,
    units: BTreeMap<UnitKey, KnownUnit>,
    of_object: BTreeMap<ObjectId, BTreeSet<UnitKey>>,
    by_name: BTreeMap<String, BTreeSet<UnitKey>>,
}

/// One unit.
#[derive(Default)]
pub(super) struct KnownUnit {
    pub(super) path: String,
    pub(super) objects: BTreeSet<ObjectId>,
    /// As they were declared, one that is declared twice twice.
    pub(super) declared: Arc<Vec<DeclaredObject>>,
    failure: Option<Finding>,
    pub(super) tally: Tally,
    /// As it was decided last.
    pub(super) status: Option<UnitStatus>,
    /// Its objects that a hand has changed in the WDS.
    pub(super) contended: BTreeMap<ObjectId, String>,
}

/// What the board says of a source, as far as its units are concerned.
struct OnBoard {
    revision: Option<Arc<Revision>>,
    bound: Option<String>,
    failures: Vec<SyncFailure>,
}

/// What a look at the board brought.
#[derive(Default)]
pub(super) struct News {
    /// Units to look at again, also those that are gone.
    pub(super) units: BTreeSet<UnitKey>,
    /// Units that may declare other objects than before.
    pub(super) other_objects: BTreeSet<UnitKey>,
    /// Sources that are known now; Unit objects of theirs that no unit stands behind are nobody's.
    pub(super) revised: BTreeSet<SourceName>,
}

impl Units {
    pub(super) fn get(&self, unit: &UnitKey) -> Option<&KnownUnit> {
        self.units.get(unit)
    }

    pub(super) fn get_mut(&mut self, unit: &UnitKey) -> Option<&mut KnownUnit> {
        self.units.get_mut(unit)
    }

    /// The units that declare an object.
    pub(super) fn of(&self, object: &ObjectId) -> impl Iterator<Item = &UnitKey> {
        self.of_object.get(object).into_iter().flatten()
    }

    /// Whether any unit declares it.
    pub(super) fn declare(&self, object: &ObjectId) -> bool {
        self.of_object.contains_key(object)
    }

    /// The units behind the name of a Unit object.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &UnitKey> {
        self.by_name.get(name).into_iter().flatten()
    }

    /// Whether a revision of this source is known.
    pub(super) fn knows(&self, source: &str) -> bool {
        self.sources.get(source).is_some_and(|board| board.revision.is_some())
    }

    /// The commit whose placement is known, and whether a newer one is on its way.
    pub(super) fn commit(&self, source: &SourceName) -> (&str, bool) {
        let Some(board) = self.sources.get(source) else { return ("", false) };
        let newest = board.revision.as_ref().map(|revision| &revision.commit);
        (board.bound.as_deref().unwrap_or_default(), board.bound.as_ref() != newest)
    }

    /// Takes in what the board says now.
    pub(super) fn update(&mut self, world: &World) -> News {
        let mut news = News::default();
        let version = world.board.version();
        if self.board_version.replace(version) == Some(version) {
            return news;
        }
        let now = world.board.of_each(OnBoard::of);
        let before = std::mem::replace(&mut self.sources, now);
        let sources: BTreeSet<SourceName> = before.keys().chain(self.sources.keys()).cloned().collect();
        for source in sources {
            let (was, is) = (before.get(&source), self.sources.get(&source));
            let revision = is.and_then(|board| board.revision.clone());
            if was.and_then(|board| board.revision.as_ref()).map(Arc::as_ptr)
                != revision.as_ref().map(Arc::as_ptr)
            {
                self.revise(world, &source, revision.as_deref(), &mut news);
                news.revised.insert(source);
            } else if was.map(OnBoard::told) != is.map(OnBoard::told) {
                news.units.extend(self.of_source(&source));
            }
        }
        news
    }

    fn of_source<'a>(&'a self, source: &'a SourceName) -> impl Iterator<Item = UnitKey> + 'a {
        let first = (source.clone(), UnitName::from(""));
        self.units.range(first..).map(|(unit, _)| unit).take_while(move |(of, _)| of == source).cloned()
    }

    /// Every unit of the source tells another commit; those that were rendered anew are indexed anew.
    fn revise(&mut self, world: &World, source: &SourceName, revision: Option<&Revision>, news: &mut News) {
        let mut gone: BTreeSet<UnitKey> = self.of_source(source).collect();
        for unit in revision.into_iter().flat_map(|revision| &revision.declaration.units) {
            let key = (source.clone(), unit.name.clone());
            gone.remove(&key);
            let known = self.units.get(&key);
            if known.is_none_or(|known| !Arc::ptr_eq(&known.declared, &unit.objects)) {
                let objects = unit.objects.iter().map(|declared| declared.object.id());
                let objects: BTreeSet<ObjectId> = objects.collect();
                world.effort.declared.add(objects.len());
                self.forget(&key);
                for object in &objects {
                    self.of_object.entry(object.clone()).or_default().insert(key.clone());
                }
                let name = unit_object_name(&key);
                self.by_name.entry(name).or_default().insert(key.clone());
                self.units.insert(
                    key.clone(),
                    KnownUnit { objects, declared: Arc::clone(&unit.objects), ..KnownUnit::default() },
                );
                news.other_objects.insert(key.clone());
            }
            if let Some(known) = self.units.get_mut(&key) {
                if known.path != unit.path {
                    known.path.clone_from(&unit.path);
                    // Whoever is shown the status is shown the path with it.
                    known.status = None;
                }
                known.failure.clone_from(&unit.failure);
            }
            news.units.insert(key);
        }
        for unit in gone {
            self.forget(&unit);
            news.units.insert(unit);
        }
    }

    fn forget(&mut self, unit: &UnitKey) {
        let Some(known) = self.units.remove(unit) else { return };
        for object in &known.objects {
            drop_entry(&mut self.of_object, object, unit);
        }
        drop_entry(&mut self.by_name, &unit_object_name(unit), unit);
    }

    /// What keeps a unit from being in the WDS as declared, its pairs left out.
    pub(super) fn failures(&self, unit: &UnitKey) -> Vec<Failure> {
        let Some(known) = self.units.get(unit) else { return Vec::new() };
        let of_unit = known.failure.as_ref().map(|finding| {
            let place = finding.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
            Failure { object: None, cluster: None, message: format!("{place}{}", finding.message) }
        });
        let of_object = |object: &ObjectId, message: String| Failure {
            object: Some(object.clone()),
            cluster: None,
            message,
        };
        let failed = self.sources.get(&unit.0).into_iter().flat_map(|board| &board.failures);
        let failed = failed.filter(|failure| known.objects.contains(&failure.object)).map(|failed| {
            let place = failed.origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default();
            of_object(&failed.object, format!("{place}{}", failed.message))
        });
        let contended = known.contended.iter().map(|(id, message)| of_object(id, message.clone()));
        of_unit.into_iter().chain(failed).chain(contended).collect()
    }
}

impl OnBoard {
    fn of(board: &SourceBoard) -> Self {
        Self {
            revision: board.revision.clone(),
            bound: board.bound.clone(),
            failures: board.failures.clone(),
        }
    }

    fn told(&self) -> (&Option<String>, &[SyncFailure]) {
        (&self.bound, &self.failures)
    }
}
