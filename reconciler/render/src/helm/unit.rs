//! A chart as a unit: the settings of its release, and the render.

use std::cell::Cell;

use serde_json::{Map as JsonMap, Value as Json};

use super::chart::{CHART_FILE, ChartError, ChartLimits, Loading, mounted};
use super::dependencies::DependencyError;
use super::engine::EngineOptions;
use super::error::HelmError;
use super::lock::LOCK_FILE;
use super::program::Program;
use super::release::{Release, Request, Wanted};
use super::remote::{ChartNeed, Charts, RemoteChartError};
use super::values;
use crate::object::{Origin, RenderedObject};
use crate::tree::{Files, RepoPath};
use crate::yaml::{Limits, Map, Node};

/// Who renders charts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// This room.
    #[default]
    InProcess,
    /// A helm binary, where there is one that may be used.
    Cli,
}

/// Settings of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmOptions {
    /// The chart, where the unit takes it from a repository; its directory then holds values files only, if anything.
    pub from: Option<ChartNeed>,
    /// The name of the release; None is the unit's name by its path.
    pub release_name: Option<String>,
    /// The namespace of the release.
    pub namespace: String,
    /// Values files, relative to the chart's directory, later ones over earlier ones.
    pub values_files: Vec<String>,
    /// Values over those of the files.
    pub values: JsonMap<String, Json>,
    /// The version of Kubernetes that templates see; None is Helm's own default.
    pub kube_version: Option<String>,
    /// API versions that templates see beyond those that Helm assumes of every cluster.
    pub api_versions: Vec<String>,
    /// Leave out `crds/`.
    pub skip_crds: bool,
    /// Leave out hooks that test.
    pub skip_tests: bool,
    /// Take values that break the charts' schemas.
    pub skip_schema_validation: bool,
    /// Who renders.
    pub engine: Engine,
    /// The helm binary that [`Engine::Cli`] runs.
    pub program: Option<Program>,
    /// Who fetches charts of repositories that the lock pins; without it nobody.
    pub remote: Option<Charts>,
    /// The lock's place in the tree.
    pub lock: RepoPath,
    /// What a chart may hold.
    pub chart: ChartLimits,
    /// What its templates may use up.
    pub templates: EngineOptions,
    /// The most objects of one release.
    pub max_objects: usize,
}

impl Default for HelmOptions {
    fn default() -> Self {
        HelmOptions {
            from: None,
            release_name: None,
            namespace: "default".to_owned(),
            values_files: Vec::new(),
            values: JsonMap::new(),
            kube_version: None,
            api_versions: Vec::new(),
            skip_crds: false,
            skip_tests: false,
            skip_schema_validation: false,
            engine: Engine::InProcess,
            program: None,
            remote: None,
            lock: RepoPath::root().child(LOCK_FILE),
            chart: ChartLimits::default(),
            templates: EngineOptions::default(),
            max_objects: 200_000,
        }
    }
}

impl HelmOptions {
    /// Puts the values of a file that is not of the repository over all others. `name` is for messages.
    ///
    /// # Errors
    /// When it is no YAML, or no map.
    pub fn add_values(&mut self, name: &str, bytes: &[u8]) -> Result<(), HelmError> {
        let more = read_values(&RepoPath::root().child(name), bytes, Limits::default())?;
        let mut values = inline(&self.values);
        values::merge_over(&mut values, more);
        self.values = values.iter().map(|(key, node)| (key.to_owned(), node.to_json())).collect();
        Ok(())
    }
}

/// Renders the chart in `dir`, or the one that the options name: its objects, and what `helm template` prints.
pub(crate) fn render(
    files: &Files<'_>,
    dir: &RepoPath,
    (options, limits): (&HelmOptions, Limits),
    documents: &Cell<u64>,
) -> Result<(Vec<RenderedObject>, String), HelmError> {
    let at = Origin::new(&dir.child(CHART_FILE), 1);
    let read = options.values_files.iter().map(|name| values_file(files, dir, name, limits));
    let read: Vec<(RepoPath, Map)> = read.collect::<Result<_, _>>()?;
    let mut given = Map::new();
    read.iter().for_each(|(_, values)| values::merge_over(&mut given, values.clone()));
    values::merge_over(&mut given, inline(&options.values));
    let loading = Loading::new(files, options, limits);
    let from = options.from.as_ref().map(|need| from_elsewhere(loading, need)).transpose()?;
    let unit = crate::discover::unit_name(dir.as_str());
    let program = (options.engine == Engine::Cli).then_some(options.program.as_ref());
    let release = Release::template(&Request {
        loading,
        chart: from.as_ref().unwrap_or(dir),
        name: options.release_name.as_deref().unwrap_or(&unit),
        namespace: &options.namespace,
        given,
        kube_version: options.kube_version.as_deref(),
        api_versions: &options.api_versions,
        wanted: Wanted {
            crds: !options.skip_crds,
            hooks: true,
            tests: !options.skip_tests,
            schema_validation: !options.skip_schema_validation,
        },
        engine: &options.templates,
        program,
    })
    .map_err(|error| with_values_file(error, &read))?;
    documents.set(documents.get() + release.documents());
    let printed = release.printed();
    let objects = release.objects()?;
    if objects.len() > options.max_objects {
        let message = format!("more than {} objects in one unit; split the chart", options.max_objects);
        return Err(HelmError::OverLimit { at, message });
    }
    Ok((objects, printed))
}

/// The directory of the chart that a unit takes from a repository.
fn from_elsewhere(loading: Loading<'_>, need: &ChartNeed) -> Result<RepoPath, HelmError> {
    mounted(loading, need.clone())?.ok_or_else(|| {
        let (need, lock) = (Box::new(need.clone()), loading.elsewhere.lock.clone());
        ChartError::from(RemoteChartError::NotLocked { need, lock }).into()
    })
}

/// The values of a file that was read.
pub(crate) fn read_values(file: &RepoPath, bytes: &[u8], limits: Limits) -> Result<Map, HelmError> {
    Ok(values::read(file, bytes, limits)?)
}

/// A values file that a unit names: a file of this repository, never an address.
fn values_file(
    files: &Files<'_>,
    base: &RepoPath,
    name: &str,
    limits: Limits,
) -> Result<(RepoPath, Map), HelmError> {
    let at = Origin::new(&base.child(CHART_FILE), 1);
    if name.contains("://") {
        return Err(HelmError::RemoteValues { at, name: name.to_owned() });
    }
    let path = base.join(name).map_err(crate::tree::TreeError::from);
    let read = path.and_then(|path| Ok((files.read(&path)?, path)));
    let (bytes, path) = read.map_err(|source| {
        let (name, base) = (name.to_owned(), base.clone());
        HelmError::ValuesFile { at, name, base, source }
    })?;
    let values = read_values(&path, &bytes, limits)?;
    Ok((path, values))
}

/// Says of a value that fits no subchart which file has it: the last one counts.
fn with_values_file(error: HelmError, read: &[(RepoPath, Map)]) -> HelmError {
    let HelmError::Dependencies(DependencyError::Values { at, path, what }) = error else { return error };
    let place = |(file, values): &(RepoPath, Map)| {
        values::no_map(values, &path).map(|node| Origin::new(file, node.pos.line))
    };
    let at = read.iter().rev().find_map(place).unwrap_or(at);
    DependencyError::Values { at, path, what }.into()
}

/// Values from settings.
fn inline(values: &JsonMap<String, Json>) -> Map {
    Map::from_entries(
        values.iter().map(|(key, value)| (Box::from(key.as_str()), Node::from_json(value))).collect(),
    )
}
