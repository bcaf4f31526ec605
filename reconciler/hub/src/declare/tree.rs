//! A commit as a tree to render from. Paths and bytes pass through; nothing is written to a disk.

use std::sync::Arc;

use git::BlobId as GitBlob;
use render::{BlobId, Changes, Entry, RepoPath, Tree, TreeError};

/// The files of one commit.
#[derive(Clone, Debug)]
pub struct GitTree(git::Tree);

impl GitTree {
    /// Wraps the tree of a commit.
    pub fn new(tree: git::Tree) -> Self {
        Self(tree)
    }

    /// How this differs from an earlier tree of the same repository; `None` where that cannot be told, for instance because the earlier one is gone from it.
    pub fn changes_since(&self, before: &Self) -> Option<Changes> {
        let mut changes = Changes::new();
        for (path, difference) in self.0.differences(&before.0).ok()? {
            let path = RepoPath::parse(&path).ok()?;
            match difference {
                git::Difference::Content => changes.content(path),
                git::Difference::Existence => changes.existence(path),
            }
        }
        Some(changes)
    }

    fn entry_of(&self, path: &RepoPath, entry: &git::Entry) -> Result<Entry, TreeError> {
        Ok(match entry {
            git::Entry::Directory => Entry::Directory,
            git::Entry::Submodule => Entry::Other,
            git::Entry::File { blob } => {
                let size = self.0.size(*blob).map_err(|error| failed(path, &error))?;
                Entry::File { blob: Some(BlobId::new(&blob.to_string())), size }
            }
            git::Entry::Symlink { blob } => {
                let target = self.bytes(path, *blob)?;
                // A target that is not UTF-8 names nothing that a manifest could name.
                Entry::Symlink { target: String::from_utf8_lossy(&target).into_owned() }
            }
        })
    }

    fn bytes(&self, path: &RepoPath, blob: GitBlob) -> Result<Arc<[u8]>, TreeError> {
        self.0.read(blob).map_err(|error| failed(path, &error))
    }
}

impl Tree for GitTree {
    fn entry(&self, path: &RepoPath) -> Result<Option<Entry>, TreeError> {
        let found = self.0.entry(path.as_str()).map_err(|error| failed(path, &error))?;
        found.map(|entry| self.entry_of(path, &entry)).transpose()
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match self.0.entry(path.as_str()).map_err(|error| failed(path, &error))? {
            Some(git::Entry::File { blob }) => self.bytes(path, blob),
            Some(_) => Err(TreeError::NotAFile { path: path.clone() }),
            None => Err(TreeError::Missing { path: path.clone() }),
        }
    }

    fn list(&self, dir: &RepoPath) -> Result<Vec<(String, Entry)>, TreeError> {
        let entries = self.0.list(dir.as_str()).map_err(|error| failed(dir, &error))?;
        entries
            .into_iter()
            .map(|(name, entry)| Ok((name.clone(), self.entry_of(&dir.child(&name), &entry)?)))
            .collect()
    }
}

fn failed(path: &RepoPath, error: &git::GitError) -> TreeError {
    TreeError::Store { path: path.clone(), source: runtime::drive::chain(error).into() }
}
