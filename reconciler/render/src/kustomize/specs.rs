//! The default field specs, and the additions a build collects from `configurations` and `crds`.
//!
//! Facts of upstream's default configuration (`spec/rendering.md` 2.6 to 2.14), including its gaps.

use std::sync::{Arc, LazyLock};

use super::fieldspec::{FieldSpec, merge_specs};
use super::file::LabelEntry;
use super::id::Gvk;
use super::order::kind_order;

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
    /// Where every entry of `labels` writes, beside the labels of the object itself.
    pub(super) labels: Vec<FieldSpec>,
    pub(super) annotations: Vec<FieldSpec>,
    pub(super) images: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) variables: Vec<FieldSpec>,
    pub(super) references: Vec<NameReference>,
}

/// The field specs that a kustomization has gathered. Nearly every one has exactly the defaults, which are shared and cost nothing.
#[derive(Debug, Clone, Default)]
pub(super) enum Config {
    #[default]
    Nothing,
    Defaults,
    Own(Arc<Specs>),
}

static DEFAULTS: LazyLock<Specs> = LazyLock::new(|| {
    let mut specs = Specs::defaults();
    specs.sort();
    specs
});
static EMPTY: LazyLock<Specs> = LazyLock::new(Specs::default);

impl Config {
    pub(super) fn default_specs() -> Self {
        Config::Defaults
    }

    pub(super) fn of(mut specs: Specs) -> Self {
        specs.sort();
        Config::Own(Arc::new(specs))
    }

    pub(super) fn specs(&self) -> &Specs {
        match self {
            Config::Nothing => &EMPTY,
            Config::Defaults => &DEFAULTS,
            Config::Own(specs) => specs,
        }
    }

    /// Adds what another configuration has. The order of merging matters: see [`merge_specs`].
    pub(super) fn merge(&mut self, other: &Config) -> Result<(), String> {
        match (&*self, other) {
            (_, Config::Nothing) | (Config::Defaults, Config::Defaults) => {}
            (Config::Nothing, Config::Defaults) => *self = Config::Defaults,
            _ => {
                let mut specs = self.specs().clone();
                specs.merge(other.specs())?;
                *self = Config::of(specs);
            }
        }
        Ok(())
    }
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
            labels: Vec::new(),
            annotations: annotations(),
            images: images(),
            replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
                .map(|kind| FieldSpec::new(kind, "spec/replicas", true))
                .to_vec(),
            variables: variables(),
            references: references(),
        }
    }

    fn lists(&mut self) -> [&mut Vec<FieldSpec>; 10] {
        [
            &mut self.prefix,
            &mut self.suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.template_labels,
            &mut self.labels,
            &mut self.annotations,
            &mut self.images,
            &mut self.replicas,
            &mut self.variables,
        ]
    }

    /// Upstream keeps specs in the legacy order of their kinds; which of two specs is dropped in a merge depends on it.
    fn sort(&mut self) {
        for list in self.lists() {
            list.sort_by_cached_key(|spec| kind_order(&spec.gvk));
        }
        self.references.sort_by_cached_key(|reference| kind_order(&reference.target));
    }

    /// Adds the specs of a configuration or of a child kustomization.
    pub(super) fn merge(&mut self, other: &Specs) -> Result<(), String> {
        let mut other = other.clone();
        for (list, more) in self.lists().into_iter().zip(other.lists()) {
            merge_specs(list, more)?;
        }
        for reference in &other.references {
            self.add_reference(reference)?;
        }
        Ok(())
    }

    /// The fields an entry of `labels` writes.
    pub(super) fn fields_of_labels(&self, entry: &LabelEntry) -> Result<Vec<FieldSpec>, String> {
        let mut fields = entry.fields.clone();
        merge_specs(&mut fields, &self.labels)?;
        let claims = [claim_template_labels()];
        let but_claims = |list: &[FieldSpec]| {
            let left_out = |spec: &&FieldSpec| entry.claim_templates == Some(false) && **spec == claims[0];
            list.iter().filter(|spec| !left_out(spec)).cloned().collect::<Vec<_>>()
        };
        if entry.selectors {
            merge_specs(&mut fields, &but_claims(&self.common_labels))?;
        } else {
            if entry.templates {
                merge_specs(&mut fields, &but_claims(&self.template_labels))?;
            }
            merge_specs(&mut fields, &[own_labels()])?;
        }
        if entry.claim_templates == Some(true) {
            merge_specs(&mut fields, &claims)?;
        }
        Ok(fields)
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
    vec![
        FieldSpec::new("Namespace", "metadata/name", true),
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
    let stateful_set = FieldSpec::new("StatefulSet", &template, true);
    // Upstream names the group for labels only.
    let stateful_set = if what == "labels" { stateful_set.in_group(APPS) } else { stateful_set };
    vec![
        rc,
        FieldSpec::new("Deployment", &template, true),
        FieldSpec::new("ReplicaSet", &template, true),
        FieldSpec::new("DaemonSet", &template, true),
        stateful_set,
        FieldSpec::new("Job", &template, true).in_group(BATCH),
        FieldSpec::new("CronJob", &format!("spec/jobTemplate/metadata/{what}"), true).in_group(BATCH),
        FieldSpec::new("CronJob", &format!("spec/jobTemplate/spec/template/metadata/{what}"), true)
            .in_group(BATCH),
    ]
}

/// The labels of claim templates.
fn claim_template_labels() -> FieldSpec {
    FieldSpec::new("StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true).in_group(APPS)
}

/// The labels of the object itself.
fn own_labels() -> FieldSpec {
    FieldSpec::new("", "metadata/labels", true)
}

fn template_labels() -> Vec<FieldSpec> {
    let mut specs = vec![own_labels()];
    specs.extend(templates("labels"));
    specs.push(claim_template_labels());
    specs
}

fn annotations() -> Vec<FieldSpec> {
    let mut specs = vec![FieldSpec::new("", "metadata/annotations", true)];
    specs.extend(templates("annotations"));
    specs
}

fn common_labels() -> Vec<FieldSpec> {
    let mut specs = template_labels();
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
        // Upstream's path for CronJobs misses a step, and StatefulSets have none; kept.
        let root = if kind == "CronJob" { "spec/jobTemplate/spec/template" } else { root };
        if kind != "StatefulSet" {
            specs.push(FieldSpec::new(kind, &format!("{root}/volumes/nfs/server"), false));
        }
    }
    specs.push(FieldSpec::new("Deployment", "spec/template/metadata/annotations", false));
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
