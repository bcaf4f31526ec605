//! Validators are transformers that may not change anything.

use super::resmap::ResMap;
use super::resource::Resource;
use crate::yaml::Node;

/// The one thing that a validator may leave behind.
const LABEL: &str = "validated-by";

/// Says which object a validator changed. Its notes count, too: one that was given the name it has is not as it was.
pub(super) fn unchanged(before: &[Resource], after: &ResMap) -> Result<(), String> {
    let changed = before.iter().zip(after.iter()).find(|(old, new)| !same(old, new));
    let what = match changed {
        None if before.len() == after.len() => return Ok(()),
        None => "the number of objects".to_owned(),
        Some((old, _)) => old.current().to_string(),
    };
    Err(format!("validator shouldn't modify the resource map: it changed {what}; use `transformers` for it"))
}

fn same(old: &Resource, new: &Resource) -> bool {
    old.history.len() == new.history.len()
        && old.prefixes == new.prefixes
        && old.suffixes == new.suffixes
        && old.needs_hash == new.needs_hash
        && old.node == without_label(&new.node)
}

fn without_label(node: &Node) -> Node {
    let mut node = node.clone();
    let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut) else { return node };
    let Some(labels) = metadata.get_mut("labels").and_then(Node::as_map_mut) else { return node };
    if labels.remove(LABEL).is_some() && labels.is_empty() {
        metadata.remove("labels");
    }
    node
}
