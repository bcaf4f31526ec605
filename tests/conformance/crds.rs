//! Kinds that a user brings.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::scratch::{Scratch, gone, text, unique};
use super::target::{AGGREGATED_DISCOVERY, Patch, TABLE};
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_new_kind_is_served_and_discovered,
    defaults_are_filled_in_and_unknown_fields_pruned,
    a_schema_and_its_rules_refuse_with_causes,
    printer_columns_make_a_table,
    status_and_scale_are_subresources,
    apply_merges_a_keyed_list_of_a_custom_kind,
    a_strategic_patch_of_a_custom_kind_is_unsupported,
    an_invalid_definition_is_refused,
    a_deleted_definition_takes_its_objects_along,
];

/// How long a definition may take to be served.
const SERVED: Duration = Duration::from_secs(60);

/// A group of the case's own, whose only kind is Widget, with everything this project's own kinds use.
struct Widgets {
    group: String,
    scratch: Scratch,
}

impl Widgets {
    fn new(target: &Target) -> anyhow::Result<Self> {
        let widgets = Self { group: format!("{}.example.com", unique("g")), scratch: Scratch::new(target)? };
        target.post(DEFINITIONS, &widgets.definition())?.expect(201)?;
        eventually("the kind is served", SERVED, || {
            let definition = target.get(&widgets.definition_path())?.expect(200)?;
            let conditions = definition["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let established =
                conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True");
            Ok((established && target.get(&widgets.collection())?.status == 200).then_some(()))
        })?;
        Ok(widgets)
    }

    fn definition_path(&self) -> String {
        format!("{DEFINITIONS}/widgets.{}", self.group)
    }

    fn collection(&self) -> String {
        self.scratch.of(&format!("{}/v1", self.group), "widgets")
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.collection())
    }

    fn widget(&self, spec: &Value) -> Value {
        json!({
            "apiVersion": format!("{}/v1", self.group), "kind": "Widget", "metadata": { "name": "one" }, "spec": spec
        })
    }

    fn definition(&self) -> Value {
        let group = &self.group;
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("widgets.{group}") },
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": { "plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"] },
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": schema() },
                    "subresources": { "status": {}, "scale": {
                        "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size",
                        "labelSelectorPath": ".status.selector"
                    } },
                    "additionalPrinterColumns": [
                        { "name": "Size", "type": "integer", "jsonPath": ".spec.size" },
                        { "name": "Colour", "type": "string", "jsonPath": ".spec.colour", "priority": 1 }
                    ]
                }]
            }
        })
    }
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn schema() -> Value {
    let part = json!({
        "type": "object", "required": ["name"],
        "properties": { "name": { "type": "string" }, "weight": { "type": "integer", "default": 1 } }
    });
    json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object", "required": ["size"],
                "x-kubernetes-validations": [
                    { "rule": "self.size != 13", "message": "thirteen is unlucky" }
                ],
                "properties": {
                    "size": { "type": "integer", "minimum": 0 },
                    "colour": { "type": "string", "enum": ["red", "blue"], "default": "red" },
                    "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                    "parts": {
                        "type": "array", "items": part,
                        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]
                    }
                }
            },
            "status": {
                "type": "object",
                "properties": { "size": { "type": "integer" }, "selector": { "type": "string" } }
            }
        }
    })
}

fn a_new_kind_is_served_and_discovered(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    let list = target.get(&widgets.collection())?.expect(200)?;
    same("kind", text(&list, "/kind")?, "WidgetList")?;
    same("items", &list["items"], &json!([]))?;
    eventually("discovery has it", SERVED, || {
        let list = target.get_as("/apis", AGGREGATED_DISCOVERY)?.expect(200)?;
        let groups = list["items"].as_array().cloned().unwrap_or_default();
        Ok(groups.into_iter().find(|group| group["metadata"]["name"] == *widgets.group))
    })?;
    eventually("its OpenAPI is served", SERVED, || {
        let index = target.get("/openapi/v3")?.expect(200)?;
        Ok(index["paths"].get(format!("apis/{}/v1", widgets.group)).map(|_| ()))
    })?;
    let legacy = target.get(&format!("/apis/{}/v1", widgets.group))?.expect(200)?;
    let names: Vec<&Value> =
        legacy["resources"].as_array().into_iter().flatten().map(|resource| &resource["name"]).collect();
    same("resources", names, vec![&json!("widgets"), &json!("widgets/status"), &json!("widgets/scale")])
}

fn defaults_are_filled_in_and_unknown_fields_pruned(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    let spec = json!({ "size": 1, "nope": 1, "free": { "any": { "thing": 1 } }, "parts": [{ "name": "a" }] });
    let made = target.post(&widgets.collection(), &widgets.widget(&spec))?;
    let made = made.expect(201)?;
    same(
        "spec",
        &made["spec"],
        &json!({
            "size": 1, "colour": "red", "free": { "any": { "thing": 1 } }, "parts": [{ "name": "a", "weight": 1 }]
        }),
    )?;
    same("generation", &made["metadata"]["generation"], &1.into())
}

fn a_schema_and_its_rules_refuse_with_causes(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    let refuse = |spec: Value| -> anyhow::Result<Value> {
        target.post(&widgets.collection(), &widgets.widget(&spec))?.refused(422, "Invalid")
    };
    let status = refuse(json!({ "size": -1 }))?;
    same("field", text(&status, "/details/causes/0/field")?, "spec.size")?;
    let status = refuse(json!({}))?;
    same("reason", text(&status, "/details/causes/0/reason")?, "FieldValueRequired")?;
    let status = refuse(json!({ "size": 1, "colour": "green" }))?;
    same("reason", text(&status, "/details/causes/0/reason")?, "FieldValueNotSupported")?;
    let status = refuse(json!({ "size": "one" }))?;
    same("reason", text(&status, "/details/causes/0/reason")?, "FieldValueTypeInvalid")?;
    let status = refuse(json!({ "size": 13 }))?;
    ensure!(text(&status, "/message")?.contains("thirteen is unlucky"), "{status}");
    let status = refuse(json!({ "size": 1, "parts": [{ "name": "a" }, { "name": "a" }] }))?;
    same("reason", text(&status, "/details/causes/0/reason")?, "FieldValueDuplicate")
}

fn printer_columns_make_a_table(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    target.post(&widgets.collection(), &widgets.widget(&json!({ "size": 3 })))?.expect(201)?;
    let table = target.get_as(&widgets.collection(), TABLE)?.expect(200)?;
    let columns: Vec<(&Value, &Value)> = (table["columnDefinitions"].as_array().into_iter().flatten())
        .map(|column| (&column["name"], &column["priority"]))
        .collect();
    let expected = [(json!("Name"), json!(0)), (json!("Size"), json!(0)), (json!("Colour"), json!(1))];
    same("columns", columns, expected.iter().map(|(name, priority)| (name, priority)).collect())?;
    same("cells", &table["rows"][0]["cells"], &json!(["one", 3, "red"]))
}

fn status_and_scale_are_subresources(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    let mut body = widgets.widget(&json!({ "size": 3 }));
    body["status"] = json!({ "size": 9 });
    let made = target.post(&widgets.collection(), &body)?.expect(201)?;
    same("status when made", made.get("status"), None)?;
    let status = json!({ "status": { "size": 2, "selector": "a=b" } });
    let patched = target.patch(&widgets.path("one/status"), Patch::Merge, &status)?.expect(200)?;
    same("generation", &patched["metadata"]["generation"], &1.into())?;
    let scale = target.get(&widgets.path("one/scale"))?.expect(200)?;
    same("spec", &scale["spec"], &json!({ "replicas": 3 }))?;
    same("status", &scale["status"], &json!({ "replicas": 2, "selector": "a=b" }))?;
    let more = json!({ "spec": { "replicas": 5 } });
    target.patch(&widgets.path("one/scale"), Patch::Merge, &more)?.expect(200)?;
    let read = target.get(&widgets.path("one"))?.expect(200)?;
    same("size", &read["spec"]["size"], &5.into())?;
    same("generation", &read["metadata"]["generation"], &2.into())
}

fn apply_merges_a_keyed_list_of_a_custom_kind(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    let apply = |manager: &str, part: &str| {
        let body = widgets.widget(&json!({ "size": 1, "parts": [{ "name": part }] }));
        target.patch(&widgets.path(&format!("one?fieldManager={manager}")), Patch::Apply, &body)?.fine()
    };
    apply("first", "a")?;
    let both = apply("second", "b")?;
    let parts = json!([{ "name": "a", "weight": 1 }, { "name": "b", "weight": 1 }]);
    same("parts", &both["spec"]["parts"], &parts)
}

fn a_strategic_patch_of_a_custom_kind_is_unsupported(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    target.post(&widgets.collection(), &widgets.widget(&json!({ "size": 1 })))?.expect(201)?;
    let patch = json!({ "spec": { "size": 2 } });
    target.patch(&widgets.path("one"), Patch::Strategic, &patch)?.refused(415, "UnsupportedMediaType")?;
    Ok(())
}

fn an_invalid_definition_is_refused(target: &Target) -> Outcome {
    let widgets = Widgets { group: format!("{}.example.com", unique("g")), scratch: Scratch::new(target)? };
    let mut unnamed = widgets.definition();
    unnamed["metadata"]["name"] = "other".into();
    let status = target.post(DEFINITIONS, &unnamed)?.refused(422, "Invalid")?;
    same("field", text(&status, "/details/causes/0/field")?, "metadata.name")?;
    let mut formless = widgets.definition();
    formless["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] =
        json!({ "properties": {} });
    let status = target.post(DEFINITIONS, &formless)?.refused(422, "Invalid")?;
    ensure!(text(&status, "/message")?.contains("must not be empty for specified object fields"), "{status}");
    Ok(())
}

fn a_deleted_definition_takes_its_objects_along(target: &Target) -> Outcome {
    let widgets = Widgets::new(target)?;
    target.post(&widgets.collection(), &widgets.widget(&json!({ "size": 1 })))?.expect(201)?;
    target.delete(&widgets.definition_path())?.expect(200)?;
    gone(target, &widgets.definition_path())?;
    gone(target, &widgets.path("one"))?;
    target.post(DEFINITIONS, &widgets.definition())?.expect(201)?;
    eventually("the kind is served again", SERVED, || {
        let reply = target.get(&widgets.collection())?;
        Ok((reply.status == 200).then_some(reply.body))
    })
    .and_then(|list| same("items", &list["items"], &json!([])))
}
