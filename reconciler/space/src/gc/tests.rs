use apimachinery::{GroupResource, Object};
use serde_json::{Value, json};

use super::decide::{Action, Dependents, Owner, decide};
use super::deletion::after_deletion;
use super::graph::Reference;
use super::{Graph, without_finalizer};
use crate::builtin;
use crate::space::{Next, Place};
use crate::write::delete_options::Propagation;

const NOW: &str = "2026-11-20T12:00:00Z";

fn reference(uid: &str) -> Reference {
    Reference { uid: uid.into(), ..Reference::default() }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tables of literals read better")]
fn check(owners: &[(&str, Owner)], dependents: Dependents, finalizers: Value, expected: Action) {
    let owners: Vec<(Reference, Owner)> =
        owners.iter().map(|(uid, owner)| (reference(uid), *owner)).collect();
    let object = json!({"metadata": {"finalizers": finalizers}});
    assert_eq!(decide(&object, &owners, dependents), expected, "{owners:?}");
}

#[test]
fn a_dependent_goes_with_its_last_owner() {
    use Owner::{Absent, Present, Waiting};
    let background = Action::Delete(Propagation::Background);
    check(&[], Dependents::None, json!([]), Action::Stay);
    check(&[("a", Present)], Dependents::None, json!([]), Action::Stay);
    check(&[("a", Absent)], Dependents::None, json!([]), background.clone());
    check(&[("a", Absent), ("b", Absent)], Dependents::Some, json!([]), background.clone());
    check(&[("a", Absent), ("b", Present)], Dependents::None, json!([]), Action::Release(vec!["a".into()]));
    check(&[("a", Waiting), ("b", Present)], Dependents::None, json!([]), Action::Release(vec!["a".into()]));
    check(&[("a", Waiting)], Dependents::None, json!([]), background);
    check(&[("a", Waiting)], Dependents::Some, json!([]), Action::Delete(Propagation::Foreground));
    check(&[("a", Waiting)], Dependents::Waiting, json!([]), Action::DeleteUnblocking);
    check(&[("a", Absent)], Dependents::None, json!(["orphan"]), Action::Delete(Propagation::Orphan));
}

fn deleted(plural: &str, object: &Value, policy: Option<Propagation>) -> Next {
    let registry = builtin::registry();
    let resource = registry.get(&GroupResource::new("", plural)).unwrap();
    after_deletion(resource, object.clone(), policy, NOW.parse().unwrap())
}

#[test]
fn an_object_without_finalizers_goes_at_once() {
    let object = json!({"metadata": {"name": "a"}});
    assert!(matches!(deleted("configmaps", &object, None), Next::Gone(Some(last)) if last == object));
    assert!(matches!(deleted("configmaps", &object, Some(Propagation::Background)), Next::Gone(_)));
}

#[test]
fn a_policy_becomes_a_finalizer() {
    let object = json!({"metadata": {"name": "a", "generation": 3}});
    let Next::Put(waiting) = deleted("configmaps", &object, Some(Propagation::Foreground)) else {
        panic!("it waits")
    };
    assert_eq!(
        waiting,
        json!({"metadata": {
            "name": "a", "generation": 4, "finalizers": ["foregroundDeletion"],
            "deletionTimestamp": NOW, "deletionGracePeriodSeconds": 0,
        }})
    );
    // Said again, nothing changes; said otherwise, the other policy holds.
    assert!(matches!(deleted("configmaps", &waiting, None), Next::Keep));
    assert!(matches!(deleted("configmaps", &waiting, Some(Propagation::Background)), Next::Gone(_)));
    let released = without_finalizer(&waiting, "foregroundDeletion");
    assert_eq!(released["metadata"].get("finalizers"), None);
}

#[test]
fn a_namespace_waits_for_its_content_and_a_definition_for_its_objects() {
    let namespace = json!({"metadata": {"name": "a"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
    let Next::Put(terminating) = deleted("namespaces", &namespace, None) else { panic!("it waits") };
    assert_eq!(terminating["status"]["phase"], "Terminating");
    assert_eq!(terminating["metadata"], json!({"name": "a", "deletionTimestamp": NOW}));
    let definition = json!({"metadata": {"name": "widgets.example.com", "generation": 1}});
    let registry = builtin::registry();
    let resource = registry.get(&crate::crd::DEFINITIONS).unwrap();
    let Next::Put(terminating) = after_deletion(resource, definition, None, NOW.parse().unwrap()) else {
        panic!("it waits")
    };
    assert_eq!(terminating["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
    assert_eq!(terminating["metadata"]["deletionTimestamp"], NOW);
    assert_eq!(terminating["metadata"]["generation"], 1);
    assert_eq!(terminating["status"]["conditions"][0]["reason"], "InstanceDeletionPending");
}

#[test]
fn the_graph_follows_the_references() {
    let place = |name: &str| Place::new(GroupResource::new("", "configmaps"), Some("n"), name);
    let object = |owners: &[&str]| {
        let references: Vec<Value> = owners.iter().map(|uid| json!({"uid": uid, "name": "o"})).collect();
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "ownerReferences": references}});
        Object::from_value(&value).unwrap()
    };
    let names =
        |graph: &Graph, uid: &str| graph.dependents(uid).map(|place| place.name.clone()).collect::<Vec<_>>();
    let mut graph = Graph::default();
    graph.note(&place("a"), Some(&object(&["1", "2"])));
    graph.note(&place("b"), Some(&object(&["1"])));
    assert_eq!(names(&graph, "1"), ["a", "b"]);
    graph.note(&place("a"), Some(&object(&["2"])));
    assert_eq!((names(&graph, "1"), names(&graph, "2")), (vec!["b".into()], vec!["a".to_owned()]));
    graph.note(&place("a"), None);
    graph.note(&place("b"), Some(&object(&[])));
    assert_eq!(names(&graph, "1"), Vec::<String>::new());
    assert_eq!(names(&graph, "2"), Vec::<String>::new());
}
