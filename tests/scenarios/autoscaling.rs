//! Autoscalers in the clusters.

use anyhow::ensure;
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, shop};
use super::stage::{At, Kind, Stage, UNIT};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("an_autoscaler_keeps_the_replicas_that_its_unit_leaves_to_it", ignored),
        ("an_autoscaler_that_nobody_made_room_for_is_named_and_gets_its_room", in_the_way),
    ]
}

const AUTOSCALER: At<'static> = At(
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    Some("shop"),
    "cart",
);

/// The shop with an autoscaler for its cart.
fn scaled_shop(stage: &Stage, image: &str) -> Outcome {
    shop(stage, 2)?;
    let text = std::fs::read_to_string(stage.repository().join("apps/shop/shop.yaml"))?;
    stage.write("apps/shop/shop.yaml", &text.replace("cart:v1", image))?;
    stage.write(
        "apps/shop/autoscaler.yaml",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: cart, namespace: shop }
spec:
  minReplicas: 2
  maxReplicas: 6
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: cart }
",
    )
}

fn leave_replicas_to_others(stage: &Stage) -> Outcome {
    stage.write(
        "gitstellar.yaml",
        "apiVersion: gitstellar.io/v1alpha1
kind: Repository
units:
  - path: apps/shop
    ignore: [{ kind: Deployment, jsonPointers: [/spec/replicas] }]
",
    )
}

/// So much load that this many replicas are needed.
fn load(stage: &Stage, cluster: &str, replicas: u32) -> Outcome {
    let annotation = json!({ "sim.gitstellar.io/desired-replicas": replicas.to_string() });
    stage.edit(cluster, AUTOSCALER, &json!({ "metadata": { "annotations": annotation } }))
}

fn image(cart: &Value) -> &Value {
    &cart["spec"]["template"]["spec"]["containers"][0]["image"]
}

fn ignored(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster1");
    stage.simulate("cluster2");
    scaled_shop(stage, "cart:v1")?;
    leave_replicas_to_others(stage)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "has what the autoscaler asks for", |cart| {
        cart["status"]["readyReplicas"] == 2
    })?;
    load(stage, "cluster1", 4)?;
    stage.until("cluster1", CART, "has grown", |cart| cart["status"]["readyReplicas"] == 4)?;
    let watch = stage.watch("cluster1", CART);
    scaled_shop(stage, "cart:v2")?;
    let commit = stage.commit("Another image")?;
    stage.until("cluster1", CART, "has the image", |cart| image(cart) == "cart:v2")?;
    stage.until_settled(&commit)?;
    stage.until_applied("cluster1")?;
    watch.never("lost replicas", |cart| cart["spec"]["replicas"] != 4)?;
    load(stage, "cluster1", 3)?;
    stage.until("cluster1", CART, "has shrunk", |cart| cart["status"]["readyReplicas"] == 3)?;
    stage.until("wds1", UNIT_SHOP, "is ready", |unit| unit["status"]["conditions"][0]["status"] == "True")?;
    Ok(())
}

const UNIT_SHOP: At<'static> = At(UNIT, None, "main.shop");

fn in_the_way(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster1");
    stage.simulate("cluster2");
    scaled_shop(stage, "cart:v1")?;
    stage.commit("The shop, with replicas of its own")?;
    stage.start()?;
    stage.until("cluster1", AUTOSCALER, "is there", |_| true)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    load(stage, "cluster1", 4)?;
    let unit = stage.until("wds1", UNIT_SHOP, "names who is in the way", |unit| {
        let failures = unit["status"]["failures"].to_string();
        ["Deployment.apps shop/cart", "cluster1", "kube-controller-manager", ".spec.replicas", "`ignore`"]
            .iter()
            .all(|word| failures.contains(word))
    })?;
    ensure!(unit["status"]["conditions"][0]["status"] == "False", "{unit}");
    stage.until_status(|readme| readme.contains("kube-controller-manager"))?;
    let cart =
        stage.until("cluster1", CART, "is left to the autoscaler", |cart| cart["spec"]["replicas"] == 4)?;
    let watch = stage.watch("cluster1", CART);
    leave_replicas_to_others(stage)?;
    stage.commit("The replicas are the autoscaler's")?;
    stage.until("wds1", UNIT_SHOP, "is ready", |unit| unit["status"]["conditions"][0]["status"] == "True")?;
    watch.never("lost replicas", |cart| cart["spec"]["replicas"] != 4)?;
    let after = stage.until("cluster1", CART, "is there", |_| true)?;
    same("UID", &after["metadata"]["uid"], &cart["metadata"]["uid"])
}
