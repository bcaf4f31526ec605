//! Wake-ups from local repositories: their refs are files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use runtime::Wake;

use super::SourceSpec;
use super::observe::Location;

/// The watcher of a local repository.
pub(super) struct Watches {
    wake: Wake,
    by_directory: Mutex<BTreeMap<PathBuf, Option<RecommendedWatcher>>>,
}

impl Watches {
    pub(super) fn new(wake: Wake) -> Self {
        Self { wake, by_directory: Mutex::default() }
    }

    /// Watches the refs of a local source; once more is a no-op. Where watching is impossible, polling remains.
    pub(super) fn follow(&self, spec: &SourceSpec) {
        let Ok(Location::Local(path)) = &spec.location else { return };
        let mut watched = self.by_directory.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(repository) = git::Repository::open(path) else {
            // What is made there later is another directory, which the old watch does not see.
            watched.clear();
            return;
        };
        let directory = repository.git_dir();
        if watched.contains_key(&directory) {
            return;
        }
        watched.clear();
        let wake = self.wake.clone();
        let started = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Objects and locks change all the time; only refs and HEAD tell of a commit.
            let tells = event.map_or(true, |event| event.paths.iter().any(|path| !is_noise(path)));
            if tells {
                wake.wake();
            }
        })
        .and_then(|mut watcher| {
            watcher.watch(&directory, RecursiveMode::NonRecursive)?;
            watcher.watch(&directory.join("refs"), RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        let watcher = started
            .inspect_err(
                |error| tracing::warn!(path = %directory.display(), %error, "cannot watch; polling instead"),
            )
            .ok();
        watched.insert(directory, watcher);
    }
}

fn is_noise(path: &std::path::Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".lock") || matches!(name, "index" | "COMMIT_EDITMSG" | "FETCH_HEAD" | "objects" | "logs")
}
