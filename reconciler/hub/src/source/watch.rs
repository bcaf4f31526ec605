//! Wake-ups from local repositories: their refs are files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use runtime::Wake;

use super::SourceSpec;
use super::observe::Location;

/// The watcher of a local repository.
pub(super) struct Watches {
    wake: Wake,
    by_directory: Mutex<BTreeMap<PathBuf, Watched>>,
}

struct Watched {
    /// `None` where watching is impossible: polling remains.
    _watcher: Option<RecommendedWatcher>,
    /// The directory went. One that stands in its place now is another one.
    gone: Arc<AtomicBool>,
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
        if watched.get(&directory).is_some_and(|watched| !watched.gone.load(Relaxed)) {
            return;
        }
        watched.clear();
        let gone = Arc::new(AtomicBool::new(false));
        let watcher = start((path, &directory), Arc::clone(&gone), self.wake.clone())
            .inspect_err(
                |error| tracing::warn!(path = %directory.display(), %error, "cannot watch; polling instead"),
            )
            .ok();
        watched.insert(directory, Watched { _watcher: watcher, gone });
    }
}

fn start(
    (root, directory): (&Path, &Path),
    gone: Arc<AtomicBool>,
    wake: Wake,
) -> notify::Result<RecommendedWatcher> {
    let places = [root.to_owned(), directory.to_owned(), directory.join("refs")];
    let beside = root.parent().map(Path::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return wake.wake() };
        // To read is no change; we ourselves do it.
        if event.kind.is_access() {
            return;
        }
        let moves = event.kind.is_remove() || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
        if moves && event.paths.iter().any(|path| places.contains(path)) {
            gone.store(true, Relaxed);
        }
        // Objects and locks change all the time, and what stands beside the repository is not ours; only the repository itself, refs and HEAD tell of a commit.
        let tells =
            |path: &PathBuf| places.contains(path) || (path.parent() != beside.as_deref() && !is_noise(path));
        if event.paths.iter().any(tells) {
            wake.wake();
        }
    })?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    watcher.watch(&directory.join("refs"), RecursiveMode::Recursive)?;
    if let Some(parent) = root.parent() {
        // The repository may be moved away as a whole, of which it does not tell itself.
        watcher.watch(parent, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn is_noise(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".lock") || matches!(name, "index" | "COMMIT_EDITMSG" | "FETCH_HEAD" | "objects" | "logs")
}
