//! A directory of the local file system as a tree: the only I/O in this room.
//!
//! Links are reported, never followed, by this file. As a second line of defence against a link that appears between the
//! look and the read, every path is made canonical and must still lie below the root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tree::{Entry, RepoPath, Tree, TreeError};

/// A directory of the local file system as a tree.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Opens `root`, which must exist.
    pub fn open(root: &Path) -> Result<Self, TreeError> {
        let root = fs::canonicalize(root).map_err(|source| store(&RepoPath::root(), source))?;
        if !root.is_dir() {
            return Err(TreeError::NotADirectory { path: RepoPath::root() });
        }
        Ok(Directory { root })
    }

    fn jailed(&self, path: &RepoPath) -> Result<PathBuf, TreeError> {
        let full = self.root.join(path.as_str());
        let real = fs::canonicalize(&full).map_err(|source| store(path, source))?;
        if real.starts_with(&self.root) { Ok(real) } else { Err(TreeError::Escapes { path: path.clone() }) }
    }
}

impl Tree for Directory {
    fn entry(&self, path: &RepoPath) -> Result<Option<Entry>, TreeError> {
        let full = self.root.join(path.as_str());
        match fs::symlink_metadata(&full) {
            Ok(meta) => entry_of(&full, &meta).map(Some).map_err(|source| store(path, source)),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(store(path, source)),
        }
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        let bytes = fs::read(self.jailed(path)?).map_err(|source| store(path, source))?;
        Ok(Arc::from(bytes))
    }

    fn list(&self, dir: &RepoPath) -> Result<Vec<(String, Entry)>, TreeError> {
        let mut entries = Vec::new();
        for item in fs::read_dir(self.jailed(dir)?).map_err(|source| store(dir, source))? {
            let item = item.map_err(|source| store(dir, source))?;
            // A name that is not text cannot be written in any file that refers to it.
            let Ok(name) = item.file_name().into_string() else { continue };
            let meta = item.metadata().map_err(|source| store(&dir.child(&name), source))?;
            let entry = entry_of(&item.path(), &meta).map_err(|source| store(&dir.child(&name), source))?;
            entries.push((name, entry));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }
}

fn entry_of(full: &Path, meta: &fs::Metadata) -> io::Result<Entry> {
    let kind = meta.file_type();
    Ok(if kind.is_symlink() {
        Entry::Symlink { target: fs::read_link(full)?.to_string_lossy().into_owned() }
    } else if kind.is_dir() {
        Entry::Directory
    } else if kind.is_file() {
        Entry::File { blob: None, size: meta.len() }
    } else {
        Entry::Other
    })
}

fn store(path: &RepoPath, source: io::Error) -> TreeError {
    TreeError::Store { path: path.clone(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Files, Found};

    #[test]
    fn a_directory_is_a_tree_with_a_jail() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        fs::create_dir_all(root.join("b")).unwrap();
        fs::write(root.join("b/x.yaml"), "x").unwrap();
        fs::write(root.join("a.yaml"), "a").unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", root.join("leak")).unwrap();
        let tree = Directory::open(&root).unwrap();
        let names: Vec<_> = tree.list(&RepoPath::root()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.yaml", "b", "leak"]);
        assert_eq!(&*tree.read(&RepoPath::parse("b/x.yaml").unwrap()).unwrap(), b"x");
        assert_eq!(tree.entry(&RepoPath::parse("a.yaml/no").unwrap()).unwrap(), None);
        let leak = RepoPath::parse("leak").unwrap();
        assert!(matches!(tree.read(&leak), Err(TreeError::Escapes { .. })));
        let files = Files::new(&tree, 100);
        assert!(matches!(files.find(&leak), Err(TreeError::Escapes { .. })));
        assert_eq!(files.find(&RepoPath::parse("none").unwrap()).unwrap(), Found::Nothing);
    }
}
