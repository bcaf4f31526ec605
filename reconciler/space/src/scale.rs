//! The scale subresource: `autoscaling/v1 Scale` from and to an object. (space two)

use serde_json::Value;

use crate::resource::Endpoint;
use crate::status::Answer;

/// The Scale of an object.
///
/// # Errors
/// When the object's selector cannot be read.
pub(crate) fn read(_endpoint: &Endpoint, _object: &Value) -> Answer<Value> {
    Ok(Value::Null)
}

/// Writes `spec.replicas` of a Scale into the object.
///
/// # Errors
/// 422 with causes, 400 for another kind.
pub(crate) fn write(_endpoint: &Endpoint, _object: &mut Value, _scale: &Value) -> Answer<()> {
    Ok(())
}
