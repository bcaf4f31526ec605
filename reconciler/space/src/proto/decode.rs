//! From a message to the JSON that Go's encoder would have written.

use apimachinery::Timestamp;
use apimachinery::clock::{rfc3339_micros, rfc3339_seconds};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::table::{self, Field, Message, Type};
use super::wire::{Reader, WireField, packed};

/// Why bytes are not the message they should be. Never holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The bytes end inside a field.
    #[error("it ends inside a field")]
    Truncated,
    /// The wire type of a field is not that of its message.
    #[error("field {0} has the wrong wire type")]
    WrongType(u32),
    /// A string that is not UTF-8.
    #[error("field {0} is not text")]
    NotText(u32),
    /// Embedded JSON that is none.
    #[error("field {0} does not hold JSON")]
    NotJson(u32),
    /// A time outside the years 0 to 9999.
    #[error("field {0} is not a time")]
    NotATime(u32),
    /// Messages in messages in messages.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// Deeper than any kind but a schema in a definition, which API servers limit as well.
const MAX_DEPTH: usize = 100;

/// A message as a JSON object.
pub(super) fn message(message: &Message, bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let mut object = Map::new();
    message_into(message, bytes, &mut object, MAX_DEPTH)?;
    Ok(object)
}

fn message_into(
    message: &Message,
    bytes: &[u8],
    object: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), Fault> {
    let depth = depth.checked_sub(1).ok_or(Fault::TooDeep)?;
    for wire in Reader::new(bytes) {
        let wire = wire?;
        // Unknown fields are those of a newer release; they are dropped, as Go drops them.
        let Some(field) = message.fields.iter().find(|field| field.number == wire.number) else { continue };
        put(field, wire, object, depth)?;
    }
    Ok(())
}

fn put(
    field: &Field,
    wire: WireField<'_>,
    object: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), Fault> {
    match &field.field_type {
        Type::Message(name) if field.inline => {
            let Some(inner) = table::message(name) else { return Ok(()) };
            message_into(inner, wire.bytes()?, object, depth)
        }
        Type::List(item) => {
            let items = object.entry(field.name).or_insert_with(|| json!([]));
            let Value::Array(items) = items else { return Ok(()) };
            if **item == Type::Integer && wire.integer().is_err() {
                items.extend(packed(wire.bytes()?)?.into_iter().map(Value::from));
            } else {
                items.push(single(item, wire, depth)?);
            }
            Ok(())
        }
        Type::Map(value) => {
            let (key, value) = entry(value, wire, depth)?;
            if let Value::Object(map) = object.entry(field.name).or_insert_with(|| json!({})) {
                map.insert(key, value);
            }
            Ok(())
        }
        one => {
            let value = single(one, wire, depth)?;
            if !(field.omit_zero && is_zero(&value)) {
                object.insert(field.name.into(), value);
            }
            Ok(())
        }
    }
}

/// What `omitempty` leaves out.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(_) => false,
    }
}

/// The entry of a map: key = 1, value = 2. An absent value is the zero of its type.
fn entry(value_type: &Type, wire: WireField<'_>, depth: usize) -> Result<(String, Value), Fault> {
    let (mut key, mut value) = (String::new(), zero(value_type));
    for part in Reader::new(wire.bytes()?) {
        let part = part?;
        match part.number {
            1 => part.text()?.clone_into(&mut key),
            2 => value = single(value_type, part, depth)?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn zero(value_type: &Type) -> Value {
    match value_type {
        Type::Text | Type::Bytes => json!(""),
        Type::Bool => json!(false),
        Type::Integer | Type::Float => json!(0),
        Type::Quantity => json!("0"),
        Type::List(_) | Type::Texts => json!([]),
        Type::Message(_) | Type::Map(_) => json!({}),
        _ => Value::Null,
    }
}

fn single(value_type: &Type, wire: WireField<'_>, depth: usize) -> Result<Value, Fault> {
    Ok(match value_type {
        Type::Text => json!(wire.text()?),
        Type::Bool => json!(wire.integer()? != 0),
        Type::Integer => json!(wire.integer()?),
        Type::Float => float(wire.float()?),
        Type::Bytes => json!(STANDARD.encode(wire.bytes()?)),
        Type::Time => instant(wire, rfc3339_seconds)?,
        Type::MicroTime => instant(wire, rfc3339_micros)?,
        Type::Quantity => json!(part(wire, 1)?.map_or(Ok("0"), |text| text.text())?),
        Type::IntOrString => int_or_string(wire)?,
        Type::Json => embedded_json(wire)?,
        Type::Texts => {
            let all = Reader::new(wire.bytes()?).map(|item| Ok(json!(item?.text()?)));
            Value::Array(all.collect::<Result<_, Fault>>()?)
        }
        Type::SchemaOrArray => schema_or_list(wire, &SCHEMA, depth)?,
        Type::SchemaOrBool => schema_or_bool(wire, depth)?,
        Type::SchemaOrTexts => schema_or_list(wire, &Type::Text, depth)?,
        Type::Message(name) => {
            let mut object = Map::new();
            if let Some(inner) = table::message(name) {
                message_into(inner, wire.bytes()?, &mut object, depth)?;
            }
            Value::Object(object)
        }
        // Neither stands inside a list or map in any message of the table.
        Type::List(_) | Type::Map(_) => Value::Null,
    })
}

/// The last field of a number in a message, as protobuf has it.
fn part(wire: WireField<'_>, number: u32) -> Result<Option<WireField<'_>>, Fault> {
    let mut found = None;
    for field in Reader::new(wire.bytes()?) {
        let field = field?;
        if field.number == number {
            found = Some(field);
        }
    }
    Ok(found)
}

/// A whole number is written without a fraction, as Go does.
fn float(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range of both types")]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return json!(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Seconds = 1, nanoseconds = 2; an empty message is the zero time, which is null.
fn instant(wire: WireField<'_>, written: fn(Timestamp) -> String) -> Result<Value, Fault> {
    if wire.bytes()?.is_empty() {
        return Ok(Value::Null);
    }
    let seconds = part(wire, 1)?.map_or(Ok(0), |field| field.integer())?;
    let nanoseconds = part(wire, 2)?.map_or(Ok(0), |field| field.integer())?;
    let time = i32::try_from(nanoseconds).ok().and_then(|nanos| Timestamp::new(seconds, nanos).ok());
    Ok(json!(written(time.ok_or(Fault::NotATime(wire.number))?)))
}

/// Type = 1 (1 is text), number = 2, text = 3.
fn int_or_string(wire: WireField<'_>) -> Result<Value, Fault> {
    if part(wire, 1)?.map_or(Ok(0), |field| field.integer())? == 1 {
        return Ok(json!(part(wire, 3)?.map_or(Ok(""), |field| field.text())?));
    }
    Ok(json!(part(wire, 2)?.map_or(Ok(0), |field| field.integer())?))
}

fn embedded_json(wire: WireField<'_>) -> Result<Value, Fault> {
    match part(wire, 1)?.map_or(Ok(&[][..]), |field| field.bytes())? {
        [] => Ok(Value::Null),
        text => serde_json::from_slice(text).map_err(|_| Fault::NotJson(wire.number)),
    }
}

const SCHEMA: Type = Type::Message("apiextensions/v1.JSONSchemaProps");

/// `JSONSchemaPropsOrBool`: flag = 1, schema = 2, which wins.
fn schema_or_bool(wire: WireField<'_>, depth: usize) -> Result<Value, Fault> {
    match part(wire, 2)? {
        Some(schema) => single(&SCHEMA, schema, depth),
        None => Ok(json!(part(wire, 1)?.map_or(Ok(0), |flag| flag.integer())? != 0)),
    }
}

/// `JSONSchemaPropsOrArray` and `JSONSchemaPropsOrStringArray`: schema = 1, list = 2, which wins.
fn schema_or_list(wire: WireField<'_>, item: &Type, depth: usize) -> Result<Value, Fault> {
    let mut items = Vec::new();
    for field in Reader::new(wire.bytes()?) {
        let field = field?;
        if field.number == 2 {
            items.push(single(item, field, depth)?);
        }
    }
    match part(wire, 1)? {
        Some(schema) if items.is_empty() => single(&SCHEMA, schema, depth),
        _ => Ok(Value::Array(items)),
    }
}
