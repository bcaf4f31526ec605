//! `helmCharts`, and generators of kind HelmChartInflationGenerator, rendered in process.
//!
//! Upstream fetches a chart that is not there; here it has to be in the repository, or pinned by the lock. What it prints goes through the kustomization
//! like the objects of a file, but for `namespace`, which the release already has.

use super::decode::{Fields, Located, Reading};
use super::error::KustomizeError;
use super::load::Source;
use super::resource::Resource;
use super::schema::Schemas;
use super::strategic;
use crate::helm::{ChartNeed, Loading, Release, Request, Wanted, mounted, read_values};
use crate::object::Origin;
use crate::tree::{Found, RepoPath};
use crate::yaml::{Map, Node, Value};

type Result<T> = std::result::Result<T, KustomizeError>;

/// Where charts are, below the kustomization, when it does not say.
const DEFAULT_HOME: &str = "charts";
/// The release of a chart that is given no name: upstream's own, for it asks Helm for a name in a way that Helm does not hear.
const DEFAULT_RELEASE: &str = "release-name";

/// How inline values and the values file meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ValuesMerge {
    /// Inline values over the file's.
    #[default]
    Override,
    /// The file's over inline values.
    Merge,
    /// Inline values alone.
    Replace,
}

/// One chart of a kustomization.
#[derive(Debug, Clone)]
pub(super) struct ChartEntry {
    at: Origin,
    name: String,
    version: String,
    repo: String,
    /// Where charts are; empty is the default.
    home: String,
    release_name: String,
    namespace: String,
    values_file: String,
    additional_values_files: Vec<Located>,
    values_inline: Map,
    values_merge: ValuesMerge,
    include_crds: bool,
    skip_hooks: bool,
    skip_tests: bool,
    api_versions: Vec<String>,
    kube_version: String,
}

/// The directories of the charts that a kustomization names, relative to it. What is not as it should be is nothing here: building it
/// will tell why.
pub(crate) fn directories(top: &Node) -> Vec<String> {
    let file = RepoPath::root();
    let Ok(mut f) = Fields::of(&file, top, Reading::Kustomization) else { return Vec::new() };
    let entries = entries(&mut f).unwrap_or_default();
    entries.iter().map(|entry| format!("{}/{}", entry.home(), entry.name)).collect()
}

/// Reads `helmCharts`, `helmGlobals` and what they were called before.
pub(super) fn entries(f: &mut Fields<'_>) -> Result<Vec<ChartEntry>> {
    let mut charts = f.each("helmCharts", |item| {
        let mut f = item.fields()?;
        let entry = entry(&mut f)?;
        f.finish()?;
        Ok(entry)
    })?;
    let home = f.nested("helmGlobals", |mut f| {
        let home = home(&mut f)?;
        f.finish()?;
        Ok(home)
    })?;
    let old = f.each("helmChartInflationGenerator", |item| old_entry(item.fields()?))?;
    // Without globals the last old entry that names a directory speaks for all.
    let old_home = old.iter().rev().find_map(|entry| (!entry.home.is_empty()).then(|| entry.home.clone()));
    let home = home.or(old_home).unwrap_or_default();
    charts.extend(old);
    charts.iter_mut().for_each(|entry| entry.home.clone_from(&home));
    Ok(charts)
}

/// Reads a document of kind HelmChartInflationGenerator.
pub(super) fn document(mut f: Fields<'_>) -> Result<ChartEntry> {
    let home = home(&mut f)?;
    let entry = entry(&mut f)?;
    Ok(ChartEntry { home, ..entry })
}

fn home(f: &mut Fields<'_>) -> Result<String> {
    // Where Helm would keep its own configuration: there is no Helm.
    f.text("configHome")?;
    f.text_or_empty("chartHome")
}

fn entry(f: &mut Fields<'_>) -> Result<ChartEntry> {
    // These ask for the network or for words on the terminal.
    f.flag("devel")?;
    f.flag("debug")?;
    if let Some(node) = f.take("nameTemplate").filter(|node| !node.is_empty()) {
        return Err(KustomizeError::Refused {
            at: Origin::new(f.file(), node.pos.line),
            what: "nameTemplate".to_owned(),
            hint: "name the release with releaseName".to_owned(),
        });
    }
    Ok(ChartEntry {
        at: f.at().clone(),
        name: f.text_or_empty("name")?,
        version: f.text_or_empty("version")?,
        repo: f.text_or_empty("repo")?,
        home: String::new(),
        release_name: f.text_or_empty("releaseName")?,
        namespace: f.text_or_empty("namespace")?,
        values_file: f.text_or_empty("valuesFile")?,
        additional_values_files: f.texts("additionalValuesFiles")?,
        values_inline: inline(f, "valuesInline")?,
        values_merge: values_merge(f)?,
        include_crds: f.flag("includeCRDs")?,
        skip_hooks: f.flag("skipHooks")?,
        skip_tests: f.flag("skipTests")?,
        api_versions: f.texts("apiVersions")?.into_iter().map(|version| version.text).collect(),
        kube_version: f.text_or_empty("kubeVersion")?,
    })
}

/// The form from before `helmCharts`. As upstream has it, the namespace and the extra arguments of it say nothing.
fn old_entry(mut f: Fields<'_>) -> Result<ChartEntry> {
    for name in ["chartRepoName", "helmBin", "helmHome", "releaseNamespace", "extraArgs"] {
        f.take(name);
    }
    let entry = ChartEntry {
        at: f.at().clone(),
        name: f.text_or_empty("chartName")?,
        version: f.text_or_empty("chartVersion")?,
        repo: f.text_or_empty("chartRepoUrl")?,
        home: f.text_or_empty("chartHome")?,
        release_name: f.text_or_empty("releaseName")?,
        namespace: String::new(),
        values_file: f.text_or_empty("values")?,
        additional_values_files: Vec::new(),
        values_inline: inline(&mut f, "valuesLocal")?,
        values_merge: values_merge(&mut f)?,
        include_crds: false,
        skip_hooks: false,
        skip_tests: false,
        api_versions: Vec::new(),
        kube_version: String::new(),
    };
    f.finish()?;
    Ok(entry)
}

fn inline(f: &mut Fields<'_>, name: &str) -> Result<Map> {
    let Some(node) = f.take(name) else { return Ok(Map::new()) };
    match node.as_map() {
        Some(map) => Ok(map.clone()),
        None => Err(f.error(format!("{name} must be a map, it is {}", node.kind_name()))),
    }
}

fn values_merge(f: &mut Fields<'_>) -> Result<ValuesMerge> {
    match f.text_or_empty("valuesMerge")?.as_str() {
        "" | "override" => Ok(ValuesMerge::Override),
        "merge" => Ok(ValuesMerge::Merge),
        "replace" => Ok(ValuesMerge::Replace),
        _ => Err(f.error("valuesMerge must be one of [merge override replace]")),
    }
}

/// The objects of a chart. `namespace` is that of the kustomization or of the next one above that has one.
pub(super) fn inflate(source: &Source<'_>, entry: &ChartEntry, namespace: &str) -> Result<Vec<Resource>> {
    let fail = |error: crate::helm::HelmError| KustomizeError::Chart {
        at: entry.at.clone(),
        name: entry.name.clone(),
        source: Box::new(error),
    };
    let (build, helm) = (source.build, source.build.helm);
    let loading = Loading::new(build.files, helm, build.limits);
    let (chart, is_fetched) = entry.chart(source, loading)?;
    let mut given = entry.values(source, is_fetched.then_some(&chart))?;
    for file in &entry.additional_values_files {
        let (path, bytes) = source.named_file(&file.text, &file.at)?;
        let more = read_values(&path, &bytes, build.limits).map_err(fail)?;
        crate::helm::merge_over(&mut given, more);
    }
    let or = |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
    let namespace = or(&or(&entry.namespace, namespace), "default");
    let kube_version = Some(entry.kube_version.as_str()).filter(|version| !version.is_empty());
    let api_versions = if entry.api_versions.is_empty() { &helm.api_versions } else { &entry.api_versions };
    let release = Release::template(&Request {
        loading,
        chart: &chart,
        name: &or(&entry.release_name, DEFAULT_RELEASE),
        namespace: &namespace,
        given,
        kube_version: kube_version.or(helm.kube_version.as_deref()),
        api_versions,
        wanted: Wanted {
            crds: entry.include_crds,
            hooks: !entry.skip_hooks,
            tests: !entry.skip_tests,
            schema_validation: true,
        },
        engine: &helm.templates,
        program: None,
    })
    .map_err(fail)?;
    let mut resources = Vec::new();
    for (text, origin) in release.texts() {
        let documents = source.documents(text.as_bytes(), origin)?;
        resources.extend(source.expanded(documents, origin)?.into_iter().map(|resource| Resource {
            origin: origin.clone(),
            from_chart: true,
            ..resource
        }));
    }
    Ok(resources)
}

impl ChartEntry {
    /// The directory of charts, as the kustomization would write it.
    fn home(&self) -> String {
        let home = if self.home.is_empty() { DEFAULT_HOME } else { &self.home };
        // Upstream keeps what it fetched apart by version.
        if self.version.is_empty() || self.repo.is_empty() {
            home.to_owned()
        } else {
            format!("{home}/{}-{}", self.name, self.version)
        }
    }

    /// The directory of the chart, and whether it comes from elsewhere.
    fn chart(&self, source: &Source<'_>, loading: Loading<'_>) -> Result<(RepoPath, bool)> {
        if self.name.is_empty() {
            return Err(KustomizeError::file(self.at.clone(), "chart name cannot be empty"));
        }
        let named = format!("{}/{}", self.home(), self.name);
        let missing = |why: String| KustomizeError::Refused {
            at: self.at.clone(),
            what: format!("the chart '{}', which is not at '{named}',", self.name),
            hint: format!(
                "{why}; vendor it there (helm pull --untar) and commit it, or pin it (`gitstellar lock`, for charts of https and OCI repositories) and commit gitstellar.lock"
            ),
        };
        let path = source.path(&named, &self.at).map_err(|error| missing(error.to_string()))?;
        match source.build.files.find(&path) {
            Ok(Found::Directory { path: real }) => Ok((real, false)),
            Ok(_) => match self.fetched(loading)? {
                Some(place) => Ok((place, true)),
                None => Err(missing("there is no such directory".to_owned())),
            },
            Err(error) => Err(missing(error.to_string())),
        }
    }

    fn fetched(&self, loading: Loading<'_>) -> Result<Option<RepoPath>> {
        let need = ChartNeed::new(&self.at, &self.repo, &self.name, &self.version);
        if !need.can_come() {
            return Ok(None);
        }
        mounted(loading, need).map_err(|error| KustomizeError::Chart {
            at: self.at.clone(),
            name: self.name.clone(),
            source: Box::new(error.into()),
        })
    }

    /// The values file and the inline values, as the release gets them. `fetched` is the directory of a chart that comes from elsewhere.
    fn values(&self, source: &Source<'_>, fetched: Option<&RepoPath>) -> Result<Map> {
        let file = || {
            if let (Some(dir), true) = (fetched, self.values_file.is_empty()) {
                let path = dir.child("values.yaml");
                let read = source.build.files.read(&path);
                let what = "the values of the chart cannot be read".to_owned();
                let bytes =
                    read.map_err(|source| KustomizeError::Read { at: self.at.clone(), what, source })?;
                return Ok((path, bytes));
            }
            let default = format!("{}/{}/values.yaml", self.home(), self.name);
            let name = if self.values_file.is_empty() { default } else { self.values_file.clone() };
            source.named_file(&name, &self.at)
        };
        let inline = &self.values_inline;
        match self.values_merge {
            // Without inline values the file is handed on as it is.
            _ if inline.is_empty() => {
                let (path, bytes) = file()?;
                read_values(&path, &bytes, source.build.limits).map_err(|error| KustomizeError::Chart {
                    at: self.at.clone(),
                    name: self.name.clone(),
                    source: Box::new(error),
                })
            }
            ValuesMerge::Replace => Ok(inline.clone()),
            merge => {
                let (path, bytes) = file()?;
                let documents = source.documents(&bytes, &Origin::new(&path, 0))?;
                let held = documents.into_iter().next().unwrap_or_else(Node::map);
                let inline = Node::from(Value::Map(inline.clone()));
                let (under, over) =
                    if merge == ValuesMerge::Override { (held, inline) } else { (inline, held) };
                let wrong = |error: String| KustomizeError::step(&self.at, "valuesInline", error);
                let merged = strategic::merge(under, over, &Schemas::default()).map_err(wrong)?;
                Ok(match merged.map(|node| node.value) {
                    Some(Value::Map(map)) => map,
                    _ => Map::new(),
                })
            }
        }
    }
}
