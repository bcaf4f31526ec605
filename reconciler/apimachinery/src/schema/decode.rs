//! Whether a value fits a built-in kind's Go types: the check that an API server does by decoding.

use std::fmt;

use serde_json::Value;

use super::{Additional, Scalar, Schema, Slot, ValueType};
use crate::quantity::Quantity;
use crate::time;

/// Where and why a value does not decode. Displays as Go's decoder says it: of values it shows only times and numbers that do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// Another JSON type than the field's.
    #[error("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}")]
    WrongType {
        /// `string`, `number`, `bool`, `object`, `array`, or `number 1.5` where a number does not fit.
        found: String,
        /// The innermost struct and the path of fields, `DeploymentSpec.spec.replicas`.
        field: String,
        /// The Go type.
        wanted: String,
    },
    /// A quantity that is none.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Quantity {
        /// The path of fields.
        field: String,
    },
    /// A time that is not RFC 3339.
    #[error("{message}")]
    Time {
        /// The path of fields.
        field: String,
        /// What Go says of it.
        message: String,
    },
    /// Bytes that are not base64.
    #[error("illegal base64 data at input byte {offset}")]
    Base64 {
        /// The path of fields.
        field: String,
        /// Where it goes wrong.
        offset: usize,
    },
}

impl Schema {
    /// Whether a value decodes into the Go type that this built-in schema describes. `go_type` is its name (`Deployment`). Null fits everywhere, unknown fields are ignored.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn decodes(&self, go_type: &str, value: &Value) -> Result<(), DecodeFault> {
        check(self, value, &Place { go_struct: go_type, definition: None, path: Path::Root })
    }
}

/// Where the walk is. Go names the innermost struct and all fields from the root; list items and map keys do not count.
struct Place<'a> {
    go_struct: &'a str,
    /// The OpenAPI name of the value's own type.
    definition: Option<&'a str>,
    path: Path<'a>,
}

#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
        }
    }
}

impl Place<'_> {
    fn field(&self) -> String {
        format!("{}.{}", self.go_struct, self.path)
    }

    fn wrong_type(&self, found: impl Into<String>, wanted: impl Into<String>) -> Result<(), DecodeFault> {
        Err(DecodeFault::WrongType { found: found.into(), field: self.field(), wanted: wanted.into() })
    }
}

fn check(schema: &Schema, value: &Value, place: &Place) -> Result<(), DecodeFault> {
    if value.is_null() || (schema.is_untyped() && matches!(schema.additional, Additional::Any)) {
        return Ok(());
    }
    if let Some(scalar) = schema.scalar {
        return check_scalar(scalar, value, place);
    }
    match (schema.value_type, value) {
        (ValueType::Object, Value::Object(fields)) => {
            for (name, field) in fields {
                if let Some(slot) = schema.properties.get(name.as_str()) {
                    check_field(slot, name, field, place)?;
                } else if let Additional::Values(slot) = &schema.additional {
                    check(slot.schema(), field, &element(slot, field, place))?;
                }
            }
            Ok(())
        }
        (ValueType::Array, Value::Array(items)) => {
            let Some(slot) = schema.item_slot() else { return Ok(()) };
            items.iter().try_for_each(|item| check(slot.schema(), item, &element(slot, item, place)))
        }
        (ValueType::String, Value::String(text)) if schema.format.as_deref() == Some("byte") => {
            match corrupt_at(text.as_bytes()) {
                None => Ok(()),
                Some(offset) => Err(DecodeFault::Base64 { field: place.field(), offset }),
            }
        }
        (ValueType::Integer, Value::Number(number)) => check_integer(schema, number, place),
        (ValueType::Any, _)
        | (ValueType::String, Value::String(_))
        | (ValueType::Number, Value::Number(_))
        | (ValueType::Boolean, Value::Bool(_)) => Ok(()),
        _ => place.wrong_type(json_type(value), go_type(schema, place)),
    }
}

fn check_field(slot: &Slot, name: &str, value: &Value, place: &Place) -> Result<(), DecodeFault> {
    let below = Place { path: Path::Field(&place.path, name), ..element(slot, value, place) };
    check(slot.schema(), value, &below)
}

/// An element of a list or map: another struct at most, the same path.
fn element<'a>(slot: &'a Slot, value: &Value, place: &Place<'a>) -> Place<'a> {
    let definition = slot.link().definition();
    let entered = definition.filter(|_| value.is_object());
    Place { go_struct: entered.map_or(place.go_struct, last_part), definition, path: place.path }
}

fn check_integer(schema: &Schema, number: &serde_json::Number, place: &Place) -> Result<(), DecodeFault> {
    let fits = match (number.as_i64(), schema.format.as_deref()) {
        (Some(number), Some("int32")) => i32::try_from(number).is_ok(),
        (Some(_), _) => true,
        (None, _) => false,
    };
    if fits { Ok(()) } else { place.wrong_type(format!("number {number}"), go_type(schema, place)) }
}

fn check_scalar(scalar: Scalar, value: &Value, place: &Place) -> Result<(), DecodeFault> {
    match (scalar, value) {
        (Scalar::Quantity, Value::String(text)) if !text.is_empty() => match Quantity::parse(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(DecodeFault::Quantity { field: place.field() }),
        },
        (Scalar::Quantity | Scalar::IntOrString, Value::Number(number)) => {
            if scalar == Scalar::Quantity || number.is_i64() {
                Ok(())
            } else {
                place.wrong_type(format!("number {number}"), "int32")
            }
        }
        (Scalar::IntOrString, Value::String(_)) => Ok(()),
        (Scalar::Time | Scalar::MicroTime, Value::String(text)) => match time::try_parse(text) {
            Ok(_) => Ok(()),
            Err(message) => Err(DecodeFault::Time { field: place.field(), message }),
        },
        (Scalar::Quantity, _) => Err(DecodeFault::Quantity { field: place.field() }),
        (Scalar::IntOrString, _) => place.wrong_type(json_type(value), "int32"),
        (Scalar::Time | Scalar::MicroTime, _) => place.wrong_type(json_type(value), "string"),
    }
}

/// The byte at which Go's decoder gives up on a base64 text; `None` when it does not. Line breaks do not count.
fn corrupt_at(text: &[u8]) -> Option<usize> {
    let digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let mut in_quantum = 0;
    let mut bytes = text.iter().copied().enumerate().filter(|(_, b)| !matches!(b, b'\n' | b'\r'));
    while let Some((at, byte)) = bytes.next() {
        match byte {
            _ if digit(byte) => in_quantum = (in_quantum + 1) % 4,
            b'=' if in_quantum >= 2 => {
                if in_quantum == 2 {
                    match bytes.next() {
                        None => return Some(text.len()),
                        Some((_, b'=')) => {}
                        Some((at, _)) => return Some(at - 1),
                    }
                }
                return bytes.next().map(|(at, _)| at);
            }
            _ => return Some(at),
        }
    }
    (in_quantum != 0).then(|| text.len() - in_quantum)
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

fn go_type(schema: &Schema, place: &Place) -> String {
    let element = |slot: Option<&Slot>| match slot {
        Some(slot) => match slot.link().definition() {
            Some(name) => go_name(name),
            None => go_type(slot.schema(), &Place { definition: None, ..*place }),
        },
        None => "interface {}".to_owned(),
    };
    if let Some(definition) = place.definition {
        return go_name(definition);
    }
    match schema.value_type {
        ValueType::Any => "interface {}".to_owned(),
        ValueType::Object => match &schema.additional {
            // Maps of quantities have a name in Go.
            Additional::Values(slot) if slot.schema().scalar == Some(Scalar::Quantity) => {
                "v1.ResourceList".to_owned()
            }
            Additional::Values(slot) => format!("map[string]{}", element(Some(slot))),
            Additional::None | Additional::Any => place.go_struct.to_owned(),
        },
        ValueType::Array => format!("[]{}", element(schema.item_slot())),
        ValueType::String if schema.format.as_deref() == Some("byte") => "[]uint8".to_owned(),
        ValueType::String => "string".to_owned(),
        ValueType::Integer => schema.format.as_deref().unwrap_or("int").to_owned(),
        ValueType::Number => "float64".to_owned(),
        ValueType::Boolean => "bool".to_owned(),
    }
}

fn last_part(definition: &str) -> &str {
    definition.rsplit('.').next().unwrap_or(definition)
}

/// `v1.PodSpec` for `io.k8s.api.core.v1.PodSpec`.
fn go_name(definition: &str) -> String {
    let mut parts = definition.rsplit('.');
    let (name, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{package}.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupVersionKind;
    use crate::kinds::KindTable;
    use serde_json::json;

    #[track_caller]
    fn check(group: &str, kind: &str, value: &Value, expected: Result<(), &str>) {
        let schema = KindTable::built_in().schema(&GroupVersionKind::new(group, "v1", kind)).unwrap();
        let found = schema.decodes(kind, value).map_err(|fault| fault.to_string());
        assert_eq!(found, expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn what_decodes_is_fine() {
        check("apps", "Deployment", &json!({"spec": {"replicas": null, "odd": 1}}), Ok(()));
        check(
            "",
            "Service",
            &json!({"spec": {"ports": [{"targetPort": "http"}, {"targetPort": 80}]}}),
            Ok(()),
        );
        check("", "Secret", &json!({"data": {"a": "YQ=="}}), Ok(()));
        check(
            "",
            "Pod",
            &json!({"spec": {"containers": [{"resources": {"limits": {"cpu": 1.5, "memory": "1Gi"}}}]}}),
            Ok(()),
        );
    }

    #[test]
    fn base64_goes_wrong_where_go_says() {
        #[track_caller]
        fn check(text: &str, expected: Option<usize>) {
            assert_eq!(corrupt_at(text.as_bytes()), expected, "{text}");
        }
        check("", None);
        check("YWJj\n", None);
        check("YQ==", None);
        check("YWI=", None);
        check("%%", Some(0));
        check("YWJ", Some(0));
        check("YQ=", Some(3));
        check("YQ=a", Some(2));
        check("YQ==a", Some(4));
        check("=", Some(0));
    }

    #[test]
    fn what_does_not_is_named_as_go_names_it() {
        check(
            "apps",
            "Deployment",
            &json!({"spec": {"replicas": "3"}}),
            Err(
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
        );
        check(
            "apps",
            "Deployment",
            &json!({"spec": {"template": {"spec": {"containers": {}}}}}),
            Err(
                "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
            ),
        );
        check(
            "",
            "ConfigMap",
            &json!({"data": {"a": 1}}),
            Err("json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        );
        check(
            "",
            "Pod",
            &json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "lots"}}}]}}),
            Err(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
        );
        check("", "Secret", &json!({"data": {"a": "s3cret!"}}), Err("illegal base64 data at input byte 6"));
    }
}
