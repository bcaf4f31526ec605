//! Subresources that write a part of their own with PUT and PATCH: what of the sent object counts.

use serde_json::Value;

use crate::resource::Endpoint;
use crate::write::meta;

/// Makes of an update through a subresource the object that is stored.
pub(crate) fn prepare(endpoint: &Endpoint, subresource: &str, object: &mut Value, old: &Value) {
    let managers = meta::field(object, "managedFields").cloned();
    let mut new = old.clone();
    let sent = |path: &str| object.pointer(path).cloned();
    let mut set = |path: [&str; 2], value: Option<Value>| {
        if let Some(value) = value {
            new[path[0]][path[1]] = value;
        }
    };
    match (endpoint.resource.kind.as_str(), subresource) {
        // Only the finalizers in the spec, by which namespaces are emptied.
        ("Namespace", "finalize") => {
            let finalizers = sent("/spec/finalizers").unwrap_or(Value::Array(Vec::new()));
            set(["spec", "finalizers"], Some(finalizers));
        }
        ("CertificateSigningRequest", "approval") => {
            set(["status", "conditions"], sent("/status/conditions"));
        }
        ("Pod", "ephemeralcontainers") => {
            set(["spec", "ephemeralContainers"], sent("/spec/ephemeralContainers"));
        }
        ("Pod", "resize") => set(["spec", "containers"], sent("/spec/containers")),
        _ => {}
    }
    if let Some(managers) = managers {
        meta::set(&mut new, "managedFields", managers);
    }
    meta::copy(object, &mut new, "resourceVersion");
    *object = new;
}
