//! From a policy to its Binding, and when a Binding is rewritten.
//!
//! One Binding per policy, of the same name; none for a policy that matches neither an object nor a cluster. It is rewritten only when its entries,
//! their modulation, its destinations or the digest over its intents change: resourceVersions alone never cause a write.
//!
//! While a source is not settled, nothing that it owns or that its policies select is removed; and nothing that a policy selected which cannot be understood now. A Binding is a cross product of objects and clusters,
//! so it can keep an old object, or an old cluster, only as long as nothing is added on the other side: else it would ask for pairs that neither the old
//! nor the new state asked for. In that case the old ones leave the Binding, and stay in the mailboxes because transport holds pair by pair.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::{Digest, GroupResource, Name, Namespace, Version};

use crate::{ClusterName, Modulation, PolicyName, SourceName};

/// Annotation of a Binding: the digest over the intents of its entries.
pub const INTENTS_ANNOTATION: &str = "gitstellar.io/intents";

/// An object as Bindings identify it: by resource, not by kind. Sorts by group, plural, namespace, name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResourceId {
    /// Group and plural.
    pub resource: GroupResource,
    /// The namespace, `None` for a cluster-scoped object.
    pub namespace: Option<Namespace>,
    /// The name.
    pub name: Name,
}

/// What a Binding says of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version it is read in.
    pub version: Version,
    /// Its resourceVersion in the WDS when the Binding was written.
    pub resource_version: String,
    /// How it travels, merged over the clauses that select it.
    pub modulation: Modulation,
}

/// An object that a policy selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Which.
    pub id: ResourceId,
    /// What the Binding will say of it.
    pub entry: Entry,
    /// The digest of its intent.
    pub intent: Digest,
}

/// The content of a Binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindingContent {
    /// The objects.
    pub entries: BTreeMap<ResourceId, Entry>,
    /// The clusters.
    pub destinations: BTreeSet<ClusterName>,
    /// The digest over the intents; `None` in a Binding that somebody else wrote.
    pub intents: Option<Digest>,
}

/// What a source is doing, as far as removals are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceProgress {
    /// Writes of a commit are under way: nothing that the source owns is removed downstream.
    pub applying: bool,
    /// Every object of its ledger.
    pub owned: Arc<BTreeSet<ResourceId>>,
    /// The policies of its ledger.
    pub policies: BTreeSet<PolicyName>,
    /// The clusters that it declares.
    pub clusters: BTreeSet<ClusterName>,
    /// Objects whose write of the last commit failed: their pairs stay.
    pub failed: BTreeSet<ResourceId>,
    /// Policies whose write of the last commit failed: all that they selected stays.
    pub failed_policies: BTreeSet<PolicyName>,
}

/// What may not be removed now. The same answer serves binding and transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Every source of the WDS.
    pub sources: BTreeMap<SourceName, SourceProgress>,
    /// Policies that cannot be understood, whoever wrote them: what they meant to select is not known.
    pub unclear_policies: BTreeSet<PolicyName>,
}

impl Holds {
    /// Whether nothing that `policy` selected may be removed.
    pub fn policy(&self, policy: &PolicyName) -> bool {
        self.unclear_policies.contains(policy)
            || self.any(|s| (s.applying && s.policies.contains(policy)) || s.failed_policies.contains(policy))
    }

    /// Whether `object` may not be removed.
    pub fn object(&self, object: &ResourceId) -> bool {
        self.any(|s| (s.applying && s.owned.contains(object)) || s.failed.contains(object))
    }

    /// Whether `cluster` may not be dropped from a Binding.
    pub fn cluster(&self, cluster: &ClusterName) -> bool {
        self.any(|s| s.applying && s.clusters.contains(cluster))
    }

    /// Whether `object` may not leave the mailbox of `cluster`, where a work of `policy` holds it.
    pub fn pair(&self, policy: Option<&PolicyName>, object: &ResourceId, cluster: &ClusterName) -> bool {
        policy.is_some_and(|policy| self.policy(policy)) || self.object(object) || self.cluster(cluster)
    }

    fn any(&self, test: impl Fn(&SourceProgress) -> bool) -> bool {
        self.sources.values().any(test)
    }
}

/// What to do with one Binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingChange {
    /// It is as it shall be.
    None,
    /// Create it.
    Create(BindingContent),
    /// Write this content.
    Update(BindingContent),
    /// Delete it. We do so ourselves: a WDS may have no garbage collector.
    Delete,
}

/// A change, and what it spares because a source is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingDecision {
    /// What to do.
    pub change: BindingChange,
    /// Objects of the old Binding that may not be removed yet, whether they stay in it or only in the mailboxes.
    pub held_objects: BTreeSet<ResourceId>,
    /// Clusters of the old Binding that may not be dropped yet.
    pub held_clusters: BTreeSet<ClusterName>,
}

/// The Binding that a policy shall have; `None` when it matches neither an object nor a cluster (as KubeStellar does).
pub fn desired(objects: Vec<Selected>, clusters: BTreeSet<ClusterName>) -> Option<BindingContent> {
    if objects.is_empty() && clusters.is_empty() {
        return None;
    }
    let by_id: BTreeMap<ResourceId, (Entry, Digest)> =
        objects.into_iter().map(|s| (s.id, (s.entry, s.intent))).collect();
    let intents = intents_digest(by_id.iter().map(|(id, (_, digest))| (id, digest)));
    let entries = by_id.into_iter().map(|(id, (entry, _))| (id, entry)).collect();
    Some(BindingContent { entries, destinations: clusters, intents: Some(intents) })
}

fn intents_digest<'a>(intents: impl Iterator<Item = (&'a ResourceId, &'a Digest)>) -> Digest {
    let lines: Vec<String> = intents
        .map(|(id, digest)| {
            let namespace = id.namespace.as_ref().map(Namespace::as_str).unwrap_or_default();
            format!("{}/{namespace}/{}/{digest}", id.resource, id.name)
        })
        .collect();
    Digest::of_parts(lines.iter().map(String::as_bytes))
}

/// What to do with the Binding of `policy`. Call it, too, for observed Bindings whose policy is gone (`desired` is `None`), unless the Binding has no
/// policy as controller: such a one belongs to whoever wrote it. `contended` are objects that a hand has changed in the WDS and a source is about to repair: what
/// selects them now is not what was declared, so they stay.
pub fn decide(
    policy: &PolicyName,
    desired: Option<BindingContent>,
    observed: Option<&BindingContent>,
    holds: &Holds,
    contended: &BTreeSet<ResourceId>,
) -> BindingDecision {
    let Some(observed) = observed else {
        let change = desired.map_or(BindingChange::None, BindingChange::Create);
        return BindingDecision {
            change,
            held_objects: BTreeSet::default(),
            held_clusters: BTreeSet::default(),
        };
    };
    let wanted = desired.unwrap_or_default();
    let held_objects = held_objects(policy, &wanted, observed, (holds, contended));
    let held_clusters = held_clusters(policy, &wanted, observed, holds);
    let merged = merged(wanted, observed, &held_objects, &held_clusters);
    let change = if merged.entries.is_empty() && merged.destinations.is_empty() {
        BindingChange::Delete
    } else if says_the_same(&merged, observed) {
        BindingChange::None
    } else {
        BindingChange::Update(merged)
    };
    BindingDecision { change, held_objects, held_clusters }
}

fn held_objects(
    policy: &PolicyName,
    wanted: &BindingContent,
    observed: &BindingContent,
    (holds, contended): (&Holds, &BTreeSet<ResourceId>),
) -> BTreeSet<ResourceId> {
    let all = holds.policy(policy);
    let gone = observed.entries.keys().filter(|id| !wanted.entries.contains_key(id));
    gone.filter(|id| all || holds.object(id) || contended.contains(*id)).cloned().collect()
}

fn held_clusters(
    policy: &PolicyName,
    wanted: &BindingContent,
    observed: &BindingContent,
    holds: &Holds,
) -> BTreeSet<ClusterName> {
    let all = holds.policy(policy);
    let gone = observed.destinations.difference(&wanted.destinations);
    gone.filter(|cluster| all || holds.cluster(cluster)).cloned().collect()
}

/// The wanted content and what is held of the old one, as far as that asks for no pair that is neither old nor wanted.
fn merged(
    mut wanted: BindingContent,
    observed: &BindingContent,
    held_objects: &BTreeSet<ResourceId>,
    held_clusters: &BTreeSet<ClusterName>,
) -> BindingContent {
    let adds_objects = wanted.entries.keys().any(|id| !observed.entries.contains_key(id));
    let adds_clusters = !wanted.destinations.is_subset(&observed.destinations);
    if !adds_clusters {
        let held = held_objects.iter().filter_map(|id| observed.entries.get_key_value(id));
        wanted.entries.extend(held.map(|(id, entry)| (id.clone(), entry.clone())));
    }
    if !adds_objects {
        wanted.destinations.extend(held_clusters.iter().cloned());
    }
    // A policy that is gone has no digest of its own; the old one stays, so that holding alone writes nothing.
    wanted.intents = wanted.intents.or(observed.intents);
    wanted
}

/// Equal but for resourceVersions, which every status write of a workload object changes.
fn says_the_same(a: &BindingContent, b: &BindingContent) -> bool {
    let entry =
        |(id, entry): (&ResourceId, &Entry)| (id.clone(), entry.version.clone(), entry.modulation.clone());
    a.intents == b.intents
        && a.destinations == b.destinations
        && a.entries.len() == b.entries.len()
        && a.entries.iter().map(entry).eq(b.entries.iter().map(entry))
}

#[cfg(test)]
mod tests;
