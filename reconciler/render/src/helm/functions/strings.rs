//! Sprig's functions for texts.
//!
//! Go cuts texts at bytes and changes case rune by rune; so do these. What does neither works on the bytes, so that no text changes
//! on the way through that is no UTF-8.

use std::collections::BTreeSet;

use super::Param::{Any, Int, Text as AText};
use super::convert::{shown, texts_of};
use super::{Function, Machine, any, fixed, go, int, open, text};
use crate::helm::fault::Fault;
use crate::helm::template::quote::quote;
use crate::helm::value::{Dict, DictKind, ListKind, Text, Value};

pub(super) const TABLE: &[Function] =
    &[
        fixed("hello", &[], |_, _| Ok(Value::text("Hello!"))),
        fixed("abbrev", &[Int, AText], |_, arguments| abbreviate(&text(arguments, 1), 0, int(arguments, 0))),
        fixed("abbrevboth", &[Int, Int, AText], |_, arguments| {
            let (left, right) = (int(arguments, 0), int(arguments, 1));
            if left > 0 && right < 7 {
                Ok(any(arguments, 2))
            } else {
                abbreviate(&text(arguments, 2), left, right)
            }
        }),
        fixed("trunc", &[Int, AText], |_, arguments| truncated(int(arguments, 0), &text(arguments, 1))),
        fixed("trim", &[AText], |_, arguments| Ok(trimmed(&text(arguments, 0), char::is_whitespace))),
        fixed("nospace", &[AText], |_, arguments| Ok(Value::text(without_spaces(&text(arguments, 0))))),
        fixed("initials", &[AText], |_, arguments| Ok(Value::text(initials(&text(arguments, 0))))),
        fixed("substr", &[Int, Int, AText], |_, arguments| {
            substring(int(arguments, 0), int(arguments, 1), &text(arguments, 2))
        }),
        fixed("repeat", &[Int, AText], |machine, arguments| {
            repeat(machine, int(arguments, 0), &text(arguments, 1))
        }),
        fixed("trimall", &[AText, AText], trim_all),
        fixed("trimAll", &[AText, AText], trim_all),
        fixed("trimSuffix", &[AText, AText], |_, arguments| {
            let (suffix, text) = (text(arguments, 0), text(arguments, 1));
            Ok(Value::text(text.as_bytes().strip_suffix(suffix.as_bytes()).unwrap_or(text.as_bytes())))
        }),
        fixed("trimPrefix", &[AText, AText], |_, arguments| {
            let (prefix, text) = (text(arguments, 0), text(arguments, 1));
            Ok(Value::text(text.as_bytes().strip_prefix(prefix.as_bytes()).unwrap_or(text.as_bytes())))
        }),
        fixed("wrap", &[Int, AText], |machine, arguments| {
            wrap(machine, int(arguments, 0), (&Text::from("\n"), false), &text(arguments, 1))
        }),
        fixed("wrapWith", &[Int, AText, AText], |machine, arguments| {
            let between = text(arguments, 1);
            let between = if between.is_empty() { Text::from("\n") } else { between };
            wrap(machine, int(arguments, 0), (&between, true), &text(arguments, 2))
        }),
        fixed("contains", &[AText, AText], |_, arguments| {
            Ok(Value::Bool(find(text(arguments, 1).as_bytes(), text(arguments, 0).as_bytes()).is_some()))
        }),
        fixed("hasPrefix", &[AText, AText], |_, arguments| {
            Ok(Value::Bool(text(arguments, 1).as_bytes().starts_with(text(arguments, 0).as_bytes())))
        }),
        fixed("hasSuffix", &[AText, AText], |_, arguments| {
            Ok(Value::Bool(text(arguments, 1).as_bytes().ends_with(text(arguments, 0).as_bytes())))
        }),
        open("quote", &[], Any, |machine, arguments| {
            joined(machine, arguments, |machine, value| {
                Ok(quote(shown(machine, value)?.as_bytes(), false).into())
            })
        }),
        open("squote", &[], Any, |machine, arguments| {
            joined(machine, arguments, |machine, value| {
                go::formatted(machine, &Text::from("'%v'"), std::slice::from_ref(value))
            })
        }),
        open("cat", &[], Any, |machine, arguments| {
            joined(machine, arguments, |machine, value| {
                go::formatted(machine, &Text::from("%v"), std::slice::from_ref(value))
            })
        }),
        fixed("indent", &[Int, AText], |machine, arguments| indent(machine, arguments, "")),
        fixed("nindent", &[Int, AText], |machine, arguments| indent(machine, arguments, "\n")),
        fixed("replace", &[AText, AText, AText], |machine, arguments| {
            replace(machine, &text(arguments, 0), &text(arguments, 1), &text(arguments, 2)).map(Value::String)
        }),
        fixed("plural", &[AText, AText, Int], |_, arguments| {
            Ok(any(arguments, usize::from(int(arguments, 2) != 1)))
        }),
        fixed("toString", &[Any], |machine, arguments| shown(machine, &any(arguments, 0)).map(Value::String)),
        fixed("toStrings", &[Any], |machine, arguments| match any(arguments, 0) {
            Value::List(list) if list.kind() == ListKind::Strings => Ok(Value::List(list)),
            value => Ok(Value::texts(texts_of(machine, &value)?)),
        }),
        fixed("join", &[AText, Any], |machine, arguments| {
            let (between, parts) = (text(arguments, 0), texts_of(machine, &any(arguments, 1))?);
            let parts: Vec<&[u8]> = parts.iter().map(Text::as_bytes).collect();
            join(machine, &parts, between.as_bytes()).map(Value::String)
        }),
        fixed("split", &[AText, AText], |machine, arguments| {
            split(machine, &text(arguments, 1), &text(arguments, 0), usize::MAX).map(numbered)
        }),
        fixed("splitList", &[AText, AText], |machine, arguments| {
            split(machine, &text(arguments, 1), &text(arguments, 0), usize::MAX).map(Value::texts)
        }),
        fixed("splitn", &[AText, Int, AText], |machine, arguments| {
            let most = usize::try_from(int(arguments, 1)).unwrap_or(usize::MAX);
            split(machine, &text(arguments, 2), &text(arguments, 0), most).map(numbered)
        }),
    ];

/// The text without the runes at its ends that are meant. A byte that begins no rune is U+FFFD here, and is kept as it is.
fn trimmed(text: &Text, meant: impl Fn(char) -> bool) -> Value {
    let bytes = text.as_bytes();
    let runes = bytes.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(|c| (c, c.len_utf8()));
        valid.chain(chunk.invalid().iter().map(|_| ('\u{fffd}', 1)))
    });
    let (mut at, mut kept) = (0, 0..0);
    for (rune, length) in runes {
        if !meant(rune) {
            kept = if kept.is_empty() { at..at + length } else { kept.start..at + length };
        }
        at += length;
    }
    Value::text(&bytes[kept])
}

pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

fn out_of_range() -> Fault {
    Fault::wrong("slice bounds out of range")
}

fn cut(text: &Text, from: i64, to: i64) -> Result<Value, Fault> {
    let at = |at: i64| usize::try_from(at).map_err(|_| out_of_range());
    text.cut(at(from)?, at(to)?).map(Value::String).ok_or_else(out_of_range)
}

fn length(text: &Text) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn truncated(count: i64, text: &Text) -> Result<Value, Fault> {
    let length = length(text);
    match count {
        0.. if length > count => cut(text, 0, count),
        ..0 if length.saturating_add(count) > 0 => cut(text, length + count, length),
        _ => Ok(Value::String(text.clone())),
    }
}

fn substring(start: i64, end: i64, text: &Text) -> Result<Value, Fault> {
    if start < 0 {
        return cut(text, 0, end);
    }
    let end = if end < 0 || end > length(text) { length(text) } else { end };
    cut(text, start, end)
}

/// The text with dots where it was cut, at most `width` bytes.
fn abbreviate(text: &Text, offset: i64, width: i64) -> Result<Value, Fault> {
    let all = length(text);
    if width < 4 || all <= width {
        return Ok(Value::String(text.clone()));
    }
    let kept = width - 3;
    // An offset far below nothing wraps around, as in Go.
    let offset = if all.wrapping_sub(offset.min(all)) < kept { all - kept } else { offset.min(all) };
    let dots = |before: bool, from: i64, to: i64, after: bool| {
        let cut = cut(text, from, to)?;
        let inner = cut.as_text().map(Text::as_bytes).unwrap_or_default();
        let dots = |there: bool| if there { &b"..."[..] } else { &[] };
        Ok(Value::text([dots(before), inner, dots(after)].concat()))
    };
    if offset <= 4 {
        return dots(false, 0, kept, true);
    }
    if width < 7 {
        return Ok(Value::text(""));
    }
    if offset + kept < all {
        // Both ends are cut: the right one once more by the same rule.
        let rest = all - offset;
        return if kept < 4 {
            Ok(Value::text("..."))
        } else if rest <= kept {
            dots(true, offset, all, false)
        } else {
            dots(true, offset, offset + kept - 3, true)
        };
    }
    dots(true, all - kept, all, false)
}

/// Goes byte by byte, as upstream does: what is not ASCII becomes something else if there was a blank at all.
fn without_spaces(text: &Text) -> Text {
    let kept: Vec<u8> = text.as_bytes().iter().copied().filter(|byte| !is_space_byte(*byte)).collect();
    if kept.len() == text.len() {
        return text.clone();
    }
    kept.into_iter().map(char::from).collect::<String>().into()
}

fn is_space_byte(byte: u8) -> bool {
    char::from(byte).is_whitespace()
}

fn initials(text: &Text) -> String {
    let bytes = text.as_bytes();
    let begins = |at: &usize| !is_space_byte(bytes[*at]) && (*at == 0 || is_space_byte(bytes[at - 1]));
    (0..bytes.len()).filter(begins).map(|at| char::from(bytes[at])).collect()
}

fn repeat(machine: &mut dyn Machine, count: i64, text: &Text) -> Result<Value, Fault> {
    let count = usize::try_from(count).map_err(|_| Fault::wrong("negative repeat count"))?;
    machine.budget().produce(text.len().saturating_mul(count))?;
    Ok(Value::text(text.as_bytes().repeat(count)))
}

fn trim_all(_: &mut dyn Machine, arguments: &[Value]) -> Result<Value, Fault> {
    let (set, text) = (text(arguments, 0), text(arguments, 1));
    let set: BTreeSet<char> = set.as_str().chars().collect();
    Ok(trimmed(&text, |c| set.contains(&c)))
}

/// Lines of at most `width` bytes, broken at blanks; `long_words` says whether words that are longer are cut.
fn wrap(
    machine: &mut dyn Machine,
    width: i64,
    (between, long_words): (&Text, bool),
    text: &Text,
) -> Result<Value, Fault> {
    machine.budget().produce(text.len().saturating_mul(between.len() + 1))?;
    let (bytes, between) = (text.as_bytes(), between.as_bytes());
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while bytes.len() - at > width {
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let blank = bytes[at..=at + width].iter().rposition(|byte| *byte == b' ').map(|blank| at + blank);
        let end = match blank {
            Some(blank) => Some((blank, blank + 1)),
            None if long_words => Some((at + width, at + width)),
            None => bytes[at + width..].iter().position(|byte| *byte == b' ').map(|blank| {
                let blank = at + width + blank;
                (blank, blank + 1)
            }),
        };
        let Some((end, next)) = end else { break };
        out.extend_from_slice(&bytes[at..end]);
        out.extend_from_slice(between);
        at = next;
    }
    out.extend_from_slice(&bytes[at..]);
    Ok(Value::text(out))
}

/// The arguments that are not nil, each as a text, with blanks between.
fn joined(
    machine: &mut dyn Machine,
    arguments: &[Value],
    each: fn(&mut dyn Machine, &Value) -> Result<Text, Fault>,
) -> Result<Value, Fault> {
    let mut parts = Vec::new();
    for value in arguments.iter().filter(|value| !matches!(value, Value::Nil)) {
        parts.push(each(machine, value)?);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Text::as_bytes).collect();
    join(machine, &parts, b" ").map(Value::String)
}

pub(super) fn join(machine: &mut dyn Machine, parts: &[&[u8]], between: &[u8]) -> Result<Text, Fault> {
    let length =
        parts.iter().map(|part| part.len().saturating_add(between.len())).fold(0, usize::saturating_add);
    machine.budget().produce(length)?;
    Ok(parts.join(between).into())
}

fn indent(machine: &mut dyn Machine, arguments: &[Value], before: &str) -> Result<Value, Fault> {
    let count = usize::try_from(int(arguments, 0)).map_err(|_| Fault::wrong("negative repeat count"))?;
    machine.budget().produce(count)?;
    let blanks = " ".repeat(count);
    let lines = replace(machine, &Text::from("\n"), &format!("\n{blanks}").into(), &text(arguments, 1))?;
    Ok(Value::text([before.as_bytes(), blanks.as_bytes(), lines.as_bytes()].concat()))
}

pub(super) fn replace(machine: &mut dyn Machine, old: &Text, new: &Text, text: &Text) -> Result<Text, Fault> {
    let (old, new, bytes) = (old.as_bytes(), new.as_bytes(), text.as_bytes());
    if old.is_empty() {
        // Go puts the new text around every rune.
        machine.budget().produce(new.len().saturating_mul(text.len() + 1).saturating_add(text.len()))?;
        let mut out = new.to_vec();
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                out.extend_from_slice(new);
            }
            for byte in chunk.invalid() {
                out.push(*byte);
                out.extend_from_slice(new);
            }
        }
        return Ok(out.into());
    }
    let mut rest = bytes;
    let mut out = Vec::new();
    while let Some(at) = find(rest, old) {
        machine.budget().produce(at.saturating_add(new.len()))?;
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    Ok(out.into())
}

/// Go's `SplitN`: at most so many parts, the last one holds the rest. An empty separator splits between runes.
fn split(machine: &mut dyn Machine, text: &Text, separator: &Text, most: usize) -> Result<Vec<Text>, Fault> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let (bytes, separator) = (text.as_bytes(), separator.as_bytes());
    let mut parts = Vec::new();
    let mut rest = bytes;
    while parts.len() + 1 < most {
        let cut = if separator.is_empty() {
            // No rune is longer than four bytes; the rest is not looked at each time.
            let first = rest[..rest.len().min(4)].utf8_chunks().next();
            let rune = first.map(|chunk| chunk.valid().chars().next().map_or(1, char::len_utf8));
            rune.filter(|length| *length < rest.len()).map(|length| (length, length))
        } else {
            find(rest, separator).map(|at| (at, at + separator.len()))
        };
        let Some((end, next)) = cut else { break };
        machine.budget().part(end)?;
        parts.push(Text::from(&rest[..end]));
        rest = &rest[next..];
    }
    if !(separator.is_empty() && bytes.is_empty()) {
        machine.budget().part(rest.len())?;
        parts.push(Text::from(rest));
    }
    Ok(parts)
}

/// `_0`, `_1` and so on: templates can ask for them as fields.
fn numbered(parts: Vec<Text>) -> Value {
    let entries =
        parts.into_iter().enumerate().map(|(at, part)| (format!("_{at}").into(), Value::String(part)));
    Dict::from_entries(DictKind::Strings, entries).into()
}
