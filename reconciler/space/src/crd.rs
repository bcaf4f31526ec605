//! CustomResourceDefinitions: their own defaults, validation and status, and the resources they define. (space two)

use serde_json::Value;

use crate::resource::Resource;
use crate::space::Space;
use crate::status::Answer;

/// Completes a definition before it is stored: declared and derived defaults, validation, the conditions NamesAccepted and Established, `storedVersions`.
/// Called for create (`old` absent) and update, after generic metadata handling.
///
/// # Errors
/// 422 with causes, as the server words them.
pub(crate) fn admit(_space: &Space, _new: &mut Value, _old: Option<&Value>) -> Answer<()> {
    Ok(())
}

/// The resource that a stored definition defines; `None` while its names are not accepted. Called when a definition is committed and at open.
pub(crate) fn resource(_definition: &Value) -> Option<Resource> {
    None
}

/// Prunes, defaults, and validates a custom object (schema and CEL rules) in its version, for create and update. `old` in the same version.
///
/// # Errors
/// 422 with causes.
pub(crate) fn admit_custom(
    _endpoint: &crate::resource::Endpoint,
    _new: &mut Value,
    _old: Option<&Value>,
) -> Answer<()> {
    Ok(())
}
