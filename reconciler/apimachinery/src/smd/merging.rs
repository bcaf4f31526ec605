//! The merge proper: what a write makes of the object, and who owns what after it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::conflict::Conflicts;
use super::managed::{Managed, ManagerId, Managers};
use super::set::FieldSet;
use super::shape::Shape;
use super::typed::{
    Comparison, ValidationErrors, compare, merge, reconcile, remove_items, to_field_set, with_named_fields,
};
use super::{order, typed};

/// The versions of a kind: managers record their fields in the version they wrote.
pub trait Versions {
    /// The shape of objects in a version; `None` for a version that is not served any more, whose managers are then forgotten.
    fn shape(&self, api_version: &str) -> Option<Shape<'_>>;

    /// An object in another version. The default is that all versions have the same fields.
    fn convert<'v>(&self, object: &'v Value, api_version: &str) -> Option<Cow<'v, Value>> {
        self.shape(api_version).map(|_| Cow::Borrowed(object))
    }
}

/// A kind whose versions all have the same fields, or that has one version only.
#[derive(Clone, Copy, Debug)]
pub struct OneShape<'s>(pub Shape<'s>);

impl Versions for OneShape<'_> {
    fn shape(&self, _: &str) -> Option<Shape<'_>> {
        Some(self.0)
    }
}

/// Why a merge failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergeError {
    /// Other managers own what would change.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// Objects that do not fit their shape.
    #[error("failed to {step}: {errors}")]
    Invalid { step: &'static str, errors: ValidationErrors },
    /// The version of the request is not known.
    #[error("no corresponding type for {0}")]
    Version(String),
}

/// A write in one version of one kind.
pub(super) struct Merging<'a> {
    pub(super) versions: &'a dyn Versions,
    pub(super) api_version: &'a str,
    /// Fields that this endpoint resets, so that writing them means nothing.
    pub(super) reset: &'a FieldSet,
}

impl Merging<'_> {
    /// Takes note of an update: takes what changed from everybody and returns it; the caller gives it to the manager who wrote.
    pub(super) fn update(
        &self,
        live: &Value,
        new: &Value,
        managers: &mut Managers,
    ) -> Result<FieldSet, MergeError> {
        self.reconcile(managers);
        let change = self.disown(live, new, managers, Force::Yes)?;
        let owned = change.modified.union(&change.added);
        Ok(owned.recursive_difference(self.reset))
    }

    /// Applies a configuration: the merged object, `None` where nothing changes. What the manager applied before and does not apply now goes, unless another manager owns it.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        by: (&ManagerId, Force),
    ) -> Result<Option<Value>, MergeError> {
        let (manager, force) = by;
        self.reconcile(managers);
        let shape = self.shape()?;
        let merged = merge(live, config, shape)
            .map_err(|errors| MergeError::Invalid { step: "merge config", errors })?;
        let fields = to_field_set(config, shape).recursive_difference(self.reset);
        let last = managers.remove(manager);
        let time = last.as_ref().and_then(|last| last.time);
        let owned = Managed { fields, api_version: self.api_version.to_owned(), time };
        let new = match &last {
            Some(last) => self.prune(merged, managers, &owned, last),
            None => merged,
        };
        self.disown(live, &new, managers, force)?;
        managers.set(manager.clone(), owned);
        Ok((!order::same(live, &new)).then_some(new))
    }

    fn shape(&self) -> Result<Shape<'_>, MergeError> {
        self.versions.shape(self.api_version).ok_or_else(|| MergeError::Version(self.api_version.to_owned()))
    }

    /// Ownership that was recorded under another schema.
    fn reconcile(&self, managers: &mut Managers) {
        managers.rewrite(|_, managed| {
            Some(match self.versions.shape(&managed.api_version) {
                Some(shape) => reconcile(&managed.fields, shape),
                // Forgotten where it matters, below.
                None => managed.fields.clone(),
            })
        });
    }

    /// Takes changed and removed fields from all managers; the managers of versions that are gone go, too.
    fn disown(
        &self,
        live: &Value,
        new: &Value,
        managers: &mut Managers,
        force: Force,
    ) -> Result<Comparison, MergeError> {
        let invalid = |errors| MergeError::Invalid { step: "compare objects", errors };
        let change = compare(live, new, self.shape()?).map_err(invalid)?;
        let mut changes: BTreeMap<String, Option<Comparison>> = BTreeMap::new();
        changes.insert(self.api_version.to_owned(), Some(change.without(self.reset)));
        for (_, managed) in managers.iter() {
            if !changes.contains_key(&managed.api_version) {
                let change = self.compare_in(live, new, &managed.api_version).map_err(invalid)?;
                changes.insert(managed.api_version.clone(), change);
            }
        }
        let change_for = |managed: &Managed| changes.get(&managed.api_version).and_then(Option::as_ref);
        let mut conflicts = BTreeMap::new();
        for (id, managed) in managers.iter() {
            if let Some(change) = change_for(managed) {
                let taken = managed.fields.intersection(&change.modified.union(&change.added));
                conflicts.insert(id.clone(), taken);
            }
        }
        if force == Force::No
            && let Some(conflicts) = Conflicts::new(&conflicts)
        {
            return Err(conflicts.into());
        }
        managers.rewrite(|id, managed| {
            let change = change_for(managed)?;
            let taken = conflicts.get(id)?;
            Some(managed.fields.difference(taken).difference(&change.removed))
        });
        Ok(change.without(self.reset))
    }

    fn compare_in(
        &self,
        live: &Value,
        new: &Value,
        api_version: &str,
    ) -> Result<Option<Comparison>, ValidationErrors> {
        let versions = self.versions;
        let converted = (
            versions.shape(api_version),
            versions.convert(live, api_version),
            versions.convert(new, api_version),
        );
        let (Some(shape), Some(live), Some(new)) = converted else { return Ok(None) };
        Ok(Some(compare(&live, &new, shape)?.without(self.reset)))
    }

    /// Removes from the merged object what the manager applied last time, does not apply now, and nobody else owns.
    fn prune(&self, merged: Value, managers: &Managers, owned: &Managed, last: &Managed) -> Value {
        // The everyday case: whoever applies the same fields again gives up none, and what the walks below remove they would put back.
        let same_version = last.api_version == owned.api_version;
        if same_version && last.fields.difference(&owned.fields).is_empty() {
            return merged;
        }
        let in_version = |object, version: &str| self.versions.convert(object, version);
        let (Some(shape), Some(converted)) =
            (self.versions.shape(&last.api_version), in_version(&merged, &last.api_version))
        else {
            return merged;
        };
        let last_fields = with_named_fields(&last.fields, shape);
        let pruned = remove_items(&converted, &last_fields, shape);
        let pruned = self.add_back_owned(&converted, pruned, managers, (owned, last));
        // What was removed along with its parent but never applied by this manager comes back.
        let named = |object: &Value| with_named_fields(&to_field_set(object, shape), shape);
        let Some(kept) = in_version(&pruned, &last.api_version) else { return merged };
        let gone = named(&converted).difference(&named(&kept)).intersection(&last_fields);
        let pruned = remove_items(&converted, &gone, shape);
        match in_version(&pruned, self.api_version) {
            Some(Cow::Owned(object)) => object,
            Some(Cow::Borrowed(_)) | None => pruned,
        }
    }

    /// Puts back what anybody owns, this manager's new configuration included, version by version.
    fn add_back_owned(
        &self,
        merged: &Value,
        pruned: Value,
        managers: &Managers,
        (owned, last): (&Managed, &Managed),
    ) -> Value {
        let mut by_version: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for managed in managers.iter().map(|(_, managed)| managed).chain([owned]) {
            let fields = by_version.entry(&managed.api_version).or_default();
            *fields = fields.union(&managed.fields);
        }
        // The version of what was pruned comes first: without its fields, conversion to the others could fail.
        let first = by_version.remove_entry(last.api_version.as_str());
        first.into_iter().chain(by_version).fold(pruned, |pruned, (version, fields)| {
            self.add_back_in(merged, &pruned, version, &fields).unwrap_or(pruned)
        })
    }

    fn add_back_in(&self, merged: &Value, pruned: &Value, version: &str, owned: &FieldSet) -> Option<Value> {
        let shape = self.versions.shape(version)?;
        let merged = self.versions.convert(merged, version)?;
        let pruned = self.versions.convert(pruned, version)?;
        let named = |set: &FieldSet| with_named_fields(set, shape);
        let kept = named(&to_field_set(&pruned, shape)).union(&named(owned));
        let gone = named(&to_field_set(&merged, shape)).difference(&kept);
        Some(typed::remove_items(&merged, &gone, shape))
    }
}

/// Whether an apply takes what others own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It does.
    Yes,
    /// It fails with [`Conflicts`] instead.
    No,
}
