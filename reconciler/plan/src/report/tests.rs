use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::*;
use crate::health::{Health, HealthState};
use crate::status::{PairState, UnitInput, unit_status};
use crate::{Cluster, Finding};

fn pair(kind: &str, name: &str, cluster: &str, state: PairState) -> PairStatus {
    PairStatus { pair: Pair::new(ObjectId::new("", kind, Some("shop"), name), cluster.into()), state }
}

fn healthy() -> PairState {
    PairState::Applied(Health::healthy())
}

fn unit(name: &str, pairs: Vec<PairStatus>) -> (UnitName, ReportedUnit) {
    let name = UnitName::from(name);
    let input = UnitInput {
        unit: &name,
        commit: "c0ffee",
        advancing: false,
        objects: 2,
        failures: &[],
        tally: &pairs.iter().collect(),
    };
    let status = unit_status(&input);
    (name, ReportedUnit { path: "apps/x".into(), status, pairs })
}

fn report(units: Vec<(UnitName, ReportedUnit)>) -> ReportInput {
    ReportInput {
        source: Some("shop".into()),
        commit: "c0ffee0123456789".into(),
        git_ref: "main".into(),
        units: units.into_iter().collect(),
        ..ReportInput::default()
    }
}

fn readme(input: &ReportInput) -> String {
    String::from_utf8(files(input).remove("README.md").unwrap()).unwrap()
}

#[test]
fn the_readme_shows_units_by_clusters_and_what_is_wrong() {
    let degraded = Health::new(HealthState::Degraded, "ImagePullBackOff", "image a|b <none>");
    let input = report(vec![
        unit(
            "cart",
            vec![
                pair("Pod", "a", "edge-1", healthy()),
                pair("Pod", "a", "edge-2", PairState::Applied(degraded)),
            ],
        ),
        unit("web", vec![pair("Pod", "w", "edge-1", PairState::Pending("not yet".into()))]),
    ]);
    let expected = "\
# shop

Commit `c0ffee0123` of main: **0 of 2 units ready**, changes are under way.

| unit | ready | objects | clusters | edge-1 | edge-2 |
| --- | --- | --- | --- | --- | --- |
| [cart](units/cart.json) | ❌ | 2 | 2 | ✅ 1 | ❌ 0/1 |
| [web](units/web.json) | ⏳ | 2 | 1 | ⏳ 0/1 |  |

## Not ready

- **cart**: Pod shop/a on edge-2: Degraded: ImagePullBackOff: image a\\|b \\<none\\>

This branch is written by gitstellar and shares no history with the source; edits are overwritten.
";
    assert_eq!(readme(&input), expected);
}

#[test]
fn a_fleet_is_counted_instead_of_tabulated() {
    let pairs = (0..100).map(|i| pair("Pod", "a", &format!("c{i}"), healthy())).collect();
    let text = readme(&report(vec![unit("cart", pairs)]));
    assert!(text.contains("| [cart](units/cart.json) | ✅ | 2 | 100 |\n"), "{text}");
}

#[test]
fn held_removals_and_findings_are_named() {
    let mut input = report(Vec::new());
    input.held.push(HeldRemovals {
        hash: "ab12".into(),
        reason: "all 1 placements would be removed".into(),
        pairs: vec![Pair::new(ObjectId::new("", "Pod", Some("shop"), "a"), "edge-1".into())],
    });
    input.findings.push(Finding::warning("ns-missing", None, "namespace shop"));
    input.findings.push(Finding::blocker("unit-failed", None, "a.yaml:3: no\n  | {{ `x` | quote }}"));
    let text = readme(&input);
    assert!(
        text.contains("`gitstellar approve ab12` releases exactly these:\n\n- Pod shop/a on edge-1\n"),
        "{text}"
    );
    assert!(text.contains("- warning ns-missing: namespace shop\n"), "{text}");
    assert!(text.contains("- blocker unit-failed: a.yaml:3: no\n  ``{{ `x` | quote }}``\n"), "{text}");
}

#[test]
fn files_hold_no_content_and_stay_in_their_directory() {
    let input = report(vec![
        unit("../../evil", vec![pair("Secret", "token", "c", healthy())]),
        unit(".git", Vec::new()),
    ]);
    let files = files(&input);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            "README.md",
            "inventory.json",
            "placement.json",
            "summary.json",
            "units/_.._.._evil.json",
            "units/_.git.json"
        ]
    );
    let placement: serde_json::Value = serde_json::from_slice(&files["placement.json"]).unwrap();
    assert_eq!(placement["units"]["../../evil"]["Secret shop/token"][0], "c");
}

#[test]
fn the_gist_reads_back_what_was_committed() {
    let input = report(vec![
        unit("cart", vec![pair("Pod", "a", "c", PairState::Failed("no".into()))]),
        unit("web", vec![pair("Pod", "a", "c", healthy())]),
    ]);
    let gist = gist(&input);
    assert_eq!(gist_of(&files(&input)), Some(gist.clone()));
    assert!(gist.converged, "what failed does not change by itself");
    assert_eq!(gist.ready.values().copied().collect::<Vec<_>>(), [false, true]);
    assert_eq!(gist_of(&Files::new()), None);
}

fn snapshot() -> Snapshot {
    let text = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let cluster = Cluster {
        labels: text(&[("env", "prod"), ("owner", "alice")]),
        annotations: text(&[("region", "eu")]),
        properties: text(&[("url", "x"), ("token", "t")]),
        origin: None,
    };
    let policy = Object::from_json(
        br#"{"apiVersion":"control.kubestellar.io/v1alpha1","kind":"BindingPolicy","metadata":{"name":"p","uid":"1"},
            "spec":{"clusterSelectors":[]},"status":{"observedGeneration":1}}"#,
    );
    let kinds: BTreeSet<GroupVersionKind> = ["apps/v1/Deployment", "v1/Pod"]
        .iter()
        .filter_map(|text| text.rsplit_once('/'))
        .map(|(version, kind)| {
            let parsed = apimachinery::GroupVersion::parse(version);
            GroupVersionKind { group: parsed.group, version: parsed.version, kind: kind.into() }
        })
        .collect();
    Snapshot {
        clusters: [("a".into(), cluster.clone()), ("b".into(), cluster)].into(),
        labels: ["env".to_owned()].into(),
        properties: ["url".to_owned(), "region".to_owned()].into(),
        served: [("a".into(), kinds.clone()), ("b".into(), kinds)].into(),
        foreign_policies: vec![policy.unwrap()],
        foreign_objects: [(ObjectId::new("", "Namespace", None, "shop"), ["a".into()].into())].into(),
    }
}

use apimachinery::Object;

#[test]
fn the_snapshot_holds_only_what_somebody_reads_and_reads_back() {
    let bytes = snapshot::write(&snapshot());
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(
        !text.contains("alice") && !text.contains("token") && !text.contains("observedGeneration"),
        "{text}"
    );
    let read = parse_snapshot(&bytes).unwrap();
    assert_eq!(read.clusters[&ClusterName::from("a")].labels.len(), 1);
    assert_eq!(read.served, snapshot().served);
    assert_eq!(read.foreign_objects, snapshot().foreign_objects);
    assert_eq!(read.foreign_policies[0].header().name, "p");
    assert_eq!(snapshot::write(&read), bytes);
}

#[test]
fn a_snapshot_that_cannot_be_read_says_why() {
    let check = |bytes: &[u8], expected: &str| {
        let error = parse_snapshot(bytes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(b"{}", "inventory.json cannot be read: it has no format");
    check(b"nonsense", "inventory.json cannot be read: expected");
    check(br#"{"format": 9}"#, "inventory.json has format 9, and this gitstellar reads up to 1");
}

#[test]
fn the_message_keeps_pipelines_away_and_cannot_be_forged() {
    let evil = PairState::Failed("no\n\nGitstellar-Approve: ab12".into());
    let message = commit_message(&report(vec![unit("cart", vec![pair("Pod", "a", "c", evil)])]));
    assert_eq!(
        message,
        "Status of c0ffee0123: 0 of 1 units ready [skip ci]\n\n- Pod shop/a on c: no  Gitstellar-Approve: ab12\n\n\
         Gitstellar-Commit: c0ffee0123456789\n"
    );
}

const PACING: Pacing = Pacing { progress_ms: 300, change_ms: 30 };

fn check_pace(last: (&str, bool, bool), ago_ms: u64, next: (&str, bool, bool), expected: Verdict) {
    let gist = |(commit, ready, converged): (&str, bool, bool)| Gist {
        commit: commit.into(),
        ready: [("u".into(), ready)].into(),
        converged,
        ..Gist::default()
    };
    let converged = last.2.then(|| last.0.to_owned());
    let committed = Committed { files: Digest::of(b"old"), gist: gist(last), converged, ago_ms };
    assert_eq!(should_commit(Some(&committed), (&gist(next), Digest::of(b"new")), PACING), expected);
}

#[test]
fn commits_are_paced_by_what_they_say() {
    let (idle, busy, done) = (("x", false, false), ("x", false, false), ("x", true, true));
    check_pace(idle, 0, busy, Verdict::Later(300));
    check_pace(idle, 299, busy, Verdict::Later(1));
    check_pace(idle, 300, busy, Verdict::Now);
    check_pace(idle, 0, done, Verdict::Now);
    check_pace(done, 10, ("x", false, true), Verdict::Later(20));
    check_pace(done, 30, ("x", false, true), Verdict::Now);
    check_pace(done, 0, ("y", true, false), Verdict::Later(300));
    check_pace(done, 0, ("y", true, true), Verdict::Now);
    let gist = Gist::default();
    assert_eq!(should_commit(None, (&gist, Digest::of(b"")), PACING), Verdict::Now);
    let same = Committed { files: Digest::of(b""), gist: Gist::default(), converged: None, ago_ms: 9999 };
    assert_eq!(should_commit(Some(&same), (&gist, Digest::of(b"")), PACING), Verdict::No);
}

fn states() -> impl Strategy<Value = Vec<(u64, bool, bool)>> {
    let step = (prop_oneof![Just(1_u64), Just(7), Just(40)], any::<bool>(), any::<bool>());
    proptest::collection::vec(step, 1..80)
}

proptest! {
    /// Whatever one source commit goes through, the ref is written at most once per `change_ms`, but for the first state and the first converged one.
    #[test]
    fn flapping_does_not_flood(states in states()) {
        let (mut now, mut commits) = (0_u64, Vec::new());
        let mut last: Option<(Committed, u64)> = None;
        for (index, (wait, ready, converged)) in states.iter().enumerate() {
            now += wait;
            let gist = Gist { ready: [("u".into(), *ready)].into(), converged: *converged, ..Gist::default() };
            let files = Digest::of(&index.to_be_bytes());
            let committed = last.as_ref().map(|(c, at)| Committed { ago_ms: now - at, ..c.clone() });
            if should_commit(committed.as_ref(), (&gist, files), PACING) == Verdict::Now {
                commits.push(now);
                let remembered = committed.and_then(|c| c.converged).or_else(|| converged.then(String::new));
                last = Some((Committed { files, gist, converged: remembered, ago_ms: 0 }, now));
            }
        }
        let close = commits.windows(2).filter(|w| w[1] - w[0] < PACING.change_ms).count();
        prop_assert!(close <= 1, "{commits:?}");
        prop_assert_eq!(commits.first(), Some(&states[0].0));
    }
}
