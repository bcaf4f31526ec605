//! Sprig's arithmetic. Integers wrap as Go's do.

use super::Param::{Any, Float, Int, Text as AText};
use super::convert::{shown, to_float, to_int};
use super::decimal::{Decimal, Operation};
use super::durations::decimal as decimal_number;
use super::{Function, Machine, any, fixed, int, open, text};
use crate::helm::fault::Fault;
use crate::helm::value::{List, ListKind, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("atoi", &[AText], |_, arguments| Ok(Value::int(decimal_number(&text(arguments, 0).as_str())))),
    fixed("int", &[Any], |_, arguments| Ok(Value::int(to_int(&any(arguments, 0))))),
    fixed("int64", &[Any], |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0))))),
    fixed("float64", &[Any], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0))))),
    fixed("toDecimal", &[Any], |machine, arguments| {
        let shown = shown(machine, &any(arguments, 0))?;
        Ok(Value::int64(i64::from_str_radix(&shown.as_str(), 8).unwrap_or(0)))
    }),
    fixed("add1", &[Any], |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0)).wrapping_add(1)))),
    open("add", &[], Any, |_, arguments| {
        Ok(Value::int64(arguments.iter().map(to_int).fold(0, i64::wrapping_add)))
    }),
    fixed("sub", &[Any, Any], |_, arguments| {
        Ok(Value::int64(to_int(&any(arguments, 0)).wrapping_sub(to_int(&any(arguments, 1)))))
    }),
    open("mul", &[Any], Any, |_, arguments| {
        Ok(Value::int64(arguments.iter().map(to_int).fold(1, i64::wrapping_mul)))
    }),
    fixed("div", &[Any, Any], |_, arguments| divided(arguments, i64::wrapping_div)),
    fixed("mod", &[Any, Any], |_, arguments| divided(arguments, i64::wrapping_rem)),
    fixed("add1f", &[Any], |_, arguments| decimals(&any(arguments, 0), &[Value::int(1)], Operation::Add)),
    open("addf", &[], Any, |_, arguments| decimals(&Value::Float(0.0), arguments, Operation::Add)),
    open("subf", &[Any], Any, |_, arguments| folded(arguments, Operation::Sub)),
    open("divf", &[Any], Any, |_, arguments| folded(arguments, Operation::Div)),
    open("mulf", &[Any], Any, |_, arguments| folded(arguments, Operation::Mul)),
    open("biggest", &[Any], Any, |_, arguments| {
        Ok(Value::int64(arguments.iter().map(to_int).max().unwrap_or(0)))
    }),
    open("max", &[Any], Any, |_, arguments| {
        Ok(Value::int64(arguments.iter().map(to_int).max().unwrap_or(0)))
    }),
    open("min", &[Any], Any, |_, arguments| {
        Ok(Value::int64(arguments.iter().map(to_int).min().unwrap_or(0)))
    }),
    open("maxf", &[Any], Any, |_, arguments| Ok(Value::Float(extreme(arguments, f64::max)))),
    open("minf", &[Any], Any, |_, arguments| Ok(Value::Float(extreme(arguments, f64::min)))),
    fixed("ceil", &[Any], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0)).ceil()))),
    fixed("floor", &[Any], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0)).floor()))),
    open("round", &[Any, Int], Float, |_, arguments| Ok(Value::Float(rounded(arguments)))),
    fixed("until", &[Int], |machine, arguments| {
        let stop = int(arguments, 0);
        steps(machine, 0, stop, if stop < 0 { -1 } else { 1 }).map(int_list)
    }),
    fixed("untilStep", &[Int, Int, Int], |machine, arguments| {
        steps(machine, int(arguments, 0), int(arguments, 1), int(arguments, 2)).map(int_list)
    }),
    open("seq", &[], Int, |machine, arguments| sequence(machine, arguments)),
];

fn divided(arguments: &[Value], divide: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match to_int(&any(arguments, 1)) {
        0 => Err(Fault::wrong("runtime error: integer divide by zero")),
        divisor => Ok(Value::int64(divide(to_int(&any(arguments, 0)), divisor))),
    }
}

fn folded(arguments: &[Value], operation: Operation) -> Result<Value, Fault> {
    match arguments.split_first() {
        Some((first, others)) => decimals(first, others, operation),
        None => Ok(Value::Float(0.0)),
    }
}

/// Upstream calculates in decimals, so that 0.1 and 0.2 are 0.3.
fn decimals(first: &Value, others: &[Value], operation: Operation) -> Result<Value, Fault> {
    let read = |value: &Value| {
        Decimal::from_float(to_float(value)).ok_or_else(|| Fault::wrong("not a finite number"))
    };
    let result = others.iter().try_fold(read(first)?, |result, other| {
        result.apply(operation, read(other)?).ok_or_else(|| Fault::wrong("decimal division by 0"))
    })?;
    Ok(Value::Float(result.to_float()))
}

fn extreme(arguments: &[Value], better: fn(f64, f64) -> f64) -> f64 {
    let mut numbers = arguments.iter().map(to_float);
    let first = numbers.next().unwrap_or(0.0);
    numbers.fold(first, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { better(a, b) })
}

/// To so many places, up from the half or from what a third argument says. Go's arithmetic, with its errors of the last digit.
fn rounded(arguments: &[Value]) -> f64 {
    let places = int(arguments, 1) as f64;
    let from = match arguments.get(2) {
        Some(Value::Float(from)) => *from,
        _ => 0.5,
    };
    let scale = 10_f64.powf(places);
    let scaled = scale * to_float(&any(arguments, 0));
    let up = scaled.fract() >= from;
    (if up { scaled.ceil() } else { scaled.floor() }) / scale
}

/// The numbers from `start` up or down to `stop`, which is left out.
fn steps(machine: &mut dyn Machine, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let distance = i128::from(stop) - i128::from(start);
    let step_wide = i128::from(step);
    if step == 0 || distance == 0 || (distance > 0) != (step > 0) {
        return Ok(Vec::new());
    }
    let count = (distance.abs() + step_wide.abs() - 1) / step_wide.abs();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    machine.budget().spend(count)?;
    machine
        .budget()
        .produce(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size_of::<Value>()))?;
    Ok((0..count).map(|at| start.wrapping_add(step.wrapping_mul(at.cast_signed()))).collect())
}

fn int_list(numbers: Vec<i64>) -> Value {
    Value::List(List::new(ListKind::Ints, numbers.into_iter().map(Value::int).collect()))
}

/// `seq end`, `seq start end`, `seq start step end`: numbers with blanks between, the last one included.
fn sequence(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let number = |at: usize| int(arguments, at);
    let (start, step, end) = match arguments.len() {
        1 => (1, if number(0) < 1 { -1 } else { 1 }, number(0)),
        2 => (number(0), if number(1) < number(0) { -1 } else { 1 }, number(1)),
        3 if number(2) < number(0) && number(1) > 0 => return Ok(Value::text("")),
        3 => (number(0), number(1), number(2)),
        _ => return Ok(Value::text("")),
    };
    let beyond = if end < start { -1 } else { 1 };
    let numbers = steps(machine, start, end.wrapping_add(beyond), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Value::text(texts.join(" ")))
}
