//! Which kinds are certainly cluster-scoped: frozen at Kubernetes v1.21, each only in the versions it had then.
//!
//! A quirk kept for compatibility (`spec/rendering.md` 2.6): newer kinds and custom kinds count as namespaced here.

use super::id::GvkRef;

const CLUSTER_SCOPED: &[(&str, &[&str], &[&str])] = &[
    ("", &["v1"], &["Namespace", "Node", "PersistentVolume", "ComponentStatus"]),
    (
        "admissionregistration.k8s.io",
        &["v1", "v1beta1"],
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    ("apiextensions.k8s.io", &["v1", "v1beta1"], &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["v1", "v1beta1"], &["APIService"]),
    ("authentication.k8s.io", &["v1", "v1beta1"], &["TokenReview"]),
    (
        "authorization.k8s.io",
        &["v1", "v1beta1"],
        &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
    ),
    ("certificates.k8s.io", &["v1", "v1beta1"], &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io", &["v1beta1"], &["FlowSchema", "PriorityLevelConfiguration"]),
    ("internal.apiserver.k8s.io", &["v1alpha1"], &["StorageVersion"]),
    ("networking.k8s.io", &["v1", "v1beta1"], &["IngressClass"]),
    ("node.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["RuntimeClass"]),
    ("policy", &["v1beta1"], &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["PriorityClass"]),
    ("storage.k8s.io", &["v1", "v1beta1"], &["CSIDriver", "CSINode", "StorageClass"]),
    ("storage.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["VolumeAttachment"]),
];

pub(super) fn is_cluster_scoped(gvk: GvkRef<'_>) -> bool {
    CLUSTER_SCOPED.iter().any(|(group, versions, kinds)| {
        *group == gvk.group && versions.contains(&gvk.version) && kinds.contains(&gvk.kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_depends_on_the_version() {
        fn check(api_version: &str, kind: &str, expected: bool) {
            assert_eq!(is_cluster_scoped(GvkRef::new(api_version, kind)), expected, "{api_version} {kind}");
        }
        check("v1", "Namespace", true);
        check("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema", true);
        check("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", false);
        check("gateway.networking.k8s.io/v1", "GatewayClass", false);
    }
}
