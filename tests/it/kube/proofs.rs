//! Trials of the harness itself: that the servers are the pinned ones, that their controllers work, and that a reset resets.

use ::kube::Api;
use ::kube::api::PostParams;
use ::kube::runtime::watcher;
use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::pki::certificate_request;
use super::server::CONTROLLERS_LIMIT;
use super::{ApiServer, fleet, kubectl, kubectl_ok, kubectl_with_input, servers};
use crate::conformance::Target;
use crate::harness::{Outcome, async_trial, eventually, same, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "kube::the_server_and_kubectl_are_the_pinned_version",
            the_server_and_kubectl_are_the_pinned_version,
        ),
        async_trial("kube::kube_rs_watches_what_it_makes", kube_rs_watches_what_it_makes),
        trial("kube::kubectl_makes_and_reads_a_namespace", kubectl_makes_and_reads_a_namespace),
        trial(
            "kube::the_dependents_of_a_deployment_are_collected",
            the_dependents_of_a_deployment_are_collected,
        ),
        trial("kube::a_deleted_namespace_empties_itself", a_deleted_namespace_empties_itself),
        trial("kube::a_client_certificate_is_signed_on_approval", a_client_certificate_is_signed_on_approval),
        trial("kube::a_reset_server_is_as_new", a_reset_server_is_as_new),
        trial("kube::a_fleet_has_separate_servers", a_fleet_has_separate_servers),
        trial("kube::a_server_does_not_outlive_its_leash", a_server_does_not_outlive_its_leash),
    ]
}

fn the_server_and_kubectl_are_the_pinned_version() -> Outcome {
    let servers = servers(1)?;
    let server = servers.get(0);
    let version = server.target().get("/version")?.expect(200)?;
    same("git version of the server", &version["gitVersion"], &"v1.35.4".into())?;
    let text = kubectl_ok(&server.kubeconfig_path(), &["version", "-o", "json"])?;
    let version: Value = serde_json::from_str(&text)?;
    same("git version of kubectl", &version["clientVersion"]["gitVersion"], &"v1.35.4".into())?;
    same("the server it talks to", &version["serverVersion"]["gitVersion"], &"v1.35.4".into())
}

async fn kube_rs_watches_what_it_makes() -> Outcome {
    let servers = servers(1)?;
    let maps: Api<ConfigMap> = Api::namespaced(servers.get(0).client().await?, "default");
    let mut made = ConfigMap::default();
    made.metadata.name = Some("one".into());
    maps.create(&PostParams::default(), &made).await?;
    let of_one = watcher::Config::default().fields("metadata.name=one").streaming_lists();
    let seen: Vec<watcher::Event<ConfigMap>> = watcher::watcher(maps, of_one).take(3).try_collect().await?;
    let [watcher::Event::Init, watcher::Event::InitApply(one), watcher::Event::InitDone] = &seen[..] else {
        anyhow::bail!("a streaming list came as {seen:?}");
    };
    same("name", one.metadata.name.as_deref(), Some("one"))
}

fn kubectl_makes_and_reads_a_namespace() -> Outcome {
    let servers = servers(1)?;
    let kubeconfig = servers.get(0).kubeconfig_path();
    same(
        "made",
        kubectl_ok(&kubeconfig, &["create", "namespace", "team"])?.as_str(),
        "namespace/team created\n",
    )?;
    same(
        "read",
        kubectl_ok(&kubeconfig, &["get", "ns", "team", "-o", "name"])?.as_str(),
        "namespace/team\n",
    )?;
    let absent = kubectl(&kubeconfig, &["get", "ns", "absent"])?;
    same("exit code", absent.status.code(), Some(1))?;
    let complaint = String::from_utf8_lossy(&absent.stderr).into_owned();
    same("complaint", complaint.as_str(), "Error from server (NotFound): namespaces \"absent\" not found\n")
}

/// A Deployment and the ReplicaSet that its controller, which does not run here, would have made.
fn workload(target: &Target) -> anyhow::Result<()> {
    let labels = json!({ "app": "web" });
    let template = json!({
        "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web", "image": "nginx" }] }
    });
    let spec = json!({ "selector": { "matchLabels": labels }, "template": template });
    let deployment =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec });
    let made = target.post("/apis/apps/v1/namespaces/team/deployments", &deployment)?.expect(201)?;
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": made["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true
    }]);
    let replica_set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": "web-1", "ownerReferences": owner }, "spec": spec
    });
    target.post("/apis/apps/v1/namespaces/team/replicasets", &replica_set)?.expect(201)?;
    Ok(())
}

fn the_dependents_of_a_deployment_are_collected() -> Outcome {
    let servers = servers(1)?;
    let server = servers.get(0);
    let kubeconfig = server.kubeconfig_path();
    kubectl_ok(&kubeconfig, &["create", "namespace", "team"])?;
    workload(server.target())?;
    kubectl_ok(&kubeconfig, &["-n", "team", "delete", "deployment", "web"])?;
    gone(server.target(), "/apis/apps/v1/namespaces/team/replicasets/web-1")
}

fn a_deleted_namespace_empties_itself() -> Outcome {
    let servers = servers(1)?;
    let server = servers.get(0);
    let kubeconfig = server.kubeconfig_path();
    kubectl_ok(&kubeconfig, &["create", "namespace", "team"])?;
    workload(server.target())?;
    kubectl_ok(&kubeconfig, &["delete", "namespace", "team", "--wait=false"])?;
    gone(server.target(), "/api/v1/namespaces/team")?;
    gone(server.target(), "/apis/apps/v1/namespaces/team/deployments/web")
}

fn gone(target: &Target, path: &str) -> Outcome {
    eventually(&format!("{path} is gone"), CONTROLLERS_LIMIT, || {
        Ok((target.get(path)?.status == 404).then_some(()))
    })
}

fn a_client_certificate_is_signed_on_approval() -> Outcome {
    let servers = servers(1)?;
    let server = servers.get(0);
    let (_key, request) = certificate_request("jane", "developers")?;
    let body = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": "jane" },
        "spec": {
            "request": BASE64.encode(request), "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"]
        }
    });
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    server.target().post(path, &body)?.expect(201)?;
    kubectl_ok(&server.kubeconfig_path(), &["certificate", "approve", "jane"])?;
    let certificate = eventually("the certificate is signed", CONTROLLERS_LIMIT, || {
        let seen = server.target().get(&format!("{path}/jane"))?.expect(200)?;
        Ok(seen["status"]["certificate"].as_str().map(str::to_owned))
    })?;
    let pem = String::from_utf8(BASE64.decode(certificate)?)?;
    ensure!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "not a certificate: {pem}");
    Ok(())
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stories.reset.example.com}
spec:
  group: reset.example.com
  scope: Cluster
  names: {plural: stories, kind: Story}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

/// Leaves a CRD with an object, a namespace with a service, a changed and a deleted system object.
fn make_a_mess(server: &ApiServer) -> Outcome {
    let kubeconfig = server.kubeconfig_path();
    kubectl_ok(&kubeconfig, &["create", "namespace", "team"])?;
    kubectl_ok(
        &kubeconfig,
        &["-n", "team", "create", "service", "nodeport", "web", "--tcp=80", "--node-port=30080"],
    )?;
    kubectl_ok(&kubeconfig, &["label", "namespace", "default", "changed=yes"])?;
    kubectl_ok(&kubeconfig, &["delete", "clusterrole", "view"])?;
    let applied = kubectl_with_input(&kubeconfig, &["apply", "-f", "-"], DEFINITION)?;
    ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    kubectl_ok(&kubeconfig, &["wait", "--for=condition=Established", "crd/stories.reset.example.com"])?;
    let story =
        json!({ "apiVersion": "reset.example.com/v1", "kind": "Story", "metadata": { "name": "one" } });
    eventually("the kind is served", CONTROLLERS_LIMIT, || {
        let reply = server.target().post("/apis/reset.example.com/v1/stories", &story)?;
        Ok((reply.status == 201).then_some(()))
    })
}

fn a_reset_server_is_as_new() -> Outcome {
    let mut stories = None;
    for _ in 0..3 {
        let servers = servers(1)?;
        let server = servers.get(0);
        let target = server.target();
        target.get("/apis/reset.example.com/v1/stories")?.expect(404)?;
        target.get("/api/v1/namespaces/team")?.refused(404, "NotFound")?;
        target.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")?.expect(200)?;
        let namespace = target.get("/api/v1/namespaces/default")?.expect(200)?;
        same("label", namespace["metadata"]["labels"].get("changed"), None)?;
        let crds = target.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")?.expect(200)?;
        same("definitions", &crds["items"], &json!([]))?;
        // The same name, the same node port and the same definition again: nothing remembers the last round.
        make_a_mess(server)?;
        let list = target.get("/apis/reset.example.com/v1/stories")?.expect(200)?;
        let uid = list["items"][0]["metadata"]["uid"].as_str().context("a story has a uid")?.to_owned();
        same("stories", list["items"].as_array().map(Vec::len), Some(1))?;
        ensure!(stories.replace(uid.clone()) != Some(uid), "a story survived");
    }
    Ok(())
}

fn a_fleet_has_separate_servers() -> Outcome {
    let fleet = fleet(3)?;
    let wec = fleet.wecs().last().context("three WECs were asked for")?;
    for server in [fleet.wds(), fleet.its()].into_iter().chain(fleet.wecs()) {
        server.target().get("/api/v1/namespaces/team")?.refused(404, "NotFound")?;
        kubectl_ok(&server.kubeconfig_path(), &["create", "namespace", "team"])?;
        let (memory, controllers) = server.memory_mib();
        println!(
            "{} started in {:.1} s, {memory} MiB and {controllers} MiB for its controllers; etcd has {} MiB",
            server.name(),
            server.started_in().as_secs_f64(),
            server.etcd().memory_mib()
        );
    }
    let stranger = Target::new(wec.url(), wec.admin_token(), fleet.wds().ca_pem())?;
    ensure!(stranger.get("/version").is_err(), "the authority of the WDS vouches for a WEC");
    let foreign = Target::new(wec.url(), fleet.wds().admin_token(), wec.ca_pem())?;
    foreign.get("/version")?.refused(401, "Unauthorized")?;
    Ok(())
}

/// What a shell on a leash leaves behind when this process lets go of the pipe without a word, as when it is killed.
fn a_server_does_not_outlive_its_leash() -> Outcome {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("log");
    let mut leashed = super::leash::Leashed::start("sleep".as_ref(), &["600".into()], &log)?;
    leashed.still_runs()?;
    leashed.let_go();
    eventually("the process is gone", CONTROLLERS_LIMIT, || Ok(leashed.still_runs().is_err().then_some(())))
}
