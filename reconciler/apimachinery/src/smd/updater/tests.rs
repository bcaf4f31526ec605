//! Stories of writes by several managers.

use serde_json::{Value, json};

use super::*;
use crate::schema::Schema;
use crate::smd::merging::OneShape;
use crate::smd::testing::{deployment, object, open};

/// An object that managers write to in turn.
struct Story {
    schema: Schema,
    gvk: GroupVersionKind,
    live: Option<Value>,
    second: i64,
}

impl Story {
    fn new(schema: Schema) -> Self {
        Self { schema, gvk: GroupVersionKind::new("apps", "v1", "Deployment"), live: None, second: 0 }
    }

    fn write(
        &mut self,
        subresource: &str,
        write: impl FnOnce(&Endpoint<'_>, Option<&Value>, Timestamp) -> Result<Value, WriteError>,
    ) -> Result<(), String> {
        self.second += 1;
        let versions = OneShape(Shape::of_object(&self.schema));
        let reset: FieldSet = match subresource {
            "status" => [FieldPath::of_fields(["spec"])].into_iter().collect(),
            _ => [FieldPath::of_fields(["status"])].into_iter().collect(),
        };
        let endpoint =
            Endpoint { gvk: &self.gvk, versions: &versions, subresource, reset: &reset, go_type: false };
        let now = Timestamp::from_second(self.second).unwrap();
        let mut stored = write(&endpoint, self.live.as_ref(), now).map_err(|error| error.to_string())?;
        stored["metadata"]["uid"] = "u".into();
        self.live = Some(stored);
        Ok(())
    }

    fn try_apply(&mut self, manager: &str, force: Force, spec: Value) -> Result<(), String> {
        let config = self.object(spec);
        self.write("", |to, live, now| to.apply(live, &config, Applier { manager, force }, now))
    }

    #[track_caller]
    fn apply(&mut self, manager: &str, spec: Value) {
        self.try_apply(manager, Force::No, spec).unwrap();
    }

    #[track_caller]
    fn update(&mut self, manager: &str, spec: Value) {
        let mut new = self.object(spec);
        if self.live.is_some() {
            new["metadata"]["uid"] = "u".into();
        }
        self.write("", |to, live, now| to.update(live, new, manager, now)).unwrap();
    }

    fn object(&self, spec: Value) -> Value {
        json!({
            "apiVersion": self.gvk.api_version(), "kind": self.gvk.kind.as_str(),
            "metadata": {"name": "cart", "namespace": "shop"}, "spec": spec,
        })
    }

    fn spec(&self) -> &Value {
        &self.live.as_ref().unwrap()["spec"]
    }

    /// `manager operation subresource @second fields` of each entry.
    fn owners(&self) -> Vec<String> {
        let managers = Managers::of(self.live.as_ref().unwrap()).unwrap();
        let entries = managers.sorted().into_iter();
        entries
            .map(|(id, managed)| {
                let time = managed.time.map_or("-".to_owned(), |time| time.as_second().to_string());
                let fields = managed.fields.to_string().replace('\n', " ");
                format!("{} {} {}@{time} {fields}", id.manager, id.operation.as_str(), id.subresource)
            })
            .collect()
    }
}

#[test]
fn what_is_not_applied_any_more_goes() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1, "paused": true}));
    story.apply("one", json!({"replicas": 2}));
    assert_eq!(story.spec(), &json!({"replicas": 2}));
    assert_eq!(story.owners(), ["one Apply @2 .spec.replicas"]);
}

#[test]
fn what_another_applies_too_stays() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1, "paused": true}));
    story.apply("two", json!({"replicas": 1}));
    story.apply("one", json!({"paused": true}));
    assert_eq!(story.spec(), &json!({"replicas": 1, "paused": true}));
    // The second manager never changed anything, so it has no time.
    assert_eq!(story.owners(), ["two Apply @- .spec.replicas", "one Apply @1 .spec.paused"]);
}

#[test]
fn to_apply_what_is_there_is_no_change() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1}));
    let before = story.live.clone();
    story.apply("one", json!({"replicas": 1}));
    assert_eq!(story.live, before);
}

#[test]
fn to_apply_what_another_owns_is_a_conflict_unless_forced() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1, "paused": true}));
    let before = story.live.clone();
    assert_eq!(
        story.try_apply("two", Force::No, json!({"replicas": 2, "paused": true})),
        Err("Apply failed with 1 conflict: conflict with \"one\": .spec.replicas".to_owned())
    );
    assert_eq!(story.live, before);
    story.try_apply("two", Force::Yes, json!({"replicas": 2, "paused": true})).unwrap();
    assert_eq!(story.spec(), &json!({"replicas": 2, "paused": true}));
    assert_eq!(story.owners(), ["one Apply @1 .spec.paused", "two Apply @3 .spec.paused .spec.replicas"]);
}

#[test]
fn an_update_takes_what_it_changes() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1, "paused": true}));
    story.update("two", json!({"replicas": 5, "paused": true}));
    assert_eq!(story.owners(), ["one Apply @1 .spec.paused", "two Update @2 .spec.replicas"]);
    assert_eq!(
        story.try_apply("one", Force::No, json!({"replicas": 1, "paused": true})),
        Err("Apply failed with 1 conflict: conflict with \"two\" using apps/v1: .spec.replicas".to_owned())
    );
    // Leaving the field out gives it to the other for good.
    story.apply("one", json!({"paused": true}));
    assert_eq!(story.spec()["replicas"], 5);
}

#[test]
fn an_update_that_changes_nothing_owns_nothing() {
    let mut story = Story::new(deployment());
    story.apply("one", json!({"replicas": 1}));
    story.update("two", json!({"replicas": 1}));
    assert_eq!(story.owners(), ["one Apply @1 .spec.replicas"]);
    story.update("two", json!({}));
    assert_eq!(story.owners(), Vec::<String>::new());
}

#[test]
fn list_items_belong_to_who_applied_them() {
    let pod = |containers: Value| json!({"template": {"spec": {"containers": containers}}});
    let mut story = Story::new(deployment());
    story.apply("app", pod(json!([{"name": "app", "image": "a", "ports": [{"containerPort": 80}]}])));
    story.apply("mesh", pod(json!([{"name": "proxy", "image": "p"}])));
    let names = |story: &Story| {
        let containers = story.spec()["template"]["spec"]["containers"].as_array().unwrap();
        containers.iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&story), ["app", "proxy"]);
    story.apply("app", pod(json!([{"name": "web", "image": "a"}])));
    assert_eq!(names(&story), ["proxy", "web"]);
    story.apply("app", json!({"replicas": 1}));
    assert_eq!(names(&story), ["proxy"]);
    assert_eq!(
        story.try_apply("app", Force::No, pod(json!([{"name": "proxy", "image": "q"}]))),
        Err("Apply failed with 1 conflict: conflict with \"mesh\": .spec.template.spec.containers[name=\"proxy\"].image".to_owned())
    );
}

#[test]
fn duplicates_are_refused_in_what_is_applied_but_not_in_what_is_stored() {
    let env = |items: Value| json!({"template": {"spec": {"containers": [{"name": "c", "env": items}]}}});
    let twice = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    let mut story = Story::new(deployment());
    assert_eq!(
        story.try_apply("one", Force::No, env(twice.clone())),
        Err("failed to create typed patch object (shop/cart; apps/v1, Kind=Deployment): .spec.template.spec.containers[name=\"c\"].env: duplicate entries for key [name=\"A\"]".to_owned())
    );
    story.update("one", env(twice.clone()));
    story.apply("two", json!({"replicas": 1}));
    assert_eq!(story.spec()["template"]["spec"]["containers"][0]["env"], twice);
    story.try_apply("two", Force::Yes, env(json!([{"name": "A", "value": "3"}]))).unwrap();
    assert_eq!(
        story.spec()["template"]["spec"]["containers"][0]["env"],
        json!([{"name": "A", "value": "3"}])
    );
}

#[test]
fn an_object_without_managers_is_first_given_to_before_first_apply() {
    let mut story = Story::new(deployment());
    story.update("creator", json!({"replicas": 1}));
    Managers::default().write_into(story.live.as_mut().unwrap());
    // An update of what nobody tracks tracks nothing.
    story.update("updater", json!({"replicas": 2}));
    assert_eq!(story.owners(), Vec::<String>::new());
    story.apply("one", json!({"replicas": 2, "paused": true}));
    assert_eq!(
        story.owners(),
        ["one Apply @3 .spec.paused .spec.replicas", "before-first-apply Update @3 .spec .spec.replicas",]
    );
    assert_eq!(
        story.try_apply("one", Force::No, json!({"replicas": 3, "paused": true})),
        Err("Apply failed with 1 conflict: conflict with \"before-first-apply\" using apps/v1: .spec.replicas".to_owned())
    );
}

#[test]
fn status_and_spec_are_owned_through_their_own_endpoints() {
    let mut story = Story::new(deployment());
    story.update("creator", json!({"replicas": 1}));
    let mut new = story.live.clone().unwrap();
    new["spec"]["replicas"] = 9.into();
    new["status"] = json!({"replicas": 1});
    story.write("status", |to, live, now| to.update(live, new, "controller", now)).unwrap();
    assert_eq!(
        story.owners(),
        ["creator Update @1 .spec .spec.replicas", "controller Update status@2 .status .status.replicas",]
    );
    let mut config = story.object(json!({"replicas": 9}));
    config["status"] = json!({"replicas": 7});
    story
        .write("", |to, live, now| to.apply(live, &config, Applier { manager: "one", force: Force::No }, now))
        .unwrap();
    // The value is the caller's to reset; the ownership is not taken.
    assert_eq!(story.owners()[0], "one Apply @3 .spec.replicas");
    assert_eq!(story.owners().len(), 3);
}

#[test]
fn clients_may_edit_managers_but_not_through_a_subresource() {
    let mut story = Story::new(deployment());
    story.update("creator", json!({"replicas": 1}));
    let write = |story: &mut Story, subresource: &str, entries: Value| {
        let mut new = story.live.clone().unwrap();
        new["metadata"]["managedFields"] = entries;
        story.write(subresource, |to, live, now| to.update(live, new, "editor", now)).unwrap();
        story.owners()
    };
    let before = story.owners();
    assert_eq!(write(&mut story, "", json!(null)), before);
    assert_eq!(write(&mut story, "", json!([{"manager": "malformed"}])), before);
    assert_eq!(write(&mut story, "status", json!([])), before);
    let entry = json!({
        "manager": "x", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    });
    assert_eq!(write(&mut story, "", json!([entry])), ["x Update @- .spec.replicas"]);
    assert_eq!(write(&mut story, "", json!([{}])), Vec::<String>::new());
}

#[test]
fn kubectl_takes_over_what_it_applied_itself() {
    let mut story = Story::new(deployment());
    let mut created = story.object(json!({"replicas": 1, "paused": true}));
    let last = created.to_string();
    created["metadata"]["annotations"] = json!({client_side::LAST_APPLIED: last});
    story.write("", |to, live, now| to.update(live, created, "kubectl-client-side-apply", now)).unwrap();
    assert!(story.try_apply("other", Force::No, json!({"replicas": 2})).is_err());
    story.try_apply("kubectl", Force::No, json!({"replicas": 2})).unwrap();
    let live = story.live.clone().unwrap();
    assert_eq!(live["spec"], json!({"replicas": 2, "paused": true}));
    assert_eq!(client_side::last_applied(&live), Some(story.object(json!({"replicas": 2}))));
    // What someone changed in the meantime is a conflict for kubectl, too.
    let mut edited = live.clone();
    edited["spec"]["replicas"] = 3.into();
    story.write("", |to, live, now| to.update(live, edited, "editor", now)).unwrap();
    assert_eq!(
        story.try_apply("kubectl", Force::No, json!({"replicas": 4})),
        Err("Apply failed with 1 conflict: conflict with \"editor\" using apps/v1: .spec.replicas".to_owned())
    );
}

#[test]
fn what_may_not_be_applied_is_refused() {
    let mut story = Story::new(deployment());
    let refuse = |story: &mut Story, config: &Value| {
        story
            .write("", |to, live, now| {
                to.apply(live, config, Applier { manager: "one", force: Force::No }, now)
            })
            .unwrap_err()
    };
    let mut config = story.object(json!({}));
    config["metadata"]["managedFields"] = json!([]);
    assert_eq!(refuse(&mut story, &config), "metadata.managedFields must be nil");
    config["kind"] = "Pod".into();
    assert_eq!(refuse(&mut story, &config), "invalid object type: apps/v1, Kind=Pod");
    config["apiVersion"] = "v1".into();
    assert_eq!(refuse(&mut story, &config), "invalid object type: /v1, Kind=Pod");
    let unknown = story.object(json!({"replica": 1}));
    assert_eq!(
        refuse(&mut story, &unknown),
        "failed to create typed patch object (shop/cart; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema"
    );
}

#[test]
fn a_secrets_payload_is_in_no_message() {
    let mut story = Story::new(object([("data", crate::smd::testing::map(crate::smd::testing::text()))]));
    story.gvk = GroupVersionKind::new("", "v1", "Secret");
    let config =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"pin": 4711}});
    let message = story
        .write("", |to, live, now| to.apply(live, &config, Applier { manager: "one", force: Force::No }, now))
        .unwrap_err();
    assert_eq!(
        message,
        "failed to create typed patch object (/s; /v1, Kind=Secret): .data.pin: expected string, got another type"
    );
}

/// Two versions with the field under different names.
struct Renamed {
    v1: Schema,
    v2: Schema,
}

impl Versions for Renamed {
    fn shape(&self, api_version: &str) -> Option<Shape<'_>> {
        match api_version {
            "g/v1" => Some(Shape::of_object(&self.v1)),
            "g/v2" => Some(Shape::of_object(&self.v2)),
            _ => None,
        }
    }

    fn convert<'v>(&self, object: &'v Value, api_version: &str) -> Option<std::borrow::Cow<'v, Value>> {
        self.shape(api_version)?;
        let mut converted = object.clone();
        let (from, to) = if api_version == "g/v2" { ("old", "new") } else { ("new", "old") };
        let fields = converted.as_object_mut().unwrap();
        if let Some(value) = fields.remove(from) {
            fields.insert(to.to_owned(), value);
        }
        fields.insert("apiVersion".to_owned(), api_version.into());
        Some(std::borrow::Cow::Owned(converted))
    }
}

#[test]
fn managers_of_another_version_are_asked_in_theirs() {
    let versions = Renamed { v1: object([("old", open())]), v2: object([("new", open())]) };
    let endpoint = |gvk, second| {
        let endpoint = Endpoint { gvk, versions: &versions, subresource: "", reset: &EMPTY, go_type: false };
        (endpoint, Timestamp::from_second(second).unwrap())
    };
    static EMPTY: std::sync::LazyLock<FieldSet> = std::sync::LazyLock::new(FieldSet::new);
    let (v1, v2) = (GroupVersionKind::new("g", "v1", "K"), GroupVersionKind::new("g", "v2", "K"));
    let by = |manager| Applier { manager, force: Force::No };
    let config = |version: &str, field: &str, value: Value| json!({"apiVersion": version, "kind": "K", "metadata": {"name": "x"}, field: value});
    let (to, now) = endpoint(&v1, 1);
    let stored = to.apply(None, &config("g/v1", "old", json!({"a": 1, "b": 1})), by("one"), now).unwrap();
    let stored = versions.convert(&stored, "g/v2").unwrap().into_owned();
    let (to, now) = endpoint(&v2, 2);
    let error = to.apply(Some(&stored), &config("g/v2", "new", json!({"a": 2})), by("two"), now).unwrap_err();
    assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"one\": .old.a");
    // The same manager in the new version gives up what it applied in the old one.
    let stored = to.apply(Some(&stored), &config("g/v2", "new", json!({"a": 1})), by("one"), now).unwrap();
    assert_eq!(stored["new"], json!({"a": 1}));
    // A version that is gone takes its managers with it.
    let mut gone = stored.clone();
    gone["metadata"]["managedFields"][0]["apiVersion"] = "g/v0".into();
    let applied = to.apply(Some(&gone), &config("g/v2", "new", json!({"a": 2})), by("two"), now).unwrap();
    let managers: Vec<_> = Managers::of(&applied).unwrap().iter().map(|(id, _)| id.manager.clone()).collect();
    assert_eq!(managers, ["two"]);
}
