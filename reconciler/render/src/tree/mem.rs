//! A tree in memory: what was unpacked, and for tests of this room and of those that use it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::Digest;

use super::{BlobId, Entry, RepoPath, Tree, TreeError};

#[derive(Debug, Clone)]
enum Held {
    File { bytes: Arc<[u8]>, blob: BlobId },
    Symlink(String),
}

/// A tree in memory. Directories exist when something lies in them.
#[derive(Debug, Clone, Default)]
pub struct MemTree {
    held: BTreeMap<RepoPath, Held>,
    directories: BTreeMap<RepoPath, BTreeSet<String>>,
}

impl MemTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of text files, given as (path, text). A path that is no repository path is left out.
    pub fn of(files: &[(&str, &str)]) -> Self {
        files.iter().fold(Self::new(), |tree, (path, text)| tree.with(path, text.as_bytes()))
    }

    /// Adds or replaces a file. A path that is no repository path is ignored.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        let blob = BlobId::new(&Digest::of(bytes).to_string());
        self.put(path, Held::File { bytes: Arc::from(bytes), blob });
        self
    }

    /// Adds or replaces a symlink. A path that is no repository path is ignored.
    #[must_use]
    pub fn with_symlink(mut self, path: &str, target: &str) -> Self {
        self.put(path, Held::Symlink(target.to_owned()));
        self
    }

    fn put(&mut self, path: &str, held: Held) {
        let Ok(path) = RepoPath::parse(path) else { return };
        self.held.insert(path.clone(), held);
        let mut below = path;
        while let Some(dir) = below.parent() {
            self.directories.entry(dir.clone()).or_default().insert(below.file_name().to_owned());
            below = dir;
        }
    }
}

impl Tree for MemTree {
    fn entry(&self, path: &RepoPath) -> Result<Option<Entry>, TreeError> {
        Ok(match self.held.get(path) {
            Some(Held::File { bytes, blob }) => {
                Some(Entry::File { blob: Some(blob.clone()), size: bytes.len() as u64 })
            }
            Some(Held::Symlink(target)) => Some(Entry::Symlink { target: target.clone() }),
            None if path.is_root() || self.directories.contains_key(path) => Some(Entry::Directory),
            None => None,
        })
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match self.held.get(path) {
            Some(Held::File { bytes, .. }) => Ok(bytes.clone()),
            Some(Held::Symlink(_)) => Err(TreeError::NotAFile { path: path.clone() }),
            None if self.directories.contains_key(path) => Err(TreeError::NotAFile { path: path.clone() }),
            None => Err(TreeError::Missing { path: path.clone() }),
        }
    }

    fn list(&self, dir: &RepoPath) -> Result<Vec<(String, Entry)>, TreeError> {
        let Some(names) = self.directories.get(dir) else {
            return if dir.is_root() {
                Ok(Vec::new())
            } else {
                Err(TreeError::NotADirectory { path: dir.clone() })
            };
        };
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            if let Some(entry) = self.entry(&dir.child(name))? {
                entries.push((name.clone(), entry));
            }
        }
        Ok(entries)
    }
}
