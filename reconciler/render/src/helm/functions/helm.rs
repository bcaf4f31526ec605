//! Helm's own functions: templates within templates, what a chart requires, and what a cluster would be asked.

use super::Param::{Any, Text as AText};
use super::{Function, Machine, any, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::value::{Dict, DictKind, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("include", &[AText, Any], |machine, arguments| {
        machine.include(&text(arguments, 0).as_str(), any(arguments, 1)).map(Value::String)
    }),
    fixed("tpl", &[AText, Any], |machine, arguments| {
        machine.expand(&text(arguments, 0), any(arguments, 1)).map(Value::String)
    }),
    fixed("required", &[AText, Any], |_, arguments| match any(arguments, 1) {
        Value::Nil => Err(failed(arguments)),
        Value::String(text) if text.is_empty() => Err(failed(arguments)),
        value => Ok(value),
    }),
    fixed("fail", &[AText], |_, arguments| Err(failed(arguments))),
    // No cluster is asked while a chart is rendered, so there is nothing in it.
    fixed("lookup", &[AText, AText, AText, AText], |_, _| Ok(Dict::new(DictKind::Any).into())),
    // Helm does not resolve names unless it is told to.
    fixed("getHostByName", &[AText], |_: &mut dyn Machine, _| Ok(Value::text(""))),
];

fn failed(arguments: &[Value]) -> Fault {
    Fault::Failed(text(arguments, 0).as_str().into_owned())
}
