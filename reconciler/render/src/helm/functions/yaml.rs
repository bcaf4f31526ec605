//! Helm's YAML functions. Values go through JSON both ways, as Helm's do: every number that is read is a `float64`.

use super::Param::{Any, Text as AText};
use super::json::{list_or_error, map_or_error};
use super::{Function, Machine, any, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::value::Value;
use crate::yaml::{self, Loader, Profile};

pub(super) const TABLE: &[Function] = &[
    fixed("toYaml", &[Any], |machine, arguments| {
        let value = any(arguments, 0);
        machine.budget().weigh(&value)?;
        if !is_finite(&value) { Ok(Value::text("")) } else { block(&value) }
    }),
    fixed("mustToYaml", &[Any], |machine, arguments| {
        let value = any(arguments, 0);
        machine.budget().weigh(&value)?;
        if is_finite(&value) {
            block(&value)
        } else {
            Err(Fault::wrong("json: unsupported value: not a finite number"))
        }
    }),
    fixed("toYamlPretty", &[Any], |machine, arguments| {
        let value = any(arguments, 0);
        machine.budget().weigh(&value)?;
        let document = value.to_direct_document().map_err(|e| Fault::wrong(e.to_string()))?;
        Ok(Value::text(without_newline(yaml::emit_indented(&document.into()))))
    }),
    fixed("fromYaml", &[AText], |machine, arguments| {
        parse(machine, arguments).map(|read| map_or_error(read, UNMARSHALING))
    }),
    fixed("fromYamlArray", &[AText], |machine, arguments| {
        parse(machine, arguments).map(|read| list_or_error(read, UNMARSHALING))
    }),
];

const UNMARSHALING: &str = "error unmarshaling JSON: while decoding JSON: ";

/// YAML of a value, with the line break at its end.
pub(super) fn plain(value: &Value) -> Result<String, Fault> {
    let document = value.to_document().map_err(|e| Fault::wrong(e.to_string()))?;
    Ok(yaml::emit(&document.into()))
}

fn block(value: &Value) -> Result<Value, Fault> {
    plain(value).map(|text| Value::text(without_newline(text)))
}

fn without_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// Whether JSON can say the value. It has been weighed, so that it nests no deeper than it may.
fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::List(list) => list.iter().all(is_finite),
        Value::Dict(dict) => dict.entries().iter().all(|(_, value)| is_finite(value)),
        _ => true,
    }
}

/// The first document of a text; the inner error is what a template may see.
fn parse(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Result<Value, String>, Fault> {
    let text = text(arguments, 0);
    machine.budget().spend(text.len() as u64 / 16 + 1)?;
    machine.budget().produce(text.len())?;
    let document = Loader::new(Profile::Kubectl).load_first("", text.as_bytes());
    Ok(match document {
        Ok(document) => Ok(document.map(|node| Value::from_document(&node.value)).unwrap_or_default()),
        Err(e) => Err(format!("error converting YAML to JSON: yaml: line {}: {}", e.pos.line, e.message)),
    })
}
