//! Kinds in a plan: the built-in ones, those whose CRDs the declaration holds, and those that somebody else reports.
//!
//! Policies name resources, manifests name kinds, and a plan is made without a server to ask. A kind known from nowhere is taken as namespaced,
//! with the plural that Kubernetes itself would guess, and finding `kind-not-served`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use apimachinery::kinds::{CustomKind, KindTable};
use apimachinery::schema::Link;
use apimachinery::smd::{Shape, find_duplicate_list_keys};
use apimachinery::{GroupKind, GroupVersionKind, Object, Plural, Version};
use serde_json::Value;

use crate::names::guessed_plural;
use crate::{DeclaredObject, Origin};

/// What a plan needs to know of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KindFacts {
    /// The lowercase plural.
    pub plural: Plural,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// The versions that are served.
    pub versions: BTreeSet<Version>,
    /// The CRD that declares it, if it is a custom kind that the declaration holds.
    pub crd: Option<Crd>,
}

/// A CRD of the declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crd {
    /// Its name, `<plural>.<group>`.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
    /// The CRD itself: its schemas are read only when somebody asks for one.
    pub object: Object,
}

/// All kinds that a plan knows.
#[derive(Clone, Default, Debug)]
pub struct Kinds {
    custom: BTreeMap<GroupKind, KindFacts>,
}

/// Read once: a plan looks kinds up for every object.
static BUILT_IN: LazyLock<BTreeMap<GroupKind, KindFacts>> = LazyLock::new(|| {
    let mut kinds: BTreeMap<GroupKind, KindFacts> = BTreeMap::new();
    for resource in KindTable::built_in().resources() {
        let facts = kinds.entry(resource.gvk.group_kind()).or_insert_with(|| KindFacts {
            plural: resource.plural.clone(),
            namespaced: resource.is_namespaced(),
            versions: BTreeSet::new(),
            crd: None,
        });
        facts.versions.insert(resource.gvk.version.clone());
    }
    kinds
});

impl Kinds {
    /// The built-in kinds only.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// Adds a kind that somebody reports, for example the inventory snapshot. Built-in kinds stay what they are.
    pub fn learn(&mut self, kind: GroupKind, facts: KindFacts) {
        self.custom.insert(kind, facts);
    }

    /// Adds the kind of a CRD; any other object, and a CRD without names, adds nothing.
    pub fn learn_crd(&mut self, declared: &DeclaredObject) {
        let header = declared.object.header();
        if header.gvk.group != "apiextensions.k8s.io" || header.gvk.kind != "CustomResourceDefinition" {
            return;
        }
        let crd = Crd {
            name: header.name.to_string(),
            origin: declared.origin.clone(),
            object: declared.object.clone(),
        };
        if let Some((kind, facts)) = read_crd(&declared.object.to_value(), crd) {
            self.learn(kind, facts);
        }
    }

    /// What is known of a kind.
    pub fn facts(&self, kind: &GroupKind) -> Option<&KindFacts> {
        BUILT_IN.get(kind).or_else(|| self.custom.get(kind))
    }

    /// The plural of a kind; guessed if it is not known.
    pub fn plural(&self, kind: &GroupKind) -> Plural {
        self.facts(kind).map_or_else(|| guessed_plural(&kind.kind), |facts| facts.plural.clone())
    }

    /// Whether the kind is served in this version, as far as the plan knows.
    pub fn serves(&self, gvk: &GroupVersionKind) -> bool {
        self.facts(&gvk.group_kind()).is_some_and(|facts| facts.versions.contains(&gvk.version))
    }

    /// The kinds that bear a name, whatever its case, in any group, sorted.
    pub fn named(&self, name: &str) -> impl Iterator<Item = (&GroupKind, &KindFacts)> {
        let same = move |kind: &GroupKind| kind.kind.as_str().eq_ignore_ascii_case(name);
        self.all().filter(move |(kind, _)| same(kind))
    }

    /// Whether any kind has this plural.
    pub fn has_plural(&self, plural: &str) -> bool {
        self.all().any(|(_, facts)| facts.plural == plural)
    }

    /// The lists of an object in which a key, or a value of a set, stands twice: `.spec.template.spec.containers[name="c"].env[name="A"]`. Server-side
    /// apply refuses such an object.
    pub fn duplicate_list_keys(&self, object: &Object) -> Vec<String> {
        let gvk = &object.header().gvk;
        let value = object.to_value();
        let found = if let Some(schema) = KindTable::built_in().schema(gvk) {
            find_duplicate_list_keys(&value, Shape::of_object(schema))
        } else if let Some(schema) = self.custom_schema(gvk) {
            find_duplicate_list_keys(&value, Shape::of_object(schema.schema()))
        } else {
            Vec::new()
        };
        found.into_iter().map(|(list, key)| format!("{list}{key}")).collect()
    }

    fn custom_schema(&self, gvk: &GroupVersionKind) -> Option<Link> {
        let crd = self.custom.get(&gvk.group_kind())?.crd.as_ref()?;
        let kind = CustomKind::from_crd(&crd.object.to_value()).ok()?;
        kind.versions.into_iter().find(|version| version.name == gvk.version)?.schema
    }

    fn all(&self) -> impl Iterator<Item = (&GroupKind, &KindFacts)> {
        BUILT_IN.iter().chain(&self.custom)
    }
}

fn read_crd(value: &Value, crd: Crd) -> Option<(GroupKind, KindFacts)> {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str);
    let kind = GroupKind::new(text("/spec/group")?, text("/spec/names/kind")?);
    let versions = value.pointer("/spec/versions").and_then(Value::as_array);
    let served = versions.into_iter().flatten().filter(|version| version["served"].as_bool() == Some(true));
    let facts = KindFacts {
        plural: text("/spec/names/plural")?.into(),
        namespaced: text("/spec/scope") != Some("Cluster"),
        versions: served.filter_map(|version| version["name"].as_str().map(Version::from)).collect(),
        crd: Some(crd),
    };
    Some((kind, facts))
}

/// Where the CRDs of well-known groups come from, for messages: the group, or what it ends in, and whose it is.
const WELL_KNOWN: [(&str, &str); 24] = [
    ("acid.zalan.do", "Zalando's postgres-operator"),
    ("argoproj.io", "Argo (CD, Rollouts, Workflows or Events)"),
    ("cert-manager.io", "cert-manager"),
    ("cilium.io", "Cilium"),
    ("cloud.google.com", "Google Kubernetes Engine"),
    ("cluster.x-k8s.io", "Cluster API"),
    ("crossplane.io", "Crossplane"),
    ("external-secrets.io", "External Secrets Operator"),
    ("external-dns.k8s.io", "ExternalDNS"),
    ("fluxcd.io", "Flux"),
    ("gateway.networking.k8s.io", "Gateway API"),
    ("grafana.integreatly.org", "Grafana Operator"),
    ("istio.io", "Istio"),
    ("karpenter.sh", "Karpenter"),
    ("keda.sh", "KEDA"),
    ("kyverno.io", "Kyverno"),
    ("longhorn.io", "Longhorn"),
    ("metallb.io", "MetalLB"),
    ("monitoring.coreos.com", "Prometheus Operator (kube-prometheus-stack)"),
    ("openshift.io", "OpenShift"),
    ("postgresql.cnpg.io", "CloudNativePG"),
    ("snapshot.storage.k8s.io", "the CSI external-snapshotter"),
    ("traefik.io", "Traefik"),
    ("velero.io", "Velero"),
];

/// The project that a group's CRDs come with, if it is well known.
pub fn well_known(group: &str) -> Option<&'static str> {
    let belongs =
        |suffix: &str| group.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    WELL_KNOWN.iter().find(|(suffix, _)| belongs(suffix)).map(|(_, project)| *project)
}

#[cfg(test)]
mod tests {
    use apimachinery::{GroupKind, GroupVersionKind, Object};
    use serde_json::json;

    use super::{Kinds, well_known};
    use crate::{DeclaredObject, Origin};

    fn kinds_with_widgets() -> Kinds {
        let crd = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgetry.acme.io"},
            "spec": {
                "group": "acme.io", "scope": "Cluster", "names": {"kind": "Widget", "plural": "widgetry"},
                "versions": [{"name": "v1", "served": true}, {"name": "v1alpha1", "served": false}],
            },
        });
        let mut kinds = Kinds::built_in();
        kinds.learn_crd(&DeclaredObject {
            object: Object::from_value(&crd).unwrap(),
            origin: Origin { file: "crd.yaml".to_owned(), line: 1 },
            encrypted: false,
        });
        kinds
    }

    #[test]
    fn crds_of_the_declaration_give_plural_scope_and_versions() {
        let kinds = kinds_with_widgets();
        let facts = kinds.facts(&GroupKind::new("acme.io", "Widget")).unwrap();
        assert_eq!((facts.plural.as_str(), facts.namespaced), ("widgetry", false));
        assert!(kinds.serves(&GroupVersionKind::new("acme.io", "v1", "Widget")));
        assert!(!kinds.serves(&GroupVersionKind::new("acme.io", "v1alpha1", "Widget")));
        assert!(kinds.has_plural("widgetry") && !kinds.has_plural("widgets"));
    }

    #[test]
    fn built_in_kinds_are_known_and_others_are_guessed() {
        let kinds = Kinds::built_in();
        let facts = |group: &str, kind: &str| {
            let facts = kinds.facts(&GroupKind::new(group, kind)).unwrap();
            (facts.plural.to_string(), facts.namespaced)
        };
        assert_eq!(facts("apps", "Deployment"), ("deployments".to_owned(), true));
        assert_eq!(facts("", "Namespace"), ("namespaces".to_owned(), false));
        assert_eq!(facts("networking.k8s.io", "NetworkPolicy"), ("networkpolicies".to_owned(), true));
        assert_eq!(kinds.plural(&GroupKind::new("acme.io", "Policy")), "policies");
        assert_eq!(kinds.named("deployment").count(), 1);
    }

    #[test]
    fn well_known_groups_are_matched_by_whole_words() {
        assert_eq!(well_known("networking.istio.io"), Some("Istio"));
        assert_eq!(well_known("cert-manager.io"), Some("cert-manager"));
        assert_eq!(well_known("myistio.io"), None);
    }
}
