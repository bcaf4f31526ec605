//! Which repository, and where its data is kept.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use git::{Repository, Url, newcomer};

use crate::repository;

/// A repository.
#[derive(Clone, Debug)]
pub(super) enum Repo {
    /// On this machine.
    Local(PathBuf),
    /// Elsewhere.
    Remote(Url),
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(url) => url.fmt(f),
        }
    }
}

/// A repository and its data directory.
pub(super) struct Place {
    /// The repository that is synced.
    pub(super) repository: Repo,
    /// The branch that is checked out; of a repository elsewhere nobody knows yet.
    pub(super) checked_out: Option<String>,
    /// Everything else.
    pub(super) data_dir: PathBuf,
    /// The directory that was imported, if it was no repository.
    pub(super) imported_from: Option<PathBuf>,
    /// Files that are not committed.
    pub(super) uncommitted: usize,
}

/// Finds or makes the repository.
pub(super) fn find(repo: &str, data_dir: Option<&Path>, now_s: i64) -> anyhow::Result<Place> {
    if is_url(repo) { elsewhere(repo, data_dir) } else { here(Path::new(repo), data_dir, now_s) }
}

/// What has a scheme, or a host before its path as `git clone` takes it, unless such a file is there.
fn is_url(text: &str) -> bool {
    let host = text.split_once(':').map(|(before, _)| before);
    text.contains("://")
        || (host.is_some_and(|host| host.contains('@') && !host.contains('/')) && !Path::new(text).exists())
}

fn elsewhere(text: &str, data_dir: Option<&Path>) -> anyhow::Result<Place> {
    // The text may hold a password, so no message repeats it.
    let url = Url::parse(text).context("this repository cannot be used")?;
    let key = repository::data_dir_of(url.as_str().trim_end_matches(".git").as_ref(), url.as_str().as_ref());
    let data_dir = make(data_dir, key)?;
    Ok(Place {
        repository: Repo::Remote(url),
        checked_out: None,
        data_dir,
        imported_from: None,
        uncommitted: 0,
    })
}

fn here(path: &Path, data_dir: Option<&Path>, now_s: i64) -> anyhow::Result<Place> {
    let path = path.canonicalize().with_context(|| format!("{} is not there", path.display()))?;
    anyhow::ensure!(path.is_dir(), "{} is not a directory", path.display());
    let data_dir = make(data_dir, repository::data_dir(&path))?;
    let is_root =
        path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir());
    let (repository, imported_from) = if is_root {
        (Repository::open(&path)?, None)
    } else {
        (newcomer::import(&path, &data_dir.join("repository"), now_s)?, Some(path))
    };
    let checked_out = Some(repository.head_branch()?);
    let uncommitted = newcomer::uncommitted_files(&repository).unwrap_or(0);
    let repository = Repo::Local(repository.path().to_owned());
    Ok(Place { repository, checked_out, data_dir, imported_from, uncommitted })
}

/// The data directory that was asked for, or the usual one.
fn make(asked: Option<&Path>, usual: anyhow::Result<PathBuf>) -> anyhow::Result<PathBuf> {
    let data_dir = asked.map_or(usual, |directory| Ok(std::path::absolute(directory)?))?;
    std::fs::create_dir_all(&data_dir).with_context(|| {
        format!("cannot create the data directory {}; name another with --data-dir", data_dir.display())
    })?;
    Ok(data_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_directories() {
        for url in ["https://h/a", "ssh://git@h/a", "git@h:a/b.git", "file:///a", "http://h/a"] {
            assert!(is_url(url), "{url}");
        }
        for path in [".", "a/b", "/srv/a", "a:b", "./x@y:z", "../a"] {
            assert!(!is_url(path), "{path}");
        }
    }

    #[test]
    fn atk_34_a_url_with_a_password_is_refused_and_not_repeated() {
        for text in ["https://ann:canary@h/a", "https://canary@h/a", "canary@h:a", "ssh://git:canary@h/a"] {
            let Err(error) = find(text, None, 0) else { panic!("{text} is refused") };
            assert!(!format!("{error:#} {error:?}").contains("canary"), "{error:#}");
        }
    }
}
