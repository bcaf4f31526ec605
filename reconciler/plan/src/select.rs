//! Which policy selects which object for which cluster: KubeStellar's selection, complete, as an index that deltas update.
//!
//! | module | knows |
//! |---|---|
//! | [`never`] | what no policy ever selects |
//! | [`clause`] | the six tests of a clause, and which of them an object fails |
//! | [`narrowing`] | the annotation that narrows an object to some clusters |
//! | [`term`] | labels, names, namespaces… as terms, and the terms that a clause requires |
//! | [`postings`] | who bears a term, who waits for one |
//! | [`index`] | all of it together: objects, policies and clusters come and go, and each change says whose selection it changed |
//!
//! Rules: `spec/kubestellar.md` 2.1 to 2.3. On purpose different from KubeStellar: a label change of a Namespace re-evaluates the objects in it at
//! once, and a malformed selector concerns nobody but its policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::{GroupResource, Header, ObjectId, Plural};

use crate::{CLUSTER_SELECTOR_ANNOTATION, ClusterName, Modulation, PolicyName};

pub mod clause;
pub mod index;
pub mod narrowing;
pub mod never;
pub mod postings;
pub mod term;

mod ids;
#[cfg(test)]
pub(crate) mod naive;
#[cfg(test)]
mod tests;

pub use index::{Index, PlacedPair, Placing, Visited};
pub use narrowing::Narrowing;

/// Labels, shared with the object's header.
pub type Labels = Arc<BTreeMap<String, String>>;

/// Policies whose selection a change altered: objects, modulation, clusters, or which objects are narrowed to which clusters.
pub type Changed = BTreeSet<PolicyName>;

/// What selection can see of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selectable {
    /// Its identity.
    pub id: ObjectId,
    /// Its lowercase plural: policies name resources, not kinds.
    pub plural: Plural,
    /// Its labels.
    pub labels: Labels,
    /// The clusters it is narrowed to.
    pub narrowing: Option<Narrowing>,
}

impl Selectable {
    /// From a parsed header and the plural that discovery, or [`crate::kinds::Kinds`], gives for its kind.
    pub fn new(header: &Header, plural: Plural) -> Self {
        Self {
            id: header.id(),
            plural,
            labels: header.labels.clone(),
            narrowing: header.annotation(CLUSTER_SELECTOR_ANNOTATION).map(Narrowing::parse),
        }
    }

    /// Group and plural.
    pub fn resource(&self) -> GroupResource {
        GroupResource { group: self.id.group.clone(), plural: self.plural.clone() }
    }

    /// The name of the Namespace that this object is, if it is one.
    fn as_namespace(&self) -> Option<apimachinery::Namespace> {
        let is_namespace = self.id.group.is_empty() && self.id.kind == "Namespace";
        is_namespace.then(|| self.id.name.as_str().into())
    }
}

/// What one policy selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The objects, with what the matching clauses ask for, merged.
    pub objects: BTreeMap<ObjectId, Modulation>,
    /// The clusters.
    pub clusters: BTreeSet<ClusterName>,
    /// Objects that a narrowing sends to only these of `clusters`.
    pub narrowed: BTreeMap<ObjectId, BTreeSet<ClusterName>>,
}

impl Selection {
    /// The clusters that `object` goes to by this policy; empty if the policy does not select it.
    pub fn clusters_of(&self, object: &ObjectId) -> Option<&BTreeSet<ClusterName>> {
        self.objects.contains_key(object).then(|| self.narrowed.get(object).unwrap_or(&self.clusters))
    }
}
