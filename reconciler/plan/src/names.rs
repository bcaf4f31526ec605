//! Names of our own nouns, and the labels, annotations and field managers that carry them.

use std::fmt;

use apimachinery::{Kind, ObjectId, Plural, typed_name};

typed_name! {
    /// A source: the name of its `GitSource`.
    SourceName
}
typed_name! {
    /// A unit inside its source: its path with a leading `apps/` dropped and `/` written as `.`.
    UnitName
}
typed_name! {
    /// A BindingPolicy; its Binding bears the same name.
    PolicyName
}
typed_name! {
    /// A ManagedCluster; its mailbox namespace bears the same name.
    ClusterName
}
typed_name! {
    /// A workload description space.
    WdsName
}

impl SourceName {
    /// The field manager of this source in the WDS.
    pub fn field_manager(&self) -> String {
        format!("{FIELD_MANAGER_PREFIX}{self}")
    }
}

/// What every field manager of a source starts with; two such managers conflict instead of alternating.
pub const FIELD_MANAGER_PREFIX: &str = "gitstellar-";
/// Label on every object of a unit; it travels to the clusters, so that a policy can select a whole unit.
pub const UNIT_LABEL: &str = "gitstellar.io/unit";
/// Annotation that names source and object, `<source>/<group>/<kind>/<namespace>/<name>`: one of the four proofs that a prune needs.
pub const SELF_ANNOTATION: &str = "gitstellar.io/object";
/// Annotation with the digest of the fields that the source applied.
pub const INTENT_ANNOTATION: &str = "gitstellar.io/intent";
/// Annotation that narrows an object to some clusters: a LabelSelector or a list of them (ORed) as JSON, or a selector as kubectl
/// writes it, `env in (prod),!edge`. See [`crate::select::Narrowing`].
pub const CLUSTER_SELECTOR_ANNOTATION: &str = "gitstellar.io/cluster-selector";
/// Every annotation and label key of ours starts with this; annotations of ours stay in the WDS.
pub const OUR_PREFIX: &str = "gitstellar.io/";
/// The namespace of the WDS that holds ledgers; never selected.
pub const SYSTEM_NAMESPACE: &str = "gitstellar-system";
/// Our API group; never selected.
pub const OUR_GROUP: &str = "gitstellar.io";

/// One object on one cluster: what placement, the removal budget and the review count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pair {
    /// The object.
    pub object: ObjectId,
    /// The cluster.
    pub cluster: ClusterName,
}

impl Pair {
    /// From its parts.
    pub fn new(object: ObjectId, cluster: ClusterName) -> Self {
        Self { object, cluster }
    }
}

impl fmt::Display for Pair {
    /// `Deployment.apps shop/cart on edge-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.object, self.cluster)
    }
}

/// The plural that Kubernetes itself would guess for a kind nobody described: `Policy` → `policies`, `Class` → `classes`.
pub fn guessed_plural(kind: &Kind) -> Plural {
    let singular = kind.as_str().to_lowercase();
    if let Some(stem) = singular.strip_suffix('y') {
        return format!("{stem}ies").into();
    }
    let ending = if singular.ends_with('s') { "es" } else { "s" };
    format!("{singular}{ending}").into()
}

/// Whether `plural` can be the plural of `kind`, by English and by Kubernetes' guess (`Gateway`: `gateways`, `gatewaies`).
pub fn can_be_plural(plural: &str, kind: &Kind) -> bool {
    let singular = kind.as_str().to_lowercase();
    plural == singular
        || plural == guessed_plural(kind).as_str()
        || plural.strip_prefix(singular.as_str()).is_some_and(|rest| rest == "s" || rest == "es")
}

#[cfg(test)]
mod tests {
    use super::{can_be_plural, guessed_plural};

    #[test]
    fn plurals_are_guessed_as_kubernetes_does() {
        for (kind, plural) in
            [("Widget", "widgets"), ("NetworkPolicy", "networkpolicies"), ("StorageClass", "storageclasses")]
        {
            assert_eq!(guessed_plural(&kind.into()), plural);
        }
    }

    #[test]
    fn a_plural_that_the_guess_misses_is_still_recognised() {
        assert!(can_be_plural("gateways", &"Gateway".into()));
        assert!(can_be_plural("policies", &"Policy".into()));
        assert!(can_be_plural("endpoints", &"Endpoints".into()));
        assert!(!can_be_plural("routes", &"Gateway".into()));
    }
}
