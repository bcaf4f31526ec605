//! What to do about one manifest, and about what a work no longer holds. Pure.

use api::ocm::work::{ManifestConfig, ManifestWorkSpec};
use apimachinery::kinds::KindTable;
use apimachinery::smd::typed::extract_items;
use apimachinery::smd::{ManagerId, Managers, Shape};
use apimachinery::{Object, ObjectId};
use serde_json::{Value, json};

use crate::applied;

/// The field manager of agents; OCM admits names that begin so.
pub const WORK_AGENT: &str = "work-agent";

/// How a manifest is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Read, merge, replace.
    Update,
    /// Only if absent.
    CreateOnly,
    /// Server-side apply.
    Apply {
        /// The field manager.
        manager: String,
        /// Take fields of others.
        force: bool,
    },
    /// Never written.
    ReadOnly,
}

/// What to do about one manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is in place.
    Nothing,
    /// Create it with this content.
    Create(Object),
    /// Replace it by this content, which bears the live resourceVersion.
    Replace(Object),
    /// Apply this content.
    Apply {
        /// The content, with our owner reference.
        object: Object,
        /// The field manager.
        manager: String,
        /// Take fields of others.
        force: bool,
    },
    /// It is not there, and may not be created.
    Missing,
}

impl Step {
    /// Whether something is written.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Replace(_) | Self::Apply { .. })
    }
}

/// The strategy that a work asks for.
pub fn strategy(spec: &ManifestWorkSpec, id: &ObjectId, plural: &str) -> Strategy {
    let config = spec.manifest_configs.iter().find(|config| names(config, id, plural));
    let Some(wanted) = config.and_then(|config| config.update_strategy.as_ref()) else {
        return Strategy::Update;
    };
    match wanted.type_.as_str() {
        "CreateOnly" => Strategy::CreateOnly,
        "ReadOnly" => Strategy::ReadOnly,
        "ServerSideApply" => {
            let apply = wanted.server_side_apply.clone().unwrap_or_default();
            let manager = apply.field_manager.filter(|manager| manager.starts_with(WORK_AGENT));
            Strategy::Apply { manager: manager.unwrap_or_else(|| WORK_AGENT.to_owned()), force: apply.force }
        }
        _ => Strategy::Update,
    }
}

fn names(config: &ManifestConfig, id: &ObjectId, plural: &str) -> bool {
    let wanted = &config.resource_identifier;
    wanted.group == id.group.as_str()
        && wanted.resource == plural
        && wanted.name == id.name.as_str()
        && wanted.namespace == id.namespace.as_ref().map_or("", |n| n.as_str())
}

/// Decides about one manifest. `owner` is the AppliedManifestWork.
pub fn step(
    manifest: &Object,
    live: Option<&Object>,
    strategy: &Strategy,
    owner: &Object,
    kinds: &KindTable,
) -> Step {
    match (strategy, live) {
        (Strategy::ReadOnly | Strategy::CreateOnly, Some(_)) => Step::Nothing,
        (Strategy::ReadOnly, None) => Step::Missing,
        (Strategy::CreateOnly | Strategy::Update, None) => {
            owned(manifest, owner).map_or(Step::Nothing, Step::Create)
        }
        (Strategy::Update, Some(live)) => update(manifest, live, owner),
        (Strategy::Apply { manager, force }, live) => {
            if live.is_some_and(|live| in_place(manifest, live, manager, (owner, kinds))) {
                return Step::Nothing;
            }
            // What an AppliedManifestWork of ours owns already is ours to repair; a foreign object is a conflict that names its managers.
            let force = *force || live.is_some_and(|live| !applied::owners(live).is_empty());
            owned(manifest, owner).map_or(Step::Nothing, |object| Step::Apply {
                object,
                manager: manager.clone(),
                force,
            })
        }
    }
}

/// The manifest with our owner reference.
fn owned(manifest: &Object, owner: &Object) -> Option<Object> {
    let mut value = manifest.to_value();
    value["metadata"]["ownerReferences"] = json!([applied::owner_reference(owner)]);
    Object::from_value(&value).ok()
}

/// Whether the fields that `manager` owns of the live object are exactly the manifest and our owner reference.
fn in_place(manifest: &Object, live: &Object, manager: &str, (owner, kinds): (&Object, &KindTable)) -> bool {
    let value = live.to_value();
    let Ok(managers) = Managers::of(&value) else { return false };
    let ours = ManagerId::applier(manager, "");
    let Some(_) = managers.get(&ours) else { return false };
    let fields = managers.fields_of(|id| *id == ours);
    let shape = kinds.schema(&manifest.header().gvk).map_or_else(Shape::deduced, Shape::of_object);
    let mut found = extract_items(&value, &fields, shape);
    let references = found.pointer_mut("/metadata/ownerReferences").map(Value::take);
    let uid = owner.header().uid.as_deref().unwrap_or_default();
    let owns =
        references.and_then(|r| r.as_array().map(|r| r.iter().any(|r| r["uid"] == uid))).unwrap_or(false);
    if let Some(metadata) = found.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("ownerReferences");
    }
    owns && without_identity(found) == without_identity(manifest.to_value())
}

/// Nobody owns apiVersion, kind, name and namespace, so they are not in what is extracted.
fn without_identity(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.remove("apiVersion");
        object.remove("kind");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("name");
            metadata.remove("namespace");
            metadata.retain(|_, value| !value.as_object().is_some_and(serde_json::Map::is_empty));
        }
        object.retain(|_, value| !value.as_object().is_some_and(serde_json::Map::is_empty));
    }
    value
}

/// OCM's update: labels, annotations and owner references are merged, finalizers kept, the rest is the manifest's; no write where nothing differs.
fn update(manifest: &Object, live: &Object, owner: &Object) -> Step {
    let (before, mut wanted) = (live.to_value(), manifest.to_value());
    for field in ["labels", "annotations"] {
        let mut merged = before["metadata"][field].as_object().cloned().unwrap_or_default();
        merged.extend(wanted["metadata"][field].as_object().cloned().unwrap_or_default());
        if !merged.is_empty() {
            wanted["metadata"][field] = Value::Object(merged);
        }
    }
    let mut references = before["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    let ours = applied::owner_reference(owner);
    if references.iter().all(|reference| reference["uid"] != ours["uid"]) {
        references.push(ours);
    }
    wanted["metadata"]["ownerReferences"] = Value::Array(references);
    for field in [
        "finalizers",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "selfLink",
    ] {
        if let Some(value) = before["metadata"].get(field) {
            wanted["metadata"][field] = value.clone();
        }
    }
    if let Some(status) = before.get("status") {
        wanted["status"] = status.clone();
    }
    if covers(&before, &wanted) {
        return Step::Nothing;
    }
    if let Some(metadata) = wanted["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    Object::from_value(&wanted).map_or(Step::Nothing, Step::Replace)
}

/// Whether the live value says everything that the wanted one says; what the server added (defaults, allocations) does not count.
fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| live.get(key).map_or(value.is_null(), |live| covers(live, value))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| covers(live, wanted))
        }
        _ => live == wanted,
    }
}

/// What to do about an object that a work no longer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone, or another object stands under its name, or nobody of ours owns it.
    Nothing,
    /// Delete it, if it still has this UID.
    Delete {
        /// Precondition.
        uid: String,
    },
    /// Another work holds it, or it shall be left behind: only our owner reference goes.
    Release(Object),
}

/// Decides about an object that leaves a work. `uid` is what the AppliedManifestWork recorded.
pub fn removal(live: Option<&Object>, uid: &str, owner: &Object, orphan: bool) -> Removal {
    let Some(live) = live.filter(|live| live.header().uid.as_deref() == Some(uid)) else {
        return Removal::Nothing;
    };
    let ours = owner.header().uid.as_deref().unwrap_or_default();
    let owners = applied::owners(live);
    if !owners.iter().any(|owner| owner == ours) {
        return Removal::Nothing;
    }
    if orphan || owners.len() > 1 {
        return released(live, ours).map_or(Removal::Nothing, Removal::Release);
    }
    if live.header().deleting { Removal::Nothing } else { Removal::Delete { uid: uid.to_owned() } }
}

/// Whether an object is still there, and ours.
pub fn is_held(live: &Object, uid: &str, owner: &Object) -> bool {
    let ours = owner.header().uid.as_deref().unwrap_or_default();
    live.header().uid.as_deref() == Some(uid) && applied::owners(live).iter().any(|owner| owner == ours)
}

fn released(live: &Object, uid: &str) -> Option<Object> {
    let mut value = live.to_value();
    let references = value["metadata"]["ownerReferences"].as_array()?;
    let kept: Vec<Value> = references.iter().filter(|reference| reference["uid"] != uid).cloned().collect();
    value["metadata"]["ownerReferences"] = Value::Array(kept);
    value["metadata"].as_object_mut()?.remove("managedFields");
    Object::from_value(&value).ok()
}

/// Whether a deleted work leaves this object behind.
pub fn is_orphaned(spec: &ManifestWorkSpec, id: &ObjectId, plural: &str) -> bool {
    let Some(option) = &spec.delete_option else { return false };
    match option.propagation_policy.as_str() {
        "Orphan" => true,
        "SelectivelyOrphan" => {
            option.selectively_orphans.iter().flat_map(|orphans| &orphans.orphaning_rules).any(|rule| {
                rule.group == id.group.as_str()
                    && rule.resource == plural
                    && rule.name == id.name.as_str()
                    && rule.namespace == id.namespace.as_ref().map_or("", |n| n.as_str())
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Object {
        Object::from_value(value).unwrap()
    }

    fn owner() -> Object {
        object(
            &json!({ "apiVersion": "work.open-cluster-management.io/v1", "kind": "AppliedManifestWork", "metadata": { "name": "amw", "uid": "u1" } }),
        )
    }

    fn config_map(extra: &Value) -> Object {
        let mut value = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c", "namespace": "n" }, "data": { "a": "1" } });
        for (key, entry) in extra.as_object().unwrap() {
            value["metadata"][key] = entry.clone();
        }
        object(&value)
    }

    #[test]
    fn create_only_never_touches_what_is_there() {
        let live = config_map(&json!({ "uid": "x" }));
        assert_eq!(
            step(
                &config_map(&json!({})),
                Some(&live),
                &Strategy::CreateOnly,
                &owner(),
                KindTable::built_in()
            ),
            Step::Nothing
        );
        let created =
            step(&config_map(&json!({})), None, &Strategy::CreateOnly, &owner(), KindTable::built_in());
        assert!(matches!(created, Step::Create(_)));
    }

    #[test]
    fn update_keeps_foreign_labels_and_finalizers_and_is_quiet_when_nothing_differs() {
        let live = config_map(
            &json!({ "uid": "x", "labels": { "theirs": "1" }, "finalizers": ["f"], "resourceVersion": "7" }),
        );
        let Step::Replace(written) =
            step(&config_map(&json!({})), Some(&live), &Strategy::Update, &owner(), KindTable::built_in())
        else {
            panic!("the owner reference is missing, so it must be written");
        };
        let value = written.to_value();
        assert_eq!(value["metadata"]["labels"], json!({ "theirs": "1" }));
        assert_eq!(value["metadata"]["finalizers"], json!(["f"]));
        assert_eq!(value["metadata"]["resourceVersion"], "7");
        assert_eq!(
            step(&config_map(&json!({})), Some(&written), &Strategy::Update, &owner(), KindTable::built_in()),
            Step::Nothing
        );
    }

    #[test]
    fn a_foreign_object_is_applied_without_force_and_an_owned_one_with() {
        let apply = Strategy::Apply { manager: WORK_AGENT.to_owned(), force: false };
        let force_of = |live: &Object| match step(
            &config_map(&json!({})),
            Some(live),
            &apply,
            &owner(),
            KindTable::built_in(),
        ) {
            Step::Apply { force, .. } => force,
            other => panic!("{other:?}"),
        };
        assert!(!force_of(&config_map(&json!({ "uid": "x" }))));
        assert!(force_of(&config_map(
            &json!({ "uid": "x", "ownerReferences": [applied::owner_reference(&owner())] })
        )));
    }

    #[test]
    fn what_another_work_owns_too_is_released_and_not_deleted() {
        let ours = applied::owner_reference(&owner());
        let mut theirs = ours.clone();
        theirs["uid"] = json!("u2");
        let shared = config_map(&json!({ "uid": "x", "ownerReferences": [ours, theirs] }));
        let Removal::Release(released) = removal(Some(&shared), "x", &owner(), false) else { panic!() };
        assert_eq!(applied::owners(&released), ["u2"]);
        let sole = config_map(&json!({ "uid": "x", "ownerReferences": [ours] }));
        assert_eq!(removal(Some(&sole), "x", &owner(), false), Removal::Delete { uid: "x".to_owned() });
        assert_eq!(removal(Some(&sole), "other", &owner(), false), Removal::Nothing);
        assert!(matches!(removal(Some(&sole), "x", &owner(), true), Removal::Release(_)));
        assert_eq!(removal(None, "x", &owner(), false), Removal::Nothing);
    }
}
