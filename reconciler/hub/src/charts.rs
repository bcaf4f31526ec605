//! Charts of repositories and registries, fetched for units that a lock pins.
//!
//! | module | knows |
//! |---|---|
//! | `web` | which hosts may be asked, where a redirect may lead, what an answer means |
//! | `index` | `index.yaml` of a repository |
//! | `registry` | what of the OCI distribution protocol a chart needs |
//! | `locking` | which version is locked: the other side of the same trait, for `gitstellar lock` |
//!
//! An archive is kept by its digest, and whatever does not have that digest is none. Nobody is shown a login: what has to be fetched with one is vendored, and
//! whoever writes a unit must not spend the logins of whoever renders it.
//!
//! Units are rendered side by side. Those that need one archive wait for each other, and one that could not be fetched is not asked for again for a moment.

pub mod index;
mod locking;
mod registry;
mod web;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apimachinery::{Clock, Digest};
use render::helm::{FetchError, Way, check_address};
use render::{LockedChart, RemoteCharts};

pub use locking::{LockWriter, Update};
pub use web::Hosts;

use crate::bases::REST;
use registry::Registry;
use web::{Place, Question, Web};

/// Bytes of an archive that are read. Archives of charts are small: whoever installs them keeps them in a Secret.
const LARGEST_ARCHIVE_BYTES: u64 = 32 << 20;
/// What is accepted for an archive.
const ANYTHING: &str = "*/*";

/// Archives of charts, kept below one directory.
pub struct ChartArchives {
    directory: PathBuf,
    web: Web,
    clock: Arc<dyn Clock>,
    /// By digest: when the last attempt to fetch it failed, and why.
    failed: Mutex<HashMap<Digest, Arc<Mutex<Option<Failure>>>>>,
}

type Failure = (Duration, FetchError);

impl ChartArchives {
    /// Keeps archives below a directory, which is made when it is needed. `silence` is how long a server may say nothing.
    pub fn new(directory: PathBuf, hosts: Hosts, silence: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { directory, web: Web::new(hosts, silence), clock, failed: Mutex::default() }
    }

    /// The hosts that were asked so far, sorted.
    pub fn asked(&self) -> Vec<String> {
        self.web.asked()
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.directory.join(format!("{digest}.tgz"))
    }

    /// What is kept under a digest. A file that has another one (a disk that was full, a hand) is forgotten.
    fn kept(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        let file = self.file(digest);
        if std::fs::metadata(&file).ok()?.len() > LARGEST_ARCHIVE_BYTES {
            return None;
        }
        let bytes = std::fs::read(&file).ok()?;
        if Digest::of(&bytes) == *digest {
            return Some(bytes.into());
        }
        tracing::warn!(file = %file.display(), "an archive of a chart is not what it was; it is fetched anew");
        None
    }

    /// Keeps an archive. That it cannot be kept costs another fetch, and nothing else.
    fn keep(&self, digest: &Digest, bytes: &[u8]) {
        if let Err(error) = write_whole(&self.directory, &self.file(digest), bytes) {
            tracing::warn!(%error, directory = %self.directory.display(), "cannot keep an archive of a chart");
        }
    }

    fn fetch(&self, chart: &LockedChart) -> Result<Arc<[u8]>, FetchError> {
        let bytes = match &chart.url {
            Some(url) => {
                let place = Place::parse(url)?;
                let loopback = Place::is_loopback_named(&chart.repository);
                let question = Question { loopback, ..Question::new(place, ANYTHING, LARGEST_ARCHIVE_BYTES) };
                self.web.get(&question)?.body
            }
            None => Registry::of(&self.web, &chart.repository, &chart.name)?.archive(&chart.digest)?,
        };
        let found = Digest::of(&bytes);
        if found != chart.digest {
            return Err(FetchError::Altered { found });
        }
        self.keep(&found, &bytes);
        Ok(bytes.into())
    }
}

impl RemoteCharts for ChartArchives {
    fn archive(&self, chart: &LockedChart) -> Result<Arc<[u8]>, FetchError> {
        // Also of what is kept already: what may be used does not depend on who fetched it before.
        self.web.allow(chart.url.as_ref().unwrap_or(&chart.repository))?;
        let failed = Arc::clone(locked(&self.failed).entry(chart.digest).or_default());
        let mut failed = locked(&failed);
        if let Some(bytes) = self.kept(&chart.digest) {
            return Ok(bytes);
        }
        if let Some((at, why)) = &*failed
            && self.clock.monotonic() < *at + REST
        {
            return Err(why.clone());
        }
        let fetched = self.fetch(chart);
        *failed = fetched.as_ref().err().map(|error| (self.clock.monotonic(), error.clone()));
        fetched
    }
}

/// Values behind these locks are replaced whole, so a panic elsewhere leaves no half of one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file that others either see as a whole or not at all.
fn write_whole(directory: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut written = tempfile::NamedTempFile::new_in(directory)?;
    written.write_all(bytes)?;
    written.persist(file)?;
    Ok(())
}

/// How a repository is spoken to; what is none is told.
fn way_of(repository: &str) -> Result<Way, FetchError> {
    check_address(repository).map_err(|why| FetchError::Refused(format!("repository {why}")))
}
