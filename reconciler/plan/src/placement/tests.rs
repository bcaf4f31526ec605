use std::collections::BTreeMap;

use apimachinery::ObjectId;
use proptest::prelude::*;
use serde_json::json;

use super::Expansion;
use crate::kinds::Kinds;
use crate::scenario::{Scenario, config_map, crd, deployment, namespace, object};
use crate::select::naive::World;
use crate::{Declaration, Inventory, Policy};

fn placed(expansion: &Expansion) -> Vec<String> {
    expansion.pairs.iter().map(|pair| format!("{} on {}", pair.object, pair.cluster)).collect()
}

#[test]
fn default_exists_and_every_namespace_has_its_name_as_a_label() {
    let names = json!([{"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["default", "shop", "nowhere"]},
    ]}]);
    let scenario = Scenario::default()
        .cluster("c", &[])
        .unit(
            "u",
            &[
                namespace("shop"),
                config_map("shop/a", "1"),
                config_map("default/b", "1"),
                config_map("nowhere/c", "1"),
            ],
        )
        .policy(
            "by-namespace",
            &json!({"clusterSelectors": [{}], "downsync": [{"namespaceSelectors": names}]}),
        )
        .policy("by-label", &json!({"clusterSelectors": [{}], "downsync": [{"objectSelectors": names}]}));
    assert_eq!(
        placed(&scenario.expand()),
        ["ConfigMap default/b on c", "ConfigMap shop/a on c", "Namespace shop on c"]
    );
}

#[test]
fn an_object_whose_namespace_nobody_declares_is_placed_all_the_same() {
    let scenario = Scenario::default()
        .cluster("c", &[("env", "prod")])
        .unit("u", &[config_map("nowhere/a", "1")])
        .policy_of_units("p", &["u"], "prod");
    assert_eq!(placed(&scenario.expand()), ["ConfigMap nowhere/a on c"]);
}

#[test]
fn custom_kinds_take_their_plural_and_scope_from_the_crd_and_unknown_ones_are_guessed() {
    let clause = json!({"resources": ["widgets", "gadgets"]});
    let scenario = Scenario::default()
        .cluster("c", &[])
        .unit(
            "u",
            &[
                crd("acme.io", "Widget", "Cluster"),
                object("acme.io/v1", "Widget", "w"),
                object("other.io/v1", "Gadget", "shop/g"),
            ],
        )
        .policy("p", &json!({"clusterSelectors": [{}], "downsync": [clause]}));
    assert_eq!(placed(&scenario.expand()), ["Widget.acme.io w on c", "Gadget.other.io shop/g on c"]);
}

#[test]
fn policies_count_wherever_they_stand() {
    let policy = json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "metadata": {"name": "inside"},
        "spec": {"clusterSelectors": [{}], "downsync": [{"resources": ["configmaps"]}]},
    });
    let scenario = Scenario::default().cluster("c", &[]).unit("u", &[policy, config_map("default/a", "1")]);
    assert_eq!(placed(&scenario.expand()), ["ConfigMap default/a on c"]);
}

#[test]
fn what_is_encrypted_or_unnamed_is_not_placed_and_of_duplicates_the_first_counts() {
    let mut cipher = config_map("default/cipher", "1");
    cipher["sops"] = json!({});
    let mut unnamed = object("batch/v1", "Job", "default/x");
    unnamed["metadata"] = json!({"generateName": "x-", "namespace": "default"});
    let scenario = Scenario::default()
        .cluster("c", &[])
        .unit("b", &[config_map("default/twice", "of b")])
        .unit("a", &[cipher, unnamed, config_map("default/twice", "of a")])
        .policy("p", &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["*"]}]}));
    let expansion = scenario.expand();
    assert_eq!(placed(&expansion), ["ConfigMap default/twice on c"]);
    let twice = &expansion.objects[&ObjectId::new("", "ConfigMap", Some("default"), "twice")];
    assert_eq!(twice.unit.unwrap().as_str(), "a");
    assert_eq!((expansion.duplicates.len(), expansion.unnamed.len()), (1, 1));
}

#[test]
fn a_unit_that_cannot_be_rendered_keeps_what_it_declared_before() {
    let rest =
        |scenario: Scenario| scenario.cluster("c", &[("env", "prod")]).policy_of_units("p", &["u"], "prod");
    let before = rest(Scenario::default().unit("u", &[deployment("default/web", "a")]));
    let after = rest(Scenario::default().failed_unit("u"));
    let expansion = Expansion::new(&after.0, &after.0.clusters, &Kinds::built_in(), Some(&before.0));
    assert_eq!(placed(&expansion), ["Deployment.apps default/web on c"]);
    assert!(expansion.objects.values().any(|declared| declared.carried));
}

/// The same by looking at everything, straight from the declaration.
fn naive(declaration: &Declaration, inventory: &Inventory) -> Vec<String> {
    let mut world = World::default();
    for (name, cluster) in inventory {
        world.clusters.insert(name.clone(), cluster.labels.clone());
    }
    let mut labels_of_default = BTreeMap::new();
    labels_of_default.insert("kubernetes.io/metadata.name".to_owned(), "default".to_owned());
    for declared in declaration.units.iter().flat_map(|unit| unit.objects.iter()) {
        let header = declared.object.header();
        let mut own = header.labels.as_ref().clone();
        if header.gvk.kind == "Namespace" {
            own.insert("kubernetes.io/metadata.name".to_owned(), header.name.to_string());
        }
        let plural = match header.gvk.kind.as_str() {
            "Deployment" => "deployments",
            "Namespace" => "namespaces",
            _ => "configmaps",
        };
        world.objects.entry(declared.object.id()).or_insert(crate::select::Selectable {
            id: declared.object.id(),
            plural: plural.into(),
            labels: own.into(),
            narrowing: None,
        });
    }
    for declared in &declaration.policies {
        let policy = Policy::parse(&declared.object.to_value(), None).unwrap();
        world.policies.insert(policy.name.clone(), policy);
    }
    world.pairs().into_keys().map(|(object, cluster)| format!("{object} on {cluster}")).collect()
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let object = (0..3_usize, "[ab]", "[xyz]").prop_map(|(kind, at, name)| match kind {
        0 => deployment(&format!("{at}/{name}"), "i"),
        1 => config_map(&format!("{at}/{name}"), "v"),
        _ => namespace(&at),
    });
    let unit = ("[uvw]", proptest::collection::vec(object, 0..5));
    let clause = (0..5_usize, "[ab]").prop_map(|(which, value)| match which {
        0 => json!({"resources": ["deployments"]}),
        1 => json!({"namespaces": [value]}),
        2 => json!({"namespaceSelectors": [{"matchLabels": {"kubernetes.io/metadata.name": value}}]}),
        3 => json!({"objectNames": ["x", "a"]}),
        _ => json!({"objectSelectors": [{"matchLabels": {"gitstellar.io/unit": "u"}}]}),
    });
    let policy = ("p[1-3]", "[ef]", proptest::collection::vec(clause, 1..3));
    let parts = (
        proptest::collection::vec(unit, 0..3),
        proptest::collection::vec(policy, 0..3),
        proptest::collection::btree_map("c[1-3]", "[ef]", 0..3),
    );
    parts.prop_map(|(units, policies, clusters)| {
        let mut scenario = Scenario::default();
        let mut seen = std::collections::BTreeSet::new();
        for (name, objects) in units.into_iter().filter(|(name, _)| seen.insert(name.clone())) {
            scenario = scenario.unit(&name, &objects);
        }
        scenario.0.units.sort_by(|a, b| a.name.cmp(&b.name));
        for (name, env, clauses) in policies.into_iter().filter(|(name, ..)| seen.insert(name.clone())) {
            let clusters = json!([{"matchLabels": {"env": env}}]);
            scenario = scenario.policy(&name, &json!({"clusterSelectors": clusters, "downsync": clauses}));
        }
        for (name, env) in clusters {
            scenario = scenario.cluster(&name, &[("env", &env)]);
        }
        scenario
    })
}

proptest! {
    #[test]
    fn placements_equal_the_naive_model(scenario in any_scenario()) {
        prop_assert_eq!(placed(&scenario.expand()), naive(&scenario.0, &scenario.0.clusters));
    }
}
