//! What a decision asks for. Decisions are values, so that tables can test them; `act` performs them.

use std::fmt;

use apimachinery::Object;
use serde_json::Value;

use crate::live::Live;

/// Field manager of all workload controllers.
pub(crate) const CONTROLLERS: &str = "kube-controller-manager";

/// Who acts: the field manager of its writes and the source of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// Field manager.
    pub manager: &'static str,
    /// `source.component` of events.
    pub component: &'static str,
}

/// One write.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Makes an object; that it is already there is an error.
    Create(Value),
    /// Merge patch, refused when the object has changed since it was looked at.
    Patch { of: Object, patch: Value },
    /// A new status, likewise.
    Status { of: Object, status: Value },
    /// Deletes exactly this object; `now` without grace.
    Delete { of: Object, now: bool },
    /// Gives a pod its node.
    Bind { pod: Object, node: String },
    /// Another number of replicas, by the scale subresource.
    Scale { of: Object, replicas: i64 },
    /// Tells people.
    Tell(Event),
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub about: Object,
    pub warning: bool,
    pub reason: &'static str,
    pub message: String,
}

impl Step {
    pub(crate) fn patch(of: &Live, patch: Value) -> Self {
        Self::Patch { of: of.object.clone(), patch }
    }

    pub(crate) fn delete(of: &Live) -> Self {
        Self::Delete { of: of.object.clone(), now: false }
    }

    pub(crate) fn tell(about: &Live, reason: &'static str, message: impl Into<String>) -> Self {
        Self::Tell(Event { about: about.object.clone(), warning: false, reason, message: message.into() })
    }

    pub(crate) fn warn(about: &Live, reason: &'static str, message: impl Into<String>) -> Self {
        Self::Tell(Event { about: about.object.clone(), warning: true, reason, message: message.into() })
    }

    /// The status, unless the object has it already.
    pub(crate) fn status(of: &Live, status: Value) -> Option<Self> {
        let known = of.value.get("status").unwrap_or(&Value::Null);
        let same = crate::live::same_but_for_empties(known, &status);
        (!same).then(|| Self::Status { of: of.object.clone(), status })
    }
}

impl fmt::Display for Step {
    /// For tables of tests, and for logs of what is no Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |object: &Object| {
            let header = object.header();
            let namespace = header.namespace.as_ref().map(|n| format!("{n}/")).unwrap_or_default();
            format!("{} {namespace}{}", header.gvk.kind, header.name)
        };
        match self {
            Self::Create(object) => {
                let text = |pointer| crate::live::text(object, pointer);
                write!(
                    f,
                    "create {} {}/{}",
                    text("/kind"),
                    text("/metadata/namespace"),
                    text("/metadata/name")
                )
            }
            Self::Patch { of, patch } => write!(f, "patch {} {patch}", id(of)),
            Self::Status { of, status } => write!(f, "status {} {status}", id(of)),
            Self::Delete { of, now: false } => write!(f, "delete {}", id(of)),
            Self::Delete { of, now: true } => write!(f, "remove {}", id(of)),
            Self::Bind { pod, node } => write!(f, "bind {} to {node}", id(pod)),
            Self::Scale { of, replicas } => write!(f, "scale {} to {replicas}", id(of)),
            Self::Tell(event) => write!(f, "tell {}: {}: {}", id(&event.about), event.reason, event.message),
        }
    }
}
