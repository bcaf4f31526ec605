//! Which repository, and where its data is kept.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use git::{Repository, newcomer};

use crate::repository;

/// A repository and its data directory.
pub(super) struct Place {
    /// The repository that is synced.
    pub(super) repository: PathBuf,
    /// The branch that is synced.
    pub(super) branch: String,
    /// Everything else.
    pub(super) data_dir: PathBuf,
    /// The directory that was imported, if it was no repository.
    pub(super) imported_from: Option<PathBuf>,
    /// Files that are not committed.
    pub(super) uncommitted: usize,
}

/// Finds or makes the repository.
pub(super) fn find(path: &Path, data_dir: Option<&Path>, now_s: i64) -> anyhow::Result<Place> {
    let path = path.canonicalize().with_context(|| format!("{} is not there", path.display()))?;
    anyhow::ensure!(path.is_dir(), "{} is not a directory", path.display());
    let data_dir = match data_dir {
        Some(directory) => std::path::absolute(directory)?,
        None => repository::data_dir(&path)?,
    };
    std::fs::create_dir_all(&data_dir).with_context(|| {
        format!("cannot create the data directory {}; name another with --data-dir", data_dir.display())
    })?;
    let is_root =
        path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir());
    let (repository, imported_from) = if is_root {
        (Repository::open(&path)?, None)
    } else {
        (newcomer::import(&path, &data_dir.join("repository"), now_s)?, Some(path))
    };
    let branch = repository.head_branch()?;
    let uncommitted = newcomer::uncommitted_files(&repository).unwrap_or(0);
    Ok(Place { repository: repository.path().to_owned(), branch, data_dir, imported_from, uncommitted })
}
