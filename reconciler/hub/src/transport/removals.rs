//! What may leave the mailboxes: nothing of a source that is not settled, and of the others what the removal budget lets go.
//!
//! Judged when something came to be unwanted, or when sources or approvals changed while something is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::{Digest, ObjectId};
use plan::binding::{Holds, ResourceId};
use plan::budget::{self, Approval, Cause};
use plan::work::{BINDING_LABEL, HUB_ANNOTATION, ObservedManifest, ObservedWork, WDS_LABEL};
use plan::{ClusterName, Pair, PolicyName, SourceName};

use super::observe::State;
use crate::board::Held;
use crate::holds::holds;
use crate::publish;
use crate::sync;
use crate::world::World;

/// An object in a work of ours that nobody asks for there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Unwanted {
    object: ObjectId,
    resource: ResourceId,
    /// The policy of the work.
    policy: Option<PolicyName>,
    /// The work goes already.
    deleting: bool,
}

/// What the removal budget says.
#[derive(Default)]
pub(super) struct Judged {
    /// The list that each source has to approve, if any.
    pub(super) by_source: BTreeMap<SourceName, Option<Held>>,
    /// What may not leave its mailbox.
    pub(super) objects: BTreeMap<ClusterName, BTreeSet<ObjectId>>,
}

impl State {
    /// Judges what is unwanted in the mailboxes that changed, and in all of them when what decides about it has changed.
    pub(super) fn judge(&mut self, world: &World) {
        let mut due = false;
        for cluster in self.dirty() {
            due |= self.find_unwanted(world, &cluster);
        }
        let holds = holds(world);
        let approvals = approvals(world);
        let any = self.mailboxes.values().any(|mailbox| !mailbox.unwanted.is_empty());
        due |= any && (!Arc::ptr_eq(&holds, &self.holds) || approvals != self.approvals);
        (self.holds, self.approvals) = (holds, approvals);
        if due {
            let judged = self.judged_now(world);
            let clusters: BTreeSet<ClusterName> =
                judged.objects.keys().chain(self.judged.objects.keys()).cloned().collect();
            for cluster in clusters {
                if judged.objects.get(&cluster) != self.judged.objects.get(&cluster) {
                    self.concerns(&cluster);
                }
            }
            self.judged = judged;
        }
    }

    /// Whether something else is unwanted than before.
    fn find_unwanted(&mut self, world: &World, cluster: &ClusterName) -> bool {
        let Some(mailbox) = self.mailboxes.get(cluster) else { return false };
        let mut unwanted = Vec::new();
        for work in mailbox.works.values().filter(|work| is_ours(world, work)) {
            world.effort.transport.add(work.manifests.len());
            let policy = policy_of(work);
            let manifests = work.manifests.iter().map(|manifest| (manifest, manifest.object.id()));
            let manifests = manifests.filter(|(_, object)| !self.wants(object, cluster));
            unwanted.extend(manifests.map(|(manifest, object)| Unwanted {
                object,
                resource: resource_of(manifest),
                policy: policy.clone(),
                deleting: work.deleting,
            }));
        }
        let Some(mailbox) = self.mailboxes.get_mut(cluster) else { return false };
        let changed = mailbox.unwanted != unwanted;
        mailbox.unwanted = unwanted;
        changed
    }

    fn unwanted(&self) -> impl Iterator<Item = (&ClusterName, &Unwanted)> {
        self.mailboxes
            .iter()
            .flat_map(|(cluster, mailbox)| mailbox.unwanted.iter().map(move |unwanted| (cluster, unwanted)))
    }

    /// Asks the removal budget, source by source. What no source owns, neither as object nor as policy, acts at once.
    fn judged_now(&self, world: &World) -> Judged {
        let mut removals: BTreeMap<&SourceName, BTreeMap<Pair, Cause>> = BTreeMap::new();
        for (cluster, unwanted) in self.unwanted().filter(|(_, unwanted)| !unwanted.deleting) {
            let source = source_of(&self.holds, unwanted.policy.as_ref(), &unwanted.resource);
            if let Some(source) = source {
                let pair = Pair { object: unwanted.object.clone(), cluster: cluster.clone() };
                removals.entry(source).or_default().insert(pair, self.cause(cluster));
            }
        }
        let mut judged = Judged::default();
        for (source, approvals) in &self.approvals {
            let Some(gone) = removals.remove(source) else {
                judged.by_source.insert(source.clone(), None);
                continue;
            };
            let approvals: Vec<Approval> =
                approvals.iter().filter_map(|hash| Digest::parse(hash)).map(Approval::of_hash).collect();
            let placed = self.placed(world, source);
            let verdict = budget::judge(&gone, &placed, &approvals, budget::Config::default());
            for pair in verdict.held.iter().flat_map(|held| &held.pairs) {
                judged.objects.entry(pair.cluster.clone()).or_default().insert(pair.object.clone());
            }
            // While a commit is being written the list is still growing; what is shown for approval is the list of a settled source.
            let settling = self.holds.sources.get(source).is_some_and(|progress| progress.applying);
            let held = verdict.held.filter(|_| !settling).map(|held| sync::in_words(&held));
            judged.by_source.insert(source.clone(), held);
        }
        // Sources that are not settled, and sources that this process has not read yet, lose nothing.
        for (cluster, unwanted) in self.unwanted() {
            if self.holds.pair(unwanted.policy.as_ref(), &unwanted.resource, cluster).is_some() {
                judged.objects.entry(cluster.clone()).or_default().insert(unwanted.object.clone());
            }
        }
        judged
    }

    /// All that a source has in the mailboxes.
    fn placed(&self, world: &World, source: &SourceName) -> BTreeSet<Pair> {
        let mut placed = BTreeSet::new();
        for (cluster, mailbox) in &self.mailboxes {
            for work in mailbox.works.values().filter(|work| is_ours(world, work) && !work.deleting) {
                world.effort.transport.add(work.manifests.len());
                let policy = policy_of(work);
                let of_source = work.manifests.iter().filter(|manifest| {
                    source_of(&self.holds, policy.as_ref(), &resource_of(manifest)) == Some(source)
                });
                placed.extend(
                    of_source.map(|manifest| Pair { object: manifest.object.id(), cluster: cluster.clone() }),
                );
            }
        }
        placed
    }

    fn cause(&self, cluster: &ClusterName) -> Cause {
        if self.inventory.contains_key(cluster) { Cause::Commit } else { Cause::ClusterVanished }
    }
}

fn approvals(world: &World) -> BTreeMap<SourceName, BTreeSet<String>> {
    let boards = world.board.sources().into_iter();
    boards
        .map(|(source, board)| {
            let approvals = publish::approvals(world, &board);
            (source, approvals)
        })
        .collect()
}

fn is_ours(world: &World, work: &ObservedWork) -> bool {
    let hub = work.annotations.get(HUB_ANNOTATION);
    work.labels.get(WDS_LABEL).map(String::as_str) == Some(world.settings.wds.as_str())
        && hub.is_none_or(|hub| *hub == world.hub_id())
}

fn policy_of(work: &ObservedWork) -> Option<PolicyName> {
    work.labels.get(BINDING_LABEL).map(|name| PolicyName::from(name.as_str()))
}

fn resource_of(manifest: &ObservedManifest) -> ResourceId {
    let header = manifest.object.header();
    ResourceId {
        resource: manifest.resource.clone(),
        namespace: header.namespace.clone(),
        name: header.name.clone(),
    }
}

fn source_of<'a>(
    holds: &'a Holds,
    policy: Option<&PolicyName>,
    object: &ResourceId,
) -> Option<&'a SourceName> {
    let owns = |progress: &plan::binding::SourceProgress| {
        progress.owned.contains(object) || policy.is_some_and(|policy| progress.policies.contains(policy))
    };
    holds.sources.iter().find(|(_, progress)| owns(progress)).map(|(source, _)| source)
}
