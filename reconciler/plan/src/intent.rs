//! What was asked for: the content that transport ships, never the stored copy with its defaults, allocations and normalised values.
//!
//! Every case is the stored object restricted to a set of fields; they differ in where the set comes from:
//!
//! 1. An object of a source: the fields that `gitstellar-<source>` owns, while their digest equals the annotation `gitstellar.io/intent`. Otherwise
//!    somebody took a field from us, and the mailboxes keep what they have until sync repairs it.
//! 2. Client-side `kubectl apply`: the fields of the last-applied-configuration, and those of other Update managers that are not status
//!    (`kubectl scale`, `edit`, `label`).
//! 3. The fields of Apply managers and of such Update managers; or, without an Apply manager, all fields.
//!
//! All cases are then cleaned of what never travels: see [`cleaning`].

use apimachinery::kinds::KindTable;
use apimachinery::{Digest, Group, Kind, Name, Object, ObjectId};

use crate::SourceName;

/// Annotation with the digest of what was declared, present only where the server's answer to it differed and [`crate::names::INTENT_ANNOTATION`] was
/// corrected; it lets sync see that nothing has to be written.
pub const DECLARED_ANNOTATION: &str = "gitstellar.io/declared";
/// What `kubectl apply` remembers.
pub const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What one object asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What to ship: no status, no server-owned metadata, no annotation of ours; the unit label stays. `None` while contended: every mailbox keeps
    /// the content it has.
    pub content: Option<Object>,
    /// Changes exactly when what is asked for changes. While contended it is the digest of what the source declared, so nothing downstream churns.
    pub digest: Digest,
    /// Where the content comes from.
    pub state: IntentState,
}

/// Where an intent comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentState {
    /// The fields that a source declared.
    Declared,
    /// A source declared it, and somebody changed it since.
    Contended {
        /// Who holds fields besides us, sorted: `kubectl-edit`, `kubectl (scale)`. Empty when a field was only removed.
        managers: Vec<String>,
        /// The fields that they hold, `.spec.replicas`, sorted; at most ten.
        fields: Vec<String>,
    },
    /// Client-side `kubectl apply`.
    ClientApplied,
    /// The fields of Apply managers.
    Applied,
    /// The stored object, cleaned by KubeStellar's table (`docs/ARCHITECTURE.md`).
    Cleaned,
}

/// A field that another controller steers: it is dropped from what a unit declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// Only this group; `None` is any.
    pub group: Option<Group>,
    /// Only this kind; `None` is any.
    pub kind: Option<Kind>,
    /// Only this name; `None` is any.
    pub name: Option<Name>,
    /// JSON pointers (RFC 6901); a segment `*` stands for every entry of a list or map.
    pub pointers: Vec<String>,
}

/// The intent of a stored object, with its managedFields.
pub fn intent(stored: &Object, kinds: &KindTable) -> Intent {
    let _ = (stored, kinds);
    todo!()
}

/// The intent that `declared` (a normal form, marked for its source) will have once it is applied: what a review shows.
pub fn declared(marked: &Object, kinds: &KindTable) -> Intent {
    let _ = (marked, kinds);
    todo!()
}

/// The source that an object belongs to: named by its annotation `gitstellar.io/object`, if that names this object, else by a field manager of ours.
pub fn source_of(stored: &Object) -> Option<SourceName> {
    let _ = stored;
    todo!()
}

/// `<source>/<group>/<kind>/<namespace>/<name>`: the value of `gitstellar.io/object`.
pub fn self_annotation(source: &SourceName, id: &ObjectId) -> String {
    let _ = (source, id);
    todo!()
}

/// The digest of a normal form, the annotation that carries it left out.
pub fn intent_digest(normal: &Object) -> Digest {
    let _ = normal;
    todo!()
}

/// What the server made of an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The digest of the fields that we own now, where it is not the one that was sent: sync writes it, see [`DECLARED_ANNOTATION`].
    pub corrected: Option<Digest>,
    /// Declared leaves that got another value than their normal form, `.spec.replicas`: finding `mutated-in-wds`. Paths only, never values.
    pub mutated: Vec<String>,
}

/// Compares the server's answer (with managedFields) to what was sent.
pub fn answer(sent: &Object, answered: &Object, source: &SourceName, kinds: &KindTable) -> Answer {
    let _ = (sent, answered, source, kinds);
    todo!()
}

/// A declared object without the fields that its unit ignores.
pub fn without_ignored(object: &Object, rules: &[IgnoreRule]) -> Object {
    let _ = (object, rules);
    todo!()
}
