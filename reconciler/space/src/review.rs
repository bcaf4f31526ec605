//! Reviews that are answered and never stored: who somebody is, and what they may do.

mod access;
mod rules;

use serde_json::{Value, json};

use crate::identity::Identity;
use crate::resource::Endpoint;
use crate::space::Space;
use crate::status::{Answer, ApiError};

/// Fills in `status`.
///
/// # Errors
/// 422 with causes, 400 for a review that lacks what it is about.
pub(crate) fn review(space: &Space, who: &Identity, endpoint: &Endpoint, mut body: Value) -> Answer<Value> {
    let status = match endpoint.resource.kind.as_str() {
        "SelfSubjectReview" => json!({"userInfo": {"username": who.user, "groups": who.groups}}),
        "SelfSubjectAccessReview" => access::of_self(space, who, &body)?,
        "SubjectAccessReview" => access::of_subject(space, &body)?,
        "LocalSubjectAccessReview" => access::of_local_subject(space, &body)?,
        "TokenReview" => token(space, &body)?,
        "SelfSubjectRulesReview" => rules::of_self(space, who, &body)?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    body["status"] = status;
    Ok(body)
}

/// Whether this space knows a token, and whose it is.
fn token(space: &Space, body: &Value) -> Answer<Value> {
    let token = body.pointer("/spec/token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    Ok(match space.host().tokens.authenticate(token, Some(space.name())) {
        Some(found) => {
            json!({"authenticated": true, "user": {"username": found.user, "groups": found.groups}})
        }
        None => json!({"user": {}, "error": "invalid bearer token"}),
    })
}
