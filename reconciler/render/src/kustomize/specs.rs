//! The default field specs, and the additions a build collects from `configurations` and `crds`.
//!
//! Facts of upstream's default configuration (`spec/rendering.md` 2.6 to 2.14), including its gaps.

use super::fieldspec::{FieldSpec, merge_specs};
use super::id::Gvk;

/// Which fields hold the name of a kind.
#[derive(Debug, Clone)]
pub(super) struct NameReference {
    pub(super) target: Gvk,
    pub(super) referrers: Vec<FieldSpec>,
}

/// All field specs of a build.
#[derive(Debug, Clone, Default)]
pub(super) struct Specs {
    pub(super) prefix: Vec<FieldSpec>,
    pub(super) suffix: Vec<FieldSpec>,
    pub(super) namespace: Vec<FieldSpec>,
    pub(super) common_labels: Vec<FieldSpec>,
    pub(super) template_labels: Vec<FieldSpec>,
    /// Where `labels` without selectors writes.
    pub(super) labels: Vec<FieldSpec>,
    pub(super) annotations: Vec<FieldSpec>,
    pub(super) images: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) variables: Vec<FieldSpec>,
    pub(super) references: Vec<NameReference>,
}

const APPS: &str = "apps";
const BATCH: &str = "batch";
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

impl Specs {
    pub(super) fn defaults() -> Self {
        let name = || vec![FieldSpec::new("", "metadata/name", false)];
        Specs {
            prefix: name(),
            suffix: name(),
            namespace: namespace(),
            common_labels: common_labels(),
            template_labels: template_labels(),
            labels: vec![FieldSpec::new("", "metadata/labels", true)],
            annotations: annotations(),
            images: images(),
            replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
                .map(|kind| FieldSpec::new(kind, "spec/replicas", true))
                .to_vec(),
            variables: variables(),
            references: references(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let lists = [
            &self.prefix,
            &self.suffix,
            &self.namespace,
            &self.common_labels,
            &self.template_labels,
            &self.labels,
            &self.annotations,
            &self.images,
            &self.replicas,
            &self.variables,
        ];
        lists.iter().all(|list| list.is_empty()) && self.references.is_empty()
    }

    /// Adds the specs of a configuration or of a child kustomization.
    pub(super) fn merge(&mut self, other: &Specs) -> Result<(), String> {
        merge_specs(&mut self.prefix, &other.prefix)?;
        merge_specs(&mut self.suffix, &other.suffix)?;
        merge_specs(&mut self.namespace, &other.namespace)?;
        merge_specs(&mut self.common_labels, &other.common_labels)?;
        merge_specs(&mut self.template_labels, &other.template_labels)?;
        merge_specs(&mut self.labels, &other.labels)?;
        merge_specs(&mut self.annotations, &other.annotations)?;
        merge_specs(&mut self.images, &other.images)?;
        merge_specs(&mut self.replicas, &other.replicas)?;
        merge_specs(&mut self.variables, &other.variables)?;
        for reference in &other.references {
            self.add_reference(reference)?;
        }
        Ok(())
    }

    fn add_reference(&mut self, reference: &NameReference) -> Result<(), String> {
        match self.references.iter_mut().find(|held| held.target == reference.target) {
            Some(held) => merge_specs(&mut held.referrers, &reference.referrers),
            None => {
                self.references.push(reference.clone());
                Ok(())
            }
        }
    }
}

fn namespace() -> Vec<FieldSpec> {
    let mut rename = FieldSpec::new("Namespace", "metadata/name", true);
    "v1".clone_into(&mut rename.gvk.version);
    vec![
        rename,
        FieldSpec::new("APIService", "spec/service/namespace", true).in_group("apiregistration.k8s.io"),
        FieldSpec::new(
            "CustomResourceDefinition",
            "spec/conversion/webhook/clientConfig/service/namespace",
            false,
        )
        .in_group("apiextensions.k8s.io"),
    ]
}

/// Template labels or annotations of all workloads; `what` is `labels` or `annotations`.
fn templates(what: &str) -> Vec<FieldSpec> {
    let template = format!("spec/template/metadata/{what}");
    let mut rc = FieldSpec::new("ReplicationController", &template, true);
    "v1".clone_into(&mut rc.gvk.version);
    vec![
        rc,
        FieldSpec::new("Deployment", &template, true),
        FieldSpec::new("ReplicaSet", &template, true),
        FieldSpec::new("DaemonSet", &template, true),
        FieldSpec::new("StatefulSet", &template, true).in_group(APPS),
        FieldSpec::new("Job", &template, true).in_group(BATCH),
        FieldSpec::new("CronJob", &format!("spec/jobTemplate/metadata/{what}"), true).in_group(BATCH),
        FieldSpec::new("CronJob", &format!("spec/jobTemplate/spec/template/metadata/{what}"), true)
            .in_group(BATCH),
    ]
}

/// The labels of claim templates: with selectors always, with templates only where asked for (v5.8).
pub(super) fn claim_template_labels() -> FieldSpec {
    FieldSpec::new("StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true).in_group(APPS)
}

fn template_labels() -> Vec<FieldSpec> {
    templates("labels")
}

fn annotations() -> Vec<FieldSpec> {
    let mut specs = vec![FieldSpec::new("", "metadata/annotations", true)];
    specs.extend(templates("annotations"));
    specs
}

fn common_labels() -> Vec<FieldSpec> {
    let mut specs = vec![FieldSpec::new("", "metadata/labels", true)];
    for kind in ["Service", "ReplicationController"] {
        let mut spec = FieldSpec::new(kind, "spec/selector", true);
        "v1".clone_into(&mut spec.gvk.version);
        specs.push(spec);
    }
    let selector = "spec/selector/matchLabels";
    for kind in ["Deployment", "ReplicaSet", "DaemonSet"] {
        specs.push(FieldSpec::new(kind, selector, true));
    }
    specs.push(FieldSpec::new("StatefulSet", selector, true).in_group(APPS));
    specs.extend(templates("labels"));
    specs.push(claim_template_labels());
    for kind in ["Deployment", "StatefulSet"] {
        for side in ["podAffinity", "podAntiAffinity"] {
            for rule in [
                "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
                "requiredDuringSchedulingIgnoredDuringExecution",
            ] {
                let path = format!("spec/template/spec/affinity/{side}/{rule}/labelSelector/matchLabels");
                specs.push(FieldSpec::new(kind, &path, false).in_group(APPS));
            }
        }
        let path = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels";
        specs.push(FieldSpec::new(kind, path, false).in_group(APPS));
    }
    specs.push(FieldSpec::new("Job", selector, false).in_group(BATCH));
    specs
        .push(FieldSpec::new("CronJob", "spec/jobTemplate/spec/selector/matchLabels", false).in_group(BATCH));
    specs.push(FieldSpec::new("PodDisruptionBudget", selector, false).in_group("policy"));
    for path in ["spec/podSelector", "spec/ingress/from/podSelector", "spec/egress/to/podSelector"] {
        let path = format!("{path}/matchLabels");
        specs.push(FieldSpec::new("NetworkPolicy", &path, false).in_group("networking.k8s.io"));
    }
    specs
}

fn images() -> Vec<FieldSpec> {
    let mut specs = Vec::new();
    for root in ["spec", "spec/template/spec"] {
        for list in ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"] {
            specs.push(FieldSpec::new("", &format!("{root}/{list}"), true));
        }
    }
    specs
}

/// Where the pod spec of a kind is.
fn pod_root(kind: &str) -> &'static str {
    match kind {
        "Pod" => "spec",
        "PodTemplate" => "template/spec",
        "CronJob" => "spec/jobTemplate/spec/template/spec",
        _ => "spec/template/spec",
    }
}

fn variables() -> Vec<FieldSpec> {
    let mut specs = vec![
        FieldSpec::new("Ingress", "spec/rules/host", false),
        FieldSpec::new("Ingress", "spec/tls/hosts", false),
        FieldSpec::new("Ingress", "spec/tls/secretName", false),
        FieldSpec::new("Service", "spec/ports/port", false),
        FieldSpec::new("Service", "spec/ports/targetPort", false),
        FieldSpec::new("PersistentVolume", "spec/nfs/server", false),
        FieldSpec::new("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server", false),
        FieldSpec::new("", "metadata/labels", false),
        FieldSpec::new("", "metadata/annotations", false),
    ];
    for kind in ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"] {
        let root = pod_root(kind);
        for list in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                specs.push(FieldSpec::new(kind, &format!("{root}/{list}/{field}"), false));
            }
        }
        // Upstream's path for CronJobs misses a step; kept.
        let root = if kind == "CronJob" { "spec/jobTemplate/spec/template" } else { root };
        specs.push(FieldSpec::new(kind, &format!("{root}/volumes/nfs/server"), false));
    }
    specs
}

fn target(group: &str, version: &str, kind: &str, referrers: Vec<FieldSpec>) -> NameReference {
    let target = Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
    NameReference { target, referrers }
}

fn in_pods(kinds: &[&str], fields: &[&str]) -> Vec<FieldSpec> {
    kinds
        .iter()
        .flat_map(|kind| {
            let root = pod_root(kind);
            fields.iter().map(move |field| FieldSpec::new(kind, &format!("{root}/{field}"), false))
        })
        .collect()
}

/// ReplicationController is missing here upstream, too.
const CONFIG_KINDS: &[&str] =
    &["Pod", "PodTemplate", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "CronJob"];
const NAME_KINDS: &[&str] =
    &["Pod", "StatefulSet", "Deployment", "ReplicationController", "CronJob", "Job", "DaemonSet"];

fn references() -> Vec<NameReference> {
    let mut all: Vec<NameReference> = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
        .map(|kind| {
            target(
                "",
                "",
                kind,
                vec![FieldSpec::new("HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false)],
            )
        })
        .into();
    all.push(target("", "v1", "ConfigMap", config_map_referrers()));
    all.push(target("", "v1", "Secret", secret_referrers()));
    all.push(target("", "v1", "Service", service_referrers()));
    let role_ref = |kind: &str| FieldSpec::new(kind, "roleRef/name", false).in_group(RBAC);
    let subjects = |kind: &str| FieldSpec::new(kind, "subjects", false).in_group(RBAC);
    all.push(target(RBAC, "", "Role", vec![role_ref("RoleBinding")]));
    all.push(target(RBAC, "", "ClusterRole", vec![role_ref("RoleBinding"), role_ref("ClusterRoleBinding")]));
    let mut accounts = vec![subjects("RoleBinding"), subjects("ClusterRoleBinding")];
    accounts.extend(in_pods(NAME_KINDS, &["serviceAccountName"]));
    all.push(target("", "v1", "ServiceAccount", accounts));
    let claims = in_pods(NAME_KINDS, &["volumes/persistentVolumeClaim/claimName"]);
    all.push(target("", "v1", "PersistentVolumeClaim", claims));
    let volumes = vec![
        FieldSpec::new("PersistentVolumeClaim", "spec/volumeName", false),
        FieldSpec::new("ClusterRole", "rules/resourceNames", false),
    ];
    all.push(target("", "v1", "PersistentVolume", volumes));
    let classes = vec![
        FieldSpec::new("PersistentVolume", "spec/storageClassName", false),
        FieldSpec::new("PersistentVolumeClaim", "spec/storageClassName", false),
        FieldSpec::new("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName", false),
    ];
    all.push(target("storage.k8s.io", "v1", "StorageClass", classes));
    let priorities = in_pods(NAME_KINDS, &["priorityClassName"]);
    all.push(target("scheduling.k8s.io", "v1", "PriorityClass", priorities));
    // The IngressClass row of upstream names an impossible group and never fires; it is left out.
    let bindings = vec![FieldSpec::new("ValidatingAdmissionPolicyBinding", "spec/policyName", false)];
    all.push(target(ADMISSION, "", "ValidatingAdmissionPolicy", bindings));
    all
}

fn resource_names() -> [FieldSpec; 2] {
    ["Role", "ClusterRole"].map(|kind| FieldSpec::new(kind, "rules/resourceNames", false))
}

fn ingress_annotation(key: &str) -> FieldSpec {
    FieldSpec::new("Ingress", &format!("metadata/annotations/{}", key.replace('/', "\\/")), false)
}

fn config_map_referrers() -> Vec<FieldSpec> {
    let mut specs = in_pods(
        CONFIG_KINDS,
        &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
    );
    specs.push(FieldSpec::new("Node", "spec/configSource/configMap", false));
    specs.extend(resource_names());
    specs.push(ingress_annotation("nginx.ingress.kubernetes.io/fastcgi-params-configmap"));
    specs
}

fn secret_referrers() -> Vec<FieldSpec> {
    let mut specs = in_pods(
        CONFIG_KINDS,
        &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
    );
    specs.push(FieldSpec::new("Ingress", "spec/tls/secretName", false));
    for key in ["ingress.kubernetes.io/auth-secret", "nginx.ingress.kubernetes.io/auth-secret"] {
        specs.push(ingress_annotation(key));
    }
    specs.push(ingress_annotation("nginx.ingress.kubernetes.io/auth-tls-secret"));
    specs.push(FieldSpec::new("ServiceAccount", "imagePullSecrets/name", false));
    for field in ["secretName", "adminSecretName", "userSecretName", "secretRef"] {
        specs.push(FieldSpec::new("StorageClass", &format!("parameters/{field}"), false));
    }
    specs.extend(resource_names());
    let knative = "spec/template/spec/containers/env/valueFrom/secretKeyRef/name";
    let mut knative = FieldSpec::new("Service", knative, false).in_group("serving.knative.dev");
    "v1".clone_into(&mut knative.gvk.version);
    specs.push(knative);
    specs.push(FieldSpec::new("PersistentVolume", "spec/azureFile/secretName", false));
    specs
}

fn service_referrers() -> Vec<FieldSpec> {
    let mut specs = vec![FieldSpec::new("StatefulSet", "spec/serviceName", false).in_group(APPS)];
    for path in [
        "spec/rules/http/paths/backend/serviceName",
        "spec/backend/serviceName",
        "spec/rules/http/paths/backend/service/name",
        "spec/defaultBackend/service/name",
    ] {
        specs.push(FieldSpec::new("Ingress", path, false));
    }
    specs.push(FieldSpec::new("APIService", "spec/service/name", false).in_group("apiregistration.k8s.io"));
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        specs.push(FieldSpec::new(kind, "webhooks/clientConfig/service", false).in_group(ADMISSION));
    }
    specs
}
