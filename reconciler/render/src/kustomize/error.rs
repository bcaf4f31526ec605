//! What can go wrong in a kustomization. Every variant says where; none holds a value of an object.

use super::bounds;
use crate::error::Trouble;
use crate::helm::HelmError;
use crate::object::Origin;
use crate::tree::TreeError;
use crate::yaml::YamlError;

/// Why a kustomization could not be built.
#[derive(Debug, thiserror::Error)]
pub enum KustomizeError {
    /// The text of a kustomization, or of a file it configures a step with, is wrong.
    #[error("{at}: {message}")]
    File {
        /// Where.
        at: Origin,
        /// What is wrong and what to do.
        message: String,
    },
    /// Something a render never does.
    #[error("{at}: {what} is refused: {hint}")]
    Refused {
        /// Where it is asked for.
        at: Origin,
        /// What is refused.
        what: String,
        /// Why, and what to do instead.
        hint: String,
    },
    /// A build holds too much.
    #[error("{at}: {message}")]
    OverLimit {
        /// Where it became too much.
        at: Origin,
        /// The limit and what to do.
        message: String,
    },
    /// A file or directory that is named could not be read.
    #[error("{at}: {what}")]
    Read {
        /// Where it is named.
        at: Origin,
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: TreeError,
    },
    /// A document that is no Kubernetes object.
    #[error("{at}: {message}")]
    Object {
        /// The document.
        at: Origin,
        /// What is missing.
        message: String,
    },
    /// Two objects with one identity.
    #[error(
        "{second}: may not add resource with an already registered id: {id} {}",
        where_they_are(first, second)
    )]
    Conflict {
        /// The identity.
        id: String,
        /// The object that came first.
        first: Origin,
        /// The other one.
        second: Origin,
    },
    /// A step (generator, patch, transformer, replacement, variable) failed.
    #[error("{at}: {step}: {message}")]
    Step {
        /// Where the step is configured.
        at: Origin,
        /// The field or kind of the step.
        step: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A name reference that fits several objects.
    #[error("{at}: found multiple possible referrals for '{name}': {candidates}; give them different names")]
    Ambiguous {
        /// The object that refers.
        at: Origin,
        /// The name it uses.
        name: String,
        /// The candidates.
        candidates: String,
    },
    /// A chart could not be rendered.
    #[error("{at}: helmCharts: '{name}'")]
    Chart {
        /// Where the chart is asked for.
        at: Origin,
        /// The chart.
        name: String,
        /// Why.
        #[source]
        source: Box<HelmError>,
    },
    /// A base of another repository could not be fetched.
    #[error("{at}: accumulating resources: '{address}' cannot be fetched")]
    Remote {
        /// Where it is named.
        at: Origin,
        /// Its address.
        address: String,
        /// Why.
        #[source]
        source: super::remote::RemoteError,
    },
    /// A file that is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
}

impl KustomizeError {
    pub(crate) fn place(&self) -> Option<Origin> {
        match self {
            KustomizeError::File { at, .. }
            | KustomizeError::Refused { at, .. }
            | KustomizeError::OverLimit { at, .. }
            | KustomizeError::Read { at, .. }
            | KustomizeError::Object { at, .. }
            | KustomizeError::Conflict { second: at, .. }
            | KustomizeError::Step { at, .. }
            | KustomizeError::Ambiguous { at, .. }
            | KustomizeError::Chart { at, .. }
            | KustomizeError::Remote { at, .. } => Some(at.clone()),
            KustomizeError::Yaml(error) => error.place(),
        }
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            KustomizeError::OverLimit { .. } => Trouble::OverLimit,
            KustomizeError::Step { message, .. } if bounds::is_over(message) => Trouble::OverLimit,
            KustomizeError::Refused { .. } => Trouble::Refused,
            KustomizeError::Remote { .. } => Trouble::Unreachable,
            KustomizeError::Read { source, .. } => source.trouble(),
            KustomizeError::Chart { source, .. } => source.trouble(),
            KustomizeError::Yaml(error) => error.trouble(),
            _ => Trouble::Failed,
        }
    }

    pub(crate) fn file(at: Origin, message: impl Into<String>) -> Self {
        KustomizeError::File { at, message: message.into() }
    }

    pub(crate) fn step(at: &Origin, step: &str, message: impl Into<String>) -> Self {
        KustomizeError::Step { at: at.clone(), step: step.to_owned(), message: message.into() }
    }
}

/// Where two objects of one identity are, and what to do about them.
fn where_they_are(first: &Origin, second: &Origin) -> String {
    if first == second {
        return "(the same object is read twice: list its file or directory once)".to_owned();
    }
    format!("(first at {first}); rename one of them")
}
