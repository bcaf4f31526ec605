use apimachinery::ObjectId;
use serde_json::json;

use super::{explain_declared, text::lines};
use crate::scenario::{Scenario, config_map, deployment, namespace};

fn shop() -> Scenario {
    let mut narrowed = config_map("shop/narrowed", "1");
    narrowed["metadata"]["annotations"] = json!({"gitstellar.io/cluster-selector": "site=a"});
    Scenario::default()
        .cluster("edge-1", &[("env", "prod"), ("site", "a")])
        .cluster("edge-2", &[("env", "staging")])
        .unit("shop", &[namespace("shop"), deployment("shop/web", "a"), narrowed])
        .unit("lost", &[config_map("nowhere/x", "1")])
        .policy_of_units("prod", &["shop"], "prod")
        .policy("by-namespace", &json!({
            "clusterSelectors": [{"matchLabels": {"env": "staging"}}],
            "downsync": [{"apiGroup": "", "resources": ["configmaps"], "namespaces": ["shop"], "objectNames": ["web"]}],
        }))
}

fn check(id: (&str, &str, &str, &str), cluster: Option<&str>, expected: &[&str]) {
    let scenario = shop();
    let object = ObjectId::new(id.0, id.1, Some(id.2).filter(|namespace| !namespace.is_empty()), id.3);
    let cluster = cluster.map(crate::ClusterName::from);
    let told = lines(&explain_declared(&scenario.expand(), &object, cluster.as_ref()));
    assert_eq!(told, expected, "\n{}", told.join("\n"));
}

#[test]
fn what_is_placed_names_its_policies_and_clauses() {
    check(
        ("apps", "Deployment", "shop", "web"),
        None,
        &[
            "Deployment.apps shop/web is on 1 cluster",
            "  on edge-1 by prod",
            "  policy prod (policies/prod.yaml:1) places it",
            "    downsync[0] matches",
            "  policy by-namespace (policies/by-namespace.yaml:1) does not place it",
            "    downsync[0].apiGroup wants \"\" (core); there is apps",
            "    downsync[0].resources wants configmaps; there is deployments",
        ],
    );
}

#[test]
fn a_cluster_that_is_not_selected_is_told_with_wanted_and_actual_labels() {
    check(
        ("apps", "Deployment", "shop", "web"),
        Some("edge-2"),
        &[
            "Deployment.apps shop/web is not on edge-2",
            "  policy prod (policies/prod.yaml:1) does not place it",
            "    downsync[0] matches",
            "    clusterSelectors wants env=prod; there is env=staging",
            "  policy by-namespace (policies/by-namespace.yaml:1) does not place it",
            "    downsync[0].apiGroup wants \"\" (core); there is apps",
            "    downsync[0].resources wants configmaps; there is deployments",
            "    it selects the cluster",
        ],
    );
}

#[test]
fn a_narrowing_is_named() {
    let scenario = shop().policy_of_units("staging", &["shop"], "staging");
    let object = ObjectId::new("", "ConfigMap", Some("shop"), "narrowed");
    let told = lines(&explain_declared(&scenario.expand(), &object, Some(&"edge-2".into())));
    assert_eq!(
        told[..2],
        [
            "ConfigMap shop/narrowed is not on edge-2",
            "  its annotation gitstellar.io/cluster-selector does not admit edge-2: site=a",
        ]
    );
}

#[test]
fn labels_that_are_missing_and_namespaces_that_do_not_exist_are_told() {
    check(
        ("", "ConfigMap", "nowhere", "x"),
        None,
        &[
            "ConfigMap nowhere/x is on no cluster",
            "  nothing declares Namespace nowhere: no namespaceSelector matches it",
            "  policy prod (policies/prod.yaml:1) does not place it",
            "    downsync[0].objectSelectors wants gitstellar.io/unit=shop; there is gitstellar.io/unit=lost",
            "  policy by-namespace (policies/by-namespace.yaml:1) does not place it",
            "    downsync[0].objectNames wants web; there is x",
            "    downsync[0].namespaces wants shop; there is nowhere",
        ],
    );
}

#[test]
fn what_does_not_exist_is_answered_with_what_may_have_been_meant() {
    check(
        ("apps", "Deployment", "shop", "wbe"),
        None,
        &[
            "Deployment.apps shop/wbe is on no cluster",
            "  there is no Deployment.apps shop/wbe; there is Deployment.apps shop/web",
        ],
    );
    check(
        ("apps", "Deployment", "shop", "other-thing"),
        Some("edge-3"),
        &[
            "Deployment.apps shop/other-thing is not on edge-3",
            "  the inventory holds no cluster edge-3; it holds edge-1, edge-2",
            "  there is no Deployment.apps shop/other-thing",
        ],
    );
}

#[test]
fn what_is_never_selected_says_why() {
    check(
        ("control.kubestellar.io", "BindingPolicy", "", "prod"),
        None,
        &[
            "BindingPolicy.control.kubestellar.io prod is on no cluster",
            "  no policy ever selects it: policies and bindings steer placement, they are not placed",
        ],
    );
}

#[test]
fn an_explanation_never_contradicts_a_placement() {
    let scenario = shop();
    let expansion = scenario.expand();
    for object in expansion.objects.keys() {
        for cluster in expansion.inventory.keys() {
            let told = explain_declared(&expansion, object, Some(cluster));
            let placed =
                expansion.pairs.iter().any(|pair| pair.object == *object && pair.cluster == *cluster);
            assert_eq!(told.placed, placed, "{object} on {cluster}");
            assert_eq!(
                told.policies.iter().any(super::text::places) && told.obstacles.is_empty(),
                placed,
                "{object} on {cluster}"
            );
        }
    }
}
