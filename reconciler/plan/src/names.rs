//! Names of our own nouns, and the labels, annotations and field managers that carry them.

use apimachinery::typed_name;

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
/// Annotation that narrows an object to some clusters.
pub const CLUSTER_SELECTOR_ANNOTATION: &str = "gitstellar.io/cluster-selector";
/// Every annotation and label key of ours starts with this; annotations of ours stay in the WDS.
pub const OUR_PREFIX: &str = "gitstellar.io/";
/// The namespace of the WDS that holds ledgers; never selected.
pub const SYSTEM_NAMESPACE: &str = "gitstellar-system";
/// Our API group; never selected.
pub const OUR_GROUP: &str = "gitstellar.io";
