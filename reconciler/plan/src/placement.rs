//! Expands a declaration into placements offline, as a real WDS would hold and KubeStellar's rules would place it.
//!
//! What a real WDS does and a directory of files does not:
//! - the namespaces that every API server makes exist ([`INITIAL_NAMESPACES`]);
//! - every Namespace has the label `kubernetes.io/metadata.name`;
//! - an object whose Namespace nobody declares is placed all the same (finding `ns-missing`), but a namespace selector does not match it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::{Digest, GroupResource, Namespace, ObjectId};

use crate::kinds::Kinds;
use crate::policy::is_policy;
use crate::select::{Index, Labels, PlacedPair, Selectable};
use crate::{Declaration, DeclaredObject, Inventory, Policy, Unit, UnitName};

/// Namespaces that an API server makes itself.
pub const INITIAL_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// The label that an API server gives every Namespace.
pub const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// An object, and who declares it.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    /// The unit; `None` for what stands in `policies/`.
    pub unit: Option<&'a UnitName>,
    /// The object.
    pub object: &'a DeclaredObject,
    /// It is what an earlier commit declared: its unit cannot be rendered now, and keeps what it has.
    pub carried: bool,
}

impl Declared<'_> {
    /// The digest of its normal form.
    pub fn digest(&self) -> Digest {
        self.object.object.digest()
    }
}

/// A declaration with all that follows from it.
#[derive(Debug)]
pub struct Expansion<'a> {
    /// What was expanded.
    pub declaration: &'a Declaration,
    /// The clusters it was expanded for.
    pub inventory: &'a Inventory,
    /// The kinds that are known to it.
    pub kinds: Kinds,
    /// The objects by identity; of several with one identity the first by unit and place.
    pub objects: BTreeMap<ObjectId, Declared<'a>>,
    /// Declarations that do not count, each with the one that does.
    pub duplicates: Vec<(Declared<'a>, Declared<'a>)>,
    /// Objects without a name.
    pub unnamed: Vec<Declared<'a>>,
    /// Who selects what.
    pub index: Index,
    /// All pairs, sorted by object and cluster.
    pub pairs: Vec<PlacedPair>,
}

impl<'a> Expansion<'a> {
    /// Expands `declaration` for `inventory`. `kinds` are those known besides the built-in ones and the CRDs of the declaration.
    /// `before` is what was declared before: a unit that cannot be rendered now keeps what it declared then.
    pub fn new(
        declaration: &'a Declaration,
        inventory: &'a Inventory,
        kinds: &Kinds,
        before: Option<&'a Declaration>,
    ) -> Self {
        let declared = in_order(declaration, before);
        let mut kinds = kinds.clone();
        for one in &declared {
            kinds.learn_crd(one.object);
        }
        let mut expansion = Self {
            declaration,
            inventory,
            kinds,
            objects: BTreeMap::new(),
            duplicates: Vec::new(),
            unnamed: Vec::new(),
            index: Index::new(),
            pairs: Vec::new(),
        };
        expansion.identify(declared);
        expansion.fill_index();
        expansion.pairs = expansion.index.pairs();
        expansion
    }

    fn identify(&mut self, declared: Vec<Declared<'a>>) {
        for one in declared {
            let id = one.object.object.id();
            if id.name.is_empty() {
                self.unnamed.push(one);
            } else if let Some(first) = self.objects.get(&id) {
                self.duplicates.push((*first, one));
            } else {
                self.objects.insert(id, one);
            }
        }
    }

    /// Clusters first, then objects, then policies: so each clause is posted under the term that is really its rarest.
    fn fill_index(&mut self) {
        for (name, cluster) in self.inventory {
            self.index.upsert_cluster(name, &cluster.labels);
        }
        self.index.set_initial_namespaces(INITIAL_NAMESPACES.into_iter().map(|name| {
            let labels = BTreeMap::from([(NAMESPACE_NAME_LABEL.to_owned(), name.to_owned())]);
            (Namespace::from(name), Labels::new(labels))
        }));
        for one in self.objects.values().filter(|one| !one.object.encrypted) {
            self.index.upsert_object(selectable(one.object, &self.kinds));
        }
        for policy in self.policies() {
            self.index.upsert_policy(policy);
        }
    }

    /// The policies that the declaration holds, wherever they stand.
    fn policies(&self) -> Vec<Arc<Policy>> {
        let declared = self.objects.iter().filter(|(id, one)| is_policy(id) && !one.object.encrypted);
        let parsed = declared.filter_map(|(_, one)| {
            Policy::parse(&one.object.object.to_value(), Some(one.object.origin.clone()))
        });
        parsed.map(Arc::new).collect()
    }

    /// The objects that can be placed at all: not encrypted, and not among those that are never selected. Sorted by identity.
    pub fn placeable(&self) -> impl Iterator<Item = (&ObjectId, &Declared<'a>)> {
        self.objects
            .iter()
            .filter(|(id, one)| !one.object.encrypted && self.index.never_selected(id).is_none())
    }

    /// The units that are rendered or carried, by name.
    pub fn unit_names(&self) -> BTreeSet<&'a UnitName> {
        self.declaration.units.iter().map(|unit| &unit.name).collect()
    }

    /// The plural of an object's kind, with its group.
    pub fn resource(&self, id: &ObjectId) -> GroupResource {
        GroupResource { group: id.group.clone(), plural: self.kinds.plural(&id.group_kind()) }
    }

    /// Whether a Namespace exists in a WDS that holds the declaration and nothing else.
    pub fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.index.namespaces().contains_key(namespace)
    }
}

/// What selection sees of a declared object.
fn selectable(declared: &DeclaredObject, kinds: &Kinds) -> Selectable {
    let header = declared.object.header();
    let mut selectable = Selectable::new(header, kinds.plural(&header.gvk.group_kind()));
    if header.gvk.group.is_empty() && header.gvk.kind == "Namespace" {
        let labels = Arc::make_mut(&mut selectable.labels);
        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), header.name.to_string());
    }
    selectable
}

/// All objects, in an order that does not depend on the order of the input: by unit (`policies/` first), place, content. Of several declarations of one object the
/// first counts, here and in [`crate::sync`].
pub(crate) fn in_order<'a>(
    declaration: &'a Declaration,
    before: Option<&'a Declaration>,
) -> Vec<Declared<'a>> {
    let policies = declaration.policies.iter().map(|object| Declared { unit: None, object, carried: false });
    let units = declaration.units.iter().flat_map(|unit| match &unit.failure {
        None => objects_of(unit, false),
        Some(_) => {
            before.and_then(|before| rendered(before, &unit.name)).map_or(Vec::new(), |b| objects_of(b, true))
        }
    });
    let mut declared: Vec<Declared<'a>> = policies.chain(units).collect();
    declared.sort_by(|a, b| {
        let key = |one: &Declared<'a>| (one.unit, &one.object.origin, one.object.object.bytes());
        key(a).cmp(&key(b))
    });
    declared
}

fn objects_of(unit: &Unit, carried: bool) -> Vec<Declared<'_>> {
    unit.objects.iter().map(|object| Declared { unit: Some(&unit.name), object, carried }).collect()
}

fn rendered<'a>(declaration: &'a Declaration, name: &UnitName) -> Option<&'a Unit> {
    declaration.units.iter().find(|unit| unit.name == *name && unit.failure.is_none())
}

#[cfg(test)]
mod tests;
