use std::sync::Arc;

use apimachinery::kinds::KindTable;
use serde_json::{Value, json};

use super::*;
use crate::allow::Pattern;
use crate::intent::marked;
use crate::intent::server::Server;
use crate::names::UNIT_LABEL;
use crate::{DeclaredObject, Unit};

fn object(value: &Value) -> Object {
    Object::from_value(value).unwrap()
}

fn config_map(name: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "labels": {UNIT_LABEL: "cart"}},
        "data": {"text": text},
    })
}

fn id_of(value: &Value) -> ObjectId {
    object(value).id()
}

/// A source, the WDS it writes to, and the ledger between two syncs.
struct World {
    source: SourceName,
    declaration: Declaration,
    settings: BTreeMap<UnitName, UnitSettings>,
    allow: Allow,
    ledger: Vec<LedgerEntry>,
    live: BTreeMap<ObjectId, Live>,
    kinds: KindTable,
    held: BTreeSet<ObjectId>,
}

impl World {
    fn new() -> Self {
        Self {
            source: "shop".into(),
            declaration: Declaration::default(),
            settings: BTreeMap::new(),
            allow: Allow::default(),
            ledger: Vec::new(),
            live: BTreeMap::new(),
            kinds: KindTable::built_in().clone(),
            held: BTreeSet::new(),
        }
    }

    /// One unit `cart` that declares these objects.
    fn declare(&mut self, objects: &[Value]) {
        let declared = |value: &Value| DeclaredObject {
            object: object(value),
            origin: Origin { file: "apps/cart/x.yaml".into(), line: 1 },
            encrypted: false,
        };
        let objects = Arc::new(objects.iter().map(declared).collect());
        self.declaration.units =
            vec![Unit { name: "cart".into(), path: "apps/cart".into(), objects, failure: None }];
    }

    fn input(&self) -> SyncInput<'_> {
        SyncInput {
            source: &self.source,
            declaration: &self.declaration,
            settings: &self.settings,
            allow: &self.allow,
            ledger: &self.ledger,
            live: &self.live,
            kinds: &self.kinds,
            held: &self.held,
        }
    }

    fn present(&self, id: &ObjectId) -> Option<Value> {
        match self.live.get(id) {
            Some(Live::Present(live)) => Some(live.to_value()),
            _ => None,
        }
    }

    /// Plans and performs.
    fn sync(&mut self) -> SyncPlan {
        let ids: Vec<ObjectId> =
            self.declaration.units.iter().flat_map(|u| u.objects.iter().map(|o| o.object.id())).collect();
        for id in ids {
            self.live.entry(id).or_insert(Live::Absent);
        }
        let plan = plan(&self.input());
        let mut outcomes = BTreeMap::new();
        for step in &plan.steps {
            match step {
                SyncStep::Apply(step) => {
                    let id = step.object.id();
                    let (sent, live) = (step.object.to_value(), self.present(&id));
                    let mut server = Server::of(&sent);
                    let stored = match step.mode {
                        WriteMode::Apply => server.apply(live.as_ref(), &sent, &self.source.field_manager()),
                        WriteMode::Update => {
                            let mut stored = server.update(live.as_ref(), sent, &self.source.field_manager());
                            stored["metadata"]["uid"] = "u1".into();
                            stored
                        }
                    };
                    self.live.insert(id.clone(), Live::Present(object(&stored)));
                    outcomes.insert(id, Outcome::Applied("u1".into()));
                }
                SyncStep::WaitForKind(_) => {}
                SyncStep::Prune { id, .. } => {
                    self.live.insert(id.clone(), Live::Absent);
                    outcomes.insert(id.clone(), Outcome::Pruned);
                }
            }
        }
        self.ledger = ledger_after(&plan, &outcomes);
        plan
    }

    fn edit(&mut self, id: &ObjectId, edit: impl FnOnce(&mut Value)) {
        let mut value = self.present(id).unwrap();
        edit(&mut value);
        self.live.insert(id.clone(), Live::Present(object(&value)));
    }
}

fn steps(plan: &SyncPlan) -> Vec<String> {
    let text = |step: &SyncStep| match step {
        SyncStep::Apply(step) => format!("apply {}", step.object.id()),
        SyncStep::WaitForKind(gvk) => format!("wait for {gvk}"),
        SyncStep::Prune { id, .. } => format!("prune {id}"),
    };
    plan.steps.iter().map(text).collect()
}

/// A world in which `a` and `b` are applied.
fn applied() -> World {
    let mut world = World::new();
    world.declare(&[config_map("a", "1"), config_map("b", "1")]);
    world.sync();
    world
}

#[test]
fn what_is_as_declared_is_not_written_again() {
    let mut world = applied();
    assert_eq!(world.ledger.len(), 2);
    let plan = world.sync();
    assert_eq!((steps(&plan), plan.unchanged.len()), (Vec::new(), 2));
    world.declare(&[config_map("a", "2"), config_map("b", "1")]);
    assert_eq!(steps(&world.sync()), ["apply ConfigMap shop/a"]);
}

#[test]
fn a_hand_edit_is_repaired() {
    let mut world = applied();
    let id = id_of(&config_map("a", ""));
    let stored = world.present(&id).unwrap();
    let mut new = stored.clone();
    new["data"]["text"] = "by hand".into();
    let edited = Server::of(&stored).update(Some(&stored), new, "kubectl-edit");
    world.live.insert(id, Live::Present(object(&edited)));
    assert_eq!(steps(&world.sync()), ["apply ConfigMap shop/a"]);
    assert_eq!(steps(&world.sync()), Vec::<String>::new());
}

fn crd((group, version): (&str, &str), kind: &str, plural: &str, scope: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": scope,
            "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") },
            "versions": [{ "name": version, "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object" } } }],
        },
    })
}

#[test]
fn kinds_come_before_objects_and_policies_after() {
    let mut world = World::new();
    for (kind, plural) in [("BindingPolicy", "bindingpolicies"), ("StatusCollector", "statuscollectors")] {
        let crd = crd(("control.kubestellar.io", "v1alpha1"), kind, plural, "Cluster");
        world.kinds = world.kinds.with_crd(&crd).unwrap();
    }
    world.declare(&[
        json!({"apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "metadata": {"name": "p"}}),
        json!({"apiVersion": "shop.io/v1", "kind": "Cart", "metadata": {"name": "c", "namespace": "shop"}}),
        json!({"apiVersion": "unknown.io/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "shop"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "shop"}}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
        json!({"apiVersion": "control.kubestellar.io/v1alpha1", "kind": "StatusCollector", "metadata": {"name": "sc"}}),
        crd(("shop.io", "v1"), "Cart", "carts", "Namespaced"),
    ]);
    let plan = plan(&world.input());
    assert_eq!(
        steps(&plan),
        [
            "apply CustomResourceDefinition.apiextensions.k8s.io carts.shop.io",
            "apply Namespace shop",
            "apply Service shop/s",
            "wait for shop.io/v1, Kind=Cart",
            "apply Cart.shop.io shop/c",
            "apply StatusCollector.control.kubestellar.io sc",
            "apply BindingPolicy.control.kubestellar.io p",
        ]
    );
    let unknown: Vec<String> = plan.refused.values().map(ToString::to_string).collect();
    assert!(unknown.len() == 1 && unknown[0].contains("does not serve unknown.io/v1"), "{unknown:?}");
}

#[test]
fn what_is_no_longer_declared_is_pruned_with_preconditions() {
    let mut world = applied();
    world.declare(&[config_map("a", "1")]);
    let gone = id_of(&config_map("b", ""));
    assert_eq!(removals(&world.input()), [gone.clone()].into());
    let plan = world.sync();
    let [SyncStep::Prune { id, uid, resource_version, .. }] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!((id, uid.as_str(), resource_version.is_empty()), (&gone, "u1", false));
    assert_eq!(world.ledger.len(), 1);
}

fn check_kept(change: impl FnOnce(&mut World, &ObjectId), expected: &PruneRefusal) {
    let mut world = applied();
    world.declare(&[config_map("a", "1")]);
    let id = id_of(&config_map("b", ""));
    change(&mut world, &id);
    let plan = world.sync();
    assert_eq!(plan.kept, [(id.clone(), expected.clone())].into());
    assert_eq!(steps(&plan), Vec::<String>::new());
    assert!(world.ledger.iter().any(|entry| entry.id == id), "what was not removed stays in the ledger");
}

#[test]
fn any_doubt_keeps_an_object() {
    check_kept(
        |world, id| world.edit(id, |v| v["metadata"]["annotations"]["gitstellar.io/object"] = "x".into()),
        &PruneRefusal::NotNamed,
    );
    check_kept(|world, id| world.edit(id, |v| v["metadata"]["uid"] = "u2".into()), &PruneRefusal::OtherUid);
    check_kept(
        |world, id| {
            world.ledger.iter_mut().for_each(|entry| entry.uid = None);
            world.edit(id, |v| {
                let other = json!({ "manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { "f:mine": {} } } });
                v["metadata"]["managedFields"].as_array_mut().unwrap().push(other);
            });
        },
        &PruneRefusal::NoUid,
    );
    check_kept(
        |world, id| world.edit(id, |v| drop(v["metadata"].as_object_mut().unwrap().remove("managedFields"))),
        &PruneRefusal::NotOurs,
    );
    check_kept(
        |world, id| drop(world.live.insert(id.clone(), Live::Unreadable("503".into()))),
        &PruneRefusal::Unreadable("503".into()),
    );
    check_kept(
        |world, id| drop(world.live.remove(id)),
        &PruneRefusal::Unreadable("it was not looked at".into()),
    );
    check_kept(|world, id| world.held = [id.clone()].into(), &PruneRefusal::Held);
    check_kept(
        |world, _| {
            let settings = UnitSettings { prune: false, ..UnitSettings::default() };
            world.settings.insert("cart".into(), settings);
        },
        &PruneRefusal::PruneOff("cart".into()),
    );
}

#[test]
fn what_was_applied_just_before_the_end_of_the_process_is_pruned_when_nobody_else_owns_any_of_it() {
    let mut world = applied();
    world.ledger.iter_mut().for_each(|entry| entry.uid = None);
    world.declare(&[config_map("a", "1")]);
    assert_eq!(steps(&world.sync()), ["prune ConfigMap shop/b"]);
}

#[test]
fn a_unit_that_cannot_be_rendered_keeps_everything() {
    let mut world = applied();
    world.declare(&[]);
    world.declaration.units[0].failure = Some(Finding::blocker("unit-failed", None, "broken"));
    let plan = world.sync();
    assert!(plan.steps.is_empty());
    assert_eq!(plan.kept.values().collect::<Vec<_>>(), [&PruneRefusal::UnitFailed("cart".into()); 2]);
    assert_eq!(world.ledger.len(), 2);
}

#[test]
fn what_is_gone_leaves_the_ledger_without_a_write() {
    let mut world = applied();
    world.declare(&[config_map("a", "1")]);
    world.live.insert(id_of(&config_map("b", "")), Live::Absent);
    assert!(world.sync().steps.is_empty());
    assert_eq!(world.ledger.len(), 1);
}

#[test]
fn the_ledger_is_old_and_new_before_and_what_is_left_after() {
    let mut world = applied();
    world.declare(&[config_map("a", "2"), config_map("c", "1")]);
    world.live.insert(id_of(&config_map("c", "")), Live::Absent);
    let plan = plan(&world.input());
    assert_eq!(plan.ledger_before.len(), 3);
    let (a, b, c) = (id_of(&config_map("a", "")), id_of(&config_map("b", "")), id_of(&config_map("c", "")));
    let outcomes = [
        (a.clone(), Outcome::Applied("u9".into())),
        (b.clone(), Outcome::Failed("503".into())),
        (c.clone(), Outcome::Failed("forbidden".into())),
    ];
    let after = ledger_after(&plan, &outcomes.into());
    let entry =
        |id: &ObjectId, uid: Option<&str>| LedgerEntry { id: id.clone(), uid: uid.map(str::to_owned) };
    assert_eq!(after, [entry(&a, Some("u9")), entry(&b, Some("u1")), entry(&c, None)]);
}

fn check_refused(change: impl FnOnce(&mut World), id: &str) {
    let mut world = World::new();
    world.declare(&[config_map("a", "1")]);
    change(&mut world);
    let plan = plan(&world.input());
    assert_eq!(plan.refused.values().map(|f| f.id).collect::<Vec<_>>(), [id], "{plan:?}");
    assert!(plan.steps.is_empty() && plan.ledger_before.is_empty());
}

#[test]
fn what_must_not_be_written_is_refused_by_itself() {
    check_refused(
        |world| Arc::make_mut(&mut world.declaration.units[0].objects)[0].encrypted = true,
        "encrypted-object",
    );
    check_refused(|world| world.allow.namespaces = Some(vec![Pattern::new("other")]), "not-allowed");
    check_refused(|world| world.allow.kinds = Some(vec![Pattern::new("Deployment.apps")]), "not-allowed");
    let in_system = || {
        let mut value = config_map("ledger", "1");
        value["metadata"]["namespace"] = "gitstellar-system".into();
        value
    };
    check_refused(|world| world.declare(&[in_system()]), "not-allowed");
    let source =
        json!({"apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": {"name": "x"}});
    check_refused(|world| world.declare(&[source]), "not-allowed");
    let generated = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "x-", "namespace": "shop"}});
    check_refused(|world| world.declare(&[generated]), "object-unnamed");
    check_refused(
        |world| {
            let theirs = marked(&object(&config_map("a", "1")), &"other".into()).to_value();
            let stored = Server::of(&theirs).apply(None, &theirs, "gitstellar-other");
            world.live.insert(id_of(&theirs), Live::Present(object(&stored)));
        },
        "claimed-elsewhere",
    );
    check_refused(
        |world| {
            let mut stored = config_map("a", "1");
            stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            world.live.insert(id_of(&stored), Live::Present(object(&stored)));
        },
        "object-deleting",
    );
}

#[test]
fn ignored_fields_are_not_written() {
    let mut world = World::new();
    let rule = IgnoreRule { pointers: vec!["/data/text".into()], ..IgnoreRule::default() };
    world.settings.insert("cart".into(), UnitSettings { ignore: vec![rule], ..UnitSettings::default() });
    let mut value = config_map("a", "1");
    value["data"]["more"] = "x".into();
    world.declare(&[value]);
    let plan = world.sync();
    let [SyncStep::Apply(step)] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!(step.object.to_value()["data"], json!({"more": "x"}));
    assert!(world.sync().steps.is_empty());
}

#[test]
fn objects_with_duplicate_keys_are_updated_once() {
    let mut world = World::new();
    let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    world.declare(&[json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop", "labels": {UNIT_LABEL: "cart"}},
        "spec": {"containers": [{"name": "c", "image": "i", "env": env}]},
    })]);
    let plan = world.sync();
    let [SyncStep::Apply(step)] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!(step.mode, WriteMode::Update);
    assert!(world.sync().steps.is_empty(), "not written again");
}

#[test]
fn conflicts_with_people_are_forced_and_with_sources_refused() {
    let source = SourceName::from("shop");
    let verdict = |managers: &[&str]| {
        on_conflict(&source, &managers.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(verdict(&["kubectl-edit", "gitstellar-shop", "gitstellar-hub"]), OnConflict::Force);
    assert_eq!(verdict(&["kubectl-edit", "gitstellar-web"]), OnConflict::Refuse("web".into()));
}

#[test]
fn removals_go_in_reverse() {
    let mut world = World::new();
    let policy = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {UNIT_LABEL: "cart"}}});
    world.declare(&[policy, config_map("a", "1")]);
    world.sync();
    world.declare(&[]);
    assert_eq!(steps(&world.sync()), ["prune ConfigMap shop/a", "prune Namespace shop"]);
}

#[test]
fn ledgers_are_cut() {
    let entries: Vec<LedgerEntry> = (0..1001)
        .map(|i| LedgerEntry {
            id: ObjectId::new("", "ConfigMap", Some("shop"), &format!("c{i:04}")),
            uid: None,
        })
        .collect();
    assert_eq!(ledger_chunks(&entries).iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 1]);
    assert_eq!(ledger_chunks(&[]), [Vec::new()]);
}
