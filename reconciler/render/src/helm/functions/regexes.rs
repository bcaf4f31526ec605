//! Sprig's functions for regular expressions.

use super::Param::{Int, Text as AText};
use super::{Body, Function, Machine, fixed, int, text};
use crate::helm::fault::Fault;
use crate::helm::value::{List, ListKind, Text, Value};
use regex::Regex;

const FIND: Body = |machine, arguments| {
    let (expression, text) = read(machine, arguments)?;
    Ok(Value::text(expression.find(&text.as_str()).map_or("", |found| found.as_str())))
};
const FIND_ALL: Body = |machine, arguments| find_all(machine, arguments);
const REPLACE: Body = |machine, arguments| replace(machine, arguments, true);
const REPLACE_LITERAL: Body = |machine, arguments| replace(machine, arguments, false);
const SPLIT: Body = |machine, arguments| split(machine, arguments);

pub(super) const TABLE: &[Function] = &[
    fixed("regexMatch", &[AText, AText], |machine, arguments| {
        let (pattern, text) = (text(arguments, 0), text(arguments, 1));
        machine.budget().spend(COMPILING)?;
        let expression = machine.expression(&pattern.as_str());
        Ok(Value::Bool(expression.is_ok_and(|expression| expression.is_match(&text.as_str()))))
    }),
    fixed("mustRegexMatch", &[AText, AText], |machine, arguments| {
        let (expression, text) = read(machine, arguments)?;
        Ok(Value::Bool(expression.is_match(&text.as_str())))
    }),
    fixed("regexFind", &[AText, AText], FIND),
    fixed("mustRegexFind", &[AText, AText], FIND),
    fixed("regexFindAll", &[AText, AText, Int], FIND_ALL),
    fixed("mustRegexFindAll", &[AText, AText, Int], FIND_ALL),
    fixed("regexReplaceAll", &[AText, AText, AText], REPLACE),
    fixed("mustRegexReplaceAll", &[AText, AText, AText], REPLACE),
    fixed("regexReplaceAllLiteral", &[AText, AText, AText], REPLACE_LITERAL),
    fixed("mustRegexReplaceAllLiteral", &[AText, AText, AText], REPLACE_LITERAL),
    fixed("regexSplit", &[AText, AText, Int], SPLIT),
    fixed("mustRegexSplit", &[AText, AText, Int], SPLIT),
    fixed("regexQuoteMeta", &[AText], |_, arguments| Ok(Value::text(quoted(&text(arguments, 0).as_str())))),
];

/// Steps for an expression: what compiling an average one takes.
const COMPILING: u64 = 100;

/// The expression and the text to look at.
fn read(machine: &mut dyn Machine, arguments: &[Value]) -> Result<(Regex, Text), Fault> {
    let (pattern, text) = (text(arguments, 0), text(arguments, 1));
    machine.budget().spend(COMPILING)?;
    let expression = machine.expression(&pattern.as_str()).map_err(Fault::wrong)?;
    Ok((expression, text))
}

/// At most so many, all of them for a negative number.
fn limit(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn find_all(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let (expression, text) = read(machine, arguments)?;
    machine.budget().produce(text.len())?;
    let text = text.as_str();
    let found: Vec<&str> =
        expression.find_iter(&text).map(|found| found.as_str()).take(limit(int(arguments, 2))).collect();
    machine.budget().spend(found.len() as u64)?;
    Ok(if found.is_empty() { Value::List(List::nil(ListKind::Strings)) } else { Value::texts(found) })
}

fn replace(machine: &mut dyn Machine, arguments: &[Value], expands: bool) -> Result<Value, Fault> {
    let (expression, whole) = read(machine, arguments)?;
    let (whole, replacement) = (whole.as_str(), text(arguments, 2));
    let replacement = replacement.as_str();
    let mut out = String::new();
    let mut at = 0;
    for captures in expression.captures_iter(&whole) {
        let Some(found) = captures.get(0) else { continue };
        machine.budget().spend(1)?;
        out.push_str(&whole[at..found.start()]);
        let before = out.len();
        if expands {
            captures.expand(&replacement, &mut out);
        } else {
            out.push_str(&replacement);
        }
        machine.budget().produce(out.len() - before)?;
        at = found.end();
    }
    out.push_str(&whole[at..]);
    Ok(Value::text(out))
}

/// Go's `Split`: the texts between the matches, at most so many, the last one with all the rest.
fn split(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let (expression, whole) = read(machine, arguments)?;
    machine.budget().produce(whole.len())?;
    let most = limit(int(arguments, 2));
    if most == 0 {
        return Ok(Value::List(List::nil(ListKind::Strings)));
    }
    let whole = whole.as_str();
    if !text(arguments, 0).is_empty() && whole.is_empty() {
        return Ok(Value::texts([""]));
    }
    let mut parts: Vec<&str> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in expression.find_iter(&whole) {
        if parts.len() + 1 >= most {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(&whole[begin..end]);
        }
        begin = found.end();
    }
    if end != whole.len() {
        parts.push(&whole[begin..]);
    }
    machine.budget().spend(parts.len() as u64)?;
    Ok(Value::texts(parts))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
