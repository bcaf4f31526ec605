//! SelfSubjectAccessReview, SubjectAccessReview, LocalSubjectAccessReview. Source: `pkg/apis/authorization/validation`.

use apimachinery::GroupKind;
use serde_json::{Map, Value, json};

use crate::identity::Identity;
use crate::rbac::{self, Asked, AskedResource};
use crate::space::Space;
use crate::status::{Answer, ApiError, Cause};

/// What the caller may do.
pub(super) fn of_self(space: &Space, who: &Identity, body: &Value) -> Answer<Value> {
    refuse(attributes(body).err().into_iter().collect())?;
    Ok(status(space, who, body))
}

/// What anybody may do, by name and groups.
pub(super) fn of_subject(space: &Space, body: &Value) -> Answer<Value> {
    let (user, groups) = subject(body);
    let mut causes: Vec<Cause> = attributes(body).err().into_iter().collect();
    if user.is_empty() && groups.is_empty() {
        causes.push(Cause::invalid(
            "spec.user",
            &json!(""),
            "at least one of user or group must be specified",
        ));
    }
    refuse(causes)?;
    let who = Identity { user: user.to_owned(), groups: groups.into_iter().map(str::to_owned).collect() };
    Ok(status(space, &who, body))
}

/// As [`of_subject`], for who may only ask about one namespace.
pub(super) fn of_local_subject(space: &Space, body: &Value) -> Answer<Value> {
    let namespace = text(body, "/metadata/namespace");
    if text(body, "/spec/resourceAttributes/namespace") != namespace {
        let message = format!("spec.resourceAttributes.namespace must match namespace: {namespace}");
        return Err(ApiError::bad_request(message));
    }
    of_subject(space, body)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn subject(body: &Value) -> (&str, Vec<&str>) {
    let groups = body.pointer("/spec/groups").and_then(Value::as_array);
    (text(body, "/spec/user"), groups.into_iter().flatten().filter_map(Value::as_str).collect())
}

/// The server leaves out the kind in this error.
fn refuse(causes: Vec<Cause>) -> Answer<()> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&GroupKind::new("authorization.k8s.io", ""), "", causes))
}

/// What the review asks: of a resource or of a path, not both.
fn attributes(body: &Value) -> Result<Asked, Cause> {
    let part = |field: &str| body.pointer(&format!("/spec/{field}")).filter(|part| part.is_object());
    match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(resource), None) => {
            let field = |name: &str| text(resource, &format!("/{name}")).to_owned();
            Ok(Asked::Resource(AskedResource {
                verb: field("verb"),
                group: field("group"),
                resource: field("resource"),
                subresource: field("subresource"),
                namespace: field("namespace"),
                name: field("name"),
            }))
        }
        (None, Some(path)) => {
            Ok(Asked::Path { verb: text(path, "/verb").to_owned(), path: text(path, "/path").to_owned() })
        }
        (Some(_), Some(path)) => {
            let detail = "cannot be specified in combination with resourceAttributes";
            Err(Cause::invalid("spec.nonResourceAttributes", path, detail))
        }
        (None, None) => {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            Err(Cause::invalid("spec.resourceAttributes", &Value::Null, detail))
        }
    }
}

fn status(space: &Space, who: &Identity, body: &Value) -> Value {
    // The caller has checked the attributes.
    let verdict = attributes(body).map(|asked| rbac::decide(space, who, &asked));
    let mut status = Map::new();
    let allowed = verdict.as_ref().is_ok_and(|verdict| verdict.allowed);
    status.insert("allowed".into(), json!(allowed));
    if let Ok(verdict) = verdict
        && !verdict.reason.is_empty()
    {
        status.insert("reason".into(), json!(verdict.reason));
    }
    Value::Object(status)
}
