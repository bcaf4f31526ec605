//! What strategic merge knows about lists: a small table of the built-in kinds at Kubernetes v1.21, or an OpenAPI document.
//!
//! A quirk of kustomize: newer built-in versions (autoscaling/v2) and custom kinds are unknown, so their lists are replaced.

use std::cell::Cell;

use super::id::GvkRef;
use crate::yaml::Node;

/// How a list is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListMerge {
    /// The patch's list replaces the target's.
    Replace,
    /// Elements are paired by these members.
    Keyed(Vec<String>),
    /// Elements are values of a set.
    Set,
}

/// The schema at one place of an object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'s> {
    Unknown,
    Known(Part),
    Custom { schema: &'s Node, definitions: &'s Node },
}

/// The parts of built-in kinds that hold keyed lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Object,
    Pod,
    PodTemplateObject,
    Workload,
    CronJob,
    Service,
    ServiceAccount,
    Webhooks,
    CsiNode,
    Node,
    Meta,
    Status,
    PodSpec,
    PodTemplate,
    WorkloadSpec,
    CronSpec,
    JobTemplate,
    ServiceSpec,
    CsiNodeSpec,
    NodeSpec,
    Container,
}

/// The schemas of a build: the frozen table, or a document that the build brings instead of it.
///
/// A quirk: the table counts beside the document when it was asked before the document came.
#[derive(Debug, Clone, Default)]
pub(super) struct Schemas {
    pub(super) custom: Option<Node>,
    /// A document or a version was named; later ones do not count.
    pub(super) settled: bool,
    asked: Cell<bool>,
}

impl Schemas {
    /// The shape of a kind.
    pub(super) fn of(&self, gvk: GvkRef<'_>) -> Shape<'_> {
        if let Some(shape) = self.custom.as_ref().and_then(|document| custom_kind(document, gvk)) {
            return shape;
        }
        self.asked.set(self.has_built_in());
        if self.has_built_in() { built_in(gvk).map_or(Shape::Unknown, Shape::Known) } else { Shape::Unknown }
    }

    /// Whether the table counts.
    pub(super) fn has_built_in(&self) -> bool {
        self.custom.is_none() || self.asked.get()
    }

    /// Notes an object that was read: upstream asks its schema for the scope of kinds that it knows from nowhere else.
    pub(super) fn note(&self, gvk: GvkRef<'_>) {
        self.asked.set(self.asked.get() || (self.custom.is_none() && !is_frozen(gvk)));
    }
}

/// Whether Kubernetes v1.21 had this group and version.
fn is_frozen(gvk: GvkRef<'_>) -> bool {
    match gvk.group {
        "" | "apps" => gvk.version == "v1",
        "extensions" | "flowcontrol.apiserver.k8s.io" => gvk.version == "v1beta1",
        "autoscaling" => matches!(gvk.version, "v1" | "v2beta1" | "v2beta2"),
        "node.k8s.io" | "rbac.authorization.k8s.io" | "scheduling.k8s.io" | "storage.k8s.io" => {
            matches!(gvk.version, "v1" | "v1alpha1" | "v1beta1")
        }
        "batch"
        | "policy"
        | "admissionregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "authentication.k8s.io"
        | "authorization.k8s.io"
        | "certificates.k8s.io"
        | "coordination.k8s.io"
        | "discovery.k8s.io"
        | "events.k8s.io"
        | "networking.k8s.io" => matches!(gvk.version, "v1" | "v1beta1"),
        _ => false,
    }
}

fn built_in(gvk: GvkRef<'_>) -> Option<Part> {
    let part = match (gvk.group, gvk.version, gvk.kind) {
        ("", "v1", "Pod") => Part::Pod,
        ("", "v1", "PodTemplate") => Part::PodTemplateObject,
        ("", "v1", "ReplicationController")
        | ("apps", "v1", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("batch", "v1", "Job") => Part::Workload,
        ("batch", "v1" | "v1beta1", "CronJob") => Part::CronJob,
        ("", "v1", "Service") => Part::Service,
        ("", "v1", "ServiceAccount") => Part::ServiceAccount,
        ("", "v1", "Node") => Part::Node,
        (
            "admissionregistration.k8s.io",
            "v1" | "v1beta1",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => Part::Webhooks,
        ("storage.k8s.io", "v1" | "v1beta1", "CSINode") => Part::CsiNode,
        _ if OTHERS.iter().any(|(group, versions, kinds)| {
            *group == gvk.group && versions.contains(&gvk.version) && kinds.contains(&gvk.kind)
        }) =>
        {
            Part::Object
        }
        _ => return None,
    };
    Some(part)
}

/// Kinds whose only special lists are in metadata and status.
const OTHERS: &[(&str, &[&str], &[&str])] = &[
    (
        "",
        &["v1"],
        &[
            "ConfigMap",
            "Secret",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "ResourceQuota",
        ],
    ),
    ("apiextensions.k8s.io", &["v1", "v1beta1"], &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["v1", "v1beta1"], &["APIService"]),
    ("apps", &["v1"], &["ControllerRevision"]),
    ("autoscaling", &["v1", "v2beta1", "v2beta2"], &["HorizontalPodAutoscaler"]),
    ("certificates.k8s.io", &["v1", "v1beta1"], &["CertificateSigningRequest"]),
    ("coordination.k8s.io", &["v1", "v1beta1"], &["Lease"]),
    ("discovery.k8s.io", &["v1", "v1beta1"], &["EndpointSlice"]),
    ("extensions", &["v1beta1"], &["Ingress"]),
    ("flowcontrol.apiserver.k8s.io", &["v1beta1"], &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["v1", "v1beta1"], &["Ingress", "IngressClass"]),
    ("networking.k8s.io", &["v1"], &["NetworkPolicy"]),
    ("node.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["RuntimeClass"]),
    ("policy", &["v1", "v1beta1"], &["PodDisruptionBudget"]),
    ("policy", &["v1beta1"], &["PodSecurityPolicy"]),
    (
        "rbac.authorization.k8s.io",
        &["v1", "v1alpha1", "v1beta1"],
        &["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
    ),
    ("scheduling.k8s.io", &["v1", "v1alpha1", "v1beta1"], &["PriorityClass"]),
    ("storage.k8s.io", &["v1", "v1beta1"], &["StorageClass", "CSIDriver", "VolumeAttachment"]),
];

impl<'s> Shape<'s> {
    /// The shape of a member, and how it merges when it is a list.
    pub(super) fn member(self, name: &str) -> (Shape<'s>, ListMerge) {
        match self {
            Shape::Unknown => (Shape::Unknown, ListMerge::Replace),
            Shape::Known(part) => known_member(part, name),
            Shape::Custom { schema, definitions } => custom_member(schema, definitions, name),
        }
    }
}

fn known_member(part: Part, name: &str) -> (Shape<'static>, ListMerge) {
    let map = |part: Part| (Shape::Known(part), ListMerge::Replace);
    let keyed = |shape: Shape<'static>, keys: &[&str]| {
        (shape, ListMerge::Keyed(keys.iter().map(|key| (*key).to_owned()).collect()))
    };
    let set = (Shape::Unknown, ListMerge::Set);
    use Part as P;
    match (part, name) {
        (P::Meta, "ownerReferences") => keyed(Shape::Unknown, &["uid"]),
        (P::Meta, "finalizers") => set,
        (P::Status, "conditions") => keyed(Shape::Unknown, &["type"]),
        (P::PodTemplate | P::JobTemplate, "metadata") => map(P::Meta),
        (P::PodTemplate | P::Pod, "spec") => map(P::PodSpec),
        (P::JobTemplate | P::Workload, "spec") => map(P::WorkloadSpec),
        (P::WorkloadSpec | P::PodTemplateObject, "template") => map(P::PodTemplate),
        (P::CronJob, "spec") => map(P::CronSpec),
        (P::CronSpec, "jobTemplate") => map(P::JobTemplate),
        (P::Service, "spec") => map(P::ServiceSpec),
        (P::ServiceSpec, "ports") => keyed(Shape::Unknown, &["port", "protocol"]),
        (P::ServiceAccount, "secrets") => keyed(Shape::Unknown, &["name"]),
        (P::Webhooks, "webhooks") => keyed(Shape::Unknown, &["name"]),
        (P::CsiNode, "spec") => map(P::CsiNodeSpec),
        (P::CsiNodeSpec, "drivers") => keyed(Shape::Unknown, &["name"]),
        (P::Node, "spec") => map(P::NodeSpec),
        (P::NodeSpec, "podCIDRs") => set,
        (P::PodSpec, "containers" | "initContainers" | "ephemeralContainers") => {
            keyed(Shape::Known(P::Container), &["name"])
        }
        (P::PodSpec, "volumes" | "imagePullSecrets") => keyed(Shape::Unknown, &["name"]),
        (P::PodSpec, "hostAliases") => keyed(Shape::Unknown, &["ip"]),
        (P::PodSpec, "topologySpreadConstraints") => {
            keyed(Shape::Unknown, &["topologyKey", "whenUnsatisfiable"])
        }
        (P::Container, "env") => keyed(Shape::Unknown, &["name"]),
        (P::Container, "ports") => keyed(Shape::Unknown, &["containerPort", "protocol"]),
        (P::Container, "volumeMounts") => keyed(Shape::Unknown, &["mountPath"]),
        (P::Container, "volumeDevices") => keyed(Shape::Unknown, &["devicePath"]),
        (
            P::Object
            | P::Pod
            | P::PodTemplateObject
            | P::Workload
            | P::CronJob
            | P::Service
            | P::ServiceAccount
            | P::Webhooks
            | P::CsiNode
            | P::Node,
            "metadata",
        ) => map(P::Meta),
        (P::Object | P::Pod | P::Workload | P::Service | P::Node, "status") => map(P::Status),
        _ => (Shape::Unknown, ListMerge::Replace),
    }
}

fn custom_kind<'s>(document: &'s Node, gvk: GvkRef<'_>) -> Option<Shape<'s>> {
    let definitions = document.get("definitions")?;
    let is_it = |schema: &Node| {
        let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Node::as_seq).unwrap_or_default();
        kinds.iter().any(|kind| {
            let text = |name: &str| kind.str_at(&[name]).unwrap_or_default();
            text("kind") == gvk.kind && text("version") == gvk.version && text("group") == gvk.group
        })
    };
    let (_, schema) = definitions.as_map()?.iter().find(|(_, schema)| is_it(schema))?;
    Some(Shape::Custom { schema, definitions })
}

fn known_definition(name: &str) -> Option<Part> {
    Some(match name {
        "ObjectMeta" => Part::Meta,
        "PodTemplateSpec" => Part::PodTemplate,
        "PodSpec" => Part::PodSpec,
        "Container" => Part::Container,
        "JobTemplateSpec" => Part::JobTemplate,
        _ => return None,
    })
}

fn resolved<'s>(schema: &'s Node, definitions: &'s Node) -> &'s Node {
    let target = |schema: &'s Node| {
        let name = schema.str_at(&["$ref"])?.strip_prefix("#/definitions/")?;
        definitions.get(name)
    };
    target(schema).unwrap_or(schema)
}

fn custom_member<'s>(schema: &'s Node, definitions: &'s Node, name: &str) -> (Shape<'s>, ListMerge) {
    let schema = resolved(schema, definitions);
    let Some(member) = schema.at(&["properties", name]).or_else(|| schema.get("additionalProperties")) else {
        return (Shape::Unknown, ListMerge::Replace);
    };
    let strategy = member.str_at(&["x-kubernetes-patch-strategy"]).unwrap_or_default();
    let keys: Vec<String> = match member.get("x-kubernetes-list-map-keys").and_then(Node::as_seq) {
        Some(keys) => keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect(),
        None => member.str_at(&["x-kubernetes-patch-merge-key"]).map(str::to_owned).into_iter().collect(),
    };
    let merges = strategy.split(',').any(|word| word.trim() == "merge");
    let merge = match (merges, keys.is_empty()) {
        (false, _) => ListMerge::Replace,
        (true, true) => ListMerge::Set,
        (true, false) => ListMerge::Keyed(keys),
    };
    let inner = resolved(member, definitions);
    let inner = inner.get("items").map_or(inner, |items| resolved(items, definitions));
    // A document may refer to definitions of the built-in kinds without repeating them, where these count.
    let known = inner.str_at(&["$ref"]).and_then(|name| name.rsplit('.').next()).and_then(known_definition);
    (known.map_or(Shape::Custom { schema: inner, definitions }, Shape::Known), merge)
}
