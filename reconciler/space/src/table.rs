//! `Accept: application/json;as=Table;v=v1;g=meta.k8s.io`: the columns of `kubectl get`. (space two)

use apimachinery::Timestamp;
use serde_json::Value;

use crate::resource::Endpoint;

/// What a row holds of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    None,
    /// PartialObjectMetadata.
    Metadata,
    /// The whole object.
    Object,
}

/// `columnDefinitions`.
pub(crate) fn columns(_endpoint: &Endpoint) -> Vec<Value> {
    Vec::new()
}

/// One entry of `rows` for an object in the endpoint's version. `now` is for ages.
pub(crate) fn row(_endpoint: &Endpoint, _object: &Value, _include: IncludeObject, _now: Timestamp) -> Value {
    Value::Null
}
