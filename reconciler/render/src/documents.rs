//! Parsed documents kept by the content of their file: a base that many overlays share, and the files of a unit of which one has changed, are parsed once.
//!
//! Values are several times as large as their text, so only the files that were used last are kept. Two shelves do for that: what is used moves to the young one,
//! and when that is full it becomes the old one, and what the old one still held is forgotten.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apimachinery::Digest;

use crate::yaml::{Limits, Loader, Node, Profile, YamlError};

/// Bytes of text whose documents one shelf holds.
const SHELF_BYTES: usize = 1 << 20;

/// The content of a file, and how it was read.
type Key = (Digest, Profile, Limits);

/// Documents of the files that were read last. Sharing it is only ever a matter of cost.
#[derive(Default)]
pub(crate) struct Documents(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    young: HashMap<Key, Kept>,
    young_bytes: usize,
    old: HashMap<Key, Kept>,
}

#[derive(Clone)]
struct Kept {
    nodes: Arc<[Node]>,
    bytes: usize,
}

/// Documents may be Secrets.
impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").finish_non_exhaustive()
    }
}

impl Documents {
    /// The documents of a file. Those that have to be parsed are counted.
    pub(crate) fn load(
        &self,
        loader: Loader,
        (file, bytes): (&str, &[u8]),
        parsed: &Cell<u64>,
    ) -> Result<Vec<Node>, YamlError> {
        let key = (Digest::of(bytes), loader.profile, loader.limits);
        // Not in the condition: values are copied without the lock.
        let found = self.shelves().find(&key);
        if let Some(kept) = found {
            return Ok(kept.nodes.to_vec());
        }
        let nodes = loader.load(file, bytes)?;
        parsed.set(parsed.get() + nodes.len() as u64);
        if bytes.len() <= SHELF_BYTES {
            let kept = Kept { nodes: nodes.as_slice().into(), bytes: bytes.len() };
            self.shelves().keep(key, kept);
        }
        Ok(nodes)
    }

    /// Entries are replaced whole, so a panic elsewhere leaves no half of one.
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn find(&mut self, key: &Key) -> Option<Kept> {
        if let Some(kept) = self.young.get(key) {
            return Some(kept.clone());
        }
        let kept = self.old.remove(key)?;
        self.keep(*key, kept.clone());
        Some(kept)
    }

    fn keep(&mut self, key: Key, kept: Kept) {
        if self.young_bytes + kept.bytes > SHELF_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += kept.bytes;
        self.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file and tells how many of its documents were parsed.
    fn parsed(documents: &Documents, text: &str) -> u64 {
        let count = Cell::new(0);
        let read = documents.load(Loader::new(Profile::Kubectl), ("f.yaml", text.as_bytes()), &count);
        assert_eq!(read, Loader::new(Profile::Kubectl).load("f.yaml", text.as_bytes()));
        count.get()
    }

    #[test]
    fn the_same_content_is_parsed_once_per_way_of_reading() {
        let documents = Documents::default();
        assert_eq!(
            [parsed(&documents, "a: 1\n---\nb: yes"), parsed(&documents, "a: 1\n---\nb: yes")],
            [2, 0]
        );
        let count = Cell::new(0);
        let loader = Loader::new(Profile::Kustomize);
        documents.load(loader, ("g.yaml", b"a: 1\n---\nb: yes"), &count).unwrap();
        assert_eq!(count.get(), 2, "kustomize reads `yes` differently");
    }

    #[test]
    fn what_was_used_last_stays_and_what_was_used_long_ago_goes() {
        let documents = Documents::default();
        let half = |name: &str| format!("{name}: {}", "x".repeat(SHELF_BYTES / 2));
        assert_eq!(parsed(&documents, "used: often"), 1);
        assert_eq!(parsed(&documents, "used: once"), 1);
        for name in ["a", "b", "c", "d", "e"] {
            assert_eq!(parsed(&documents, &half(name)), 1);
            assert_eq!(parsed(&documents, "used: often"), 0);
        }
        assert_eq!(parsed(&documents, "used: once"), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_each_time_and_names_itself() {
        let documents = Documents::default();
        for file in ["a.yaml", "b.yaml"] {
            let read = documents.load(Loader::new(Profile::Kubectl), (file, b"a: ["), &Cell::new(0));
            assert_eq!(read.unwrap_err().file, file);
        }
    }
}
