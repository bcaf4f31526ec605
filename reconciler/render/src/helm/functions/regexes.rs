//! Sprig's functions for regular expressions.
//!
//! Go matches bytes that are no UTF-8 as U+FFFD and gives the bytes; so does [`Haystack`].

use std::borrow::Cow;
use std::ops::Range;

use super::Param::{Int, Text as AText};
use super::{Body, Function, Machine, fixed, int, text};
use crate::helm::classes::{is_digit, is_letter};
use crate::helm::fault::Fault;
use crate::helm::value::{List, ListKind, Text, Value};
use regex::{Captures, Regex};

const FIND: Body = |machine, arguments| {
    let (expression, text) = read(machine, arguments)?;
    let text = Haystack::of(&text);
    Ok(Value::text(expression.find(&text.shown).map_or(&b""[..], |found| text.bytes(found.range()))))
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
    fixed("regexQuoteMeta", &[AText], |_, arguments| Ok(Value::text(quoted(text(arguments, 0).as_bytes())))),
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

/// A text as expressions see it, and its bytes.
struct Haystack<'t> {
    bytes: &'t [u8],
    shown: Cow<'t, str>,
    /// Where the bytes are that show as U+FFFD, by their place in what is shown.
    invalid: Vec<usize>,
}

/// The bytes that U+FFFD has beyond the one that it stands for.
const MORE: usize = '\u{fffd}'.len_utf8() - 1;

impl<'t> Haystack<'t> {
    fn of(text: &'t Text) -> Self {
        let (mut at, mut invalid) = (0, Vec::new());
        for chunk in text.as_bytes().utf8_chunks() {
            at += chunk.valid().len();
            invalid.extend(chunk.invalid().iter().enumerate().map(|(nth, _)| at + nth * (MORE + 1)));
            at += chunk.invalid().len() * (MORE + 1);
        }
        Haystack { bytes: text.as_bytes(), shown: text.as_str(), invalid }
    }

    /// The bytes of a part of what is shown.
    fn bytes(&self, shown: Range<usize>) -> &'t [u8] {
        let place = |at: usize| at - MORE * self.invalid.partition_point(|place| *place < at);
        self.bytes.get(place(shown.start)..place(shown.end)).unwrap_or_default()
    }

    fn whole(&self) -> usize {
        self.shown.len()
    }
}

fn find_all(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let (expression, text) = read(machine, arguments)?;
    machine.budget().produce(text.len())?;
    let text = Haystack::of(&text);
    let mut found = Vec::new();
    for one in expression.find_iter(&text.shown).take(limit(int(arguments, 2))) {
        machine.budget().part(one.len())?;
        found.push(text.bytes(one.range()));
    }
    Ok(if found.is_empty() { Value::List(List::nil(ListKind::Strings)) } else { Value::texts(found) })
}

fn replace(machine: &mut dyn Machine, arguments: &[Value], expands: bool) -> Result<Value, Fault> {
    let (expression, whole) = read(machine, arguments)?;
    let (whole, replacement) = (Haystack::of(&whole), text(arguments, 2));
    let replacement = replacement.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    for captures in expression.captures_iter(&whole.shown) {
        let Some(found) = captures.get(0) else { continue };
        machine.budget().spend(1)?;
        out.extend_from_slice(whole.bytes(at..found.start()));
        if expands {
            expand(machine, replacement, (&captures, &whole), &mut out)?;
        } else {
            machine.budget().produce(replacement.len())?;
            out.extend_from_slice(replacement);
        }
        at = found.end();
    }
    out.extend_from_slice(whole.bytes(at..whole.whole()));
    Ok(Value::text(out))
}

/// The replacement with `$1`, `$name` and `${name}` replaced by what was found, and `$$` by a dollar. A group that is not there is empty.
fn expand(
    machine: &mut dyn Machine,
    replacement: &[u8],
    (captures, whole): (&Captures<'_>, &Haystack<'_>),
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    machine.budget().produce(replacement.len())?;
    let mut rest = replacement;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let Some((name, after)) = group_name(rest) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let is_number = name == "0" || !name.starts_with('0');
        let group = match name.parse::<usize>() {
            Ok(number) if is_number => captures.get(number),
            _ => captures.name(name),
        };
        let found = group.map(|group| whole.bytes(group.range())).unwrap_or_default();
        machine.budget().part(found.len())?;
        out.extend_from_slice(found);
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// The name of a group behind a dollar, and what follows it.
fn group_name(rest: &[u8]) -> Option<(&str, &[u8])> {
    let inner = rest.strip_prefix(b"{");
    let text = inner.unwrap_or(rest).utf8_chunks().next()?.valid();
    let end = text.find(|c: char| c != '_' && !is_letter(c) && !is_digit(c)).unwrap_or(text.len());
    let (name, after) = (&text[..end], &inner.unwrap_or(rest)[end..]);
    let after = if inner.is_some() { after.strip_prefix(b"}")? } else { after };
    (!name.is_empty()).then_some((name, after))
}

/// Go's `Split`: the texts between the matches, at most so many, the last one with all the rest.
fn split(machine: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let (expression, whole) = read(machine, arguments)?;
    machine.budget().produce(whole.len())?;
    let most = limit(int(arguments, 2));
    if most == 0 {
        return Ok(Value::List(List::nil(ListKind::Strings)));
    }
    let whole = Haystack::of(&whole);
    if !text(arguments, 0).is_empty() && whole.whole() == 0 {
        return Ok(Value::texts([""]));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in expression.find_iter(&whole.shown) {
        if parts.len() + 1 >= most {
            break;
        }
        machine.budget().part(found.start().saturating_sub(begin))?;
        end = found.start();
        if found.end() != 0 {
            parts.push(whole.bytes(begin..end));
        }
        begin = found.end();
    }
    if end != whole.whole() {
        machine.budget().part(whole.whole() - begin)?;
        parts.push(whole.bytes(begin..whole.whole()));
    }
    Ok(Value::texts(parts))
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}
