//! What kube-apiserver v1.35.4 answered, compared with what this room says. Recorded by sending each case to a real server.

use serde_json::{Value, json};

use super::{Schema, check_structural, strict_decoding_error};
use crate::field_error::{FieldError, FieldPath};
use crate::kinds::KindTable;
use crate::{GroupVersion, GroupVersionKind, normal};

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// Path, message and reason of the causes in a Status, sorted.
fn causes(errors: &[FieldError]) -> Value {
    let mut causes: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {} ({})", error.path, error.body(), error.kind.reason()))
        .collect();
    causes.sort();
    json!(causes)
}

#[test]
fn custom_objects_are_pruned_defaulted_and_validated_as_by_a_real_server() {
    let schema = Schema::from_crd(&serde_json::from_str(include_str!("golden/crd-schema.json")).unwrap());
    for case in lines(include_str!("golden/custom-objects.jsonl")) {
        let mut object =
            json!({"apiVersion": "t.io/v1", "kind": "V", "metadata": {"name": "v"}, "spec": case["spec"]});
        let strict = strict_decoding_error(&schema.unknown_fields(&object), &[]);
        assert_eq!(json!(strict), case["strict"], "{case}");
        schema.prune(&mut object);
        schema.fill_defaults(&mut object);
        normal::whole_numbers(&mut object);
        let errors = schema.validate(&object);
        match case.get("stored") {
            Some(stored) => assert_eq!((&object["spec"], causes(&errors)), (stored, json!([])), "{case}"),
            None => assert_eq!(causes(&errors), case["causes"], "{case}"),
        }
    }
}

#[test]
fn crds_are_refused_as_by_a_real_server() {
    let path = FieldPath::new("spec.validation.openAPIV3Schema");
    for case in lines(include_str!("golden/crds.jsonl")) {
        let errors = check_structural(&case["schema"], &path, case["status"] == true);
        assert_eq!(causes(&errors), case["causes"], "{case}");
    }
}

#[test]
fn built_in_objects_decode_as_in_a_real_server() {
    for case in lines(include_str!("golden/decoding.jsonl")) {
        let object = &case["object"];
        let GroupVersion { group, version } = GroupVersion::parse(object["apiVersion"].as_str().unwrap());
        let kind = object["kind"].as_str().unwrap();
        let gvk = GroupVersionKind { group, version, kind: kind.into() };
        let fault = KindTable::built_in().schema(&gvk).unwrap().decodes(kind, object).unwrap_err();
        let message =
            format!("{kind} in version {:?} cannot be handled as a {kind}: {fault}", gvk.version.as_str());
        assert_eq!(message, case["message"], "{object}");
    }
}
