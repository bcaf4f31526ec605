use proptest::prelude::*;

use super::*;

fn id(name: &str) -> ResourceId {
    ResourceId {
        resource: GroupResource::new("apps", "deployments"),
        namespace: Some("shop".into()),
        name: name.into(),
    }
}

fn selected(name: &str, resource_version: &str, intent: &str) -> Selected {
    let entry = Entry {
        version: "v1".into(),
        resource_version: resource_version.to_owned(),
        modulation: Modulation::default(),
    };
    Selected { id: id(name), entry, intent: Digest::of(intent.as_bytes()) }
}

fn content(names: &[&str], clusters: &[&str]) -> Option<BindingContent> {
    let objects = names.iter().map(|n| selected(n, "1", n)).collect();
    desired(objects, clusters.iter().map(|c| (*c).into()).collect())
}

fn applying() -> Holds {
    let progress = SourceProgress {
        applying: true,
        owned: Arc::new([id("a"), id("b")].into()),
        policies: ["p".into()].into(),
        ..SourceProgress::default()
    };
    Holds { sources: [("shop".into(), progress)].into(), ..Holds::default() }
}

fn names(content: &BindingContent) -> Vec<String> {
    content.entries.keys().map(|id| id.name.to_string()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "tables read better without borrows")]
fn check(new: Option<BindingContent>, old: Option<BindingContent>, holds: &Holds, expected: &str) {
    let decision = decide(&"p".into(), new, old.as_ref(), holds, &BTreeSet::new());
    let text = match &decision.change {
        BindingChange::None => "none".to_owned(),
        BindingChange::Create(c) => format!("create {:?} {:?}", names(c), c.destinations),
        BindingChange::Update(c) => format!("update {:?} {:?}", names(c), c.destinations),
        BindingChange::Delete => "delete".to_owned(),
    };
    assert_eq!(text, expected);
}

#[test]
fn a_binding_follows_its_policy() {
    let none = Holds::default();
    check(content(&["a"], &["c1"]), None, &none, r#"create ["a"] {"c1"}"#);
    check(content(&["a"], &[]), None, &none, r#"create ["a"] {}"#);
    check(content(&[], &[]), None, &none, "none");
    check(content(&["a"], &["c1"]), content(&["a"], &["c1"]), &none, "none");
    check(content(&["b"], &["c1"]), content(&["a"], &["c1"]), &none, r#"update ["b"] {"c1"}"#);
    check(content(&["a"], &["c2"]), content(&["a"], &["c1"]), &none, r#"update ["a"] {"c2"}"#);
    check(None, content(&["a"], &["c1"]), &none, "delete");
}

#[test]
fn resource_versions_alone_write_nothing_but_an_intent_does() {
    let clusters = || [ClusterName::from("c1")].into();
    let old = desired(vec![selected("a", "1", "x")], clusters());
    check(desired(vec![selected("a", "2", "x")], clusters()), old.clone(), &Holds::default(), "none");
    check(
        desired(vec![selected("a", "2", "y")], clusters()),
        old.clone(),
        &Holds::default(),
        r#"update ["a"] {"c1"}"#,
    );
    let mut create_only = selected("a", "1", "x");
    create_only.entry.modulation.create_only = true;
    check(desired(vec![create_only], clusters()), old, &Holds::default(), r#"update ["a"] {"c1"}"#);
}

#[test]
fn nothing_of_a_source_that_is_applying_is_unbound() {
    check(content(&[], &["c1"]), content(&["a"], &["c1"]), &applying(), r#"update ["a"] {"c1"}"#);
    check(None, content(&["a"], &["c1"]), &applying(), "none");
    check(content(&["b"], &["c1"]), content(&["a"], &["c1"]), &applying(), r#"update ["a", "b"] {"c1"}"#);
    check(content(&["a"], &["c2"]), content(&["a"], &["c1"]), &applying(), r#"update ["a"] {"c1", "c2"}"#);
}

#[test]
fn a_contended_object_stays_and_no_other() {
    let (new, old) = (content(&[], &["c1"]), content(&["a", "b"], &["c1"]));
    let decision = decide(&"p".into(), new, old.as_ref(), &Holds::default(), &[id("a")].into());
    let BindingChange::Update(merged) = decision.change else { panic!("{decision:?}") };
    assert_eq!((names(&merged), decision.held_objects), (vec!["a".to_owned()], [id("a")].into()));
}

#[test]
fn a_hold_never_asks_for_a_pair_that_nobody_asked_for() {
    // Object and cluster change in one commit: a×c1 was, b×c2 shall be; a×c2 and b×c1 never.
    let decision = decide(
        &"p".into(),
        content(&["b"], &["c2"]),
        content(&["a"], &["c1"]).as_ref(),
        &applying(),
        &BTreeSet::new(),
    );
    let BindingChange::Update(written) = decision.change else { panic!("{:?}", decision.change) };
    assert_eq!((names(&written), written.destinations), (vec!["b".to_owned()], ["c2".into()].into()));
    assert_eq!(decision.held_objects, [id("a")].into());
    assert_eq!(decision.held_clusters, [ClusterName::from("c1")].into());
}

#[test]
fn a_failed_object_keeps_its_own_pairs_only() {
    let progress = SourceProgress { failed: [id("a")].into(), ..SourceProgress::default() };
    let holds = Holds { sources: [("shop".into(), progress)].into(), ..Holds::default() };
    check(content(&[], &["c1"]), content(&["a", "b"], &["c1"]), &holds, r#"update ["a"] {"c1"}"#);
    assert!(holds.pair(None, &id("a"), &"c1".into()));
    assert!(!holds.pair(None, &id("b"), &"c1".into()));
}

fn some_content() -> impl Strategy<Value = Option<BindingContent>> {
    let names = proptest::sample::subsequence(vec!["a", "b", "x"], 0..=3);
    let clusters = proptest::sample::subsequence(vec!["c1", "c2", "c3"], 0..=3);
    (names, clusters).prop_map(|(names, clusters)| content(&names, &clusters))
}

proptest! {
    /// While holds last, every pair of the Binding is old or wanted; and once it is written, deciding again changes nothing.
    #[test]
    fn decisions_are_stable_and_within_old_and_new(new in some_content(), old in some_content(), hold in any::<bool>()) {
        let holds = if hold { applying() } else { Holds::default() };
        let decision = decide(&"p".into(), new.clone(), old.as_ref(), &holds, &BTreeSet::new());
        let written = match decision.change {
            BindingChange::None => old.clone(),
            BindingChange::Create(c) | BindingChange::Update(c) => Some(c),
            BindingChange::Delete => None,
        };
        let pairs = |c: &Option<BindingContent>| -> BTreeSet<(ResourceId, ClusterName)> {
            let Some(c) = c else { return BTreeSet::new() };
            c.entries.keys().flat_map(|e| c.destinations.iter().map(|d| (e.clone(), d.clone()))).collect()
        };
        prop_assert!(pairs(&new).is_subset(&pairs(&written)));
        let known: BTreeSet<_> = pairs(&new).union(&pairs(&old)).cloned().collect();
        prop_assert!(pairs(&written).is_subset(&known));
        let again = decide(&"p".into(), new, written.as_ref(), &holds, &BTreeSet::new());
        prop_assert_eq!(again.change, BindingChange::None);
    }
}
