//! Generated objects: kinds that kustomize knows much, little and nothing about.

use super::text::{S, Y, always, dictionary, either, list, may, must, one_of, raw, record, text};

pub const NAMES: &[&str] = &["web", "api", "db", "web-api", "cache"];
pub const CONTAINERS: &[&str] = &["main", "side", "init", "web"];
pub const NAMESPACES: &[&str] = &["shop", "ops", "default"];
pub const LABELS: &[&str] = &["app", "tier", "team", "app.kubernetes.io/name"];
pub const IMAGES: &[&str] = &[
    "nginx",
    "nginx:1.25",
    "nginx:1.25@sha256:aaaa",
    "nginx@sha256:bbbb",
    "registry.example.com:5000/team/web",
    "registry.example.com:5000/team/web:v1",
    "docker.io/library/redis:7",
    "foo.bar/nginx:2",
    "web.{x}:t",
];
pub const KEYS: &[&str] = &["a", "b", "config.yaml", "settings.json", "A_B", "f2", "f10", "F1"];

/// Texts that are easy to get wrong on the way in or out.
pub const TEXTS: &[&str] = &[
    "plain",
    "yes",
    "n",
    "null",
    "0644",
    "1e3",
    "1_000",
    "1.50",
    "0x1F",
    "12:30:45",
    "2020-01-01",
    "",
    " leading",
    "trailing ",
    "one\ntwo\n",
    "one\n\nthree",
    "\nlead",
    "  indented\nmore",
    "with: colon",
    "# hash",
    "a # b",
    "- dash",
    "é",
    "😀",
    "tab\there",
    "it's",
    "\"quoted\"",
    "[x]",
    "{a: b}",
    "*star",
    "&amp",
    "!bang",
    "%percent",
    "@at",
    "$(WEB_NAME)",
    "x-$(WEB_NAME)-$(UNKNOWN)-$$(WEB_NAME)",
    "a long text that is folded because it has many words and goes on and on until it is longer than eighty columns, twice over so that there are two folds in it",
    "https://example.com/a?b=c&d=e",
    "web.shop.svc",
    "a,b,c",
    "<tag>",
    "{\"a\": {\"b\": 1}, \"c\": [1, 2]}",
];
/// Scalars that are no text, and plain ones that one reader or another takes for something else.
pub const SCALARS: &[&str] = &[
    "1",
    "0",
    "-5",
    "1.5",
    "true",
    "false",
    "null",
    "yes",
    "off",
    "0644",
    "0x1F",
    "1e3",
    "1_000",
    "2020-01-01",
    "12345678901234567890",
    "a b",
];

pub fn tempting() -> S {
    either(vec![(3, one_of(&["plain", "x", "8080"])), (2, one_of(TEXTS))])
}

pub fn anything() -> S {
    either(vec![(3, tempting()), (2, raw(SCALARS))])
}

pub fn name() -> S {
    one_of(NAMES)
}

fn metadata() -> S {
    record(vec![
        must("name", name()),
        may(0.3, "namespace", one_of(NAMESPACES)),
        may(0.4, "labels", dictionary(LABELS, tempting(), 2)),
        may(
            0.3,
            "annotations",
            dictionary(
                &["note", "x/y", "config.kubernetes.io/local-config"],
                either(vec![
                    (5, tempting()),
                    (1, raw(&["5", "null", "true", "1.50", "0644"])),
                    (1, text("false")),
                ]),
                2,
            ),
        ),
        may(0.05, "finalizers", list(one_of(&["a/b", "c/d"]), 0..=2)),
        may(
            0.05,
            "ownerReferences",
            list(record(vec![must("uid", one_of(&["u1", "u2"])), may(0.5, "kind", text("Pod"))]), 0..=2),
        ),
    ])
}

fn object(api_version: &'static str, kind: &'static str, mut members: Vec<super::text::Member>) -> S {
    let mut all =
        vec![must("apiVersion", text(api_version)), must("kind", text(kind)), must("metadata", metadata())];
    all.append(&mut members);
    record(all)
}

fn key_reference() -> S {
    record(vec![must("name", name()), may(0.9, "key", one_of(KEYS)), may(0.1, "optional", raw(&["true"]))])
}

pub fn env() -> S {
    let from = either(vec![
        (2, record(vec![must("configMapKeyRef", key_reference())])),
        (2, record(vec![must("secretKeyRef", key_reference())])),
        (1, record(vec![must("fieldRef", record(vec![must("fieldPath", text("metadata.name"))]))])),
    ]);
    record(vec![
        must("name", one_of(&["A", "B", "C"])),
        may(0.5, "value", tempting()),
        may(0.3, "valueFrom", from),
    ])
}

pub fn port() -> S {
    record(vec![
        may(0.95, "containerPort", raw(&["80", "8080", "9090"])),
        may(0.4, "protocol", one_of(&["TCP", "UDP"])),
        may(0.4, "name", one_of(&["http", "metrics"])),
    ])
}

pub fn container() -> S {
    let sources = record(vec![
        may(0.5, "configMapRef", record(vec![must("name", name())])),
        may(0.4, "secretRef", record(vec![must("name", name())])),
    ]);
    record(vec![
        must("name", one_of(CONTAINERS)),
        may(0.8, "image", one_of(IMAGES)),
        may(0.4, "env", list(env(), 0..=3)),
        may(0.3, "envFrom", list(sources, 0..=2)),
        may(0.3, "ports", list(port(), 0..=3)),
        may(0.2, "args", list(tempting(), 0..=3)),
        may(0.1, "command", list(tempting(), 1..=2)),
        may(0.2, "volumeMounts", list(mount(), 0..=2)),
        may(
            0.1,
            "resources",
            record(vec![
                may(0.5, "limits", dictionary(&["cpu", "memory"], raw(&["1", "500m", "0.5", "1Gi"]), 2)),
                may(0.3, "requests", always(Y::Map(vec![]))),
            ]),
        ),
        may(0.05, "securityContext", raw(&["{}", "null", "{runAsUser: 1000}"])),
    ])
}

pub fn mount() -> S {
    record(vec![
        must("name", one_of(&["config", "data"])),
        must("mountPath", one_of(&["/etc/a", "/var/b", "$(WEB_NAME)"])),
    ])
}

pub fn volume() -> S {
    let named = |key| record(vec![must(key, name())]);
    let projected =
        list(record(vec![may(0.5, "configMap", named("name")), may(0.5, "secret", named("name"))]), 0..=2);
    record(vec![
        must("name", one_of(&["config", "data", "tmp"])),
        may(0.3, "configMap", named("name")),
        may(0.2, "secret", named("secretName")),
        may(0.2, "persistentVolumeClaim", named("claimName")),
        may(0.2, "emptyDir", raw(&["{}", "{medium: Memory}"])),
        may(0.1, "projected", record(vec![must("sources", projected)])),
        may(0.1, "image", record(vec![must("reference", one_of(IMAGES))])),
        may(0.05, "nfs", record(vec![must("server", one_of(&["$(WEB_NAME)", "host"]))])),
    ])
}

fn term() -> S {
    let selector = record(vec![may(0.7, "matchLabels", dictionary(LABELS, text("x"), 2))]);
    record(vec![may(0.8, "labelSelector", selector), may(0.5, "topologyKey", text("zone"))])
}

pub fn pod_spec() -> S {
    let preferred = record(vec![must("weight", raw(&["1"])), must("podAffinityTerm", term())]);
    let affinity = record(vec![
        may(0.5, "requiredDuringSchedulingIgnoredDuringExecution", list(term(), 0..=2)),
        may(0.5, "preferredDuringSchedulingIgnoredDuringExecution", list(preferred, 0..=1)),
    ]);
    let spread = record(vec![
        may(0.9, "topologyKey", one_of(&["zone", "host"])),
        may(0.7, "whenUnsatisfiable", one_of(&["DoNotSchedule", "ScheduleAnyway"])),
        may(0.5, "maxSkew", raw(&["1", "2"])),
        may(0.5, "labelSelector", record(vec![may(0.6, "matchLabels", dictionary(LABELS, text("x"), 1))])),
    ]);
    record(vec![
        may(0.95, "containers", list(container(), 0..=2)),
        may(0.2, "initContainers", list(container(), 0..=1)),
        may(0.3, "volumes", list(volume(), 0..=3)),
        may(0.3, "serviceAccountName", either(vec![(4, name()), (1, text("default"))])),
        may(0.2, "imagePullSecrets", list(record(vec![must("name", name())]), 0..=2)),
        may(0.1, "priorityClassName", name()),
        may(0.1, "topologySpreadConstraints", list(spread, 0..=2)),
        may(
            0.1,
            "affinity",
            record(vec![may(0.5, "podAffinity", affinity.clone()), may(0.5, "podAntiAffinity", affinity)]),
        ),
        may(
            0.05,
            "hostAliases",
            list(
                record(vec![
                    must("ip", one_of(&["1.1.1.1", "2.2.2.2"])),
                    may(0.5, "hostnames", list(text("h"), 0..=2)),
                ]),
                0..=2,
            ),
        ),
        may(0.1, "nodeSelector", dictionary(&["disk", "zone"], tempting(), 2)),
        may(
            0.05,
            "tolerations",
            list(
                record(vec![may(0.7, "key", one_of(&["a", "b"])), may(0.5, "operator", text("Exists"))]),
                0..=2,
            ),
        ),
    ])
}

pub fn template() -> S {
    let metadata = record(vec![
        may(0.6, "labels", dictionary(LABELS, one_of(&["web", "x"]), 2)),
        may(0.3, "annotations", dictionary(&["note", "x/y"], anything(), 2)),
    ]);
    record(vec![may(0.7, "metadata", metadata), may(0.95, "spec", pod_spec())])
}

fn selector() -> S {
    record(vec![
        may(0.8, "matchLabels", dictionary(LABELS, one_of(&["web", "x"]), 2)),
        may(0.1, "matchExpressions", raw(&["[]", "[{key: a, operator: Exists}]"])),
    ])
}

fn workload(api_version: &'static str, kind: &'static str) -> S {
    object(
        api_version,
        kind,
        vec![may(
            0.97,
            "spec",
            record(vec![
                may(0.5, "replicas", raw(&["1", "3", "null"])),
                may(0.5, "selector", selector()),
                may(0.95, "template", template()),
                may(
                    0.05,
                    "strategy",
                    raw(&["{type: Recreate}", "{type: RollingUpdate, rollingUpdate: {maxSurge: 25%}}"]),
                ),
            ]),
        )],
    )
}

fn stateful_set() -> S {
    let claim = record(vec![
        must(
            "metadata",
            record(vec![must("name", text("data")), may(0.3, "labels", dictionary(LABELS, text("x"), 1))]),
        ),
        may(
            0.7,
            "spec",
            record(vec![
                may(0.5, "storageClassName", name()),
                may(0.5, "accessModes", raw(&["[ReadWriteOnce]"])),
            ]),
        ),
    ]);
    object(
        "apps/v1",
        "StatefulSet",
        vec![must(
            "spec",
            record(vec![
                may(0.6, "serviceName", name()),
                may(0.4, "replicas", raw(&["2"])),
                may(0.6, "selector", selector()),
                may(0.9, "template", template()),
                may(0.5, "volumeClaimTemplates", list(claim, 0..=2)),
            ]),
        )],
    )
}

fn cron_job() -> S {
    let job = record(vec![
        may(0.3, "metadata", record(vec![may(0.5, "labels", dictionary(LABELS, text("x"), 1))])),
        must("spec", record(vec![may(0.2, "selector", selector()), may(0.9, "template", template())])),
    ]);
    object(
        "batch/v1",
        "CronJob",
        vec![must("spec", record(vec![may(0.5, "schedule", text("*/5 * * * *")), must("jobTemplate", job)]))],
    )
}

fn service() -> S {
    let port = record(vec![
        may(0.95, "port", raw(&["80", "443", "8080"])),
        may(0.4, "protocol", one_of(&["TCP", "UDP"])),
        may(0.5, "targetPort", either(vec![(1, raw(&["8080"])), (1, text("http"))])),
        may(0.5, "name", one_of(&["http", "https"])),
    ]);
    object(
        "v1",
        "Service",
        vec![may(
            0.95,
            "spec",
            record(vec![
                may(0.7, "selector", dictionary(LABELS, text("web"), 2)),
                may(0.8, "ports", list(port, 0..=3)),
                may(0.2, "type", one_of(&["ClusterIP", "LoadBalancer"])),
            ]),
        )],
    )
}

fn ingress() -> S {
    let backend = either(vec![
        (
            2,
            record(vec![must(
                "service",
                record(vec![must("name", name()), may(0.5, "port", raw(&["{number: 80}"]))]),
            )]),
        ),
        (1, record(vec![must("serviceName", name()), may(0.5, "servicePort", raw(&["80"]))])),
    ]);
    let paths = list(record(vec![may(0.7, "path", text("/")), must("backend", backend)]), 0..=2);
    let rule = record(vec![
        may(0.7, "host", one_of(&["web.example.com", "$(WEB_NAME).example.com"])),
        may(0.9, "http", record(vec![must("paths", paths)])),
    ]);
    let tls = record(vec![
        may(0.5, "hosts", list(one_of(&["web.example.com", "$(WEB_NAME)"]), 0..=2)),
        may(0.7, "secretName", name()),
    ]);
    object(
        "networking.k8s.io/v1",
        "Ingress",
        vec![must(
            "spec",
            record(vec![
                may(0.9, "rules", list(rule, 0..=2)),
                may(0.5, "tls", list(tls, 0..=1)),
                may(0.1, "ingressClassName", name()),
            ]),
        )],
    )
}

fn map_object(kind: &'static str) -> S {
    let data = dictionary(KEYS, either(vec![(6, tempting()), (1, anything())]), 3);
    let mut members = vec![may(0.9, "data", data)];
    if kind == "Secret" {
        members.push(may(0.3, "type", one_of(&["Opaque", "kubernetes.io/tls"])));
        members.push(may(0.2, "stringData", dictionary(KEYS, tempting(), 2)));
    } else {
        members.push(may(0.1, "binaryData", dictionary(&["bin"], text("AAECAw=="), 1)));
    }
    members.push(may(0.05, "immutable", raw(&["true"])));
    object("v1", kind, members)
}

fn binding(kind: &'static str) -> S {
    let subject = record(vec![
        may(0.95, "kind", one_of(&["ServiceAccount", "User", "Group"])),
        must("name", either(vec![(3, name()), (1, text("default"))])),
        may(0.4, "namespace", one_of(NAMESPACES)),
    ]);
    let role = record(vec![
        may(0.95, "apiGroup", text("rbac.authorization.k8s.io")),
        must("kind", one_of(&["Role", "ClusterRole"])),
        must("name", name()),
    ]);
    object(
        "rbac.authorization.k8s.io/v1",
        kind,
        vec![may(0.95, "roleRef", role), may(0.9, "subjects", list(subject, 0..=2))],
    )
}

fn role(kind: &'static str) -> S {
    let rule = record(vec![
        may(0.6, "apiGroups", raw(&["[\"\"]"])),
        may(0.6, "resources", raw(&["[secrets]", "[configmaps]"])),
        may(0.6, "resourceNames", list(name(), 0..=2)),
        may(0.5, "verbs", raw(&["[get]"])),
    ]);
    object("rbac.authorization.k8s.io/v1", kind, vec![may(0.9, "rules", list(rule, 0..=2))])
}

fn scaler(api_version: &'static str) -> S {
    let target = record(vec![
        may(0.9, "apiVersion", text("apps/v1")),
        must("kind", one_of(&["Deployment", "StatefulSet"])),
        must("name", name()),
    ]);
    object(
        api_version,
        "HorizontalPodAutoscaler",
        vec![must(
            "spec",
            record(vec![
                must("scaleTargetRef", target),
                may(0.5, "maxReplicas", raw(&["5"])),
                may(0.3, "metrics", raw(&["[]", "[{type: Resource}]"])),
            ]),
        )],
    )
}

fn webhook(kind: &'static str) -> S {
    let client = record(vec![may(
        0.9,
        "service",
        record(vec![
            must("name", name()),
            may(0.7, "namespace", one_of(NAMESPACES)),
            may(0.3, "path", text("/x")),
        ]),
    )]);
    object(
        "admissionregistration.k8s.io/v1",
        kind,
        vec![may(
            0.9,
            "webhooks",
            list(
                record(vec![
                    must("name", one_of(&["a.example.com", "b.example.com"])),
                    may(0.9, "clientConfig", client),
                ]),
                0..=2,
            ),
        )],
    )
}

fn network_policy() -> S {
    let peer = record(vec![may(0.7, "podSelector", selector()), may(0.2, "namespaceSelector", selector())]);
    object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        vec![must(
            "spec",
            record(vec![
                may(0.8, "podSelector", selector()),
                may(0.5, "ingress", list(record(vec![may(0.8, "from", list(peer.clone(), 0..=2))]), 0..=1)),
                may(0.3, "egress", list(record(vec![may(0.8, "to", list(peer, 0..=1))]), 0..=1)),
            ]),
        )],
    )
}

fn crd() -> S {
    let conversion = record(vec![
        must("strategy", text("Webhook")),
        may(
            0.7,
            "webhook",
            record(vec![must(
                "clientConfig",
                record(vec![must(
                    "service",
                    record(vec![must("name", name()), may(0.7, "namespace", text("x"))]),
                )]),
            )]),
        ),
    ]);
    object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        vec![must(
            "spec",
            record(vec![
                must("group", text("example.com")),
                may(0.5, "conversion", conversion),
                may(0.3, "containers", list(record(vec![must("image", one_of(IMAGES))]), 0..=1)),
            ]),
        )],
    )
}

/// A kind nobody knows, with everything that looks like something.
fn widget() -> S {
    object(
        "example.com/v1",
        "Widget",
        vec![may(
            0.9,
            "spec",
            record(vec![
                may(0.3, "size", anything()),
                may(
                    0.4,
                    "items",
                    list(
                        record(vec![must("name", one_of(&["a", "b"])), may(0.6, "value", anything())]),
                        0..=3,
                    ),
                ),
                may(0.3, "containers", list(container(), 0..=2)),
                may(0.3, "template", template()),
                may(
                    0.2,
                    "nested",
                    record(vec![
                        may(0.5, "containers", list(record(vec![may(0.8, "image", one_of(IMAGES))]), 0..=2)),
                        may(0.5, "deep", dictionary(KEYS, anything(), 3)),
                    ]),
                ),
                may(0.3, "widgetRef", record(vec![must("name", name())])),
                may(0.2, "secretName", name()),
                may(0.1, "empty", raw(&["{}", "[]", "null", "\"\""])),
            ]),
        )],
    )
}

fn claims() -> S {
    let spec = record(vec![
        may(0.5, "storageClassName", name()),
        may(0.5, "volumeName", name()),
        may(0.3, "resources", raw(&["{requests: {storage: 1Gi}}"])),
    ]);
    object("v1", "PersistentVolumeClaim", vec![may(0.9, "spec", spec)])
}

fn plain(api_version: &'static str, kind: &'static str) -> S {
    object(api_version, kind, vec![may(0.2, "spec", record(vec![may(0.5, "x", anything())]))])
}

/// Any object.
pub fn any_object() -> S {
    either(vec![
        (10, workload("apps/v1", "Deployment")),
        (3, workload("apps/v1", "DaemonSet")),
        (1, workload("apps/v1", "ReplicaSet")),
        (1, workload("extensions/v1beta1", "Deployment")),
        (2, workload("batch/v1", "Job")),
        (1, workload("v1", "ReplicationController")),
        (4, stateful_set()),
        (3, cron_job()),
        (2, object("v1", "Pod", vec![may(0.9, "spec", pod_spec())])),
        (1, object("v1", "PodTemplate", vec![may(0.9, "template", template())])),
        (6, service()),
        (4, ingress()),
        (6, map_object("ConfigMap")),
        (5, map_object("Secret")),
        (4, plain("v1", "ServiceAccount")),
        (3, role("Role")),
        (2, role("ClusterRole")),
        (3, binding("RoleBinding")),
        (2, binding("ClusterRoleBinding")),
        (2, scaler("autoscaling/v2")),
        (1, scaler("autoscaling/v1")),
        (2, webhook("ValidatingWebhookConfiguration")),
        (1, webhook("MutatingWebhookConfiguration")),
        (2, network_policy()),
        (
            1,
            object(
                "policy/v1",
                "PodDisruptionBudget",
                vec![must("spec", record(vec![may(0.8, "selector", selector())]))],
            ),
        ),
        (2, claims()),
        (1, plain("v1", "PersistentVolume")),
        (1, plain("storage.k8s.io/v1", "StorageClass")),
        (1, plain("scheduling.k8s.io/v1", "PriorityClass")),
        (3, plain("v1", "Namespace")),
        (1, plain("gateway.networking.k8s.io/v1", "GatewayClass")),
        (2, crd()),
        (
            1,
            object(
                "apiregistration.k8s.io/v1",
                "APIService",
                vec![must("spec", record(vec![may(0.8, "service", record(vec![must("name", name())]))]))],
            ),
        ),
        (1, plain("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")),
        (
            1,
            object(
                "admissionregistration.k8s.io/v1",
                "ValidatingAdmissionPolicyBinding",
                vec![must("spec", record(vec![must("policyName", name())]))],
            ),
        ),
        (6, widget()),
    ])
}
