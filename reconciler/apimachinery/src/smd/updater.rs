//! The whole answer to a write: objects in, the object with its new `managedFields` out.
//!
//! What the API server does around the merge: which managers count, fields that are never tracked, objects that were created before anybody applied, the manager's name and
//! time, the cap on updaters, and kubectl's annotation.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::client_side;
use super::conflict::Conflicts;
use super::managed::{Managed, ManagedFieldsError, ManagerId, Managers};
use super::merging::{Force, MergeError, Merging, Versions};
use super::path::FieldPath;
use super::set::FieldSet;
use super::shape::Shape;
use super::typed::{Duplicates, ValidationErrors, validate};
use super::zero;
use crate::{GroupVersionKind, Timestamp};

/// The manager that is given the fields of an object without managers when it is first applied to.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The manager whose applies take over from client-side apply.
const KUBECTL: &str = "kubectl";

/// What is written to: one kind, in the version of the request, through the object itself or a subresource.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// The kind and the version of the request.
    pub gvk: &'a GroupVersionKind,
    /// The fields of the kind in all its versions.
    pub versions: &'a dyn Versions,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// Fields that mean nothing here and are nobody's: `status` of an object that has the status subresource, `spec` (and for many built-in kinds
    /// `metadata.labels`) of that subresource. Resetting the values is the caller's business.
    pub reset: &'a FieldSet,
    /// Whether the server has a Go type for the kind, so that an object which does not exist yet already has all struct fields. Decides whether
    /// the creator owns `spec` as such, or only what is in it. False for custom resources.
    pub go_type: bool,
}

/// Who applies, and how.
#[derive(Clone, Copy, Debug)]
pub struct Applier<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Whether to take what others own.
    pub force: Force,
}

/// Why a write was refused.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What was applied is not what may be applied here. An API server answers 400.
    #[error("{0}")]
    BadRequest(String),
    /// Other managers own what was applied. An API server answers 409, with the causes.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// The objects do not fit their schema. An API server answers 500 without a reason.
    #[error("{0}")]
    Invalid(String),
    /// The stored managers cannot be read. An API server answers 500.
    #[error("failed to decode managed fields: {0}")]
    ManagedFields(#[from] ManagedFieldsError),
}

impl Endpoint<'_> {
    /// A create, an update, or a patch that is not an apply: gives what changed to `manager`.
    ///
    /// `live` is the stored object, `None` for a create; `new` is what would be stored, after patching, defaulting and admission. The result is `new` with new
    /// `managedFields`. Those that the client sent in `new` count, so that a client can edit them, except through a subresource; an empty list resets them.
    ///
    /// # Errors
    /// When an object does not fit its schema. The server then stores `new` without `managedFields`.
    pub fn update(
        &self,
        live: Option<&Value>,
        mut new: Value,
        manager: &str,
        now: Timestamp,
    ) -> Result<Value, WriteError> {
        let mut managers = self.managers_to_count(live, &new);
        Managers::default().write_into(&mut new);
        // An object whose managers were reset or never tracked stays so until it is applied to.
        let tracked = !managers.is_empty() || live.is_none_or(|live| !has_uid(live));
        if tracked {
            self.check("failed to convert new object", &new)?;
            let live = live.map_or_else(|| Cow::Owned(self.absent()), Cow::Borrowed);
            self.check("failed to convert live object", &live)?;
            self.take_note(&live, &new, &mut managers, (manager, now))
                .map_err(|error| self.merge_error("failed to update ManagedFields", error))?;
        }
        managers.write_into(&mut new);
        Ok(new)
    }

    /// Server-side apply: merges `config` into the stored object, `None` where it does not exist yet.
    ///
    /// The result has new `managedFields`, but neither defaults nor resets; after those the caller asks
    /// [`keep_times_of_unchanged`](super::managed::keep_times_of_unchanged) whether anything happened at all.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing is applied in part.
    pub fn apply(
        &self,
        live: Option<&Value>,
        config: &Value,
        by: Applier<'_>,
        now: Timestamp,
    ) -> Result<Value, WriteError> {
        self.check_config(config)?;
        let mut managers = live.map(Managers::of).transpose()?.unwrap_or_default();
        let mut bare = live.cloned().unwrap_or_else(|| self.named(Map::new()));
        Managers::default().write_into(&mut bare);
        if live.is_some() && managers.is_empty() {
            let failure = "failed to create manager for existing fields";
            self.check(&format!("{failure}: failed to convert new object"), &bare)?;
            self.take_note(&self.absent(), &bare, &mut managers, (BEFORE_FIRST_APPLY, now))
                .map_err(|error| self.merge_error(failure, error))?;
        }
        let mut new = self.apply_or_take_over(&bare, config, &mut managers, (by, now))?;
        if by.manager == KUBECTL {
            client_side::renew_last_applied(&mut new, config);
        }
        managers.write_into(&mut new);
        Ok(new)
    }

    fn apply_or_take_over(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        (by, now): (Applier<'_>, Timestamp),
    ) -> Result<Value, WriteError> {
        self.check_typed(("failed to create typed patch object", ""), config, Duplicates::Refused)?;
        self.check_typed(("failed to create typed live object", ""), live, Duplicates::Allowed)?;
        let before = managers.clone();
        let outcome = self.apply_once(live, config, managers, (by, now));
        let conflicts = match outcome {
            Err(MergeError::Conflicts(conflicts)) if by.manager == KUBECTL => conflicts,
            other => return other.map_err(|error| self.merge_error("", error)),
        };
        // What kubectl applied itself before it did so server-side is no conflict with kubectl.
        let own = self
            .shape()
            .and_then(|shape| client_side::unchanged_last_applied(live, &self.gvk.api_version(), shape));
        if let Some(foreign) = conflicts.outside(&own.unwrap_or_default()) {
            return Err(foreign.into());
        }
        *managers = before;
        let forced = Applier { force: Force::Yes, ..by };
        self.apply_once(live, config, managers, (forced, now)).map_err(|error| self.merge_error("", error))
    }

    fn apply_once(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        (by, now): (Applier<'_>, Timestamp),
    ) -> Result<Value, MergeError> {
        let id = ManagerId::applier(by.manager, self.subresource);
        let api_version = self.gvk.api_version();
        let merged = self.merging(&api_version).apply(live, config, managers, (&id, by.force))?;
        if let Some(managed) = managers.remove(&id) {
            let time = if merged.is_some() { Some(now) } else { managed.time };
            let fields = managed.fields.difference(&never_tracked());
            managers.set(id, Managed { fields, time, ..managed });
        }
        Ok(merged.unwrap_or_else(|| live.clone()))
    }

    /// Gives what differs to a manager.
    fn take_note(
        &self,
        live: &Value,
        new: &Value,
        managers: &mut Managers,
        (manager, now): (&str, Timestamp),
    ) -> Result<(), MergeError> {
        let api_version = self.gvk.api_version();
        let changed = self.merging(&api_version).update(live, new, managers)?;
        let fields = changed.difference(&never_tracked());
        if !fields.is_empty() {
            let id = ManagerId::updater(manager, &api_version, self.subresource);
            let fields = managers.get(&id).map_or(fields.clone(), |had| had.fields.union(&fields));
            managers.set(id, Managed { fields, api_version, time: Some(now) });
        }
        managers.cap_updaters();
        Ok(())
    }

    /// The managers that an update starts from.
    fn managers_to_count(&self, live: Option<&Value>, new: &Value) -> Managers {
        let stored = || live.and_then(|live| Managers::of(live).ok()).unwrap_or_default();
        if !self.subresource.is_empty() {
            return stored();
        }
        let sent = new.pointer("/metadata/managedFields").unwrap_or(&Value::Null);
        match sent.as_array().map(Vec::as_slice) {
            // Asking for a reset: no entry, or one that says nothing.
            Some([]) => Managers::default(),
            Some([Value::Object(entry)]) if entry.is_empty() => Managers::default(),
            // A client that does not know the field must not delete it by accident.
            _ => Managers::parse(sent).ok().filter(|sent| !sent.is_empty()).unwrap_or_else(stored),
        }
    }

    fn merging<'m>(&'m self, api_version: &'m str) -> Merging<'m> {
        Merging { versions: self.versions, api_version, reset: self.reset }
    }

    fn shape(&self) -> Option<Shape<'_>> {
        self.versions.shape(&self.gvk.api_version())
    }

    /// The object before it exists.
    fn absent(&self) -> Value {
        self.named(self.shape().filter(|_| self.go_type).map(zero::of).unwrap_or_default())
    }

    fn named(&self, mut fields: Map<String, Value>) -> Value {
        fields.insert("apiVersion".to_owned(), self.gvk.api_version().into());
        fields.insert("kind".to_owned(), self.gvk.kind.as_str().into());
        Value::Object(fields)
    }

    fn check_config(&self, config: &Value) -> Result<(), WriteError> {
        let text = |field: &str| config.get(field).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if api_version != self.gvk.api_version() || self.gvk.kind != kind {
            return Err(WriteError::BadRequest(format!(
                "invalid object type: {}",
                show_gvk(api_version, kind)
            )));
        }
        let sent = config.pointer("/metadata/managedFields");
        if sent.is_some_and(|sent| !sent.is_null()) {
            return Err(WriteError::BadRequest("metadata.managedFields must be nil".to_owned()));
        }
        Ok(())
    }

    fn check(&self, failure: &str, object: &Value) -> Result<(), WriteError> {
        self.check_typed((failure, " to smd typed"), object, Duplicates::Allowed)
    }

    fn check_typed(
        &self,
        (failure, suffix): (&str, &str),
        object: &Value,
        duplicates: Duplicates,
    ) -> Result<(), WriteError> {
        let Some(shape) = self.shape() else { return Ok(()) };
        validate(object, shape, duplicates).map_err(|errors| {
            let (object, errors) = (self.show(object), self.shown(errors));
            WriteError::Invalid(format!("{failure} ({object}){suffix}: {errors}"))
        })
    }

    fn merge_error(&self, context: &str, error: MergeError) -> WriteError {
        let colon = if context.is_empty() { "" } else { ": " };
        match error {
            MergeError::Conflicts(conflicts) => conflicts.into(),
            MergeError::Invalid { step, errors } => {
                WriteError::Invalid(format!("{context}{colon}failed to {step}: {}", self.shown(errors)))
            }
            MergeError::Version(_) => WriteError::Invalid(format!("{context}{colon}{error}")),
        }
    }

    /// A Secret's payload must not get into a message, although the server would print it.
    fn shown(&self, errors: ValidationErrors) -> ValidationErrors {
        if self.gvk.group.is_empty() && self.gvk.kind == "Secret" { errors.redacted() } else { errors }
    }

    /// `shop/cart; apps/v1, Kind=Deployment`
    fn show(&self, object: &Value) -> String {
        let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default();
        format!(
            "{}/{}; {}",
            text("/metadata/namespace"),
            text("/metadata/name"),
            show_gvk(text("/apiVersion"), text("/kind"))
        )
    }
}

/// The server prints the core group as nothing before a slash.
fn show_gvk(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

fn has_uid(object: &Value) -> bool {
    object.pointer("/metadata/uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty())
}

/// Fields that are nobody's: identity, and what the server sets.
fn never_tracked() -> FieldSet {
    let top = ["apiVersion", "kind", "metadata"].map(|field| FieldPath::of_fields([field]));
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ]
    .map(|field| FieldPath::of_fields(["metadata", field]));
    top.into_iter().chain(metadata).collect()
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests;
