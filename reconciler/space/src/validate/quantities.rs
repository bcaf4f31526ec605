//! Names of resources that are counted, and where they may stand.

use apimachinery::field_error::FieldPath;
use apimachinery::syntax;

use super::Report;

const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

const COUNTED: [&str; 10] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "requests.storage",
];

fn is_compute(name: &str) -> bool {
    COMPUTE.contains(&name) || name.starts_with("hugepages-")
}

/// Names that Kubernetes knows without a domain.
fn is_standard(name: &str) -> bool {
    let prefixed = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits."));
    is_compute(prefixed.unwrap_or(name)) || COUNTED.contains(&name) || name == "storage"
}

/// A standard name, or one with a domain. Tells whether it has none.
fn checked(name: &str, path: &FieldPath, report: &mut Report) -> bool {
    let reasons = syntax::label_key(name);
    let malformed = !reasons.is_empty();
    report.reasons(path, name, reasons);
    let bare = !name.contains('/');
    if bare && !malformed && !is_standard(name) {
        report.invalid(path, &name.into(), "must be a standard resource type or fully qualified");
    }
    bare
}

/// What a container may ask for.
pub(super) fn of_container(name: &str, path: &FieldPath, report: &mut Report) {
    if checked(name, path, report) && !is_compute(name) {
        report.invalid(path, &name.into(), "must be a standard resource for containers");
    }
}

/// What a quota may count.
pub(super) fn of_quota(name: &str, path: &FieldPath, report: &mut Report) {
    let bare = checked(name, path, report);
    if bare && (!is_standard(name) || name == "storage") {
        report.invalid(path, &name.into(), "must be a standard resource for quota");
    }
}

/// What a range of this type may limit.
pub(super) fn of_range(kind: &str, name: &str, path: &FieldPath, report: &mut Report) {
    if matches!(kind, "Pod" | "Container") {
        of_container(name, path, report);
    } else {
        checked(name, path, report);
    }
}

/// The type of a range: a standard one, or one with a domain.
pub(super) fn range_type(kind: &str, path: &FieldPath, report: &mut Report) {
    let reasons = syntax::label_key(kind);
    let malformed = !reasons.is_empty();
    report.reasons(path, kind, reasons);
    if !malformed && !kind.contains('/') && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim") {
        report.invalid(path, &kind.into(), "must be a standard limit type or fully qualified");
    }
}
