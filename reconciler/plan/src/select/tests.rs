//! Laws of the index, and examples from `spec/kubestellar.md` 2.1 to 2.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::ObjectId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::naive::World;
use super::never::SecretRefs;
use super::{Index, Narrowing, Selectable};
use crate::{ClusterName, Policy, PolicyName};

type Labels = BTreeMap<String, String>;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn object(group: &str, kind: &str, at: (Option<&str>, &str), own: &[(&str, &str)]) -> Selectable {
    Selectable {
        id: ObjectId::new(group, kind, at.0, at.1),
        plural: crate::names::guessed_plural(&kind.into()),
        labels: Arc::new(labels(own)),
        narrowing: None,
    }
}

fn policy(name: &str, spec: &Value) -> Policy {
    let object = json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy",
        "metadata": {"name": name}, "spec": spec,
    });
    Policy::parse(&object, None).unwrap()
}

/// A world of a few objects; `check` asks which of them a clause selects.
fn few_objects() -> Index {
    let mut index = Index::new();
    for one in [
        object("", "Namespace", (None, "shop"), &[("team", "a")]),
        object("", "Namespace", (None, "blog"), &[("team", "b")]),
        object("apps", "Deployment", (Some("shop"), "web"), &[("app", "web"), ("tier", "front")]),
        object("apps", "Deployment", (Some("blog"), "web"), &[("app", "blog")]),
        object("", "ConfigMap", (Some("shop"), "web"), &[]),
        object("", "ConfigMap", (Some("nowhere"), "lost"), &[("app", "web")]),
        object("rbac.authorization.k8s.io", "ClusterRole", (None, "reader"), &[("app", "web")]),
    ] {
        index.upsert_object(one);
    }
    index.upsert_cluster(&"edge".into(), &labels(&[("env", "prod")]));
    index
}

fn check(clause: &Value, expected: &[&str]) {
    let mut index = few_objects();
    index.upsert_policy(policy("p", &json!({"clusterSelectors": [{}], "downsync": [clause]})));
    let selection = index.selection(&"p".into()).unwrap();
    let found: Vec<String> = selection.objects.keys().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{clause}");
}

#[test]
fn each_test_of_a_clause_narrows() {
    check(&json!({"apiGroup": "apps"}), &["Deployment.apps blog/web", "Deployment.apps shop/web"]);
    check(
        &json!({"apiGroup": "", "resources": ["configmaps"]}),
        &["ConfigMap nowhere/lost", "ConfigMap shop/web"],
    );
    check(&json!({"resources": ["Deployment"]}), &[]);
    check(&json!({"namespaces": ["blog"]}), &["Deployment.apps blog/web"]);
    check(
        &json!({"objectNames": ["reader", "lost"]}),
        &["ConfigMap nowhere/lost", "ClusterRole.rbac.authorization.k8s.io reader"],
    );
    check(
        &json!({"objectSelectors": [{"matchLabels": {"app": "web"}}], "namespaces": ["shop"]}),
        &["Deployment.apps shop/web"],
    );
    check(
        &json!({"objectSelectors": [{"matchLabels": {"app": "blog"}}, {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}]}),
        &["Deployment.apps blog/web", "Deployment.apps shop/web"],
    );
    check(
        &json!({"resources": ["configmaps"], "objectSelectors": [{"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}]}),
        &["ConfigMap shop/web"],
    );
}

#[test]
fn concrete_namespaces_never_match_cluster_scoped_objects_but_the_empty_one_does() {
    check(&json!({"objectNames": ["reader", "shop"], "namespaces": ["shop"]}), &[]);
    let both = ["Namespace shop", "ClusterRole.rbac.authorization.k8s.io reader"];
    check(&json!({"objectNames": ["reader", "shop"], "namespaces": ["*"]}), &both);
    check(&json!({"objectNames": ["reader", "shop"], "namespaces": []}), &both);
    check(&json!({"objectNames": ["reader", "shop"], "namespaces": [""]}), &both);
}

#[test]
fn namespace_selectors_look_at_the_namespace_object() {
    let of_a = json!([{"matchLabels": {"team": "a"}}]);
    check(&json!({"namespaceSelectors": of_a}), &["ConfigMap shop/web", "Deployment.apps shop/web"]);
    // Negative requirements do not match a namespace that does not exist, nor cluster-scoped objects.
    let not_a = json!([{"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}]);
    check(&json!({"namespaceSelectors": not_a}), &["Deployment.apps blog/web"]);
    // An empty selector passes without looking.
    check(
        &json!({"namespaceSelectors": [{"matchLabels": {"team": "x"}}, {}], "objectNames": ["lost", "reader"]}),
        &["ConfigMap nowhere/lost", "ClusterRole.rbac.authorization.k8s.io reader"],
    );
}

#[test]
fn a_label_change_of_a_namespace_moves_the_objects_in_it() {
    let mut index = few_objects();
    index.upsert_policy(policy(
        "p",
        &json!({"downsync": [{"namespaceSelectors": [{"matchLabels": {"team": "a"}}]}]}),
    ));
    let changed = index.upsert_object(object("", "Namespace", (None, "blog"), &[("team", "a")]));
    assert_eq!(changed, ["p".into()].into());
    assert_eq!(index.selection(&"p".into()).unwrap().objects.len(), 3);
    let changed = index.remove_object(&ObjectId::new("", "Namespace", None, "shop"));
    assert_eq!(changed, ["p".into()].into());
    assert_eq!(index.selection(&"p".into()).unwrap().objects.len(), 1);
}

#[test]
fn what_several_matching_clauses_ask_for_is_merged() {
    let mut index = few_objects();
    index.upsert_policy(policy(
        "p",
        &json!({"downsync": [
            {"apiGroup": "apps", "createOnly": true, "statusCollectors": ["a"]},
            {"objectNames": ["web"], "wantMultiWECReportedState": true, "statusCollectors": ["b"]},
        ]}),
    ));
    let selection = index.selection(&"p".into()).unwrap();
    let modulation = &selection.objects[&ObjectId::new("apps", "Deployment", Some("shop"), "web")];
    assert!(modulation.create_only && modulation.want_multi && !modulation.want_singleton);
    assert_eq!(modulation.status_collectors.len(), 2);
    let modulation = &selection.objects[&ObjectId::new("", "ConfigMap", Some("shop"), "web")];
    assert!(!modulation.create_only);
}

#[test]
fn an_empty_list_of_cluster_selectors_selects_none_and_an_empty_selector_all() {
    fn check(selectors: &Value, expected: &[&str]) {
        let mut index = Index::new();
        index.upsert_policy(policy("p", &json!({"clusterSelectors": selectors, "downsync": []})));
        for (name, env) in [("a", "prod"), ("b", "test"), ("c", "dev")] {
            index.upsert_cluster(&name.into(), &labels(&[("env", env)]));
        }
        let found = index.clusters_of(&"p".into());
        assert_eq!(found.iter().map(ClusterName::as_str).collect::<Vec<_>>(), expected, "{selectors}");
    }
    check(&json!([]), &[]);
    check(&json!([{}]), &["a", "b", "c"]);
    check(
        &json!([{"matchLabels": {"env": "prod"}}, {"matchExpressions": [{"key": "env", "operator": "In", "values": ["dev"]}]}]),
        &["a", "c"],
    );
    check(
        &json!([{"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["dev"]}]}]),
        &["a", "b"],
    );
}

#[test]
fn a_narrowing_takes_clusters_away() {
    let mut index = few_objects();
    index.upsert_policy(policy("p", &json!({"clusterSelectors": [{}], "downsync": [{"apiGroup": "apps"}]})));
    let web = ObjectId::new("apps", "Deployment", Some("shop"), "web");
    let mut narrowed = index.object(&web).unwrap().clone();
    narrowed.narrowing = Some(Narrowing::parse("env=dev"));
    assert_eq!(index.upsert_object(narrowed), ["p".into()].into());
    assert!(index.placings_of(&web).is_empty());
    assert_eq!(index.pairs().len(), 1);
    index.upsert_cluster(&"lab".into(), &labels(&[("env", "dev")]));
    let on: Vec<_> = index.placings_of(&web).into_keys().collect();
    assert_eq!(on, ["lab"]);
    assert_eq!(index.pairs().len(), 3);
}

#[test]
fn secrets_that_hold_our_credentials_are_not_selected() {
    let mut index = few_objects();
    index.upsert_object(object("", "Secret", (Some("shop"), "token"), &[]));
    index.upsert_policy(policy("p", &json!({"downsync": [{"resources": ["secrets"]}]})));
    assert_eq!(index.selection(&"p".into()).unwrap().objects.len(), 1);
    let changed = index.set_secret_refs([("shop".into(), "token".into())].into());
    assert_eq!(changed, ["p".into()].into());
    assert_eq!(index.selection(&"p".into()).unwrap().objects.len(), 0);
    assert_eq!(index.set_secret_refs(SecretRefs::new()), ["p".into()].into());
    assert_eq!(index.selection(&"p".into()).unwrap().objects.len(), 1);
}

#[test]
fn a_relabelled_object_visits_only_the_clauses_that_wait_for_its_labels() {
    let mut index = Index::new();
    for i in 0..2000 {
        let app = format!("app{}", i % 500);
        index.upsert_object(object(
            "apps",
            "Deployment",
            (Some("shop"), &format!("d{i}")),
            &[("app", &app), ("env", "prod")],
        ));
    }
    for i in 0..500 {
        let selector = json!({"matchLabels": {"app": format!("app{i}"), "env": "prod"}});
        let clause = json!({"resources": ["deployments"], "objectSelectors": [selector]});
        index.upsert_policy(policy(&format!("p{i}"), &json!({"downsync": [clause]})));
    }
    let before = index.visited();
    let changed = index.upsert_object(object(
        "apps",
        "Deployment",
        (Some("shop"), "d7"),
        &[("app", "app9"), ("env", "prod")],
    ));
    assert_eq!(changed, ["p7".into(), "p9".into()].into());
    assert_eq!(
        index.visited().clauses - before.clauses,
        2,
        "two of 500 clauses wait for app=app7 or app=app9"
    );
    // A policy visits only the objects that bear all it requires.
    let before = index.visited();
    let clause = json!({"resources": ["deployments"], "objectSelectors": [{"matchLabels": {"app": "app3", "env": "prod"}}]});
    index.upsert_policy(policy("new", &json!({"downsync": [clause]})));
    assert_eq!(index.visited().clauses - before.clauses, 4, "four of 2000 objects have app=app3");
}

#[test]
fn a_relabelled_cluster_visits_only_the_policies_that_wait_for_its_labels() {
    let mut index = Index::new();
    for i in 0..1000 {
        index.upsert_cluster(
            &ClusterName::from(format!("c{i}")),
            &labels(&[("site", &format!("s{i}")), ("env", "prod")]),
        );
    }
    for i in 0..1000 {
        let selector = json!({"matchLabels": {"site": format!("s{i}"), "env": "prod"}});
        index.upsert_policy(policy(
            &format!("p{i}"),
            &json!({"clusterSelectors": [selector], "downsync": []}),
        ));
    }
    let before = index.visited();
    let changed = index.upsert_cluster(&"c5".into(), &labels(&[("site", "s6"), ("env", "prod")]));
    assert_eq!(changed, ["p5".into(), "p6".into()].into());
    assert_eq!(index.visited().clusters - before.clusters, 2);
}

/// One change of the world.
#[derive(Clone, Debug)]
enum Delta {
    Object(Box<Selectable>),
    NoObject(ObjectId),
    Policy(String, Value),
    NoPolicy(String),
    Cluster(String, Labels),
    NoCluster(String),
    Secrets(SecretRefs),
}

fn any_labels() -> impl Strategy<Value = Labels> {
    proptest::collection::btree_map("[kl]", "[vw]", 0..3)
}

fn any_selector() -> impl Strategy<Value = Value> {
    let requirement =
        ("[kl]", 0..4_usize, proptest::collection::vec("[vw]", 1..3)).prop_map(|(key, operator, values)| {
            let operator = ["In", "NotIn", "Exists", "DoesNotExist"][operator];
            match operator {
                "In" | "NotIn" => json!({"key": key, "operator": operator, "values": values}),
                _ => json!({"key": key, "operator": operator}),
            }
        });
    prop_oneof![
        1 => Just(json!({})),
        4 => any_labels().prop_map(|labels| json!({"matchLabels": labels})),
        4 => (any_labels(), proptest::collection::vec(requirement, 0..3))
            .prop_map(|(labels, all)| json!({"matchLabels": labels, "matchExpressions": all})),
        1 => Just(json!({"matchExpressions": [{"key": "k", "operator": "Near"}]})),
    ]
}

const KINDS: [(&str, &str, bool); 7] = [
    ("apps", "Deployment", true),
    ("", "ConfigMap", true),
    ("", "Secret", true),
    ("", "Event", true),
    ("", "Namespace", false),
    ("rbac.authorization.k8s.io", "ClusterRole", false),
    ("gitstellar.io", "Unit", false),
];

fn any_id() -> impl Strategy<Value = (ObjectId, &'static str)> {
    (0..KINDS.len(), 0..3_usize, "[abx]").prop_map(|(kind, namespace, name)| {
        let (group, kind, namespaced) = KINDS[kind];
        let namespace = namespaced.then_some(["a", "b", "gitstellar-system"][namespace]);
        (ObjectId::new(group, kind, namespace, &name), kind)
    })
}

fn any_object() -> impl Strategy<Value = Selectable> {
    let narrowing = prop_oneof![
        4 => Just(None),
        1 => "[kl]=[vw]".prop_map(|text| Some(Narrowing::parse(&text))),
        1 => any_selector().prop_map(|one| Some(Narrowing::parse(&json!([one]).to_string()))),
    ];
    (any_id(), any_labels(), narrowing).prop_map(|((id, kind), labels, narrowing)| Selectable {
        id,
        plural: crate::names::guessed_plural(&kind.into()),
        labels: Arc::new(labels),
        narrowing,
    })
}

fn any_clause() -> impl Strategy<Value = Value> {
    fn list(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
        proptest::collection::vec(proptest::sample::select(values), 0..3).prop_map(|list| json!(list))
    }
    let selectors = || proptest::collection::vec(any_selector(), 0..3).prop_map(|list| json!(list));
    let fields = (
        proptest::option::weighted(
            0.3,
            proptest::sample::select(&["", "apps", "rbac.authorization.k8s.io"][..]),
        ),
        proptest::option::weighted(0.4, list(&["deployments", "configmaps", "namespaces", "events", "*"])),
        proptest::option::weighted(0.4, list(&["a", "b", "", "*"])),
        proptest::option::weighted(0.3, selectors()),
        proptest::option::weighted(0.5, selectors()),
        proptest::option::weighted(0.3, list(&["a", "x", "*"])),
        any::<[bool; 3]>(),
    );
    fields.prop_map(|(group, resources, namespaces, of_namespace, of_object, names, flags)| {
        let mut clause = json!({
            "apiGroup": group, "createOnly": flags[0], "wantSingletonReportedState": flags[1],
            "statusCollectors": if flags[2] { json!(["c"]) } else { json!([]) },
        });
        for (field, value) in [
            ("resources", resources),
            ("namespaces", namespaces),
            ("namespaceSelectors", of_namespace),
            ("objectSelectors", of_object),
            ("objectNames", names),
        ] {
            if let Some(value) = value {
                clause[field] = value;
            }
        }
        clause
    })
}

fn any_delta() -> impl Strategy<Value = Delta> {
    let clusters = proptest::collection::vec(any_selector(), 0..3);
    let spec = (clusters, proptest::collection::vec(any_clause(), 0..4))
        .prop_map(|(clusters, downsync)| json!({"clusterSelectors": clusters, "downsync": downsync}));
    prop_oneof![
        6 => any_object().prop_map(|object| Delta::Object(Box::new(object))),
        2 => any_id().prop_map(|(id, _)| Delta::NoObject(id)),
        3 => ("p[1-3]", spec).prop_map(|(name, spec)| Delta::Policy(name, spec)),
        1 => "p[1-3]".prop_map(Delta::NoPolicy),
        2 => ("c[1-4]", any_labels()).prop_map(|(name, labels)| Delta::Cluster(name, labels)),
        1 => "c[1-4]".prop_map(Delta::NoCluster),
        1 => proptest::collection::btree_set("[abx]", 0..2).prop_map(|names| {
            Delta::Secrets(names.into_iter().map(|name| ("a".into(), name.into())).collect())
        }),
    ]
}

fn apply(delta: &Delta, world: &mut World, index: &mut Index) -> super::Changed {
    match delta.clone() {
        Delta::Object(object) => {
            world.objects.insert(object.id.clone(), (*object).clone());
            index.upsert_object(*object)
        }
        Delta::NoObject(id) => {
            world.objects.remove(&id);
            index.remove_object(&id)
        }
        Delta::Policy(name, spec) => {
            let policy = policy(&name, &spec);
            world.policies.insert(policy.name.clone(), policy.clone());
            index.upsert_policy(policy)
        }
        Delta::NoPolicy(name) => {
            let name = PolicyName::from(name);
            world.policies.remove(&name);
            index.remove_policy(&name)
        }
        Delta::Cluster(name, labels) => {
            world.clusters.insert(name.as_str().into(), labels.clone());
            index.upsert_cluster(&name.into(), &labels)
        }
        Delta::NoCluster(name) => {
            let name = ClusterName::from(name);
            world.clusters.remove(&name);
            index.remove_cluster(&name)
        }
        Delta::Secrets(refs) => {
            world.secret_refs.clone_from(&refs);
            index.set_secret_refs(refs)
        }
    }
}

fn rebuilt(world: &World) -> Index {
    let mut index = Index::new();
    index.set_secret_refs(world.secret_refs.clone());
    world.objects.values().for_each(|object| drop(index.upsert_object(object.clone())));
    world.policies.values().for_each(|policy| drop(index.upsert_policy(policy.clone())));
    world.clusters.iter().for_each(|(name, labels)| drop(index.upsert_cluster(name, labels)));
    index
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// After each of some random changes the index says what the oracle says, and named exactly the policies whose selection is another one.
    #[test]
    fn the_index_equals_the_oracle_and_a_rebuild(deltas in proptest::collection::vec(any_delta(), 1..40)) {
        let (mut world, mut index) = (World::default(), Index::new());
        for delta in &deltas {
            let before = world.selections();
            let changed = apply(delta, &mut world, &mut index);
            let after = world.selections();
            let differing: BTreeSet<PolicyName> = before.keys().chain(after.keys())
                .filter(|name| before.get(*name).cloned().unwrap_or_default() != after.get(*name).cloned().unwrap_or_default())
                .cloned().collect();
            for (name, selection) in &after {
                let found = index.selection(name);
                prop_assert_eq!(found.as_ref(), Some(selection), "{} after {:?}", name, delta);
            }
            prop_assert!(changed.is_superset(&differing), "{:?}: {:?} but {:?}", delta, &changed, &differing);
            // A policy that appears without selecting anything is the one change that need not be one.
            prop_assert!(changed.iter().all(|name| differing.contains(name) || !before.contains_key(name)));
        }
        let rebuilt = rebuilt(&world);
        prop_assert_eq!(index.pairs(), rebuilt.pairs());
        let pairs: BTreeMap<_, _> = index.pairs().into_iter()
            .map(|pair| ((pair.object, pair.cluster), pair.placing.policies.as_ref().clone())).collect();
        prop_assert_eq!(&pairs, &world.pairs());
        for object in world.objects.keys() {
            let by: BTreeSet<PolicyName> = world.selections().into_iter()
                .filter(|(_, selection)| selection.objects.contains_key(object)).map(|(name, _)| name).collect();
            prop_assert_eq!(index.policies_of(object), by);
            let on: BTreeSet<_> = pairs.keys().filter(|(id, _)| id == object).map(|(_, cluster)| cluster.clone()).collect();
            prop_assert_eq!(index.placings_of(object).into_keys().collect::<BTreeSet<_>>(), on);
        }
    }
}
