//! Which version of a chart is locked. `gitstellar lock` renders every unit with this in place of the lock: what a render asks for is what is locked, and
//! nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use render::helm::{ChartNeed, FetchError, Way, is_version, newest};
use render::{ChartLock, LockedChart, RemoteCharts};

use apimachinery::Digest;

use super::index::{self, LARGEST_INDEX_BYTES, Release};
use super::registry::Registry;
use super::web::{Place, Question};
use super::{ANYTHING, ChartArchives, LARGEST_ARCHIVE_BYTES, locked, way_of};

/// Which charts get the newest version, though the locked one would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// None.
    Nothing,
    /// All.
    All,
    /// Those of these names.
    Only(Vec<String>),
}

/// Chooses versions, and remembers what was asked for.
pub struct LockWriter {
    archives: ChartArchives,
    update: Update,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was chosen for (repository, name, range).
    chosen: Vec<(ChartNeed, Result<LockedChart, FetchError>)>,
    /// Versions by (repository, name).
    releases: HashMap<(String, String), Arc<[Release]>>,
}

impl LockWriter {
    /// Chooses with the help of these archives.
    pub fn new(archives: ChartArchives, update: Update) -> Self {
        Self { archives, update, state: Mutex::default() }
    }

    /// The lock of everything that was asked for: of each chart the newest version among those that were chosen, for every range.
    pub fn lock(&self) -> ChartLock {
        let state = locked(&self.state);
        let chosen =
            ChartLock::new(state.chosen.iter().filter_map(|(_, choice)| choice.as_ref().ok().cloned()));
        let serving = |need: &ChartNeed| chosen.newest(&need.repository, &need.name, &need.range).cloned();
        ChartLock::new(state.chosen.iter().filter_map(|(need, _)| serving(need)))
    }

    /// The hosts that were asked, sorted.
    pub fn asked(&self) -> Vec<String> {
        self.archives.asked()
    }

    fn is_updated(&self, name: &str) -> bool {
        match &self.update {
            Update::Nothing => false,
            Update::All => true,
            Update::Only(names) => names.iter().any(|updated| updated == name),
        }
    }

    fn resolve(&self, state: &mut State, need: &ChartNeed) -> Result<LockedChart, FetchError> {
        match way_of(&need.repository)? {
            Way::Https => self.of_repository(state, need),
            Way::Oci => self.of_registry(need),
        }
    }

    fn of_repository(&self, state: &mut State, need: &ChartNeed) -> Result<LockedChart, FetchError> {
        let releases = self.releases(state, need)?;
        let versions: Vec<&str> = releases.iter().map(|release| release.version.as_str()).collect();
        let release = newest(&need.range, &versions).and_then(|at| releases.get(at));
        let release = release.ok_or_else(|| no_version(need, &versions))?;
        let refused = |why| FetchError::Refused(format!("{}: {why}", need.repository));
        let url = release.url(&need.repository).map_err(refused)?;
        let question = Question {
            loopback: Place::is_loopback_named(&need.repository),
            ..Question::new(Place::parse(&url)?, ANYTHING, LARGEST_ARCHIVE_BYTES)
        };
        let bytes = self.archives.web.get(&question)?.body;
        let digest = Digest::of(&bytes);
        if release.digest().is_some_and(|said| said != digest) {
            return Err(FetchError::Refused(format!(
                "{url}: the archive is not the one that the index of its repository describes; tell those who keep the repository"
            )));
        }
        self.archives.keep(&digest, &bytes);
        Ok(locked_chart(need, &release.version, Some(url), digest))
    }

    /// The versions of a chart, asked for once.
    fn releases(&self, state: &mut State, need: &ChartNeed) -> Result<Arc<[Release]>, FetchError> {
        let key = (need.repository.clone(), need.name.clone());
        if let Some(releases) = state.releases.get(&key) {
            return Ok(Arc::clone(releases));
        }
        let place = Place::parse(&format!("{}/index.yaml", need.repository))?;
        let question = Question {
            loopback: Place::is_loopback_named(&need.repository),
            ..Question::new(place, ANYTHING, LARGEST_INDEX_BYTES)
        };
        let index = self.archives.web.get(&question)?.body;
        let releases = index::releases(&index, &need.name)
            .map_err(|why| FetchError::Refused(format!("{}: {why}", need.repository)))?;
        let releases: Arc<[Release]> = releases.into();
        state.releases.insert(key, Arc::clone(&releases));
        Ok(releases)
    }

    fn of_registry(&self, need: &ChartNeed) -> Result<LockedChart, FetchError> {
        let registry = Registry::of(&self.archives.web, &need.repository, &need.name)?;
        let version = if is_version(&need.range) {
            need.range.clone()
        } else {
            let versions = registry.versions()?;
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            let version = newest(&need.range, &versions).and_then(|at| versions.get(at).copied());
            version.ok_or_else(|| no_version(need, &versions))?.to_owned()
        };
        let digest = registry.digest(&version)?;
        let bytes = registry.archive(&digest)?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(FetchError::Altered { found });
        }
        self.archives.keep(&digest, &bytes);
        Ok(locked_chart(need, &version, None, digest))
    }
}

impl RemoteCharts for LockWriter {
    fn archive(&self, chart: &LockedChart) -> Result<Arc<[u8]>, FetchError> {
        self.archives.archive(chart)
    }

    /// One after another: a repository is asked for its index once, and what is chosen does not depend on who asks first.
    fn choose(
        &self,
        need: &ChartNeed,
        kept: Option<&LockedChart>,
    ) -> Result<Option<LockedChart>, FetchError> {
        let mut state = locked(&self.state);
        let same = |held: &&(ChartNeed, _)| {
            (&held.0.repository, &held.0.name, &held.0.range) == (&need.repository, &need.name, &need.range)
        };
        if let Some((_, choice)) = state.chosen.iter().find(same) {
            return choice.clone().map(Some);
        }
        let choice = match kept.filter(|_| !self.is_updated(&need.name)) {
            Some(kept) => Ok(kept.clone()),
            None => self.resolve(&mut state, need),
        };
        state.chosen.push((need.clone(), choice.clone()));
        choice.map(Some)
    }
}

fn locked_chart(need: &ChartNeed, version: &str, url: Option<String>, digest: Digest) -> LockedChart {
    let (repository, name, version) = (need.repository.clone(), need.name.clone(), version.to_owned());
    LockedChart { repository, name, version, url, digest }
}

/// How many versions a message lists.
const SHOWN_VERSIONS: usize = 5;

fn no_version(need: &ChartNeed, versions: &[&str]) -> FetchError {
    let (repository, name, range) = (&need.repository, &need.name, &need.range);
    FetchError::Refused(if versions.is_empty() {
        format!("{repository} has no chart '{name}'")
    } else {
        // What is none may hold anything.
        let shown: Vec<&str> =
            versions.iter().copied().filter(|text| is_version(text)).take(SHOWN_VERSIONS).collect();
        format!(
            "{repository} has no version of '{name}' in '{range}'; it has {} versions, among them {}",
            versions.len(),
            shown.join(", ")
        )
    })
}
