//! The version that an object was asked for in.

use std::cmp::Ordering;

use apimachinery::{GroupVersion, Object, Version, time};
use serde::Deserialize;

use super::marks::HUB_MANAGER;
use crate::names::FIELD_MANAGER_PREFIX;

/// The version in which an object must be read before [`super::intent`] is asked: the one that it was asked for in, if that is not the one it was read in. Fields of one
/// version may not exist in another (`targetCPUUtilizationPercentage` of autoscaling/v1), and API servers convert objects, but not managedFields.
///
/// Asked for is what a source applied, else what `kubectl apply` remembers, else what anybody applied last.
pub fn version_to_read(stored: &Object) -> Option<Version> {
    // What does not parse tells nothing; the object is then read as it is.
    let Written { metadata } = serde_json::from_slice(stored.bytes()).ok()?;
    let seen_in = stored.header().gvk.group_version();
    let other = |version: &GroupVersion| version.group == seen_in.group && version.version != seen_in.version;
    let written_in = GroupVersion::parse(&metadata.asked_for_in()?);
    other(&written_in).then_some(written_in.version)
}

/// The part of an object that tells versions. A watch asks for the version of every object that it brings, so nothing else of it is parsed.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    managed_fields: Vec<Entry>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Annotations {
    /// [`super::LAST_APPLIED_ANNOTATION`].
    #[serde(rename = "kubectl.kubernetes.io/last-applied-configuration", default)]
    last_applied: Option<String>,
}

/// One entry of managedFields, without the fields.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    manager: String,
    operation: String,
    subresource: String,
    api_version: String,
    time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastApplied {
    api_version: String,
}

impl Metadata {
    fn asked_for_in(self) -> Option<String> {
        let applied = self.managed_fields.into_iter().filter(Entry::applies).max_by(Entry::compare);
        if applied.as_ref().is_some_and(Entry::is_of_a_source) {
            return applied.map(|entry| entry.api_version);
        }
        let last = self.annotations.and_then(|annotations| annotations.last_applied);
        let last = last.and_then(|text| serde_json::from_str::<LastApplied>(&text).ok());
        last.map(|last| last.api_version).or(applied.map(|entry| entry.api_version))
    }
}

impl Entry {
    fn applies(&self) -> bool {
        self.operation == "Apply" && self.subresource.is_empty()
    }

    fn is_of_a_source(&self) -> bool {
        self.manager.starts_with(FIELD_MANAGER_PREFIX) && self.manager != HUB_MANAGER
    }

    /// A source's counts most, then the latest.
    fn compare(&self, other: &Self) -> Ordering {
        let weight = |entry: &Self| (entry.is_of_a_source(), entry.time.as_deref().and_then(time::parse));
        weight(self).cmp(&weight(other))
    }
}
