//! Strategic merge patch, as kube-apiserver applies it to built-in kinds.
//!
//! A merge patch that knows from the schema which lists are merged, and by which key, and that may hold directives:
//!
//! | directive | where | effect |
//! |---|---|---|
//! | `$patch: replace` | object | the patch replaces the object |
//! | `$patch: replace` | item of a merged list | the other items of the patch replace the list |
//! | `$patch: delete` | object | the object becomes empty |
//! | `$patch: delete` | item of a merged list | items with this merge key go |
//! | `$retainKeys` | object | other fields of the object go |
//! | `$setElementOrder/f` | object | the order of the merged list or set `f` |
//! | `$deleteFromPrimitiveList/f` | object | these items of the set `f` go |
//!
//! Kept from the server, for compatibility: what replaces a whole list, and new items of a merged list, are taken as they are, with nulls and directives in them (a
//! built-in kind reads null as absent, and an API server reports a directive as an unknown field); `$patch: merge` is refused.
//! Merging is linear in the sizes of the lists; the server's is quadratic.

use serde_json::{Map, Value};

use crate::goprint;
use crate::schema::{Schema, Slot};

mod lists;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";

/// Why a strategic merge patch cannot be applied. The texts are the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrategicError {
    /// The patch, or the document, is not an object.
    #[error("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// A key that begins with `$deleteFromPrimitiveList` and goes on in another way than `/field`.
    #[error("invalid patch format of primitive list")]
    DeleteListFormat,
    /// `$retainKeys` is no list, or leaves out a field that the patch sets.
    #[error("invalid patch format of retainKeys")]
    RetainKeysFormat,
    /// A malformed `$setElementOrder`.
    #[error("invalid patch format of setElementOrder list")]
    SetOrderFormat,
    /// A list in a merged list.
    #[error("lists of lists are not supported")]
    ListOfLists,
    /// A directive that the server does not know.
    #[error("unknown patch type: {directive} in map: {map}")]
    UnknownDirective {
        /// The directive.
        directive: String,
        /// The part of the patch that holds it.
        map: String,
    },
    /// `$patch: merge` in a list.
    #[error("merging lists cannot yet be specified in the patch")]
    MergeDirective,
    /// An item of a merged list without its merge key.
    #[error("map: {map} does not contain declared merge key: {key}")]
    NoMergeKey {
        /// The item.
        map: String,
        /// The key.
        key: String,
    },
    /// A list of objects whose schema says `merge`, but not by which key.
    #[error("cannot merge lists without merge key for struct")]
    NoDeclaredKey,
    /// A value of another type than the directive needs.
    #[error("expected a {expected}, but received a {received}")]
    Type {
        /// Go's name of the type.
        expected: &'static str,
        /// Go's name of the type.
        received: &'static str,
    },
    /// Items of different types in lists that are to be merged.
    #[error("list element types are not identical: {lists}")]
    MixedTypes {
        /// The lists.
        lists: String,
    },
    /// `$setElementOrder` of a list without items.
    #[error("no elements in any of the given slices")]
    NoElements,
    /// The patch has its items in another order than it says.
    #[error("The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n")]
    Order {
        /// The items.
        patch: String,
        /// The order.
        order: String,
    },
}

impl StrategicError {
    /// The status code of an API server's answer: 400 for a malformed patch, 422 where the content cannot be processed, 500 otherwise.
    pub fn status_code(&self) -> u16 {
        match self {
            Self::NotAnObject { .. }
            | Self::DeleteListFormat
            | Self::RetainKeysFormat
            | Self::SetOrderFormat => 400,
            Self::ListOfLists => 422,
            _ => 500,
        }
    }

    /// Without the values of document and patch that some messages show: for Secrets.
    #[must_use]
    pub fn redacted(self) -> Self {
        let hidden = || "map[...]".to_owned();
        match self {
            Self::UnknownDirective { directive, .. } => Self::UnknownDirective { directive, map: hidden() },
            Self::NoMergeKey { key, .. } => Self::NoMergeKey { map: hidden(), key },
            Self::MixedTypes { .. } => Self::MixedTypes { lists: "[...]".to_owned() },
            Self::Order { .. } => Self::Order { patch: "[...]".to_owned(), order: "[...]".to_owned() },
            other => other,
        }
    }
}

/// Applies a patch to a copy of an object of a kind with this schema.
///
/// # Errors
/// See [`StrategicError`]; the first of them.
pub fn apply(original: &Value, patch: &Value, schema: &Schema) -> Result<Value, StrategicError> {
    let object = |value: &Value| {
        value.as_object().cloned().ok_or(StrategicError::NotAnObject { found: json_type(value) })
    };
    merge_objects(object(original)?, object(patch)?, Some(schema)).map(Value::Object)
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Merges a patch into an object. A schema that does not know a field has no strategy for it: objects are merged, lists replaced.
fn merge_objects(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    schema: Option<&Schema>,
) -> Result<Map<String, Value>, StrategicError> {
    if let Some(directive) = patch.get(PATCH) {
        return follow_directive(&directive.clone(), patch);
    }
    retain_keys(&mut original, &mut patch)?;
    lists::set_orders(&mut original, &mut patch, schema)?;
    for (key, value) in patch {
        match deletion_of(&key)? {
            Some(field) => merge_deletion(&mut original, field, value, schema)?,
            None => merge_field(&mut original, key, value, schema)?,
        }
    }
    Ok(original)
}

fn follow_directive(
    directive: &Value,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, StrategicError> {
    match directive.as_str() {
        Some("replace") => {
            patch.remove(PATCH);
            Ok(patch)
        }
        Some("delete") => Ok(Map::new()),
        _ => Err(unknown_directive(directive, patch)),
    }
}

fn unknown_directive(directive: &Value, map: Map<String, Value>) -> StrategicError {
    StrategicError::UnknownDirective {
        directive: goprint::plain(directive),
        map: goprint::plain(&Value::Object(map)),
    }
}

fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let keys = keys.as_array().ok_or(StrategicError::RetainKeysFormat)?;
    let keys: std::collections::BTreeSet<&str> = keys.iter().filter_map(Value::as_str).collect();
    let is_directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
    let sets = |(key, value): (&String, &Value)| !value.is_null() && !is_directive(key);
    if patch.iter().filter(|field| sets(*field)).any(|(key, _)| !keys.contains(key.as_str())) {
        return Err(StrategicError::RetainKeysFormat);
    }
    original.retain(|key, _| keys.contains(key.as_str()));
    Ok(())
}

/// The field that a key deletes items of.
fn deletion_of(key: &str) -> Result<Option<&str>, StrategicError> {
    if !key.starts_with(DELETE_FROM) {
        return Ok(None);
    }
    directed_field(key, DELETE_FROM).ok_or(StrategicError::DeleteListFormat).map(Some)
}

fn directed_field<'k>(key: &'k str, directive: &str) -> Option<&'k str> {
    key.strip_prefix(directive)?.strip_prefix('/')
}

/// Items to delete from a list. Where there is no list, there is nothing to delete.
fn merge_deletion(
    original: &mut Map<String, Value>,
    field: &str,
    patch: Value,
    schema: Option<&Schema>,
) -> Result<(), StrategicError> {
    match (original.get_mut(field), patch) {
        (_, Value::Null) => drop(original.remove(field)),
        (Some(Value::Array(items)), Value::Array(deleted)) => {
            let merging =
                lists::Merging { slot: schema.and_then(|schema| schema.slot(field)), deletion: true };
            *items = merging.merge(std::mem::take(items), deleted)?;
        }
        (Some(Value::Object(fields)), Value::Object(patch)) => {
            let slot = schema.and_then(|schema| schema.slot(field));
            *fields = merge_structs(std::mem::take(fields), patch, slot)?;
        }
        (Some(scalar), patch) if same_go_type(scalar, &patch) => *scalar = patch,
        _ => {}
    }
    Ok(())
}

fn same_go_type(left: &Value, right: &Value) -> bool {
    goprint::type_name(left) == goprint::type_name(right)
}

fn merge_field(
    original: &mut Map<String, Value>,
    field: String,
    patch: Value,
    schema: Option<&Schema>,
) -> Result<(), StrategicError> {
    if patch.is_null() {
        original.remove(&field);
        return Ok(());
    }
    let slot = schema.and_then(|schema| schema.slot(&field));
    match (original.get_mut(&field), patch) {
        (Some(Value::Object(fields)), Value::Object(patch)) => {
            *fields = merge_structs(std::mem::take(fields), patch, slot)?;
        }
        (Some(Value::Array(items)), Value::Array(patch)) => {
            let merging = lists::Merging { slot, deletion: false };
            *items = if slot.is_some_and(|slot| slot.patch.merge) {
                merging.merge(std::mem::take(items), patch)?
            } else {
                patch
            };
        }
        // A value of another type, or none: the patch's, without what is only meant for merging.
        (_, mut patch) => {
            discard_nulls(&mut patch);
            match without_directives(patch) {
                Some(value) => drop(original.insert(field, value)),
                None => drop(original.remove(&field)),
            }
        }
    }
    Ok(())
}

fn merge_structs(
    original: Map<String, Value>,
    patch: Map<String, Value>,
    slot: Option<&Slot>,
) -> Result<Map<String, Value>, StrategicError> {
    if slot.is_some_and(|slot| slot.patch.replace) {
        return Ok(patch);
    }
    merge_objects(original, patch, slot.map(Slot::schema))
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// A value to use as it is; `None` for an object that is itself a directive.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => {
            let kept = fields.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        scalar => Some(scalar),
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests;
