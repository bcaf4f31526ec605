//! The Helm dialect: the text of templates as Helm 4 renders them.
//!
//! | file | knows |
//! |---|---|
//! | `value` | Go's dynamic values: shared maps, texts of any bytes, objects with methods |
//! | `engine` | a chart's templates, their order, their budgets |
//! | `template` | Go's `text/template`: lexer, parser, tree, executor, printing |
//! | `functions` | what templates can call: Go's, Sprig's and Helm's functions, one file per family |
//! | `classes` | which characters are letters, capitals, digits to Go |
//! | `budget` | what a render may use up |
//! | `fault` | what goes wrong in templates |
//! | `chart` | charts: directories, archives, `.helmignore`, `Chart.yaml`, and how much they may hold |
//! | `values` | values files and how they are merged, nulls and globals included |
//! | `dependencies` | which subcharts take part: conditions, tags, aliases, import-values |
//! | `schema` | `values.schema.json` |
//! | `capabilities`, `files`, `context` | what templates see |
//! | `lock` | `gitstellar.lock`: which archive stands for a chart of a repository |
//! | `remote` | charts of repositories: what is asked for, who is asked, and that it is what the lock says |
//! | `release` | one release: from settings to manifests |
//! | `manifest` | documents, hooks and their order |
//! | `unit` | a directory with a `Chart.yaml` as a unit, and its settings |
//! | `program` | a helm binary in place of the engine, run by someone else |
//!
//! Absent on purpose: a clock, randomness, keys and certificates, the network, the environment. The functions that need one are
//! refused by name (`functions::refused`).

mod budget;
mod capabilities;
#[cfg(test)]
mod cases;
mod chart;
mod classes;
mod context;
mod dependencies;
mod engine;
mod error;
mod fault;
mod files;
mod functions;
mod glob;
#[cfg(test)]
mod hostile;
mod lock;
mod manifest;
mod program;
mod release;
mod remote;
mod schema;
#[cfg(test)]
mod stories;
mod template;
mod unit;
mod value;
mod values;

pub use capabilities::KubeVersionError;
pub use chart::{ArchiveError, ChartError, ChartLimits, OverBudget};
pub(crate) use chart::{CHART_FILE, Loading, mounted};
pub use dependencies::DependencyError;
pub use engine::{EngineLimits, EngineOptions};
pub use error::HelmError;
pub use fault::{Place, TemplateError, TemplateProblem};
pub use lock::{
    ChartLock, LOCK_FILE, LockError, LockedChart, Way, check_address, host_of, is_version, newest,
};
pub use program::{HelmProgram, Program, ProgramError, ProgramRequest};
pub(crate) use release::{Release, Request, Wanted};
pub use remote::{ChartNeed, Charts, FetchError, RemoteChartError, RemoteCharts};
pub use schema::SchemaError;
pub use unit::{Engine, HelmOptions};
pub(crate) use unit::{read_values, render};
pub(crate) use values::merge_over;
