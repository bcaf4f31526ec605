//! The paths of a document: which operations there are and which query parameters they take.

use apimachinery::GroupVersionKind;
use serde_json::{Map, Value, json};

use crate::resource::{Endpoint, Origin};

use super::schemas::{Names, reference};

/// Adds the paths of one resource.
pub(super) fn add(endpoint: &Endpoint, names: &Names, paths: &mut Map<String, Value>) {
    let resource = &endpoint.resource;
    let gvk = endpoint.gvk();
    let root = match gvk.group.as_str() {
        "" => format!("/api/{}", gvk.version),
        group => format!("/apis/{group}/{}", gvk.version),
    };
    let operations = Operations { gvk: &gvk, schema: &names.item, list: &names.list };
    let plural = &resource.plural;
    let collection = match resource.namespaced {
        true => format!("{root}/namespaces/{{namespace}}/{plural}"),
        false => format!("{root}/{plural}"),
    };
    if resource.origin == Origin::Review {
        let item = json!({"post": operations.write("post", "create")});
        paths.insert(collection, with_parameters(item, resource.namespaced, false));
        return;
    }
    if resource.namespaced {
        paths.insert(format!("{root}/{plural}"), json!({"get": operations.read("list")}));
    }
    let item = format!("{collection}/{{name}}");
    for subresource in subresources(endpoint) {
        let operations = operations_of(subresource, operations);
        let all = json!({
            "get": operations.read("get"),
            "put": operations.write("put", "update"),
            "patch": operations.write("patch", "patch"),
        });
        paths.insert(format!("{item}/{subresource}"), with_parameters(all, resource.namespaced, true));
    }
    let all = json!({
        "get": operations.read("list"),
        "post": operations.write("post", "create"),
        "delete": operations.read("deletecollection"),
    });
    paths.insert(collection, with_parameters(all, resource.namespaced, false));
    let all = json!({
        "get": operations.read("get"),
        "put": operations.write("put", "update"),
        "patch": operations.write("patch", "patch"),
        "delete": operations.write("delete", "delete"),
    });
    paths.insert(item, with_parameters(all, resource.namespaced, true));
}

const SCALE_SCHEMA: &str = "io.k8s.api.autoscaling.v1.Scale";

/// Those that are read and written like objects.
fn subresources(endpoint: &Endpoint) -> impl Iterator<Item = &'static str> {
    let version = endpoint.version();
    let all = [("status", version.status), ("scale", version.scale.is_some())];
    all.into_iter().filter_map(|(name, served)| served.then_some(name))
}

#[derive(Clone, Copy)]
struct Operations<'a> {
    gvk: &'a GroupVersionKind,
    schema: &'a str,
    list: &'a str,
}

fn operations_of<'a>(subresource: &str, own: Operations<'a>) -> Operations<'a> {
    static SCALE: std::sync::LazyLock<GroupVersionKind> =
        std::sync::LazyLock::new(|| GroupVersionKind::new("autoscaling", "v1", "Scale"));
    if subresource == "scale" {
        return Operations { gvk: &SCALE, schema: SCALE_SCHEMA, ..own };
    }
    own
}

impl Operations<'_> {
    fn read(&self, action: &str) -> Value {
        let schema = if action == "list" { self.list } else { self.schema };
        let mut parameters = vec![query("pretty", "string")];
        if matches!(action, "list" | "deletecollection") {
            let texts =
                ["labelSelector", "fieldSelector", "resourceVersion", "resourceVersionMatch", "continue"];
            parameters.extend(texts.map(|name| query(name, "string")));
            parameters.extend(["limit", "timeoutSeconds"].map(|name| query(name, "integer")));
            let flags = ["watch", "allowWatchBookmarks", "sendInitialEvents"];
            parameters.extend(flags.map(|name| query(name, "boolean")));
        }
        self.operation(action, schema, &parameters)
    }

    fn write(&self, method: &str, action: &str) -> Value {
        let mut parameters = vec![query("pretty", "string"), query("dryRun", "string")];
        if method == "delete" {
            parameters.extend([
                query("gracePeriodSeconds", "integer"),
                query("orphanDependents", "boolean"),
                query("propagationPolicy", "string"),
            ]);
            return self.operation(action, "io.k8s.apimachinery.pkg.apis.meta.v1.Status", &parameters);
        }
        parameters.extend([query("fieldManager", "string"), query("fieldValidation", "string")]);
        if method == "patch" {
            parameters.push(query("force", "boolean"));
        }
        let mut operation = self.operation(action, self.schema, &parameters);
        let body = if method == "patch" { json!({"type": "object"}) } else { reference(self.schema) };
        operation["requestBody"] = json!({"content": {"*/*": {"schema": body}}, "required": true});
        operation
    }

    fn operation(&self, action: &str, schema: &str, parameters: &[Value]) -> Value {
        let content = json!({"application/json": {"schema": reference(schema)}});
        json!({
            "parameters": parameters,
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": {
                "group": self.gvk.group, "version": self.gvk.version, "kind": self.gvk.kind,
            },
        })
    }
}

fn query(name: &str, value_type: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": value_type, "uniqueItems": true}})
}

fn with_parameters(mut item: Value, namespaced: bool, named: bool) -> Value {
    let path = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}});
    let all = [(named, "name"), (namespaced, "namespace")];
    item["parameters"] = all.into_iter().filter(|(has, _)| *has).map(|(_, name)| path(name)).collect();
    item
}
