//! What the templates of a chart see: `.Values`, `.Chart`, `.Release`, `.Capabilities`, `.Files`, `.Subcharts`.

use std::rc::Rc;

use super::chart::{Dependency, Import, Metadata};
use super::dependencies::Part;
use super::files::ChartFiles;
use super::value::{Dict, DictKind, Value};
use super::values;

/// What all charts of a release see alike.
pub(super) struct Shared {
    pub(super) release: Value,
    pub(super) capabilities: Value,
}

/// The context of one chart's templates, and of its subcharts'.
pub(super) struct Scope<'p> {
    pub(super) part: &'p Part<'p>,
    /// The path of the chart with the names of its parents: `web/charts/db`.
    pub(super) path: String,
    /// One map for all templates of the chart.
    pub(super) context: Dict,
    pub(super) below: Vec<Scope<'p>>,
}

/// `.Release`.
pub(super) fn release(name: &str, namespace: &str) -> Value {
    Value::Dict(Dict::of([
        ("Name", Value::from(name)),
        ("Namespace", Value::from(namespace)),
        ("IsUpgrade", Value::Bool(false)),
        ("IsInstall", Value::Bool(true)),
        ("Revision", Value::int(1)),
        ("Service", Value::from("Helm")),
    ]))
}

impl<'p> Scope<'p> {
    /// The contexts of a release. `values` are the coalesced ones.
    pub(super) fn of_release(part: &'p Part<'p>, values: &Dict, shared: &Shared) -> Self {
        Scope::new(part, part.name().to_owned(), Some(values), shared)
    }

    fn new(part: &'p Part<'p>, path: String, values: Option<&Dict>, shared: &Shared) -> Self {
        let is_root = path == part.name();
        // A subchart sees the very map that is its section in its parent's values: what one changes the other sees.
        let values =
            values.map_or_else(|| Dict::new(DictKind::Values), |held| held.seen_as(DictKind::Values));
        let subcharts = Dict::new(DictKind::Any);
        let context = Dict::of([
            ("Chart", chart(&part.metadata, is_root)),
            ("Files", Value::host(ChartFiles::new(&part.chart.files))),
            ("Release", shared.release.clone()),
            ("Capabilities", shared.capabilities.clone()),
            ("Values", Value::Dict(values.clone())),
            ("Subcharts", Value::Dict(subcharts.clone())),
        ]);
        let enter = |below: &'p Part<'p>| {
            let section = values::table(&values, below.name());
            Scope::new(below, format!("{path}/charts/{}", below.name()), section.as_ref(), shared)
        };
        let below: Vec<Scope<'p>> = part.parts.iter().map(enter).collect();
        for scope in &below {
            subcharts.insert(scope.part.name(), Value::Dict(scope.context.clone()));
        }
        Scope { part, path, context, below }
    }
}

/// `.Chart`: the fields have Go's names.
fn chart(metadata: &Metadata, is_root: bool) -> Value {
    let texts = |items: &[String]| Value::list(items.iter().map(|item| Value::from(item.as_str())).collect());
    let text = |text: &str| Value::from(text);
    let annotations = metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| (Rc::from(key.as_str()), Value::from(value.as_str())));
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        Value::Dict(Dict::of([
            ("Name", text(&maintainer.name)),
            ("Email", text(&maintainer.email)),
            ("URL", text(&maintainer.url)),
        ]))
    });
    let dependencies = metadata.dependencies.iter().flatten().map(dependency);
    Value::Dict(Dict::of([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", Value::list(maintainers.collect())),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", Value::Dict(Dict::from_entries(DictKind::Strings, annotations))),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", Value::list(dependencies.collect())),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Value::Bool(is_root)),
    ]))
}

fn dependency(dependency: &Dependency) -> Value {
    let text = |text: &str| Value::from(text);
    let imports = dependency.imports.iter().map(|import| {
        let (child, parent) = match import {
            Import::Export(name) => (format!("exports.{name}"), "."),
            Import::Table { child, parent } => (child.clone(), parent.as_str()),
        };
        let entries = [(Rc::from("child"), Value::from(child)), (Rc::from("parent"), Value::from(parent))];
        Value::Dict(Dict::from_entries(DictKind::Strings, entries))
    });
    let tags = dependency.tags.iter().map(|tag| text(tag));
    Value::Dict(Dict::of([
        ("Name", text(&dependency.name)),
        ("Version", text(&dependency.version)),
        ("Repository", text(&dependency.repository)),
        ("Condition", text(&dependency.condition)),
        ("Tags", Value::list(tags.collect())),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::list(imports.collect())),
        ("Alias", text(&dependency.alias)),
    ]))
}
