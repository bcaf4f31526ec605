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
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use apimachinery::{Object, SystemClock};
use plan::sync::UnitSettings;
use plan::{Declaration, DeclaredObject, Finding, Origin, UnitName};
use render::{Phase, RenderOptions, RenderedObject, TimeLimit, Tree};
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
    pub settings: Arc<BTreeMap<UnitName, UnitSettings>>,
    /// Which directories hold a file that cannot be read: what it may have declared is not removed.
    pub incomplete: Incomplete,
    /// YAML documents that were parsed.
    pub documents_parsed: u64,
    /// Whether a unit waits for something that could not be fetched: declared again, the same tree may declare more.
    pub awaits_fetch: bool,
}

/// Directories with a file that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// `policies/`.
    pub policies: bool,
    /// `clusters/`.
    pub clusters: bool,
}

/// The default limits, and the machine's clock for the one on time.
pub fn limited() -> RenderOptions {
    let time = TimeLimit { clock: Some(Arc::new(SystemClock::default())), ..TimeLimit::default() };
    RenderOptions { time, ..RenderOptions::default() }
}

/// Reads everything below `root` (empty: the whole tree). `kinds` are those of the WDS, or the built-in ones for an offline plan; kinds whose CRDs the tree holds
/// are added.
///
/// # Errors
/// When `gitstellar.yaml` is invalid or the tree cannot be read: then nothing is known about what is declared.
pub fn declare(
    tree: &dyn Tree,
    root: &str,
    kinds: &KindTable,
    operator: &RenderOptions,
) -> Result<Declared, RepositoryError> {
    Memory::new(operator.clone()).declare(tree, root, kinds)
}

/// Where an object of a unit goes.
pub(crate) struct Placement<'a> {
    pub(crate) unit: &'a UnitName,
    pub(crate) namespace: &'a str,
}

/// An object as it was rendered, in the form that is kept: canonical bytes and a header.
pub(crate) struct Raw {
    /// The object, or why it is none.
    pub(crate) object: Result<Object, String>,
    pub(crate) origin: Origin,
    encrypted: bool,
}

impl Raw {
    /// What of a render is to be in the WDS. Hooks for tests, for a removal and for a rollback are not.
    pub(crate) fn all(rendered: &[RenderedObject]) -> Vec<Self> {
        let is_wanted = |object: &&RenderedObject| {
            object.hook.is_none_or(|hook| matches!(hook.phase, Phase::Before | Phase::After))
        };
        rendered.iter().filter(is_wanted).map(Self::of).collect()
    }

    fn of(rendered: &RenderedObject) -> Self {
        let (file, line) = (rendered.origin.file.as_str().to_owned(), rendered.origin.line.max(1));
        Self {
            object: Object::from_value(&rendered.to_json()).map_err(|error| error.to_string()),
            origin: Origin { file, line },
            encrypted: rendered.sops_encrypted,
        }
    }
}

/// One object in normal form, its namespace filled in or dropped as its kind wants it.
pub(crate) fn declared(
    raw: &Raw,
    kinds: &KindTable,
    placement: Option<&Placement<'_>>,
    findings: &mut Vec<Finding>,
) -> Option<DeclaredObject> {
    let origin = raw.origin.clone();
    let object = match &raw.object {
        Ok(object) => object,
        Err(message) => {
            findings.push(Finding {
                severity: plan::Severity::Blocker,
                id: "not-an-object",
                origin: Some(origin),
                message: message.clone(),
            });
            return None;
        }
    };
    let mut value = object.to_value();
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
    let object = Object::from_value(&normal).ok()?;
    Some(DeclaredObject { object, origin, encrypted: raw.encrypted })
}
