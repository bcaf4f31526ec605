//! Everything that one sync decides from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Digest, GroupResource, ObjectId};
use plan::budget::{self, Approval, Cause};
use plan::policy::CONTROL_GROUP;
use plan::sync::{LedgerEntry, Live, SyncInput, SyncPlan};
use plan::{Allow, ClusterName, Pair, SourceName};
use runtime::Key;
use serde_json::Value;

use super::ledger::{self, LedgerError};
use crate::board::{Held, Revision, SourceBoard};
use crate::world::{World, resources};
use crate::{publish, source};

/// What a sync sees.
pub(super) struct Observed {
    pub(super) ledger: Vec<LedgerEntry>,
    pub(super) live: BTreeMap<ObjectId, Live>,
    pub(super) kinds: Arc<KindTable>,
    pub(super) allow: Allow,
    /// (object, cluster) pairs of the source, from the Bindings.
    pub(super) placed: BTreeSet<Pair>,
    pub(super) approvals: Vec<Approval>,
    /// Keys of everything looked at.
    pub(super) keys: BTreeSet<Key>,
}

/// What a sync will do.
pub(super) struct Decided {
    pub(super) plan: SyncPlan,
    pub(super) held: Option<Held>,
}

pub(super) fn observe(
    world: &World,
    source: &SourceName,
    board: &SourceBoard,
    revision: &Revision,
) -> Result<Observed, LedgerError> {
    let ledger = ledger::entries(&world.wds.mirror, source)?;
    let kinds = world.wds.kinds();
    let mut ids: BTreeSet<ObjectId> = ledger.iter().map(|entry| entry.id.clone()).collect();
    let units = revision.declaration.units.iter().flat_map(|unit| unit.objects.iter());
    ids.extend(units.chain(&revision.declaration.policies).map(|declared| declared.object.id()));
    let keys = ids.iter().filter_map(|id| key(&kinds, id)).collect();
    let live: BTreeMap<ObjectId, Live> =
        ids.into_iter().map(|id| (id.clone(), world.wds.live(&id))).collect();
    let owned: BTreeSet<&ObjectId> = ledger.iter().map(|entry| &entry.id).collect();
    let placed = placed_pairs(world).into_iter().filter(|pair| owned.contains(&pair.object)).collect();
    let approvals = publish::approvals(world, board)
        .iter()
        .filter_map(|hash| Digest::parse(hash))
        .map(Approval::of_hash)
        .collect();
    let allow = source::spec(world, source).map(|spec| spec.allow).unwrap_or_default();
    Ok(Observed { ledger, live, kinds, allow, placed, approvals, keys })
}

fn key(kinds: &KindTable, id: &ObjectId) -> Option<Key> {
    let plural = kinds.preferred(&id.group_kind())?.plural.clone();
    let resource = GroupResource { group: id.group.clone(), plural };
    Some(Key { resource, namespace: id.namespace.clone(), name: id.name.clone() })
}

/// All (object, cluster) pairs that the Bindings of the WDS place.
pub fn placed_pairs(world: &World) -> BTreeSet<Pair> {
    let kinds = world.wds.kinds();
    let mut pairs = BTreeSet::new();
    for binding in world.wds.mirror.list(&resources::bindings().group_resource()) {
        let binding = binding.to_value();
        let clusters: Vec<ClusterName> = list(&binding, "/spec/destinations")
            .filter_map(|destination| destination["clusterId"].as_str().map(ClusterName::from))
            .collect();
        let entries = list(&binding, "/spec/workload/clusterScope")
            .chain(list(&binding, "/spec/workload/namespaceScope"));
        for object in entries.filter_map(|entry| object_id(&kinds, entry)) {
            pairs.extend(
                clusters.iter().map(|cluster| Pair { object: object.clone(), cluster: cluster.clone() }),
            );
        }
    }
    pairs
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn object_id(kinds: &KindTable, entry: &Value) -> Option<ObjectId> {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    let resource = kinds.preferred_resource(&GroupResource::new(text("group"), text("resource")))?;
    let namespace = Some(text("namespace")).filter(|namespace| !namespace.is_empty());
    Some(ObjectId::new(text("group"), resource.gvk.kind.as_str(), namespace, text("name")))
}

impl Observed {
    /// The one call into `plan`: first which removals there would be, then whether the budget lets them pass, then the whole sync.
    pub(super) fn decide(&self, source: &SourceName, revision: &Revision) -> Decided {
        let nothing_held = BTreeSet::new();
        let removals = plan::sync::removals(&self.input(source, revision, &nothing_held));
        let pairs: BTreeMap<Pair, Cause> = self
            .placed
            .iter()
            .filter(|pair| removals.contains(&pair.object))
            .map(|pair| (pair.clone(), Cause::Commit))
            .collect();
        let verdict = budget::judge(&pairs, &self.placed, &self.approvals, budget::Config::default());
        let mut held_objects: BTreeSet<ObjectId> =
            verdict.held.iter().flat_map(|held| held.pairs.iter().map(|pair| pair.object.clone())).collect();
        if revision.incomplete.policies {
            // What stood in the file that cannot be read is not known: no policy goes.
            held_objects.extend(
                self.ledger.iter().map(|entry| entry.id.clone()).filter(|id| id.group == CONTROL_GROUP),
            );
        }
        let plan = plan::sync::plan(&self.input(source, revision, &held_objects));
        Decided { plan, held: verdict.held.map(|held| in_words(&held)) }
    }

    fn input<'a>(
        &'a self,
        source: &'a SourceName,
        revision: &'a Revision,
        held: &'a BTreeSet<ObjectId>,
    ) -> SyncInput<'a> {
        SyncInput {
            source,
            declaration: &revision.declaration,
            settings: &revision.settings,
            allow: &self.allow,
            ledger: &self.ledger,
            live: &self.live,
            kinds: &self.kinds,
            held,
        }
    }
}

/// A held list as the board keeps it.
pub(crate) fn in_words(held: &budget::Held) -> Held {
    let reasons: Vec<String> = held.reasons.iter().map(ToString::to_string).collect();
    Held {
        hash: held.hash.to_string(),
        reason: reasons.join("; "),
        pairs: held.pairs.iter().cloned().collect(),
    }
}
