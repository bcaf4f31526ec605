//! What goes wrong: hands, foreign objects, drift, bad input, crashes.

use anyhow::ensure;
use serde_json::{Value, json};

use super::Story;
use super::first_sync::{CART, SETTINGS, shop, steady};
use super::stage::{At, CONFIG_MAP, DEPLOYMENT, MAIN, Stage, condition};
use crate::harness::{Outcome, same};

pub fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("a_hand_edit_in_the_wds_is_repaired_and_never_reaches_the_clusters", hand_edit),
        ("a_label_that_a_hand_takes_away_in_the_wds_unbinds_nothing", hand_label),
        ("drift_in_a_cluster_is_repaired", drift),
        ("a_foreign_object_in_a_cluster_is_a_conflict_that_names_its_manager", foreign),
        ("a_file_that_does_not_parse_stops_its_unit_only", broken_yaml),
        ("a_commit_that_removes_everything_is_held_until_it_is_approved", budget),
        ("a_deleted_branch_removes_nothing", branch_gone),
        ("killed_hub_and_agents_resume_and_write_nothing", killed),
        ("a_status_commit_tells_what_the_fleet_is_like", status_commit),
    ]
}

fn hand_edit(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    let watch = stage.watch("cluster1", CART);
    stage.edit("wds1", CART, &json!({ "spec": { "replicas": 7 } }))?;
    stage.until("wds1", CART, "is repaired", |cart| cart["spec"]["replicas"] == 2)?;
    let cart = stage.until("cluster1", CART, "is there", |_| true)?;
    same("replicas in the cluster", &cart["spec"]["replicas"], &json!(2))?;
    watch.never("has the hand edit", |cart| cart["spec"]["replicas"] == 7)
}

fn hand_label(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    let watch = stage.watch("cluster1", CART);
    let unit = |cart: &Value| cart["metadata"]["labels"]["gitstellar.io/unit"].clone();
    for label in [Value::Null, json!("other")] {
        // The policy selects by it.
        stage.edit("wds1", CART, &json!({ "metadata": { "labels": { "gitstellar.io/unit": label } } }))?;
        stage.until("wds1", CART, "is repaired", |cart| unit(cart) == "shop")?;
        // What is known of it now has gone all the way round.
        let commit = stage.commit("Nothing")?;
        stage.until_settled(&commit)?;
        stage.until_applied("cluster1")?;
    }
    watch.stayed()
}

fn drift(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", SETTINGS, "is there", |_| true)?;
    stage.until_applied("cluster1")?;
    stage.edit("cluster1", SETTINGS, &json!({ "data": { "colour": "red" } }))?;
    stage.until("cluster1", SETTINGS, "is blue again", |map| map["data"]["colour"] == "blue")?;
    stage.delete("cluster2", SETTINGS)?;
    stage.until("cluster2", SETTINGS, "is back", |map| map["data"]["colour"] == "blue")?;
    Ok(())
}

fn foreign(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let shop_namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    stage.apply_now("cluster1", super::stage::NAMESPACE, &shop_namespace)?;
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "shop" }, "data": { "colour": "green" } });
    stage.apply_now("cluster1", CONFIG_MAP, &theirs)?;
    stage.commit("The shop")?;
    stage.start()?;
    // The others flow; the policy says what is wrong.
    stage.until("cluster1", CART, "is there", |_| true)?;
    let policy = At(super::stage::POLICY, None, "production");
    let told = stage.until("wds1", policy, "reports the conflict", |policy| {
        policy["status"]["errors"].to_string().contains("person")
    })?;
    ensure!(
        told["status"]["errors"].to_string().contains("settings"),
        "it names the object: {}",
        told["status"]["errors"]
    );
    let map = stage.until("cluster1", SETTINGS, "is there", |_| true)?;
    same("their value", &map["data"]["colour"], &json!("green"))
}

fn broken_yaml(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.write("apps/other/other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\n")?;
    stage.commit("Two units")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    stage.write("apps/shop/shop.yaml", "apiVersion: v1\nkind: [\n")?;
    stage.write(
        "apps/other/other.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\ndata: { a: \"2\" }\n",
    )?;
    let commit = stage.commit("Broken")?;
    stage.until_settled(&commit)?;
    stage.until("wds1", At(CONFIG_MAP, Some("default"), "other"), "is updated", |map| {
        map["data"]["a"] == "2"
    })?;
    let unit = stage.until("wds1", At(super::stage::UNIT, None, "main.shop"), "tells why", |unit| {
        unit.pointer("/status/failures/0/message")
            .and_then(Value::as_str)
            .is_some_and(|m| m.contains("apps/shop/shop.yaml"))
    })?;
    ensure!(
        unit["status"]["failures"][0]["message"]
            .as_str()
            .is_some_and(|m| m.contains(":2") || m.contains(":3")),
        "{unit}"
    );
    ensure!(stage.get("cluster1", CART)?.is_some(), "what ran keeps running");
    Ok(())
}

fn budget(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.commit("The shop")?;
    stage.start()?;
    for cluster in ["cluster1", "cluster2"] {
        stage.until(cluster, SETTINGS, "is there", |_| true)?;
        stage.until(cluster, CART, "is there", |_| true)?;
        stage.until_applied(cluster)?;
    }
    stage.remove("apps/shop/shop.yaml")?;
    let commit = stage.commit("Nothing is left")?;
    stage.until_settled(&commit)?;
    let source = stage.until("wds1", MAIN, "holds the removals", |source| {
        source.pointer("/status/held/0/hash").is_some()
    })?;
    for space in ["wds1", "cluster1", "cluster2"] {
        ensure!(stage.get(space, CART)?.is_some(), "{space} keeps the Deployment");
    }
    stage.edit("wds1", MAIN, &json!({ "metadata": { "annotations": { "gitstellar.io/approve": source["status"]["held"][0]["hash"] } } }))?;
    for space in ["wds1", "cluster1", "cluster2"] {
        stage.until_gone(space, CART)?;
    }
    Ok(())
}

fn branch_gone(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", CART, "is there", |_| true)?;
    stage.git(&["checkout", "--quiet", "--detach"])?;
    stage.git(&["branch", "--quiet", "-D", "main"])?;
    stage.until("wds1", MAIN, "says that the branch is missing", |source| {
        condition(source, "Ready")["reason"] == "BranchMissing"
    })?;
    ensure!(stage.get("cluster1", CART)?.is_some(), "what ran keeps running");
    stage.git(&["checkout", "--quiet", "-b", "main"])?;
    stage.until("wds1", MAIN, "is ready again", |source| condition(source, "Ready")["status"] == "True")?;
    Ok(())
}

fn killed(stage: &mut Stage) -> Outcome {
    shop(stage, 2)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until_settled(&commit)?;
    stage.until("cluster2", CART, "is there", |_| true)?;
    steady(stage)?;
    let kinds = [
        ("wds1", super::stage::BINDING),
        ("wds1", DEPLOYMENT),
        ("wds1", CONFIG_MAP),
        ("its1", super::stage::WORK),
        ("cluster1", DEPLOYMENT),
        ("cluster1", CONFIG_MAP),
        ("cluster2", DEPLOYMENT),
    ];
    stage.until_quiet(&kinds)?;
    let before = stage.versions(&kinds)?;
    let watch = stage.watch("cluster1", CART);
    for _ in 0..3 {
        stage.kill_hub();
        stage.kill_agent("cluster1");
        stage.start_agent("cluster1");
        stage.start_hub();
        stage.until_hub_settled()?;
    }
    same("versions after three kills", stage.versions(&kinds)?, before)?;
    watch.stayed()?;
    // Killed in the middle of a commit, it still arrives.
    shop(stage, 4)?;
    stage.commit("Four")?;
    stage.kill_hub();
    stage.start_hub();
    stage.until("cluster1", CART, "has four replicas", |cart| cart["spec"]["replicas"] == 4)?;
    Ok(())
}

fn status_commit(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    let commit = stage.commit("The shop")?;
    stage.start()?;
    stage.until("cluster1", SETTINGS, "is there", |_| true)?;
    let readme = stage.until_status(|readme| readme.contains(&commit[..7]))?;
    ensure!(readme.contains("shop"), "it names the unit:\n{readme}");
    let log = stage.git(&["log", "-1", "--format=%B", "gitstellar/status"])?;
    ensure!(log.contains("[skip ci]"), "{log}");
    ensure!(
        stage.git(&["merge-base", "main", "gitstellar/status"]).is_err(),
        "the two branches share no history"
    );
    Ok(())
}
