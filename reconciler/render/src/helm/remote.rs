//! Charts of repositories and registries: what a chart or a kustomization asks for, and what whoever fetches archives is asked.
//!
//! This room fetches nothing. Whoever may implements [`RemoteCharts`]; without one no chart comes from elsewhere. Taken is what
//! [`LOCK_FILE`](super::lock::LOCK_FILE) pins, so that a render stays a function of the tree: an archive with another digest is not
//! even unpacked. From there on it is treated as if it lay in `charts/`.

use std::fmt;
use std::sync::Arc;

use apimachinery::Digest;

use super::chart::ArchiveError;
use super::lock::{ChartLock, LockError, LockedChart, check_address, is_chart_name};
use crate::error::Trouble;
use crate::object::Origin;
use crate::tree::{Files, Found, RepoPath, TreeError};

/// A chart that something of the tree asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartNeed {
    /// Where.
    pub at: Origin,
    /// Its repository, without a slash at its end.
    pub repository: String,
    /// The chart.
    pub name: String,
    /// The versions that will do; empty: any.
    pub range: String,
}

impl ChartNeed {
    /// A need, as it is written.
    pub fn new(at: &Origin, repository: &str, name: &str, range: &str) -> Self {
        ChartNeed {
            at: at.clone(),
            repository: repository.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            range: range.trim().to_owned(),
        }
    }

    /// Whether charts come from there at all.
    pub(crate) fn can_come(&self) -> bool {
        check_address(&self.repository).is_ok() && is_chart_name(&self.name)
    }
}

/// Why there is no archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nobody allowed to ask there.
    #[error(
        "the host {host} is none of those that are allowed; let whoever runs gitstellar allow it with --allow-remote {host}"
    )]
    NotAllowed {
        /// The host and its port.
        host: String,
    },
    /// What is given out is not what was locked.
    #[error(
        "what is given out is another archive than the one that is locked, its digest is sha256:{found}: if the chart was published anew on purpose, run `gitstellar lock --update`, and look at what changes"
    )]
    Altered {
        /// The digest of what came.
        found: Digest,
    },
    /// What is given out can not be used.
    #[error("{0}")]
    Refused(String),
    /// It cannot be fetched, and may be at the next attempt.
    #[error("{0}")]
    Failed(String),
}

/// Fetches archives of charts, showing nobody any login.
pub trait RemoteCharts: Send + Sync {
    /// The archive of a locked chart. What it gives is looked at again before it is used.
    ///
    /// # Errors
    /// When it may not be fetched, or cannot be.
    fn archive(&self, chart: &LockedChart) -> Result<Arc<[u8]>, FetchError>;

    /// Which chart serves a need: the one that the lock has for it, if any. Only who writes a lock answers otherwise.
    ///
    /// # Errors
    /// When whoever writes a lock cannot choose.
    fn choose(
        &self,
        need: &ChartNeed,
        locked: Option<&LockedChart>,
    ) -> Result<Option<LockedChart>, FetchError> {
        let _ = need;
        Ok(locked.cloned())
    }
}

/// Who fetches archives of charts. Two are equal when they are the same one.
#[derive(Clone)]
pub struct Charts(Arc<dyn RemoteCharts>);

impl Charts {
    /// Charts that come from there.
    pub fn new(charts: Arc<dyn RemoteCharts>) -> Self {
        Charts(charts)
    }
}

impl fmt::Debug for Charts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Charts")
    }
}

impl PartialEq for Charts {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Charts {}

/// Why a chart of a repository is not there.
#[derive(Debug, thiserror::Error)]
pub enum RemoteChartError {
    /// The lock is wrong.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The lock cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The lock has other versions than are asked for.
    #[error(
        "{}: {lock} has the chart '{}' in other versions ({versions}) than '{}'; run `gitstellar lock` and commit {lock}",
        need.at, need.name, need.range
    )]
    Outdated {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// The lock.
        lock: RepoPath,
        /// What it has.
        versions: String,
    },
    /// The lock does not have it.
    #[error(
        "{}: {lock} does not have the chart '{}' of {}; run `gitstellar lock` and commit {lock}",
        need.at, need.name, need.repository
    )]
    NotLocked {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// The lock.
        lock: RepoPath,
    },
    /// No chart comes from there.
    #[error(
        "{}: the chart '{}' of {}: a repository is https://HOST/PATH or oci://HOST/PATH, without a login, a query or .., and the name of a chart is letters, digits, '-', '_' and '.'",
        need.at, need.name, need.repository
    )]
    Address {
        /// What is asked for.
        need: Box<ChartNeed>,
    },
    /// Nobody fetches anything.
    #[error(
        "{}: the chart '{}' of {} is not in the repository, and nothing is fetched: vendor it, or let whoever runs gitstellar allow the host with --allow-remote {host}",
        need.at, need.name, need.repository
    )]
    NobodyFetches {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// The host that would be asked.
        host: String,
    },
    /// It was not fetched.
    #[error("{}: the chart '{}' of {} cannot be used", need.at, need.name, need.repository)]
    Fetch {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// Why.
        #[source]
        source: FetchError,
    },
    /// The archive cannot be unpacked.
    #[error("{}: {archive}", need.at)]
    Archive {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// What the archive is called.
        archive: RepoPath,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// The archive holds another chart.
    #[error(
        "{}: what {} gives out for '{}' {version} is another chart, or another version of it; take another version, and run `gitstellar lock`",
        need.at, need.repository, need.name
    )]
    Other {
        /// What is asked for.
        need: Box<ChartNeed>,
        /// The version that the lock has.
        version: String,
    },
}

impl RemoteChartError {
    pub(crate) fn place(&self) -> Option<Origin> {
        match self {
            RemoteChartError::Lock(LockError::Yaml(error)) => error.place(),
            RemoteChartError::Lock(LockError::Entry { at, .. }) => Some(at.clone()),
            RemoteChartError::Tree(_) => None,
            RemoteChartError::Outdated { need, .. }
            | RemoteChartError::NotLocked { need, .. }
            | RemoteChartError::Address { need }
            | RemoteChartError::NobodyFetches { need, .. }
            | RemoteChartError::Fetch { need, .. }
            | RemoteChartError::Archive { need, .. }
            | RemoteChartError::Other { need, .. } => Some(need.at.clone()),
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            RemoteChartError::Tree(error) => error.trouble(),
            RemoteChartError::Archive { source, .. } => source.trouble(),
            RemoteChartError::NobodyFetches { .. } | RemoteChartError::Address { .. } => Trouble::Refused,
            RemoteChartError::Fetch { source: FetchError::Failed(_), .. } => Trouble::Unreachable,
            RemoteChartError::Fetch { .. } => Trouble::Refused,
            _ => Trouble::Failed,
        }
    }
}

/// Where charts come from that are not in the tree, for one render.
#[derive(Clone, Copy)]
pub(crate) struct Elsewhere<'a> {
    pub(crate) files: &'a Files<'a>,
    /// Who fetches them; without it nobody.
    pub(crate) charts: Option<&'a Charts>,
    /// The lock's place in the tree.
    pub(crate) lock: &'a RepoPath,
}

/// What was fetched for a need.
pub(crate) struct Fetched {
    pub(crate) need: ChartNeed,
    pub(crate) chart: LockedChart,
    pub(crate) bytes: Arc<[u8]>,
}

impl LockedChart {
    /// What its files are called, outside of the tree: `HOST/PATH/NAME-VERSION`.
    pub(crate) fn place(&self) -> RepoPath {
        let below = self.repository.split_once("://").map_or("", |(_, rest)| rest);
        let parts = below.split('/').filter(|part| !part.is_empty());
        parts
            .fold(RepoPath::root(), |dir, part| dir.child(part))
            .child(&format!("{}-{}", self.name, self.version))
    }
}

impl Elsewhere<'_> {
    /// What the lock has; nothing where there is no lock.
    fn locked(&self) -> Result<ChartLock, RemoteChartError> {
        match self.files.find(self.lock)? {
            Found::Nothing => Ok(ChartLock::default()),
            _ => Ok(ChartLock::parse(self.lock, &self.files.read(self.lock)?)?),
        }
    }

    /// The charts that serve these needs. A need of which the lock knows nothing is left out.
    pub(crate) fn chosen(
        &self,
        needs: Vec<ChartNeed>,
    ) -> Result<Vec<(ChartNeed, LockedChart)>, RemoteChartError> {
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        let lock = self.locked()?;
        let mut chosen: Vec<(ChartNeed, LockedChart)> = Vec::new();
        for need in needs {
            if !need.can_come() {
                return Err(RemoteChartError::Address { need: Box::new(need) });
            }
            let locked = lock.newest(&need.repository, &need.name, &need.range);
            let choice = match self.charts {
                Some(Charts(charts)) => self.files.off_the_clock(|| charts.choose(&need, locked)),
                None => Ok(locked.cloned()),
            };
            match choice {
                Ok(Some(chart)) => chosen.push((need, chart)),
                Ok(None) => self.check_known(&lock, need)?,
                Err(source) => return Err(RemoteChartError::Fetch { need: Box::new(need), source }),
            }
        }
        Ok(chosen)
    }

    /// A lock that has the chart, but no version that will do, has not kept up.
    fn check_known(&self, lock: &ChartLock, need: ChartNeed) -> Result<(), RemoteChartError> {
        let versions = lock.versions(&need.repository, &need.name).map(|chart| chart.version.as_str());
        let versions = versions.collect::<Vec<_>>().join(", ");
        if versions.is_empty() {
            return Ok(());
        }
        Err(RemoteChartError::Outdated { need: Box::new(need), lock: self.lock.clone(), versions })
    }

    /// The archive of a chosen chart, looked at.
    pub(crate) fn fetched(&self, need: ChartNeed, chart: LockedChart) -> Result<Fetched, RemoteChartError> {
        let Some(Charts(charts)) = self.charts else {
            return Err(RemoteChartError::NobodyFetches { need: Box::new(need), host: chart.host() });
        };
        let archive = self.files.off_the_clock(|| charts.archive(&chart)).and_then(|bytes| {
            let found = Digest::of(&bytes);
            if found == chart.digest { Ok(bytes) } else { Err(FetchError::Altered { found }) }
        });
        match archive {
            Ok(bytes) => Ok(Fetched { need, chart, bytes }),
            Err(source) => Err(RemoteChartError::Fetch { need: Box::new(need), source }),
        }
    }
}

#[cfg(test)]
mod tests;
