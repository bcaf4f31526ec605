//! A helm binary in place of our own engine, for charts that need functions we refuse (`engine: cli`).
//!
//! This room starts no program. Whoever may (the hub, where its operator configured one) implements [`HelmProgram`]; all that the
//! program gets is what this room read from the tree.

use std::fmt;
use std::sync::Arc;

/// Runs `helm template`.
pub trait HelmProgram: Send + Sync {
    /// What the program printed.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes too long or prints too much.
    fn template(&self, request: &ProgramRequest) -> Result<String, ProgramError>;
}

/// What a helm binary is asked for.
#[derive(Debug, Clone)]
pub struct ProgramRequest {
    /// The chart's files: paths below the chart's directory, without `..`, and their bytes.
    pub files: Vec<(String, Arc<[u8]>)>,
    /// The name of the release.
    pub release_name: String,
    /// Its namespace.
    pub namespace: String,
    /// All values that the release gives, as one YAML document.
    pub values: String,
    /// The version of Kubernetes; None is the program's own default.
    pub kube_version: Option<String>,
    /// API versions that are served, beyond the program's own.
    pub api_versions: Vec<String>,
    /// Whether `crds/` is printed, too.
    pub include_crds: bool,
    /// Whether hooks are left out.
    pub skip_hooks: bool,
    /// Whether tests are left out.
    pub skip_tests: bool,
    /// Whether values may break the charts' schemas.
    pub skip_schema_validation: bool,
}

/// Why a helm binary printed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is none.
    #[error(
        "no helm binary is configured here; start the hub with one (--helm-binary), or leave `engine` out"
    )]
    NotConfigured,
    /// It cannot be started, or its input cannot be written.
    #[error("the helm binary cannot be run")]
    Run(#[source] std::io::Error),
    /// It failed. Only the first line of what it said is kept: the others may quote values.
    #[error("the helm binary failed: {first_line}")]
    Failed {
        /// The first line of what it said.
        first_line: String,
    },
    /// It took too long.
    #[error("the helm binary took more than {seconds} s; simplify the chart, or raise the limit")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// It printed too much.
    #[error("the helm binary printed more than {bytes} bytes; split the chart")]
    TooMuch {
        /// The limit.
        bytes: usize,
    },
}

/// A helm binary that may be used. Two are equal when they are the same one.
#[derive(Clone)]
pub struct Program(Arc<dyn HelmProgram>);

impl Program {
    /// A program that may be used.
    pub fn new(program: impl HelmProgram + 'static) -> Self {
        Program(Arc::new(program))
    }

    pub(super) fn template(&self, request: &ProgramRequest) -> Result<String, ProgramError> {
        self.0.template(request)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Program {}
