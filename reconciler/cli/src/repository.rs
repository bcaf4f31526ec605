//! Repositories and trees on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use apimachinery::Digest;
use apimachinery::kinds::KindTable;
use git::Repository;
use hub::declare::{Commits, Declared};

/// The root of the repository that `path` is in, or `path` itself where there is none.
pub fn root_of(path: &Path) -> anyhow::Result<PathBuf> {
    let path = path.canonicalize().with_context(|| format!("{} is not there", path.display()))?;
    let root = path.ancestors().find(|directory| directory.join(".git").exists());
    Ok(root.unwrap_or(&path).to_owned())
}

/// Opens the repository that `path` is in.
pub fn open(path: &Path) -> anyhow::Result<Repository> {
    let root = root_of(path)?;
    Repository::open(&root).with_context(|| {
        format!(
            "{} is not in a git repository; run git init there, or gitstellar up, which imports it",
            path.display()
        )
    })
}

/// What a revision declares below `path`, with the built-in kinds and those of its own CRDs. After other revisions of the repository it costs what differs.
pub fn declared_at(
    repository: &Repository,
    revision: &str,
    path: &str,
    commits: &mut Commits,
) -> anyhow::Result<(git::CommitId, Declared)> {
    let commit = repository.resolve(revision)?;
    let declared = commits
        .declare(repository.tree(commit)?, path, KindTable::built_in())
        .with_context(|| format!("revision {revision}"))?;
    Ok((commit, declared))
}

/// Where `up` keeps the data of a repository: in the user's data directory, keyed by the repository's path.
pub fn data_dir(repository: &Path) -> anyhow::Result<PathBuf> {
    data_dir_of(repository, repository.as_os_str())
}

/// The same for anything that has a name and a key.
pub fn data_dir_of(named: &Path, key: &OsStr) -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")))
        .ok_or_else(|| {
            anyhow!("neither XDG_DATA_HOME nor HOME is set; say where data goes with --data-dir")
        })?;
    let name = named.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let key = Digest::of(key.as_encoded_bytes()).short(8);
    Ok(base.join("gitstellar").join(format!("{name}-{key}")))
}

/// Where things are kept that can be fetched again.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or_else(|| anyhow!("neither XDG_CACHE_HOME nor HOME is set, and a cache has to be somewhere"))?;
    Ok(base.join("gitstellar"))
}
