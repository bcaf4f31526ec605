//! The content hash that generated names end with.

use apimachinery::Digest;

use super::resource::Resource;
use crate::yaml::{Float, Node, Value, go_json};

/// Ten characters over the kind and data; labels, annotations and `immutable` do not count.
pub(super) fn suffix(resource: &Resource) -> String {
    let node = &resource.node;
    let text = match resource.kind() {
        "ConfigMap" => go_json(&digested(node, &["data"], "binaryData")),
        "Secret" => go_json(&digested(node, &["data", "type"], "stringData")),
        _ => go_json(node),
    };
    Digest::of(text.as_bytes())
        .to_string()
        .chars()
        .take(10)
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}

/// The members that count. The name is always empty and a missing member is an empty text: quirks that every published hash depends on.
fn digested(node: &Node, members: &[&str], optional: &str) -> Node {
    let mut picked = Node::map();
    if let Some(map) = picked.as_map_mut() {
        map.insert("kind", Node::text(node.str_at(&["kind"]).unwrap_or_default()));
        map.insert("name", Node::text(""));
        for member in members {
            map.insert(member, node.get(member).map_or_else(|| Node::text(""), through_json));
        }
        if let Some(held) = node.get(optional).filter(|held| held.as_map().is_some()) {
            map.insert(optional, through_json(held));
        }
    }
    picked
}

/// Upstream takes maps through JSON, where every number is a float, and of everything else the text.
fn through_json(node: &Node) -> Node {
    let mut node = node.clone();
    match &node.value {
        Value::Map(_) => floats(&mut node),
        Value::Seq(_) => node.value = Value::Null,
        _ => node.value = Value::String(node.scalar_text().unwrap_or_default()),
    }
    node
}

fn floats(node: &mut Node) {
    let number = match &mut node.value {
        Value::Map(map) => return map.values_mut().for_each(floats),
        Value::Seq(items) => return items.iter_mut().for_each(floats),
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        _ => return,
    };
    node.value = Value::Float(Box::new(Float { number, text: String::new() }));
}
