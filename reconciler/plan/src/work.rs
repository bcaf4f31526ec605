//! Transport: what stands in the ManifestWorks of one mailbox.
//!
//! A mailbox is reconciled as a whole. Each work belongs to one Binding (KubeStellar's names and labels), and a pair that several Bindings select lives in
//! one of their works. Packing is sticky: an object stays in the work that holds it, new ones go first-fit. A pair that another work shall hold leaves the
//! old one only after the new one has applied it, so a move never deletes anything in a cluster.
//!
//! | module | knows |
//! |---|---|
//! | [`naming`] | names and labels of works |
//! | [`size`] | how much a manifest weighs, and what fits |
//! | [`order`] | the order in which OCM applies kinds |
//! | [`wanted`] | what shall be in the mailbox, with which content and strategy |
//! | [`homes`] | which work holds which object |
//! | [`compose`] | the content of each work while objects move, and the writes that follow |

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupResource, Name, Object, ObjectId};

use crate::{ClusterName, Finding, PolicyName, WdsName};

mod compose;
mod homes;
pub mod naming;
pub mod order;
#[cfg(test)]
mod simulation;
pub mod size;
#[cfg(test)]
mod tests;
mod wanted;

pub use compose::content_digest;

/// Label: the name of the Binding (KubeStellar's; shortened with a digest where it would not be a legal label value).
pub const BINDING_LABEL: &str = "transport.kubestellar.io/originOwnerReferenceBindingKey";
/// Label: the name of the WDS (KubeStellar's).
pub const WDS_LABEL: &str = "transport.kubestellar.io/originWdsName";
/// Annotation: the generation of the Binding at the last write (KubeStellar's). It causes no write of its own.
pub const GENERATION_ANNOTATION: &str = "transport.kubestellar.io/originOwnerReferenceBindingGeneration";
/// Annotation: digest over everything that the work asks for.
pub const CONTENT_ANNOTATION: &str = "gitstellar.io/content";
/// Annotation: the id of the hub that writes the work. Works of another hub are never touched.
pub const HUB_ANNOTATION: &str = "gitstellar.io/hub";

/// How much one work may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects per work; KubeStellar's `max_num_wrapped`. With 1, works are named after the object.
    pub max_objects: usize,
    /// Bytes of JSON per work; KubeStellar's `max_size_wrapped`. An object that is larger gets a work of its own.
    pub max_bytes: usize,
}

/// OCM refuses a work whose manifests together are larger, in bytes of JSON.
pub const HARD_LIMIT_BYTES: usize = 500 * 1024;

impl Default for Limits {
    /// Buckets of 64 KiB: one object per work would be a million keys for a million pairs, and larger buckets rewrite more for one changed object.
    fn default() -> Self {
        Self { max_objects: usize::MAX, max_bytes: 64 * 1024 }
    }
}

/// Who reads the mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agent {
    /// Our agent: it forces where an AppliedManifestWork of ours already owns the object.
    #[default]
    Ours,
    /// OCM's klusterlet: transport decides about force, and asks for the generation by a feedback rule.
    Klusterlet,
}

/// Everything that decides about one mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Whose.
    pub cluster: ClusterName,
    /// The WDS that is transported.
    pub wds: WdsName,
    /// The id of this hub.
    pub hub: String,
    /// `--take-over`: works of other hubs for this WDS are ours now.
    pub take_over: bool,
    /// Who reads it.
    pub agent: Agent,
    /// How works are cut.
    pub limits: Limits,
    /// Every Binding that has this cluster as a destination.
    pub bindings: BTreeMap<PolicyName, BoundHere>,
    /// The content of every object of these Bindings, after transforms, templates and overlays.
    pub contents: BTreeMap<ObjectId, Bound>,
    /// Objects that no Binding wants here any more, and that may not be removed yet (removal budget, a source that is not settled).
    pub held: BTreeSet<ObjectId>,
    /// Every work of the mailbox, also foreign ones.
    pub observed: Vec<ObservedWork>,
}

/// A Binding, as one mailbox sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundHere {
    /// UID of the Binding.
    pub uid: String,
    /// Its generation.
    pub generation: i64,
    /// Its objects; the value is createOnly.
    pub objects: BTreeMap<ObjectId, bool>,
}

/// One object that shall be in the mailbox.
#[derive(Clone, Debug)]
pub struct Bound {
    /// UID of the object in the WDS, for the names of works that hold one object.
    pub uid: String,
    /// Its resource.
    pub resource: GroupResource,
    /// What to ship.
    pub content: Content,
    /// Server-side apply would refuse it (finding `ssa-duplicate-key`).
    pub duplicate_keys: bool,
    /// A foreign object of this name is to be taken over.
    pub adopt: bool,
}

/// What to ship for one object in one cluster.
#[derive(Clone, Debug)]
pub enum Content {
    /// This.
    Ship(Object),
    /// What the mailbox holds stays: contended, a template that does not expand, an overlay that does not fit. The text says which, for people.
    Keep(String),
}

/// A work as it stands in the mailbox.
#[derive(Clone, Debug)]
pub struct ObservedWork {
    /// `metadata.name`.
    pub name: Name,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// Whether it has a deletionTimestamp.
    pub deleting: bool,
    /// `observedGeneration` of its condition Applied, whatever its status: the generation that the agent has seen through.
    pub applied_generation: Option<i64>,
    /// `spec.workload.manifests`, in order.
    pub manifests: Vec<ObservedManifest>,
}

/// A manifest of a work, with what the agent says of it.
#[derive(Clone, Debug)]
pub struct ObservedManifest {
    /// The manifest.
    pub object: Object,
    /// Its resource, from manifestConfigs or the kind table.
    pub resource: GroupResource,
    /// Its update strategy.
    pub strategy: Strategy,
    /// Whether a feedback rule named [`GENERATION_FEEDBACK`] asks for its generation.
    pub wants_generation: bool,
    /// Its own condition Applied.
    pub applied: Option<AppliedCondition>,
    /// Whether the agent has ever owned the object: a WorkStatus of it exists, or Applied was seen True.
    pub owned_once: bool,
}

/// A per-manifest condition Applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedCondition {
    /// Status is True.
    pub ok: bool,
    /// `observedGeneration`; agents that leave it out are read by the work's condition.
    pub observed_generation: Option<i64>,
    /// Why not.
    pub message: String,
}

/// How a manifest is written in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// OCM's default: read, merge, replace. For objects that server-side apply refuses (`ssa-duplicate-key`).
    #[default]
    Update,
    /// Created if absent, never updated.
    CreateOnly,
    /// Server-side apply as manager `work-agent`.
    ServerSideApply {
        /// Take fields from other managers.
        force: bool,
    },
    /// Only looked at. We never ask for it.
    ReadOnly,
}

/// One manifest of a desired work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// Its resource.
    pub resource: GroupResource,
    /// How it is written.
    pub strategy: Strategy,
    /// Whether `.metadata.generation` is asked for by a feedback rule named [`GENERATION_FEEDBACK`].
    pub wants_generation: bool,
}

/// Name of the feedback value that carries `.metadata.generation`.
pub const GENERATION_FEEDBACK: &str = "generation";
/// The field manager that agents use; OCM admits only names that start so.
pub const WORK_FIELD_MANAGER: &str = "work-agent";
/// `deleteOption.propagationPolicy` of every work. Orphan rules are never used for moves: agents read them only for manifests still in the spec.
pub const PROPAGATION_POLICY: &str = "Foreground";

/// A ManifestWork as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkContent {
    /// Its name.
    pub name: Name,
    /// The Binding it belongs to.
    pub binding: PolicyName,
    /// All labels of ours.
    pub labels: BTreeMap<String, String>,
    /// All annotations of ours.
    pub annotations: BTreeMap<String, String>,
    /// The manifests, in the order in which OCM applies kinds. Never empty.
    pub manifests: Vec<Manifest>,
}

/// One write to the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkChange {
    /// Create it.
    Create(WorkContent),
    /// Replace manifests, configs, our labels and annotations; keep finalizers and foreign metadata.
    Update {
        /// Precondition: `metadata.resourceVersion`.
        resource_version: String,
        /// The content.
        content: WorkContent,
    },
    /// Delete it.
    Delete {
        /// Its name.
        name: Name,
        /// Precondition.
        uid: String,
        /// Precondition.
        resource_version: String,
    },
}

/// What to write, and what is worth saying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkPlan {
    /// The writes, creates first, deletes last; each is safe whatever becomes of the others.
    pub changes: Vec<WorkChange>,
    /// Objects that no work can carry, with what to do.
    pub findings: Vec<Finding>,
    /// Objects whose content stays as the mailbox has it, or that are not in the mailbox because of it, and why.
    pub kept: BTreeMap<ObjectId, String>,
    /// Objects on their way from one work to another. Look again when the agent reports.
    pub moving: BTreeSet<ObjectId>,
    /// Which work holds which object once the writes are done (not where it is leaving from).
    pub homes: BTreeMap<ObjectId, Name>,
}

/// Decides about one mailbox.
///
/// Guarantees: an object that is wanted or held, and is in the mailbox, is in at least one work after each single write; a work that another hub wrote is
/// not touched; with nothing changed and every move done there are no writes. It rests on `observed` being one consistent, recent list of the mailbox,
/// which the preconditions of the writes enforce per work.
pub fn reconcile(mailbox: &Mailbox) -> WorkPlan {
    let ours: Vec<&ObservedWork> = works_of_ours(mailbox);
    let (wanted, mut plan) = wanted::wanted(mailbox, &ours);
    let homes = homes::assign(mailbox, &ours, &wanted);
    compose::compose(mailbox, &ours, (&wanted, &homes), &mut plan);
    plan
}

/// The works that this hub writes, in the order of their names: with the label of the WDS, and of this hub, or of none (KubeStellar's, which are adopted).
fn works_of_ours(mailbox: &Mailbox) -> Vec<&ObservedWork> {
    let wds = naming::label_value(mailbox.wds.as_str());
    let mut ours: Vec<&ObservedWork> = mailbox
        .observed
        .iter()
        .filter(|w| w.labels.get(WDS_LABEL) == Some(&wds))
        .filter(|w| {
            let hub = w.annotations.get(HUB_ANNOTATION);
            mailbox.take_over || hub.is_none_or(|hub| *hub == mailbox.hub)
        })
        .collect();
    ours.sort_by_key(|w| naming::sort_key(&w.name));
    ours
}
