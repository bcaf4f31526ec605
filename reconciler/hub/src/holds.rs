//! What may not be removed now: everything of a source whose commit is not written completely, and what of it failed. For binding and transport.
//!
//! It rests on the GitSources, the ledgers and the board, and is made anew when one of them has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::kinds::KindTable;
use apimachinery::{Name, Object, ObjectId};
use plan::binding::{Holds, ResourceId, SourceProgress};
use plan::policy::is_policy;
use plan::{PolicyName, SourceName};

use crate::board::SourceBoard;
use crate::sync;
use crate::world::{World, resources};

/// What it was made from, and what it is.
#[derive(Default)]
pub struct Memory(Mutex<Option<(Inputs, Arc<Holds>)>>);

/// Everything that decides.
struct Inputs {
    kinds: Arc<KindTable>,
    sources: BTreeMap<SourceName, Progress>,
    /// The ConfigMaps of all ledgers, with their versions.
    ledgers: Vec<(Name, Option<Arc<str>>)>,
}

/// How far a source is.
#[derive(PartialEq, Eq)]
struct Progress {
    /// Its status says that a commit is being written; perhaps by a process that is no more.
    applying_on_disk: bool,
    applying: bool,
    commit: Option<String>,
    settled: Option<String>,
    inventoried: Option<String>,
    failed: Vec<ObjectId>,
}

impl PartialEq for Inputs {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kinds, &other.kinds)
            && self.sources == other.sources
            && self.ledgers == other.ledgers
    }
}

/// What may not be removed now.
pub fn holds(world: &World) -> Arc<Holds> {
    let now = Inputs::of(world);
    let mut memory = world.holds.0.lock().unwrap_or_else(PoisonError::into_inner);
    match &*memory {
        Some((before, holds)) if *before == now => Arc::clone(holds),
        _ => {
            let fresh = Arc::new(now.holds(world));
            *memory = Some((now, Arc::clone(&fresh)));
            fresh
        }
    }
}

impl Inputs {
    fn of(world: &World) -> Self {
        let boards = world.board.sources();
        let stored = world.wds.mirror.list(&resources::git_sources().group_resource());
        let sources = stored.iter().map(|stored| {
            let source = SourceName::from(stored.header().name.as_str());
            let progress = Progress::of(stored, boards.get(&source).unwrap_or(&SourceBoard::default()));
            (source, progress)
        });
        let ledgers = sync::ledgers(&world.wds.mirror).into_iter();
        let ledgers = ledgers.map(|map| (map.header().name.clone(), map.header().resource_version.clone()));
        Self { kinds: world.wds.kinds(), sources: sources.collect(), ledgers: ledgers.collect() }
    }

    fn holds(&self, world: &World) -> Holds {
        let boards = world.board.sources();
        let sources = self.sources.iter().map(|(source, progress)| {
            let ledger = sync::ledger_entries(&world.wds.mirror, source);
            // An unreadable ledger hides what the source owns: nothing may go until it is readable.
            let applying = progress.is_applying() || ledger.is_err();
            let owned: Vec<ObjectId> = ledger.unwrap_or_default().into_iter().map(|entry| entry.id).collect();
            world.effort.binding.add(owned.len());
            let revision = boards.get(source).and_then(|board| board.revision.as_ref());
            let clusters = revision.into_iter().flat_map(|revision| revision.declaration.clusters.keys());
            let progress = SourceProgress {
                applying,
                policies: policies_in(&owned),
                owned: self.resource_ids(&owned),
                clusters: clusters.cloned().collect(),
                failed_policies: policies_in(&progress.failed),
                failed: self.resource_ids(&progress.failed),
            };
            (source.clone(), progress)
        });
        Holds { sources: sources.collect() }
    }

    fn resource_ids(&self, ids: &[ObjectId]) -> BTreeSet<ResourceId> {
        let resource = |id: &ObjectId| Some(self.kinds.preferred(&id.group_kind())?.group_resource());
        let ids = ids.iter().filter_map(|id| {
            Some(ResourceId {
                resource: resource(id)?,
                namespace: id.namespace.clone(),
                name: id.name.clone(),
            })
        });
        ids.collect()
    }
}

impl Progress {
    fn of(stored: &Object, board: &SourceBoard) -> Self {
        let status = stored.to_value();
        let applying = status.pointer("/status/applying").and_then(serde_json::Value::as_str);
        Self {
            applying_on_disk: applying.is_some_and(|commit| !commit.is_empty()),
            applying: board.applying.is_some(),
            commit: board.revision.as_ref().map(|revision| revision.commit.clone()),
            settled: board.settled.clone(),
            inventoried: board.inventoried.clone(),
            failed: board.failures.iter().map(|failure| failure.object.clone()).collect(),
        }
    }

    fn is_applying(&self) -> bool {
        let behind =
            self.commit.is_some() && (self.settled != self.commit || self.inventoried != self.commit);
        let interrupted = self.settled.is_none() && self.applying_on_disk;
        self.applying || behind || interrupted
    }
}

fn policies_in(ids: &[ObjectId]) -> BTreeSet<PolicyName> {
    ids.iter().filter(|id| is_policy(id)).map(|id| PolicyName::from(id.name.as_str())).collect()
}
