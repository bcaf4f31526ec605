//! What may leave the mailboxes: nothing of a source that is not settled, and of the others what the removal budget lets go.
//!
//! Judged when something came to be unwanted, or when sources or approvals changed while something is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::{Digest, ObjectId};
use plan::binding::{Holds, ResourceId, SourceProgress};
use plan::budget::{self, Approval, Cause};
use plan::work::{BINDING_LABEL, ObservedManifest, ObservedWork};
use plan::{ClusterName, Pair, PolicyName, SourceName};

use super::is_ours;
use super::mailboxes::Mailboxes;
use super::observe::State;
use crate::board::Held;
use crate::holds::holds;
use crate::publish;
use crate::sync;
use crate::world::World;

/// What is to leave the mailboxes, and what of it may not.
#[derive(Default)]
pub(super) struct Removals {
    /// What the mailboxes hold though nobody asks for it there. Mailboxes without such a thing are left out.
    unwanted: BTreeMap<ClusterName, Vec<Unwanted>>,
    holds: Arc<Holds>,
    approvals: BTreeMap<SourceName, BTreeSet<String>>,
    judged: Judged,
    /// The sources do not know yet what was judged.
    untold: bool,
}

/// An object in a work of ours that nobody asks for there.
#[derive(Clone, PartialEq, Eq)]
struct Unwanted {
    object: ObjectId,
    resource: ResourceId,
    /// The policy of the work.
    policy: Option<PolicyName>,
    /// The work goes already.
    deleting: bool,
}

/// What the removal budget says.
#[derive(Default)]
struct Judged {
    /// The list that each source has to approve, if any.
    by_source: BTreeMap<SourceName, Option<Held>>,
    /// What may not leave its mailbox.
    objects: BTreeMap<ClusterName, BTreeSet<ObjectId>>,
}

impl State {
    /// Judges what is unwanted, when that or what decides about it has changed. A mailbox that may lose less or more than before is reconciled, too.
    pub(super) fn judge(&mut self, world: &World) {
        let mut due = false;
        for cluster in self.dirty() {
            let unwanted = self.unwanted(world, &cluster);
            due |= self.removals.set_unwanted(&cluster, &unwanted);
        }
        due |= self.mailboxes.take_moved() && !self.removals.unwanted.is_empty();
        for cluster in self.removals.judge(world, &self.mailboxes, due) {
            self.concern(cluster);
        }
    }

    fn unwanted(&self, world: &World, cluster: &ClusterName) -> Vec<Unwanted> {
        let mut unwanted = Vec::new();
        for work in self.mailboxes.works(cluster).filter(|work| is_ours(world, work)) {
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
        unwanted
    }
}

impl Removals {
    /// What may not leave a mailbox.
    pub(super) fn held(&self, cluster: &ClusterName) -> BTreeSet<ObjectId> {
        self.judged.objects.get(cluster).cloned().unwrap_or_default()
    }

    /// The mailboxes that hold something that is unwanted.
    pub(super) fn mailboxes(&self) -> impl Iterator<Item = &ClusterName> {
        self.unwanted.keys()
    }

    /// The lists that sources have to approve, if they have not been told since they were judged.
    pub(super) fn untold(&self) -> impl Iterator<Item = (&SourceName, &Option<Held>)> {
        self.judged.by_source.iter().filter(|_| self.untold)
    }

    /// The sources know.
    pub(super) fn told(&mut self) {
        self.untold = false;
    }

    /// Whether it is something else than before.
    fn set_unwanted(&mut self, cluster: &ClusterName, unwanted: &[Unwanted]) -> bool {
        let before = if unwanted.is_empty() {
            self.unwanted.remove(cluster).unwrap_or_default()
        } else {
            self.unwanted.insert(cluster.clone(), unwanted.to_vec()).unwrap_or_default()
        };
        before != unwanted
    }

    /// The mailboxes that may lose something else than before.
    fn judge(&mut self, world: &World, mailboxes: &Mailboxes, mut due: bool) -> BTreeSet<ClusterName> {
        if self.unwanted.is_empty() && !due {
            return BTreeSet::new();
        }
        let holds = holds(world);
        let approvals = world.board.of_each(|board| publish::approvals(world, board));
        due |= !Arc::ptr_eq(&holds, &self.holds) || approvals != self.approvals;
        (self.holds, self.approvals) = (holds, approvals);
        if !due {
            return BTreeSet::new();
        }
        self.untold = true;
        let now = self.judged_now(world, mailboxes);
        let before = std::mem::replace(&mut self.judged, now);
        let clusters = before.objects.keys().chain(self.judged.objects.keys()).cloned();
        clusters.filter(|cluster| before.objects.get(cluster) != self.judged.objects.get(cluster)).collect()
    }

    fn all_unwanted(&self) -> impl Iterator<Item = (&ClusterName, &Unwanted)> {
        let all = self.unwanted.iter();
        all.flat_map(|(cluster, unwanted)| unwanted.iter().map(move |unwanted| (cluster, unwanted)))
    }

    /// Asks the removal budget, source by source. What no source owns, neither as object nor as policy, acts at once.
    fn judged_now(&self, world: &World, mailboxes: &Mailboxes) -> Judged {
        let mut removals: BTreeMap<&SourceName, BTreeMap<Pair, Cause>> = BTreeMap::new();
        for (cluster, unwanted) in self.all_unwanted().filter(|(_, unwanted)| !unwanted.deleting) {
            let source = source_of(&self.holds, unwanted.policy.as_ref(), &unwanted.resource);
            if let Some(source) = source {
                let pair = Pair { object: unwanted.object.clone(), cluster: cluster.clone() };
                let cause =
                    if mailboxes.has_cluster(cluster) { Cause::Commit } else { Cause::ClusterVanished };
                removals.entry(source).or_default().insert(pair, cause);
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
            let placed = self.placed(world, mailboxes, source);
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
        for (cluster, unwanted) in self.all_unwanted() {
            if self.holds.pair(unwanted.policy.as_ref(), &unwanted.resource, cluster) {
                judged.objects.entry(cluster.clone()).or_default().insert(unwanted.object.clone());
            }
        }
        judged
    }

    /// All that a source has in the mailboxes.
    fn placed(&self, world: &World, mailboxes: &Mailboxes, source: &SourceName) -> BTreeSet<Pair> {
        let mut placed = BTreeSet::new();
        let works = mailboxes.all_works().filter(|(_, work)| is_ours(world, work) && !work.deleting);
        for (cluster, work) in works {
            world.effort.transport.add(work.manifests.len());
            let policy = policy_of(work);
            let of_source = work.manifests.iter().filter(|manifest| {
                source_of(&self.holds, policy.as_ref(), &resource_of(manifest)) == Some(source)
            });
            placed.extend(
                of_source.map(|manifest| Pair { object: manifest.object.id(), cluster: cluster.clone() }),
            );
        }
        placed
    }
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
    let owns = |progress: &SourceProgress| {
        progress.owned.contains(object) || policy.is_some_and(|policy| progress.policies.contains(policy))
    };
    holds.sources.iter().find(|(_, progress)| owns(progress)).map(|(source, _)| source)
}
