//! What `up` does for somebody who has no repository yet, or uncommitted changes.

use std::path::Path;

use git2::{IndexAddOption, Signature, StatusOptions, Time};

use crate::{CommitId, GitError, Repository};

/// Makes `destination` a repository whose work tree is a copy of `source` and commits it on branch `main`. Hidden directories named `.git` are left out.
///
/// # Errors
/// When files cannot be read or written. An existing repository at `destination` is opened and left as it is.
pub fn import(source: &Path, destination: &Path, time_s: i64) -> Result<Repository, GitError> {
    if destination.join(".git").exists() {
        return Repository::open(destination);
    }
    let failed = |source| GitError::Io { action: "create", path: destination.display().to_string(), source };
    std::fs::create_dir_all(destination).map_err(failed)?;
    // The copy may lie inside what is copied, as a home directory holds its data directories; it is no part of it.
    let itself = destination.canonicalize().map_err(failed)?;
    copy(source, destination, &itself)?;
    let mut options = git2::RepositoryInitOptions::new();
    options.initial_head("main").no_reinit(true);
    let failed = |source: git2::Error| GitError::Other {
        action: "create",
        repository: destination.display().to_string(),
        source: source.into(),
    };
    let git = git2::Repository::init_opts(destination, &options).map_err(failed)?;
    commit_all(&git, time_s).map_err(failed)?;
    Ok(Repository::wrap(git, destination))
}

fn commit_all(git: &git2::Repository, time_s: i64) -> Result<CommitId, git2::Error> {
    let mut index = git.index()?;
    index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = git.find_tree(index.write_tree()?)?;
    let author = Signature::new("gitstellar", "gitstellar@localhost", &Time::new(time_s, 0))?;
    Ok(git.commit(Some("HEAD"), &author, &author, "Import\n", &tree, &[])?.into())
}

fn copy(from: &Path, to: &Path, without: &Path) -> Result<(), GitError> {
    let failed = |action, path: &Path| {
        let path = path.display().to_string();
        move |source| GitError::Io { action, path, source }
    };
    std::fs::create_dir_all(to).map_err(failed("create", to))?;
    for entry in std::fs::read_dir(from).map_err(failed("read", from))? {
        let entry = entry.map_err(failed("read", from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed("read", &path))?;
        if entry.file_name() == ".git" || path.canonicalize().is_ok_and(|path| path == without) {
            continue;
        }
        if kind.is_dir() {
            copy(&path, &target, without)?;
        } else if kind.is_symlink() {
            let link = std::fs::read_link(&path).map_err(failed("read", &path))?;
            std::os::unix::fs::symlink(link, &target).map_err(failed("create", &target))?;
        } else if kind.is_file() {
            std::fs::copy(&path, &target).map_err(failed("copy", &path))?;
        }
    }
    Ok(())
}

/// How many files of the work tree differ from HEAD or are untracked; 0 for a bare repository.
///
/// # Errors
/// When the work tree cannot be read.
pub fn uncommitted_files(repository: &Repository) -> Result<usize, GitError> {
    let git = repository.lock();
    if git.is_bare() {
        return Ok(0);
    }
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        .exclude_submodules(true);
    let count = git.statuses(Some(&mut options)).map_err(repository.failed("read the work tree of"))?.len();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_the_copy_is_copied_without_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("a.yaml"), "a: 1\n").unwrap();
        let destination = place.path().join("data/copy");
        let repository = import(place.path(), &destination, 0).unwrap();
        let files = repository.files_of(repository.branch_tip("main").unwrap()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.yaml"]);
    }

    #[test]
    fn a_plain_directory_becomes_a_repository_and_later_edits_are_counted() {
        let place = tempfile::tempdir().unwrap();
        let (source, destination) = (place.path().join("plain"), place.path().join("imported"));
        std::fs::create_dir_all(source.join("apps")).unwrap();
        std::fs::write(source.join("apps/a.yaml"), "a: 1\n").unwrap();
        let repository = import(&source, &destination, 0).unwrap();
        assert_eq!(repository.head_branch().unwrap(), "main");
        assert_eq!(uncommitted_files(&repository).unwrap(), 0);
        std::fs::write(destination.join("apps/b.yaml"), "b: 1\n").unwrap();
        assert_eq!(uncommitted_files(&repository).unwrap(), 1);
        let tree = repository.tree(repository.branch_tip("main").unwrap()).unwrap();
        assert_eq!(tree.list("apps").unwrap().len(), 1);
        assert!(repository.is_checked_out("main").unwrap());
    }
}
