//! Whoever repairs the same object again and again fights with somebody: an autoscaler, a controller that deletes what has ended. A few repairs are everyday work;
//! then the object is left as it is for a while, and its work says with whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use apimachinery::kinds::KindTable;
use apimachinery::smd::typed::to_field_set;
use apimachinery::smd::{ManagerId, Managers, Shape};
use apimachinery::{Name, Object, ObjectId};

/// Repairs of one object within [`WINDOW`].
const MOST_REPAIRS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Fields that a message names.
const MOST_FIELDS: usize = 5;

/// When each object of each work was repaired.
#[derive(Default)]
pub(crate) struct Repairs {
    times: Mutex<BTreeMap<(Name, ObjectId), Vec<Duration>>>,
}

impl Repairs {
    /// Whether an object may be repaired once more now (monotonic time). If so, it counts.
    pub(crate) fn admit(&self, work: &Name, id: &ObjectId, now: Duration) -> bool {
        let mut all = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let times = all.entry((work.clone(), id.clone())).or_default();
        times.retain(|time| now.saturating_sub(*time) < WINDOW);
        let admitted = times.len() < MOST_REPAIRS;
        if admitted {
            times.push(now);
        }
        admitted
    }

    /// Forgets works that are gone.
    pub(crate) fn retain(&self, is_there: impl Fn(&Name) -> bool) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).retain(|(work, _), _| is_there(work));
    }
}

/// Why an object is left as it is: who changed what we declare, or that it is deleted again and again.
pub(crate) fn in_words(manifest: &Object, live: Option<&Object>, manager: &str, kinds: &KindTable) -> String {
    let vain = format!("{MOST_REPAIRS} repairs within {} minutes were in vain", WINDOW.as_secs() / 60);
    let Some(live) = live else {
        return format!("Contended: somebody deletes it again and again, {vain}; it is created again later");
    };
    let (managers, fields) = takers(manifest, live, manager, kinds);
    if managers.is_empty() {
        return format!("Contended: somebody changes it again and again, {vain}");
    }
    format!(
        "Contended: {} changes {} again and again, {vain}; leave these fields to it with the unit's `ignore`, or stop it",
        managers.join(", "),
        fields.join(", ")
    )
}

/// The managers that hold fields which the manifest declares and `manager` does not own, and these fields.
fn takers(manifest: &Object, live: &Object, manager: &str, kinds: &KindTable) -> (Vec<String>, Vec<String>) {
    let managed = Managers::of(&live.to_value()).unwrap_or_default();
    let shape = kinds.schema(&manifest.header().gvk).map_or_else(Shape::deduced, Shape::of_object);
    let own = managed.get(&ManagerId::applier(manager, "")).map(|m| m.fields.clone()).unwrap_or_default();
    let lost = to_field_set(&manifest.to_value(), shape).difference(&own);
    let (mut names, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for (id, theirs) in managed.iter().filter(|(id, _)| id.manager != manager) {
        let taken = theirs.fields.intersection(&lost).leaves();
        if !taken.is_empty() {
            names.insert(id.manager.clone());
            fields.extend(taken.paths().iter().map(ToString::to_string));
        }
    }
    (names.into_iter().collect(), fields.into_iter().take(MOST_FIELDS).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn five_repairs_in_ten_minutes_are_enough() {
        let repairs = Repairs::default();
        let (work, id) = (Name::from("w"), ObjectId::new("apps", "Deployment", Some("shop"), "cart"));
        let at = |second: u64| repairs.admit(&work, &id, Duration::from_secs(second));
        assert_eq!([0, 1, 2, 3, 4, 5].map(at), [true, true, true, true, true, false]);
        assert!(!at(599));
        assert!(at(600), "the first is forgotten");
        assert!(!at(600));
        repairs.retain(|_| false);
        assert!(at(601));
    }

    #[test]
    fn who_took_a_declared_field_is_named() {
        let manifest = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart", "namespace": "shop" }, "spec": { "replicas": 2, "paused": true }
        });
        let mut live = manifest.clone();
        live["spec"]["replicas"] = json!(4);
        live["metadata"]["managedFields"] = json!([
            { "manager": "work-agent", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:paused": {} } } },
            { "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1", "subresource": "scale", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
            { "manager": "other", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:minReadySeconds": {} } } },
        ]);
        let object = |value| Object::from_value(value).unwrap();
        let words = in_words(&object(&manifest), Some(&object(&live)), "work-agent", KindTable::built_in());
        assert!(
            words.starts_with("Contended: kube-controller-manager changes .spec.replicas again"),
            "{words}"
        );
        assert!(
            in_words(&object(&manifest), None, "work-agent", KindTable::built_in()).contains("deletes it")
        );
    }
}
