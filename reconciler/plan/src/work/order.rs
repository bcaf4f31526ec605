//! The order in which OCM's agent applies kinds (`spec/kubestellar.md` 3.3). Works list their manifests in it, so that a work reads as it happens.

use apimachinery::{GroupKind, ObjectId};

/// Kinds by rank; whatever is not named comes last. The group is not looked at for the core kinds' names, as in OCM.
const RANKS: &[&[&str]] = &[
    &["Namespace"],
    &["CustomResourceDefinition"],
    &["StorageClass", "CSIDriver", "PersistentVolume"],
    &["PriorityClass", "RuntimeClass"],
    &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    &[
        "NetworkPolicy",
        "PodSecurityPolicy",
        "PodDisruptionBudget",
        "LimitRange",
        "ResourceQuota",
        "ServiceAccount",
    ],
    &["Secret", "ConfigMap", "PersistentVolumeClaim"],
    &["Service"],
    &[
        "DaemonSet",
        "Pod",
        "ReplicationController",
        "ReplicaSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "StatefulSet",
        "Job",
        "CronJob",
        "Ingress",
    ],
    &["APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
];

/// The rank of a kind; lower is applied earlier.
pub fn rank(kind: &GroupKind) -> usize {
    // A custom kind may share a name with a core one; it stays with the custom kinds.
    let built_in = !kind.group.as_str().contains('.') || kind.group.as_str().ends_with(".k8s.io");
    let position = RANKS.iter().position(|kinds| built_in && kinds.contains(&kind.kind.as_str()));
    position.unwrap_or(RANKS.len())
}

/// Sort key of a manifest.
pub(super) fn key(id: &ObjectId) -> (usize, ObjectId) {
    (rank(&id.group_kind()), id.clone())
}
