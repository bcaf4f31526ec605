//! What a source declares at one commit.

use std::fmt;
use std::sync::Arc;

use apimachinery::Object;

use crate::{Finding, Inventory, UnitName};

/// Where something was written: a path inside the repository, and a line from 1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Origin {
    /// '/'-separated path from the repository's root.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One object as a unit declares it, in the normal form of `apimachinery::normal`, namespace filled in, unit label set,
/// without our annotations.
#[derive(Clone, Debug)]
pub struct DeclaredObject {
    /// The object.
    pub object: Object,
    /// Where it stands.
    pub origin: Origin,
    /// SOPS cipher text: it is never applied (finding `encrypted-object`).
    pub encrypted: bool,
}

/// A named set of objects rendered from one path of a source.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name.
    pub name: UnitName,
    /// Its path from the repository's root.
    pub path: String,
    /// Its objects, in the order of rendering; shared between the commits that do not change them.
    pub objects: Arc<Vec<DeclaredObject>>,
    /// Why it could not be rendered. Then `objects` is empty, and nothing that it placed before may be removed.
    pub failure: Option<Finding>,
}

/// Everything a source declares at one commit: input of the review, and of sync.
#[derive(Clone, Debug, Default)]
pub struct Declaration {
    /// The units, sorted by name.
    pub units: Vec<Unit>,
    /// Objects of `policies/`: BindingPolicies, StatusCollectors, CustomTransforms.
    pub policies: Vec<DeclaredObject>,
    /// The clusters of `clusters/*.yaml`.
    pub clusters: Inventory,
    /// What was found wrong while reading (files that do not parse, duplicate units…).
    pub findings: Vec<Finding>,
}
