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
//! On purpose more than "the fields of Apply managers" in case 3: who applies server-side and then runs `kubectl scale` gives `replicas` to kubectl, and a
//! cluster that no longer hears of it would fall back to one replica.
//!
//! | module | knows |
//! |---|---|
//! | [`marks`] | our annotations, and the digest of what was declared |
//! | [`owned`] | who owns which fields of a stored object |
//! | [`cleaning`] | what never travels |
//! | [`answer`](mod@answer) | what a server made of an apply |
//! | [`ignore`] | fields that a unit leaves to somebody else |
//! | [`version`] | the version that an object was asked for in |

use apimachinery::kinds::KindTable;
use apimachinery::smd::Managers;
use apimachinery::{Digest, Group, Kind, Name, Object};
use serde_json::Value;

use crate::SourceName;

pub mod answer;
pub mod cleaning;
pub mod ignore;
pub mod marks;
mod owned;
#[cfg(test)]
pub(crate) mod server;
#[cfg(test)]
mod tests;
mod version;

pub use answer::{Answer, answer, corrected};
pub use ignore::without_ignored;
pub use marks::{intent_digest, marked, self_annotation, source_of};
pub use version::version_to_read;

/// Annotation with the digest of what was declared, present only where the server's answer to it differed and [`crate::names::INTENT_ANNOTATION`] was
/// corrected; it lets sync see that nothing has to be written.
pub const DECLARED_ANNOTATION: &str = "gitstellar.io/declared";
/// What `kubectl apply` remembers; also what we remember of objects that server-side apply refuses, since managedFields tell too little of them.
pub const LAST_APPLIED_ANNOTATION: &str = apimachinery::smd::client_side::LAST_APPLIED;

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
    let seen = Seen::of(stored, kinds);
    match source_of(stored) {
        Some(source) => of_source(&seen, &source),
        None => of_people(&seen),
    }
}

/// The intent of an object whose source is gone: nobody will repair it, so what people do to it counts.
pub fn intent_without_source(stored: &Object, kinds: &KindTable) -> Intent {
    of_people(&Seen::of(stored, kinds))
}

/// The intent that a normal form, [`marked`] for its source, will have once it is applied: what a review shows.
pub fn declared(marked: &Object, kinds: &KindTable) -> Intent {
    let content = cleaning::cleaned(marked.to_value(), kinds.kind(&marked.header().gvk).map(AsRef::as_ref));
    Intent {
        content: Object::from_value(&content).ok(),
        digest: intent_digest(marked),
        state: IntentState::Declared,
    }
}

/// A stored object, with all that the cases look at.
struct Seen<'a> {
    object: &'a Object,
    value: Value,
    managers: Managers,
    kinds: &'a KindTable,
}

impl<'a> Seen<'a> {
    fn of(object: &'a Object, kinds: &'a KindTable) -> Self {
        let value = object.to_value();
        // Managers that cannot be read are as good as none: the object is then cleaned as a whole.
        let managers = Managers::of(&value).unwrap_or_default();
        Self { object, value, managers, kinds }
    }

    fn cleaned(&self, content: Value) -> Option<Object> {
        let resource = self.kinds.kind(&self.object.header().gvk);
        Object::from_value(&cleaning::cleaned(content, resource.map(AsRef::as_ref))).ok()
    }
}

/// Case 1.
fn of_source(seen: &Seen<'_>, source: &SourceName) -> Intent {
    let written = seen.object.header().annotation(crate::names::INTENT_ANNOTATION).and_then(Digest::parse);
    let owned = owned::of_source(seen, source);
    let (content, digest) = match owned {
        Some(content) => {
            let digest = marks::digest_of(content.clone());
            (seen.cleaned(content), digest)
        }
        None => (None, Digest::of(b"")),
    };
    if written == Some(digest) && content.is_some() {
        return Intent { content, digest, state: IntentState::Declared };
    }
    let (managers, fields) = owned::takers(seen, source);
    Intent {
        content: None,
        digest: written.unwrap_or(digest),
        state: IntentState::Contended { managers, fields },
    }
}

/// Cases 2 and 3.
fn of_people(seen: &Seen<'_>) -> Intent {
    let (content, state) = if let Some(content) = owned::client_applied(seen) {
        (content, IntentState::ClientApplied)
    } else if let Some(content) = owned::applied(seen) {
        (content, IntentState::Applied)
    } else {
        (cleaning::by_table(seen.value.clone()), IntentState::Cleaned)
    };
    let content = seen.cleaned(content);
    let digest = content.as_ref().map_or_else(|| Digest::of(b""), Object::digest);
    Intent { content, digest, state }
}
