//! Custom objects: pruning, defaulting and validation by the schema of their version.

use apimachinery::field_error::{FieldError, FieldErrorKind, FieldPath};
use apimachinery::schema::{Additional, Schema};
use serde_json::Value;

use crate::resource::Endpoint;
use crate::status::{Answer, ApiError, Cause};

use super::rules;

/// Prunes, defaults, and validates a custom object (schema and CEL rules) in its version, for create and update. `old` in the same version.
///
/// # Errors
/// 422 with causes.
pub(crate) fn admit(endpoint: &Endpoint, new: &mut Value, old: Option<&Value>) -> Answer<()> {
    let Some(link) = &endpoint.version().schema else { return Ok(()) };
    let schema = link.schema();
    schema.prune(new);
    schema.fill_defaults(new);
    let mut errors = schema.validate(new);
    if let Some(old) = old {
        errors.retain(|error| !is_unchanged(error, new, old));
    }
    if errors.iter().any(blocks_rules) {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        if has_rules(schema) {
            errors.push(FieldError::invalid(&FieldPath::default(), Value::Null, detail));
        }
    } else {
        errors.extend(rules::check(schema, new, old));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let name = new.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    Err(ApiError::invalid(&endpoint.resource.group_kind(), name, errors.iter().map(cause).collect()))
}

/// Whether rules are not run because of an error: they rely on types, lengths and enums.
fn blocks_rules(error: &FieldError) -> bool {
    use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
}

/// Whether a schema has rules anywhere.
fn has_rules(schema: &Schema) -> bool {
    let values = match &schema.additional {
        Additional::Values(slot) => Some(&**slot),
        Additional::None | Additional::Any => None,
    };
    let mut inner = schema.properties.values().chain(values).chain(schema.item_slot());
    !schema.rules.is_empty()
        || inner.any(|slot| slot.link().definition().is_none() && has_rules(slot.schema()))
}

/// A field error as the cause of a refusal.
pub(super) fn cause(error: &FieldError) -> Cause {
    Cause::other(error.kind.reason(), error.path.to_string(), error.body())
}

/// Ratcheting: an update is not refused for a value that it leaves as it was (a schema that became stricter must not block everything else). Lists are
/// compared by position, which refuses at most more than upstream does.
fn is_unchanged(error: &FieldError, new: &Value, old: &Value) -> bool {
    let path = error.path.as_str();
    match (at(new, path), at(old, path)) {
        (Some(new), Some(old)) => new == old,
        // What is missing is missing from its parent.
        (None, None) => match path.rsplit_once('.') {
            Some((parent, _)) => at(new, parent).is_some() && at(new, parent) == at(old, parent),
            None => false,
        },
        _ => false,
    }
}

/// The value at a path like `spec.ports[0].name` or `spec.labels[a/b]`.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (key, behind) = inner.split_once(']')?;
            value = match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                _ => value.get(key)?,
            };
            rest = behind.strip_prefix('.').unwrap_or(behind);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (field, behind) = rest.split_at(end);
            value = value.get(field)?;
            rest = behind.strip_prefix('.').unwrap_or(behind);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::at;

    #[test]
    fn a_path_finds_fields_items_and_keys() {
        let value = json!({"spec": {"ports": [{"name": "a"}], "labels": {"a/b.c": 1}}});
        assert_eq!(at(&value, "spec.ports[0].name"), Some(&json!("a")));
        assert_eq!(at(&value, "spec.labels[a/b.c]"), Some(&json!(1)));
        assert_eq!(at(&value, "spec.ports[1]"), None);
        assert_eq!(at(&value, ""), Some(&value));
    }
}
