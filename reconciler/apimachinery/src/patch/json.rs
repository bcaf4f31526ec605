//! JSON patch, RFC 6902, in kube-apiserver's reading of it.
//!
//! The server's library is more lenient than the RFC, and clients rely on it, so the operations are carried out here and not by the `json-patch` crate: `replace` of a missing
//! field adds it, `copy` from one copies null, `test` of one equals null, indexes may be negative (`-1` is the last item), a missing `value` is null. A test
//! holds both equal wherever the crate accepts a patch. The crate gives [`diff`]. Its `patch` is for nobody: 4.2.0 panics when it undoes a failed patch that moved a value to above its place.

use serde_json::{Map, Value};

use crate::goprint;

/// Most operations a patch may have.
pub const MAX_OPERATIONS: usize = 10_000;

/// Most bytes of JSON that the `copy` operations of one patch may add together.
pub const MAX_COPIED_BYTES: usize = 3 * 1024 * 1024;

/// Why a patch was not applied. The texts are the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPatchError {
    /// Not a list of objects. An API server answers 400.
    #[error("json: cannot unmarshal {found} into Go value of type {wanted}")]
    NotAPatch {
        /// The kind of JSON value found.
        found: &'static str,
        /// The Go type of what was expected.
        wanted: &'static str,
    },
    /// More than [`MAX_OPERATIONS`]. An API server answers 413.
    #[error("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}")]
    TooManyOperations {
        /// How many there are.
        count: usize,
    },
    /// An operation does not fit the document. An API server answers 422.
    #[error("{detail}")]
    Inapplicable {
        /// Which operation at which path, and why; never a value of the document.
        detail: String,
    },
}

/// Applies a patch to a copy of the document.
///
/// # Errors
/// When the patch is malformed or too large, a `test` fails, or an operation does not apply; the first of them.
pub fn apply(original: &Value, patch: &Value) -> Result<Value, JsonPatchError> {
    let operations = match patch {
        Value::Array(operations) => operations,
        Value::Null => return Ok(original.clone()),
        _ => return Err(not_a_patch(patch, "jsonpatch.Patch")),
    };
    if let Some(odd) = operations.iter().find(|o| !o.is_object() && !o.is_null()) {
        return Err(not_a_patch(odd, "jsonpatch.Operation"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(JsonPatchError::TooManyOperations { count: operations.len() });
    }
    let mut document = original.clone();
    let mut copied = 0;
    for operation in operations {
        apply_one(&mut document, operation, &mut copied)
            .map_err(|detail| JsonPatchError::Inapplicable { detail })?;
    }
    Ok(document)
}

/// The patch that turns one document into another: `add`, `remove` and `replace` only.
pub fn diff(from: &Value, to: &Value) -> Value {
    // A list of operations always has a JSON form.
    serde_json::to_value(json_patch::diff(from, to)).unwrap_or_default()
}

fn not_a_patch(found: &Value, wanted: &'static str) -> JsonPatchError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    JsonPatchError::NotAPatch { found, wanted }
}

fn apply_one(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), String> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let kind = text("op").unwrap_or("unknown");
    let value = || operation.get("value").cloned().unwrap_or_default();
    match kind {
        "add" => add(document, path_of(kind, text("path"))?, value()),
        "remove" => remove(document, path_of(kind, text("path"))?),
        "replace" => replace(document, path_of(kind, text("path"))?, value()),
        "move" => move_value(document, from_of(kind, text("from"))?, text("path")),
        "test" => test(document, path_of(kind, text("path"))?, &value()),
        "copy" => copy(document, from_of(kind, text("from"))?, text("path"), copied),
        _ => Err(format!("Unexpected kind: {kind}")),
    }
}

fn path_of<'a>(kind: &str, path: Option<&'a str>) -> Result<&'a str, String> {
    let detail =
        if matches!(kind, "add" | "remove" | "copy") { "" } else { "operation missing path field: " };
    path.ok_or_else(|| format!("{kind} operation failed to decode path: {detail}missing value"))
}

fn from_of<'a>(kind: &str, from: Option<&'a str>) -> Result<&'a str, String> {
    from.ok_or_else(|| {
        format!("{kind} operation failed to decode from: operation, missing from field: missing value")
    })
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let (place, key) = place(document, path).ok_or_else(|| {
        format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
    })?;
    place.add(&key, value).map_err(|e| format!("error in add for path: '{path}': {e}"))
}

fn remove(document: &mut Value, path: &str) -> Result<(), String> {
    let (place, key) = place(document, path).ok_or_else(|| {
        format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
    })?;
    place.remove(&key).map(drop).map_err(|e| format!("error in remove for path: '{path}': {e}"))
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err("replace operation value must be object or array".to_owned());
        }
        *document = value;
        return Ok(());
    }
    let (place, key) = place(document, path).ok_or_else(|| {
        format!("replace operation does not apply: doc is missing path: {path}: missing value")
    })?;
    match place {
        Place::Map(map) => drop(map.insert(key, value)),
        Place::List(list) => {
            let target = index_of(&key, list.len()).ok().and_then(|i| list.get_mut(i)).ok_or_else(|| {
                format!("replace operation does not apply: doc is missing key: {path}: missing value")
            })?;
            *target = value;
        }
    }
    Ok(())
}

fn move_value(document: &mut Value, from: &str, path: Option<&str>) -> Result<(), String> {
    let (source, key) = place(document, from).ok_or_else(|| {
        format!("move operation does not apply: doc is missing from path: {from}: missing value")
    })?;
    let value = source.remove(&key).map_err(|e| format!("error in move for path: '{key}': {e}"))?;
    let path = path_of("move", path)?;
    let (target, key) = place(document, path).ok_or_else(|| {
        format!("move operation does not apply: doc is missing destination path: {path}: missing value")
    })?;
    target.add(&key, value).map_err(|e| format!("error in move for path: '{path}': {e}"))
}

fn test(document: &mut Value, path: &str, expected: &Value) -> Result<(), String> {
    let found = if path.is_empty() {
        &*document
    } else {
        let (place, key) = place(document, path).ok_or_else(|| {
            format!("test operation does not apply: is missing path: {path}: missing value")
        })?;
        place.into_value(&key).map_err(|e| format!("error in test for path: '{path}': {e}"))?
    };
    if found == expected { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
}

fn copy(document: &mut Value, from: &str, path: Option<&str>, copied: &mut usize) -> Result<(), String> {
    let (source, key) = place(document, from).ok_or_else(|| {
        format!("copy operation does not apply: doc is missing from path: {from}: missing value")
    })?;
    let value =
        source.into_value(&key).map_err(|e| format!("error in copy for from: '{from}': {e}"))?.clone();
    let path = path_of("copy", path)?;
    let (target, key) = place(document, path).ok_or_else(|| {
        format!("copy operation does not apply: doc is missing destination path: {path}: missing value")
    })?;
    *copied += value.to_string().len();
    if *copied > MAX_COPIED_BYTES {
        return Err(format!(
            "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MAX_COPIED_BYTES}"
        ));
    }
    target.add(&key, value).map_err(|e| format!("error while adding value during copy: {e}"))
}

/// What holds the place that a path ends in.
enum Place<'d> {
    Map(&'d mut Map<String, Value>),
    List(&'d mut Vec<Value>),
}

static NULL: Value = Value::Null;

impl<'d> Place<'d> {
    fn add(self, key: &str, value: Value) -> Result<(), String> {
        match self {
            Place::Map(map) => drop(map.insert(key.to_owned(), value)),
            Place::List(list) if key == "-" => list.push(value),
            Place::List(list) => {
                let index = parse_index(key)
                    .map_err(|e| format!("value was not a proper array index: '{key}': {e}"))?;
                // One more place than there are items: after the last.
                list.insert(resolve_index(index, list.len() + 1)?, value);
            }
        }
        Ok(())
    }

    fn remove(self, key: &str) -> Result<Value, String> {
        match self {
            Place::Map(map) => map
                .remove(key)
                .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
            Place::List(list) => index_of(key, list.len()).map(|index| list.remove(index)),
        }
    }

    /// The value; null for a missing field of an object.
    fn into_value(self, key: &str) -> Result<&'d Value, String> {
        match self {
            Place::Map(map) => Ok(map.get(key).unwrap_or(&NULL)),
            Place::List(list) => index_of(key, list.len()).map(|index| list.get(index).unwrap_or(&NULL)),
        }
    }
}

/// Follows all but the last step of a pointer, and gives what it comes to together with the last step.
fn place<'d>(document: &'d mut Value, path: &str) -> Option<(Place<'d>, String)> {
    let (parents, last) = path.rsplit_once('/')?;
    let mut current = document;
    for step in parents.split('/').skip(1) {
        let key = unescape(step);
        current = match current {
            Value::Object(map) => map.get_mut(&key)?,
            Value::Array(list) => {
                let index = index_of(&key, list.len()).ok()?;
                list.get_mut(index)?
            }
            _ => return None,
        };
    }
    match current {
        Value::Object(map) => Some((Place::Map(map), unescape(last))),
        Value::Array(list) => Some((Place::List(list), unescape(last))),
        _ => None,
    }
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn index_of(key: &str, length: usize) -> Result<usize, String> {
    resolve_index(parse_index(key)?, length)
}

fn parse_index(key: &str) -> Result<i64, String> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", goprint::quote(key)))
}

fn resolve_index(index: i64, length: usize) -> Result<usize, String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let resolved = if index < 0 { index.saturating_add(length) } else { index };
    usize::try_from(resolved)
        .ok()
        .filter(|_| resolved < length)
        .ok_or_else(|| format!("Unable to access invalid index: {index}: invalid index referenced"))
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(original: Value, patch: Value, expected: Value) {
        assert_eq!(apply(&original, &patch), Ok(expected));
    }

    #[track_caller]
    fn check_error(original: Value, patch: Value, expected: &str) {
        assert_eq!(apply(&original, &patch).unwrap_err().to_string(), expected);
    }

    #[test]
    fn operations_do_what_the_rfc_says() {
        check(json!({}), json!([{"op": "add", "path": "/a", "value": 1}]), json!({"a": 1}));
        check(json!([1, 3]), json!([{"op": "add", "path": "/1", "value": 2}]), json!([1, 2, 3]));
        check(json!([1]), json!([{"op": "add", "path": "/-", "value": 2}]), json!([1, 2]));
        check(json!({"a": 1, "b": 2}), json!([{"op": "remove", "path": "/a"}]), json!({"b": 2}));
        check(
            json!({"a": {"b": 2}}),
            json!([{"op": "replace", "path": "/a/b", "value": 3}]),
            json!({"a": {"b": 3}}),
        );
        check(
            json!({"a": [1, 2]}),
            json!([{"op": "move", "from": "/a/0", "path": "/b"}]),
            json!({"a": [2], "b": 1}),
        );
        check(
            json!({"a": {"x": 1}}),
            json!([{"op": "copy", "from": "/a", "path": "/b"}]),
            json!({"a": {"x": 1}, "b": {"x": 1}}),
        );
        check(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 1}]), json!({"a": 1}));
        check(
            json!({"a/b": {"m~n": 1}}),
            json!([{"op": "remove", "path": "/a~1b/m~0n"}]),
            json!({"a/b": {}}),
        );
        check(json!({"a": 1}), json!([{"op": "replace", "path": "", "value": {"b": 1}}]), json!({"b": 1}));
    }

    #[test]
    fn what_the_server_accepts_beyond_the_rfc_is_accepted() {
        check(json!({}), json!([{"op": "replace", "path": "/a", "value": 1}]), json!({"a": 1}));
        check(json!({}), json!([{"op": "test", "path": "/a", "value": null}]), json!({}));
        check(json!({}), json!([{"op": "copy", "from": "/a", "path": "/b"}]), json!({"b": null}));
        check(json!([1, 2, 3]), json!([{"op": "remove", "path": "/-1"}]), json!([1, 2]));
        check(json!([1, 2]), json!([{"op": "add", "path": "/-1", "value": 3}]), json!([1, 2, 3]));
        check(json!({}), json!([{"op": "add", "path": "/a"}]), json!({"a": null}));
    }

    #[test]
    fn errors_read_as_the_servers() {
        check_error(
            json!({}),
            json!({"op": "add"}),
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        );
        check_error(
            json!({}),
            json!(["x"]),
            "json: cannot unmarshal string into Go value of type jsonpatch.Operation",
        );
        check_error(json!({}), json!([{}]), "Unexpected kind: unknown");
        check_error(json!({}), json!([{"op": "add"}]), "add operation failed to decode path: missing value");
        check_error(
            json!({}),
            json!([{"op": "replace"}]),
            "replace operation failed to decode path: operation missing path field: missing value",
        );
        check_error(
            json!({}),
            json!([{"op": "add", "path": "/a/b", "value": 1}]),
            r#"add operation does not apply: doc is missing path: "/a/b": missing value"#,
        );
        check_error(
            json!({}),
            json!([{"op": "remove", "path": "/a"}]),
            "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value",
        );
        check_error(
            json!({"a": []}),
            json!([{"op": "replace", "path": "/a/0", "value": 1}]),
            "replace operation does not apply: doc is missing key: /a/0: missing value",
        );
        check_error(
            json!({"a": [1]}),
            json!([{"op": "add", "path": "/a/3", "value": 1}]),
            "error in add for path: '/a/3': Unable to access invalid index: 3: invalid index referenced",
        );
        check_error(
            json!({"a": [1]}),
            json!([{"op": "add", "path": "/a/x", "value": 1}]),
            r#"error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax"#,
        );
        check_error(
            json!({"a": 1}),
            json!([{"op": "test", "path": "/a", "value": 2}]),
            "testing value /a failed: test failed",
        );
        check_error(
            json!({"a": 1}),
            json!([{"op": "move", "from": "/b", "path": "/c"}]),
            "error in move for path: 'b': Unable to remove nonexistent key: b: missing value",
        );
    }

    #[test]
    fn a_patch_has_limits() {
        let many = Value::Array(vec![json!({"op": "test", "path": "/a", "value": null}); MAX_OPERATIONS + 1]);
        check_error(json!({}), many, "The allowed maximum operations in a JSON patch is 10000, got 10001");
        let doubling = Value::Array(vec![json!({"op": "copy", "from": "/a", "path": "/a/-"}); 64]);
        let error = apply(&json!({"a": ["x".repeat(1000)]}), &doubling).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Unable to complete the copy, the accumulated size increase of copy is ")
        );
    }

    #[test]
    fn a_failed_patch_leaves_the_document_as_it_was() {
        let original = json!({"a": 1});
        let patch = json!([{"op": "remove", "path": "/a"}, {"op": "test", "path": "/b", "value": 1}]);
        assert!(apply(&original, &patch).is_err());
        assert_eq!(original, json!({"a": 1}));
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), (0..3i64).prop_map(Value::from)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn operation() -> impl Strategy<Value = Value> {
        let step = prop_oneof![Just("a"), Just("b"), Just("0"), Just("1"), Just("-")];
        let pointer = proptest::collection::vec(step, 1..3).prop_map(|steps| format!("/{}", steps.join("/")));
        (
            prop_oneof![
                Just("add"),
                Just("remove"),
                Just("replace"),
                Just("move"),
                Just("copy"),
                Just("test")
            ],
            pointer.clone(),
            pointer,
            document(),
        )
            .prop_map(|(op, from, path, value)| json!({"op": op, "from": from, "path": path, "value": value}))
    }

    proptest! {
        /// Wherever the strict crate accepts a patch, the result is the same.
        #[test]
        fn a_patch_of_the_rfc_means_the_same_here(original in document(), patch in proptest::collection::vec(operation(), 0..4)) {
            let patch = Value::Array(patch);
            let strict: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
            let mut expected = original.clone();
            if json_patch::patch_unsafe(&mut expected, &strict).is_ok() {
                prop_assert_eq!(apply(&original, &patch), Ok(expected));
            }
        }

        #[test]
        fn a_diff_leads_from_one_document_to_the_other(from in document(), to in document()) {
            // A scalar is no document here: the server's dialect does not replace a root by one.
            prop_assume!(!from.is_boolean() && !from.is_number() && !to.is_boolean() && !to.is_number());
            prop_assert_eq!(apply(&from, &diff(&from, &to)), Ok(to));
        }
    }
}
