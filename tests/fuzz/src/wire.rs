//! What API servers and the status ref hold: kinds of KubeStellar and OCM, our own, and the inventory snapshot.

use std::fmt::Debug;

use api::gitstellar::{GitSourceSpec, UnitSpec, UnitStatus};
use api::kubestellar::{BindingPolicySpec, BindingSpec, WorkStatus};
use api::ocm::cluster::ManagedClusterSpec;
use api::ocm::work::{AppliedManifestWorkStatus, ManifestWorkSpec, ManifestWorkStatus};
use apimachinery::Object;
use apimachinery::kinds::KindTable;
use plan::report::{ReportInput, Snapshot, files, parse_snapshot};
use plan::{Policy, PolicyName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bundle;

/// What is written reads back as the same.
fn comes_back<T: DeserializeOwned + Serialize + PartialEq + Debug>(value: Option<&Value>) {
    let Some(read) = value.and_then(|value| serde_json::from_value::<T>(value.clone()).ok()) else { return };
    let written = serde_json::to_value(&read).unwrap();
    let again = serde_json::from_value::<T>(written);
    assert_eq!(again.as_ref().ok(), Some(&read), "{again:?}");
}

/// A Binding, a ManifestWork, a WorkStatus: whatever the object, each reader takes it or leaves it.
pub fn wire(bytes: &[u8]) {
    let Some(value) = bundle::json(bytes) else { return };
    let (spec, status) = (value.get("spec"), value.get("status"));
    comes_back::<BindingSpec>(spec);
    comes_back::<ManifestWorkSpec>(spec);
    comes_back::<ManifestWorkStatus>(status);
    comes_back::<AppliedManifestWorkStatus>(status);
    comes_back::<ManagedClusterSpec>(spec);
    comes_back::<WorkStatus>(Some(&value));
    let Ok(object) = Object::from_value(&value) else { return };
    assert_eq!(
        Object::from_canonical(object.bytes().clone()).map(|again| again.digest()).ok(),
        Some(object.digest())
    );
    let policy = PolicyName::from(object.header().name.as_str());
    let _ = hub::binding::wire::controlling_policy(&object);
    if let Some(content) = hub::binding::wire::content(&object) {
        let written = hub::binding::wire::object((&policy, "uid"), &content, Some(&object));
        let again = written.as_ref().and_then(hub::binding::wire::content);
        assert_eq!(again.as_ref(), Some(&content), "a Binding does not come back");
    }
    let observed = hub::transport::wire::observed(&object, KindTable::built_in());
    assert_eq!(
        format!("{observed:?}"),
        format!("{:?}", hub::transport::wire::observed(&object, KindTable::built_in()))
    );
}

/// A GitSource, a Unit, a BindingPolicy.
pub fn our_kinds(bytes: &[u8]) {
    let Some(value) = bundle::json(bytes) else { return };
    let (spec, status) = (value.get("spec"), value.get("status"));
    comes_back::<GitSourceSpec>(spec);
    comes_back::<UnitSpec>(spec);
    comes_back::<UnitStatus>(status);
    comes_back::<BindingPolicySpec>(spec);
    if let Some(policy) = Policy::parse(&value, None) {
        assert!(policy.problems.iter().all(|problem| !problem.is_empty()));
    }
    let Ok(object) = Object::from_value(&value) else { return };
    let source = hub::source::SourceSpec::read(&hub::Settings::new("wds1", "mirrors".into()), &object);
    assert!(
        source.interval.as_secs() >= 5 && source.interval.as_secs() <= 24 * 3600,
        "{:?}",
        source.interval
    );
    if source.location.is_ok() {
        assert!(!source.is_local(), "a path on this machine was not allowed");
        for branch in source.branch.iter().chain(&source.report_branch) {
            assert!(
                !branch.starts_with('-') && !branch.contains("..") && !branch.contains(char::is_control),
                "{branch:?}"
            );
        }
        assert!(source.branch.is_none() || source.branch != source.report_branch, "it tracks its own status");
    }
}

/// The inventory of a status ref. What is written of it reads back, and is then written the same.
pub fn snapshot(bytes: &[u8]) {
    let written = |snapshot: Snapshot| {
        let mut files = files(&ReportInput { snapshot, ..ReportInput::default() });
        files.remove("inventory.json").unwrap_or_default()
    };
    let Ok(snapshot) = parse_snapshot(bytes) else { return };
    let once = written(snapshot);
    let again = parse_snapshot(&once);
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(written(again.unwrap()), once);
}
