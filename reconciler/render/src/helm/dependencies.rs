//! Which of a chart's subcharts take part in a release, under which names, and what they give to their parents' values.

use std::rc::Rc;

use super::chart::{Chart, ChartFile, Dependency, Import, Metadata};
use super::functions::{Range, Version};
use super::value::{Dict, DictKind, Value};
use super::values::{self, Mismatch, Nulls};
use crate::object::Origin;

/// A chart of a release, and the subcharts of it that are enabled.
#[derive(Clone)]
pub(crate) struct Part<'c> {
    pub(crate) chart: &'c Chart,
    /// As the release sees it: an alias is its name, dependencies are those that are enabled.
    pub(crate) metadata: Metadata,
    /// Its values by default, with what its subcharts give to it.
    pub(crate) defaults: Dict,
    pub(crate) parts: Vec<Part<'c>>,
}

/// Why the charts of a release do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// A chart is named, and is not there.
    #[error(
        "{at}: found in Chart.yaml, but missing in charts/ directory: {missing}; vendor the charts (`helm dependency build`) and commit charts/, or pin those of https and OCI repositories (`gitstellar lock`) and commit gitstellar.lock"
    )]
    Missing {
        /// Where the first of them is named.
        at: Origin,
        /// Their names.
        missing: String,
    },
    /// Values that do not fit the subcharts.
    #[error("{at}: {what}")]
    Values {
        /// The chart, or the values file.
        at: Origin,
        /// The path of the value.
        path: String,
        /// What does not fit.
        what: String,
    },
    /// A path that no values reach.
    #[error("{at}: import-values: the path '{path}' has more than {MAX_PATH} parts; name a table further up")]
    LongPath {
        /// Where the dependency is named.
        at: Origin,
        /// How it begins.
        path: String,
    },
}

impl DependencyError {
    /// The place is that of the chart's own value, if it has one.
    pub(super) fn values(chart: &Chart, mismatch: &Mismatch) -> Self {
        let own = values::no_map(&chart.defaults, &mismatch.path).filter(|_| chart.at.line > 0);
        let file = chart.at.file.parent().map(|directory| directory.child("values.yaml"));
        let at =
            own.zip(file).map_or_else(|| chart.at.clone(), |(node, file)| Origin::new(&file, node.pos.line));
        DependencyError::Values { at, path: mismatch.path.clone(), what: mismatch.to_string() }
    }
}

/// Names in the path of an import; documents allow no deeper values either.
const MAX_PATH: usize = 100;

impl<'c> Part<'c> {
    /// The chart with every chart that it carries.
    fn whole(chart: &'c Chart) -> Self {
        Part {
            chart,
            metadata: chart.metadata.clone(),
            defaults: Dict::from_document(&chart.defaults, DictKind::Any),
            parts: chart.dependencies.iter().map(Part::whole).collect(),
        }
    }

    /// The name of its section in the values of its parent.
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The files of `templates/` that count: a library chart has partials only.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &'c ChartFile> {
        let library = self.metadata.is_library();
        self.chart.templates.iter().filter(move |file| !library || is_partial(&file.name))
    }

    /// Resolves the dependencies of a chart for the values that a release gives it.
    pub(crate) fn resolve(chart: &'c Chart, given: &Dict) -> Result<Self, DependencyError> {
        check_presence(chart)?;
        let mut part = Part::whole(chart);
        part.enable(given, "").map_err(|what| DependencyError::values(chart, &what))?;
        part.import_all()?;
        Ok(part)
    }

    /// Keeps what is enabled. `path` is that of this chart's section in the values of the topmost chart, a dot at its end.
    fn enable(&mut self, given: &Dict, path: &str) -> Result<(), Mismatch> {
        let Some(mut named) = self.metadata.dependencies.take() else { return Ok(()) };
        let carried = std::mem::take(&mut self.parts);
        let fits = |part: &Part<'_>, dependency: &Dependency| {
            part.name() == dependency.name && compatible(&dependency.version, &part.metadata.version)
        };
        // Charts that nobody names are always enabled.
        let unnamed = carried.iter().filter(|part| !named.iter().any(|dependency| fits(part, dependency)));
        self.parts = unnamed.cloned().collect();
        for dependency in &mut named {
            if let Some(part) = carried.iter().find(|part| fits(part, dependency)) {
                let mut part = part.clone();
                dependency.called().clone_into(&mut part.metadata.name);
                self.parts.push(part);
            }
            dependency.name = dependency.called().to_owned();
            dependency.enabled = true;
        }
        let seen = values::coalesce(self, given, Nulls::Delete)?;
        for dependency in &mut named {
            by_tags(dependency, &seen);
            by_conditions(dependency, &seen, path);
        }
        let disabled = |name: &str| named.iter().any(|held| !held.enabled && held.name == name);
        self.parts.retain(|part| !disabled(part.name()));
        let kept: Vec<Dependency> = named.iter().filter(|held| !disabled(&held.name)).cloned().collect();
        // Upstream forgets the list when nothing of it is left.
        self.metadata.dependencies = (!kept.is_empty()).then_some(kept);
        for part in &mut self.parts {
            let below = format!("{path}{}.", part.name());
            part.enable(&seen, &below)?;
        }
        Ok(())
    }

    /// Takes what subcharts export into the defaults of their parents, from the bottom up.
    fn import_all(&mut self) -> Result<(), DependencyError> {
        for part in &mut self.parts {
            part.import_all()?;
        }
        self.import()
    }

    fn import(&mut self) -> Result<(), DependencyError> {
        let Some(named) = &self.metadata.dependencies else { return Ok(()) };
        let merged = values::coalesce(self, &Dict::new(DictKind::Any), Nulls::Keep)
            .map_err(|what| DependencyError::values(self.chart, &what))?;
        let imported = Dict::new(DictKind::Any);
        for dependency in named {
            for import in &dependency.imports {
                let (child, parent) = match import {
                    Import::Export(name) => (format!("exports.{name}"), "."),
                    Import::Table { child, parent } => (child.clone(), parent.as_str()),
                };
                // A table that is not there is passed over.
                let path = format!("{}.{child}", dependency.name);
                let Some(table) = values::table(&merged, &path) else { continue };
                let table = placed(table, parent, dependency)?;
                values::lay_under(&imported, &table, Nulls::Keep);
            }
        }
        // What is imported is weaker than the parent's own.
        let own = values::copy(&merged);
        values::lay_under(&own, &imported, Nulls::Keep);
        self.defaults = own;
        Ok(())
    }
}

/// Whether a version lies in a range; a text that is neither never fits.
pub(super) fn compatible(range: &str, version: &str) -> bool {
    Range::parse(range).zip(Version::parse(version)).is_some_and(|(range, version)| range.holds(&version))
}

/// A file that is parsed for its definitions only.
pub(super) fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

fn check_presence(chart: &Chart) -> Result<(), DependencyError> {
    let named = chart.metadata.dependencies.as_deref().unwrap_or_default();
    let carried = |name: &str| chart.dependencies.iter().any(|held| held.metadata.name == name);
    let missing: Vec<&Dependency> = named.iter().filter(|dependency| !carried(&dependency.name)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let names: Vec<&str> = missing.iter().map(|dependency| dependency.name.as_str()).collect();
    Err(DependencyError::Missing { at: first.at.clone(), missing: names.join(", ") })
}

/// One tag that is true enables, else one that is false disables.
fn by_tags(dependency: &mut Dependency, values: &Dict) {
    let Some(tags) = values::table(values, "tags") else { return };
    let said: Vec<bool> = dependency
        .tags
        .iter()
        .filter_map(|tag| match tags.get(tag) {
            Some(Value::Bool(said)) => Some(said),
            _ => None,
        })
        .collect();
    dependency.enabled = said.is_empty() || said.contains(&true);
}

/// The first condition that names a boolean decides, whatever the tags say.
fn by_conditions(dependency: &mut Dependency, values: &Dict, path: &str) {
    let mut conditions = dependency.condition.trim().split(',').filter(|condition| !condition.is_empty());
    let said = conditions.find_map(|condition| match values::scalar(values, &format!("{path}{condition}")) {
        Some(Value::Bool(said)) => Some(said),
        _ => None,
    });
    if let Some(said) = said {
        dependency.enabled = said;
    }
}

/// The table below maps for each name of the path.
fn placed(table: Dict, path: &str, dependency: &Dependency) -> Result<Dict, DependencyError> {
    if path == "." {
        return Ok(table);
    }
    let names: Vec<&str> = path.split('.').collect();
    if names.len() > MAX_PATH {
        let path = path.chars().take(40).collect();
        return Err(DependencyError::LongPath { at: dependency.at.clone(), path });
    }
    Ok(names.iter().rev().fold(table, |inner, name| {
        Dict::from_entries(DictKind::Any, [(Rc::from(*name), Value::Dict(inner))])
    }))
}
