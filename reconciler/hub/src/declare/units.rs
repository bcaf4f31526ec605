//! Which units there are.

use std::collections::BTreeMap;

use plan::{Finding, Origin, Severity, UnitName};
use render::{Program, RenderError, RenderOptions, Renders, RepoPath, Tree, UnitProblem};

use super::Raw;
use super::charts::ChartSettings;
use super::repository::{FILE_NAME, Repository, RepositoryError};

/// The namespace of objects that have none, in a unit that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// A unit that there is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListedUnit {
    pub(super) name: UnitName,
    pub(super) path: RepoPath,
    /// Of objects that have none.
    pub(super) namespace: String,
    pub(super) options: RenderOptions,
    /// Why it is not even rendered.
    pub(super) refused: Option<Finding>,
}

/// The units that `gitstellar.yaml` names, or without any those that are discovered.
pub(super) fn listed(
    tree: &dyn Tree,
    root: &RepoPath,
    (repository, program, renders): (&Repository, Option<&Program>, &mut Renders<Vec<Raw>>),
    findings: &mut Vec<Finding>,
) -> Result<Vec<ListedUnit>, RepositoryError> {
    let default = repository.defaults.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    if !repository.units.is_empty() {
        return named(root, (repository, program), &default);
    }
    let mut listed = Vec::new();
    for unit in renders.discover(tree, root)? {
        match unit.problem {
            None => listed.push(ListedUnit {
                options: options(&ChartSettings::default(), (&unit.name, &default), program),
                name: UnitName::from(unit.name),
                path: unit.path,
                namespace: default.clone(),
                refused: None,
            }),
            Some(problem) => {
                let origin = Some(Origin { file: unit.path.as_str().to_owned(), line: 1 });
                let id = match problem {
                    UnitProblem::Duplicate { .. } => "unit-duplicate-name",
                    UnitProblem::TooLong { .. } => "unit-name-too-long",
                    UnitProblem::NotALabel { .. } => "unit-name-invalid",
                };
                findings.push(Finding {
                    severity: Severity::Blocker,
                    id,
                    origin,
                    message: problem.to_string(),
                });
            }
        }
    }
    Ok(listed)
}

/// How the unit at `path` of a repository is rendered: as its `gitstellar.yaml` says, where that names the path.
///
/// # Errors
/// When `gitstellar.yaml` is invalid or the tree cannot be read.
pub fn options_at(
    tree: &dyn Tree,
    path: &RepoPath,
    program: Option<&Program>,
) -> Result<RenderOptions, RepositoryError> {
    let root = RepoPath::root();
    let mut kept = super::repository::Kept::default();
    kept.read(tree, &root)?;
    let repository = kept.get();
    let default = repository.defaults.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let named = repository.units.iter().find(|unit| root.join(&unit.path).is_ok_and(|held| held == *path));
    Ok(match named {
        Some(unit) => {
            let namespace = unit.namespace.as_deref().unwrap_or(default);
            options(&unit.helm, (unit.unit_name().as_str(), namespace), program)
        }
        None => {
            let name = render::unit_name(path.as_str());
            options(&ChartSettings::default(), (&name, default), program)
        }
    })
}

/// The units of `gitstellar.yaml`. Of two with one name neither is rendered: nobody knows which of them is meant, and what the name placed stays as it is.
fn named(
    root: &RepoPath,
    (repository, program): (&Repository, Option<&Program>),
    default: &str,
) -> Result<Vec<ListedUnit>, RepositoryError> {
    let mut listed: BTreeMap<UnitName, ListedUnit> = BTreeMap::new();
    for unit in &repository.units {
        let (name, path) = (unit.unit_name(), root.join(&unit.path)?);
        if let Some(first) = listed.get_mut(&name) {
            first.refused = Some(Finding {
                severity: Severity::Blocker,
                id: "unit-duplicate-name",
                origin: Some(Origin { file: root.child(FILE_NAME).as_str().to_owned(), line: 1 }),
                message: format!(
                    "the units at {} and {path} are both called {name}; give each a name of its own. What {name} placed stays as it is",
                    first.path
                ),
            });
            continue;
        }
        let namespace = unit.namespace.clone().unwrap_or_else(|| default.to_owned());
        let options = options(&unit.helm, (name.as_str(), &namespace), program);
        listed.insert(name.clone(), ListedUnit { name, path, namespace, options, refused: None });
    }
    Ok(listed.into_values().collect())
}

fn options(
    charts: &ChartSettings,
    (name, namespace): (&str, &str),
    program: Option<&Program>,
) -> RenderOptions {
    RenderOptions { helm: charts.options(name, namespace, program), ..RenderOptions::default() }
}

/// The text of a render error begins with its place; the finding carries it as a whole.
pub(super) fn failure(unit: &UnitName, error: &RenderError) -> Finding {
    let message = format!("unit {unit} cannot be rendered, what it placed stays as it is: {error}");
    Finding { severity: Severity::Blocker, id: "unit-failed", origin: place_in(&error.to_string()), message }
}

/// `file:line` or `file:line:column` at the start of a message.
fn place_in(message: &str) -> Option<Origin> {
    let mut parts = message.split(':');
    let file = parts.next()?.trim();
    let line = parts.next()?.trim().parse().ok()?;
    Some(Origin { file: file.to_owned(), line })
}
