//! What stands around workloads: Services, claims, budgets, autoscalers, configuration; and a simulation that ends and begins again.

use anyhow::ensure;
use serde_json::Value;

use super::{Cluster, Story, condition, stories, waits_for};
use crate::harness::{Outcome, same};

pub const STORIES: &[(&str, Story)] = stories![
    a_service_has_its_pods_behind_it,
    a_load_balancer_and_an_ingress_get_addresses,
    an_autoscaler_scales_by_the_scale_subresource,
    a_budget_counts,
    a_pod_waits_for_its_configuration,
    a_crash_is_counted_and_ends,
    a_simulation_that_begins_again_writes_nothing,
];

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: 'nginx:1', ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 4, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
";

const WEB_PATH: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

fn web(cluster: &Cluster) -> Outcome {
    cluster.apply(WEB)?;
    cluster.rolled_out("deployment/web")
}

/// Addresses of the ready endpoints of Service web.
fn ready_addresses(slices: &Value) -> Vec<&str> {
    let slices = slices["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    ready.filter_map(|endpoint| endpoint["addresses"][0].as_str()).collect()
}

fn a_service_has_its_pods_behind_it(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    let slices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name=web";
    let seen = cluster.until("both pods are ready", slices, |slices| ready_addresses(slices).len() == 2)?;
    same("port", &seen["items"][0]["ports"][0]["port"], &8080.into())?;
    let endpoints = "/api/v1/namespaces/shop/endpoints/web";
    cluster.until("both addresses", endpoints, |e| {
        e["subsets"][0]["addresses"].as_array().is_some_and(|a| a.len() == 2)
    })?;
    cluster.kubectl(&[
        "-n",
        "kube-system",
        "create",
        "configmap",
        "sim",
        "--from-literal=never-ready=app=web",
    ])?;
    cluster.until("none is ready", slices, |slices| ready_addresses(slices).is_empty())?;
    cluster.until("none is ready", endpoints, |e| e["subsets"][0].get("addresses").is_none())?;
    cluster.kubectl(&["-n", "kube-system", "delete", "configmap", "sim"])?;
    cluster.until("both pods are ready", slices, |slices| ready_addresses(slices).len() == 2)?;
    cluster.until_quiet()?;
    cluster.kubectl(&["-n", "shop", "delete", "service", "web"])?;
    cluster.until("its slices are gone", slices, |slices| {
        slices["items"].as_array().is_some_and(Vec::is_empty)
    })?;
    cluster.until("its endpoints are gone", endpoints, |e| e["code"] == 404)?;
    Ok(())
}

const OUTSIDE: &str = "
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: front}
spec: {defaultBackend: {service: {name: front, port: {number: 80}}}}
";

fn a_load_balancer_and_an_ingress_get_addresses(cluster: &Cluster) -> Outcome {
    cluster.apply(OUTSIDE)?;
    let address = |object: &Value| object["status"]["loadBalancer"]["ingress"][0]["ip"].is_string();
    let service = "/api/v1/namespaces/shop/services/front";
    cluster.until("the service has an address", service, address)?;
    cluster.until(
        "the ingress has an address",
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        address,
    )?;
    cluster.kubectl(&[
        "-n",
        "shop",
        "patch",
        "service",
        "front",
        "-p",
        r#"{"spec":{"type":"ClusterIP"}}"#,
    ])?;
    cluster.until("the address is gone", service, |service| !address(service))?;
    cluster.until_quiet()
}

fn an_autoscaler_scales_by_the_scale_subresource(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.kubectl(&["-n", "shop", "annotate", "hpa", "web", "sim.gitstellar.io/desired-replicas=9"])?;
    let seen =
        cluster.until("it has scaled to its maximum", WEB_PATH, |web| web["status"]["readyReplicas"] == 4)?;
    let managers = seen["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let by_scale = managers.iter().find(|entry| entry["subresource"] == "scale");
    let by_scale = by_scale.map(|entry| entry["manager"].clone());
    same("who owns the replicas", by_scale, Some("kube-controller-manager".into()))?;
    let hpa = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";
    let seen = cluster.until("it says so", hpa, |hpa| hpa["status"]["currentReplicas"] == 4)?;
    same("limited", &condition(&seen, "ScalingLimited")["reason"], &"TooManyReplicas".into())?;
    cluster.until_quiet()
}

fn a_budget_counts(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    let path = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";
    let seen = cluster.until("one may go", path, |budget| budget["status"]["disruptionsAllowed"] == 1)?;
    same("healthy", &seen["status"]["currentHealthy"], &2.into())
}

const CONFIGURED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  # It waits for a person; the deadline of a fast simulation would pass meanwhile.
  progressDeadlineSeconds: 60000
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - {name: app, image: 'app:1', envFrom: [{configMapRef: {name: settings}}], volumeMounts: [{name: keys, mountPath: /keys}]}
      volumes: [{name: keys, secret: {secretName: keys}}]
";

fn a_pod_waits_for_its_configuration(cluster: &Cluster) -> Outcome {
    cluster.apply(CONFIGURED)?;
    cluster.until_pods("it waits for the volume", |pods| {
        pods.iter().any(|pod| waits_for(pod) == "ContainerCreating")
    })?;
    cluster.kubectl(&["-n", "shop", "create", "secret", "generic", "keys", "--from-literal=a=b"])?;
    let pods = cluster.until_pods("it waits for the ConfigMap", |pods| {
        pods.iter().any(|pod| waits_for(pod) == "CreateContainerConfigError")
    })?;
    let message = &pods[0]["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    same("message", message, &r#"configmap "settings" not found"#.into())?;
    cluster.kubectl(&["-n", "shop", "create", "configmap", "settings", "--from-literal=a=b"])?;
    cluster.rolled_out("deployment/app")
}

fn a_crash_is_counted_and_ends(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.kubectl(&["-n", "kube-system", "create", "configmap", "sim", "--from-literal=crash=nginx"])?;
    cluster.until_pods("all crash", |pods| {
        pods.iter().all(|pod| {
            waits_for(pod) == "CrashLoopBackOff" && pod["status"]["containerStatuses"][0]["restartCount"] != 0
        })
    })?;
    cluster
        .until("nothing is available", WEB_PATH, |web| condition(web, "Available")["status"] == "False")?;
    cluster.kubectl(&["-n", "kube-system", "delete", "configmap", "sim"])?;
    let seen = cluster.until("all is well again", WEB_PATH, |web| web["status"]["readyReplicas"] == 2)?;
    ensure!(condition(&seen, "Progressing")["reason"] == "NewReplicaSetAvailable", "{seen}");
    Ok(())
}

fn a_simulation_that_begins_again_writes_nothing(cluster: &Cluster) -> Outcome {
    web(cluster)?;
    cluster.apply(OUTSIDE)?;
    cluster.until_quiet()?;
    let before = cluster.versions()?;
    cluster.begin_again()?;
    // It looks at everything at its start; what it has looked at, it shows by what it does with the next change.
    cluster.kubectl(&["-n", "shop", "create", "service", "clusterip", "mark", "--tcp=80"])?;
    let mark = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name=mark";
    cluster.until("it works", mark, |slices| {
        slices["items"].as_array().is_some_and(|items| !items.is_empty())
    })?;
    let mut after = cluster.versions()?;
    after.retain(|(name, _)| !name.contains(" mark"));
    same("versions", after, before)
}
