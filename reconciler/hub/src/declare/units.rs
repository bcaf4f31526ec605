//! Which units there are, and what they render to.

use apimachinery::kinds::KindTable;
use plan::{Finding, Origin, Severity, Unit, UnitName};
use render::{RenderError, RenderOptions, RenderedObject, RepoPath, Tree, UnitProblem};

use super::repository::{Repository, RepositoryError};
use super::{Placement, declared};

/// The namespace of objects that have none, in a unit that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// All units, rendered but not yet in normal form: that needs the CRDs of all of them.
#[derive(Default)]
pub(super) struct Units {
    pub(super) rendered: Vec<RenderedUnit>,
    pub(super) findings: Vec<Finding>,
    pub(super) documents_parsed: u64,
}

/// One unit as it was rendered.
pub(super) struct RenderedUnit {
    pub(super) name: UnitName,
    pub(super) path: RepoPath,
    pub(super) namespace: String,
    pub(super) objects: Vec<RenderedObject>,
    pub(super) failure: Option<Finding>,
}

pub(super) fn render_all(
    tree: &dyn Tree,
    root: &RepoPath,
    repository: &Repository,
) -> Result<Units, RepositoryError> {
    let mut units = Units::default();
    for (name, path, namespace) in listed(tree, root, repository, &mut units.findings)? {
        let outcome = render::render_unit(tree, &path, &RenderOptions::default());
        let (objects, failure) = match outcome {
            Ok(rendered) => {
                units.documents_parsed += rendered.documents_parsed;
                (rendered.objects, None)
            }
            Err(error) => (Vec::new(), Some(failure(&name, &error))),
        };
        units.rendered.push(RenderedUnit { name, path, namespace, objects, failure });
    }
    Ok(units)
}

type Listed = (UnitName, RepoPath, String);

fn listed(
    tree: &dyn Tree,
    root: &RepoPath,
    repository: &Repository,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Listed>, RepositoryError> {
    let default = repository.defaults.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    if !repository.units.is_empty() {
        let named = repository.units.iter().map(|unit| {
            let namespace = unit.namespace.clone().unwrap_or_else(|| default.clone());
            Ok((unit.unit_name(), root.join(&unit.path)?, namespace))
        });
        return named.collect();
    }
    let mut listed = Vec::new();
    for unit in render::discover(tree, root)? {
        match unit.problem {
            None => listed.push((UnitName::from(unit.name), unit.path, default.clone())),
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

/// The text of a render error begins with its place; the finding carries it as a whole.
fn failure(unit: &UnitName, error: &RenderError) -> Finding {
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

impl Units {
    /// The units in normal form.
    pub(super) fn finish(self, kinds: &KindTable, findings: &mut Vec<Finding>) -> Vec<Unit> {
        self.rendered
            .into_iter()
            .map(|unit| {
                let placement = Placement { unit: &unit.name, namespace: &unit.namespace };
                let objects = unit
                    .objects
                    .iter()
                    .filter_map(|object| declared(object, kinds, Some(&placement), findings));
                Unit {
                    objects: objects.collect(),
                    path: unit.path.as_str().to_owned(),
                    failure: unit.failure,
                    name: unit.name.clone(),
                }
            })
            .collect()
    }
}
