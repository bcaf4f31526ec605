//! From a decoded body to an object of the kind: type, unknown fields, and what decoding into Go types and defaulting make of it.

use apimachinery::schema::strict_decoding_error;
use apimachinery::{GroupVersion, GroupVersionKind};
use serde_json::Value;

use super::meta;
use super::options::FieldValidation;
use crate::body::Decoded;
use crate::resource::Endpoint;
use crate::status::{Answer, ApiError};
use crate::{crd, normal};

/// Where a document comes from, which decides how its faults are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A whole object sent by a client: faults are bad requests.
    Sent,
    /// The result of a patch: faults are invalid patches.
    Patched,
    /// The result of an apply, whose unknown fields have been refused already.
    Applied,
}

/// Makes a complete object of a document, in the endpoint's version.
///
/// # Errors
/// 400, or 422 for a patch, for another kind, for values that do not fit, and for unknown and duplicate fields if those are to be refused.
pub(crate) fn complete(
    endpoint: &Endpoint,
    decoded: Decoded,
    how: (Origin, FieldValidation),
    warnings: &mut Vec<String>,
) -> Answer<Value> {
    let Decoded { mut value, duplicates } = decoded;
    let (origin, _) = how;
    check_type(endpoint, &mut value)?;
    report_unknown(endpoint, (&value, &duplicates), how, warnings)?;
    let gvk = endpoint.gvk();
    if endpoint.resource.is_custom() {
        check_metadata(&gvk, &value)?;
        if let Some(schema) = &endpoint.version().schema {
            schema.schema().prune(&mut value);
            schema.schema().fill_defaults(&mut value);
        }
        normal::metadata(&mut value);
        return Ok(value);
    }
    let Some(schema) = &endpoint.version().schema else { return Ok(value) };
    schema.schema().decodes(gvk.kind.as_str(), &value).map_err(|fault| match origin {
        Origin::Sent => unhandled(&gvk, endpoint, &fault.to_string()),
        Origin::Patched => invalid_patch(&fault.to_string()),
        Origin::Applied => inconvertible(&gvk, &value, &fault.to_string()),
    })?;
    normal::built_in(schema, &mut value);
    Ok(value)
}

/// A document without a type gets the endpoint's; one with another type is refused.
fn check_type(endpoint: &Endpoint, value: &mut Value) -> Answer<()> {
    let wanted = endpoint.gvk();
    let Some(fields) = value.as_object_mut() else {
        let message = format!(
            "the object provided is unrecognized (must be of type {}): it is not a JSON object",
            wanted.kind
        );
        return Err(ApiError::bad_request(message));
    };
    let text = |field: &str| fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let same_kind = kind.is_empty() || wanted.kind == *kind;
    let own = GroupVersion::parse(&api_version);
    if !same_kind {
        let given = GroupVersionKind { group: own.group, version: own.version, kind: kind.as_str().into() };
        let detail = format!("converting {given} to {wanted}: unknown conversion");
        return Err(unhandled(&given, endpoint, &detail));
    }
    if !api_version.is_empty() && api_version != wanted.api_version() {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            wanted.api_version()
        )));
    }
    fields.insert("apiVersion".into(), wanted.api_version().into());
    fields.insert("kind".into(), wanted.kind.as_str().into());
    let metadata = fields.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = Value::Object(serde_json::Map::new());
    }
    if metadata.is_object() {
        return Ok(());
    }
    Err(unhandled(&wanted, endpoint, "json: cannot unmarshal metadata into Go struct field ObjectMeta"))
}

fn report_unknown(
    endpoint: &Endpoint,
    (value, duplicates): (&Value, &[String]),
    (origin, validation): (Origin, FieldValidation),
    warnings: &mut Vec<String>,
) -> Answer<()> {
    if validation == FieldValidation::Ignore || origin == Origin::Applied && duplicates.is_empty() {
        return Ok(());
    }
    let schema = endpoint.version().schema.as_ref();
    let unknown = schema.map(|schema| schema.schema().unknown_fields(value)).unwrap_or_default();
    if validation == FieldValidation::Warn {
        warnings.extend(unknown.iter().map(|path| format!("unknown field {path:?}")));
        warnings.extend(duplicates.iter().map(|path| format!("duplicate field {path:?}")));
        return Ok(());
    }
    match strict_decoding_error(&unknown, duplicates) {
        None => Ok(()),
        Some(message) if origin == Origin::Sent => Err(unhandled(&endpoint.gvk(), endpoint, &message)),
        Some(message) => Err(invalid_patch(&message)),
    }
}

/// `Deployment in version "v1" cannot be handled as a Deployment: detail`.
fn unhandled(given: &GroupVersionKind, endpoint: &Endpoint, detail: &str) -> ApiError {
    ApiError::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: {detail}",
        given.kind,
        given.version.as_str(),
        endpoint.resource.kind
    ))
}

/// What the server says of an apply whose result does not decode.
fn inconvertible(gvk: &GroupVersionKind, value: &Value, detail: &str) -> ApiError {
    let (namespace, name) = (meta::text(value, "namespace"), meta::text(value, "name"));
    ApiError::unknown(format!(
        "failed to convert new object ({namespace}/{name}; {gvk}) to proper version: \
         unable to convert unstructured object to {gvk}: {detail}"
    ))
}

/// What the server says of a patch whose result does not decode; it shows the document there, we do not, since it may be a Secret.
fn invalid_patch(detail: &str) -> ApiError {
    use apimachinery::field_error::{FieldError, FieldPath};
    let error = FieldError::invalid(&FieldPath::new("patch"), Value::from(""), detail);
    ApiError::invalid_fields(&apimachinery::GroupKind::new("", ""), "", vec![error])
}

/// The metadata of a custom object must decode, too.
fn check_metadata(gvk: &GroupVersionKind, value: &Value) -> Answer<()> {
    let Some(schema) = apimachinery::kinds::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    else {
        return Ok(());
    };
    let metadata = value.get("metadata").unwrap_or(&Value::Null);
    schema.schema().decodes("ObjectMeta", metadata).map_err(|fault| {
        ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {fault}",
            gvk.kind,
            gvk.version.as_str(),
            gvk.kind
        ))
    })
}

/// Validates a custom object in the endpoint's version.
///
/// # Errors
/// 422 with causes.
pub(crate) fn admit_custom(endpoint: &Endpoint, new: &mut Value, old: Option<&Value>) -> Answer<()> {
    if endpoint.resource.is_custom() { crd::admit_custom(endpoint, new, old) } else { Ok(()) }
}
