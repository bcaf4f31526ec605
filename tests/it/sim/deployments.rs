//! Deployments: rollouts, scaling, images that are not there, readiness that never comes.

use anyhow::ensure;

use super::{Cluster, Story, condition, stories, waits_for};
use crate::harness::{Outcome, same};

pub const STORIES: &[(&str, Story)] = stories![
    a_deployment_rolls_out_and_back,
    a_missing_image_is_seen_and_left_behind,
    a_deadline_passes_when_nothing_gets_ready,
    deleting_a_deployment_leaves_nothing,
    nothing_is_written_when_all_is_in_place,
    a_quota_is_told_by_the_deployment,
];

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'nginx:1', ports: [{name: http, containerPort: 80}], readinessProbe: {httpGet: {port: http}}}
";

const WEB_PATH: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";

fn web(cluster: &Cluster) -> Outcome {
    cluster.apply(WEB)?;
    cluster.rolled_out("deployment/web")
}

fn set_image(cluster: &Cluster, image: &str) -> Outcome {
    cluster.kubectl(&["-n", "shop", "set", "image", "deployment/web", &format!("web={image}")])?;
    Ok(())
}

fn a_deployment_rolls_out_and_back(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    let first = cluster.get(WEB_PATH)?;
    same("ready", &first["status"]["readyReplicas"], &3.into())?;
    same("reason", &condition(&first, "Progressing")["reason"], &"NewReplicaSetAvailable".into())?;
    set_image(cluster, "nginx:2")?;
    cluster.rolled_out("deployment/web")?;
    let pods = cluster.until_pods("only new pods are left", |pods| {
        pods.len() == 3 && pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "nginx:2")
    })?;
    for pod in &pods {
        same("phase", &pod["status"]["phase"], &"Running".into())?;
        ensure!(
            pod["status"]["podIP"].as_str().is_some_and(|ip| ip.starts_with("10.24")),
            "no address: {pod}"
        );
        ensure!(
            pod["spec"]["nodeName"].as_str().is_some_and(|node| node.starts_with("cluster1-node-")),
            "no node: {pod}"
        );
    }
    same("sets", cluster.list(SETS)?.len(), 2)?;
    cluster.kubectl(&["-n", "shop", "rollout", "undo", "deployment/web"])?;
    cluster.rolled_out("deployment/web")?;
    same("sets", cluster.list(SETS)?.len(), 2)?;
    let back = cluster.get(WEB_PATH)?;
    same("revision", &back["metadata"]["annotations"]["deployment.kubernetes.io/revision"], &"3".into())?;
    cluster.kubectl(&["-n", "shop", "scale", "deployment/web", "--replicas=5"])?;
    cluster.rolled_out("deployment/web")?;
    cluster.kubectl(&["-n", "shop", "scale", "deployment/web", "--replicas=1"])?;
    cluster.until_pods("one pod is left", |pods| pods.len() == 1)?;
    Ok(())
}

fn a_missing_image_is_seen_and_left_behind(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.kubectl(&[
        "-n",
        "kube-system",
        "create",
        "configmap",
        "sim",
        "--from-literal=missing-images=nginx:404",
    ])?;
    set_image(cluster, "nginx:404")?;
    cluster.until_pods("the new pod cannot pull", |pods| {
        pods.iter().any(|pod| waits_for(pod) == "ImagePullBackOff")
    })?;
    let seen = cluster.until("the deadline has passed", WEB_PATH, |web| {
        condition(web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    })?;
    same("available", &condition(&seen, "Available")["status"], &"True".into())?;
    same("ready", &seen["status"]["readyReplicas"], &3.into())?;
    set_image(cluster, "nginx:3")?;
    cluster.rolled_out("deployment/web")?;
    // The other way out: the image appears.
    set_image(cluster, "nginx:404")?;
    cluster.until_pods("the new pod cannot pull", |pods| {
        pods.iter().any(|pod| waits_for(pod) == "ImagePullBackOff")
    })?;
    cluster.kubectl(&["-n", "kube-system", "delete", "configmap", "sim"])?;
    // kubectl gives up at once where the deadline has passed, so the rollout has to move first.
    cluster
        .until("the rollout goes on", WEB_PATH, |web| condition(web, "Progressing")["status"] == "True")?;
    cluster.rolled_out("deployment/web")
}

fn a_deadline_passes_when_nothing_gets_ready(cluster: &Cluster) -> Outcome {
    cluster.apply(&WEB.replace(
        "metadata: {labels: {app: web}}",
        "metadata: {labels: {app: web}, annotations: {sim.gitstellar.io/fail: never-ready}}",
    ))?;
    let seen = cluster.until("the deadline has passed", WEB_PATH, |web| {
        condition(web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    })?;
    same("available", &condition(&seen, "Available")["reason"], &"MinimumReplicasUnavailable".into())?;
    same("unavailable", &seen["status"]["unavailableReplicas"], &3.into())?;
    let pods = cluster.pods()?;
    same("phase", &pods[0]["status"]["phase"], &"Running".into())?;
    same("ready", &condition(&pods[0], "Ready")["reason"], &"ContainersNotReady".into())
}

fn deleting_a_deployment_leaves_nothing(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.kubectl(&["-n", "shop", "delete", "deployment", "web"])?;
    cluster.until_pods("all pods are gone", <[_]>::is_empty)?;
    cluster.until("all sets are gone", SETS, |sets| sets["items"].as_array().is_some_and(Vec::is_empty))?;
    Ok(())
}

fn nothing_is_written_when_all_is_in_place(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.until_quiet()
}

fn a_quota_is_told_by_the_deployment(cluster: &Cluster) -> Outcome {
    cluster.kubectl(&["-n", "kube-system", "create", "configmap", "sim", "--from-literal=quota=shop: 2"])?;
    cluster.apply(WEB)?;
    let seen = cluster
        .until("the failure is told", WEB_PATH, |web| condition(web, "ReplicaFailure")["status"] == "True")?;
    same("reason", &condition(&seen, "ReplicaFailure")["reason"], &"FailedCreate".into())?;
    same("pods", cluster.pods()?.len(), 2)?;
    cluster.kubectl(&["-n", "kube-system", "delete", "configmap", "sim"])?;
    cluster.until("the failure is gone", WEB_PATH, |web| {
        condition(web, "ReplicaFailure").is_null() && condition(web, "Progressing")["status"] == "True"
    })?;
    cluster.rolled_out("deployment/web")
}
