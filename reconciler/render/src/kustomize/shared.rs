//! Fields that are one: a quirk of upstream that builds depend on.
//!
//! A label that a transformer puts into several maps of an object (its own labels, its selector, its template) is one value there.
//! Whatever is written over one of them later is written over all of them. Only a JSON patch, which reads the object anew, ends it.

use std::collections::BTreeMap;

use crate::yaml::{Node, Value};

/// Makes a text a share of the value with this number.
pub(super) fn text(text: &str, share: u32) -> Node {
    Node { share, ..Node::text(text) }
}

/// A number that no value of this object has.
pub(super) fn free(node: &Node) -> u32 {
    shares(node).keys().next_back().map_or(1, |last| last + 1)
}

/// The shared values of an object.
fn shares(node: &Node) -> BTreeMap<u32, Value> {
    let mut found = BTreeMap::new();
    each(node, &mut |node| {
        found.insert(node.share, node.value.clone());
    });
    found
}

fn each(node: &Node, visit: &mut impl FnMut(&Node)) {
    if node.share > 0 {
        visit(node);
    }
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| each(item, visit)),
        Value::Map(map) => map.iter().for_each(|(_, item)| each(item, visit)),
        _ => {}
    }
}

fn each_mut(node: &mut Node, visit: &mut impl FnMut(&mut Node)) {
    if node.share > 0 {
        visit(node);
    }
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| each_mut(item, visit)),
        Value::Map(map) => map.values_mut().for_each(|item| each_mut(item, visit)),
        _ => {}
    }
}

/// Runs a change; what it wrote over a shared value is then the value of all. Of several the last counts.
pub(super) fn keeping<T, E>(node: &mut Node, change: impl FnOnce(&mut Node) -> Result<T, E>) -> Result<T, E> {
    let before = shares(node);
    let done = change(node)?;
    if before.is_empty() {
        return Ok(done);
    }
    let mut written = BTreeMap::new();
    each(node, &mut |node| {
        if before.get(&node.share).is_some_and(|held| *held != node.value) {
            written.insert(node.share, node.value.clone());
        }
    });
    if !written.is_empty() {
        each_mut(node, &mut |node| {
            if let Some(value) = written.get(&node.share) {
                node.value = value.clone();
            }
        });
    }
    Ok(done)
}

/// Says of all that share a value whether it is written in quotes.
pub(super) fn restyle(node: &mut Node, share: u32, quoted: bool) {
    each_mut(node, &mut |node| {
        if node.share == share {
            node.quoted = quoted;
        }
    });
}

/// Gives every field of this node a value of its own.
pub(super) fn separate(node: &mut Node) {
    each_mut(node, &mut |node| node.share = 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Map;

    #[test]
    fn what_is_written_over_one_share_is_written_over_all() {
        let mut map = Map::new();
        map.insert("a", text("x", 1));
        map.insert("b", text("x", 1));
        map.insert("c", text("x", 2));
        let mut node = Node::from(Value::Map(map));
        let change = |node: &mut Node| {
            node.get_mut("b").unwrap().value = Value::String("y".to_owned());
            Ok::<(), ()>(())
        };
        keeping(&mut node, change).unwrap();
        assert_eq!(node.to_json().to_string(), r#"{"a":"y","b":"y","c":"x"}"#);
        assert_eq!(free(&node), 3);
        separate(&mut node);
        assert_eq!(free(&node), 1);
    }
}
