//! How far sources are: what may not be removed now, and which commits are written. For binding and transport.
//!
//! Everything of a source whose commit is not written completely stays, and what of it failed. That rests on the GitSources, the ledgers, the policies, the clusters and the
//! board; each look takes in what has changed of them since the one before, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::kinds::KindTable;
use apimachinery::{GroupResource, Name, Object, ObjectId};
use plan::binding::{Holds, ResourceId, SourceProgress};
use plan::policy::is_policy;
use plan::{ClusterName, Policy, PolicyName, SourceName};
use runtime::{Changes, Key, Wake};
use serde_json::Value;

use crate::board::{Revision, SourceBoard};
use crate::sync;
use crate::world::{Its, Wds, World, resources, system_namespace};

/// What may not be removed now: the same value as long as nothing about it changes.
pub fn holds(world: &World) -> Arc<Holds> {
    Arc::clone(&world.progress.look(world).holds)
}

/// The commits of which every write was attempted, in the WDS and in all clusters that there are.
pub fn written(world: &World) -> Arc<BTreeMap<SourceName, String>> {
    Arc::clone(&world.progress.look(world).written)
}

/// What was found at the last look.
pub(crate) struct Memory(Mutex<State>);

struct State {
    wds: Changes,
    clusters: Changes,
    board_version: Option<u64>,
    kinds: Arc<KindTable>,
    boards: BTreeMap<SourceName, OnBoard>,
    joined: BTreeSet<ClusterName>,
    /// Whose ledger a ConfigMap is part of.
    chunks: BTreeMap<Name, SourceName>,
    ledgers: BTreeMap<SourceName, Ledger>,
    /// Every GitSource; the value is whether its status says that a commit is being written, perhaps by a process that is no more.
    applying: BTreeMap<SourceName, bool>,
    unclear_policies: BTreeSet<PolicyName>,
    found: Found,
}

#[derive(Clone, Default)]
struct Found {
    holds: Arc<Holds>,
    written: Arc<BTreeMap<SourceName, String>>,
}

/// What the board says of a source.
struct OnBoard {
    revision: Option<Arc<Revision>>,
    applying: bool,
    has_settled: bool,
    written: Option<(String, Arc<BTreeSet<ClusterName>>)>,
    all_clusters_written: bool,
    failed: Vec<ObjectId>,
}

/// What a source owns.
#[derive(Default)]
struct Ledger {
    /// One that cannot be read hides what the source owns.
    unreadable: bool,
    owned: Arc<BTreeSet<ResourceId>>,
    policies: BTreeSet<PolicyName>,
}

impl Memory {
    pub(crate) fn new(wds: &Wds, its: &Its) -> Self {
        // Nobody waits for it: it is brought up to date by whoever asks.
        let wake = Wake::new();
        let of_wds = [resources::git_sources(), resources::config_maps(), resources::policies()];
        Self(Mutex::new(State {
            wds: wds.mirror.subscribe_to(&of_wds, wake.clone()),
            clusters: its.clusters.subscribe(wake),
            board_version: None,
            kinds: Arc::default(),
            boards: BTreeMap::new(),
            joined: BTreeSet::new(),
            chunks: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            applying: BTreeMap::new(),
            unclear_policies: BTreeSet::new(),
            found: Found::default(),
        }))
    }

    fn look(&self, world: &World) -> Found {
        // A look that panicked has taken in a part, each valid by itself; its controller is dead, and so is the hub.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.update(world);
        state.found.clone()
    }
}

impl State {
    /// The board first: what it says is done is in the mirrors that are looked at after it.
    fn update(&mut self, world: &World) {
        let mut changed = self.update_boards(world);
        changed |= self.update_clusters(world);
        changed |= self.update_wds(world);
        if changed {
            self.found = self.find();
        }
    }

    fn update_boards(&mut self, world: &World) -> bool {
        let version = world.board.version();
        if self.board_version.replace(version) == Some(version) {
            return false;
        }
        let boards = world.board.of_each(OnBoard::of);
        let changed = boards != self.boards;
        self.boards = boards;
        changed
    }

    fn update_clusters(&mut self, world: &World) -> bool {
        let mut changed = false;
        for key in self.clusters.take() {
            let name = ClusterName::from(key.name.as_str());
            changed |= match world.its.clusters.get(&key) {
                Some(_) => self.joined.insert(name),
                None => self.joined.remove(&name),
            };
        }
        changed
    }

    fn update_wds(&mut self, world: &World) -> bool {
        let told = self.wds.take();
        world.effort.binding.add(told.len());
        let of = |resource: GroupResource| told.iter().filter(move |key| key.resource == resource);
        let mut changed = false;
        for key in of(resources::git_sources().group_resource()) {
            changed |= self.update_source(key, world.wds.mirror.get(key).as_ref());
        }
        for key in of(resources::policies().group_resource()) {
            changed |= self.update_policy(key, world.wds.mirror.get(key).as_ref());
        }
        let mut ledgers = BTreeSet::new();
        for key in of(resources::config_maps().group_resource()) {
            if key.namespace == Some(system_namespace()) {
                let source = world.wds.mirror.get(key).and_then(|map| sync::ledger_of(&map));
                ledgers.extend(source.clone());
                ledgers.extend(match source {
                    Some(source) => self.chunks.insert(key.name.clone(), source),
                    None => self.chunks.remove(&key.name),
                });
            }
        }
        let kinds = world.wds.kinds();
        if !Arc::ptr_eq(&kinds, &self.kinds) {
            // What the resources of objects are depends on them.
            self.kinds = kinds;
            ledgers.extend(self.ledgers.keys().cloned());
            changed = true;
        }
        changed |= !ledgers.is_empty();
        for source in ledgers {
            let ledger = self.read_ledger(world, &source);
            self.ledgers.insert(source, ledger);
        }
        changed
    }

    fn update_source(&mut self, key: &Key, stored: Option<&Object>) -> bool {
        let source = SourceName::from(key.name.as_str());
        let Some(stored) = stored else { return self.applying.remove(&source).is_some() };
        let status = stored.to_value();
        let applying = status.pointer("/status/applying").and_then(Value::as_str);
        let applying = applying.is_some_and(|commit| !commit.is_empty());
        self.applying.insert(source, applying) != Some(applying)
    }

    fn update_policy(&mut self, key: &Key, stored: Option<&Object>) -> bool {
        let name = PolicyName::from(key.name.as_str());
        let parsed = stored.and_then(|stored| Policy::parse(&stored.to_value(), None));
        if parsed.is_some_and(|policy| !policy.problems.is_empty()) {
            self.unclear_policies.insert(name)
        } else {
            self.unclear_policies.remove(&name)
        }
    }

    fn read_ledger(&self, world: &World, source: &SourceName) -> Ledger {
        match sync::ledger_entries(&world.wds.mirror, source) {
            Err(_) => Ledger { unreadable: true, ..Ledger::default() },
            Ok(entries) => {
                world.effort.binding.add(entries.len());
                let ids = || entries.iter().map(|entry| &entry.id);
                Ledger {
                    unreadable: false,
                    owned: Arc::new(self.resource_ids(ids())),
                    policies: policies_in(ids()),
                }
            }
        }
    }

    fn find(&self) -> Found {
        let sources = self.applying.iter().map(|(source, applying)| {
            let (board, ledger) = (self.boards.get(source), self.ledgers.get(source));
            (source.clone(), self.progress(*applying, board, ledger))
        });
        let holds = Holds { sources: sources.collect(), unclear_policies: self.unclear_policies.clone() };
        let written = self
            .boards
            .iter()
            .filter_map(|(source, board)| Some((source.clone(), self.written(board)?.to_owned())))
            .collect();
        Found { holds: kept(&self.found.holds, holds), written: kept(&self.found.written, written) }
    }

    fn written<'a>(&self, board: &'a OnBoard) -> Option<&'a str> {
        let (commit, clusters) = board.written.as_ref()?;
        self.joined.is_subset(clusters).then_some(commit)
    }

    fn progress(&self, on_disk: bool, board: Option<&OnBoard>, ledger: Option<&Ledger>) -> SourceProgress {
        let behind = |board: &OnBoard| {
            board.revision.is_some() && (self.written(board).is_none() || !board.all_clusters_written)
        };
        let interrupted = on_disk && board.is_none_or(|board| !board.has_settled);
        // While a ledger is unreadable nothing may go.
        let unreadable = ledger.is_some_and(|ledger| ledger.unreadable);
        let applying =
            board.is_some_and(|board| board.applying || behind(board)) || interrupted || unreadable;
        let failed = || board.into_iter().flat_map(|board| &board.failed);
        let revision = board.and_then(|board| board.revision.as_ref());
        let declared = revision.into_iter().flat_map(|revision| revision.declaration.clusters.keys());
        SourceProgress {
            applying,
            owned: ledger.map(|ledger| Arc::clone(&ledger.owned)).unwrap_or_default(),
            policies: ledger.map(|ledger| ledger.policies.clone()).unwrap_or_default(),
            clusters: declared.cloned().collect(),
            failed: self.resource_ids(failed()),
            failed_policies: policies_in(failed()),
        }
    }

    fn resource_ids<'a>(&self, ids: impl Iterator<Item = &'a ObjectId>) -> BTreeSet<ResourceId> {
        let resource = |id: &ObjectId| Some(self.kinds.preferred(&id.group_kind())?.group_resource());
        ids.filter_map(|id| {
            Some(ResourceId {
                resource: resource(id)?,
                namespace: id.namespace.clone(),
                name: id.name.clone(),
            })
        })
        .collect()
    }
}

impl OnBoard {
    fn of(board: &SourceBoard) -> Self {
        Self {
            revision: board.revision.clone(),
            applying: board.applying.is_some(),
            has_settled: board.settled.is_some(),
            written: board.written().cloned(),
            all_clusters_written: board.unwritten_clusters.is_empty(),
            failed: board.failures.iter().map(|failure| failure.object.clone()).collect(),
        }
    }
}

impl PartialEq for OnBoard {
    fn eq(&self, other: &Self) -> bool {
        let revision = |board: &Self| board.revision.as_ref().map(Arc::as_ptr);
        let flags = |board: &Self| (board.applying, board.has_settled, board.all_clusters_written);
        revision(self) == revision(other)
            && flags(self) == flags(other)
            && self.written == other.written
            && self.failed == other.failed
    }
}

/// The value of before, if it is the same.
fn kept<T: PartialEq>(before: &Arc<T>, now: T) -> Arc<T> {
    if **before == now { Arc::clone(before) } else { Arc::new(now) }
}

fn policies_in<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> BTreeSet<PolicyName> {
    ids.filter(|id| is_policy(id)).map(|id| PolicyName::from(id.name.as_str())).collect()
}
