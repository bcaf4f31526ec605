//! What people do with kubectl, from its command line to what it prints.

use std::process::Output;

use anyhow::{Result, ensure};
use serde_json::json;

use super::scratch::{Scratch, config_map, deployment, text};
use super::target::Patch;
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};
use crate::kube::kubectl_with_input;

pub const CASES: &[(&str, Case)] = cases![
    client_side_apply_says_created_configured_unchanged,
    server_side_apply_prints_conflicts_with_a_hint,
    diff_exits_with_one_when_something_would_change,
    scale_and_rollout_status_follow_generations,
    get_prints_the_columns_of_the_server,
    explain_reads_open_api,
    api_resources_lists_short_names_and_scopes,
    wait_sees_a_deletion,
    delete_waits_until_the_object_is_gone,
    an_invalid_object_is_explained_per_field,
];

/// kubectl in the namespace of a case.
struct Kubectl {
    scratch: Scratch,
    directory: tempfile::TempDir,
}

impl Kubectl {
    fn new(target: &Target) -> Result<Self> {
        let kubectl = Self { scratch: Scratch::new(target)?, directory: tempfile::tempdir()? };
        std::fs::write(kubectl.directory.path().join("config"), target.kubeconfig())?;
        Ok(kubectl)
    }

    /// Arguments are separated by spaces; `input` is what `-f -` reads.
    fn run(&self, arguments: &str, input: &str) -> Result<Output> {
        let mut all = vec!["-n", &self.scratch.namespace];
        all.extend(arguments.split(' '));
        kubectl_with_input(&self.directory.path().join("config"), &all, input)
    }

    /// Its standard output.
    fn says(&self, arguments: &str, input: &str) -> Result<String> {
        let output = self.run(arguments, input)?;
        ensure!(output.status.success(), "kubectl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Its exit code and standard error.
    fn complains(&self, arguments: &str, input: &str) -> Result<(Option<i32>, String)> {
        let output = self.run(arguments, input)?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn client_side_apply_says_created_configured_unchanged(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let mut body = deployment("web");
    for said in ["created", "unchanged"] {
        let expected = format!("deployment.apps/web {said}\n");
        same("apply", &kubectl.says("apply -f -", &body.to_string())?, &expected)?;
    }
    body["spec"]["replicas"] = 3.into();
    let said = kubectl.says("apply -f -", &body.to_string())?;
    same("apply of a change", said.as_str(), "deployment.apps/web configured\n")?;
    let object = target.get(&kubectl.scratch.apps("deployments/web"))?.expect(200)?;
    let annotation = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    ensure!(text(&object, annotation)?.contains("\"replicas\":3"), "{object}");
    Ok(())
}

fn server_side_apply_prints_conflicts_with_a_hint(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let first = config_map("one", "a").to_string();
    let said = kubectl.says("apply --server-side --field-manager=first -f -", &first)?;
    same("apply", said.as_str(), "configmap/one serverside-applied\n")?;
    let second = config_map("one", "b").to_string();
    let (code, complaint) = kubectl.complains("apply --server-side --field-manager=second -f -", &second)?;
    same("exit code", code, Some(1))?;
    ensure!(
        complaint.starts_with("error: Apply failed with 1 conflict: conflict with \"first\": .data.key\n"),
        "{complaint}"
    );
    Ok(())
}

fn diff_exits_with_one_when_something_would_change(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let mut body = deployment("web");
    kubectl.says("apply --server-side -f -", &body.to_string())?;
    let same_again = kubectl.run("diff --server-side -f -", &body.to_string())?;
    same("exit code without a change", same_again.status.code(), Some(0))?;
    body["spec"]["replicas"] = 7.into();
    let changed = kubectl.run("diff --server-side -f -", &body.to_string())?;
    same("exit code with a change", changed.status.code(), Some(1))?;
    let text = String::from_utf8(changed.stdout)?;
    ensure!(text.contains("-  replicas: 2\n+  replicas: 7\n"), "{text}");
    Ok(())
}

fn scale_and_rollout_status_follow_generations(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    kubectl.says("create -f -", &deployment("web").to_string())?;
    let said = kubectl.says("scale deployment/web --replicas=1", "")?;
    same("scale", said.as_str(), "deployment.apps/web scaled\n")?;
    let status = json!({ "status": {
        "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1
    } });
    target.patch(&kubectl.scratch.apps("deployments/web/status"), Patch::Merge, &status)?.expect(200)?;
    let said = kubectl.says("rollout status deployment/web --timeout=60s", "")?;
    same("rollout status", said.as_str(), "deployment \"web\" successfully rolled out\n")
}

fn get_prints_the_columns_of_the_server(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    kubectl.says("create -f -", &deployment("web").to_string())?;
    let said = kubectl.says("get deploy", "")?;
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    same("header", &lines[0], &vec!["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"])?;
    same("row", &lines[1][..4], &["web", "0/2", "0", "0"][..])?;
    let wide = kubectl.says("get deploy -o wide", "")?;
    ensure!(wide.contains("nginx:1.27"), "{wide}");
    same("by path", kubectl.says("get deploy web -o jsonpath={.spec.replicas}", "")?.as_str(), "2")
}

fn explain_reads_open_api(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let said = kubectl.says("explain deployment.spec.replicas", "")?;
    for part in ["GROUP:      apps", "KIND:       Deployment", "FIELD: replicas <integer>"] {
        ensure!(said.contains(part), "no {part:?} in {said}");
    }
    Ok(())
}

fn api_resources_lists_short_names_and_scopes(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let said = kubectl.says("api-resources --no-headers", "")?;
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    for expected in [
        vec!["configmaps", "cm", "v1", "true", "ConfigMap"],
        vec!["namespaces", "ns", "v1", "false", "Namespace"],
        vec!["deployments", "deploy", "apps/v1", "true", "Deployment"],
    ] {
        ensure!(rows.contains(&expected), "no {expected:?} in {said}");
    }
    Ok(())
}

fn wait_sees_a_deletion(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let mut held = config_map("one", "a");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    kubectl.says("create -f -", &held.to_string())?;
    kubectl.says("delete configmap one --wait=false", "")?;
    let (code, _) = kubectl.complains("wait --for=delete configmap/one --timeout=1s", "")?;
    same("exit code while it is held", code, Some(1))?;
    let release = json!({ "metadata": { "finalizers": null } });
    target.patch(&kubectl.scratch.core("configmaps/one"), Patch::Merge, &release)?.expect(200)?;
    kubectl.says("wait --for=delete configmap/one --timeout=60s", "")?;
    Ok(())
}

fn delete_waits_until_the_object_is_gone(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    kubectl.says("create -f -", &config_map("one", "a").to_string())?;
    let said = kubectl.says("delete configmap one --timeout=60s", "")?;
    ensure!(said.starts_with("configmap \"one\" deleted"), "{said}");
    target.get(&kubectl.scratch.core("configmaps/one"))?.refused(404, "NotFound")?;
    Ok(())
}

fn an_invalid_object_is_explained_per_field(target: &Target) -> Outcome {
    let kubectl = Kubectl::new(target)?;
    let mut body = deployment("web");
    body["spec"]["replicas"] = (-1).into();
    let (code, complaint) = kubectl.complains("apply -f -", &body.to_string())?;
    same("exit code", code, Some(1))?;
    let expected = "The Deployment \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0\n";
    same("complaint", complaint.as_str(), expected)?;
    body["spec"]["replicas"] = 1.into();
    body["spec"]["nope"] = 1.into();
    let (_, complaint) = kubectl.complains("apply -f -", &body.to_string())?;
    ensure!(complaint.contains("strict decoding error: unknown field \"spec.nope\""), "{complaint}");
    Ok(())
}
