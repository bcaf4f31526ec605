//! Orders of the output.

use super::file::SortOptions;
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

/// The rank of a resource under the legacy order: listed kinds first and last, then group, version, kind, namespace and name.
pub(super) fn legacy_key(resource: &Resource, options: Option<&SortOptions>) -> (usize, String, String) {
    let kind = resource.kind();
    let rank = match options.and_then(|o| o.first.as_ref().zip(o.last.as_ref())) {
        Some((first, last)) if !first.is_empty() || !last.is_empty() => {
            rank(kind, first.iter().map(String::as_str), last.iter().map(String::as_str))
        }
        _ => rank(kind, FIRST.iter().copied(), LAST.iter().copied()),
    };
    let gvk = resource.gvk();
    // The core Namespace comes before namespaces of other groups; a quirk.
    if kind == "Namespace" && gvk.group.is_empty() {
        return (rank, String::new(), resource.name().to_owned());
    }
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    // Upstream compares these texts, placeholders included.
    let gvk_text = format!("{}_{}_{}", or(gvk.group, "~G"), or(gvk.version, "~V"), or(gvk.kind, "~K"));
    let rest = format!("{gvk_text}|{}|{}", or(resource.namespace(), "~X"), or(resource.name(), "~N"));
    (rank, gvk_text, rest)
}

fn rank<'k>(
    kind: &str,
    first: impl ExactSizeIterator<Item = &'k str>,
    mut last: impl ExactSizeIterator<Item = &'k str>,
) -> usize {
    let middle = first.len();
    let mut first = first;
    first
        .position(|held| held == kind)
        .or_else(|| last.position(|held| held == kind).map(|at| middle + 1 + at))
        .unwrap_or(middle)
}
