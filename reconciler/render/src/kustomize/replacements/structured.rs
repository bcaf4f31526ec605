//! Replacement inside a scalar that holds YAML or JSON: a path may lead into the text, and the text is written again.

use std::ops::Range;

use super::super::bounds;
use super::super::path::{Make, Match, Step, Visit, lookup};
use crate::yaml::{
    Node, Pos, Value, emit, go_json, go_json_indented, is_written_quoted, parse_embedded, resolve_text,
};

type Result<T> = std::result::Result<T, String>;

/// Writes a value where a path leads into a text. Returns whether it does; where not, the path is an ordinary one.
pub(super) fn set(object: &mut Node, path: &[Step], (value, create): (&Node, Option<Make>)) -> Result<bool> {
    let Some(depth) = depth_of_text(object, path) else { return Ok(false) };
    let (outer, inner) = path.split_at(depth);
    let Ok(Some(field)) = lookup(object, outer) else { return Ok(false) };
    let Some(text) = field.scalar_text() else { return Ok(false) };
    let Some(written) = rewritten(&text, inner, (value, create))? else { return Ok(false) };
    bounds::check_text(&written)?;
    put(object, outer, &written);
    Ok(true)
}

/// How many steps lead to the first scalar that is not the end of the path.
fn depth_of_text(object: &Node, path: &[Step]) -> Option<usize> {
    (1..path.len()).find(
        |depth| matches!(lookup(object, &path[..*depth]), Ok(Some(found)) if found.scalar_text().is_some()),
    )
}

/// The text with the value written into it; none where the path does not exist there.
fn rewritten(text: &str, path: &[Step], (value, create): (&Node, Option<Make>)) -> Result<Option<String>> {
    let Ok(mut document) = parse_embedded(text) else { return Ok(None) };
    let is_json = text.trim_start().starts_with(['{', '[']);
    let (mut places, mut misfit) = (Vec::new(), false);
    let mut set = |found: Match<'_>| {
        misfit |= !write(found.node, found.created, value);
        places.push((found.node.pos, found.node.as_str().is_some()));
        Ok(())
    };
    let mut visit = Visit { create, set: &mut set, found: 0 };
    if visit.walk(&mut document, path).is_err() || visit.found == 0 {
        return Ok(None);
    }
    Ok(match (is_json, misfit) {
        // A quirk: JSON stays as it is then, without a word.
        (true, true) => None,
        (true, false) if text.contains('\n') && text.contains("  ") => Some(go_json_indented(&document)),
        (true, false) => Some(go_json(&document)),
        (false, true) => return Err("!the field in the text holds a value of another type".to_owned()),
        (false, false) => {
            let new = value.scalar_text().and_then(|new| spliced(text, &mut places, &new, &document));
            Some(new.unwrap_or_else(|| emit(&document)).trim().to_owned())
        }
    })
}

/// Writes the value: into a scalar its text only, which keeps its own type. Whether it fits is returned.
fn write(node: &mut Node, created: bool, value: &Node) -> bool {
    let text = value.scalar_text().filter(|_| !matches!(node.value, Value::Map(_) | Value::Seq(_)));
    let Some(text) = text else {
        node.value = value.value.clone();
        return true;
    };
    let new = resolve_text(&text);
    let fits = match (&node.value, &new) {
        _ if created => true,
        (Value::String(_), _) => {
            node.value = Value::String(text);
            return true;
        }
        (
            Value::Int(_) | Value::Uint(_) | Value::Float(_),
            Value::Int(_) | Value::Uint(_) | Value::Float(_),
        ) => true,
        (held, new) => std::mem::discriminant(held) == std::mem::discriminant(new),
    };
    if fits {
        node.value = new;
    }
    fits
}

/// The text with other scalars at some places, and everything else of it, comments included, as it was. The reference formats the rest anew. None where
/// the result would not read as `wanted`, for instance because a scalar has several lines.
fn spliced(text: &str, places: &mut [(Pos, bool)], new: &str, wanted: &Node) -> Option<String> {
    places.sort_by_key(|place| std::cmp::Reverse(place.0));
    [false, true].into_iter().find_map(|flow| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (pos, is_text) in places.iter() {
            let line = lines.get_mut(usize::try_from(pos.line).ok()?.checked_sub(1)?)?;
            let (at, _) = line.char_indices().nth(usize::try_from(pos.column).ok()?.checked_sub(1)?)?;
            let span = scalar_span(line, at, flow)?;
            let written = written_like(line.get(span.clone())?, new, *is_text);
            line.replace_range(span, &written);
        }
        let spliced = lines.join("\n");
        parse_embedded(&spliced).is_ok_and(|read| read == *wanted).then_some(spliced)
    })
}

/// Where in a line the scalar is that begins at `at`, or that is the value of the key which begins there.
fn scalar_span(line: &str, at: usize, flow: bool) -> Option<Range<usize>> {
    let rest = line.get(at..)?;
    let start = match rest.find(": ") {
        Some(colon) => at + rest.len() - rest.get(colon + 1..)?.trim_start().len(),
        None => at,
    };
    let value = line.get(start..)?;
    let length = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.find(quote)? + 2,
        _ if flow => value.find([',', '}', ']'])?,
        _ => value.find(" #").unwrap_or(value.len()),
    };
    Some(start..start + value.get(..length)?.trim_end().len())
}

/// The new text, in quotes where the old one is, or where it would not be a text without.
fn written_like(old: &str, new: &str, is_text: bool) -> String {
    match old.chars().next() {
        Some('\'') => format!("'{}'", new.replace('\'', "''")),
        Some('"') => go_json(&Node::text(new)),
        _ if is_text && is_written_quoted(new) => go_json(&Node::text(new)),
        _ => new.to_owned(),
    }
}

fn put(object: &mut Node, path: &[Step], text: &str) {
    let mut set = |found: Match<'_>| {
        found.node.value = Value::String(text.to_owned());
        Ok(())
    };
    let _ = Visit { create: None, set: &mut set, found: 0 }.walk(object, path);
}

#[cfg(test)]
mod tests {
    use super::super::super::path::split;
    use super::*;

    fn written(text: &str, path: &str, value: &str) -> String {
        let result = rewritten(text, &split(path), (&Node::text(value), None));
        result.map_or_else(|error| error, |text| text.unwrap_or_else(|| "nothing".to_owned()))
    }

    #[test]
    fn a_value_in_a_text_is_replaced_and_the_rest_of_the_text_stays() {
        fn check(text: &str, path: &str, value: &str, expected: &str) {
            assert_eq!(written(text, path, value), expected, "{text}");
        }
        check("# top\nz: 1\na:\n  b: x # why\n", "a.b", "w", "# top\nz: 1\na:\n  b: w # why");
        check("a: {b: x, c: [1, 2]}\n", "a.b", "w", "a: {b: w, c: [1, 2]}");
        check("a: {b: 1, c: 2}\n", "a.c", "3", "a: {b: 1, c: 3}");
        check("a: \"x\"\n", "a", "y\"", "a: \"y\\\"\"");
        check("a: 'x'\n", "a", "it's", "a: 'it''s'");
        check("a: x\n", "a", "8080", "a: \"8080\"");
        check("a: 1\n", "a", "8080", "a: 8080");
        check(
            "a:\n- name: n\n  port: 80\n- name: m\n  port: 90\n",
            "a.*.port",
            "7",
            "a:\n- name: n\n  port: 7\n- name: m\n  port: 7",
        );
        check("b: |\n  one\n  two\na: 1\n", "b", "w", "a: 1\nb: w");
        check("{\"a\": {\"b\": 5}}", "a.b", "6", "{\"a\":{\"b\":6}}");
        check("{\"a\": {\"b\": \"5\"}}", "a.b", "6", "{\"a\":{\"b\":\"6\"}}");
        check("a: {b: 1}\n", "a.b", "web", "!the field in the text holds a value of another type");
        check("a: 1\n", "b.c", "web", "nothing");
    }
}
