//! Pods from templates.

use serde_json::{Value, json};

use crate::live::Live;
use crate::owner;

/// A pod of a workload: labels, annotations, finalizers and spec of the template at `/spec/template`, controlled by the workload.
pub(crate) fn pod(workload: &Live, template: &Value, name: &str) -> Value {
    let mut metadata = json!({
        "name": name, "namespace": workload.namespace(), "ownerReferences": [owner::reference(workload)]
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer(&format!("/metadata/{field}")).filter(|value| !value.is_null())
        {
            metadata[field] = value.clone();
        }
    }
    let spec = template.get("spec").cloned().unwrap_or_else(|| json!({}));
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })
}

/// The template of a workload.
pub(crate) fn of(workload: &Live) -> &Value {
    workload.value.pointer("/spec/template").unwrap_or(&Value::Null)
}

/// Sets a label.
pub(crate) fn label(object: &mut Value, key: &str, value: &str) {
    object["metadata"]["labels"][key] = json!(value);
}

/// Sets an annotation.
pub(crate) fn annotate(object: &mut Value, key: &str, value: &str) {
    object["metadata"]["annotations"][key] = json!(value);
}
