//! Failures as the API reports them: `metav1.Status` with the server's reasons, codes, wording and details.
//!
//! Wording follows `k8s.io/apimachinery/pkg/api/errors` and `.../util/validation/field`, because clients and people match on it.

use apimachinery::field_error::FieldError;
use apimachinery::{GroupKind, GroupResource};
use serde_json::{Map, Value, json};

/// What a handler returns.
pub type Answer<T> = Result<T, ApiError>;

/// A refused or failed request. Becomes a `Status` body with `status: Failure`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ApiError(Box<Failure>);

/// The fields of a failed `Status`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    /// The HTTP status code.
    pub code: u16,
    /// The machine-readable reason; empty for "unknown".
    pub reason: &'static str,
    /// What happened, as the server words it.
    pub message: String,
    /// `details.name`.
    pub name: String,
    /// `details.group`.
    pub group: String,
    /// `details.kind`: the kind, or the plural where the server writes the plural.
    pub kind: String,
    /// `details.uid`.
    pub uid: String,
    /// `details.causes`.
    pub causes: Vec<Cause>,
    /// `details.retryAfterSeconds`; also sent as the header `Retry-After`.
    pub retry_after_seconds: u32,
    /// `metadata.continue`: a token with which a list can be resumed in spite of the failure.
    pub continue_token: String,
}

/// One entry of `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The machine-readable reason, `FieldValueInvalid`.
    pub reason: &'static str,
    /// What is wrong, without the field.
    pub message: String,
    /// The path of the field, `spec.ports[0].port`; empty if there is none.
    pub field: String,
}

impl Cause {
    fn new(reason: &'static str, field: impl Into<String>, message: String) -> Self {
        Self { reason, message, field: field.into() }
    }

    /// `field: Required value: detail`.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message =
            if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        Self::new("FieldValueRequired", field, message)
    }

    /// `field: Invalid value: "x": detail`. The value is printed as JSON, as the server does for strings, numbers and booleans.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let mut message = format!("Invalid value: {}", shown(value));
        if !detail.is_empty() {
            message.push_str(": ");
            message.push_str(detail);
        }
        Self::new("FieldValueInvalid", field, message)
    }

    /// `field: Unsupported value: "x": supported values: "a", "b"`.
    pub fn not_supported<S: AsRef<str>>(field: impl Into<String>, value: &Value, supported: &[S]) -> Self {
        let mut message = format!("Unsupported value: {}", shown(value));
        if !supported.is_empty() {
            let quoted: Vec<String> = supported.iter().map(|s| format!("{:?}", s.as_ref())).collect();
            message.push_str(&format!(": supported values: {}", quoted.join(", ")));
        }
        Self::new("FieldValueNotSupported", field, message)
    }

    /// `field: Duplicate value: "x"`.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)))
    }

    /// `field: Not found: "x"`.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {}", shown(value)))
    }

    /// `field: Forbidden: detail`.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }

    /// `field: Too long: may not be more than N bytes`.
    pub fn too_long(field: impl Into<String>, max_bytes: usize) -> Self {
        let unit = if max_bytes == 1 { "byte" } else { "bytes" };
        Self::new("FieldValueTooLong", field, format!("Too long: may not be more than {max_bytes} {unit}"))
    }

    /// `field: Too many: N: must have at most M items`.
    pub fn too_many(field: impl Into<String>, actual: usize, max_items: usize) -> Self {
        let unit = if max_items == 1 { "item" } else { "items" };
        let message = format!("Too many: {actual}: must have at most {max_items} {unit}");
        Self::new("FieldValueTooMany", field, message)
    }

    /// `field: Invalid value: "x": detail` with the reason of a wrong type.
    pub fn wrong_type(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self { reason: "FieldValueTypeInvalid", ..Self::invalid(field, value, detail) }
    }

    /// A cause with a reason of the caller's, `UnexpectedServerResponse` or `FieldManagerConflict`.
    pub fn other(reason: &'static str, field: impl Into<String>, message: String) -> Self {
        Self::new(reason, field, message)
    }

    /// `field: message`, as the message of an `Invalid` error lists it.
    pub fn line(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }
}

impl From<FieldError> for Cause {
    fn from(error: FieldError) -> Self {
        Self::new(error.kind.reason(), error.path.as_str(), error.body())
    }
}

/// A value as the server's validation errors show it: scalars as JSON, the rest by its JSON text, too.
fn shown(value: &Value) -> String {
    value.to_string()
}

impl ApiError {
    /// Any failure.
    pub fn new(failure: Failure) -> Self {
        Self(Box::new(failure))
    }

    fn plain(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Failure { code, reason, message: message.into(), ..Failure::default() })
    }

    fn about(code: u16, reason: &'static str, what: (&GroupResource, &str), message: String) -> Self {
        let (resource, name) = what;
        Self::new(Failure {
            code,
            reason,
            message,
            name: name.into(),
            group: resource.group.as_str().into(),
            kind: resource.plural.as_str().into(),
            ..Failure::default()
        })
    }

    /// `deployments.apps "x" not found`.
    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        Self::about(404, "NotFound", (resource, name), format!("{resource} {name:?} not found"))
    }

    /// The path names a space that there is not.
    pub fn no_such_space(name: &str) -> Self {
        Self::plain(404, "NotFound", format!("there is no space {name:?} on this server"))
    }

    /// The path names a resource that nobody serves.
    pub fn no_such_resource() -> Self {
        Self::plain(404, "NotFound", "the server could not find the requested resource")
    }

    /// `configmaps "x" already exists`.
    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        Self::about(409, "AlreadyExists", (resource, name), format!("{resource} {name:?} already exists"))
    }

    /// `Operation cannot be fulfilled on configmaps "x": detail`.
    pub fn conflict(resource: &GroupResource, name: &str, detail: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {detail}");
        Self::about(409, "Conflict", (resource, name), message)
    }

    /// The write was based on an old version.
    pub fn modified(resource: &GroupResource, name: &str) -> Self {
        let detail =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, detail)
    }

    /// `Deployment.apps "x" is invalid: …` with one cause per field.
    pub fn invalid(kind: &GroupKind, name: &str, causes: Vec<Cause>) -> Self {
        // The message says everything once, the causes say it as often as it is wrong.
        let mut lines: Vec<String> = Vec::new();
        for line in causes.iter().map(Cause::line) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let all = match lines.as_slice() {
            [] => "<nil>".to_owned(),
            [only] => only.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        Self::new(Failure {
            code: 422,
            reason: "Invalid",
            message: format!("{kind} {name:?} is invalid: {all}"),
            name: name.into(),
            group: kind.group.as_str().into(),
            kind: kind.kind.as_str().into(),
            causes,
            ..Failure::default()
        })
    }

    /// As [`Self::invalid`], from errors about fields.
    pub fn invalid_fields(kind: &GroupKind, name: &str, errors: Vec<FieldError>) -> Self {
        Self::invalid(kind, name, errors.into_iter().map(Cause::from).collect())
    }

    /// An apply would take fields from others; one cause (message, field) for each.
    pub fn apply_conflict(message: &str, causes: impl IntoIterator<Item = (String, String)>) -> Self {
        let cause = |(message, field)| Cause::new("FieldManagerConflict", field, message);
        Self::new(Failure {
            code: 409,
            reason: "Conflict",
            message: message.to_owned(),
            causes: causes.into_iter().map(cause).collect(),
            ..Failure::default()
        })
    }

    /// A failure without a reason, code 500.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::plain(500, "", message)
    }

    /// `pods "x" is forbidden: detail`.
    pub fn forbidden(resource: &GroupResource, name: &str, detail: &str) -> Self {
        let message = if name.is_empty() {
            format!("{resource} is forbidden: {detail}")
        } else {
            format!("{resource} {name:?} is forbidden: {detail}")
        };
        Self::about(403, "Forbidden", (resource, name), message)
    }

    /// `forbidden: User "u" cannot get path "/x"`, for what is not a resource.
    pub fn forbidden_path(detail: &str) -> Self {
        Self::plain(403, "Forbidden", format!("forbidden: {detail}"))
    }

    /// The request is malformed.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(400, "BadRequest", message)
    }

    /// No, or no valid, credentials.
    pub fn unauthorized() -> Self {
        Self::plain(401, "Unauthorized", "Unauthorized")
    }

    /// The resource exists, but not with this verb.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::plain(405, "MethodNotAllowed", message)
    }

    /// None of the media types in `Accept` can be produced.
    pub fn not_acceptable(supported: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", supported.join(", "));
        Self::plain(406, "NotAcceptable", message)
    }

    /// The body's media type cannot be read.
    pub fn unsupported_media_type(supported: &[&str]) -> Self {
        let list = supported.join(", ");
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {list}"
        );
        Self::plain(415, "UnsupportedMediaType", message)
    }

    /// As [`Self::unsupported_media_type`] with a text of the caller's.
    pub fn unsupported_body(message: impl Into<String>) -> Self {
        Self::plain(415, "UnsupportedMediaType", message)
    }

    /// The resourceVersion or continue token is too old.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::plain(410, "Expired", message)
    }

    /// A page of a list is too old; the token resumes the list with what there is now.
    pub fn expired_page(message: &str, continue_token: String) -> Self {
        Self::new(Failure {
            code: 410,
            reason: "Expired",
            message: message.to_owned(),
            continue_token,
            ..Failure::default()
        })
    }

    /// The body is larger than `limit_bytes`.
    pub fn too_large(limit_bytes: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit_bytes}");
        Self::plain(413, "RequestEntityTooLarge", message)
    }

    /// The object is larger than `limit_bytes`, as etcd's limit is.
    pub fn object_too_large(size_bytes: usize, limit_bytes: usize) -> Self {
        let message = format!(
            "Request entity too large: the object would take {size_bytes} bytes, limit is {limit_bytes}"
        );
        Self::plain(413, "RequestEntityTooLarge", message)
    }

    /// A patch has too many operations.
    pub fn too_large_patch(message: &str) -> Self {
        Self::plain(413, "RequestEntityTooLarge", format!("Request entity too large: {message}"))
    }

    /// A patch does not fit the object.
    pub fn inapplicable(detail: &str) -> Self {
        let message = format!("the server rejected our request due to an error in our request: {detail}");
        Self::plain(422, "Invalid", message)
    }

    /// The resourceVersion asked for has not been reached.
    pub fn too_large_resource_version(wanted: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {wanted}, current: {current}");
        Self::new(Failure {
            code: 504,
            reason: "Timeout",
            message: format!("Timeout: {message}"),
            causes: vec![Cause::new("ResourceVersionTooLarge", "", "Too large resource version".into())],
            retry_after_seconds: 1,
            ..Failure::default()
        })
    }

    /// Too much is on its way.
    pub fn too_many_requests() -> Self {
        Self::new(Failure {
            code: 429,
            reason: "TooManyRequests",
            message: "Too many requests, please try again later.".into(),
            retry_after_seconds: 1,
            ..Failure::default()
        })
    }

    /// Something that should not happen, or the disk.
    pub fn internal(detail: &str) -> Self {
        Self::new(Failure {
            code: 500,
            reason: "InternalError",
            message: format!("Internal error occurred: {detail}"),
            causes: vec![Cause::new("", "", detail.to_owned())],
            ..Failure::default()
        })
    }

    /// The server is closing, or cannot write at the moment.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::plain(503, "ServiceUnavailable", message)
    }

    /// The same failure with something before its message.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.0.message.insert_str(0, prefix);
        self
    }

    /// The fields.
    pub fn failure(&self) -> &Failure {
        &self.0
    }

    /// The HTTP status code.
    pub fn code(&self) -> u16 {
        self.0.code
    }

    /// The machine-readable reason.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// The `Status` object.
    pub fn to_value(&self) -> Value {
        let failure = &*self.0;
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": failure.message, "code": failure.code,
        });
        if !failure.continue_token.is_empty() {
            status["metadata"]["continue"] = failure.continue_token.as_str().into();
        }
        if !failure.reason.is_empty() {
            status["reason"] = failure.reason.into();
        }
        let details = details(failure);
        if !details.is_empty() || matches!(failure.code, 404 | 405) {
            status["details"] = Value::Object(details);
        }
        status
    }
}

fn details(failure: &Failure) -> Map<String, Value> {
    let mut details = Map::new();
    let texts =
        [("name", &failure.name), ("group", &failure.group), ("kind", &failure.kind), ("uid", &failure.uid)];
    for (key, text) in texts {
        if !text.is_empty() {
            details.insert(key.into(), text.as_str().into());
        }
    }
    if !failure.causes.is_empty() {
        details.insert("causes".into(), failure.causes.iter().map(cause_value).collect());
    }
    if failure.retry_after_seconds > 0 {
        details.insert("retryAfterSeconds".into(), failure.retry_after_seconds.into());
    }
    details
}

fn cause_value(cause: &Cause) -> Value {
    let mut value = Map::new();
    for (key, text) in [("reason", cause.reason), ("message", &cause.message), ("field", &cause.field)] {
        if !text.is_empty() {
            value.insert(key.into(), text.into());
        }
    }
    Value::Object(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_worded_as_the_server_words_them() {
        let deployments = GroupResource::new("apps", "deployments");
        let kind = GroupKind::new("apps", "Deployment");
        let required = Cause::required("spec.selector", "");
        let twice = vec![required.clone(), Cause::invalid("spec.replicas", &json!(-1), "must be positive")];
        let table = [
            (ApiError::not_found(&deployments, "a"), r#"deployments.apps "a" not found"#),
            (
                ApiError::invalid(&kind, "a", vec![required]),
                r#"Deployment.apps "a" is invalid: spec.selector: Required value"#,
            ),
            (
                ApiError::invalid(&kind, "a", twice),
                r#"Deployment.apps "a" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be positive]"#,
            ),
        ];
        for (error, message) in table {
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_status_has_details_only_where_the_server_has_them() {
        assert_eq!(ApiError::unauthorized().to_value().get("details"), None);
        let status = ApiError::not_found(&GroupResource::new("", "pods"), "a").to_value();
        assert_eq!(status["details"], json!({"name": "a", "kind": "pods"}));
    }
}
