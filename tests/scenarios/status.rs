//! What comes back: the status of objects in the WDS, and what of it is told in git.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Story;
use super::stage::{At, CONFIG_MAP, DEPLOYMENT, Kind, POLICY, Stage, UNIT, condition};
use crate::harness::Outcome;

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("the_status_of_the_one_cluster_is_that_of_the_object_in_the_wds", singleton),
        ("the_status_of_several_clusters_is_that_of_the_worst", several),
        ("an_unhealthy_workload_is_told_in_git_and_so_is_its_repair", unhealthy),
    ]
}

/// One of each kind whose status is returned. Only the Deployment can fail by its image.
const WORKLOADS: &str = "apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: main, image: 'web:1' }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: shop }
spec:
  serviceName: db
  replicas: 2
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: main, image: 'db:1' }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: log, namespace: shop }
spec:
  selector: { matchLabels: { app: log } }
  template:
    metadata: { labels: { app: log } }
    spec: { containers: [{ name: main, image: 'log:1' }] }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: set, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: set } }
  template:
    metadata: { labels: { app: set } }
    spec: { containers: [{ name: main, image: 'set:1' }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: once, namespace: shop }
spec:
  template:
    spec: { restartPolicy: Never, containers: [{ name: main, image: 'once:1' }] }
---
apiVersion: v1
kind: Pod
metadata: { name: alone, namespace: shop }
spec: { containers: [{ name: main, image: 'alone:1' }] }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: disk, namespace: shop }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
";

const JOB: At<'static> = At(Kind("batch", "v1", "Job", "jobs", true), Some("shop"), "once");
const WEB: At<'static> = At(DEPLOYMENT, Some("shop"), "web");

/// An object of each kind, and what its status says when all is well.
const WELL: [(At<'static>, &str, &str); 7] = [
    (WEB, "/status/readyReplicas", "2"),
    (
        At(Kind("apps", "v1", "StatefulSet", "statefulsets", true), Some("shop"), "db"),
        "/status/readyReplicas",
        "2",
    ),
    (
        At(Kind("apps", "v1", "DaemonSet", "daemonsets", true), Some("shop"), "log"),
        "/status/numberUnavailable",
        "",
    ),
    (
        At(Kind("apps", "v1", "ReplicaSet", "replicasets", true), Some("shop"), "set"),
        "/status/availableReplicas",
        "2",
    ),
    (JOB, "/status/succeeded", "1"),
    (At(Kind("", "v1", "Pod", "pods", true), Some("shop"), "alone"), "/status/phase", "\"Running\""),
    (
        At(Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true), Some("shop"), "disk"),
        "/status/phase",
        "\"Bound\"",
    ),
];

/// Kinds of which kubectl knows when they are rolled out.
const ROLLED_OUT: [&str; 3] = ["deployment/web", "statefulset/db", "daemonset/log"];

fn policy(stage: &Stage, tier: &str, want: &str) -> Outcome {
    let text = format!(
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: {{ name: shop }}
spec:
  clusterSelectors:
    - matchLabels: {{ tier: {tier} }}
  downsync:
    - objectSelectors:
        - matchLabels: {{ gitstellar.io/unit: shop }}
{want}"
    );
    stage.write("policies/shop.yaml", &text)
}

fn is_well(object: &Value, pointer: &str, wanted: &str) -> bool {
    object.get("status").is_some()
        && object.pointer(pointer).map_or(wanted.is_empty(), |v| v.to_string().as_str() == wanted)
}

/// `.status` without what does not travel as it is: generations are translated, and of a controller's collisions only its own cluster wants to know.
fn comparable(object: &Value) -> Value {
    let mut status = object["status"].as_object().cloned().unwrap_or_default();
    status.remove("observedGeneration");
    status.remove("collisionCount");
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        condition.remove("observedGeneration");
    }
    Value::Object(status)
}

fn singleton(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster3");
    stage.write("apps/shop/shop.yaml", WORKLOADS)?;
    policy(stage, "edge", "      wantSingletonReportedState: true\n")?;
    stage.commit("One cluster")?;
    stage.start()?;
    for (at, pointer, wanted) in WELL {
        stage.until("cluster3", at, "is well", |object| is_well(object, pointer, wanted))?;
        stage.until("wds1", at, "has the status of the cluster", |object| {
            let there = stage.get("cluster3", at).ok().flatten().unwrap_or_default();
            is_well(object, pointer, wanted) && comparable(object) == comparable(&there)
        })?;
    }
    for what in ROLLED_OUT {
        stage.kubectl("wds1", &["-n", "shop", "rollout", "status", what, "--timeout=60s"])?;
    }
    what_a_server_refuses_is_told(stage)?;
    rollouts_are_told_right(stage)?;
    // Nobody asks any more. What is complete stays so, whoever asks.
    policy(stage, "edge", "")?;
    stage.commit("No status")?;
    for (at, ..) in WELL.into_iter().filter(|(at, ..)| at.2 != JOB.2) {
        stage.until("wds1", at, "has no status and no label of one", |object| {
            let label = &object["metadata"]["labels"]["managed-by.kubestellar.io/singletonstatus"];
            label.is_null() && comparable(object).as_object().is_none_or(|s| s.values().all(is_nothing))
        })?;
    }
    Ok(())
}

/// What servers put into an empty status.
fn is_nothing(value: &Value) -> bool {
    [Value::Null, json!(0), json!({}), json!("Pending"), json!("BestEffort")].contains(value)
}

/// A Job that somebody deletes in the cluster runs again. Real servers do not let one go back that is complete.
fn what_a_server_refuses_is_told(stage: &Stage) -> Outcome {
    let before = stage.get("cluster3", JOB)?.context("the Job is there")?;
    stage.delete("cluster3", JOB)?;
    let again = stage.until("cluster3", JOB, "is complete again", |job| {
        job["metadata"]["uid"] != before["metadata"]["uid"] && job["status"]["succeeded"] == 1
    })?;
    stage.until("wds1", At(POLICY, None, "shop"), "tells, unless the Job does", |policy| {
        let shown = stage.get("wds1", JOB).ok().flatten().unwrap_or_default();
        policy["status"]["errors"].to_string().contains("Job.batch shop/once")
            || shown["status"]["completionTime"] == again["status"]["completionTime"]
    })?;
    Ok(())
}

/// The generations of WDS and cluster go apart, and kubectl is right all the same.
fn rollouts_are_told_right(stage: &Stage) -> Outcome {
    for replicas in [5, 6, 7] {
        stage.edit("cluster3", WEB, &json!({ "spec": { "replicas": replicas } }))?;
        stage.until("cluster3", WEB, "is repaired", |web| web["spec"]["replicas"] == 2)?;
    }
    missing_image(stage, "cluster3", "web:2")?;
    stage.write("apps/shop/shop.yaml", &WORKLOADS.replace("web:1", "web:2"))?;
    stage.commit("An image that is not there")?;
    stage.until("wds1", WEB, "tells that the rollout is stuck", |web| {
        condition(web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
            && web["status"]["observedGeneration"] == web["metadata"]["generation"]
    })?;
    let stuck =
        stage.kubectl("wds1", &["-n", "shop", "rollout", "status", "deployment/web", "--timeout=20s"]);
    ensure!(stuck.is_err(), "kubectl thinks that it is rolled out");
    all_images(stage, "cluster3")?;
    stage.until("wds1", WEB, "goes on", |web| condition(web, "Progressing")["status"] == "True")?;
    stage.kubectl("wds1", &["-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s"])?;
    Ok(())
}

const FAULTS: At<'static> = At(CONFIG_MAP, Some("kube-system"), "sim");

fn fault(stage: &Stage, cluster: &str, key: &str, items: &str) -> Outcome {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "sim", "namespace": "kube-system" }, "data": { key: items },
    });
    stage.apply_now(cluster, CONFIG_MAP, &map)
}

fn missing_image(stage: &Stage, cluster: &str, image: &str) -> Outcome {
    fault(stage, cluster, "missing-images", image)
}

fn all_images(stage: &Stage, cluster: &str) -> Outcome {
    stage.delete(cluster, FAULTS)
}

fn several(stage: &mut Stage) -> Outcome {
    stage.simulate("cluster1");
    stage.simulate("cluster2");
    stage.write("apps/shop/shop.yaml", WORKLOADS)?;
    policy(stage, "production", "      wantMultiWECReportedState: true\n")?;
    stage.commit("Two clusters")?;
    stage.start()?;
    for (at, pointer, wanted) in WELL {
        stage.until("wds1", at, "is well in both", |object| is_well(object, pointer, wanted))?;
    }
    for what in ROLLED_OUT {
        stage.kubectl("wds1", &["-n", "shop", "rollout", "status", what, "--timeout=60s"])?;
    }
    // In one cluster the next image is missing: what is told is the worst.
    missing_image(stage, "cluster2", "web:2")?;
    stage.write("apps/shop/shop.yaml", &WORKLOADS.replace("web:1", "web:2"))?;
    stage.commit("Good for one only")?;
    let web = stage.until("wds1", WEB, "is stuck in cluster2", |web| {
        condition(web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    })?;
    let message = condition(&web, "Progressing")["message"].to_string();
    ensure!(message.contains("cluster2"), "it names the cluster: {message}");
    stage.until("cluster1", WEB, "is rolled out", |web| {
        web["status"]["updatedReplicas"] == 2 && web["status"]["replicas"] == 2
    })?;
    let there = stage.get("wds1", WEB)?.context("web is in the WDS")?;
    ensure!(there["status"]["updatedReplicas"] != 2, "not all are updated: {}", there["status"]);
    all_images(stage, "cluster2")?;
    stage.until("wds1", WEB, "goes on", |web| condition(web, "Progressing")["status"] == "True")?;
    stage.kubectl("wds1", &["-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s"])?;
    // One of the two is left.
    let file = std::fs::read_to_string(stage.repository().join("clusters/cluster1.yaml"))?;
    stage.write("clusters/cluster1.yaml", &file.replace("production", "retired"))?;
    stage.commit("One cluster is left")?;
    stage.until("wds1", WEB, "has the status of the other", |web| {
        let there = stage.get("cluster2", WEB).ok().flatten().unwrap_or_default();
        comparable(web) == comparable(&there)
    })?;
    Ok(())
}

const SHOP: At<'static> = At(UNIT, None, "main.shop");

/// What the unit says, in the WDS and in git.
fn told(stage: &Stage, words: &[&str]) -> Outcome {
    let says = |text: &str| words.iter().all(|word| text.contains(word));
    stage.until("wds1", SHOP, &format!("tells of {words:?}"), |unit| {
        says(&unit["status"]["failures"].to_string()) && condition(unit, "Ready")["status"] == "False"
    })?;
    let readme = stage.until_status(|readme| says(readme))?;
    ensure!(readme.contains("## Not ready"), "{readme}");
    Ok(())
}

/// Nothing is said of trouble any more.
fn well(stage: &Stage) -> Outcome {
    stage.until("wds1", SHOP, "is ready", |unit| condition(unit, "Ready")["status"] == "True")?;
    let readme = stage.until_status(|readme| readme.contains("1 of 1 unit ready"))?;
    ensure!(!readme.contains("## Not ready"), "{readme}");
    Ok(())
}

fn unhealthy(stage: &mut Stage) -> Outcome {
    for cluster in ["cluster1", "cluster2"] {
        stage.simulate(cluster);
    }
    stage.write("apps/shop/shop.yaml", WORKLOADS)?;
    policy(stage, "production", "")?;
    missing_image(stage, "cluster1", "web:1")?;
    stage.commit("The shop, without an image in one cluster")?;
    stage.start()?;
    told(stage, &["shop/web", "cluster1", "ProgressDeadlineExceeded"])?;
    all_images(stage, "cluster1")?;
    well(stage)?;
    fault(stage, "cluster2", "never-ready", "shop/web")?;
    stage.write("apps/shop/shop.yaml", &WORKLOADS.replace("web:1", "web:2"))?;
    stage.commit("Never ready in the other")?;
    told(stage, &["shop/web", "cluster2"])?;
    stage.delete("cluster2", FAULTS)?;
    well(stage)?;
    fault(stage, "cluster1", "quota", "shop: 8")?;
    stage.write(
        "apps/shop/shop.yaml",
        &WORKLOADS.replace("web:1", "web:2").replace("replicas: 2", "replicas: 6"),
    )?;
    stage.commit("More than the quota admits")?;
    told(stage, &["shop/web", "cluster1", "quota"])?;
    stage.delete("cluster1", FAULTS)?;
    well(stage)
}
