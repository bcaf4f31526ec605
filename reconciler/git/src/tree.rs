//! Files of one commit, read from the object database.

use std::sync::Arc;

use git2::{FileMode, ObjectType, Oid};

use crate::differences::{self, Difference};
use crate::{BlobId, CommitId, GitError, Repository};

/// Bytes of the largest file that is read.
pub const LARGEST_FILE_BYTES: u64 = 32 << 20;
/// Entries of the largest directory that is read.
pub const LARGEST_DIRECTORY_ENTRIES: usize = 100_000;

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A file.
    File {
        /// Its content.
        blob: BlobId,
    },
    /// A directory.
    Directory,
    /// A symbolic link; its content is the target.
    Symlink {
        /// Its content.
        blob: BlobId,
    },
    /// A commit of another repository; never followed.
    Submodule,
}

/// Files of one commit. Paths are '/'-separated and relative, without `.` and `..`; the empty path is the root.
#[derive(Clone, Debug)]
pub struct Tree {
    repository: Repository,
    commit: CommitId,
    root: Oid,
}

impl Tree {
    pub(crate) fn new(repository: Repository, commit: CommitId, root: Oid) -> Self {
        Self { repository, commit, root }
    }

    /// The commit.
    pub fn commit(&self) -> CommitId {
        self.commit
    }

    /// What stands at a path, `None` where nothing does. Links on the way are not followed.
    ///
    /// # Errors
    /// When the object database cannot be read.
    pub fn entry(&self, path: &str) -> Result<Option<Entry>, GitError> {
        if path.is_empty() {
            return Ok(Some(Entry::Directory));
        }
        let git = self.repository.lock();
        let root = git.find_tree(self.root).map_err(self.repository.failed("read a tree of"))?;
        match root.get_path(std::path::Path::new(path)) {
            Ok(entry) => Ok(Some(classify(entry.kind(), entry.filemode(), entry.id()))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.repository.failed("read a tree of")(error)),
        }
    }

    /// The id of a directory's tree: equal ids, equal content.
    ///
    /// # Errors
    /// When the object database cannot be read.
    pub fn directory_id(&self, path: &str) -> Result<Option<String>, GitError> {
        if path.is_empty() {
            return Ok(Some(self.root.to_string()));
        }
        let git = self.repository.lock();
        let root = git.find_tree(self.root).map_err(self.repository.failed("read a tree of"))?;
        Ok(root.get_path(std::path::Path::new(path)).ok().map(|entry| entry.id().to_string()))
    }

    /// Paths of files, links and submodules that differ from those of an earlier tree of the same repository. What both share is not looked at, so the cost is
    /// that of the change.
    ///
    /// # Errors
    /// When the object database cannot be read, for instance because the earlier commit is no longer in it, or when the paths are too many.
    pub fn differences(&self, before: &Self) -> Result<Vec<(String, Difference)>, GitError> {
        differences::between(&self.repository, (before.root, self.root))
    }

    /// Name and entry of everything in a directory, sorted by name; empty where there is no such directory.
    ///
    /// # Errors
    /// When the object database cannot be read, or the directory has more than [`LARGEST_DIRECTORY_ENTRIES`].
    pub fn list(&self, path: &str) -> Result<Vec<(String, Entry)>, GitError> {
        let git = self.repository.lock();
        let failed = self.repository.failed("read a tree of");
        let root = git.find_tree(self.root).map_err(&failed)?;
        let tree = if path.is_empty() {
            root
        } else {
            let Ok(entry) = root.get_path(std::path::Path::new(path)) else { return Ok(Vec::new()) };
            let Ok(tree) = git.find_tree(entry.id()) else { return Ok(Vec::new()) };
            tree
        };
        if tree.len() > LARGEST_DIRECTORY_ENTRIES {
            return Err(self.too_large(format!("the directory {path:?}"), LARGEST_DIRECTORY_ENTRIES as u64));
        }
        let named = tree.iter().filter_map(|entry| {
            // A name that is not UTF-8 cannot be written in any manifest, so nothing can refer to it.
            let name = entry.name().ok().filter(|name| !is_forbidden(name))?.to_owned();
            Some((name, classify(entry.kind(), entry.filemode(), entry.id())))
        });
        let mut entries: Vec<_> = named.collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    /// Bytes of a file or link, from the object's header.
    ///
    /// # Errors
    /// When it is not in the object database.
    pub fn size(&self, blob: BlobId) -> Result<u64, GitError> {
        let git = self.repository.lock();
        let failed = self.repository.failed("read a file of");
        let (size, _) = git.odb().map_err(&failed)?.read_header(blob.oid()).map_err(&failed)?;
        Ok(size as u64)
    }

    /// The content of a file or link.
    ///
    /// # Errors
    /// When it is not in the object database, or larger than [`LARGEST_FILE_BYTES`].
    pub fn read(&self, blob: BlobId) -> Result<Arc<[u8]>, GitError> {
        let git = self.repository.lock();
        let failed = self.repository.failed("read a file of");
        let odb = git.odb().map_err(&failed)?;
        let (size, _) = odb.read_header(blob.oid()).map_err(&failed)?;
        if size as u64 > LARGEST_FILE_BYTES {
            return Err(self.too_large(format!("the file with blob {blob}"), LARGEST_FILE_BYTES));
        }
        let object = odb.read(blob.oid()).map_err(&failed)?;
        Ok(object.data().into())
    }

    fn too_large(&self, what: String, limit: u64) -> GitError {
        GitError::TooLarge { what, repository: self.repository.path().display().to_string(), limit }
    }
}

/// Names that no git client checks out, and that whoever writes files by their names must never see: they are not listed. libgit2 reads trees that hold them.
fn is_forbidden(name: &str) -> bool {
    matches!(name, "" | "." | "..") || name.contains(['/', '\0']) || name.eq_ignore_ascii_case(".git")
}

fn classify(kind: Option<ObjectType>, mode: i32, id: Oid) -> Entry {
    match kind {
        Some(ObjectType::Tree) => Entry::Directory,
        Some(ObjectType::Commit) => Entry::Submodule,
        _ if mode == i32::from(FileMode::Link) => Entry::Symlink { blob: id.into() },
        _ => Entry::File { blob: id.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit of one tree whose entries have these names, right or not.
    fn tree_of(directory: &std::path::Path, names: &[&[u8]]) -> Tree {
        let repository = Repository::open_or_create_bare(directory).unwrap();
        let git = repository.lock();
        let blob = git.blob(b"a: 1\n").unwrap();
        let mut bytes = Vec::new();
        for name in names {
            bytes.extend_from_slice(b"100644 ");
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(blob.as_bytes());
        }
        let tree = git.odb().unwrap().write(ObjectType::Tree, &bytes).unwrap();
        let text = format!("tree {tree}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
        let commit = git.odb().unwrap().write(ObjectType::Commit, text.as_bytes()).unwrap();
        drop(git);
        let commit = repository.resolve(&commit.to_string()).unwrap();
        repository.tree(commit).unwrap()
    }

    #[test]
    fn atk_07_names_that_lead_out_or_into_a_git_directory_are_not_listed() {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree_of(
            directory.path(),
            &[b"..", b".git", b".GIT", b"A.yaml", b"\xff.yaml", b"a.yaml", b"git~1"],
        );
        let names: Vec<String> = tree.list("").unwrap().into_iter().map(|(name, _)| name).collect();
        // A short name of another file system is a name like others: nothing here is ever written to one.
        assert_eq!(names, ["A.yaml", "a.yaml", "git~1"]);
        for name in ["a/b", "a\0b", ".", "..", "", ".gIt"] {
            assert!(is_forbidden(name), "{name:?}");
        }
        for name in [".gitignore", "a\\b", "...", "x.", "git"] {
            assert!(!is_forbidden(name), "{name:?}");
        }
    }
}
