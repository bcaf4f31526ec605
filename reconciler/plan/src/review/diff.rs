//! Which fields of a changed object differ. Of a Secret it shows which keys do, never a value.

use std::collections::BTreeMap;

use apimachinery::ObjectId;
use serde::Serialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::Change;
use crate::finding::Scene;

/// The most lines shown of one object.
const MAX_LINES: usize = 200;
/// The most characters shown of one line.
const MAX_LINE_CHARS: usize = 240;
/// Unchanged lines shown around a change inside a text of several lines.
const CONTEXT_LINES: usize = 1;

/// What differs in one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectDiff {
    /// Its group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace, empty for a cluster-scoped object.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Lines that start with `-`, `+`, `~` (a Secret's key) or a space (context).
    pub lines: Vec<String>,
    /// How many more lines there are.
    pub omitted: usize,
}

/// Whether an object's values must never be shown.
pub fn is_secret(object: &ObjectId) -> bool {
    object.group.is_empty() && object.kind == "Secret"
}

/// What differs in each object whose content changed somewhere, by identity.
pub fn of_changed_objects(scene: &Scene) -> Vec<ObjectDiff> {
    let changed =
        scene.by_object().filter(|(_, pairs)| pairs.iter().any(|pair| pair.change == Change::Change));
    changed
        .filter_map(|(object, _)| {
            let before = scene.declared_before(object)?.object.object.to_value();
            let after = scene.head.objects.get(object)?.object.object.to_value();
            let mut lines = if is_secret(object) { secret(&before, &after) } else { fields(&before, &after) };
            let omitted = lines.len().saturating_sub(MAX_LINES);
            lines.truncate(MAX_LINES);
            Some(ObjectDiff {
                group: object.group.to_string(),
                kind: object.kind.to_string(),
                namespace: object.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
                name: object.name.to_string(),
                lines,
                omitted,
            })
        })
        .collect()
}

/// Which leaves of a Secret differ. Only labels and the type show their values: data is data, and annotations often repeat it.
fn secret(before: &Value, after: &Value) -> Vec<String> {
    let (old, new) = (leaves(before), leaves(after));
    let mut lines = Vec::new();
    for path in union(&old, &new) {
        let open = path.starts_with("metadata.labels") || path == "type" || path == "immutable";
        match (old.get(path), new.get(path)) {
            (was, is) if was == is => {}
            (was, is) if open => lines.extend(changed_leaf(path, was.copied(), is.copied())),
            (Some(_), Some(_)) => lines.push(shorten(&format!("~{path}: <changed>"))),
            (None, _) => lines.push(shorten(&format!("~{path}: <added>"))),
            (_, None) => lines.push(shorten(&format!("~{path}: <removed>"))),
        }
    }
    lines
}

fn fields(before: &Value, after: &Value) -> Vec<String> {
    let (old, new) = (leaves(before), leaves(after));
    let differing = union(&old, &new).into_iter().filter(|path| old.get(*path) != new.get(*path));
    differing.flat_map(|path| changed_leaf(path, old.get(path).copied(), new.get(path).copied())).collect()
}

fn union<'a>(old: &'a BTreeMap<String, &Value>, new: &'a BTreeMap<String, &Value>) -> Vec<&'a str> {
    let mut paths: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn changed_leaf(path: &str, was: Option<&Value>, is: Option<&Value>) -> Vec<String> {
    if let (Some(Value::String(was)), Some(Value::String(is))) = (was, is)
        && (was.contains('\n') || is.contains('\n'))
    {
        return changed_text(path, was, is);
    }
    let line = |sign: char, value: Option<&Value>| {
        value.map(|value| shorten(&format!("{sign}{path}: {}", plain(value))))
    };
    line('-', was).into_iter().chain(line('+', is)).collect()
}

/// A text of several lines: only the lines that differ, with a little context.
fn changed_text(path: &str, was: &str, is: &str) -> Vec<String> {
    let mut lines = vec![shorten(&format!(" {path}:"))];
    let diff = TextDiff::from_lines(was, is);
    for group in diff.grouped_ops(CONTEXT_LINES) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(shorten(&format!("{sign}  {}", change.value().trim_end_matches(['\n', '\r']))));
        }
    }
    lines
}

/// The leaves of a tree by path. Entries of lists are named by their `name` where all have one, so that an insertion does not shift the others.
fn leaves(value: &Value) -> BTreeMap<String, &Value> {
    let mut leaves = BTreeMap::new();
    collect(String::new(), value, &mut leaves);
    leaves
}

fn collect<'v>(path: String, value: &'v Value, leaves: &mut BTreeMap<String, &'v Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                collect(join(&path, key), value, leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let names = names(items);
            for (i, item) in items.iter().enumerate() {
                let step =
                    names.as_ref().and_then(|names| names.get(i)).map_or(i.to_string(), ToString::to_string);
                collect(format!("{path}[{step}]"), item, leaves);
            }
        }
        leaf => {
            leaves.insert(path, leaf);
        }
    }
}

/// The names of a list's entries, if every one has its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items.iter().map(|item| item.get("name")?.as_str()).collect::<Option<_>>()?;
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    (unique.len() == names.len()).then_some(names)
}

/// Keys that are not plain words are quoted, `metadata.labels["gitstellar.io/unit"]`.
fn join(path: &str, key: &str) -> String {
    let word = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path.is_empty(), word) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        _ => format!("{path}[{}]", Value::from(key)),
    }
}

/// A value as it reads best: a text without quotes, unless it would look like something else.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if looks_like_text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn looks_like_text(text: &str) -> bool {
    let edges = text.trim().len() == text.len() && !text.is_empty();
    edges
        && !text.contains('\n')
        && !matches!(text, "true" | "false" | "null")
        && text.parse::<f64>().is_err()
}

fn shorten(line: &str) -> String {
    let mut chars = line.chars();
    let mut short: String = chars.by_ref().take(MAX_LINE_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{fields, secret};

    fn check(before: &Value, after: &Value, expected: &[&str]) {
        assert_eq!(fields(before, after), expected);
    }

    #[test]
    fn leaves_are_named_by_path_and_entries_by_name() {
        check(
            &json!({"spec": {"containers": [{"name": "web", "image": "a:1"}], "replicas": 2}}),
            &json!({"spec": {"containers": [{"name": "log", "image": "l"}, {"name": "web", "image": "a:2"}], "replicas": 2}}),
            &[
                "+spec.containers[log].image: l",
                "+spec.containers[log].name: log",
                "-spec.containers[web].image: a:1",
                "+spec.containers[web].image: a:2",
            ],
        );
        check(&json!({"a": "1"}), &json!({"a": 1}), &["-a: \"1\"", "+a: 1"]);
        check(&json!({"a": {}}), &json!({"a": {"b.c": true}}), &["-a: {}", "+a[\"b.c\"]: true"]);
        check(&json!({"a": [1, 2]}), &json!({"a": [1, 3]}), &["-a[1]: 2", "+a[1]: 3"]);
        check(&json!({"a": 1}), &json!({"a": 1}), &[]);
    }

    #[test]
    fn of_a_long_text_only_the_lines_that_differ_are_shown() {
        check(
            &json!({"data": {"f": "a\nb\nc\nd\ne\n"}}),
            &json!({"data": {"f": "a\nb\nc\nD\ne\n"}}),
            &[" data.f:", "   c", "-  d", "+  D", "   e"],
        );
    }

    #[test]
    fn a_secret_shows_keys_only() {
        let before = json!({"metadata": {"labels": {"a": "1"}, "annotations": {"x": "canary1"}},
                            "data": {"kept": "canary2", "gone": "canary3", "p": "canary4"}});
        let after = json!({"metadata": {"labels": {"a": "2"}, "annotations": {"x": "canary5"}},
                           "data": {"kept": "canary2", "new": "canary6", "p": "canary7"}});
        let lines = secret(&before, &after);
        assert_eq!(
            lines,
            [
                "~data.gone: <removed>",
                "~data.new: <added>",
                "~data.p: <changed>",
                "~metadata.annotations.x: <changed>",
                "-metadata.labels.a: \"1\"",
                "+metadata.labels.a: \"2\"",
            ]
        );
        assert!(!lines.join("").contains("canary"));
    }
}
