//! Sources that may not write or place everything: `spec.allow`.

use anyhow::ensure;
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, SETTINGS, shop};
use super::stage::{At, CLUSTER, CONFIG_MAP, MAIN, NAMESPACE, POLICY, Stage, UNIT};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        (
            "atk_35_kinds_and_namespaces_that_a_source_may_not_write_are_refused_one_by_one",
            kinds_and_namespaces,
        ),
        ("atk_37_a_source_places_nothing_on_clusters_that_it_may_not_use", clusters),
        ("atk_37_a_limited_source_places_no_object_of_others", others),
    ]
}

fn allow(stage: &Stage, allow: &Value) -> Outcome {
    stage.edit("wds1", MAIN, &json!({ "spec": { "allow": allow } }))
}

fn failures(source: &Value) -> String {
    source.pointer("/status/failures").map(Value::to_string).unwrap_or_default()
}

fn kinds_and_namespaces(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.write(
        "apps/other/other.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other, namespace: default }\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: all }\nrules: []\n",
    )?;
    let source = json!({
        "url": stage.repository().to_string_lossy(), "ref": "main",
        "allow": { "namespaces": ["shop", "shop-*"] },
    });
    stage.follow(source);
    let commit = stage.commit("The shop, and more")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let source = stage
        .until("wds1", MAIN, "tells what it refuses", |source| failures(source).contains("ClusterRole"))?;
    let told = failures(&source);
    ensure!(told.contains("does not allow the namespace default (spec.allow.namespaces)"), "{told}");
    ensure!(told.contains("apps/other/other.yaml:1"), "it names file and line: {told}");
    ensure!(told.contains("ClusterRole") && told.contains("name the kind in spec.allow.kinds"), "{told}");
    same("refused objects", source["status"]["failures"].as_array().map(Vec::len), Some(2))?;
    ensure!(stage.get("wds1", At(CONFIG_MAP, Some("default"), "other"))?.is_none(), "it is not written");
    let unit = stage.until("wds1", At(UNIT, None, "main.other"), "tells it, too", |unit| {
        unit["status"]["failures"].to_string().contains("spec.allow")
    })?;
    ensure!(unit["status"]["failures"].to_string().contains("default/other"), "{unit}");
    // Narrowed afterwards, what is there stays as it is.
    allow(stage, &json!({ "kinds": ["Namespace", "ConfigMap", "BindingPolicy.*"] }))?;
    stage.until("wds1", MAIN, "refuses the Deployment", |source| {
        failures(source).contains("does not allow the kind Deployment.apps (spec.allow.kinds)")
    })?;
    for space in ["wds1", "cluster1"] {
        ensure!(stage.get(space, CART)?.is_some(), "{space} keeps the Deployment");
    }
    allow(stage, &Value::Null)?;
    stage.until("wds1", MAIN, "refuses nothing", |source| failures(source).is_empty())?;
    stage.until("wds1", At(CONFIG_MAP, Some("default"), "other"), "is written", |_| true)?;
    Ok(())
}

fn clusters(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let source = json!({
        "url": stage.repository().to_string_lossy(), "ref": "main", "allow": { "clusters": ["cluster1", "edge-*"] },
    });
    stage.follow(source);
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    // It may not even say what its clusters are: labels decide where things go.
    let source = stage.until("wds1", MAIN, "tells of the clusters", |source| {
        failures(source).contains("does not allow the cluster cluster2 (spec.allow.clusters)")
    })?;
    ensure!(failures(&source).contains("clusters/cluster2.yaml:1"), "{}", failures(&source));
    stage.until("its1", At(CLUSTER, None, "cluster1"), "has its labels", |cluster| {
        cluster["metadata"]["labels"]["tier"] == "production"
    })?;
    let label = json!({ "metadata": { "labels": { "tier": "production" } } });
    stage.edit("its1", At(CLUSTER, None, "cluster2"), &label)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let refused = "which GitSource main does not allow (spec.allow.clusters)";
    let policy =
        stage.until("wds1", At(POLICY, None, "production"), "tells what it may not place", |policy| {
            policy["status"]["errors"].to_string().contains(refused)
        })?;
    let told = policy["status"]["errors"].to_string();
    ensure!(told.contains("cluster2") && told.contains("shop/cart"), "{told}");
    stage.until("wds1", At(UNIT, None, "main.shop"), "tells it, too", |unit| {
        unit["status"]["failures"].to_string().contains(refused)
    })?;
    // A person's policy opens no way around it.
    let mut by_hand = policy_for(&json!({ "matchLabels": { "gitstellar.io/unit": "shop" } }));
    by_hand["metadata"]["name"] = json!("by-hand");
    stage.apply_now("wds1", POLICY, &by_hand)?;
    stage.until("wds1", At(POLICY, None, "by-hand"), "is refused, too", |policy| {
        let told = policy["status"]["errors"].to_string();
        told.contains(refused) && told.contains("cluster3")
    })?;
    for cluster in ["cluster2", "cluster3"] {
        ensure!(stage.get(cluster, At(NAMESPACE, None, "shop"))?.is_none(), "{cluster} has nothing");
    }
    allow(stage, &json!({ "clusters": ["*"] }))?;
    for cluster in ["cluster2", "cluster3"] {
        stage.until(cluster, CART, "is there now", |_| true)?;
    }
    // Taken back, it is a removal like any other, and waits for its approval.
    allow(stage, &json!({ "clusters": [] }))?;
    stage.until("wds1", MAIN, "holds the removals", |source| {
        source.pointer("/status/held/0/hash").is_some()
    })?;
    ensure!(stage.get("cluster1", CART)?.is_some(), "nothing goes before that");
    Ok(())
}

fn policy_for(objects: &Value) -> Value {
    json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "metadata": { "name": "all" },
        "spec": { "clusterSelectors": [{}], "downsync": [{ "resources": ["configmaps", "deployments", "namespaces"], "objectSelectors": [objects] }] },
    })
}

fn others(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.write("policies/all.yaml", &policy_for(&json!({})).to_string())?;
    let source = json!({
        "url": stage.repository().to_string_lossy(), "ref": "main", "allow": { "namespaces": ["shop"] },
    });
    stage.follow(source);
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": "default" } });
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.apply_now("wds1", CONFIG_MAP, &theirs)?;
    stage.until_settled(&commit)?;
    stage.until("cluster3", SETTINGS, "is there", |_| true)?;
    let policy = stage.until("wds1", At(POLICY, None, "all"), "tells what it may not place", |policy| {
        policy["status"]["errors"].to_string().contains("default/theirs")
    })?;
    let told = policy["status"]["errors"].to_string();
    ensure!(told.contains("places objects of that source only"), "{told}");
    for cluster in ["cluster1", "cluster2", "cluster3"] {
        stage.until_applied(cluster)?;
        let there = stage.get(cluster, At(CONFIG_MAP, Some("default"), "theirs"))?;
        ensure!(there.is_none(), "{cluster} has nothing of others");
    }
    // Without limits, a policy is what it was.
    allow(stage, &Value::Null)?;
    stage.until("cluster3", At(CONFIG_MAP, Some("default"), "theirs"), "is there now", |_| true)?;
    Ok(())
}
