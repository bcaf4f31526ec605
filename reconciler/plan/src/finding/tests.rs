//! One example of each finding, and one that is nearly it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::Declaration;
use crate::finding::catalogue;
use crate::review::{Options, Review, review};
use crate::scenario::{Scenario, config_map, crd, deployment, namespace, object};

fn reviewed(base: Option<&Scenario>, head: &Scenario) -> Review {
    let review = review(base.map(|base| &base.0), &head.0, &Options::default());
    for finding in &review.findings {
        let entry =
            catalogue::find(finding.id).unwrap_or_else(|| panic!("{} is not in the catalogue", finding.id));
        assert!(entry.severities.contains(&finding.severity), "{} is a {}", finding.id, finding.severity);
    }
    review
}

/// All findings, `severity id: message (file:line)`.
fn told(base: Option<&Scenario>, head: &Scenario) -> Vec<String> {
    let findings = reviewed(base, head).findings;
    findings
        .into_iter()
        .map(|finding| {
            let place = finding
                .file
                .map(|file| format!(" ({file}:{})", finding.line.unwrap_or(0)))
                .unwrap_or_default();
            format!("{} {}: {}{place}", finding.severity, finding.id, finding.message)
        })
        .collect()
}

fn check(base: Option<&Scenario>, head: &Scenario, expected: &[&str]) {
    let told = told(base, head);
    assert_eq!(told, expected, "\n{}", told.join("\n"));
}

/// A cluster in production, and a policy that sends units there.
fn prod(units: &[&str]) -> Scenario {
    Scenario::default().cluster("edge", &[("env", "prod")]).policy_of_units("prod", units, "prod")
}

fn everything(scenario: Scenario) -> Scenario {
    scenario.policy("all", &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["*"]}]}))
}

#[test]
fn a_sound_repository_has_no_findings() {
    let scenario = prod(&["shop"]).unit("shop", &[namespace("shop"), deployment("shop/web", "a")]);
    check(None, &scenario, &[]);
    check(Some(&scenario), &scenario, &[]);
}

#[test]
fn policies_that_select_no_cluster() {
    let unit = |scenario: Scenario| scenario.unit("u", &[config_map("default/a", "1")]);
    let canary = |value: &str| {
        unit(Scenario::default())
            .cluster("edge-1", &[("stage", value), ("env", "x")])
            .cluster("far", &[])
            .policy("canary", &json!({
                "clusterSelectors": [{"matchLabels": {"stage": "canary"}}], "downsync": [{"resources": ["configmaps"]}],
            }))
    };
    check(
        None,
        &canary("canary-1"),
        &[
            "warning policy-no-clusters: policy canary selects no cluster: no cluster has stage=canary; nearest: edge-1 with stage=canary-1 (policies/canary.yaml:1)",
        ],
    );
    let told = told(Some(&canary("canary")), &canary("canary-1"));
    assert!(
        told[1]
            .starts_with("blocker policy-no-clusters: policy canary selects no cluster any more (edge-1): "),
        "{told:?}"
    );
    let none = unit(Scenario::default()).policy("p", &json!({"downsync": [{"resources": ["configmaps"]}]}));
    check(
        None,
        &none,
        &[
            "warning policy-no-clusters: policy p selects no cluster: clusterSelectors is empty, which selects none; `[{}]` selects all (policies/p.yaml:1)",
        ],
    );
}

#[test]
fn policies_that_select_no_object() {
    let scenario = |clauses: &Value| {
        Scenario::default()
            .cluster("c", &[])
            .unit("u", &[config_map("default/a", "1")])
            .policy("p", &json!({"clusterSelectors": [{}], "downsync": clauses}))
    };
    let ids = |clauses: &Value| -> Vec<String> {
        told(None, &scenario(clauses)).into_iter().filter(|f| f.contains("policy-no-objects")).collect()
    };
    assert_eq!(ids(&json!([{"resources": ["configmaps"]}])), Vec::<String>::new());
    assert_eq!(
        ids(&json!([{"resources": ["configmaps"]}, {"resources": ["pods"]}])),
        [
            "warning policy-no-objects: policy p: downsync[1] match no object. `gitstellar explain` says why an object is not selected (policies/p.yaml:1)",
        ]
    );
    assert!(ids(&json!([{"resources": ["pods"]}]))[0].contains("policy p matches no object"));
    for (written, meant) in [("apps/v1", "apps"), ("v1", "")] {
        let finding = &ids(&json!([{"apiGroup": written}]))[0];
        assert!(finding.contains(&format!("write `apiGroup: \"{meant}\"`")), "{finding}");
    }
    assert!(ids(&json!([]))[0].contains("no downsync clause"));
}

#[test]
fn a_kind_where_a_plural_belongs() {
    let scenario = |resource: &str| {
        let clause = json!({"resources": [resource, "configmaps"]});
        Scenario::default()
            .cluster("c", &[])
            .unit("u", &[config_map("default/a", "1"), crd("acme.io", "Widget", "Namespaced")])
            .policy("p", &json!({"clusterSelectors": [{}], "downsync": [clause]}))
    };
    let hint =
        |resource: &str| told(None, &scenario(resource)).into_iter().find(|f| f.contains("resource-is-kind"));
    assert_eq!(
        hint("Deployment").unwrap(),
        "warning resource-is-kind: policy p: downsync[0].resources names `Deployment`, which matches nothing; write `deployments` (policies/p.yaml:1)"
    );
    assert!(hint("widget").unwrap().contains("write `widgets`"));
    assert!(hint("deployments.apps").unwrap().contains("write `deployments`, with `apiGroup: apps`"));
    assert_eq!(hint("deployments"), None);
    assert_eq!(hint("gizmos"), None);
}

#[test]
fn malformed_selectors_block_and_leave_the_other_policies_alone() {
    let bad = json!({"matchExpressions": [{"key": "env", "operator": "Near"}]});
    let scenario = prod(&["u"])
        .unit("u", &[config_map("default/a", "1")])
        .policy("bad", &json!({"clusterSelectors": [bad], "downsync": [{"resources": ["configmaps"]}]}));
    let review = reviewed(None, &scenario);
    assert_eq!(review.findings[0].id, "policy-invalid-selector");
    assert!(
        review.findings[0].message.starts_with("policy bad: spec.clusterSelectors[0]: "),
        "{:?}",
        review.findings
    );
    assert_eq!(review.placements.len(), 1);

    let mut narrowed = config_map("default/a", "1");
    narrowed["metadata"]["annotations"] = json!({"gitstellar.io/cluster-selector": "{"});
    let review = reviewed(None, &prod(&["u"]).unit("u", &[narrowed]));
    assert_eq!((review.findings[0].id, review.placements.len()), ("policy-invalid-selector", 0));
}

#[test]
fn objects_that_no_policy_selects() {
    let scenario = |units: &[&str]| {
        prod(units).unit("a", &[config_map("default/x", "1")]).unit("b", &[config_map("default/y", "1")])
    };
    check(
        None,
        &scenario(&["a"]),
        &["note object-unbound: no policy selects 1 object: ConfigMap default/y (apps/b/all.yaml:1)"],
    );
    let told = told(Some(&scenario(&["a", "b"])), &scenario(&["a"]));
    assert!(
        told.iter().any(|f| f.starts_with("warning object-unbound: no policy selects 1 object any more")),
        "{told:?}"
    );
    assert!(told.iter().any(|f| f == "blocker last-placement-lost: 1 object is in git but on no cluster any more: ConfigMap default/y (policies/prod.yaml:1)"), "{told:?}");
    let never = everything(
        Scenario::default()
            .cluster("c", &[])
            .unit("u", &[object("v1", "Endpoints", "default/e"), config_map("default/a", "1")]),
    );
    check(
        None,
        &never,
        &[
            "note object-unbound: Endpoints default/e is never selected by a policy: endpoints are made in each cluster (apps/u/all.yaml:1)",
        ],
    );
}

#[test]
fn singletons_that_are_not_single() {
    let scenario = |clusters: usize, multi: bool| {
        let clause = json!({"resources": ["configmaps"], "wantSingletonReportedState": true, "wantMultiWECReportedState": multi});
        let mut scenario = Scenario::default()
            .unit("u", &[config_map("default/a", "1")])
            .policy("p", &json!({"clusterSelectors": [{"matchLabels": {"a": "b"}}], "downsync": [clause]}));
        for i in 0..clusters {
            scenario = scenario.cluster(&format!("c{i}"), &[("a", "b")]);
        }
        scenario
    };
    check(None, &scenario(1, false), &[]);
    check(None, &scenario(2, true), &[]);
    check(
        None,
        &scenario(2, false),
        &[
            "blocker singleton-conflict: wantSingletonReportedState needs exactly one cluster, but 2 clusters do (c0, c1): ConfigMap default/a, asked for by p. Narrow the policy, or ask for wantMultiWECReportedState (policies/p.yaml:1)",
        ],
    );
    // Only the clusters of policies that ask count.
    let other = scenario(1, false)
        .cluster("d", &[])
        .policy("wide", &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["configmaps"]}]}));
    assert!(!told(None, &other).iter().any(|finding| finding.contains("singleton-conflict")));
}

#[test]
fn create_only_objects_that_change() {
    let scenario = |value: &str, wide: bool| {
        let scenario = Scenario::default().cluster("c", &[]).unit("u", &[config_map("default/a", value)]).policy(
            "seed",
            &json!({"clusterSelectors": [{}], "downsync": [{"resources": ["configmaps"], "createOnly": true}]}),
        );
        if wide { everything(scenario) } else { scenario }
    };
    check(
        Some(&scenario("1", false)),
        &scenario("2", false),
        &[
            "warning createonly-dead-change: ConfigMap default/a changed but is create-only: the old content stays on c. Delete it there, or drop createOnly (apps/u/all.yaml:1)",
        ],
    );
    let told = told(Some(&scenario("1", true)), &scenario("2", true));
    assert!(
        !told.iter().any(|finding| finding.contains("createonly")),
        "another policy updates it: {told:?}"
    );
}

#[test]
fn crds_and_namespaces_that_disappear() {
    let scenario = |policy_env: &str| {
        Scenario::default()
            .cluster("edge-1", &[("env", "prod")])
            .cluster("edge-2", &[("env", "prod"), ("site", "b")])
            .unit("defs", &[crd("acme.io", "Widget", "Namespaced"), namespace("shop")])
            .unit("data", &[object("acme.io/v1", "Widget", "shop/w1")])
            .policy(
                "defs",
                &json!({
                    "clusterSelectors": [{"matchLabels": {"env": policy_env}}],
                    "downsync": [{"objectSelectors": [{"matchLabels": {"gitstellar.io/unit": "defs"}}]}],
                }),
            )
            .policy_of_units("data", &["data"], "prod")
            .cluster("spare", &[("env", "spare")])
    };
    let told = told(Some(&scenario("prod")), &scenario("spare"));
    assert!(told.contains(&"blocker crd-delete: CustomResourceDefinition.apiextensions.k8s.io widgets.acme.io disappears from edge-1, edge-2; with it goes what lives in it there, 1 known object: Widget.acme.io shop/w1 (policies/defs.yaml:1)".to_owned()), "{told:#?}");
    assert!(told.contains(&"blocker ns-delete: Namespace shop disappears from edge-1, edge-2; with it goes what lives in it there, 1 known object: Widget.acme.io shop/w1 (policies/defs.yaml:1)".to_owned()), "{told:#?}");
    assert!(told.iter().any(|f| f.starts_with("warning removal-held: Namespace shop would be removed from 2 cluster(s), and 2 placement(s) that live in it with it; Custom")), "{told:#?}");
    assert!(told.iter().any(|f| f.starts_with("warning ns-missing: Namespace shop does not go to edge-1, edge-2, where 1 object shall live in it")), "{told:#?}");
    assert!(
        told.iter().any(|f| f.starts_with("warning kind-not-served: CustomResourceDefinition")),
        "{told:#?}"
    );
}

#[test]
fn namespaces_that_nobody_declares() {
    let scenario = prod(&["u"]).unit(
        "u",
        &[config_map("nowhere/a", "1"), config_map("default/b", "1"), config_map("kube-system/c", "1")],
    );
    check(
        None,
        &scenario,
        &[
            "warning ns-missing: nothing declares Namespace nowhere, in which 1 object shall live (ConfigMap nowhere/a); no namespaceSelector matches them (apps/u/all.yaml:1)",
        ],
    );
}

#[test]
fn kinds_and_versions_that_nothing_serves() {
    let scenario = prod(&["u"]).unit(
        "u",
        &[
            object("cert-manager.io/v1", "Issuer", "default/i"),
            object("acme.io/v1", "Widget", "default/w"),
            object("acme.io/v1", "Widget", "default/w2"),
            object("policy/v1beta1", "PodDisruptionBudget", "default/p"),
        ],
    );
    check(
        None,
        &scenario,
        &[
            "warning kind-not-served: nothing declares the kind Issuer of cert-manager.io/v1; its CRD comes with cert-manager. Until it is served, 1 object of unit u must wait; the kind is taken as namespaced (apps/u/all.yaml:1)",
            "warning kind-not-served: nothing declares the kind Widget of acme.io/v1; add its CRD to a unit, or install it in the WDS and the clusters. Until it is served, 2 objects of unit u must wait; the kind is taken as namespaced (apps/u/all.yaml:11)",
            "warning kind-not-served: PodDisruptionBudget of policy/v1beta1 is not served; served are v1. Until it is served, 1 object of unit u must wait (apps/u/all.yaml:31)",
        ],
    );
}

#[test]
fn objects_that_are_too_big_encrypted_unnamed_or_doubled() {
    let mut cipher = config_map("default/cipher", "1");
    cipher["sops"] = json!({});
    let mut job = object("batch/v1", "Job", "default/x");
    job["metadata"] = json!({"generateName": "x-", "namespace": "default"});
    let scenario = prod(&["u", "v"])
        .unit("u", &[config_map("default/big", &"x".repeat(600 * 1024)), cipher, job])
        .unit("v", &[config_map("default/big", "1")]);
    check(
        None,
        &scenario,
        &[
            "blocker duplicate-object: 1 object is declared twice, by unit u, which counts, and by unit v: ConfigMap default/big at apps/u/all.yaml:1 and apps/v/all.yaml:1. Remove one (apps/v/all.yaml:1)",
            "blocker object-too-big: ConfigMap default/big has 601 KiB; a mailbox takes objects up to 500 KiB. Split it (apps/u/all.yaml:1)",
            "warning encrypted-object: ConfigMap default/cipher is SOPS cipher text and is not applied; nothing here can decrypt it yet (apps/u/all.yaml:11)",
            "warning object-unnamed: a Job.batch has no metadata.name: what is applied again and again needs one, so it is not placed (apps/u/all.yaml:21)",
        ],
    );
}

#[test]
fn lists_with_one_key_twice() {
    let mut twice = deployment("default/web", "a");
    twice["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    let found = told(None, &prod(&["u"]).unit("u", &[twice]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("warning ssa-duplicate-key: Deployment.apps default/web: .spec.template.spec.containers[name=\"c\"].env"), "{found:?}");
}

#[test]
fn policies_that_overlap() {
    let scenario = everything(prod(&["u"]).unit("u", &[config_map("default/a", "1")]));
    check(
        None,
        &scenario,
        &[
            "note overlap: policies all, prod all place 1 object on edge: ConfigMap default/a (policies/all.yaml:1)",
        ],
    );
    let apart = Scenario::default()
        .cluster("a", &[("env", "a")])
        .cluster("b", &[("env", "b")])
        .unit("u", &[config_map("default/x", "1")])
        .policy_of_units("of-a", &["u"], "a")
        .policy_of_units("of-b", &["u"], "b");
    check(None, &apart, &[]);
}

#[test]
fn units_that_fail_or_are_badly_named() {
    let long = "x".repeat(64);
    let scenario = prod(&["a"]).failed_unit("a").unit(&long, &[]).unit("twin", &[]).unit("twin", &[]);
    let ids: BTreeSet<&str> = reviewed(None, &scenario).findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["policy-no-objects", "unit-duplicate-name", "unit-failed", "unit-name-too-long"].into());
}

#[test]
fn findings_of_the_declaration_are_kept_once() {
    let mut scenario = prod(&["u"]).unit("u", &[config_map("default/a", "1")]);
    let finding = crate::Finding::warning("unit-failed", None, "x");
    scenario.0 = Declaration { findings: vec![finding.clone(), finding], ..scenario.0 };
    assert_eq!(review(None, &scenario.0, &Options::default()).findings.len(), 1);
}

#[test]
fn a_finding_of_sync_names_paths_only() {
    let id = apimachinery::ObjectId::new("apps", "Deployment", Some("shop"), "web");
    let finding = super::mutated_in_wds(&id, &[".spec.replicas".to_owned()], None);
    assert!(finding.message.contains("other values than were applied at .spec.replicas;"));
    assert!(catalogue::find(finding.id).is_some());
}

#[test]
fn the_line_of_a_file_stands_below_what_is_said_of_it() {
    let origin = crate::Origin { file: "a.yaml".to_owned(), line: 3 };
    let message = "a.yaml:3:5: nil pointer\n  | name: {{ .Values.a | quote }}";
    let finding = crate::Finding::blocker("unit-failed", Some(origin), message);
    assert_eq!(
        finding.to_string(),
        "blocker unit-failed: a.yaml:3:5: nil pointer (a.yaml:3)\n  | name: {{ .Values.a | quote }}"
    );
    let declaration = Declaration { findings: vec![finding], ..Declaration::default() };
    let review = review(None, &declaration, &Options::default());
    let table = crate::review::table(&review);
    assert!(table.contains("nil pointer (a.yaml:3)\n  | name: {{ .Values.a | quote }}\n"), "{table}");
    let markdown = crate::review::markdown(&review, &Default::default());
    assert!(markdown.contains(" — `a.yaml:3`\n>   `name: {{ .Values.a | quote }}`\n"), "{markdown}");
}

#[test]
fn a_message_of_a_stranger_cannot_begin_a_line() {
    let forged = "a.yaml:3: x\n::stop-commands::t\n  | not a line\nblocker forged: y; advice\n  | {{ fail }}";
    let declaration = Declaration {
        findings: vec![crate::Finding::blocker("unit-failed", None, forged)],
        ..Declaration::default()
    };
    let review = review(None, &declaration, &Options::default());
    let message = &review.findings[0].message;
    assert_eq!(super::said_and_shown(message).1, Some("{{ fail }}"));
    assert_eq!(message.lines().count(), 2, "{message}");
    let table = crate::review::table(&review);
    assert_eq!(table.lines().count(), 3, "the verdict, what is said, the line: {table}");
}
