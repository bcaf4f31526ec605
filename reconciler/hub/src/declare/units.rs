//! Which units there are.

use std::collections::BTreeMap;

use plan::{Finding, Origin, Severity, UnitName};
use render::{
    HelmOptions, LOCK_FILE, RenderError, RenderOptions, Renders, RepoPath, Tree, Trouble, UnitProblem,
};

use super::Raw;
use super::charts::ChartSettings;
use super::repository::{FILE_NAME, Repository, RepositoryError};

/// Finding of a unit that may be rendered at the next attempt, though nothing changes in its repository.
pub(super) const FETCH_FAILED: &str = "unit-fetch-failed";

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
    (repository, operator, renders): (&Repository, &RenderOptions, &mut Renders<Vec<Raw>>),
    findings: &mut Vec<Finding>,
) -> Result<Vec<ListedUnit>, RepositoryError> {
    let helm = HelmOptions { lock: root.child(LOCK_FILE), ..operator.helm.clone() };
    let operator = &RenderOptions { helm, ..operator.clone() };
    let default = repository.defaults.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    if !repository.units.is_empty() {
        return named(root, (repository, operator), &default);
    }
    let mut listed = Vec::new();
    for unit in renders.discover(tree, root)? {
        match unit.problem {
            None => listed.push(ListedUnit {
                options: options(&ChartSettings::default(), (&unit.name, &default), operator),
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

/// How the unit at `path` of a repository is rendered: as its `gitstellar.yaml` says, where that names the path, within the operator's limits.
///
/// # Errors
/// When `gitstellar.yaml` is invalid or the tree cannot be read.
pub fn options_at(
    tree: &dyn Tree,
    path: &RepoPath,
    operator: &RenderOptions,
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
            options(&unit.helm, (unit.unit_name().as_str(), namespace), operator)
        }
        None => {
            let name = render::unit_name(path.as_str());
            options(&ChartSettings::default(), (&name, default), operator)
        }
    })
}

/// The units of `gitstellar.yaml`. Of two with one name neither is rendered: nobody knows which of them is meant, and what the name placed stays as it is.
fn named(
    root: &RepoPath,
    (repository, operator): (&Repository, &RenderOptions),
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
        let options = options(&unit.helm, (name.as_str(), &namespace), operator);
        listed.insert(name.clone(), ListedUnit { name, path, namespace, options, refused: None });
    }
    Ok(listed.into_values().collect())
}

/// The operator's options, with what the repository says of the unit.
fn options(
    charts: &ChartSettings,
    (name, namespace): (&str, &str),
    operator: &RenderOptions,
) -> RenderOptions {
    RenderOptions { helm: charts.options(name, namespace, &operator.helm), ..operator.clone() }
}

/// The finding of a unit that cannot be rendered.
pub(super) fn failure(unit: &UnitName, error: &RenderError) -> Finding {
    let message = format!("unit {unit} cannot be rendered, what it placed stays as it is: {error}");
    let id = match error.trouble() {
        Trouble::Failed => "unit-failed",
        Trouble::OverLimit => "unit-over-limit",
        Trouble::Refused => "unit-refused",
        Trouble::Unreachable => FETCH_FAILED,
    };
    let place = error.place().filter(|place| place.line > 0);
    let origin = place.map(|place| Origin { file: place.file.as_str().to_owned(), line: place.line });
    Finding { severity: Severity::Blocker, id, origin, message }
}
