//! From a tree to what it declares: the same code for the controllers, for `plan` and for `validate`.
//!
//! | module | knows |
//! |---|---|
//! | [`tree`] | a commit as a `render::Tree` |
//! | [`repository`] | `gitstellar.yaml` |
//! | [`charts`] | how charts of a unit are released |
//! | [`units`] | which units there are, and their objects in normal form |
//! | [`memory`], [`commits`] | what is kept from commit to commit, so that the cost follows the change |
//! | [`files`] | `policies/` and `clusters/`: one broken file spoils only itself |
//!
//! A unit that cannot be rendered is declared with its failure and without objects; whoever removes things sees that.

pub mod charts;
pub mod commits;
pub mod files;
pub mod memory;
pub mod repository;
pub mod tree;
pub mod units;

use std::collections::BTreeMap;

use apimachinery::kinds::KindTable;
use plan::sync::UnitSettings;
use plan::{Declaration, DeclaredObject, Finding, Origin, UnitName};
use render::{RenderedObject, Tree};
use serde_json::Value;

pub use commits::Commits;
pub use memory::Memory;
pub use repository::RepositoryError;
pub use tree::GitTree;
pub use units::options_at;

/// What a tree declares, and what reading it cost.
#[derive(Debug, Default)]
pub struct Declared {
    /// What it declares.
    pub declaration: Declaration,
    /// Settings by unit.
    pub settings: BTreeMap<UnitName, UnitSettings>,
    /// Which directories hold a file that cannot be read: what it may have declared is not removed.
    pub incomplete: Incomplete,
    /// YAML documents that were parsed.
    pub documents_parsed: u64,
}

/// Directories with a file that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// `policies/`.
    pub policies: bool,
    /// `clusters/`.
    pub clusters: bool,
}

/// Reads everything below `root` (empty: the whole tree). `kinds` are those of the WDS, or the built-in ones for an offline plan; kinds whose CRDs the tree holds
/// are added.
///
/// # Errors
/// When `gitstellar.yaml` is invalid or the tree cannot be read: then nothing is known about what is declared.
pub fn declare(tree: &dyn Tree, root: &str, kinds: &KindTable) -> Result<Declared, RepositoryError> {
    Memory::default().declare(tree, root, kinds)
}

/// Where an object of a unit goes.
pub(crate) struct Placement<'a> {
    pub(crate) unit: &'a UnitName,
    pub(crate) namespace: &'a str,
}

/// One object in normal form, its namespace filled in or dropped as its kind wants it.
pub(crate) fn declared(
    rendered: &RenderedObject,
    kinds: &KindTable,
    placement: Option<&Placement<'_>>,
    findings: &mut Vec<Finding>,
) -> Option<DeclaredObject> {
    let origin = Origin { file: rendered.origin.file.as_str().to_owned(), line: rendered.origin.line.max(1) };
    let mut value = rendered.to_json();
    let object = match apimachinery::Object::from_value(&value) {
        Ok(object) => object,
        Err(error) => {
            let message = error.to_string();
            findings.push(Finding {
                severity: plan::Severity::Blocker,
                id: "not-an-object",
                origin: Some(origin),
                message,
            });
            return None;
        }
    };
    let gvk = &object.header().gvk;
    let namespaced =
        kinds.scope(&gvk.group_kind()).is_none_or(|scope| scope == apimachinery::kinds::Scope::Namespaced);
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut)?;
    if !namespaced {
        metadata.remove("namespace");
    } else if object.header().namespace.is_none() {
        let namespace = placement.map_or("default", |placement| placement.namespace);
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
    if let Some(placement) = placement {
        let labels = metadata.entry("labels").or_insert_with(|| Value::Object(serde_json::Map::default()));
        if labels.is_null() {
            *labels = Value::Object(serde_json::Map::default());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(plan::names::UNIT_LABEL.to_owned(), Value::from(placement.unit.as_str()));
        }
    }
    let normal = apimachinery::normal::normal_form(&value, kinds);
    let object = apimachinery::Object::from_value(&normal).ok()?;
    Some(DeclaredObject { object, origin, encrypted: rendered.sops_encrypted })
}
