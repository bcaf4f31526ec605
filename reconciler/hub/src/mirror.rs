//! Mirrors of remotes on the disk. Everything in them can be fetched again, so one that is damaged is made anew.

use std::path::{Path, PathBuf};

use apimachinery::Digest;
use git::{GitError, Repository};
use plan::SourceName;

use crate::world::World;

/// Where the mirror of a source is kept.
pub(crate) fn path_of(world: &World, source: &SourceName) -> PathBuf {
    world.settings.mirrors.join(Digest::of(source.as_str().as_bytes()).short(16))
}

/// Opens a mirror, or makes it. One that is no repository any more is made anew.
pub(crate) fn open(path: &Path) -> Result<Repository, GitError> {
    match Repository::open_or_create_bare(path) {
        Err(GitError::NotARepository { .. }) => {
            discard(path)?;
            Repository::open_or_create_bare(path)
        }
        opened => opened,
    }
}

/// Fetches something into a mirror; into a new one when the mirror turns out to be damaged.
pub(crate) fn fetch<T>(
    path: &Path,
    fetch: impl Fn(&Repository) -> Result<T, GitError>,
) -> Result<(Repository, T), GitError> {
    let attempt = || -> Result<_, GitError> {
        let repository = open(path)?;
        let fetched = fetch(&repository)?;
        Ok((repository, fetched))
    };
    match attempt() {
        Err(error) if error.is_damage() => {
            discard(path)?;
            attempt()
        }
        other => other,
    }
}

fn discard(path: &Path) -> Result<(), GitError> {
    tracing::warn!(mirror = %path.display(), "the mirror of a remote is damaged; it is made anew");
    let failed = |source| GitError::Io { action: "remove", path: path.display().to_string(), source };
    std::fs::remove_dir_all(path).map_err(failed)
}
