//! What is kept of a source from commit to commit.
//!
//! Renders are kept by what they read ([`render::Renders`]), objects in normal form by the render they come from and the kinds that were known. Nothing of it
//! is ever more than a saving: an empty memory declares the same.

use std::collections::HashMap;
use std::sync::Arc;

use apimachinery::Digest;
use apimachinery::kinds::{CustomKind, KindTable};
use plan::{Declaration, DeclaredObject, Finding, Unit, UnitName};
use render::{Changes, Parts, RenderOptions, Renders, RepoPath, Tree};

use super::repository::{self, RepositoryError};
use super::units::{self, Basis, ListedUnit, Listing};
use super::{Declared, Incomplete, Placement, Raw, declared, files};

/// What is kept of one source. Use it for one sequence of trees only, and call [`Memory::turn`] between two of them.
#[derive(Default)]
pub struct Memory {
    repository: repository::Kept,
    renders: Renders<Vec<Raw>>,
    kinds: Kinds,
    listing: Option<Arc<Listing>>,
    /// One for each unit that is listed; none for those that could not be rendered.
    units: Vec<Option<Kept>>,
    operator: Arc<RenderOptions>,
}

/// One unit as it was last declared.
struct Kept {
    parts: Parts<Vec<Raw>>,
    /// Its CRDs, and the kinds that they define.
    crds: Vec<(Digest, CustomKind)>,
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
        Self { operator: Arc::new(operator), ..Self::default() }
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
        let listing = self.list(tree, &root)?;
        let failures = self.render(tree, &listing);
        let policies = files::read(tree, &root.child("policies"), (&self.operator, &mut self.renders))?;
        let clusters = files::read(tree, &root.child("clusters"), (&self.operator, &mut self.renders))?;
        let incomplete =
            Incomplete { policies: !policies.findings.is_empty(), clusters: !clusters.findings.is_empty() };
        self.learn(kinds);
        let kinds = &self.kinds.with_crds;
        let mut findings = listing.findings.clone();
        findings.extend(policies.findings);
        findings.extend(clusters.findings);
        let (inventory, odd) = files::inventory(&clusters.by_file);
        findings.extend(odd);
        let of_policies = policies.by_file.iter().flat_map(|raw| raw.iter());
        let mut declaration = Declaration { clusters: inventory, ..Declaration::default() };
        declaration.policies =
            of_policies.filter_map(|raw| declared(raw, kinds, None, &mut findings)).collect();
        let kept = listing.units.iter().zip(&mut self.units);
        declaration.units = kept
            .filter_map(|(unit, kept)| Some(kept.as_mut()?.declare(unit, kinds, &mut findings)))
            .collect();
        declaration.units.extend(listing.refused.iter().cloned().chain(failures));
        declaration.units.sort_by(|a, b| a.name.cmp(&b.name));
        findings.extend(declaration.units.iter().filter_map(|unit| unit.failure.clone()));
        findings.sort();
        // Units that clash over a name have one finding.
        findings.dedup();
        declaration.findings = findings;
        let documents_parsed = repository_documents + self.renders.documents_parsed();
        let mut failures = declaration.units.iter().filter_map(|unit| unit.failure.as_ref());
        let awaits_fetch = failures.any(|failure| failure.id == units::FETCH_FAILED);
        let settings = Arc::clone(&listing.settings);
        Ok(Declared { declaration, settings, incomplete, documents_parsed, awaits_fetch })
    }

    /// The units that there are; the very same listing while nothing changes it.
    fn list(&mut self, tree: &dyn Tree, root: &RepoPath) -> Result<Arc<Listing>, RepositoryError> {
        let basis = Basis::of(tree, root, self.repository.get(), &mut self.renders)?;
        let before = match &self.listing {
            Some(listing) if listing.follows_from(&basis) => return Ok(Arc::clone(listing)),
            before => before.clone(),
        };
        let listing = Arc::new(Listing::new(basis, &self.operator)?);
        self.rearrange(before.as_deref().map_or(&[], |before| &before.units), &listing.units);
        self.listing = Some(Arc::clone(&listing));
        Ok(listing)
    }

    /// Puts what is kept of units to the places that they have now, and forgets units that are no more, or not the same.
    fn rearrange(&mut self, before: &[ListedUnit], now: &[ListedUnit]) {
        let kept = std::mem::take(&mut self.units).into_iter().zip(before);
        let mut kept: HashMap<&UnitName, (&ListedUnit, Kept)> =
            kept.filter_map(|(kept, unit)| Some((&unit.name, (unit, kept?)))).collect();
        for unit in now {
            let same = kept.remove(&unit.name).filter(|(before, kept)| {
                let is_same = *before == unit;
                self.kinds.is_stale |= !is_same && !kept.crds.is_empty();
                is_same
            });
            self.units.push(same.map(|(_, kept)| kept));
        }
        self.kinds.is_stale |= kept.values().any(|(_, gone)| !gone.crds.is_empty());
    }

    /// Renders the units; returns those that cannot be rendered. The others are kept from now on.
    fn render(&mut self, tree: &dyn Tree, listing: &Listing) -> Vec<Unit> {
        let mut failures = Vec::new();
        let results = self.renders.render(tree, &listing.asked, Raw::all);
        for ((unit, kept), result) in listing.units.iter().zip(&mut self.units).zip(results) {
            let now = match result {
                Ok(parts) if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.parts, &parts)) => continue,
                Ok(parts) => Some(Kept::new(parts)),
                Err(error) => {
                    let failure = units::failure(&unit.name, &error);
                    failures.push(units::failed(&unit.name, &unit.path, Some(failure)));
                    None
                }
            };
            let before = std::mem::replace(kept, now);
            let crds = |kept: &Option<Kept>| -> Vec<Digest> {
                kept.iter().flat_map(|kept| &kept.crds).map(|(digest, _)| *digest).collect()
            };
            self.kinds.is_stale |= crds(&before) != crds(kept);
        }
        failures
    }

    /// Learns the kinds that are known now. If they may differ from those of the last time, no normal form holds.
    fn learn(&mut self, given: &KindTable) {
        if self.kinds.given.is_same(given) && !self.kinds.is_stale {
            return;
        }
        let mut with_crds = given.clone();
        let crds = self.units.iter().flatten().flat_map(|kept| &kept.crds);
        crds.for_each(|(_, custom)| with_crds.add(custom));
        self.units.iter_mut().flatten().for_each(|kept| kept.normal = None);
        self.kinds = Kinds { given: given.clone(), with_crds, is_stale: false };
    }
}

impl Kept {
    fn new(parts: Parts<Vec<Raw>>) -> Self {
        let objects = parts.iter().flat_map(|raw| raw.iter()).filter_map(|raw| raw.object.as_ref().ok());
        let definitions = objects.filter(|object| object.header().gvk.kind == "CustomResourceDefinition");
        // A CRD that is not one is refused by the WDS, with its place; here it adds no kind.
        let crds = definitions
            .filter_map(|object| Some((object.digest(), CustomKind::from_crd(&object.to_value()).ok()?)));
        let crds = crds.collect();
        Self { parts, crds, normal: None }
    }

    /// The unit with its objects in normal form.
    fn declare(&mut self, unit: &ListedUnit, kinds: &KindTable, findings: &mut Vec<Finding>) -> Unit {
        let normal = self.normal.get_or_insert_with(|| {
            let placement = Placement { unit: &unit.name, namespace: &unit.namespace };
            let mut findings = Vec::new();
            let objects = self.parts.iter().flat_map(|raw| raw.iter());
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
