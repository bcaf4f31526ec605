//! One release of a chart: from the tree and the settings to manifests.

use super::capabilities::{Capabilities, KubeVersion};
use super::chart::{self, Chart, ChartError, ChartFile, Loading};
use super::context::{Scope, Shared, release};
use super::dependencies::{DependencyError, Part, compatible, is_partial};
use super::engine::{self, EngineOptions, TemplateFile};
use super::error::HelmError;
use super::manifest::{self, Manifest, Printed};
use super::program::{Program, ProgramError, ProgramRequest};
use super::schema;
use super::value::{Dict, DictKind, Value};
use super::values::{self, Nulls};
use crate::object::{Hook, Origin, OriginalId, RenderedObject};
use crate::tree::RepoPath;
use crate::yaml::{self, Map, Node, emit};

/// The longest name of a release.
const MAX_NAME: usize = 53;

/// What a release is made of.
pub(crate) struct Request<'a> {
    pub(crate) loading: Loading<'a>,
    /// The chart: a directory or an archive.
    pub(crate) chart: &'a RepoPath,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    /// Values files and inline values, merged.
    pub(crate) given: Map,
    pub(crate) kube_version: Option<&'a str>,
    pub(crate) api_versions: &'a [String],
    pub(crate) wanted: Wanted,
    pub(crate) engine: &'a EngineOptions,
    /// Set where a helm binary is to render.
    pub(crate) program: Option<Option<&'a Program>>,
}

/// Which parts of a release are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) crds: bool,
    pub(crate) hooks: bool,
    pub(crate) tests: bool,
    pub(crate) schema_validation: bool,
}

/// What a release installs.
#[derive(Debug, Default)]
pub(crate) struct Release {
    /// The files of `crds/`, as they are.
    crds: Vec<Manifest>,
    manifests: Vec<Manifest>,
    hooks: Vec<Manifest>,
}

impl Release {
    /// Renders a chart.
    pub(crate) fn template(request: &Request<'_>) -> Result<Release, HelmError> {
        let at = Origin::new(request.chart, 0);
        check_name(request.name, &at)?;
        let kube_version = match request.kube_version {
            Some(text) => KubeVersion::parse(text)
                .map_err(|source| HelmError::KubeVersion { at: at.clone(), source })?,
            None => KubeVersion::default(),
        };
        if let Some(program) = request.program {
            return Ok(by_program(request, program, &at)?.only(request.wanted));
        }
        let chart = Chart::load(request.loading, request.chart)?;
        check_installable(&chart)?;
        let given = Dict::from_document(&request.given, DictKind::Any);
        let part = Part::resolve(&chart, &given)?;
        let values = values::coalesce(&part, &given, Nulls::Delete)
            .map_err(|what| DependencyError::values(&chart, &what))?;
        if request.wanted.schema_validation {
            schema::check(&part, &values).map_err(|source| {
                let at = source.place().unwrap_or(&chart.at).clone();
                HelmError::Schema { at, source }
            })?;
        }
        check_kube_version(&part, &kube_version)?;
        let shared = Shared {
            release: release(request.name, request.namespace),
            capabilities: Value::host(Capabilities::new(kube_version, request.api_versions)),
        };
        let scope = Scope::of_release(&part, &values, &shared);
        let mut release = rendered(&scope, request)?;
        if request.wanted.crds {
            crds_of(&part, part.name(), request, &mut release.crds)?;
        }
        Ok(release.only(request.wanted))
    }

    fn only(mut self, wanted: Wanted) -> Self {
        self.hooks.retain(|manifest| wanted.hooks && (wanted.tests || !manifest.test));
        self
    }

    /// What `helm template` prints.
    pub(crate) fn printed(&self) -> String {
        let print = |manifest: &Manifest| format!("---\n# Source: {}\n{}\n", manifest.source, manifest.text);
        let body: String = self.crds.iter().chain(&self.manifests).map(print).collect();
        let hooks: String = self.hooks.iter().map(print).collect();
        format!("{}\n{hooks}", body.trim())
    }

    /// The text of each manifest, in the order of `helm template`, and where it comes from.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &Origin)> {
        let all = self.crds.iter().chain(&self.manifests).chain(&self.hooks);
        all.map(|manifest| (manifest.text.as_str(), &manifest.origin))
    }

    /// Documents that were parsed.
    pub(crate) fn documents(&self) -> u64 {
        let all = self.crds.iter().chain(&self.manifests).chain(&self.hooks);
        all.map(|manifest| manifest.objects.len() as u64).sum()
    }

    /// The objects, lists expanded, in the order of installation; hooks last.
    pub(crate) fn objects(self) -> Result<Vec<RenderedObject>, HelmError> {
        let mut objects = Vec::new();
        for manifest in self.crds.into_iter().chain(self.manifests).chain(self.hooks) {
            for (node, origin) in manifest.objects {
                expand(node, (&manifest.source, origin, manifest.hook), &mut objects)?;
            }
        }
        Ok(objects)
    }
}

fn check_name(name: &str, at: &Origin) -> Result<(), HelmError> {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    if !name.is_empty() && name.len() <= MAX_NAME && name.split('.').all(label) {
        return Ok(());
    }
    let message = format!(
        "the release name '{name}' is invalid: lower case letters, digits, '-' and '.', at most {MAX_NAME} of them; set helm.releaseName"
    );
    Err(HelmError::release(at, message))
}

fn check_installable(chart: &Chart) -> Result<(), HelmError> {
    match chart.metadata.kind.as_str() {
        "" | "application" => Ok(()),
        kind => Err(HelmError::release(
            &chart.at,
            format!("{kind} charts are not installable; they are for other charts to depend on"),
        )),
    }
}

fn check_kube_version(part: &Part<'_>, kube_version: &KubeVersion) -> Result<(), HelmError> {
    let wanted = &part.metadata.kube_version;
    if wanted.is_empty() || compatible(wanted, kube_version.numbers()) {
        return Ok(());
    }
    let message = format!(
        "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}; set helm.kubeVersion to the clusters' version",
        kube_version.as_given()
    );
    Err(HelmError::release(&part.chart.at, message))
}

/// One template of the release.
struct Template<'p> {
    name: String,
    base_path: String,
    file: &'p ChartFile,
    context: Dict,
}

fn templates<'p>(scope: &Scope<'p>, into: &mut Vec<Template<'p>>) {
    scope.below.iter().for_each(|below| templates(below, into));
    into.extend(scope.part.templates().map(|file| Template {
        name: format!("{}/{}", scope.path, file.name),
        base_path: format!("{}/templates", scope.path),
        file,
        context: scope.context.clone(),
    }));
}

fn rendered(scope: &Scope<'_>, request: &Request<'_>) -> Result<Release, HelmError> {
    let mut all = Vec::new();
    templates(scope, &mut all);
    let asked: Vec<TemplateFile<'_>> = all
        .iter()
        .map(|template| TemplateFile {
            name: &template.name,
            text: &template.file.bytes,
            context: template.context.clone(),
            base_path: &template.base_path,
            rendered: !is_partial(&template.name),
        })
        .collect();
    let file_of =
        |name: &str| all.iter().find(|template| template.name == name).map(|template| template.file);
    let in_time = || request.loading.files.check_time(request.chart).map_err(ChartError::from);
    in_time()?;
    let texts =
        engine::render(&asked, request.engine, request.loading.files.deadline()).map_err(|error| {
            let place = file_of(&error.at.template).map(|file| file.place(error.at.line));
            let mut at = place.unwrap_or_else(|| Origin::new(request.chart, 0));
            // Ours count from 1.
            at.column = if error.at.column > 0 { error.at.column + 1 } else { 0 };
            HelmError::Template { at, error: Box::new(error) }
        })?;
    in_time()?;
    let mut printed = Vec::new();
    for text in &texts {
        let Some(file) = file_of(&text.name) else { continue };
        // What is for people's eyes is no manifest.
        if !text.name.ends_with("NOTES.txt") {
            printed.push(Printed { source: &text.name, text: &text.text, file });
        }
    }
    let (manifests, hooks) = manifest::sort(printed, request.loading.yaml)?;
    Ok(Release { crds: Vec::new(), manifests, hooks })
}

/// The files of `crds/`, those of subcharts after them.
fn crds_of(
    part: &Part<'_>,
    path: &str,
    request: &Request<'_>,
    into: &mut Vec<Manifest>,
) -> Result<(), HelmError> {
    let is_manifest = |name: &str| {
        let name = name.to_lowercase();
        [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
    };
    for file in
        part.chart.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name))
    {
        into.push(Manifest::of_file(format!("{path}/{}", file.name), file, request.loading.yaml)?);
    }
    for below in &part.parts {
        crds_of(below, &format!("{path}/charts/{}", below.name()), request, into)?;
    }
    Ok(())
}

/// The same release by a helm binary.
fn by_program(request: &Request<'_>, program: Option<&Program>, at: &Origin) -> Result<Release, HelmError> {
    let fail = |source: ProgramError| HelmError::Program { at: at.clone(), source };
    let program = program.ok_or_else(|| fail(ProgramError::NotConfigured))?;
    let files = chart::files_of(request.loading, request.chart)?;
    let given: Node = yaml::Value::Map(request.given.clone()).into();
    let asked = ProgramRequest {
        files: files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect(),
        release_name: request.name.to_owned(),
        namespace: request.namespace.to_owned(),
        values: emit(&given),
        kube_version: request.kube_version.map(str::to_owned),
        api_versions: request.api_versions.to_vec(),
        include_crds: request.wanted.crds,
        skip_hooks: !request.wanted.hooks,
        skip_tests: !request.wanted.tests,
        skip_schema_validation: !request.wanted.schema_validation,
    };
    let text = program.template(&asked).map_err(fail)?;
    let (manifests, hooks) = manifest::sourced(&text, (&files, request.chart), request.loading.yaml)?;
    Ok(Release { crds: Vec::new(), manifests, hooks })
}

fn expand(
    mut node: Node,
    (source, origin, hook): (&str, Origin, Option<Hook>),
    objects: &mut Vec<RenderedObject>,
) -> Result<(), HelmError> {
    let text = |path: &[&str]| node.at(path).and_then(Node::scalar_text).unwrap_or_default();
    let (kind, name, namespace) =
        (text(&["kind"]), text(&["metadata", "name"]), text(&["metadata", "namespace"]));
    let fail = |message: &str| {
        let source_template = source.to_owned();
        Err(HelmError::NotAnObject { at: origin.clone(), source_template, message: message.to_owned() })
    };
    if kind.is_empty() || text(&["apiVersion"]).is_empty() {
        return fail("apiVersion and kind must be set");
    }
    if kind.ends_with("List")
        && let Some(items) = node.as_map_mut().and_then(|map| map.remove("items"))
    {
        return match items.value {
            yaml::Value::Seq(items) => {
                items.into_iter().try_for_each(|item| expand(item, (source, origin.clone(), hook), objects))
            }
            yaml::Value::Null => Ok(()),
            _ => fail("items of a list must be a list"),
        };
    }
    if name.is_empty() {
        return fail("metadata.name must be set (generateName cannot be synced)");
    }
    let mut object = RenderedObject::new(node, origin, OriginalId { kind, name, namespace });
    object.hook = hook;
    objects.push(object);
    Ok(())
}
