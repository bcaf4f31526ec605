//! Commits built from files without a work tree, and refs moved by compare-and-swap.

use std::collections::BTreeMap;

use git2::{ErrorCode, FileMode, Oid, Signature, Time};

use crate::{CommitId, GitError, Repository};

/// A commit to be made. Its tree holds exactly `files`.
#[derive(Clone, Debug)]
pub struct NewCommit {
    /// '/'-separated path → content.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The parent, `None` for a first commit.
    pub parent: Option<CommitId>,
    /// Message.
    pub message: String,
    /// Author and committer: name, e-mail.
    pub author: (String, String),
    /// Seconds since the epoch, UTC.
    pub time_s: i64,
}

/// How a compare-and-swap of a ref went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Swap {
    /// The ref points to the new commit now.
    Moved,
    /// The ref was not where it was expected; nothing was written to it.
    Lost {
        /// Where it is.
        found: Option<CommitId>,
    },
}

impl Repository {
    /// Writes blobs, trees and the commit; no ref moves. `None` when the parent's tree is the same already: there is nothing to say.
    ///
    /// # Errors
    /// When the object database cannot be written.
    pub fn commit_files(&self, new: &NewCommit) -> Result<Option<CommitId>, GitError> {
        let git = self.lock();
        let failed = self.failed("write a commit to");
        let parent = new.parent.map(|id| git.find_commit(id.oid())).transpose().map_err(&failed)?;
        let tree = write_tree(&git, &new.files).map_err(&failed)?;
        if parent.as_ref().is_some_and(|parent| parent.tree_id() == tree) {
            return Ok(None);
        }
        let tree = git.find_tree(tree).map_err(&failed)?;
        let (name, email) = &new.author;
        let author = Signature::new(name, email, &Time::new(new.time_s, 0)).map_err(&failed)?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let commit = git.commit(None, &author, &author, &new.message, &tree, &parents).map_err(&failed)?;
        Ok(Some(commit.into()))
    }

    /// Moves a ref from `expected` (`None`: it must not exist) to `to`.
    ///
    /// # Errors
    /// When the ref cannot be written; a ref that is elsewhere is no error but [`Swap::Lost`].
    pub fn swap_ref(
        &self,
        full_name: &str,
        expected: Option<CommitId>,
        to: CommitId,
    ) -> Result<Swap, GitError> {
        match self.try_swap(full_name, expected, to) {
            Ok(()) => Ok(Swap::Moved),
            Err(error)
                if matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound) =>
            {
                Ok(Swap::Lost { found: self.find_ref(full_name)? })
            }
            Err(error) => Err(self.failed("move a ref of")(error)),
        }
    }

    /// Moves a ref wherever it was; creates it where it is missing.
    pub(crate) fn force_ref(&self, full_name: &str, to: CommitId) -> Result<(), GitError> {
        let git = self.lock();
        git.reference(full_name, to.oid(), true, "gitstellar: fetch")
            .map_err(self.failed("move a ref of"))?;
        Ok(())
    }

    /// Removes a ref, if it is there.
    pub(crate) fn forget_ref(&self, full_name: &str) -> Result<(), GitError> {
        let git = self.lock();
        match git.find_reference(full_name).and_then(|mut reference| reference.delete()) {
            Err(error) if error.code() != ErrorCode::NotFound => Err(self.failed("remove a ref of")(error)),
            _ => Ok(()),
        }
    }

    fn try_swap(&self, full_name: &str, expected: Option<CommitId>, to: CommitId) -> Result<(), git2::Error> {
        let git = self.lock();
        let why = "gitstellar: status";
        match expected {
            Some(expected) => git.reference_matching(full_name, to.oid(), true, expected.oid(), why)?,
            None => git.reference(full_name, to.oid(), false, why)?,
        };
        Ok(())
    }
}

/// Writes the trees of a set of paths, depth first: `files` is sorted, so all paths below one directory stand together.
fn write_tree(git: &git2::Repository, files: &BTreeMap<String, Vec<u8>>) -> Result<Oid, git2::Error> {
    let mut children: BTreeMap<&str, Vec<(&str, &[u8])>> = BTreeMap::new();
    let mut root = git.treebuilder(None)?;
    for (path, content) in files {
        match path.split_once('/') {
            Some((directory, rest)) => children.entry(directory).or_default().push((rest, content)),
            None => {
                root.insert(path, git.blob(content)?, FileMode::Blob.into())?;
            }
        }
    }
    for (directory, files) in children {
        let files = files.into_iter().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
        root.insert(directory, write_tree(git, &files)?, FileMode::Tree.into())?;
    }
    root.write()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(repository: &Repository, parent: Option<CommitId>, files: &[(&str, &str)]) -> Option<CommitId> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let author = ("a".to_owned(), "a@example.com".to_owned());
        let new = NewCommit {
            files,
            parent,
            message: "m\n\nGitstellar-Approve: abc\n".to_owned(),
            author,
            time_s: 1,
        };
        repository.commit_files(&new).unwrap()
    }

    #[test]
    fn a_commit_is_made_without_a_work_tree_and_only_when_something_changed() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let first = commit(&repository, None, &[("README.md", "hi"), ("units/a.json", "{}")]).unwrap();
        assert_eq!(commit(&repository, Some(first), &[("README.md", "hi"), ("units/a.json", "{}")]), None);
        let tree = repository.tree(first).unwrap();
        let names: Vec<String> = tree.list("units").unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.json"]);
        assert_eq!(repository.trailers(first, "gitstellar-approve").unwrap(), ["abc"]);
    }

    #[test]
    fn a_ref_moves_only_from_where_it_is_expected() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let first = commit(&repository, None, &[("a", "1")]).unwrap();
        let second = commit(&repository, Some(first), &[("a", "2")]).unwrap();
        let name = "refs/heads/gitstellar/status";
        assert_eq!(repository.swap_ref(name, None, first).unwrap(), Swap::Moved);
        assert_eq!(repository.swap_ref(name, None, second).unwrap(), Swap::Lost { found: Some(first) });
        assert_eq!(
            repository.swap_ref(name, Some(second), first).unwrap(),
            Swap::Lost { found: Some(first) }
        );
        assert_eq!(repository.swap_ref(name, Some(first), second).unwrap(), Swap::Moved);
        assert!(repository.is_ancestor(first, second).unwrap());
        assert!(!repository.is_ancestor(second, first).unwrap());
    }
}
