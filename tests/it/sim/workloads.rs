//! StatefulSets, DaemonSets, Jobs, CronJobs.

use anyhow::ensure;
use serde_json::Value;

use super::{Cluster, Story, condition, stories, waits_for};
use crate::harness::{Outcome, same};

pub const STORIES: &[(&str, Story)] = stories![
    a_stateful_set_comes_and_goes_in_order,
    a_stateful_set_rolls_out_from_the_last,
    a_daemon_set_has_a_pod_on_every_node,
    a_job_completes,
    a_job_fails_after_its_attempts,
    a_suspended_job_waits,
    a_cron_job_starts_a_job_when_its_time_comes,
];

const DB: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'db:1', volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

const DB_PATH: &str = "/apis/apps/v1/namespaces/shop/statefulsets/db";
const CLAIMS: &str = "/api/v1/namespaces/shop/persistentvolumeclaims";

fn names(objects: &[Value]) -> Vec<&str> {
    objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect()
}

/// Names in the order in which they were made.
fn in_order(pods: &[Value]) -> Vec<&str> {
    let mut pods: Vec<&Value> = pods.iter().collect();
    pods.sort_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned());
    pods.into_iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect()
}

fn a_stateful_set_comes_and_goes_in_order(cluster: &Cluster) -> Outcome {
    cluster.apply(DB)?;
    cluster.rolled_out("statefulset/db")?;
    let pods = cluster.pods()?;
    same("order", in_order(&pods), vec!["db-0", "db-1", "db-2"])?;
    same("host name", &pods[1]["spec"]["hostname"], &"db-1".into())?;
    let claims = cluster.list(CLAIMS)?;
    same("claims", names(&claims), vec!["data-db-0", "data-db-1", "data-db-2"])?;
    ensure!(claims.iter().all(|claim| claim["status"]["phase"] == "Bound"), "{claims:?}");
    cluster.kubectl(&["-n", "shop", "scale", "statefulset/db", "--replicas=1"])?;
    let pods = cluster.until_pods("one pod is left", |pods| pods.len() == 1)?;
    same("the first", names(&pods), vec!["db-0"])?;
    same("claims", cluster.list(CLAIMS)?.len(), 3)?;
    // A pod that is deleted comes back with its name and its claim.
    let before = pods[0]["metadata"]["uid"].clone();
    cluster.kubectl(&["-n", "shop", "delete", "pod", "db-0"])?;
    cluster.until_pods("it is back", |pods| {
        pods.iter().any(|pod| pod["metadata"]["uid"] != before && condition(pod, "Ready")["status"] == "True")
    })?;
    cluster.until_quiet()?;
    // Claims stay until somebody deletes them, and then take their volumes with them.
    cluster.kubectl(&["-n", "shop", "delete", "statefulset", "db"])?;
    cluster.until_pods("all pods are gone", <[_]>::is_empty)?;
    same("claims", cluster.list(CLAIMS)?.len(), 3)?;
    cluster.kubectl(&["-n", "shop", "delete", "pvc", "--all"])?;
    cluster.until("all volumes are gone", "/api/v1/persistentvolumes", |list| {
        list["items"].as_array().is_some_and(Vec::is_empty)
    })?;
    Ok(())
}

fn a_stateful_set_rolls_out_from_the_last(cluster: &Cluster) -> Outcome {
    cluster.apply(DB)?;
    cluster.rolled_out("statefulset/db")?;
    cluster.kubectl(&["-n", "shop", "set", "image", "statefulset/db", "db=db:2"])?;
    cluster.rolled_out("statefulset/db")?;
    let pods = cluster.pods()?;
    ensure!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "db:2"), "old pods are left");
    let seen = cluster.get(DB_PATH)?;
    same("revision", &seen["status"]["currentRevision"], &seen["status"]["updateRevision"])?;
    cluster.kubectl(&["-n", "shop", "rollout", "undo", "statefulset/db"])?;
    cluster.rolled_out("statefulset/db")?;
    let pods = cluster.pods()?;
    ensure!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "db:1"), "not back");
    let history = cluster.kubectl(&["-n", "shop", "rollout", "history", "statefulset/db"])?;
    same("revisions", history.lines().filter(|line| line.starts_with(char::is_numeric)).count(), 2)
}

const LOG: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log}
spec:
  selector: {matchLabels: {app: log}}
  template:
    metadata: {labels: {app: log}}
    spec: {containers: [{name: log, image: 'log:1'}]}
";

fn a_daemon_set_has_a_pod_on_every_node(cluster: &Cluster) -> Outcome {
    cluster.apply(LOG)?;
    cluster.rolled_out("daemonset/log")?;
    let pods = cluster.pods()?;
    let mut nodes: Vec<&str> = pods.iter().filter_map(|pod| pod["spec"]["nodeName"].as_str()).collect();
    nodes.sort_unstable();
    same("nodes", nodes, vec!["cluster1-node-1", "cluster1-node-2"])?;
    cluster.kubectl(&["-n", "shop", "set", "image", "daemonset/log", "log=log:2"])?;
    cluster.rolled_out("daemonset/log")?;
    let seen = cluster.get("/apis/apps/v1/namespaces/shop/daemonsets/log")?;
    same("updated", &seen["status"]["updatedNumberScheduled"], &2.into())?;
    cluster.until_quiet()
}

const JOB: &str = "
apiVersion: batch/v1
kind: Job
metadata: {name: load}
spec:
  completions: 3
  parallelism: 2
  backoffLimit: 1
  template:
    spec: {restartPolicy: Never, containers: [{name: load, image: 'load:1'}]}
";

const JOB_PATH: &str = "/apis/batch/v1/namespaces/shop/jobs/load";

fn a_job_completes(cluster: &Cluster) -> Outcome {
    cluster.apply(JOB)?;
    cluster.kubectl(&["-n", "shop", "wait", "--for=condition=complete", "job/load", "--timeout=60s"])?;
    let seen = cluster.get(JOB_PATH)?;
    same("succeeded", &seen["status"]["succeeded"], &3.into())?;
    ensure!(seen["status"]["completionTime"].is_string(), "no completion time: {seen}");
    same("reason", &condition(&seen, "SuccessCriteriaMet")["reason"], &"CompletionsReached".into())?;
    let pods = cluster.pods()?;
    same("pods", pods.len(), 3)?;
    ensure!(pods.iter().all(|pod| pod["status"]["phase"] == "Succeeded"), "{pods:?}");
    cluster.until_quiet()?;
    cluster.kubectl(&["-n", "shop", "delete", "job", "load"])?;
    cluster.until_pods("its pods are gone", <[_]>::is_empty)?;
    Ok(())
}

fn a_job_fails_after_its_attempts(cluster: &Cluster) -> Outcome {
    cluster.kubectl(&["-n", "kube-system", "create", "configmap", "sim", "--from-literal=crash=load:1"])?;
    cluster.apply(JOB)?;
    cluster.kubectl(&["-n", "shop", "wait", "--for=condition=failed", "job/load", "--timeout=60s"])?;
    let seen = cluster.get(JOB_PATH)?;
    same("reason", &condition(&seen, "Failed")["reason"], &"BackoffLimitExceeded".into())?;
    same("succeeded", seen["status"].get("succeeded"), None)
}

fn a_suspended_job_waits(cluster: &Cluster) -> Outcome {
    cluster.apply(&JOB.replace("  completions: 3", "  suspend: true\n  completions: 3"))?;
    cluster.until("it is suspended", JOB_PATH, |job| condition(job, "Suspended")["status"] == "True")?;
    same("pods", cluster.pods()?.len(), 0)?;
    cluster.kubectl(&["-n", "shop", "patch", "job", "load", "-p", r#"{"spec":{"suspend":false}}"#])?;
    cluster.kubectl(&["-n", "shop", "wait", "--for=condition=complete", "job/load", "--timeout=60s"])?;
    Ok(())
}

fn a_cron_job_starts_a_job_when_its_time_comes(cluster: &Cluster) -> Outcome {
    // The simulation's clock comes to a full minute soon.
    cluster.kubectl(&[
        "-n",
        "shop",
        "create",
        "cronjob",
        "report",
        "--image=report:1",
        "--schedule=* * * * *",
    ])?;
    let path = "/apis/batch/v1/namespaces/shop/cronjobs/report";
    let seen = cluster
        .until("a job has succeeded", path, |cron| cron["status"]["lastSuccessfulTime"].is_string())?;
    ensure!(seen["status"]["lastScheduleTime"].as_str().is_some_and(|time| time.ends_with(":00Z")), "{seen}");
    let jobs = cluster.list("/apis/batch/v1/namespaces/shop/jobs")?;
    ensure!(!jobs.is_empty() && names(&jobs)[0].starts_with("report-"), "{jobs:?}");
    let pods = cluster.pods()?;
    ensure!(pods.iter().all(|pod| waits_for(pod).is_empty()), "{pods:?}");
    Ok(())
}
