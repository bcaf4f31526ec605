//! Comparisons: Go's `eq`, `ne`, `lt`, `le`, `gt` and `ge`. Numbers of different kinds compare only where Go lets them.

use std::cmp::Ordering;

use super::Param::Any;
use super::{Function, any, fixed, open};
use crate::helm::fault::Fault;
use crate::helm::value::Value;

pub(super) const TABLE: &[Function] = &[
    open("eq", &[Any], Any, |_, arguments| equals_any(arguments).map(Value::Bool)),
    fixed("ne", &[Any, Any], |_, arguments| {
        equal(&any(arguments, 0), &any(arguments, 1)).map(|equal| Value::Bool(!equal))
    }),
    fixed("lt", &[Any, Any], |_, arguments| less(arguments).map(Value::Bool)),
    fixed("le", &[Any, Any], |_, arguments| less_or_equal(arguments).map(Value::Bool)),
    fixed("gt", &[Any, Any], |_, arguments| less_or_equal(arguments).map(|le| Value::Bool(!le))),
    fixed("ge", &[Any, Any], |_, arguments| less(arguments).map(|lt| Value::Bool(!lt))),
];

fn equals_any(arguments: &[Value]) -> Result<bool, Fault> {
    let Some((first, others)) = arguments.split_first() else { return Ok(false) };
    if others.is_empty() {
        return Err(Fault::wrong("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    Fault::wrong(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

/// The order of two scalars of kinds that compare. None: they do not, or one of them is no number.
fn order(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Int(_, a), Value::Int(_, b)) => Some(a.cmp(b)),
        (Value::Uint(_, a), Value::Uint(_, b)) => Some(a.cmp(b)),
        (Value::Int(_, a), Value::Uint(_, b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(_, a), Value::Int(_, b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => return None,
    })
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(..) | Value::Uint(..) | Value::Float(_) | Value::String(_))
}

fn equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    if let Some(order) = order(a, b) {
        return Ok(order == Some(Ordering::Equal));
    }
    match (a, b) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        // A nil slice is nil, every other value of the kinds that can be nil is none here.
        (Value::Nil, Value::List(list)) | (Value::List(list), Value::Nil) => Ok(list.is_nil()),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        _ if is_basic(a) || is_basic(b) => Err(incompatible(a, b)),
        (Value::List(a), Value::List(b)) if a.is_nil() || b.is_nil() => Ok(a.is_nil() == b.is_nil()),
        (Value::Host(x), Value::Host(y))
            if x.kind() == y.kind() && x.kind() != "map" && x.kind() != "slice" =>
        {
            Ok(std::rc::Rc::ptr_eq(x, y) || (x.kind() == "struct" && x.display() == y.display()))
        }
        _ => Err(Fault::wrong(format!("non-comparable types {} and {}", a.type_name(), b.type_name()))),
    }
}

fn less(arguments: &[Value]) -> Result<bool, Fault> {
    let (a, b) = (any(arguments, 0), any(arguments, 1));
    match order(&a, &b) {
        Some(order) => Ok(order == Some(Ordering::Less)),
        None if is_basic(&a) && is_basic(&b) && a.kind() != b.kind() => Err(incompatible(&a, &b)),
        None => Err(Fault::wrong("invalid type for comparison")),
    }
}

/// Go's `<=` is `<` or `==`, which tells for numbers that are none.
fn less_or_equal(arguments: &[Value]) -> Result<bool, Fault> {
    Ok(less(arguments)? || equal(&any(arguments, 0), &any(arguments, 1))?)
}
