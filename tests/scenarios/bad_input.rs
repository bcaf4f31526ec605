//! Bad input: each is told with its place, in the WDS and in git; everything else goes on, and nothing that ran stops.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, SETTINGS, shop};
use super::stage::{At, CONFIG_MAP, Kind, MAIN, POLICY, SOURCE, Stage, UNIT, condition};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("bad_files_are_told_with_their_places_and_stop_nothing_else", bad_files),
        ("objects_of_a_kind_without_a_definition_wait_for_it", unknown_kinds),
        ("a_branch_that_never_was_and_a_repository_without_commits_are_told", nothing_to_read),
        ("a_rewritten_branch_is_followed_or_held_as_its_source_says", rewritten),
        ("a_repository_that_goes_and_comes_back_removes_nothing", gone_and_back),
        ("a_status_branch_that_cannot_be_written_stops_nothing_else", status_refused),
    ]
}

/// What must not stand in any message.
const SECRET: &str = "hunter2-is-the-password";

/// Path, text, and who tells with which words.
const BAD_FILES: [(&str, &str, &str, &[&str]); 7] = [
    (
        "apps/one/twice.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: twice }\ndata: { from: one }\n",
        "main.one",
        &["ConfigMap default/twice", "apps/one/twice.yaml:1", "apps/two/twice.yaml:2"],
    ),
    (
        "apps/two/twice.yaml",
        "# The same.\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: twice }\ndata: { from: two }\n",
        "main.two",
        &["ConfigMap default/twice", "apps/one/twice.yaml:1", "apps/two/twice.yaml:2"],
    ),
    (
        "apps/tls/secret.yaml",
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: { name: cert }\nstringData: { tls.crt: hunter2-is-the-password }\n",
        "main.tls",
        &["Secret default/cert", "apps/tls/secret.yaml:1", "data[tls.key]"],
    ),
    (
        "apps/password/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: { name: password }\ndata: { password: hunter2-is-the-password }\n",
        "main.password",
        &["Secret default/password", "apps/password/secret.yaml:1"],
    ),
    (
        "apps/missing/kustomization.yaml",
        "kind: Kustomization\nresources:\n  - not-there.yaml\n",
        "main.missing",
        &["apps/missing/kustomization.yaml:3", "not-there.yaml"],
    ),
    (
        "apps/yaml/broken.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: broken\n",
        "main.yaml",
        &["apps/yaml/broken.yaml:"],
    ),
    (
        "policies/production.yaml",
        "apiVersion: control.kubestellar.io/v1alpha1\nkind: BindingPolicy\nmetadata: { name: production }\nspec:\n  clusterSelectors:\n    - matchExpressions: [{ key: tier, operator: In }]\n  downsync:\n    - objectSelectors:\n        - matchLabels: { gitstellar.io/unit: shop }\n",
        "",
        &["policies/production.yaml:1", "clusterSelectors[0]", "values set can't be empty"],
    ),
];

fn bad_files(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", SETTINGS, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    let watch = stage.watch("cluster1", CART);
    shop(stage, 3)?;
    for (path, text, ..) in BAD_FILES {
        stage.write(path, text)?;
    }
    let commit = stage.commit("Everything that can be wrong, and one good edit")?;
    stage.until("cluster1", CART, "has three replicas", |cart| cart["spec"]["replicas"] == 3)?;
    stage.until_settled(&commit)?;
    for (_, _, unit, words) in BAD_FILES.into_iter().filter(|(_, _, unit, _)| !unit.is_empty()) {
        stage.until("wds1", At(UNIT, None, unit), &format!("tells {words:?}"), |unit| {
            says(&unit["status"]["failures"].to_string(), words) && ready(unit)["status"] == "False"
        })?;
    }
    stage.until("wds1", At(POLICY, None, "production"), "tells what is wrong with it", |policy| {
        policy["status"]["errors"].to_string().contains("clusterSelectors[0]")
            && ready(policy)["status"] == "False"
    })?;
    let words: Vec<&str> = BAD_FILES.iter().flat_map(|(_, _, _, words)| words.iter().copied()).collect();
    let readme = stage.until_status(|readme| says(&plain(readme), &words))?;
    ensure!(readme.contains("## Not ready"), "{readme}");
    stage.until("wds1", MAIN, "is not ready", |source| ready(source)["status"] == "False")?;
    nothing_leaks(stage)?;
    watch.stayed()?;
    for (path, ..) in BAD_FILES {
        stage.remove(path)?;
    }
    shop(stage, 3)?;
    stage.commit("All is well")?;
    stage.until("wds1", MAIN, "is ready", |source| ready(source)["status"] == "True")?;
    stage.until_status(|readme| !readme.contains("twice"))?;
    Ok(())
}

fn says(text: &str, words: &[&str]) -> bool {
    words.iter().all(|word| text.contains(word))
}

/// Markdown as a reader sees it.
pub fn plain(markdown: &str) -> String {
    markdown.replace('\\', "")
}

fn ready(object: &Value) -> Value {
    condition(object, "Ready")
}

/// The value of a Secret stands in no status and nowhere in the status branch.
fn nothing_leaks(stage: &Stage) -> Outcome {
    for kind in [SOURCE, UNIT, POLICY] {
        for object in stage.list("wds1", kind)? {
            ensure!(!object.to_string().contains(SECRET), "it stands in {object}");
        }
    }
    let found = stage.git(&["grep", "--fixed-strings", SECRET, "gitstellar/status"]);
    ensure!(found.is_err(), "it stands in the status branch: {found:?}");
    Ok(())
}

const TOAST: At<'static> = At(Kind("example.com", "v1", "Toast", "toasts", true), Some("default"), "golden");
const OVEN: At<'static> = At(Kind("example.com", "v1", "Oven", "ovens", false), None, "big");

const KITCHEN: &str = "apiVersion: example.com/v1
kind: Toast
metadata: { name: golden }
spec: { minutes: 3 }
---
apiVersion: example.com/v1
kind: Oven
metadata: { name: big }
spec: { degrees: 200 }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: recipe }
data: { text: wait }
";

/// A kind without much of a schema.
fn definition(at: At<'_>) -> Value {
    let Kind(group, version, kind, plural, namespaced) = at.0;
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": if namespaced { "Namespaced" } else { "Cluster" },
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}

const DEFINITION: Kind =
    Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);

fn everywhere(stage: &Stage) -> Outcome {
    stage.write(
        "policies/everywhere.yaml",
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: { name: everywhere }
spec:
  clusterSelectors: [{}]
  downsync: [{ objectSelectors: [{ matchLabels: { gitstellar.io/unit: kitchen } }] }]
",
    )
}

fn unknown_kinds(stage: &mut Stage) -> Outcome {
    stage.write("apps/kitchen/kitchen.yaml", KITCHEN)?;
    everywhere(stage)?;
    let commit = stage.commit("Kinds that nobody knows")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    let recipe = At(CONFIG_MAP, Some("default"), "recipe");
    stage.until("cluster1", recipe, "is there all the same", |_| true)?;
    let unit = At(UNIT, None, "main.kitchen");
    let words = ["Toast", "golden", "apps/kitchen/kitchen.yaml:1", "Oven", "apps/kitchen/kitchen.yaml:6"];
    stage.until("wds1", unit, "tells what waits", |unit| {
        says(&unit["status"]["failures"].to_string(), &words)
    })?;
    stage.until_status(|readme| says(&plain(readme), &words))?;
    // A person brings the definitions to the WDS; then to one cluster, then to all.
    for at in [TOAST, OVEN] {
        stage.apply_now("wds1", DEFINITION, &definition(at))?;
        stage.until("wds1", at, "is applied", |_| true)?;
    }
    let lacks = ["does not serve", "cluster2"];
    stage.until("wds1", unit, "tells who lacks the kind", |unit| {
        says(&unit["status"]["failures"].to_string(), &lacks)
    })?;
    for cluster in stage.clusters() {
        for at in [TOAST, OVEN] {
            stage.apply_now(cluster, DEFINITION, &definition(at))?;
        }
    }
    for cluster in stage.clusters() {
        let oven = stage.until(cluster, OVEN, "is there", |_| true)?;
        same("degrees", &oven["spec"]["degrees"], &json!(200))?;
        stage.until(cluster, TOAST, "is there", |_| true)?;
    }
    stage.until("wds1", unit, "is ready", |unit| ready(unit)["status"] == "True")?;
    Ok(())
}

fn nothing_to_read(stage: &mut Stage) -> Outcome {
    // `git init` alone: the branch has no commit yet.
    stage.start()?;
    let empty = stage
        .until("wds1", MAIN, "tells that there is nothing", |s| ready(s)["reason"] == "RepositoryEmpty")?;
    ensure!(says(&ready(&empty).to_string(), &["no commit", "repository"]), "{}", ready(&empty));
    stage.commit("Clusters only")?;
    stage.until("wds1", MAIN, "is ready", |source| ready(source)["status"] == "True")?;
    let other = json!({
        "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": "other" },
        "spec": { "url": stage.repository().to_string_lossy(), "ref": "release", "report": { "ref": "status-of-release" } },
    });
    stage.apply_now("wds1", SOURCE, &other)?;
    let at = At(SOURCE, None, "other");
    let told =
        stage.until("wds1", at, "misses its branch", |source| ready(source)["reason"] == "BranchMissing")?;
    ensure!(says(&ready(&told).to_string(), &["release", "main"]), "it names both: {}", ready(&told));
    let readme = stage.until_git("status-of-release:README.md", |readme| readme.contains("release"))?;
    ensure!(readme.contains("## Not ready"), "{readme}");
    stage.git(&["branch", "release"])?;
    stage.until("wds1", at, "is ready", |source| ready(source)["status"] == "True")?;
    Ok(())
}

fn rewritten(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    shop(stage, 3)?;
    stage.git(&["commit", "--quiet", "--all", "--amend", "--message", "History, written anew"])?;
    stage.until("cluster1", CART, "has three replicas", |cart| cart["spec"]["replicas"] == 3)?;
    stage.edit("wds1", MAIN, &json!({ "spec": { "rewrites": "Hold" } }))?;
    let before = stage.git(&["rev-parse", "HEAD"])?;
    shop(stage, 4)?;
    stage.git(&["commit", "--quiet", "--all", "--amend", "--message", "Once more"])?;
    let held =
        stage.until("wds1", MAIN, "holds the rewrite", |source| ready(source)["reason"] == "RewriteHeld")?;
    ensure!(says(&ready(&held).to_string(), &[before.trim(), "spec.rewrites"]), "{}", ready(&held));
    stage.until_status(|readme| readme.contains("was rewritten"))?;
    let cart = stage.get("cluster1", CART)?.context("the cart is there")?;
    same("replicas", &cart["spec"]["replicas"], &json!(3))?;
    stage.edit("wds1", MAIN, &json!({ "spec": { "rewrites": "Accept" } }))?;
    stage.until("cluster1", CART, "has four replicas", |cart| cart["spec"]["replicas"] == 4)?;
    Ok(())
}

fn gone_and_back(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    let watch = stage.watch("cluster1", CART);
    let (here, away) = (stage.repository(), stage.repository().with_file_name("away"));
    for round in 0..2 {
        std::fs::rename(&here, &away)?;
        let told = stage.until("wds1", MAIN, "misses the repository", |source| {
            ready(source)["reason"] == "RepositoryMissing"
        })?;
        ensure!(
            says(&ready(&told).to_string(), &[&here.to_string_lossy(), "keeps running"]),
            "{}",
            ready(&told)
        );
        // An edit of a person is repaired all the same: the last commit is still known.
        stage.edit("wds1", CART, &json!({ "spec": { "replicas": 7 } }))?;
        stage.until("wds1", CART, "is repaired", |cart| cart["spec"]["replicas"] == 2 + round)?;
        if round == 0 {
            std::fs::rename(&away, &here)?;
        } else {
            // A clone takes its place, as after a disk was lost.
            std::fs::create_dir_all(&here)?;
            stage.git(&["clone", "--quiet", &away.to_string_lossy(), "."])?;
        }
        stage.until("wds1", MAIN, "is ready", |source| ready(source)["status"] == "True")?;
        shop(stage, 3 + round)?;
        stage.commit("One more")?;
        stage.until("cluster1", CART, "has one more", |cart| cart["spec"]["replicas"] == 3 + round)?;
    }
    watch.stayed()
}

fn status_refused(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let first = stage.commit("The shop")?;
    stage.start()?;
    stage.until_status(|readme| readme.contains(&first[..7]))?;
    stage.git(&["checkout", "--quiet", "gitstellar/status"])?;
    stage.git(&["symbolic-ref", "HEAD", "refs/heads/gitstellar/status"])?;
    // A commit on main without a checkout, as a push brings it.
    let tree = stage.git(&["rev-parse", "main^{tree}"])?;
    let commit = stage.git(&["commit-tree", "-p", "main", "-m", "Nothing new", tree.trim()])?;
    stage.git(&["update-ref", "refs/heads/main", commit.trim()])?;
    stage.until_settled(commit.trim())?;
    let told = stage.until("wds1", MAIN, "tells that the status branch is checked out", |source| {
        report_failed(source)["status"] == "True"
    })?;
    ensure!(
        says(&report_failed(&told).to_string(), &["gitstellar/status", "checked out"]),
        "{}",
        report_failed(&told)
    );
    same("ready all the same", &ready(&told)["status"], &json!("True"))?;
    stage.git(&["checkout", "--quiet", "main"])?;
    stage.until_status(|readme| readme.contains(&commit[..7]))?;
    stage.until("wds1", MAIN, "has nothing to complain of", |source| report_failed(source).is_null())?;
    Ok(())
}

fn report_failed(source: &Value) -> Value {
    condition(source, "ReportFailed")
}
