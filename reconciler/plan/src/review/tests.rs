use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Change, Options, Review, review};
use crate::Declaration;
use crate::scenario::{Scenario, config_map, deployment, namespace, object};

fn options() -> Options {
    Options { base: Some("aaa".to_owned()), head: Some("bbb".to_owned()), ..Options::default() }
}

fn shop(image: &str) -> Scenario {
    Scenario::default()
        .cluster("edge-1", &[("env", "prod")])
        .cluster("edge-2", &[("env", "prod")])
        .cluster("lab", &[("env", "test")])
        .unit("shop", &[namespace("shop"), deployment("shop/web", image), secret("shop/db", "aGk=")])
        .policy_of_units("prod", &["shop"], "prod")
}

fn secret(at: &str, value: &str) -> Value {
    let mut secret = object("v1", "Secret", at);
    secret["data"] = json!({"password": value});
    secret
}

fn changes(review: &Review) -> Vec<String> {
    let entries = review.placements.iter();
    entries.map(|entry| format!("{:?} {} on {}", entry.change, entry.object(), entry.cluster)).collect()
}

#[test]
fn without_a_base_everything_appears() {
    let review = review(None, &shop("a").0, &options());
    assert_eq!(
        changes(&review),
        [
            "Appear Namespace shop on edge-1",
            "Appear Secret shop/db on edge-1",
            "Appear Deployment.apps shop/web on edge-1",
            "Appear Namespace shop on edge-2",
            "Appear Secret shop/db on edge-2",
            "Appear Deployment.apps shop/web on edge-2",
        ]
    );
    assert_eq!(review.summary.changes.appear, 6);
    assert_eq!((review.summary.totals.clusters, review.summary.touched.clusters), (3, 2));
    assert!(!review.has_blockers() && review.has_changes());
}

#[test]
fn each_change_is_told_apart() {
    let before =
        shop("a").unit("blog", &[config_map("shop/blog", "1")]).policy_of_units("blog", &["blog"], "prod");
    let after = shop("b")
        .unit("blog", &[config_map("shop/blog", "1")])
        .policy_of_units("blog-2", &["blog"], "prod")
        .unit("new", &[config_map("shop/new", "1")])
        .policy_of_units("new", &["new"], "test");
    let review = review(Some(&before.0), &after.0, &options());
    assert_eq!(
        changes(&review),
        [
            "Rebound ConfigMap shop/blog on edge-1",
            "Unchanged Namespace shop on edge-1",
            "Unchanged Secret shop/db on edge-1",
            "Change Deployment.apps shop/web on edge-1",
            "Rebound ConfigMap shop/blog on edge-2",
            "Unchanged Namespace shop on edge-2",
            "Unchanged Secret shop/db on edge-2",
            "Change Deployment.apps shop/web on edge-2",
            "Appear ConfigMap shop/new on lab",
        ]
    );
    assert_eq!(review.diffs.len(), 1);
    assert_eq!(
        review.diffs[0].lines,
        ["-spec.template.spec.containers[c].image: a", "+spec.template.spec.containers[c].image: b",]
    );
}

#[test]
fn a_pair_that_disappears_names_the_policies_and_the_unit_of_the_base() {
    let before = shop("a");
    let after = Scenario(Declaration { units: Vec::new(), ..before.0.clone() });
    let review = review(Some(&before.0), &after.0, &options());
    let gone = &review.placements[0];
    assert_eq!((gone.change, gone.unit.as_str()), (Change::Disappear, "shop"));
    assert_eq!(gone.policies.iter().map(crate::PolicyName::as_str).collect::<Vec<_>>(), ["prod"]);
    assert!(gone.hash.is_some());
    let held = review.held.expect("all that is placed would go");
    let list = super::held_removals(&before.0, &after.0, &options()).unwrap();
    assert_eq!((held.hash, held.pairs), (list.hash.to_string(), list.pairs.len()));
}

#[test]
fn a_modulation_alone_rebinds() {
    let with = |create_only: bool| {
        Scenario::default().cluster("c", &[]).unit("u", &[config_map("default/a", "1")]).policy(
            "p",
            &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["configmaps"], "createOnly": create_only}]}),
        )
    };
    let review = review(Some(&with(false).0), &with(true).0, &options());
    assert_eq!(changes(&review), ["Rebound ConfigMap default/a on c"]);
}

#[test]
fn a_failed_unit_removes_nothing() {
    let before = shop("a");
    let after = Scenario(Declaration { units: Vec::new(), ..before.0.clone() }).failed_unit("shop");
    let review = review(Some(&before.0), &after.0, &options());
    assert_eq!((review.summary.changes.unchanged, review.summary.changes.disappear), (6, 0));
    assert_eq!(review.findings[0].id, "unit-failed");
}

#[test]
fn the_inventory_of_the_options_stands_for_both_sides() {
    let inventory = shop("a").cluster("edge-3", &[("env", "prod")]).0.clusters;
    let options = Options { inventory: Some(inventory), ..options() };
    let review = review(Some(&shop("a").0), &shop("a").0, &options);
    assert_eq!(review.summary.changes.unchanged, 9);
}

#[test]
fn the_json_has_its_shape_and_no_secret() {
    let before = shop("a");
    let mut after = shop("a").0;
    after.units[0].objects = Scenario::default()
        .unit("shop", &[namespace("shop"), deployment("shop/web", "a"), secret("shop/db", "Y2FuYXJ5")])
        .0
        .units
        .remove(0)
        .objects;
    let review = review(Some(&before.0), &after, &options());
    let json: Value = serde_json::from_str(&review.to_json()).unwrap();
    let entry =
        json["placements"].as_array().unwrap().iter().find(|entry| entry["kind"] == "Secret").unwrap();
    assert_eq!(
        *entry,
        json!({
            "cluster": "edge-1", "group": "", "version": "v1", "kind": "Secret", "namespace": "shop", "name": "db",
            "unit": "shop", "policies": ["prod"], "change": "change",
        })
    );
    assert_eq!(json["summary"]["changes"]["change"], 2);
    assert_eq!(json["summary"]["perCluster"]["edge-1"]["change"], 1);
    assert_eq!(json["diffs"][0]["lines"], json!(["~data.password: <changed>"]));
    let hash = json["placements"][2]["hash"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    for text in [
        review.to_json(),
        super::markdown(&review, &super::MarkdownOptions::default()),
        super::table(&review),
    ] {
        assert!(!text.contains("Y2FuYXJ5") && !text.contains("aGk="), "{text}");
    }
}

#[test]
fn the_table_groups_clusters() {
    let review = review(Some(&shop("a").0), &shop("b").0, &options());
    assert_eq!(
        super::table(&review),
        "2 of 3 clusters, 1 of 1 unit: 0 appear, 2 change, 0 disappear, 0 rebound, 4 unchanged\n\
         \n\
         CHANGE    UNIT  OBJECT                    POLICIES  CLUSTERS\n\
         ~ change  shop  Deployment.apps shop/web  prod      edge-1, edge-2\n"
    );
}

/// The same declaration in another order.
fn shuffled(declaration: &Declaration, seed: usize) -> Declaration {
    let mut other = declaration.clone();
    let spin = |length: usize| if length == 0 { 0 } else { seed % length };
    let turn = spin(other.units.len());
    other.units.rotate_left(turn);
    other.units.reverse();
    for unit in &mut other.units {
        let turn = spin(unit.objects.len());
        Arc::make_mut(&mut unit.objects).rotate_left(turn);
    }
    let turn = spin(other.policies.len());
    other.policies.rotate_left(turn);
    other
}

fn any_declaration() -> impl Strategy<Value = Declaration> {
    let object = ("[abc]/[xyz]", "[12]", any::<bool>()).prop_map(|(at, value, is_config)| {
        if is_config { config_map(&at, &value) } else { deployment(&at, &value) }
    });
    let units = proptest::collection::vec(proptest::collection::vec(object, 0..5), 0..4);
    let policies = proptest::collection::vec(("[uvwz]", "[ef]"), 0..4);
    let clusters = proptest::collection::btree_map("c[1-4]", "[ef]", 0..4);
    (units, policies, clusters).prop_map(|(units, policies, clusters)| {
        let mut scenario = Scenario::default();
        for (name, objects) in ["u", "v", "w"].iter().zip(units) {
            scenario = scenario.unit(name, &objects);
        }
        for (i, (unit, env)) in policies.iter().enumerate() {
            scenario = scenario.policy_of_units(&format!("p{i}"), &[unit], env);
        }
        for (name, env) in clusters {
            scenario = scenario.cluster(&name, &[("env", &env)]);
        }
        scenario.0
    })
}

proptest! {
    #[test]
    fn the_order_of_the_input_does_not_matter(
        base in any_declaration(), head in any_declaration(), seed in 0..7_usize,
    ) {
        let one = review(Some(&base), &head, &options());
        let other = review(Some(&shuffled(&base, seed)), &shuffled(&head, seed), &options());
        prop_assert_eq!(one.to_json(), other.to_json());
        let markdown = super::MarkdownOptions::default();
        prop_assert_eq!(super::markdown(&one, &markdown), super::markdown(&other, &markdown));
        prop_assert_eq!(super::table(&one), super::table(&other));
    }

    #[test]
    fn changes_lead_from_the_base_to_the_head(base in any_declaration(), head in any_declaration()) {
        let placed = |declaration: &Declaration| -> BTreeMap<_, _> {
            let review = review(None, declaration, &options());
            review.placements.into_iter().map(|entry| ((entry.object(), entry.cluster), entry.hash)).collect()
        };
        let mut pairs = placed(&base);
        for entry in review(Some(&base), &head, &options()).placements {
            let pair = (entry.object(), entry.cluster);
            match entry.change {
                Change::Appear => prop_assert!(pairs.insert(pair, entry.hash).is_none()),
                Change::Disappear => prop_assert_eq!(pairs.remove(&pair), Some(entry.hash)),
                Change::Change => prop_assert_ne!(pairs.insert(pair, entry.hash), Some(entry.hash)),
                Change::Rebound | Change::Unchanged => prop_assert_eq!(pairs.get(&pair), Some(&entry.hash)),
            }
        }
        prop_assert_eq!(pairs, placed(&head));
    }
}
