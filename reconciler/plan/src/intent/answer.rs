//! What the server made of an apply.

use apimachinery::kinds::KindTable;
use apimachinery::{Digest, Object};
use serde_json::Value;

use super::{DECLARED_ANNOTATION, LAST_APPLIED_ANNOTATION, Seen, marks, owned};
use crate::SourceName;
use crate::names::INTENT_ANNOTATION;

/// Differing leaves that are named.
const MAX_PATHS: usize = 20;

/// What the server made of an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The digest of the fields that we own now, where it is not the one that was sent: sync applies again what [`corrected`] makes of it.
    pub corrected: Option<Digest>,
    /// Declared leaves that got another value than their normal form, `.spec.replicas`: finding `mutated-in-wds`. Paths only, never values.
    pub mutated: Vec<String>,
}

/// Compares the server's answer (with managedFields) to what was sent.
pub fn answer(sent: &Object, answered: &Object, source: &SourceName, kinds: &KindTable) -> Answer {
    let seen = Seen::of(answered, kinds);
    let sent = sent.to_value();
    let mutated = differing(&sent, &seen.value);
    let owned = owned::of_source(&seen, source);
    let written = sent
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(INTENT_ANNOTATION))
        .and_then(Value::as_str)
        .and_then(Digest::parse);
    let corrected = owned.map(marks::digest_of).filter(|digest| Some(*digest) != written);
    Answer { corrected, mutated }
}

/// What to apply again after an [`answer`] that differs: the same, with the digest of what the server stored, and the one that was declared beside it.
pub fn corrected(sent: &Object, digest: Digest) -> Object {
    let mut value = sent.to_value();
    let declared = sent.header().annotation(INTENT_ANNOTATION).unwrap_or_default().to_owned();
    marks::annotate(&mut value, DECLARED_ANNOTATION, declared);
    marks::annotate(&mut value, INTENT_ANNOTATION, digest.to_string());
    // Two annotations cannot make an object malformed.
    Object::from_value(&value).unwrap_or_else(|_| sent.clone())
}

/// The leaves of `asked` that `stored` has with another value. What the server added, or dropped because it is the zero value, is no difference.
pub(super) fn differing(asked: &Value, stored: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    walk(asked, stored, &mut String::new(), &mut paths);
    paths
}

fn walk(asked: &Value, stored: &Value, path: &mut String, paths: &mut Vec<String>) {
    if paths.len() >= MAX_PATHS {
        return;
    }
    let length = path.len();
    match (asked, stored) {
        (Value::Object(asked), Value::Object(stored)) => {
            for (key, asked) in asked {
                if let Some(stored) = stored.get(key).filter(|_| !is_bookkeeping(path, key)) {
                    path.push_str(&segment(key));
                    walk(asked, stored, path, paths);
                    path.truncate(length);
                }
            }
        }
        (Value::Array(asked), Value::Array(stored)) if asked.len() <= stored.len() => {
            for (index, asked) in asked.iter().enumerate() {
                let Some((position, stored)) = counterpart(asked, stored, index) else { continue };
                path.push_str(&format!("[{position}]"));
                walk(asked, stored, path, paths);
                path.truncate(length);
            }
        }
        _ if asked == stored || is_zero(asked) => {}
        _ => paths.push(path.clone()),
    }
}

/// Items of a list may have got neighbours: an item is looked up by what identifies it, first where it was.
fn counterpart<'a>(asked: &Value, stored: &'a [Value], index: usize) -> Option<(usize, &'a Value)> {
    const KEYS: [&str; 8] = ["name", "mountPath", "containerPort", "port", "protocol", "key", "ip", "uid"];
    let same = |value: &Value| {
        KEYS.iter().all(|key| asked.get(key).is_none_or(|asked| value.get(key) == Some(asked)))
    };
    let at_place = stored.get(index).map(|value| (index, value));
    if at_place.is_some_and(|(_, value)| same(value)) {
        return at_place;
    }
    stored.iter().enumerate().find(|(_, value)| same(value)).or(at_place)
}

/// Annotations that carry digests differ by design.
fn is_bookkeeping(path: &str, key: &str) -> bool {
    path == ".metadata.annotations"
        && [INTENT_ANNOTATION, DECLARED_ANNOTATION, LAST_APPLIED_ANNOTATION].contains(&key)
}

/// `.name`, or `["a.b/c"]` where the name would not read as one.
fn segment(key: &str) -> String {
    if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        format!(".{key}")
    } else {
        format!("[{key:?}]")
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
