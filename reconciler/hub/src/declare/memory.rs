//! What is kept of a source from commit to commit.
//!
//! Renders are kept by what they read ([`render::Renders`]), objects in normal form by the render they come from and the kinds that were known. Nothing of it
//! is ever more than a saving: an empty memory declares the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::kinds::{CustomKind, KindTable};
use plan::{Declaration, DeclaredObject, Finding, Unit, UnitName};
use render::{Changes, RenderOptions, Renders, Tree};

use super::repository::{self, RepositoryError};
use super::units::{self, ListedUnit};
use super::{Declared, Incomplete, Placement, Raw, declared, files};

/// What is kept of one source. Use it for one sequence of trees only, and call [`Memory::turn`] between two of them.
#[derive(Default)]
pub struct Memory {
    repository: repository::Kept,
    renders: Renders<Vec<Raw>>,
    kinds: Kinds,
    units: BTreeMap<UnitName, Kept>,
    operator: RenderOptions,
}

/// One unit as it was last declared.
struct Kept {
    raw: Arc<Vec<Raw>>,
    unit: ListedUnit,
    /// The kinds that its CRDs define.
    crds: Vec<CustomKind>,
    normal: Option<Normal>,
}

/// Objects of a unit in normal form, and what was found wrong with them.
struct Normal {
    objects: Arc<Vec<DeclaredObject>>,
    findings: Vec<Finding>,
}

/// The kinds that objects were last brought into normal form with.
#[derive(Default)]
struct Kinds {
    given: KindTable,
    with_crds: KindTable,
    /// Whether CRDs of the tree came, went or were rendered again since.
    is_stale: bool,
}

impl Memory {
    /// An empty memory. `operator` has the limits, and the helm binary that units may ask for.
    pub fn new(operator: RenderOptions) -> Self {
        Self { operator, ..Self::default() }
    }

    /// Turns to the next tree. `changes` is how it differs from the one before; `None` when that is not known.
    pub fn turn(&mut self, changes: Option<&Changes>) {
        self.renders.turn(changes);
    }

    /// What a tree declares; see [`super::declare`].
    ///
    /// # Errors
    /// As [`super::declare`].
    pub fn declare(
        &mut self,
        tree: &dyn Tree,
        root: &str,
        kinds: &KindTable,
    ) -> Result<Declared, RepositoryError> {
        let root = repository::root(root)?;
        let repository_documents = self.repository.read(tree, &root)?;
        let repository = self.repository.get();
        let mut findings = Vec::new();
        let listed =
            units::listed(tree, &root, (repository, &self.operator, &mut self.renders), &mut findings)?;
        let failures = self.render(tree, listed);
        let policies = files::read(tree, &root.child("policies"), (&self.operator, &mut self.renders))?;
        let clusters = files::read(tree, &root.child("clusters"), (&self.operator, &mut self.renders))?;
        let incomplete =
            Incomplete { policies: !policies.findings.is_empty(), clusters: !clusters.findings.is_empty() };
        self.learn(kinds);
        let kinds = &self.kinds.with_crds;
        findings.extend(policies.findings);
        findings.extend(clusters.findings);
        let (inventory, odd) = files::inventory(&clusters.by_file);
        findings.extend(odd);
        let of_policies = policies.by_file.iter().flat_map(|raw| raw.iter());
        let mut declaration = Declaration { clusters: inventory, ..Declaration::default() };
        declaration.policies =
            of_policies.filter_map(|raw| declared(raw, kinds, None, &mut findings)).collect();
        declaration.units = self.units.values_mut().map(|kept| kept.declare(kinds, &mut findings)).collect();
        declaration.units.extend(failures);
        declaration.units.sort_by(|a, b| a.name.cmp(&b.name));
        findings.extend(declaration.units.iter().filter_map(|unit| unit.failure.clone()));
        findings.sort();
        declaration.findings = findings;
        let documents_parsed = repository_documents + self.renders.documents_parsed();
        let mut failures = declaration.units.iter().filter_map(|unit| unit.failure.as_ref());
        let awaits_fetch = failures.any(|failure| failure.id == units::FETCH_FAILED);
        let settings = self.repository.get().settings();
        Ok(Declared { declaration, settings, incomplete, documents_parsed, awaits_fetch })
    }

    /// Renders the units; returns those that cannot be rendered. The others are kept from now on, and no unit that is not listed.
    fn render(&mut self, tree: &dyn Tree, listed: Vec<ListedUnit>) -> Vec<Unit> {
        let (refused, listed): (Vec<_>, Vec<_>) = listed.into_iter().partition(|unit| unit.refused.is_some());
        let mut failures: Vec<Unit> =
            refused.into_iter().map(|unit| failed(&unit, unit.refused.clone())).collect();
        let asked: Vec<render::Asked> =
            listed.iter().map(|unit| (unit.path.clone(), unit.options.clone())).collect();
        let results = self.renders.render(tree, &asked, Raw::all);
        let mut before = std::mem::take(&mut self.units);
        for (unit, result) in listed.into_iter().zip(results) {
            match result {
                Ok(raw) => {
                    let known = before.remove(&unit.name);
                    let is_same = |kept: &Kept| Arc::ptr_eq(&kept.raw, &raw) && kept.unit == unit;
                    let kept = match known {
                        Some(kept) if is_same(&kept) => kept,
                        other => {
                            let kept = Kept::new(unit, raw);
                            self.kinds.is_stale |= !kept.crds.is_empty();
                            before.extend(other.map(|other| (kept.unit.name.clone(), other)));
                            kept
                        }
                    };
                    self.units.insert(kept.unit.name.clone(), kept);
                }
                Err(error) => failures.push(failed(&unit, Some(units::failure(&unit.name, &error)))),
            }
        }
        self.kinds.is_stale |= before.values().any(|gone| !gone.crds.is_empty());
        failures
    }

    /// Learns the kinds that are known now. If they may differ from those of the last time, no normal form holds.
    fn learn(&mut self, given: &KindTable) {
        if self.kinds.given.is_same(given) && !self.kinds.is_stale {
            return;
        }
        let mut with_crds = given.clone();
        self.units.values().flat_map(|kept| &kept.crds).for_each(|custom| with_crds.add(custom));
        self.units.values_mut().for_each(|kept| kept.normal = None);
        self.kinds = Kinds { given: given.clone(), with_crds, is_stale: false };
    }
}

fn failed(unit: &ListedUnit, failure: Option<Finding>) -> Unit {
    let (name, path) = (unit.name.clone(), unit.path.as_str().to_owned());
    Unit { name, path, objects: Arc::default(), failure }
}

impl Kept {
    fn new(unit: ListedUnit, raw: Arc<Vec<Raw>>) -> Self {
        let objects = raw.iter().filter_map(|raw| raw.object.as_ref().ok());
        let definitions = objects.filter(|object| object.header().gvk.kind == "CustomResourceDefinition");
        // A CRD that is not one is refused by the WDS, with its place; here it adds no kind.
        let crds = definitions.filter_map(|object| CustomKind::from_crd(&object.to_value()).ok()).collect();
        Self { raw, unit, crds, normal: None }
    }

    /// The unit with its objects in normal form.
    fn declare(&mut self, kinds: &KindTable, findings: &mut Vec<Finding>) -> Unit {
        let (unit, raw) = (&self.unit, &self.raw);
        let normal = self.normal.get_or_insert_with(|| {
            let placement = Placement { unit: &unit.name, namespace: &unit.namespace };
            let mut findings = Vec::new();
            let objects = raw.iter();
            let objects = objects.filter_map(|raw| declared(raw, kinds, Some(&placement), &mut findings));
            Normal { objects: Arc::new(objects.collect()), findings }
        });
        findings.extend(normal.findings.iter().cloned());
        Unit {
            objects: Arc::clone(&normal.objects),
            path: unit.path.as_str().to_owned(),
            failure: None,
            name: unit.name.clone(),
        }
    }
}
