//! Sources that are not on this machine: logging in, polling, pushing status, and what servers do wrong. What a server says at each turn is `remotes`' affair; here
//! it is what a person sees, and that nothing that runs stops running.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, shop};
use super::stage::{
    At, BINDING, CONFIG_MAP, LIMIT, MAIN, NAMESPACE, POLICY, SECRET, SOURCE, Stage, WORK, condition,
};
use crate::harness::{Outcome, eventually, same};
use crate::remotes::CANARY;
use crate::remotes::https::{Behaviour, Https};
use crate::remotes::origin::{Origin, git};
use crate::remotes::sshd::{Right, Sshd};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("an_https_source_is_polled_with_its_secret_and_gets_its_status_pushed", https),
        ("an_ssh_source_is_polled_with_its_secret_and_gets_its_status_pushed", ssh),
        ("a_wrong_password_is_told_and_a_corrected_secret_counts_at_once", wrong_password),
        ("a_status_push_that_is_refused_is_told_and_sync_goes_on", push_refused),
        ("an_empty_repository_is_told_and_its_first_commit_arrives", empty),
        ("a_repository_that_goes_away_takes_nothing_with_it", gone),
        ("atk_17_a_force_push_is_held_also_over_a_restart_until_it_is_accepted", rewritten),
        ("atk_60_a_server_that_says_nothing_holds_up_no_other_source", silent),
        ("atk_33_secrets_of_sources_stay_where_they_are", canary),
    ]
}

/// The repository of a stage as a server has it.
struct Forge {
    server: Https,
    bare: PathBuf,
}

impl Forge {
    /// An empty repository behind a server that lets `ann` in. The interval is a matter of minutes, so that what comes at once comes for another reason.
    fn open(stage: &mut Stage) -> anyhow::Result<Self> {
        let origin = Origin::empty(stage.directory(), "fleet.git")?;
        let server = Https::serve(stage.directory())?;
        server.want_basic("ann", CANARY);
        stage.follow(json!({
            "url": server.url("fleet.git"), "ref": "main", "interval": "30m", "secretRef": { "name": "git" },
        }));
        Ok(Self { server, bare: origin.path().to_owned() })
    }

    fn secret(&self, password: &str) -> Value {
        secret(&[("username", "ann"), ("password", password), ("ca.crt", self.server.authority())])
    }

    /// Pushes what is committed on the stage.
    fn publish(&self, stage: &Stage, message: &str) -> anyhow::Result<String> {
        publish(stage, &self.bare, message)
    }
}

fn publish(stage: &Stage, bare: &std::path::Path, message: &str) -> anyhow::Result<String> {
    let commit = stage.commit(message)?;
    stage.git(&["push", "--quiet", "--force", &bare.display().to_string(), "HEAD:refs/heads/main"])?;
    Ok(commit)
}

fn secret(data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, value)| ((*key).to_owned(), json!(BASE64.encode(value)))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "git", "namespace": "gitstellar-system" }, "data": data,
    })
}

/// The namespace is the hub's to make; a person who is faster makes it.
fn give_secret(stage: &Stage, secret: &Value) -> Outcome {
    let system =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "gitstellar-system" } });
    stage.apply_now("wds1", NAMESPACE, &system)?;
    stage.apply_now("wds1", SECRET, secret)
}

/// Waits until the source says why it is not ready; returns the message.
fn until_told(stage: &Stage, reason: &str) -> anyhow::Result<String> {
    let source = stage.until("wds1", MAIN, &format!("says {reason}"), |source| {
        condition(source, "Ready")["reason"] == reason
    })?;
    Ok(condition(&source, "Ready")["message"].as_str().unwrap_or_default().to_owned())
}

fn until_ready(stage: &Stage) -> Outcome {
    stage.until("wds1", MAIN, "is ready", |source| condition(source, "Ready")["status"] == "True")?;
    Ok(())
}

/// Asks for a poll: whoever edits a source waits for the answer.
fn poke(stage: &Stage, minutes: u32) -> Outcome {
    stage.edit("wds1", MAIN, &json!({ "spec": { "interval": format!("{minutes}m") } }))
}

fn until_status_commit(bare: &std::path::Path, commit: &str) -> anyhow::Result<String> {
    eventually("the status commit is pushed", LIMIT, || {
        let readme = git(bare, &["show", "gitstellar/status:README.md"]).ok();
        Ok(readme.filter(|readme| readme.contains(&commit[..7])))
    })
}

fn https(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    let first = forge.publish(stage, "The shop")?;
    stage.start()?;
    let told = until_told(stage, "SecretMissing")?;
    ensure!(told.contains("gitstellar-system/git is not there"), "{told}");
    ensure!(
        told.contains("kubectl --namespace gitstellar-system create secret generic git --from-literal="),
        "{told}"
    );
    same("requests without a Secret", forge.server.seen().len(), 0)?;
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&first)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let readme = until_status_commit(&forge.bare, &first)?;
    ensure!(readme.contains("shop"), "it names the unit:\n{readme}");
    shop(stage, 3)?;
    let second = forge.publish(stage, "Three replicas")?;
    // The shortest interval there is.
    stage.edit("wds1", MAIN, &json!({ "spec": { "interval": "5s" } }))?;
    stage.until_settled(&second)?;
    shop(stage, 4)?;
    let third = forge.publish(stage, "Four replicas")?;
    stage.until_settled(&third)?;
    stage.until("cluster2", CART, "has four replicas", |cart| cart["spec"]["replicas"] == 4)?;
    until_status_commit(&forge.bare, &third)?;
    ensure!(
        git(&forge.bare, &["merge-base", "main", "gitstellar/status"]).is_err(),
        "the two branches share no history"
    );
    ensure!(
        forge.server.seen().iter().all(|request| request.authorization.is_some()),
        "every request logs in"
    );
    Ok(())
}

fn ssh(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let origin = Origin::empty(stage.directory(), "fleet.git")?;
    let server = Sshd::serve(stage.directory())?;
    stage.follow(json!({ "url": server.url("fleet.git"), "interval": "5s", "secretRef": { "name": "git" } }));
    let first = publish(stage, origin.path(), "The shop")?;
    stage.start()?;
    let key = server.identity(Right::Write)?;
    give_secret(stage, &secret(&[("identity", &key)]))?;
    let told = until_told(stage, "SecretInvalid")?;
    ensure!(told.contains("lacks known_hosts") && told.contains("--from-file=known_hosts="), "{told}");
    give_secret(stage, &secret(&[("identity", &key), ("known_hosts", &server.changed_known_hosts()?)]))?;
    let told = until_told(stage, "HostKeyUntrusted")?;
    ensure!(told.contains("not the known one") && told.contains("known_hosts"), "{told}");
    give_secret(stage, &secret(&[("identity", &key), ("known_hosts", &server.known_hosts()?)]))?;
    stage.until_settled(&first)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    until_status_commit(origin.path(), &first)?;
    shop(stage, 2)?;
    let second = publish(stage, origin.path(), "Two replicas")?;
    stage.until_settled(&second)?;
    until_status_commit(origin.path(), &second).map(drop)
}

fn wrong_password(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    let first = forge.publish(stage, "The shop")?;
    stage.start()?;
    give_secret(stage, &forge.secret("wrong"))?;
    let told = until_told(stage, "AuthenticationFailed")?;
    ensure!(told.contains("refuses the credentials") && told.contains("gitstellar-system/git"), "{told}");
    ensure!(told.contains("what runs keeps running"), "{told}");
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&first)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    // A rotated password: the old Secret is refused at the next poll, the new one counts at once.
    forge.server.want_basic("ann", "rotated");
    poke(stage, 31)?;
    until_told(stage, "AuthenticationFailed")?;
    ensure!(stage.get("cluster1", CART)?.is_some(), "what ran keeps running");
    give_secret(stage, &forge.secret("rotated"))?;
    until_ready(stage)?;
    // A Secret that names the URLs it is for is shown to no other.
    let mut bound = forge.secret("rotated");
    bound["metadata"]["annotations"] = json!({ "gitstellar.io/git-url": "https://git.example.com/" });
    give_secret(stage, &bound)?;
    let told = until_told(stage, "SecretNotForUrl")?;
    ensure!(told.contains("gitstellar.io/git-url"), "{told}");
    bound["metadata"]["annotations"] = json!({ "gitstellar.io/git-url": forge.server.url("") });
    give_secret(stage, &bound)?;
    until_ready(stage)
}

fn push_refused(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    let origin = Origin::empty(stage.directory(), "fleet.git")?;
    origin.hook("pre-receive", "echo 'policy: no robots here' >&2; exit 1")?;
    // The author's push is not the robot's: it goes past the hook.
    let commit = stage.commit("The shop")?;
    let publish = |stage: &Stage| {
        git(
            &forge.bare,
            &["fetch", "--quiet", &stage.repository().display().to_string(), "+HEAD:refs/heads/main"],
        )
    };
    publish(stage)?;
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&commit)?;
    let refused = |source: &Value| condition(source, "ReportFailed")["reason"] == "PushRefused";
    let source = stage.until("wds1", MAIN, "says that the push is refused", refused)?;
    let told = condition(&source, "ReportFailed")["message"].as_str().unwrap_or_default().to_owned();
    ensure!(told.contains("policy: no robots here") && told.contains("spec.report.ref"), "{told}");
    same("the source itself", condition(&source, "Ready")["status"].as_str(), Some("True"))?;
    shop(stage, 2)?;
    let second = stage.commit("Two replicas")?;
    publish(stage)?;
    poke(stage, 31)?;
    stage.until_settled(&second)?;
    stage.until("cluster1", CART, "has two replicas", |cart| cart["spec"]["replicas"] == 2)?;
    std::fs::remove_file(forge.bare.join("hooks/pre-receive"))?;
    poke(stage, 32)?;
    until_status_commit(&forge.bare, &second)?;
    stage.until("wds1", MAIN, "complains no more", |source| condition(source, "ReportFailed").is_null())?;
    Ok(())
}

fn empty(stage: &mut Stage) -> Outcome {
    let forge = Forge::open(stage)?;
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    let told = until_told(stage, "RepositoryEmpty")?;
    ensure!(told.contains("is empty") && told.contains("push a first commit"), "{told}");
    shop(stage, 1)?;
    let first = forge.publish(stage, "The shop")?;
    poke(stage, 31)?;
    stage.until_settled(&first)?;
    let mut branch = json!({ "spec": { "ref": "release" } });
    stage.edit("wds1", MAIN, &branch)?;
    let told = until_told(stage, "BranchMissing")?;
    ensure!(
        told.contains("no branch release") && told.contains("it has the branches") && told.contains("main"),
        "{told}"
    );
    branch["spec"]["ref"] = json!("main");
    stage.edit("wds1", MAIN, &branch)?;
    until_ready(stage)
}

fn gone(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    let first = forge.publish(stage, "The shop")?;
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&first)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    until_status_commit(&forge.bare, &first)?;
    let watch = stage.watch("cluster1", CART);
    let aside = forge.bare.with_extension("aside");
    std::fs::rename(&forge.bare, &aside)?;
    poke(stage, 31)?;
    let told = until_told(stage, "RepositoryMissing")?;
    ensure!(told.contains("no such repository") && told.contains("spec.url"), "{told}");
    // Killed and started again, the hub knows no more than that, and removes nothing.
    stage.kill_hub();
    stage.start_hub();
    stage.until_hub("knows that the repository is missing", |board| {
        board.problem.as_ref().is_some_and(|problem| problem.reason == "RepositoryMissing")
    })?;
    std::fs::rename(&aside, &forge.bare)?;
    // The mirror on the disk is damaged as well, and is made anew.
    for mirror in std::fs::read_dir(stage.directory().join("mirrors"))? {
        let objects = mirror?.path().join("objects");
        std::fs::remove_dir_all(&objects)?;
        std::fs::create_dir_all(objects)?;
    }
    poke(stage, 32)?;
    until_ready(stage)?;
    watch.stayed()
}

fn rewritten(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    let base = forge.publish(stage, "The shop")?;
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&base)?;
    stage.edit("wds1", MAIN, &json!({ "spec": { "rewrites": "Hold" } }))?;
    let rewrite = |stage: &Stage, replicas: u32| {
        shop(stage, replicas)?;
        stage.git(&["add", "--all"])?;
        stage.git(&[
            "commit",
            "--quiet",
            "--amend",
            "--message",
            &format!("{replicas} replicas, rewritten"),
        ])?;
        forge.publish(stage, "On top")
    };
    let second = rewrite(stage, 2)?;
    poke(stage, 31)?;
    let told = until_told(stage, "RewriteHeld")?;
    ensure!(
        told.contains(&format!("{second} does not contain {base}")) && told.contains("spec.rewrites"),
        "{told}"
    );
    stage.until("cluster1", CART, "has the old replicas", |cart| cart["spec"]["replicas"] == 1)?;
    // A hub that was not there when it happened holds it all the same, and still knows what is in force.
    stage.kill_hub();
    stage.start_hub();
    stage.until_hub_settled()?;
    until_told(stage, "RewriteHeld")?;
    stage.edit("wds1", CART, &json!({ "spec": { "replicas": 7 } }))?;
    stage.until("wds1", CART, "is repaired to what is in force", |cart| cart["spec"]["replicas"] == 1)?;
    stage.edit("wds1", MAIN, &json!({ "spec": { "rewrites": "Accept" } }))?;
    stage.until_settled(&second)?;
    stage.until("cluster1", CART, "has the new replicas", |cart| cart["spec"]["replicas"] == 2)?;
    let third = rewrite(stage, 3)?;
    poke(stage, 32)?;
    stage.until_settled(&third)?;
    let source = stage.until("wds1", MAIN, "tells of the rewrite", |source| {
        source["status"]["findings"].to_string().contains("history-rewritten")
    })?;
    let found = source["status"]["findings"].to_string();
    ensure!(found.contains(&format!("{third} does not contain {second}")), "{found}");
    Ok(())
}

fn silent(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let forge = Forge::open(stage)?;
    forge.server.behave(Behaviour::SayNothing);
    let first = stage.commit("The shop")?;
    let quick = json!({ "url": stage.repository().to_string_lossy(), "ref": "main" });
    let slow =
        json!({ "url": forge.server.url("fleet.git"), "interval": "5s", "secretRef": { "name": "git" } });
    stage.follow(quick);
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    let object = json!({ "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": "slow" }, "spec": slow });
    stage.apply_now("wds1", SOURCE, &object)?;
    stage.until_settled(&first)?;
    // While one source waits for a server that took its request, commits of the other arrive.
    eventually("the silent server was asked", LIMIT, || Ok((!forge.server.seen().is_empty()).then_some(())))?;
    for replicas in 2..5 {
        shop(stage, replicas)?;
        let commit = stage.commit("More replicas")?;
        stage.until_settled(&commit)?;
    }
    let slow = At(SOURCE, None, "slow");
    let told = stage.until("wds1", slow, "is given up", |source| {
        condition(source, "Ready")["reason"] == "SourceUnavailable"
    })?;
    let told = condition(&told, "Ready")["message"].as_str().unwrap_or_default().to_owned();
    ensure!(told.contains("it has said nothing for 10 s") && told.contains("it is asked again"), "{told}");
    Ok(())
}

/// Everything that anybody can read, but the Secret itself, holds no secret.
fn canary(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    // A policy that selects every Secret there is.
    stage.write("policies/secrets.yaml", EVERY_SECRET)?;
    let forge = Forge::open(stage)?;
    let first = forge.publish(stage, "The shop")?;
    stage.start()?;
    give_secret(stage, &forge.secret(CANARY))?;
    stage.until_settled(&first)?;
    // And a Binding that a person, or a repository, wrote by hand.
    let entry = |namespace: &str, name: &str| json!({ "group": "", "version": "v1", "resource": "secrets", "namespace": namespace, "name": name, "resourceVersion": "1" });
    let binding = json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "Binding", "metadata": { "name": "by-hand" },
        "spec": {
            "workload": { "namespaceScope": [entry("gitstellar-system", "git"), entry("default", "plain")] },
            "destinations": [{ "clusterId": "cluster3" }],
        },
    });
    let plain = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "plain", "namespace": "default" } });
    stage.apply_now("wds1", SECRET, &plain)?;
    stage.apply_now("wds1", BINDING, &binding)?;
    for cluster in ["cluster1", "cluster2", "cluster3"] {
        stage.until(cluster, At(SECRET, Some("default"), "plain"), "is there", |_| true)?;
        stage.until_applied(cluster)?;
        let system = At(NAMESPACE, None, "gitstellar-system");
        ensure!(stage.get(cluster, system)?.is_none(), "{cluster} has nothing of gitstellar's namespace");
    }
    until_status_commit(&forge.bare, &first)?;
    // A refused login is the moment at which programs tend to print what they were given.
    forge.server.want_basic("ann", "other");
    poke(stage, 31)?;
    until_told(stage, "AuthenticationFailed")?;
    let encoded = [CANARY.to_owned(), BASE64.encode(CANARY), BASE64.encode(format!("ann:{CANARY}"))];
    let check = |what: &str, text: &str| {
        let found = encoded.iter().find(|secret| text.contains(secret.as_str()));
        found.map_or(Ok(()), |_| anyhow::bail!("{what} holds the password: {text}"))
    };
    for (space, kind) in
        [("wds1", SOURCE), ("wds1", BINDING), ("wds1", POLICY), ("wds1", CONFIG_MAP), ("its1", WORK)]
    {
        for object in stage.list(space, kind)? {
            check(&format!("{} of {space}", object["metadata"]["name"]), &object.to_string())?;
        }
    }
    for cluster in ["cluster1", "cluster2", "cluster3"] {
        for object in stage.list(cluster, SECRET)? {
            check(&format!("{} of {cluster}", object["metadata"]["name"]), &object.to_string())?;
        }
    }
    for file in git(&forge.bare, &["ls-tree", "-r", "--name-only", "gitstellar/status"])?.lines() {
        check(file, &git(&forge.bare, &["show", &format!("gitstellar/status:{file}")])?)?;
    }
    let config = forge.bare.parent().context("a parent")?.join("mirrors");
    for entry in std::fs::read_dir(config)? {
        check("the mirror's configuration", &std::fs::read_to_string(entry?.path().join("config"))?)?;
    }
    Ok(())
}

const EVERY_SECRET: &str = "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: { name: secrets }
spec:
  clusterSelectors: [{}]
  downsync:
    - resources: [secrets]
      objectSelectors: [{}]
    - objectSelectors:
        - matchLabels: { gitstellar.io/unit: shop }
";
