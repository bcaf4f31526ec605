use std::sync::Arc;

use apimachinery::GroupVersionKind;
use serde_json::{Value, json};

use crate::builtin;
use crate::resource::Endpoint;

fn endpoint(group: &str, kind: &str) -> Endpoint {
    let gvk = GroupVersionKind::new(group, "v1", kind);
    let resource = builtin::registry().of_kind(&gvk.group_kind()).cloned().unwrap();
    Endpoint::new(Arc::clone(&resource), "v1").unwrap()
}

#[track_caller]
fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, expected: &[&str]) {
    let endpoint = endpoint(kind.0, kind.1);
    let complete = |value: &Value| {
        let mut value = value.clone();
        crate::normal::built_in(endpoint.version().schema.as_ref().unwrap(), &mut value);
        value
    };
    let new = complete(new);
    let errors = match old {
        None => super::create(&endpoint, &new),
        Some(old) => super::update(&endpoint, &new, &complete(old), ""),
    };
    let seen: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(seen, expected);
}

fn deployment(replicas: i64, labels: &Value, containers: &Value) -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } },
        },
    })
}

#[test]
fn a_deployment_is_judged_as_the_server_judges_it() {
    let (labels, containers) = (json!({ "app": "web" }), json!([{ "name": "web", "image": "nginx" }]));
    let fine = deployment(1, &labels, &containers);
    check(("apps", "Deployment"), &fine, None, &[]);
    check(
        ("apps", "Deployment"),
        &deployment(-1, &labels, &json!([])),
        None,
        &[
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.spec.containers: Required value",
        ],
    );
    check(
        ("apps", "Deployment"),
        &deployment(1, &json!({ "app": "other" }), &containers),
        None,
        &[
            r#"spec.template.metadata.labels: Invalid value: {"app":"other"}: `selector` does not match template `labels`"#,
        ],
    );
    let mut moved = deployment(1, &json!({ "app": "other" }), &containers);
    moved["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    check(
        ("apps", "Deployment"),
        &moved,
        Some(&fine),
        &[r#"spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable"#],
    );
    let twice = json!([{ "name": "a", "image": "i" }, { "name": "a", "image": "" }]);
    check(
        ("apps", "Deployment"),
        &deployment(1, &labels, &twice),
        None,
        &[
            r#"spec.template.spec.containers[1].name: Duplicate value: "a""#,
            "spec.template.spec.containers[1].image: Required value",
        ],
    );
}

#[test]
fn names_and_frozen_data_are_checked() {
    check(
        ("", "ConfigMap"),
        &json!({ "metadata": { "name": "Not_Valid", "namespace": "a" } }),
        None,
        &[
            "metadata.name: Invalid value: \"Not_Valid\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ],
    );
    let frozen =
        json!({ "metadata": { "name": "a", "namespace": "a" }, "immutable": true, "data": { "k": "v" } });
    let mut changed = frozen.clone();
    changed["data"]["k"] = "w".into();
    check(
        ("", "ConfigMap"),
        &changed,
        Some(&frozen),
        &["data: Forbidden: field is immutable when `immutable` is set"],
    );
}
