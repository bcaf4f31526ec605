//! Orders of the output.

use super::id::{Gvk, GvkRef};
use super::resource::Resource;

/// The order in which kustomize sorts objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// What a kustomization's `sortOptions` say, else legacy: what `kustomize build` prints.
    #[default]
    Legacy,
    /// What `sortOptions` say, else the order of input.
    Input,
}

const FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The place of a kind in the legacy order.
pub(super) fn kind_order(gvk: &Gvk) -> (usize, String) {
    (rank(&gvk.kind, FIRST, LAST), sort_text(gvk.as_ref()))
}

/// Upstream compares these texts, placeholders included.
fn sort_text(gvk: GvkRef<'_>) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{}_{}_{}", or(gvk.group, "~G"), or(gvk.version, "~V"), or(gvk.kind, "~K"))
}

/// The rank of a resource under the legacy order: listed kinds first and last, then group, version, kind, namespace and name.
pub(super) fn legacy_key(
    resource: &Resource,
    lists: Option<&(Vec<String>, Vec<String>)>,
) -> (usize, String, String) {
    let kind = resource.kind();
    let rank = match lists {
        Some((first, last)) => rank(kind, &texts(first), &texts(last)),
        None => rank(kind, FIRST, LAST),
    };
    let gvk = resource.gvk();
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let rest = format!("{}|{}", or(resource.namespace(), "~X"), or(resource.name(), "~N"));
    // The core Namespace comes before namespaces of other groups; a quirk, which shows where the kind has a place of its own.
    let first = kind == "Namespace"
        && gvk.group.is_empty()
        && lists.is_none_or(|(first, last)| first.iter().chain(last).any(|listed| listed == kind));
    (rank, if first { String::new() } else { sort_text(gvk) }, rest)
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// Of a kind that is listed several times the last place counts.
fn rank(kind: &str, first: &[&str], last: &[&str]) -> usize {
    let middle = first.len();
    let place = |list: &[&str]| list.iter().rposition(|held| *held == kind);
    place(last).map(|at| middle + 1 + at).or_else(|| place(first)).unwrap_or(middle)
}
