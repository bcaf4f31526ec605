//! Every (object, cluster) pair, with what its mailbox and its WorkStatus say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Object, ObjectId};
use plan::health::{self, Reported};
use plan::status::{PairState, PairStatus, Returned};
use plan::work::{HUB_ANNOTATION, ObservedManifest, ObservedWork, WDS_LABEL};
use plan::{ClusterName, Modulation, Pair, PolicyName};
use serde_json::Value;

use crate::binding::wire as binding_wire;
use crate::transport::wire as work_wire;
use crate::world::{World, resources};

/// What a cluster returned for one object, as the WorkStatus holds it.
#[derive(Clone, Debug)]
struct WorkStatusOf {
    status: Option<Value>,
    generation: Option<i64>,
    generation_is_applied: bool,
}

/// Where an object stands in a mailbox.
struct Held {
    manifest: ObservedManifest,
    work_generation: i64,
    work_applied_generation: Option<i64>,
}

/// A policy's Binding, as far as status is concerned.
pub(super) struct BoundPolicy {
    pub(super) objects: BTreeMap<ObjectId, Modulation>,
    pub(super) clusters: BTreeSet<ClusterName>,
}

/// Everything that one pass looks at.
pub(super) struct Observed {
    pub(super) kinds: Arc<KindTable>,
    pub(super) policies: BTreeMap<PolicyName, BoundPolicy>,
    /// The state of every pair that a Binding asks for.
    pub(super) pairs: BTreeMap<(ObjectId, ClusterName), PairState>,
    /// What came back for every pair, where something did.
    pub(super) returned: BTreeMap<ObjectId, BTreeMap<ClusterName, Returned>>,
}

pub(super) fn observe(world: &World) -> Observed {
    let kinds = world.wds.kinds();
    let policies = policies(world, &kinds);
    let held = held(world, &kinds);
    let statuses = work_statuses(world);
    let mut observed = Observed { kinds, policies, pairs: BTreeMap::new(), returned: BTreeMap::new() };
    let wanted: BTreeSet<(ObjectId, ClusterName)> = observed
        .policies
        .values()
        .flat_map(|policy| {
            policy.objects.keys().flat_map(|id| policy.clusters.iter().map(|c| (id.clone(), c.clone())))
        })
        .collect();
    world.effort.status.add(wanted.len());
    for (id, cluster) in wanted {
        let (state, returned) = pair(world, &observed.kinds, (&id, &cluster), (&held, &statuses));
        if let Some(returned) = returned {
            observed.returned.entry(id.clone()).or_default().insert(cluster.clone(), returned);
        }
        observed.pairs.insert((id, cluster), state);
    }
    observed
}

impl Observed {
    /// The pairs of some objects and clusters, as `plan` takes them.
    pub(super) fn pairs_of(
        &self,
        objects: impl IntoIterator<Item = ObjectId>,
        clusters: Option<&BTreeSet<ClusterName>>,
    ) -> Vec<PairStatus> {
        let wanted = |cluster: &ClusterName| clusters.is_none_or(|clusters| clusters.contains(cluster));
        objects
            .into_iter()
            .flat_map(|id| {
                let from = (id.clone(), ClusterName::from(""));
                self.pairs.range(from..).take_while(move |((object, _), _)| *object == id)
            })
            .filter(|((_, cluster), _)| wanted(cluster))
            .map(|((object, cluster), state)| PairStatus {
                pair: Pair { object: object.clone(), cluster: cluster.clone() },
                state: state.clone(),
            })
            .collect()
    }
}

fn policies(world: &World, kinds: &KindTable) -> BTreeMap<PolicyName, BoundPolicy> {
    let stored = world.wds.mirror.list(&resources::bindings().group_resource());
    let bound = stored.iter().filter_map(|binding| {
        let content = binding_wire::content(binding)?;
        world.effort.status.add(content.entries.len());
        let objects = content.entries.iter().filter_map(|(id, entry)| {
            let kind = kinds.preferred_resource(&id.resource)?.gvk.kind.clone();
            let id = ObjectId {
                group: id.resource.group.clone(),
                kind,
                namespace: id.namespace.clone(),
                name: id.name.clone(),
            };
            Some((id, entry.modulation.clone()))
        });
        let policy = BoundPolicy { objects: objects.collect(), clusters: content.destinations };
        Some((PolicyName::from(binding.header().name.as_str()), policy))
    });
    bound.collect()
}

/// Where each object stands in each mailbox. During a move an object stands in two works; the one that has applied it counts.
fn held(world: &World, kinds: &KindTable) -> BTreeMap<(ObjectId, ClusterName), Held> {
    let mut held: BTreeMap<(ObjectId, ClusterName), Held> = BTreeMap::new();
    for stored in world.its.mirror.list(&resources::manifest_works().group_resource()) {
        let Some(namespace) = &stored.header().namespace else { continue };
        let cluster = ClusterName::from(namespace.as_str());
        let Some(work) = work_wire::observed(&stored, kinds).filter(|work| is_ours(world, work)) else {
            continue;
        };
        world.effort.status.add(work.manifests.len());
        let (work_generation, work_applied_generation) = (work.generation, work.applied_generation);
        for manifest in work.manifests {
            let key = (manifest.object.id(), cluster.clone());
            let applied = |m: &ObservedManifest| m.applied.as_ref().is_some_and(|a| a.ok);
            if held.get(&key).is_none_or(|known| !applied(&known.manifest) && applied(&manifest)) {
                held.insert(key, Held { manifest, work_generation, work_applied_generation });
            }
        }
    }
    held
}

fn is_ours(world: &World, work: &ObservedWork) -> bool {
    let hub = work.annotations.get(HUB_ANNOTATION);
    work.labels.get(WDS_LABEL).map(String::as_str) == Some(world.settings.wds.as_str())
        && hub.is_none_or(|hub| *hub == world.hub_id())
}

fn work_statuses(world: &World) -> BTreeMap<(ObjectId, ClusterName), WorkStatusOf> {
    let stored = world.its.mirror.list(&resources::work_statuses().group_resource());
    world.effort.status.add(stored.len());
    let mut statuses = BTreeMap::new();
    for object in stored {
        let Some(namespace) = object.header().namespace.clone() else { continue };
        let value = object.to_value();
        let text = |field: &str| value["spec"]["sourceRef"][field].as_str().unwrap_or_default().to_owned();
        let (group, kind, name, of) = (text("group"), text("kind"), text("name"), text("namespace"));
        let id = ObjectId::new(&group, &kind, Some(of.as_str()).filter(|n| !n.is_empty()), &name);
        let details = &value["statusDetails"];
        let status = WorkStatusOf {
            status: value.get("status").cloned(),
            generation: details["lastGeneration"].as_i64().filter(|generation| *generation > 0),
            generation_is_applied: details["lastGenerationIsApplied"].as_bool().unwrap_or(false),
        };
        statuses.insert((id, ClusterName::from(namespace.as_str())), status);
    }
    statuses
}

type HeldAndStatuses<'a> =
    (&'a BTreeMap<(ObjectId, ClusterName), Held>, &'a BTreeMap<(ObjectId, ClusterName), WorkStatusOf>);

fn pair(
    world: &World,
    kinds: &KindTable,
    pair: (&ObjectId, &ClusterName),
    known: HeldAndStatuses<'_>,
) -> (PairState, Option<Returned>) {
    let (id, cluster) = pair;
    let key = (id.clone(), cluster.clone());
    let (held, statuses) = (known.0.get(&key), known.1.get(&key));
    let Some(held) = held else {
        let why = world.board.kept(cluster, id).unwrap_or_else(|| "not in the mailbox yet".to_owned());
        return (PairState::Pending(why), None);
    };
    let stored = world.wds.get(id);
    let shipped =
        stored.as_ref().is_none_or(|stored| is_shipped(world, kinds, stored, &held.manifest.object));
    let seen =
        held.manifest.applied.as_ref().and_then(|a| a.observed_generation).or(held.work_applied_generation);
    let current = shipped && seen == Some(held.work_generation);
    let state = match &held.manifest.applied {
        _ if !shipped => PairState::Pending("the mailbox holds an older version".to_owned()),
        None => PairState::Pending("the agent has not reported".to_owned()),
        Some(_) if !current => PairState::Pending("the agent has not seen the newest version".to_owned()),
        Some(applied) if !applied.ok => PairState::Failed(applied.message.clone()),
        Some(_) => {
            // A status that belongs to an older generation says nothing about this one.
            let fresh = statuses.filter(|s| s.generation.is_none() || s.generation_is_applied);
            PairState::Applied(health::health(&Reported {
                kind: &id.group_kind(),
                content: &held.manifest.object.to_value(),
                status: fresh.and_then(|s| s.status.as_ref()),
                generation: fresh.and_then(|s| s.generation),
            }))
        }
    };
    let applied = held.manifest.applied.as_ref().is_some_and(|a| a.ok);
    let returned = statuses.and_then(|s| {
        let current = current && applied && s.generation_is_applied;
        Some(Returned { status: s.status.clone()?, generation: s.generation, current })
    });
    (state, returned)
}

/// Whether the mailbox holds what the WDS asks for now. A contended object keeps what it has, which counts as shipped.
fn is_shipped(world: &World, kinds: &KindTable, stored: &Object, manifest: &Object) -> bool {
    world.intents.of(stored, kinds).content.as_ref().is_none_or(|content| content == manifest)
}
