//! Which units there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use plan::sync::UnitSettings;
use plan::{Finding, Origin, Severity, Unit, UnitName};
use render::{
    Asked, DiscoveredUnit, HelmOptions, LOCK_FILE, RenderError, RenderOptions, Renders, RepoPath, Tree,
    Trouble, UnitProblem,
};

use super::Raw;
use super::charts::ChartSettings;
use super::repository::{DeclaredUnit, FILE_NAME, Repository, RepositoryError};

/// Finding of a unit that may be rendered at the next attempt, though nothing changes in its repository.
pub(super) const FETCH_FAILED: &str = "unit-fetch-failed";

/// The namespace of objects that have none, in a unit that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// A unit that there is.
#[derive(Debug, PartialEq)]
pub(super) struct ListedUnit {
    pub(super) name: UnitName,
    pub(super) path: RepoPath,
    /// Of objects that have none.
    pub(super) namespace: String,
}

/// All units of a source, and what says that there are these.
pub(super) struct Listing {
    basis: Basis,
    /// Sorted by name.
    pub(super) units: Vec<ListedUnit>,
    /// How each of them is rendered.
    pub(super) asked: Vec<Asked>,
    /// Units that are not even rendered.
    pub(super) refused: Vec<Unit>,
    pub(super) settings: Arc<BTreeMap<UnitName, UnitSettings>>,
    pub(super) findings: Vec<Finding>,
}

/// What units follow from: those that `gitstellar.yaml` names, or without any those that are discovered.
pub(super) struct Basis {
    root: RepoPath,
    repository: Arc<Repository>,
    discovered: Option<Arc<[DiscoveredUnit]>>,
}

impl Basis {
    pub(super) fn of(
        tree: &dyn Tree,
        root: &RepoPath,
        repository: &Arc<Repository>,
        renders: &mut Renders<Vec<Raw>>,
    ) -> Result<Self, RepositoryError> {
        let is_discovered = repository.units.is_empty();
        let discovered = is_discovered.then(|| renders.discover(tree, root)).transpose()?;
        Ok(Self { root: root.clone(), repository: Arc::clone(repository), discovered })
    }

    /// Whether both are the very same; two that only say the same are not.
    fn is(&self, other: &Self) -> bool {
        let discovered = match (&self.discovered, &other.discovered) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        discovered && self.root == other.root && Arc::ptr_eq(&self.repository, &other.repository)
    }
}

impl Listing {
    /// Whether the units follow from this.
    pub(super) fn follows_from(&self, basis: &Basis) -> bool {
        self.basis.is(basis)
    }

    pub(super) fn new(basis: Basis, operator: &RenderOptions) -> Result<Self, RepositoryError> {
        let helm = HelmOptions { lock: basis.root.child(LOCK_FILE), ..operator.helm.clone() };
        let operator = RenderOptions { helm, ..operator.clone() };
        let mut listing = Self {
            units: Vec::new(),
            asked: Vec::new(),
            refused: Vec::new(),
            settings: Arc::new(basis.repository.settings()),
            findings: Vec::new(),
            basis,
        };
        match listing.basis.discovered.clone() {
            Some(discovered) => listing.take_discovered(&discovered, &operator),
            None => listing.take_named(&operator)?,
        }
        Ok(listing)
    }

    fn default_namespace(&self) -> String {
        self.basis.repository.defaults.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE).to_owned()
    }

    fn add(&mut self, unit: ListedUnit, options: RenderOptions) {
        self.asked.push((unit.path.clone(), Arc::new(options)));
        self.units.push(unit);
    }

    /// Of two with one name neither is rendered, as of those that `gitstellar.yaml` names.
    fn take_discovered(&mut self, discovered: &[DiscoveredUnit], operator: &RenderOptions) {
        let namespace = self.default_namespace();
        let mut by_name: Vec<&DiscoveredUnit> = discovered.iter().collect();
        by_name.sort_by(|a, b| a.name.cmp(&b.name));
        for same in by_name.chunk_by(|a, b| a.name == b.name) {
            let problems =
                same.iter().filter_map(|unit| unit.problem.as_ref().map(|problem| (unit, problem)));
            let findings: Vec<Finding> = problems.map(|(unit, problem)| problem_of(unit, problem)).collect();
            for unit in same.iter().filter(|unit| unit.problem.is_none()) {
                let (name, path) = (UnitName::from(unit.name.clone()), unit.path.clone());
                match findings.first() {
                    Some(clash) => self.refused.push(failed(&name, &path, Some(clash.clone()))),
                    None => {
                        let options = options(&ChartSettings::default(), (&unit.name, &namespace), operator);
                        self.add(ListedUnit { name, path, namespace: namespace.clone() }, options);
                    }
                }
            }
            self.findings.extend(findings);
        }
    }

    /// The units of `gitstellar.yaml`. Of two with one name neither is rendered: nobody knows which of them is meant, and what the name placed stays as it is.
    fn take_named(&mut self, operator: &RenderOptions) -> Result<(), RepositoryError> {
        let default = self.default_namespace();
        let repository = Arc::clone(&self.basis.repository);
        let mut named: BTreeMap<UnitName, (&DeclaredUnit, RepoPath, Option<Finding>)> = BTreeMap::new();
        for unit in &repository.units {
            let (name, path) = (unit.unit_name(), self.basis.root.join(&unit.path)?);
            match named.get_mut(&name) {
                Some((_, first, refused)) => *refused = Some(self.clash(&name, (first, &path))),
                None => {
                    named.insert(name, (unit, path, None));
                }
            }
        }
        for (name, (unit, path, refused)) in named {
            if refused.is_some() {
                self.refused.push(failed(&name, &path, refused));
                continue;
            }
            let namespace = unit.namespace.clone().unwrap_or_else(|| default.clone());
            let options = options(&unit.helm, (name.as_str(), &namespace), operator);
            self.add(ListedUnit { name, path, namespace }, options);
        }
        Ok(())
    }

    fn clash(&self, name: &UnitName, (first, path): (&RepoPath, &RepoPath)) -> Finding {
        Finding {
            severity: Severity::Blocker,
            id: "unit-duplicate-name",
            origin: Some(Origin { file: self.basis.root.child(FILE_NAME).as_str().to_owned(), line: 1 }),
            message: format!(
                "the units at {first} and {path} are both called {name}; give each a name of its own. What {name} placed stays as it is"
            ),
        }
    }
}

fn problem_of(unit: &DiscoveredUnit, problem: &UnitProblem) -> Finding {
    let id = match problem {
        UnitProblem::Duplicate { .. } => "unit-duplicate-name",
        UnitProblem::TooLong { .. } => "unit-name-too-long",
        UnitProblem::NotALabel { .. } => "unit-name-invalid",
    };
    let origin = Some(Origin { file: unit.path.as_str().to_owned(), line: 1 });
    Finding { severity: Severity::Blocker, id, origin, message: problem.to_string() }
}

/// A unit of which nothing is known but why.
pub(super) fn failed(name: &UnitName, path: &RepoPath, failure: Option<Finding>) -> Unit {
    Unit { name: name.clone(), path: path.as_str().to_owned(), objects: Arc::default(), failure }
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
