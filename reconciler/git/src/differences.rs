//! How two trees differ. libgit2's own comparison walks every directory of both; here what both share is not opened.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use crate::{GitError, Repository};

/// Paths that one comparison names. More of them only make sense in a tree that was built to be endless.
const MOST_PATHS: usize = 500_000;

/// Bits of a mode that tell a file, a link and a submodule apart; the others are permissions.
const TYPE_BITS: i32 = 0o170_000;

/// How a path differs between two commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Difference {
    /// A file, link or submodule that is in both, with other content or mode.
    Content,
    /// It is in one of them only, or is something else in each.
    Existence,
}

/// Something in a directory: its id and its mode.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Item {
    id: Oid,
    mode: i32,
    is_directory: bool,
}

/// Directories at one path, before and now, that are still to be compared.
struct Open {
    path: String,
    before: Option<Oid>,
    now: Option<Oid>,
}

/// Files, links and submodules that differ between two trees. A name that is not UTF-8 is never read, so its change changes nothing.
pub(crate) fn between(
    repository: &Repository,
    (before, now): (Oid, Oid),
) -> Result<Vec<(String, Difference)>, GitError> {
    let git = repository.lock();
    let mut differences = Vec::new();
    let mut open = vec![Open { path: String::new(), before: Some(before), now: Some(now) }];
    while let Some(Open { path, before, now }) = open.pop() {
        if before == now {
            continue;
        }
        if differences.len() + open.len() > MOST_PATHS {
            return Err(GitError::TooLarge {
                what: "the number of paths that differ between two commits".to_owned(),
                repository: repository.path().display().to_string(),
                limit: MOST_PATHS as u64,
            });
        }
        let list = |id: Option<Oid>| id.map_or(Ok(BTreeMap::new()), |id| items(&git, id));
        let failed = repository.failed("compare trees of");
        let (mut before, now) = (list(before).map_err(&failed)?, list(now).map_err(&failed)?);
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let mut compare = |name: &str, before: Option<Item>, now: Option<Item>| {
            if before == now {
                return;
            }
            let directory = |item: Option<Item>| item.filter(|item| item.is_directory).map(|item| item.id);
            let (file_before, file_now) =
                (before.filter(|item| !item.is_directory), now.filter(|item| !item.is_directory));
            let path = below(name);
            match (file_before, file_now) {
                (None, None) => {}
                (Some(a), Some(b)) if a.mode & TYPE_BITS == b.mode & TYPE_BITS => {
                    differences.push((path.clone(), Difference::Content));
                }
                _ => differences.push((path.clone(), Difference::Existence)),
            }
            let (before, now) = (directory(before), directory(now));
            if before.is_some() || now.is_some() {
                open.push(Open { path, before, now });
            }
        };
        for (name, item) in now {
            compare(&name, before.remove(&name), Some(item));
        }
        for (name, item) in before {
            compare(&name, Some(item), None);
        }
    }
    differences.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(differences)
}

fn items(git: &git2::Repository, id: Oid) -> Result<BTreeMap<String, Item>, git2::Error> {
    let tree = git.find_tree(id)?;
    let named = tree.iter().filter_map(|entry| {
        let is_directory = entry.kind() == Some(ObjectType::Tree);
        Some((entry.name().ok()?.to_owned(), Item { id: entry.id(), mode: entry.filemode(), is_directory }))
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use git2::{Delta, DiffOptions, FileMode};
    use proptest::prelude::*;

    use super::*;

    /// A file by its path: its content, and its mode.
    type Files = BTreeMap<String, (u8, i32)>;

    /// Writes a tree of files; where a file and a directory have one name, the directory stands.
    fn write(git: &git2::Repository, files: &Files) -> Oid {
        let mut builder = git.treebuilder(None).unwrap();
        let mut below: BTreeMap<&str, Files> = BTreeMap::new();
        for (path, file) in files {
            match path.split_once('/') {
                Some((top, rest)) => {
                    below.entry(top).or_default().insert(rest.to_owned(), *file);
                }
                None => {
                    let blob = git.blob(&[file.0]).unwrap();
                    builder.insert(path, blob, file.1).unwrap();
                }
            }
        }
        for (name, files) in below {
            builder.insert(name, write(git, &files), FileMode::Tree.into()).unwrap();
        }
        builder.write().unwrap()
    }

    /// What libgit2 finds, walking everything.
    fn reference(git: &git2::Repository, before: Oid, now: Oid) -> Vec<(String, Difference)> {
        let (before, now) = (git.find_tree(before).unwrap(), git.find_tree(now).unwrap());
        let mut options = DiffOptions::new();
        options.include_typechange(true);
        let diff = git.diff_tree_to_tree(Some(&before), Some(&now), Some(&mut options)).unwrap();
        let named = diff.deltas().map(|delta| {
            let difference = match delta.status() {
                Delta::Modified => Difference::Content,
                _ => Difference::Existence,
            };
            let path = delta.new_file().path().or_else(|| delta.old_file().path()).unwrap();
            (path.to_str().unwrap().to_owned(), difference)
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named.dedup();
        named
    }

    fn files() -> impl Strategy<Value = Files> {
        let path = proptest::sample::select(vec![
            "a", "a/a", "a/b", "a/b/c", "a/b/d", "b", "b/a", "b/a/a/a", "c.yaml", "c/c", "d", "e/f/g/h",
        ]);
        let mode = proptest::sample::select(vec![0o100_644, 0o100_644, 0o100_755, 0o120_000]);
        proptest::collection::btree_map(path.prop_map(str::to_owned), (0_u8..3, mode), 0..10)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn they_are_those_that_libgit2_finds(before in files(), now in files()) {
            let directory = tempfile::tempdir().unwrap();
            let repository = Repository::open_or_create_bare(directory.path()).unwrap();
            let (before, now) = {
                let git = repository.lock();
                (write(&git, &before), write(&git, &now))
            };
            let expected = reference(&repository.lock(), before, now);
            prop_assert_eq!(between(&repository, (before, now)).unwrap(), expected);
        }
    }

    #[test]
    fn a_tree_that_holds_itself_over_and_over_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let (empty, bomb) = {
            let git = repository.lock();
            let mut tree = write(&git, &Files::from([("a".to_owned(), (1, 0o100_644))]));
            for _ in 0..12 {
                let mut builder = git.treebuilder(None).unwrap();
                for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                    builder.insert(name, tree, FileMode::Tree.into()).unwrap();
                }
                tree = builder.write().unwrap();
            }
            (write(&git, &Files::new()), tree)
        };
        let error = between(&repository, (empty, bomb)).unwrap_err();
        assert!(matches!(error, GitError::TooLarge { .. }), "{error}");
    }
}
