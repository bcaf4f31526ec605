//! A bound on what a rule may cost: loops inside loops over the largest list.

use cel::common::ast::{Expr, IdedExpr};
use serde_json::Value;

/// More steps than this are refused, as upstream refuses more than its budget.
const MOST_STEPS: usize = 1_000_000;

/// The size of the largest list or map in a value.
pub(super) fn largest(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(largest).max().unwrap_or(0).max(items.len()),
        Value::Object(fields) => fields.values().map(largest).max().unwrap_or(0).max(fields.len()),
        _ => 0,
    }
}

/// Whether a rule may take more steps than allowed on values whose largest list has so many items. A literal list in the rule counts as its own length.
pub(super) fn is_too_much(rule: &IdedExpr, largest: usize) -> bool {
    let (loops, literal) = loops(rule);
    let items = largest.max(literal).max(1);
    let exponent = u32::try_from(loops).unwrap_or(u32::MAX);
    items.checked_pow(exponent).is_none_or(|steps| steps > MOST_STEPS)
}

/// How deep loops are nested, and the length of the longest literal list.
fn loops(expression: &IdedExpr) -> (usize, usize) {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| {
        parts.map(loops).fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)))
    };
    match &expression.expr {
        Expr::Call(call) => deepest(&mut call.target.iter().map(|target| &**target).chain(&call.args)),
        Expr::Select(select) => loops(&select.operand),
        Expr::List(list) => {
            let (loops, literal) = deepest(&mut list.elements.iter());
            (loops, literal.max(list.elements.len()))
        }
        Expr::Comprehension(one) => {
            let over = loops(&one.iter_range);
            let inside = deepest(&mut [&one.loop_cond, &one.loop_step, &one.result].into_iter());
            ((inside.0 + 1).max(over.0), inside.1.max(over.1))
        }
        _ => (0, 0),
    }
}
