//! From a policy to its Binding, and when a Binding is rewritten.
//!
//! One Binding per policy, of the same name; none for a policy that matches neither an object nor a cluster. It is rewritten only when its entries,
//! their modulation, its destinations or the digest over its intents change: resourceVersions alone never cause a write.

use std::collections::{BTreeMap, BTreeSet};

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
    pub owned: BTreeSet<ResourceId>,
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
#[derive(Clone, Debug, Default)]
pub struct Holds {
    /// Every source of the WDS.
    pub sources: BTreeMap<SourceName, SourceProgress>,
}

impl Holds {
    /// The source because of which nothing that `policy` selects may be removed.
    pub fn policy(&self, policy: &PolicyName) -> Option<&SourceName> {
        let _ = policy;
        todo!()
    }

    /// The source because of which `object` may not be removed.
    pub fn object(&self, object: &ResourceId) -> Option<&SourceName> {
        let _ = object;
        todo!()
    }

    /// The source because of which `cluster` may not be dropped from a Binding.
    pub fn cluster(&self, cluster: &ClusterName) -> Option<&SourceName> {
        let _ = cluster;
        todo!()
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
    /// Objects that stay only because they are held. Look again when their source settles.
    pub held_objects: BTreeSet<ResourceId>,
    /// Clusters that stay only because they are held.
    pub held_clusters: BTreeSet<ClusterName>,
}

/// The Binding that a policy shall have; `None` when it matches neither an object nor a cluster.
pub fn desired(objects: Vec<Selected>, clusters: BTreeSet<ClusterName>) -> Option<BindingContent> {
    let _ = (objects, clusters);
    todo!()
}

/// What to do with the Binding of `policy`. Call it, too, for observed Bindings whose policy is gone (`desired` is `None`), unless the Binding has no
/// policy as controller: such a one belongs to whoever wrote it.
pub fn decide(
    policy: &PolicyName,
    desired: Option<BindingContent>,
    observed: Option<&BindingContent>,
    holds: &Holds,
) -> BindingDecision {
    let _ = (policy, desired, observed, holds);
    todo!()
}
