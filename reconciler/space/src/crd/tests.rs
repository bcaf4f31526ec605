use serde_json::{Value, json};

use super::{fill_defaults, names::settled, remember_storage_version, resource, validate};
use crate::resource::Origin;

const NOW: &str = "2026-11-20T12:00:00Z";

fn definition() -> Value {
    let mut definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}},
                "subresources": {"status": {}},
            }],
        },
    });
    fill_defaults(&mut definition);
    definition["status"] =
        json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": []});
    remember_storage_version(&mut definition);
    definition
}

/// What is wrong with a definition after a change, `FIELD: MESSAGE`, shortened.
#[track_caller]
fn check(change: impl FnOnce(&mut Value), expected: &[&str]) {
    let mut changed = definition();
    change(&mut changed);
    let lines: Vec<String> =
        validate::definition(&changed, None).iter().map(crate::status::Cause::line).collect();
    let same = lines.len() == expected.len()
        && lines.iter().zip(expected).all(|(line, start)| line.starts_with(start));
    assert!(same, "{lines:#?}");
}

#[test]
fn a_definition_gets_its_defaults() {
    let definition = definition();
    assert_eq!(definition["spec"]["names"]["singular"], "widget");
    assert_eq!(definition["spec"]["names"]["listKind"], "WidgetList");
    assert_eq!(definition["spec"]["conversion"], json!({"strategy": "None"}));
    assert_eq!(definition["status"]["storedVersions"], json!(["v1"]));
}

#[test]
fn definitions_are_refused_with_the_servers_words() {
    check(|_| {}, &[]);
    check(
        |crd| crd["metadata"]["name"] = json!("other"),
        &["metadata.name: Invalid value: \"other\": must be spec.names.plural+\".\"+spec.group"],
    );
    check(
        |crd| crd["spec"]["scope"] = json!("World"),
        &["spec.scope: Unsupported value: \"World\": supported values: \"Cluster\", \"Namespaced\""],
    );
    check(|crd| crd["spec"]["versions"][0]["storage"] = json!(false), &["spec.versions: Invalid value"]);
    check(
        |crd| {
            crd["spec"]["versions"][0].as_object_mut().unwrap().remove("schema");
        },
        &["spec.versions[0].schema.openAPIV3Schema: Required value"],
    );
    check(
        |crd| {
            crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] =
                json!({"properties": {}});
        },
        &[
            "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields",
        ],
    );
    check(
        |crd| crd["spec"]["names"]["kind"] = json!("Wid_get"),
        &[
            "spec.names.kind: Invalid value: \"Wid_get\": may have mixed case, but should otherwise match: a DNS-1035 label",
        ],
    );
    check(
        |crd| {
            crd["spec"]["group"] = json!("x.k8s.io");
            crd["metadata"]["name"] = json!("widgets.x.k8s.io");
        },
        &["metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have"],
    );
    check(
        |crd| {
            crd["spec"]["versions"][0]["additionalPrinterColumns"] =
                json!([{"name": "A", "type": "list", "jsonPath": "x"}]);
        },
        &[
            "spec.additionalPrinterColumns[0].type: Invalid value: \"list\": must be one of boolean,date,integer,number,string",
            "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .",
        ],
    );
}

#[test]
fn a_storage_version_cannot_vanish() {
    check(
        |crd| crd["status"]["storedVersions"] = json!(["v1alpha1", "v1"]),
        &["status.storedVersions[0]: Invalid value: \"v1alpha1\": missing from spec.versions"],
    );
}

#[test]
fn an_established_definition_keeps_its_scope_and_kind() {
    let old = settled(&definition(), &[], NOW).unwrap();
    let mut new = old.clone();
    new["spec"]["scope"] = json!("Cluster");
    let causes = validate::definition(&new, Some(&old));
    assert_eq!(causes[0].line(), "spec.scope: Invalid value: \"Cluster\": field is immutable");
}

#[test]
fn names_are_accepted_and_the_definition_is_established() {
    let settled_once = settled(&definition(), &[], NOW).unwrap();
    let condition = |index: usize, field: &str| settled_once["status"]["conditions"][index][field].clone();
    assert_eq!((condition(0, "type"), condition(0, "status")), (json!("NamesAccepted"), json!("True")));
    assert_eq!((condition(1, "type"), condition(1, "status")), (json!("Established"), json!("True")));
    assert_eq!(settled_once["status"]["acceptedNames"], settled_once["spec"]["names"]);
    assert_eq!(settled(&settled_once, &[], "2027-01-01T00:00:00Z"), None, "nothing more to do");
}

#[test]
fn a_kind_that_is_taken_is_refused_until_it_is_free() {
    let first = settled(&definition(), &[], NOW).unwrap();
    let mut second = definition();
    second["metadata"]["name"] = json!("gadgets.example.com");
    second["spec"]["names"]["plural"] = json!("gadgets");
    second["spec"]["names"]["singular"] = json!("gadget");
    second["spec"]["names"]["shortNames"] = json!([]);
    let refused = settled(&second, std::slice::from_ref(&first), NOW).unwrap();
    let conditions = &refused["status"]["conditions"];
    assert_eq!(conditions[0]["reason"], "ListKindConflict");
    assert_eq!(conditions[0]["message"], "\"WidgetList\" is already in use");
    assert_eq!(conditions[1]["reason"], "NotAccepted");
    assert!(resource(&refused).is_none());
    assert!(resource(&settled(&refused, &[], NOW).unwrap()).is_some());
}

#[test]
fn a_definition_is_served_from_the_first_moment() {
    let fresh = resource(&definition()).unwrap();
    assert_eq!((fresh.plural.as_str(), fresh.list_kind.as_ref()), ("widgets", "WidgetList"));
    assert_eq!(fresh.versions[0].columns[0].json_path.as_ref(), ".metadata.creationTimestamp");
    let mut deleting = settled(&definition(), &[], NOW).unwrap();
    super::mark_deleting(&mut deleting, NOW);
    let terminating = resource(&deleting).unwrap().origin;
    assert_eq!(terminating, Origin::Custom { crd: "widgets.example.com".into(), terminating: true });
    assert_eq!(deleting["metadata"]["finalizers"], json!([super::deletion::FINALIZER]));
}

#[test]
fn a_deprecated_version_names_what_is_newer() {
    let mut definition = definition();
    let old = json!({
        "name": "v1beta1", "served": true, "storage": false, "deprecated": true,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    });
    definition["spec"]["versions"].as_array_mut().unwrap().push(old);
    let resource = resource(&definition).unwrap();
    assert_eq!(
        resource.versions[1].deprecation.as_deref(),
        Some("example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget")
    );
}
