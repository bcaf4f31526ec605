//! Sprig's functions that choose: defaults, emptiness, conditions.

use super::Param::{Any, Bool};
use super::{Function, any, boolean, fixed, open};
use crate::helm::value::Value;

pub(super) const TABLE: &[Function] = &[
    open("default", &[Any], Any, |_, arguments| {
        let given = arguments.get(1).filter(|given| !is_empty(given));
        Ok(given.cloned().unwrap_or_else(|| any(arguments, 0)))
    }),
    fixed("empty", &[Any], |_, arguments| Ok(Value::Bool(is_empty(&any(arguments, 0))))),
    open("coalesce", &[], Any, |_, arguments| {
        Ok(arguments.iter().find(|value| !is_empty(value)).cloned().unwrap_or_default())
    }),
    open("all", &[], Any, |_, arguments| Ok(Value::Bool(!arguments.iter().any(is_empty)))),
    open("any", &[], Any, |_, arguments| Ok(Value::Bool(arguments.iter().any(|value| !is_empty(value))))),
    fixed("ternary", &[Any, Any, Bool], |_, arguments| {
        Ok(any(arguments, usize::from(!boolean(arguments, 2))))
    }),
];

/// Whether a value is the zero of its type, or holds nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}
