use serde_json::json;

use super::*;
use crate::schema::{ListType, MapType, Scalar, ZeroValue};

fn resource(group: &str, version: &str, kind: &str) -> Arc<Resource> {
    KindTable::built_in().kind(&GroupVersionKind::new(group, version, kind)).unwrap().clone()
}

#[test]
fn built_in_kinds_are_known_by_kind_path_and_name() {
    let table = KindTable::built_in();
    let deployment = resource("apps", "v1", "Deployment");
    assert_eq!((deployment.plural.as_str(), &*deployment.singular), ("deployments", "deployment"));
    assert!(deployment.is_namespaced() && deployment.serves("watch"));
    let gvr = GroupVersionResource::new("apps", "v1", "deployments");
    assert_eq!(table.resource(&gvr).unwrap().gvk, deployment.gvk);
    for typed in ["deploy", "deployments", "Deployment", "deployments.apps", "deployments.v1.apps"] {
        assert_eq!(table.named(typed).first().unwrap().gvk, deployment.gvk, "{typed}");
    }
    assert!(table.named("deployments.batch").is_empty());
    assert_eq!(table.scope(&GroupKind::new("", "Namespace")), Some(Scope::Cluster));
    assert_eq!(table.scope(&GroupKind::new("", "Nothing")), None);
}

#[test]
fn subresources_say_their_kind() {
    let deployment = resource("apps", "v1", "Deployment");
    assert_eq!(
        deployment.subresource("scale").unwrap().gvk,
        GroupVersionKind::new("autoscaling", "v1", "Scale")
    );
    assert_eq!(deployment.subresource("status").unwrap().gvk, deployment.gvk);
    let eviction = resource("", "v1", "Pod").subresource("eviction").unwrap().clone();
    assert_eq!((eviction.gvk.api_version(), eviction.verbs), ("policy/v1".to_owned(), vec!["create".into()]));
}

#[test]
fn the_preferred_version_is_stable() {
    let table = KindTable::built_in();
    let autoscaler = GroupKind::new("autoscaling", "HorizontalPodAutoscaler");
    assert_eq!(table.preferred(&autoscaler).unwrap().gvk.version.as_str(), "v2");
    assert_eq!(table.versions(&autoscaler).len(), 2);
    assert!(resource("apps", "v1", "Deployment").served_by_default());
    assert!(!resource("scheduling.k8s.io", "v1alpha1", "Workload").served_by_default());
    let groups = table.groups();
    assert_eq!(groups[0].0.as_str(), "");
    assert!(groups.iter().any(|(group, versions)| group == "autoscaling" && versions.len() == 2));
}

#[test]
fn schemas_hold_the_facts_of_openapi_and_of_the_go_types() {
    let pod = resource("", "v1", "Pod");
    let spec = pod.schema().unwrap().slot("spec").unwrap().schema();
    let containers = spec.slot("containers").unwrap();
    assert_eq!(containers.schema().list_type, ListType::Map(vec!["name".into()]));
    assert!(containers.patch.merge);
    assert_eq!(containers.patch.key.as_deref(), Some("name"));
    let container = containers.schema().item_slot().unwrap().schema();
    let protocol =
        container.slot("ports").unwrap().schema().item_slot().unwrap().schema().slot("protocol").unwrap();
    assert_eq!(protocol.default, Some(json!("TCP")));
    let limits = container.slot("resources").unwrap().schema().slot("limits").unwrap().schema();
    assert_eq!(limits.slot("cpu").unwrap().schema().scalar, Some(Scalar::Quantity));
    assert_eq!(spec.slot("nodeSelector").unwrap().map_type(), MapType::Atomic);
    assert_eq!(spec.slot("hostNetwork").unwrap().zero, ZeroValue::Dropped);
    assert_eq!(spec.slot("automountServiceAccountToken").unwrap().zero, ZeroValue::Kept);
    let role = resource("rbac.authorization.k8s.io", "v1", "ClusterRole");
    assert_eq!(role.schema().unwrap().slot("rules").unwrap().zero, ZeroValue::Null);
}

#[test]
fn schemas_may_be_recursive() {
    let link =
        definition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps").unwrap();
    let not = link.schema().slot("not").unwrap().schema();
    assert!(not.slot("not").unwrap().schema().slot("properties").is_some());
}

#[test]
fn kinds_that_are_no_resources_have_schemas() {
    let table = KindTable::built_in();
    for kind in ["PodList", "Status"] {
        assert!(table.schema(&GroupVersionKind::new("", "v1", kind)).is_some(), "{kind}");
    }
}

fn crd() -> serde_json::Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false, "schema": schema},
                {"name": "v1", "served": true, "storage": true, "schema": schema,
                    "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}},
                    "additionalPrinterColumns": [{"name": "N", "type": "integer", "jsonPath": ".spec.n"}]},
                {"name": "v0", "served": false, "storage": false, "schema": schema}
            ]
        }
    })
}

#[test]
fn a_crd_adds_its_served_versions() {
    let table = KindTable::built_in().with_crd(&crd()).unwrap();
    let widget = GroupKind::new("example.com", "Widget");
    let versions: Vec<&str> = table.versions(&widget).iter().map(|r| r.gvk.version.as_str()).collect();
    assert_eq!(versions, ["v1", "v1beta1"]);
    let preferred = table.preferred(&widget).unwrap();
    assert_eq!((preferred.list_kind.as_str(), &*preferred.singular), ("WidgetList", "widget"));
    assert!(preferred.subresource("scale").is_some() && preferred.served_by_default());
    assert_eq!(table.named("wd").len(), 2);
    assert!(table.schema(&preferred.gvk).unwrap().slot("metadata").is_some());
    assert!(KindTable::built_in().preferred(&widget).is_none());
}

#[test]
fn a_crd_that_comes_again_replaces_the_first() {
    let mut table = KindTable::built_in().with_crd(&crd()).unwrap();
    let mut narrower = crd();
    narrower["spec"]["versions"].as_array_mut().unwrap().remove(0);
    table.add(&CustomKind::from_crd(&narrower).unwrap());
    assert_eq!(table.versions(&GroupKind::new("example.com", "Widget")).len(), 1);
    table.remove(&GroupResource::new("example.com", "widgets"));
    assert!(table.named("widgets").is_empty());
    table.remove(&GroupResource::new("apps", "deployments"));
    assert!(!table.named("deployments").is_empty());
}

#[test]
fn what_is_no_crd_says_why() {
    let error = KindTable::built_in().with_crd(&json!({"apiVersion": "v1", "kind": "Pod"})).unwrap_err();
    assert_eq!(error.to_string(), "not a CustomResourceDefinition of apiextensions.k8s.io/v1 but Pod of v1");
    let mut incomplete = crd();
    incomplete["spec"]["names"]["plural"] = json!("");
    let error = CustomKind::from_crd(&incomplete).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the CustomResourceDefinition widgets.example.com is incomplete: spec.names.plural is missing"
    );
}

#[test]
fn a_schema_that_is_not_structural_is_reported_not_refused() {
    let mut crd = crd();
    crd["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["properties"]["spec"] = json!({});
    let kind = CustomKind::from_crd(&crd).unwrap();
    let faults: Vec<String> = kind.version("v1").unwrap().faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields"
        ]
    );
}
