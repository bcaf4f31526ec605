//! What can go wrong with a chart. Every variant says where; none holds a value of the values or of an object.

use super::capabilities::KubeVersionError;
use super::chart::ChartError;
use super::dependencies::DependencyError;
use super::fault::{TemplateError, TemplateProblem};
use super::program::ProgramError;
use super::schema::SchemaError;
use crate::error::Trouble;
use crate::object::Origin;
use crate::tree::{RepoPath, TreeError};
use crate::yaml::YamlError;

/// Why a chart could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// The chart cannot be loaded.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The charts of the release do not fit together.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The values break a schema.
    #[error("{at}: {source}")]
    Schema {
        /// The schema, or the chart.
        at: Origin,
        /// What is broken.
        source: SchemaError,
    },
    /// A values file cannot be read.
    #[error("{at}: valuesFiles: '{name}' cannot be read; name a file of this repository, relative to {base}")]
    ValuesFile {
        /// The chart.
        at: Origin,
        /// The file, as it is named.
        name: String,
        /// What names are relative to.
        base: RepoPath,
        /// Why.
        #[source]
        source: TreeError,
    },
    /// A values file that is no file of the repository.
    #[error("{at}: valuesFiles: '{name}' is an address; a render has no network, commit the file")]
    RemoteValues {
        /// The chart.
        at: Origin,
        /// The address.
        name: String,
    },
    /// A template failed.
    #[error("{}", failed(at, error))]
    Template {
        /// The template's file, line and column.
        at: Origin,
        /// What failed.
        error: Box<TemplateError>,
    },
    /// What a template printed is no YAML.
    #[error("{at}: YAML parse error on what the template printed: {source}")]
    Printed {
        /// The template.
        at: Origin,
        /// What is wrong, with lines of the printed text.
        source: YamlError,
    },
    /// A document that is no Kubernetes object.
    #[error("{at}: {source_template} {} a document that is no object: {message}", has(source_template))]
    NotAnObject {
        /// The template.
        at: Origin,
        /// Its name in the chart.
        source_template: String,
        /// What is missing.
        message: String,
    },
    /// The chart cannot be released like this.
    #[error("{at}: {message}")]
    Release {
        /// The chart.
        at: Origin,
        /// What is wrong and what to do.
        message: String,
    },
    /// A release holds too much.
    #[error("{at}: {message}")]
    OverLimit {
        /// The chart.
        at: Origin,
        /// The limit and what to do.
        message: String,
    },
    /// A Kubernetes version that is none.
    #[error("{at}: kubeVersion: {source}")]
    KubeVersion {
        /// The chart.
        at: Origin,
        /// Why.
        source: KubeVersionError,
    },
    /// The helm program did not render the chart.
    #[error("{at}: engine cli: {source}")]
    Program {
        /// The chart.
        at: Origin,
        /// Why.
        source: ProgramError,
    },
}

impl HelmError {
    pub(crate) fn place(&self) -> Option<Origin> {
        match self {
            HelmError::Chart(error) => error.place(),
            HelmError::Dependencies(
                DependencyError::Missing { at, .. }
                | DependencyError::Values { at, .. }
                | DependencyError::LongPath { at, .. },
            )
            | HelmError::Schema { at, .. }
            | HelmError::ValuesFile { at, .. }
            | HelmError::RemoteValues { at, .. }
            | HelmError::Template { at, .. }
            | HelmError::Printed { at, .. }
            | HelmError::NotAnObject { at, .. }
            | HelmError::Release { at, .. }
            | HelmError::OverLimit { at, .. }
            | HelmError::KubeVersion { at, .. }
            | HelmError::Program { at, .. } => Some(at.clone()),
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            HelmError::Chart(error) => error.trouble(),
            HelmError::ValuesFile { source, .. } => source.trouble(),
            HelmError::RemoteValues { .. } => Trouble::Refused,
            HelmError::Template { error, .. } => match error.problem {
                TemplateProblem::Limit { .. } => Trouble::OverLimit,
                TemplateProblem::Refused { .. } => Trouble::Refused,
                _ => Trouble::Failed,
            },
            HelmError::Printed { source, .. } => source.trouble(),
            HelmError::OverLimit { .. } => Trouble::OverLimit,
            HelmError::Program { source, .. } => match source {
                ProgramError::NotConfigured => Trouble::Refused,
                ProgramError::TooSlow { .. } | ProgramError::TooMuch { .. } => Trouble::OverLimit,
                _ => Trouble::Failed,
            },
            _ => Trouble::Failed,
        }
    }

    pub(super) fn release(at: &Origin, message: impl Into<String>) -> Self {
        HelmError::Release { at: at.clone(), message: message.into() }
    }
}

/// Inside an archive only the template's own name tells where.
fn failed(at: &Origin, error: &TemplateError) -> String {
    if at.line == 0 { format!("{at}: {error}") } else { format!("{at}: {}", error.what()) }
}

/// What a file does with a document: those of `crds/` are no templates.
fn has(source: &str) -> &'static str {
    let mut inner = source.split_once('/').map_or("", |(_, inner)| inner);
    while let Some((_, below)) = inner.strip_prefix("charts/").and_then(|charts| charts.split_once('/')) {
        inner = below;
    }
    if inner.starts_with("crds/") { "holds" } else { "printed" }
}
