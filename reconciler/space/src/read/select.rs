//! Label and field selectors of a list, watch or deletion of a collection.

use std::borrow::Cow;

use apimachinery::field_selector::FieldSelector;
use apimachinery::selector::Selector;
use serde_json::Value;

use super::options::ListOptions;
use crate::resource::Endpoint;
use crate::space::Stored;
use crate::status::{Answer, ApiError};

/// Which objects are meant.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    labels: Selector,
    fields: FieldSelector,
    /// The name in the path of a watch of one object.
    name: Option<String>,
    /// Whether a field is asked for that is not in the header.
    needs_content: bool,
}

/// The fields of metadata that every kind can be selected by.
const COMMON: [&str; 2] = ["metadata.name", "metadata.namespace"];

impl Selection {
    /// Reads the selectors.
    ///
    /// # Errors
    /// 400 for what cannot be read, and for fields that the kind cannot be selected by.
    pub(crate) fn parse(endpoint: &Endpoint, options: &ListOptions) -> Answer<Self> {
        let labels = match &options.label_selector {
            None => Selector::everything(),
            Some(text) => Selector::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))?,
        };
        let fields = FieldSelector::parse(options.field_selector.as_deref().unwrap_or_default())
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        for term in fields.terms() {
            check_field(endpoint, &term.field)?;
        }
        let needs_content = fields.terms().iter().any(|term| !COMMON.contains(&term.field.as_str()));
        Ok(Self { labels, fields, name: None, needs_content })
    }

    /// Only the object of this name, if there is one in the path.
    ///
    /// # Errors
    /// 400 if a field selector asks for another name.
    pub(crate) fn named(mut self, name: &str) -> Answer<Self> {
        if name.is_empty() {
            return Ok(self);
        }
        if !self.fields.is_everything() && self.fields.required_value("metadata.name") != Some(name) {
            let message = "fieldSelector metadata.name doesn't match requested name";
            return Err(ApiError::bad_request(message));
        }
        self.name = Some(name.to_owned());
        Ok(self)
    }

    /// Whether all objects are meant.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything() && self.name.is_none()
    }

    /// Whether an object is meant.
    pub(crate) fn matches(&self, stored: &Stored) -> bool {
        let header = stored.object.header();
        if self.name.as_deref().is_some_and(|name| header.name != *name)
            || !self.labels.matches(&header.labels)
        {
            return false;
        }
        if self.fields.is_everything() {
            return true;
        }
        let content = if self.needs_content { stored.object.to_value() } else { Value::Null };
        let value = |field: &str| match field {
            "metadata.name" => Some(Cow::Borrowed(header.name.as_str())),
            "metadata.namespace" => {
                Some(Cow::Borrowed(header.namespace.as_ref().map_or("", |namespace| namespace.as_str())))
            }
            _ => Some(Cow::Owned(field_text(&content, field))),
        };
        self.fields.terms().iter().all(|term| {
            let equal = value(&term.field).is_some_and(|value| *value == *term.value);
            equal != term.negated
        })
    }
}

/// A field as selectors compare it: absent is empty, or what Go has for it; numbers and booleans are their text.
fn field_text(object: &Value, field: &str) -> String {
    let path = stored_path(field);
    let mut value = Some(object);
    for part in path.split('.') {
        value = value.and_then(|value| value.get(part));
    }
    match value {
        None | Some(Value::Null) => match &*path {
            "spec.unschedulable" | "spec.hostNetwork" => "false".into(),
            "status.replicas" => "0".into(),
            _ => String::new(),
        },
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Where a field is in the stored object, which may have another version or group.
fn stored_path(field: &str) -> Cow<'_, str> {
    match field {
        "spec.host" => "spec.nodeName".into(),
        "source" => "source.component".into(),
        "reportingController" => "reportingComponent".into(),
        _ => match field.strip_prefix("regarding.") {
            Some(rest) => format!("involvedObject.{rest}").into(),
            None => field.into(),
        },
    }
}

/// Fields besides name and namespace that a built-in kind can be selected by. Source: the field label conversions of `k8s.io/kubernetes/pkg/apis/*/v1/conversion.go`.
fn selectable(endpoint: &Endpoint) -> Option<&'static [&'static str]> {
    Some(match (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str()) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.host",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Node") => &["spec.unschedulable"],
        ("", "ReplicationController") | ("apps", "ReplicaSet") => &["status.replicas"],
        ("", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "Event") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("", "Namespace") => &["status.phase"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("batch", "Job") => &["status.successful"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["spec.signerName"],
        ("resource.k8s.io", "ResourceSlice") => &["spec.nodeName", "spec.driver"],
        _ => return None,
    })
}

fn check_field(endpoint: &Endpoint, field: &str) -> Answer<()> {
    if COMMON.contains(&field) {
        return Ok(());
    }
    let own = &endpoint.version().selectable_fields;
    let built_in = selectable(endpoint);
    let known = built_in.is_some_and(|fields| fields.contains(&field))
        || own.iter().any(|path| path.trim_start_matches('.') == field);
    if known {
        return Ok(());
    }
    let message = if built_in.is_some() || endpoint.resource.is_custom() {
        format!("field label not supported: {field}")
    } else {
        format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    };
    Err(ApiError::bad_request(message))
}
