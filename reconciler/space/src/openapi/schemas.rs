//! The schemas of a document, under their OpenAPI names.

use std::collections::BTreeSet;

use apimachinery::kinds::{self, KindTable};
use apimachinery::schema::{Link, OPENAPI_REFERENCE_PREFIX, to_openapi};
use apimachinery::{GroupVersion, GroupVersionKind, GroupVersionResource};
use serde_json::{Map, Value, json};

use crate::resource::Endpoint;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
/// What a deletion takes and what failures answer.
const ALWAYS: [&str; 2] =
    ["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"];
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";

/// Schemas that are wanted, and those of custom kinds.
#[derive(Default)]
pub(super) struct Components {
    schemas: Map<String, Value>,
    /// Definitions of built-in kinds that are referred to and still have to be added.
    wanted: BTreeSet<String>,
}

/// The names of a resource's schemas.
pub(super) struct Names {
    pub(super) item: String,
    pub(super) list: String,
}

/// `{"$ref": "#/components/schemas/NAME"}`
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{OPENAPI_REFERENCE_PREFIX}{name}")})
}

impl Components {
    /// Adds the schemas of an endpoint's objects and of lists of them, and says their names.
    pub(super) fn add(&mut self, endpoint: &Endpoint, definition: Option<&Value>) -> Names {
        if endpoint.version().scale.is_some() {
            self.wanted.insert(SCALE.to_owned());
        }
        match definition {
            Some(definition) => self.add_custom(endpoint, definition),
            None => self.add_built_in(endpoint),
        }
    }

    fn add_built_in(&mut self, endpoint: &Endpoint) -> Names {
        let gvk = endpoint.gvk();
        let gvr = GroupVersionResource {
            group: gvk.group.clone(),
            version: gvk.version.clone(),
            plural: endpoint.resource.plural.clone(),
        };
        let link = KindTable::built_in().resource(&gvr).and_then(|resource| resource.schema.clone());
        let Some(name) = link.as_ref().and_then(Link::definition) else {
            let name = custom_name(&gvk);
            self.schemas.insert(name.clone(), with_kind(json!({"type": "object"}), &gvk));
            return Names { list: name.clone(), item: name };
        };
        self.add_definition(name, Some(&gvk));
        let list = format!("{name}List");
        let list_gvk =
            GroupVersionKind::new(gvk.group.as_str(), gvk.version.as_str(), &endpoint.resource.list_kind);
        self.add_definition(&list, Some(&list_gvk));
        Names { item: name.to_owned(), list }
    }

    /// Adds a built-in definition, with the kind it is the schema of.
    fn add_definition(&mut self, name: &str, gvk: Option<&GroupVersionKind>) {
        let Some(link) = kinds::definition(name) else { return };
        let mut node = to_openapi(link.schema());
        collect_references(&node, &mut self.wanted);
        if let Some(gvk) = gvk {
            node = with_kind(node, gvk);
        }
        self.schemas.insert(name.to_owned(), node);
    }

    fn add_custom(&mut self, endpoint: &Endpoint, definition: &Value) -> Names {
        let gvk = endpoint.gvk();
        let name = custom_name(&gvk);
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
        let written = versions
            .into_iter()
            .flatten()
            .find(|version| version["name"] == *gvk.version.as_str())
            .and_then(|version| version.pointer("/schema/openAPIV3Schema"));
        let mut schema = published(written);
        schema["properties"]["apiVersion"] = json!({"type": "string"});
        schema["properties"]["kind"] = json!({"type": "string"});
        schema["properties"]["metadata"] = reference(OBJECT_META);
        self.wanted.insert(OBJECT_META.to_owned());
        self.schemas.insert(name.clone(), with_kind(schema, &gvk));
        let list = self.add_custom_list(endpoint, &gvk, &name);
        Names { item: name, list }
    }

    fn add_custom_list(&mut self, endpoint: &Endpoint, gvk: &GroupVersionKind, item: &str) -> String {
        let kind = &endpoint.resource.list_kind;
        let list_gvk = GroupVersionKind::new(gvk.group.as_str(), gvk.version.as_str(), kind);
        let list = json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": reference(LIST_META),
                "items": {"type": "array", "items": reference(item)},
            },
        });
        self.wanted.insert(LIST_META.to_owned());
        let name = custom_name(&list_gvk);
        self.schemas.insert(name.clone(), with_kind(list, &list_gvk));
        name
    }

    /// All of them, with everything they refer to.
    pub(super) fn into_schemas(mut self, group_version: &GroupVersion) -> Map<String, Value> {
        self.wanted.extend(ALWAYS.map(str::to_owned));
        let options = GroupVersionKind {
            group: group_version.group.clone(),
            version: group_version.version.clone(),
            kind: "DeleteOptions".into(),
        };
        self.add_definition(ALWAYS[0], Some(&options));
        while let Some(name) = self.wanted.pop_first() {
            if !self.schemas.contains_key(&name) {
                let scale = GroupVersionKind::new("autoscaling", "v1", "Scale");
                self.add_definition(&name, (name == SCALE).then_some(&scale));
            }
        }
        self.schemas
    }
}

/// `com.example.v1.Widget`
fn custom_name(gvk: &GroupVersionKind) -> String {
    let reversed: Vec<&str> = gvk.group.as_str().split('.').rev().collect();
    format!("{}.{}.{}", reversed.join("."), gvk.version, gvk.kind)
}

/// The schema of a definition as clients see it. One that keeps unknown fields at its root says nothing about its objects.
fn published(written: Option<&Value>) -> Value {
    let mut schema = written.cloned().unwrap_or_else(|| json!({}));
    if !schema.is_object() || schema["x-kubernetes-preserve-unknown-fields"] == true {
        schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    }
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema
}

fn with_kind(mut node: Value, gvk: &GroupVersionKind) -> Value {
    node["x-kubernetes-group-version-kind"] =
        json!([{"group": gvk.group, "version": gvk.version, "kind": gvk.kind}]);
    node
}

fn collect_references(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref")
                && let Some(name) = target.strip_prefix(OPENAPI_REFERENCE_PREFIX)
            {
                found.insert(name.to_owned());
            }
            map.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}
