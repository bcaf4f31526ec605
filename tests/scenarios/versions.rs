//! Objects that are declared in another version than the one that the WDS prefers.

use anyhow::ensure;
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, shop};
use super::stage::{At, BINDING, DEPLOYMENT, Kind, Stage, UNIT, WORK};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("an_autoscaler_of_version_1_arrives_as_it_was_declared", autoscaler),
        ("a_custom_object_of_an_older_served_version_arrives_as_it_was_declared", custom),
        ("what_kubectl_applied_in_an_older_version_is_shipped_in_it", by_hand),
    ]
}

const OLD_AUTOSCALER: Kind =
    Kind("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true);
const NEW_AUTOSCALER: Kind = Kind("autoscaling", "v2", OLD_AUTOSCALER.2, OLD_AUTOSCALER.3, true);
const OLD_WIDGET: Kind = Kind("example.com", "v1beta1", "Widget", "widgets", true);
const NEW_WIDGET: Kind = Kind("example.com", "v1", "Widget", "widgets", true);

const CART_SCALER: At<'static> = At(OLD_AUTOSCALER, Some("shop"), "cart");
const GEAR: At<'static> = At(OLD_WIDGET, Some("shop"), "gear");
const UNIT_SHOP: At<'static> = At(UNIT, None, "main.shop");

fn is_ready(unit: &Value) -> bool {
    unit["status"]["conditions"][0]["status"] == "True"
}

/// The shop with an autoscaler as it was written years ago.
fn scaled_shop(stage: &Stage, most: u32) -> Outcome {
    shop(stage, 2)?;
    stage.write(
        "apps/shop/autoscaler.yaml",
        &format!(
            "apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {{ name: cart, namespace: shop }}
spec:
  minReplicas: 2
  maxReplicas: {most}
  targetCPUUtilizationPercentage: 50
  scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: cart }}
"
        ),
    )
}

/// A widget of the version before the newest.
fn widget_shop(stage: &Stage, colour: &str) -> Outcome {
    shop(stage, 2)?;
    let version = |name: &str, stored: bool| {
        format!(
            "    - name: {name}
      served: true
      storage: {stored}
      schema:
        openAPIV3Schema:
          type: object
          properties: {{ spec: {{ type: object, properties: {{ colour: {{ type: string }}, size: {{ type: integer, default: 3 }} }} }} }}
"
        )
    };
    stage.write(
        "apps/shop/widgets.yaml",
        &format!(
            "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{ name: widgets.example.com }}
spec:
  group: example.com
  scope: Namespaced
  names: {{ kind: Widget, plural: widgets }}
  versions:
{}{}---
apiVersion: example.com/v1beta1
kind: Widget
metadata: {{ name: gear, namespace: shop }}
spec: {{ colour: {colour} }}
",
            version("v1", true),
            version("v1beta1", false)
        ),
    )
}

fn autoscaler(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster1");
    stage.simulate("cluster2");
    scaled_shop(stage, 6)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    let arrived = stage.until("cluster1", CART_SCALER, "is there", |_| true)?;
    same("target", &arrived["spec"]["targetCPUUtilizationPercentage"], &json!(50))?;
    stage.until("wds1", UNIT_SHOP, "is ready: nothing is contended", is_ready)?;
    nothing_is_written_after_a_restart(stage, NEW_AUTOSCALER)?;
    // A commit changes it, a hand in the newer version does not.
    scaled_shop(stage, 7)?;
    stage.commit("Seven at most")?;
    stage.until("cluster2", CART_SCALER, "allows seven", |scaler| scaler["spec"]["maxReplicas"] == 7)?;
    let watch = stage.watch("cluster2", CART_SCALER);
    let at = At(NEW_AUTOSCALER, CART_SCALER.1, CART_SCALER.2);
    stage.edit("wds1", at, &json!({ "spec": { "maxReplicas": 9 } }))?;
    stage.until("wds1", at, "is repaired", |scaler| scaler["spec"]["maxReplicas"] == 7)?;
    stage.until("wds1", UNIT_SHOP, "is ready again", is_ready)?;
    watch.never("took the hand's number", |scaler| scaler["spec"]["maxReplicas"] == 9)
}

fn custom(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster1");
    stage.simulate("cluster2");
    widget_shop(stage, "red")?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", GEAR, "is red", |gear| gear["spec"]["colour"] == "red")?;
    stage.until("wds1", UNIT_SHOP, "is ready: nothing is contended", is_ready)?;
    let binding = stage.until("wds1", At(BINDING, None, "production"), "is there", |_| true)?;
    let entries = binding["spec"]["workload"]["namespaceScope"].as_array().cloned().unwrap_or_default();
    ensure!(
        entries.iter().any(|entry| entry["resource"] == "widgets" && entry["version"] == "v1beta1"),
        "the Binding names the version that is shipped: {entries:?}"
    );
    nothing_is_written_after_a_restart(stage, NEW_WIDGET)?;
    widget_shop(stage, "blue")?;
    stage.commit("Blue")?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until(cluster, GEAR, "is blue", |gear| gear["spec"]["colour"] == "blue")?;
    }
    stage.until("wds1", UNIT_SHOP, "is ready", is_ready)?;
    Ok(())
}

/// Kills the hub, starts another one, and lets it do what it wants: nothing.
fn nothing_is_written_after_a_restart(stage: &mut Stage, kind: Kind) -> Outcome {
    let kinds = [("wds1", kind), ("wds1", DEPLOYMENT), ("wds1", BINDING), ("its1", WORK), ("cluster1", kind)];
    stage.until_applied("cluster1")?;
    stage.until_applied("cluster2")?;
    stage.until_quiet(&kinds)?;
    let before = stage.versions(&kinds)?;
    stage.kill_hub();
    stage.start_hub();
    stage.until_hub_settled()?;
    stage.until_quiet(&kinds)?;
    same("versions of everything after a restart", stage.versions(&kinds)?, before)
}

fn by_hand(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let file = stage.repository().join("../scaler.json");
    let path = file.to_string_lossy().into_owned();
    let client_side = ["apply", "-f", &path];
    let server_side = ["apply", "--server-side", "--force-conflicts", "-f", &path];
    for (arguments, target) in [(&client_side[..], 70), (&server_side, 60)] {
        let scaler = json!({
            "apiVersion": "autoscaling/v1", "kind": OLD_AUTOSCALER.2,
            "metadata": { "name": "cart", "namespace": "shop", "labels": { "gitstellar.io/unit": "shop" } },
            "spec": {
                "maxReplicas": 4, "targetCPUUtilizationPercentage": target,
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "cart" },
            },
        });
        std::fs::write(&file, scaler.to_string())?;
        stage.kubectl("wds1", arguments)?;
        stage.until("cluster1", CART_SCALER, "has its target", |scaler| {
            scaler["spec"]["targetCPUUtilizationPercentage"] == target
        })?;
    }
    Ok(())
}
