use serde_json::Value;

use super::{paths, schemas};
use crate::builtin;
use crate::resource::Endpoint;
use apimachinery::{GroupVersion, GroupVersionResource};
use serde_json::Map;

/// The document of one built-in resource.
fn document(group: &str, version: &str, plural: &str) -> (Map<String, Value>, Map<String, Value>) {
    let registry = builtin::registry();
    let endpoint: Endpoint = registry.endpoint(&GroupVersionResource::new(group, version, plural)).unwrap();
    let mut components = schemas::Components::default();
    let names = components.add(&endpoint, None);
    let mut all = Map::new();
    paths::add(&endpoint, &names, &mut all);
    let group_version = GroupVersion { group: group.into(), version: version.into() };
    (all, components.into_schemas(&group_version))
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                found.push(target.rsplit('/').next().unwrap().to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_a_document_is_in_it() {
    for (group, version, plural) in
        [("apps", "v1", "deployments"), ("", "v1", "pods"), ("", "v1", "configmaps")]
    {
        let (paths, schemas) = document(group, version, plural);
        let mut found = Vec::new();
        references(&Value::Object(paths), &mut found);
        references(&Value::Object(schemas.clone()), &mut found);
        assert!(!found.is_empty());
        for name in found {
            assert!(schemas.contains_key(&name), "{name}");
        }
    }
}

#[test]
fn a_patch_tells_that_fields_are_validated_and_dry_runs_are_known() {
    let (paths, schemas) = document("apps", "v1", "deployments");
    let patch = &paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let names: Vec<&str> =
        patch["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"fieldValidation") && names.contains(&"dryRun"));
    let schema = &schemas["io.k8s.api.apps.v1.Deployment"];
    assert_eq!(schema["x-kubernetes-group-version-kind"][0]["group"], "apps");
    let containers = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
    assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
}

#[test]
fn a_review_can_only_be_created() {
    let (paths, _) = document("authorization.k8s.io", "v1", "localsubjectaccessreviews");
    let operations: Vec<&String> = paths.values().next().unwrap().as_object().unwrap().keys().collect();
    assert_eq!(operations, ["parameters", "post"]);
}
