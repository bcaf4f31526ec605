//! The way of a commit: first sync, edit, delete, retarget.

use anyhow::ensure;
use serde_json::json;

use super::Story;
use super::stage::{At, BINDING, CONFIG_MAP, DEPLOYMENT, NAMESPACE, SOURCE, Stage, UNIT, WORK};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("a_first_commit_reaches_the_clusters_that_its_policy_names", first_sync),
        ("an_edit_arrives_and_a_deletion_is_pruned", edit_and_delete),
        ("a_commit_that_declares_nothing_new_writes_its_status_only", nothing_new),
    ]
}

/// A unit of a namespace and a Deployment, and a policy for production.
pub fn shop(stage: &Stage, replicas: u32) -> Outcome {
    stage.write(
        "apps/shop/shop.yaml",
        &format!(
            "apiVersion: v1
kind: Namespace
metadata: {{ name: shop }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: cart, namespace: shop }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: cart }} }}
  template:
    metadata: {{ labels: {{ app: cart }} }}
    spec:
      containers:
        - name: cart
          image: cart:v1
          ports: [{{ containerPort: 8080 }}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{ name: settings, namespace: shop }}
data: {{ colour: blue }}
"
        ),
    )?;
    stage.write("policies/production.yaml", POLICY)
}

const POLICY: &str = "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: { name: production }
spec:
  clusterSelectors:
    - matchLabels: { tier: production }
  downsync:
    - objectSelectors:
        - matchLabels: { gitstellar.io/unit: shop }
";

pub const CART: At<'static> = At(DEPLOYMENT, Some("shop"), "cart");
pub const SETTINGS: At<'static> = At(CONFIG_MAP, Some("shop"), "settings");

fn first_sync(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    for cluster in ["cluster1", "cluster2"] {
        let cart = stage.until(cluster, CART, "is there", |_| true)?;
        same("replicas", &cart["spec"]["replicas"], &json!(2))?;
        same("the unit's label", &cart["metadata"]["labels"]["gitstellar.io/unit"], &json!("shop"))?;
        let annotations = cart["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        ensure!(
            annotations.keys().all(|key| !key.starts_with("gitstellar.io/")),
            "our annotations stay in the WDS: {annotations:?}"
        );
        stage.until(cluster, SETTINGS, "is there", |_| true)?;
    }
    ensure!(
        stage.get("cluster3", At(NAMESPACE, None, "shop"))?.is_none(),
        "cluster3 is no production cluster"
    );
    steady(stage)
}

/// Once everything is applied, nothing is written any more.
pub fn steady(stage: &Stage) -> Outcome {
    let kinds = [
        ("wds1", BINDING),
        ("wds1", DEPLOYMENT),
        ("its1", WORK),
        ("cluster1", DEPLOYMENT),
        ("cluster2", DEPLOYMENT),
    ];
    for work in ["cluster1", "cluster2"] {
        stage.until_applied(work)?;
    }
    let before = stage.versions(&kinds)?;
    // A commit that changes nothing declared goes all the way round.
    let commit = stage.commit("Nothing")?;
    stage.until_settled(&commit)?;
    same("versions of everything in the flow", stage.versions(&kinds)?, before)
}

fn nothing_new(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until(cluster, CART, "is there", |_| true)?;
        stage.until_applied(cluster)?;
    }
    stage.until_quiet(&[("wds1", UNIT), ("wds1", SOURCE), ("its1", WORK)])?;
    let _before = stage.writes();
    let commit = stage.commit("Nothing")?;
    stage.until_settled(&commit)?;
    let is_status = |write: &String| {
        write.contains("/gitsources/main/status") || write.contains("/units/main.shop/status")
    };
    let others: Vec<String> = stage.writes().into_iter().filter(|write| !is_status(write)).collect();
    ensure!(others.is_empty(), "nothing else is written: {others:#?}");
    Ok(())
}

fn edit_and_delete(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    shop(stage, 3)?;
    stage.commit("Three replicas")?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until(cluster, CART, "has three replicas", |cart| cart["spec"]["replicas"] == 3)?;
    }
    let text = std::fs::read_to_string(stage.repository().join("apps/shop/shop.yaml"))?;
    let without = text
        .split("---\n")
        .filter(|document| !document.contains("kind: ConfigMap"))
        .collect::<Vec<_>>()
        .join("---\n");
    stage.write("apps/shop/shop.yaml", &without)?;
    stage.commit("No settings")?;
    for space in ["wds1", "cluster1", "cluster2"] {
        stage.until_gone(space, SETTINGS)?;
    }
    stage.until("cluster2", CART, "is still there", |_| true)?;
    Ok(())
}
