//! A chart: a directory or an archive of the repository, with the charts packed into it.

mod archive;
mod budget;
mod files;
mod ignore;
mod metadata;

use std::sync::Arc;

pub use archive::ArchiveError;
pub use budget::{ChartLimits, OverBudget};
pub(crate) use metadata::{Dependency, Import, Metadata};

use budget::Budget;

use super::lock::is_same_version;
use super::remote::{ChartNeed, Elsewhere, Fetched, RemoteChartError};
use super::unit::HelmOptions;
use super::values;
use crate::error::Trouble;
use crate::object::Origin;
use crate::tree::{Files, Found, MemTree, RepoPath, TreeError};
use crate::yaml::{Limits, Loader, Map, Node, Profile, YamlError};

/// The file that makes a directory a chart.
pub(crate) const CHART_FILE: &str = "Chart.yaml";

/// Why a chart could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// A file of the chart is wrong.
    #[error("{at}: {message}")]
    File {
        /// Where.
        at: Origin,
        /// What is wrong and what to do.
        message: String,
    },
    /// An archive cannot be unpacked.
    #[error("{archive}: {source}")]
    Archive {
        /// The archive.
        archive: RepoPath,
        /// Why.
        source: ArchiveError,
    },
    /// The directory holds too much.
    #[error("{chart}: {source}")]
    TooMuch {
        /// The chart's directory.
        chart: RepoPath,
        /// Which limit it broke.
        source: OverBudget,
    },
    /// A file or directory of the chart cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file of the chart is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file in an archive is no YAML.
    #[error("{archive}: {source}")]
    Packed {
        /// The archive.
        archive: RepoPath,
        /// What is wrong, with the file's name in the archive.
        source: Box<YamlError>,
    },
    /// A chart of a repository is not there.
    #[error(transparent)]
    Remote(#[from] RemoteChartError),
}

impl ChartError {
    pub(crate) fn place(&self) -> Option<Origin> {
        match self {
            ChartError::File { at, .. } => Some(at.clone()),
            ChartError::Yaml(error) => error.place(),
            ChartError::Packed { archive, .. } => Some(Origin::new(archive, 0)),
            ChartError::Remote(error) => error.place(),
            ChartError::Archive { .. } | ChartError::TooMuch { .. } | ChartError::Tree(_) => None,
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            ChartError::File { .. } => Trouble::Failed,
            ChartError::Archive { source, .. } => source.trouble(),
            ChartError::TooMuch { .. } => Trouble::OverLimit,
            ChartError::Tree(error) => error.trouble(),
            ChartError::Yaml(error) => error.trouble(),
            ChartError::Packed { source, .. } => source.trouble(),
            ChartError::Remote(error) => error.trouble(),
        }
    }

    pub(crate) fn file(at: &Origin, message: impl Into<String>) -> Self {
        ChartError::File { at: at.clone(), message: message.into() }
    }
}

/// One file of a chart.
#[derive(Debug, Clone)]
pub(crate) struct ChartFile {
    /// Its path inside its chart.
    pub(crate) name: String,
    /// Its bytes, without a byte order mark.
    pub(crate) bytes: Arc<[u8]>,
    /// The file of the repository: itself, or the outermost archive that holds it.
    pub(crate) origin: RepoPath,
    /// Its name in the archive it lies in, if it does: lines of it are no lines of a file of the repository then.
    pub(crate) packed: Option<String>,
}

impl ChartFile {
    /// A place in this file, as far as the repository knows it: inside an archive, the archive as a whole.
    pub(crate) fn place(&self, line: u32) -> Origin {
        Origin::new(&self.origin, if self.packed.is_some() { 0 } else { line })
    }

    /// An error about this file, with its name where it lies in an archive.
    pub(crate) fn told(&self, error: ChartError) -> ChartError {
        let archive = self.origin.clone();
        match (&self.packed, error) {
            (Some(name), ChartError::File { at, message }) => {
                let line = if at.line > 0 { format!(":{}", at.line) } else { String::new() };
                ChartError::file(&Origin::new(&archive, 0), format!("{name}{line}: {message}"))
            }
            (Some(name), ChartError::Yaml(source)) => {
                ChartError::Packed { archive, source: Box::new(YamlError { file: name.clone(), ..source }) }
            }
            (_, error) => error,
        }
    }
}

/// A chart and the charts it carries.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) metadata: Metadata,
    /// `values.yaml`.
    pub(crate) defaults: Map,
    /// `values.schema.json`.
    pub(crate) schema: Option<ChartFile>,
    /// What lies in `templates/`.
    pub(crate) templates: Vec<ChartFile>,
    /// Everything else but the charts: what `.Files` shows, and `crds/`.
    pub(crate) files: Vec<ChartFile>,
    /// What lies in `charts/`, by name.
    pub(crate) dependencies: Vec<Chart>,
    /// `Chart.yaml`, for messages about the chart as a whole.
    pub(crate) at: Origin,
}

/// What loading a chart needs.
#[derive(Clone, Copy)]
pub(crate) struct Loading<'a> {
    pub(crate) files: &'a Files<'a>,
    pub(crate) limits: ChartLimits,
    pub(crate) yaml: Limits,
    /// Where charts come from that the chart names and does not carry.
    pub(crate) elsewhere: Elsewhere<'a>,
}

impl<'a> Loading<'a> {
    pub(crate) fn new(files: &'a Files<'a>, helm: &'a HelmOptions, yaml: Limits) -> Self {
        let elsewhere = Elsewhere { files, charts: helm.remote.as_ref(), lock: &helm.lock };
        Loading { files, limits: helm.chart, yaml, elsewhere }
    }
}

impl Chart {
    /// Loads the chart at `path`: a directory with a `Chart.yaml`, or an archive. Charts that it does not carry come from elsewhere,
    /// as far as the lock has them.
    pub(crate) fn load(loading: Loading<'_>, path: &RepoPath) -> Result<Chart, ChartError> {
        let (chart, _) = loaded(loading, path)?;
        let fail = |message: &str| Err(ChartError::file(&chart.at, message));
        match chart.metadata.api_version.as_str() {
            "v1" | "v2" => Ok(chart),
            "v3" => fail("apiVersion v3 is still an experiment of Helm; write the chart for v2"),
            _ => fail("unsupported chart version; apiVersion is v1 or v2"),
        }
    }
}

/// The files of the chart at `path`, its subcharts still packed as they are.
pub(crate) fn files_of(loading: Loading<'_>, path: &RepoPath) -> Result<Vec<ChartFile>, ChartError> {
    if loading.elsewhere.charts.is_none() {
        return held(loading, path, &mut Budget::new(loading.limits));
    }
    Ok(loaded(loading, path)?.1)
}

/// The chart at `path` and its files. An archive from elsewhere is one of them, just as if it lay in `charts/`.
fn loaded(loading: Loading<'_>, path: &RepoPath) -> Result<(Chart, Vec<ChartFile>), ChartError> {
    let mut budget = Budget::new(loading.limits);
    let mut held = held(loading, path, &mut budget)?;
    let build = |held: &[ChartFile], budget: &Budget| {
        Build { yaml: loading.yaml, budget: budget.clone() }.chart(held.to_vec(), path, 0)
    };
    let chart = build(&held, &budget)?;
    let fetched = fetched(loading.elsewhere, &chart)?;
    if fetched.is_empty() {
        return Ok((chart, held));
    }
    for fetched in &fetched {
        let origin = archive_of(&fetched.chart.place());
        let size = fetched.bytes.len() as u64;
        budget.take(size).map_err(|source| ChartError::TooMuch { chart: path.clone(), source })?;
        let name = format!("charts/{}", origin.file_name());
        if held.iter().all(|file| file.name != name) {
            held.push(ChartFile { name, bytes: fetched.bytes.clone(), origin, packed: None });
        }
    }
    let chart = build(&held, &budget).map_err(|error| of_its_need(error, &fetched))?;
    for fetched in fetched {
        check_identity(&chart.dependencies, fetched)?;
    }
    Ok((chart, held))
}

/// What a chart names and does not carry, from elsewhere.
fn fetched(elsewhere: Elsewhere<'_>, chart: &Chart) -> Result<Vec<Fetched>, ChartError> {
    let carried = |name: &str| chart.dependencies.iter().any(|held| held.metadata.name == name);
    let named = chart.metadata.dependencies.iter().flatten().filter(|named| !carried(&named.name));
    let needs = named.map(|named| ChartNeed::new(&named.at, &named.repository, &named.name, &named.version));
    // Of what cannot come from elsewhere is said that it is missing, as Helm says it.
    let chosen = elsewhere.chosen(needs.filter(ChartNeed::can_come).collect())?.into_iter();
    Ok(chosen.map(|(need, chart)| elsewhere.fetched(need, chart)).collect::<Result<_, _>>()?)
}

/// An archive that was fetched is in no file of the tree: what is wrong with it is told where it is asked for.
fn of_its_need(error: ChartError, fetched: &[Fetched]) -> ChartError {
    let ChartError::Archive { archive, source } = error else { return error };
    match fetched.iter().find(|fetched| archive_of(&fetched.chart.place()) == archive) {
        Some(Fetched { need, .. }) => {
            RemoteChartError::Archive { need: Box::new(need.clone()), archive, source }.into()
        }
        None => ChartError::Archive { archive, source },
    }
}

/// An archive holds what it is fetched for: by its name and version a parent finds it, and turns it off.
fn check_identity(charts: &[Chart], fetched: Fetched) -> Result<(), ChartError> {
    let is_it = |held: &Chart| {
        held.metadata.name == fetched.chart.name
            && is_same_version(&held.metadata.version, &fetched.chart.version)
    };
    if charts.iter().any(is_it) {
        return Ok(());
    }
    let (need, version) = (Box::new(fetched.need), fetched.chart.version);
    Err(RemoteChartError::Other { need, version }.into())
}

/// The directory of a chart that comes from elsewhere; from now on its files are there. None: the lock does not have it.
pub(crate) fn mounted(loading: Loading<'_>, need: ChartNeed) -> Result<Option<RepoPath>, ChartError> {
    let Some((need, chart)) = loading.elsewhere.chosen(vec![need])?.pop() else { return Ok(None) };
    let place = chart.place();
    if loading.files.is_mounted(&place) {
        return Ok(Some(place));
    }
    let fetched = loading.elsewhere.fetched(need, chart)?;
    let mut budget = Budget::new(loading.limits);
    let files = unpacked(&fetched.bytes, &archive_of(&place), &mut budget)
        .map_err(|error| of_its_need(error, std::slice::from_ref(&fetched)))?;
    let tree = files.iter().fold(MemTree::new(), |tree, file| tree.with(&file.name, &file.bytes));
    let chart = Build { yaml: loading.yaml, budget }.chart(files, &place, 0)?;
    check_identity(&[chart], fetched)?;
    loading.files.mount(place.clone(), Arc::new(tree));
    Ok(Some(place))
}

/// What the archive is called whose files are at a place.
fn archive_of(place: &RepoPath) -> RepoPath {
    let parent = place.parent().unwrap_or_else(RepoPath::root);
    parent.child(&format!("{}.tgz", place.file_name()))
}

fn held(loading: Loading<'_>, path: &RepoPath, budget: &mut Budget) -> Result<Vec<ChartFile>, ChartError> {
    match loading.files.find(path)? {
        Found::Directory { path } => files::of_directory(loading.files, &path, budget),
        Found::File { .. } => unpacked(&loading.files.read(path)?, path, budget),
        Found::Other | Found::Nothing => Err(TreeError::Missing { path: path.clone() }.into()),
    }
}

fn unpacked(bytes: &[u8], archive: &RepoPath, budget: &mut Budget) -> Result<Vec<ChartFile>, ChartError> {
    archive::unpack(bytes, archive, budget)
        .map_err(|source| ChartError::Archive { archive: archive.clone(), source })
}

/// What every file of a chart loses at its front.
fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Sorting files into charts.
struct Build {
    yaml: Limits,
    budget: Budget,
}

impl Build {
    /// The chart that these files are. `home` is where it was found.
    fn chart(&mut self, held: Vec<ChartFile>, home: &RepoPath, depth: usize) -> Result<Chart, ChartError> {
        let whole = Origin::new(home, 0);
        let Some(chart_file) = held.iter().find(|file| file.name == CHART_FILE) else {
            return Err(ChartError::file(&whole, "Chart.yaml file is missing; a chart needs one at its top"));
        };
        let mut chart = Chart {
            metadata: self.metadata(chart_file)?,
            defaults: Map::new(),
            schema: None,
            templates: Vec::new(),
            files: Vec::new(),
            dependencies: Vec::new(),
            at: chart_file.place(1),
        };
        let chart_file = chart_file.clone();
        let mut packed: Vec<(String, Vec<ChartFile>)> = Vec::new();
        for file in held {
            if let Some(file) = self.sort(&mut chart, file)? {
                let top = file.name.split('/').next().unwrap_or_default().to_owned();
                match packed.iter_mut().find(|(name, _)| *name == top) {
                    Some((_, files)) => files.push(file),
                    None => packed.push((top, vec![file])),
                }
            }
        }
        chart.metadata.check(&chart_file.origin).map_err(|error| chart_file.told(error))?;
        if chart_file.packed.is_some() {
            chart.metadata.dependencies.iter_mut().flatten().for_each(|named| named.at.line = 0);
        }
        packed.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, files) in packed {
            if name.starts_with(['_', '.']) {
                continue;
            }
            if depth >= self.budget.depth() {
                let source = OverBudget::Depth(self.budget.depth());
                return Err(ChartError::TooMuch { chart: chart.at.file, source });
            }
            chart.dependencies.push(self.dependency(&name, files, depth + 1)?);
        }
        Ok(chart)
    }

    fn metadata(&self, file: &ChartFile) -> Result<Metadata, ChartError> {
        let mut metadata = Metadata::default();
        if let Some(node) = self.document(file)? {
            metadata.read(&file.origin, &node).map_err(|error| file.told(error))?;
        }
        if metadata.api_version.is_empty() {
            // Charts of Helm 2 did not say.
            "v1".clone_into(&mut metadata.api_version);
        }
        Ok(metadata)
    }

    /// The one document of a file; None is an empty file.
    fn document(&self, file: &ChartFile) -> Result<Option<Node>, ChartError> {
        let loader = Loader { profile: Profile::Kubectl, limits: self.yaml };
        let read = loader.load(file.origin.as_str(), &file.bytes);
        Ok(read.map_err(|error| file.told(error.into()))?.into_iter().next())
    }

    /// Puts a file where it belongs; one of `charts/` comes back with its name below it.
    fn sort(&self, chart: &mut Chart, mut file: ChartFile) -> Result<Option<ChartFile>, ChartError> {
        match file.name.as_str() {
            CHART_FILE | "Chart.lock" => {}
            "values.yaml" => {
                chart.defaults = values::load(&file, self.yaml).map_err(|error| file.told(error))?;
            }
            "values.schema.json" => chart.schema = Some(file),
            "requirements.yaml" => {
                if let Some(node) = self.document(&file)? {
                    chart.metadata.read(&file.origin, &node).map_err(|error| file.told(error))?;
                }
                if chart.metadata.api_version == "v1" {
                    chart.files.push(file);
                }
            }
            "requirements.lock" if chart.metadata.api_version != "v1" => {}
            name if name.starts_with("templates/") => chart.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(below) if !below.ends_with(".prov") => {
                    file.name = below.to_owned();
                    return Ok(Some(file));
                }
                _ => chart.files.push(file),
            },
        }
        Ok(None)
    }

    /// A chart of `charts/`: an archive, or a directory.
    fn dependency(&mut self, name: &str, files: Vec<ChartFile>, depth: usize) -> Result<Chart, ChartError> {
        let first = files.first().map(|file| file.origin.clone()).unwrap_or_else(RepoPath::root);
        if let [lone] = files.as_slice()
            && lone.name == name
        {
            return self.lone(lone, depth);
        }
        let packed = files.iter().any(|file| file.packed.is_some());
        let below: Vec<ChartFile> = files
            .into_iter()
            .filter_map(|mut file| {
                let (_, rest) = file.name.split_once('/')?;
                file.name = rest.to_owned();
                Some(file)
            })
            .collect();
        let home = match below.first().filter(|_| !packed) {
            Some(file) => ancestor(&file.origin, file.name.split('/').count()),
            None => first,
        };
        self.chart(below, &home, depth)
    }

    /// A file of `charts/` itself: an archive, or what Helm refuses, too.
    fn lone(&mut self, file: &ChartFile, depth: usize) -> Result<Chart, ChartError> {
        if !file.name.ends_with(".tgz") {
            let message = "is no chart, but lies in charts/; move it away, or begin its name with '_' or '.'";
            return Err(file.told(ChartError::file(&Origin::new(&file.origin, 0), message)));
        }
        let mut held = unpacked(&file.bytes, &file.origin, &mut self.budget)?;
        if let Some(outer) = &file.packed {
            let inner = held.iter_mut().filter_map(|file| file.packed.as_mut());
            inner.for_each(|name| name.insert_str(0, &format!("{outer}: ")));
        }
        self.chart(held, &file.origin, depth)
    }
}

fn ancestor(path: &RepoPath, levels: usize) -> RepoPath {
    (0..levels).fold(path.clone(), |path, _| path.parent().unwrap_or_else(RepoPath::root))
}

#[cfg(test)]
mod tests;
