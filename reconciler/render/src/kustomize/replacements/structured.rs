//! Replacement inside a scalar that holds YAML or JSON: a path may lead into the text, and the text is written again.

use super::super::bounds;
use super::super::path::{Make, Match, Step, Visit, lookup};
use crate::yaml::{Node, Value, go_json, go_json_indented, parse_embedded};

type Result<T> = std::result::Result<T, String>;

/// Writes a value where a path leads into a text. Returns whether it does; where not, the path is an ordinary one.
pub(super) fn set(object: &mut Node, path: &[Step], (value, create): (&Node, Option<Make>)) -> Result<bool> {
    let Some(depth) = depth_of_text(object, path) else { return Ok(false) };
    let (outer, inner) = path.split_at(depth);
    let Ok(Some(field)) = lookup(object, outer) else { return Ok(false) };
    let Some(text) = field.scalar_text() else { return Ok(false) };
    let Some(written) = rewritten(&text, inner, (value, create)) else { return Ok(false) };
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
fn rewritten(text: &str, path: &[Step], (value, create): (&Node, Option<Make>)) -> Option<String> {
    let mut document = parse_embedded(text).ok()?;
    let mut set = |found: Match<'_>| {
        found.node.value = value.value.clone();
        Ok(())
    };
    let mut visit = Visit { create, set: &mut set, found: 0 };
    visit.walk(&mut document, path).ok()?;
    if visit.found == 0 {
        return None;
    }
    let is_json = text.trim_start().starts_with(['{', '[']);
    if !is_json {
        return None;
    }
    let pretty = text.contains('\n') && text.contains("  ");
    Some(if pretty { go_json_indented(&document) } else { go_json(&document) })
}

fn put(object: &mut Node, path: &[Step], text: &str) {
    let mut set = |found: Match<'_>| {
        found.node.value = Value::String(text.to_owned());
        Ok(())
    };
    let _ = Visit { create: None, set: &mut set, found: 0 }.walk(object, path);
}
