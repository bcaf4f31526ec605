//! Errors about a field of an object, worded as an API server words them.

use std::fmt;

use serde_json::Value;

use crate::goprint;

/// What is wrong with a field. The names are those of `metav1.CauseType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldErrorKind {
    /// What the value refers to does not exist.
    NotFound,
    /// The field is missing.
    Required,
    /// The value must be unique and is not.
    Duplicate,
    /// The value is malformed or out of bounds.
    Invalid,
    /// The value is none of those allowed.
    NotSupported,
    /// The field must not be set.
    Forbidden,
    /// The text is too long.
    TooLong,
    /// The list or map has too many entries.
    TooMany,
    /// Not the user's fault.
    Internal,
    /// The value is of another JSON type.
    TypeInvalid,
}

impl FieldErrorKind {
    /// The `reason` of the cause in a Status.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }

    /// Whether the message shows the value that is to blame.
    fn shows_value(self) -> bool {
        !matches!(self, Self::Required | Self::Forbidden | Self::TooLong | Self::Internal)
    }
}

/// Where in an object: `spec.ports[0].name`. The empty path displays as `<nil>`, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(String);

impl FieldPath {
    /// A path as it is written.
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path of a field.
    #[must_use]
    pub fn child(&self, field: &str) -> Self {
        if self.0.is_empty() { Self(field.to_owned()) } else { Self(format!("{}.{field}", self.0)) }
    }

    /// The path of a list item.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path of a map's value.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The text; empty at the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "<nil>" } else { &self.0 })
    }
}

/// One error about one field. Displays as `spec.replicas: Invalid value: "x": must be a number`.
///
/// It shows the value that is to blame, as an API server does; who reports about Secrets must not print it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Which field.
    pub path: FieldPath,
    /// What is wrong.
    pub kind: FieldErrorKind,
    /// The value that is to blame, where the message shows one.
    pub value: Option<Value>,
    /// The explanation, may be empty.
    pub detail: String,
}

impl FieldError {
    /// The field is missing.
    pub fn required(path: &FieldPath, detail: impl Into<String>) -> Self {
        Self { path: path.clone(), kind: FieldErrorKind::Required, value: None, detail: detail.into() }
    }

    /// The field must not be set.
    pub fn forbidden(path: &FieldPath, detail: impl Into<String>) -> Self {
        Self { path: path.clone(), kind: FieldErrorKind::Forbidden, value: None, detail: detail.into() }
    }

    /// The value is malformed or out of bounds.
    pub fn invalid(path: &FieldPath, value: Value, detail: impl Into<String>) -> Self {
        Self { path: path.clone(), kind: FieldErrorKind::Invalid, value: Some(value), detail: detail.into() }
    }

    /// The value is of another type.
    pub fn type_invalid(path: &FieldPath, value: Value, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::TypeInvalid, ..Self::invalid(path, value, detail) }
    }

    /// The value is there already.
    pub fn duplicate(path: &FieldPath, value: Value) -> Self {
        Self { kind: FieldErrorKind::Duplicate, ..Self::invalid(path, value, "") }
    }

    /// The value is none of `supported`.
    pub fn not_supported<'a>(
        path: &FieldPath,
        value: Value,
        supported: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let quoted: Vec<String> = supported.into_iter().map(goprint::quote).collect();
        let detail = match quoted.is_empty() {
            true => String::new(),
            false => format!("supported values: {}", quoted.join(", ")),
        };
        Self { kind: FieldErrorKind::NotSupported, ..Self::invalid(path, value, detail) }
    }

    /// The text is longer than `max`. (Bytes is Kubernetes' word; schemas count characters.)
    pub fn too_long(path: &FieldPath, max: u64) -> Self {
        let unit = if max == 1 { "byte" } else { "bytes" };
        Self {
            path: path.clone(),
            kind: FieldErrorKind::TooLong,
            value: None,
            detail: format!("may not be more than {max} {unit}"),
        }
    }

    /// The list or map has `actual` entries, more than `max`.
    pub fn too_many(path: &FieldPath, actual: usize, max: u64) -> Self {
        let unit = if max == 1 { "item" } else { "items" };
        let detail = format!("must have at most {max} {unit}");
        Self { kind: FieldErrorKind::TooMany, ..Self::invalid(path, Value::from(actual), detail) }
    }

    /// The message without the path, which is what a Status cause carries.
    pub fn body(&self) -> String {
        let mut text = self.kind.title().to_owned();
        if let Some(value) = self.value.as_ref().filter(|_| self.kind.shows_value()) {
            text.push_str(": ");
            text.push_str(&bad_value(value));
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.body())
    }
}

impl std::error::Error for FieldError {}

/// How the value that is to blame is printed: strings quoted, numbers plainly, all else as JSON.
fn bad_value(value: &Value) -> String {
    match value {
        Value::String(text) => goprint::quote(text),
        Value::Number(number) => goprint::number(number),
        _ => goprint::json(value),
    }
}

/// The message of several errors, as Go's aggregate prints it: the only one plainly, several in brackets, each once.
pub fn aggregate(errors: &[FieldError]) -> String {
    let mut messages: Vec<String> = Vec::new();
    for message in errors.iter().map(ToString::to_string) {
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    match messages.as_slice() {
        [only] => only.clone(),
        _ => format!("[{}]", messages.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_read_like_an_api_servers() {
        #[track_caller]
        fn check(error: &FieldError, expected: &str) {
            assert_eq!(error.to_string(), expected);
        }
        let spec = FieldPath::new("spec");
        let port = spec.child("ports").index(0);
        check(&FieldError::required(&port.child("name"), ""), "spec.ports[0].name: Required value");
        check(&FieldError::invalid(&spec.key("a/b"), json!(1.5), "no"), "spec[a/b]: Invalid value: 1.5: no");
        check(&FieldError::invalid(&FieldPath::default(), json!(""), "no"), "<nil>: Invalid value: \"\": no");
        check(
            &FieldError::duplicate(&port, json!({"name": "a"})),
            "spec.ports[0]: Duplicate value: {\"name\":\"a\"}",
        );
        check(
            &FieldError::not_supported(&spec, json!("c"), ["a", "b"]),
            "spec: Unsupported value: \"c\": supported values: \"a\", \"b\"",
        );
        check(&FieldError::too_long(&spec, 63), "spec: Too long: may not be more than 63 bytes");
        check(&FieldError::too_many(&spec, 3, 1), "spec: Too many: 3: must have at most 1 item");
        check(&FieldError::forbidden(&spec, "no"), "spec: Forbidden: no");
    }

    #[test]
    fn several_errors_stand_in_brackets() {
        let a = FieldError::required(&FieldPath::new("a"), "");
        let b = FieldError::required(&FieldPath::new("b"), "");
        assert_eq!(aggregate(std::slice::from_ref(&a)), "a: Required value");
        assert_eq!(aggregate(&[a.clone(), b, a]), "[a: Required value, b: Required value]");
    }
}
