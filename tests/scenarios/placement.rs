//! Where objects go: policies, labels, overlaps.

use anyhow::ensure;
use serde_json::json;

use super::Story;
use super::first_sync::{CART, SETTINGS, shop};
use super::stage::{At, BINDING, NAMESPACE, POLICY, Stage};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("a_retargeted_policy_moves_its_objects", retarget),
        ("a_relabelled_cluster_gains_and_loses_objects", relabel),
        ("a_label_and_its_selector_change_in_one_commit_and_nothing_is_unbound", label_and_selector),
        ("of_two_overlapping_policies_one_goes_and_the_objects_stay", overlap),
        ("a_create_only_object_is_made_once_and_left_alone", create_only),
        ("a_policy_that_a_person_applied_is_served_as_well", by_hand),
    ]
}

fn policy(name: &str, tier: &str, unit: &str, extra: &str) -> String {
    format!(
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: {{ name: {name} }}
spec:
  clusterSelectors:
    - matchLabels: {{ tier: {tier} }}
  downsync:
    - objectSelectors:
        - matchLabels: {{ {unit} }}
{extra}"
    )
}

fn retarget(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    // A second unit keeps the removal below "everything", which the budget would hold.
    other_unit(stage)?;
    stage.commit("The shop")?;
    stage.start()?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until(cluster, CART, "is there", |_| true)?;
    }
    stage.write("policies/production.yaml", &policy("production", "edge", "gitstellar.io/unit: shop", ""))?;
    stage.commit("To the edge")?;
    stage.until("cluster3", CART, "is there", |_| true)?;
    // The Namespace itself is held by the removal budget: what lives in it goes, it stays until somebody approves.
    for cluster in ["cluster1", "cluster2"] {
        stage.until_gone(cluster, CART)?;
        stage.until_gone(cluster, SETTINGS)?;
    }
    let held = stage.until("wds1", At(super::stage::SOURCE, None, "main"), "holds a removal", |source| {
        source.pointer("/status/held/0/count").is_some_and(|count| *count == 2)
    })?;
    ensure!(
        stage.get("cluster1", At(NAMESPACE, None, "shop"))?.is_some(),
        "the Namespace waits for approval"
    );
    let hash = held["status"]["held"][0]["hash"].as_str().unwrap_or_default().to_owned();
    stage.edit(
        "wds1",
        At(super::stage::SOURCE, None, "main"),
        &json!({ "metadata": { "annotations": { "gitstellar.io/approve": hash } } }),
    )?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until_gone(cluster, At(NAMESPACE, None, "shop"))?;
    }
    Ok(())
}

/// Twelve ConfigMaps everywhere: enough that a few removals are everyday work.
fn other_unit(stage: &Stage) -> Outcome {
    let mut text = String::new();
    for n in 0..12 {
        text.push_str(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: filler-{n} }}\ndata: {{ n: \"{n}\" }}\n---\n"
        ));
    }
    stage.write("apps/filler/filler.yaml", &text)?;
    let everywhere = policy("everywhere", "x", "gitstellar.io/unit: filler", "")
        .replace("- matchLabels: { tier: x }", "- {}");
    stage.write("policies/everywhere.yaml", &everywhere)
}

fn relabel(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    other_unit(stage)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let file = std::fs::read_to_string(stage.repository().join("clusters/cluster3.yaml"))?;
    stage.write("clusters/cluster3.yaml", &file.replace("tier: edge", "tier: production"))?;
    stage.commit("cluster3 is a production cluster now")?;
    stage.until("cluster3", CART, "is there", |_| true)?;
    stage.write("clusters/cluster3.yaml", &file)?;
    stage.commit("It is not")?;
    stage.until_gone("cluster3", CART)?;
    stage.until("cluster2", CART, "is still there", |_| true)?;
    Ok(())
}

/// A second clause, so that the Namespace is there whatever the first one selects.
const NAMESPACES: &str = "    - resources: [namespaces]
      objectNames: [shop]
";

fn label_and_selector(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let text = std::fs::read_to_string(stage.repository().join("apps/shop/shop.yaml"))?;
    let labelled = |value: &str| {
        text.replace(
            "metadata: { name: cart, namespace: shop }",
            &format!("metadata: {{ name: cart, namespace: shop, labels: {{ go: {value} }} }}"),
        )
    };
    stage.write("apps/shop/shop.yaml", &labelled("one"))?;
    stage.write("policies/production.yaml", &policy("production", "production", "go: one", NAMESPACES))?;
    stage.commit("One")?;
    stage.start()?;
    let before = stage.until("cluster1", CART, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    let watch = stage.watch("cluster1", CART);
    stage.write("apps/shop/shop.yaml", &labelled("two"))?;
    stage.write("policies/production.yaml", &policy("production", "production", "go: two", NAMESPACES))?;
    let commit = stage.commit("Two, label and selector")?;
    stage.until_settled(&commit)?;
    let after = stage
        .until("cluster1", CART, "has the new label", |cart| cart["metadata"]["labels"]["go"] == "two")?;
    same("UID", &after["metadata"]["uid"], &before["metadata"]["uid"])?;
    watch.stayed()
}

fn overlap(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.write("policies/second.yaml", &policy("second", "production", "gitstellar.io/unit: shop", ""))?;
    stage.commit("Two policies")?;
    stage.start()?;
    let before = stage.until("cluster1", CART, "is there", |_| true)?;
    stage.until("wds1", At(BINDING, None, "second"), "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    let watch = stage.watch("cluster1", CART);
    stage.remove("policies/production.yaml")?;
    let commit = stage.commit("One policy")?;
    stage.until_settled(&commit)?;
    stage.until_gone("wds1", At(BINDING, None, "production"))?;
    stage.until_only_works_of("cluster1", "second")?;
    let after = stage.until("cluster1", CART, "is still there", |_| true)?;
    same("UID", &after["metadata"]["uid"], &before["metadata"]["uid"])?;
    watch.stayed()
}

fn create_only(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.write(
        "policies/production.yaml",
        &policy("production", "production", "gitstellar.io/unit: shop", "      createOnly: true\n"),
    )?;
    stage.commit("Create only")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    shop(stage, 5)?;
    stage.write(
        "policies/production.yaml",
        &policy("production", "production", "gitstellar.io/unit: shop", "      createOnly: true\n"),
    )?;
    let commit = stage.commit("Five")?;
    stage.until_settled(&commit)?;
    stage.until("wds1", CART, "has five replicas", |cart| cart["spec"]["replicas"] == 5)?;
    stage.until_applied("cluster1")?;
    let cart = stage.until("cluster1", CART, "is there", |_| true)?;
    same("replicas in the cluster", &cart["spec"]["replicas"], &json!(1))
}

fn by_hand(stage: &mut Stage) -> Outcome {
    stage.commit("Clusters only")?;
    stage.start()?;
    let settings = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "mine", "namespace": "default", "labels": { "by": "hand" } }, "data": { "a": "1" } });
    let policy = json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "metadata": { "name": "mine" },
        "spec": { "clusterSelectors": [{}], "downsync": [{ "objectSelectors": [{ "matchLabels": { "by": "hand" } }] }] },
    });
    let mine = At(super::stage::CONFIG_MAP, Some("default"), "mine");
    stage.apply_now("wds1", super::stage::CONFIG_MAP, &settings)?;
    stage.apply_now("wds1", POLICY, &policy)?;
    stage.until("cluster3", mine, "is there", |_| true)?;
    stage.delete("wds1", At(POLICY, None, "mine"))?;
    for cluster in stage.clusters().collect::<Vec<_>>() {
        stage.until_gone(cluster, mine)?;
    }
    ensure!(stage.get("wds1", mine)?.is_some(), "what a person applied to the WDS stays there");
    Ok(())
}
