use serde_json::{Value, json};

use super::document;
use crate::builtin;
use crate::crd;
use crate::registry::Registry;

const V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const V2BETA1: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// The built-in kinds and one custom kind in two versions.
fn registry() -> Registry {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false, "schema": {"openAPIV3Schema": {"type": "object"}}},
                {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}, "subresources": {"status": {}}},
            ],
        },
        "status": {
            "acceptedNames": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wd"]},
            "conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}],
        },
    });
    let mut registry = builtin::registry();
    registry.insert(crd::resource(&definition).unwrap());
    registry
}

fn body(path: &str, accept: &str) -> Value {
    document(&registry(), path, accept).unwrap().body
}

fn names<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

#[test]
fn the_version_is_the_first_that_the_client_names() {
    let check = |accept: &str, content_type: &str| {
        assert_eq!(document(&registry(), "/apis", accept).unwrap().content_type, content_type, "{accept}");
    };
    check(V2, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    check(V2BETA1, "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList");
    check("application/json", "application/json");
    check("application/json, */*", "application/json");
    check("", "application/json");
}

#[test]
fn built_in_groups_come_first_and_their_order_is_the_servers() {
    let groups = body("/apis", "");
    let names = names(&groups["groups"], "name");
    let position = |group: &str| names.iter().position(|name| *name == group).unwrap();
    assert!(position("apps") < position("events.k8s.io"));
    assert!(position("events.k8s.io") < position("batch"));
    assert_eq!(names.last(), Some(&"example.com"));
    assert_eq!(body("/apis", V2)["items"].as_array().unwrap().len(), names.len());
    assert_eq!(body("/api", V2)["items"][0]["versions"][0]["version"], "v1");
}

#[test]
fn a_group_lists_its_preferred_version_first() {
    let group = body("/apis/example.com", "");
    assert_eq!(names(&group["versions"], "version"), ["v1", "v1beta1"]);
    assert_eq!(group["preferredVersion"]["groupVersion"], "example.com/v1");
    assert!(document(&registry(), "/apis/nobody.example", "").is_none());
    assert!(document(&registry(), "/apis/apps/v7", "").is_none());
    assert!(document(&registry(), "/healthz", "").is_none());
}

#[test]
fn a_resource_is_told_with_its_subresources() {
    let list = body("/apis/apps/v1", "");
    let find = |name: &str| list["resources"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap();
    let deployments = find("deployments");
    assert_eq!(deployments["shortNames"], json!(["deploy"]));
    assert_eq!(deployments["categories"], json!(["all"]));
    assert_eq!(deployments["storageVersionHash"], "8aSe+NMegvE=");
    assert_eq!(find("deployments/scale")["group"], "autoscaling");
    assert_eq!(find("deployments/status").get("group"), None);
    let aggregated = body("/apis", V2);
    let items = aggregated["items"].as_array().unwrap();
    let widgets = &items.iter().find(|i| i["metadata"]["name"] == "example.com").unwrap()["versions"][0]["resources"]
        [0];
    assert_eq!(widgets["responseKind"], json!({"group": "example.com", "version": "v1", "kind": "Widget"}));
    assert_eq!(names(&widgets["subresources"], "subresource"), ["status"]);
}
