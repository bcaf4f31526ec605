//! A mapping, kept sorted by key.
//!
//! Kubernetes objects are small maps that are read far more often than they are changed, and both kustomize and JSON sort
//! their output, so a sorted vector costs less memory than a tree or a hash map and never depends on a hash's order.

use super::Node;

/// A mapping from text to nodes, sorted by the bytes of its keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    entries: Vec<(Box<str>, Node)>,
}

/// Entries of a map that is looked through one by one.
const SMALL: usize = 16;

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Map::default()
    }

    /// Builds a map from entries in any order. Of two entries with one key the later one stays.
    pub fn from_entries(mut entries: Vec<(Box<str>, Node)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.reverse();
            entries.dedup_by(|later, first| later.0 == first.0);
            entries.reverse();
        }
        Map { entries }
    }

    /// Where a key is, or where it belongs.
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(held, _)| (**held).cmp(key))
    }

    /// Where a key is. Most keys of a small map differ in length, which is cheaper to see than an order of texts.
    fn at(&self, key: &str) -> Option<usize> {
        if self.entries.len() > SMALL {
            return self.find(key).ok();
        }
        self.entries.iter().position(|(held, _)| **held == *key)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(self.at(key)?).map(|(_, node)| node)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = self.at(key)?;
        self.entries.get_mut(at).map(|(_, node)| node)
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.at(key).is_some()
    }

    /// Sets a key, returning what it held.
    pub fn insert(&mut self, key: &str, node: Node) -> Option<Node> {
        match self.find(key) {
            Ok(at) => self.entries.get_mut(at).map(|(_, held)| std::mem::replace(held, node)),
            Err(at) => {
                self.entries.insert(at, (Box::from(key), node));
                None
            }
        }
    }

    /// The value of a key, put there first when it is missing.
    pub fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let at = match self.find(key) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(at, (Box::from(key), make()));
                at
            }
        };
        &mut self.entries[at].1
    }

    /// Removes a key, returning what it held.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.find(key).ok().map(|at| self.entries.remove(at).1)
    }

    /// Keeps the entries that `keep` likes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Node) -> bool) {
        self.entries.retain(|(key, node)| keep(key, node));
    }

    /// The entries in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(key, node)| (&**key, node))
    }

    /// The entries in key order, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Node)> {
        self.entries.iter_mut().map(|(key, node)| (&**key, node))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| &**key)
    }

    /// The values in key order, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.entries.iter_mut().map(|(_, node)| node)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl IntoIterator for Map {
    type Item = (Box<str>, Node);
    type IntoIter = std::vec::IntoIter<(Box<str>, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_equal_keys_stays() {
        let map = Map::from_entries(vec![
            (Box::from("b"), Node::text("1")),
            (Box::from("a"), Node::text("2")),
            (Box::from("b"), Node::text("3")),
        ]);
        let held: Vec<_> = map.iter().map(|(key, node)| (key, node.as_str().unwrap())).collect();
        assert_eq!(held, [("a", "2"), ("b", "3")]);
    }
}
