//! Sprig's questions about types.

use super::Param::{Any, Text as AText};
use super::{Function, any, fixed, text};
use crate::helm::value::Value;

pub(super) const TABLE: &[Function] = &[
    fixed("typeOf", &[Any], |_, arguments| Ok(Value::text(any(arguments, 0).type_name()))),
    fixed("typeIs", &[AText, Any], |_, arguments| {
        Ok(Value::Bool(text(arguments, 0).as_str() == any(arguments, 1).type_name()))
    }),
    fixed("typeIsLike", &[AText, Any], |_, arguments| {
        let (wanted, value) = (text(arguments, 0), any(arguments, 1));
        let wanted = wanted.as_str();
        Ok(Value::Bool(wanted == value.type_name() || format!("*{wanted}") == value.type_name()))
    }),
    fixed("kindOf", &[Any], |_, arguments| Ok(Value::text(any(arguments, 0).kind()))),
    fixed("kindIs", &[AText, Any], |_, arguments| {
        Ok(Value::Bool(text(arguments, 0).as_str() == any(arguments, 1).kind()))
    }),
];
