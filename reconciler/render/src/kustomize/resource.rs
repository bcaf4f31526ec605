//! One object on its way through the pipeline, with the bookkeeping that upstream keeps in annotations.

use super::id::{Gvk, GvkRef, IdRef};
use crate::object::{Origin, OriginalId};
use crate::yaml::{Node, Value};

/// An identity the object had. Group and version are not kept: they are always the current ones.
#[derive(Debug, Clone)]
pub(super) struct Previous {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

/// How a generated object meets one that is already there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Behavior {
    #[default]
    Create,
    Replace,
    Merge,
}

/// One object on its way through the pipeline. An emptied object has a null node until it is dropped.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) node: Node,
    pub(super) origin: Origin,
    pub(super) history: Vec<Previous>,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    pub(super) needs_hash: bool,
    /// A generator made it.
    pub(super) generated: bool,
    /// The variables whose value this object holds.
    pub(super) vars: Vec<String>,
    pub(super) behavior: Behavior,
    /// A chart made it, which took care of namespaces.
    pub(super) from_chart: bool,
    /// The texts of the origin and transformer annotations, when a kustomization asks for them.
    pub(super) build: BuildNotes,
}

/// What `buildMetadata` writes.
#[derive(Debug, Clone, Default)]
pub(super) struct BuildNotes {
    /// Something asks for origins or transformations.
    pub(super) tracked: bool,
    /// The generator or transformer that made this object, for the origin annotation.
    pub(super) configured: Option<Configured>,
    /// The transformers that changed it, in order.
    pub(super) transformations: Vec<Configured>,
}

/// The configuration of a step, for annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) file: crate::tree::RepoPath,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

impl Resource {
    pub(super) fn new(node: Node, origin: Origin) -> Self {
        Resource {
            node,
            origin,
            history: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            needs_hash: false,
            generated: false,
            vars: Vec::new(),
            behavior: Behavior::Create,
            from_chart: false,
            build: BuildNotes::default(),
        }
    }

    pub(super) fn gvk(&self) -> GvkRef<'_> {
        GvkRef::new(self.node.str_at(&["apiVersion"]).unwrap_or_default(), self.kind())
    }

    pub(super) fn kind(&self) -> &str {
        self.node.str_at(&["kind"]).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.node.str_at(&["metadata", "name"]).unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> &str {
        self.node.str_at(&["metadata", "namespace"]).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.node.is_empty()
    }

    pub(super) fn current(&self) -> IdRef<'_> {
        IdRef { gvk: self.gvk(), name: self.name(), namespace: self.namespace() }
    }

    /// The identities it had, oldest first.
    pub(super) fn previous(&self) -> impl Iterator<Item = IdRef<'_>> {
        let gvk = self.gvk();
        self.history.iter().map(move |previous| IdRef {
            gvk: GvkRef { kind: &previous.kind, ..gvk },
            name: &previous.name,
            namespace: &previous.namespace,
        })
    }

    /// The identities it had and the one it has.
    pub(super) fn any_id(&self) -> impl Iterator<Item = IdRef<'_>> {
        self.previous().chain(std::iter::once(self.current()))
    }

    /// The oldest identity.
    pub(super) fn original(&self) -> IdRef<'_> {
        let first = self.previous().next();
        first.unwrap_or_else(|| self.current())
    }

    /// Notes the current identity before a step that may change it.
    pub(super) fn remember_id(&mut self) {
        self.clear_empty_annotations();
        let current = self.current();
        let previous = Previous {
            kind: current.gvk.kind.to_owned(),
            name: current.name.to_owned(),
            namespace: current.effective_namespace().to_owned(),
        };
        self.history.push(previous);
    }

    /// Upstream's notes are annotations: making one takes away what is there and holds nothing, whatever it is.
    fn clear_empty_annotations(&mut self) {
        let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
        metadata.retain(|key, held| {
            key != "annotations" || !(held.is_empty() || matches!(held.value, Value::String(_)))
        });
    }

    /// Whether upstream would have written anything about this object into its annotations.
    pub(super) fn has_notes(&self) -> bool {
        !self.history.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.needs_hash
            || self.generated
            || self.build.tracked
    }

    /// Forgets what upstream notes in annotations.
    pub(super) fn forget(&mut self) {
        self.history.clear();
        self.prefixes.clear();
        self.suffixes.clear();
        self.needs_hash = false;
        self.generated = false;
        self.behavior = Behavior::Create;
        self.build = BuildNotes::default();
    }

    fn metadata(&mut self) -> Option<&mut crate::yaml::Map> {
        let metadata = self.node.as_map_mut()?.get_or_insert_with("metadata", Node::map);
        if metadata.is_null() {
            metadata.value = Value::Map(crate::yaml::Map::new());
        }
        metadata.as_map_mut()
    }

    pub(super) fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata() {
            metadata.insert("name", Node::text(name));
        }
    }

    /// Sets the namespace; an empty one removes the field.
    pub(super) fn set_namespace(&mut self, namespace: &str) {
        let Some(metadata) = self.metadata() else { return };
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace", Node::text(namespace));
        }
    }

    pub(super) fn set_kind(&mut self, kind: &str) {
        if let Some(map) = self.node.as_map_mut() {
            map.insert("kind", Node::text(kind));
        }
    }

    pub(super) fn set_gvk(&mut self, gvk: &Gvk) {
        if let Some(map) = self.node.as_map_mut() {
            map.insert("apiVersion", Node::text(gvk.api_version()));
            map.insert("kind", Node::text(gvk.kind.as_str()));
        }
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.node.str_at(&["metadata", "annotations", key])
    }

    pub(super) fn set_annotation(&mut self, key: &str, text: &str) {
        let Some(metadata) = self.metadata() else { return };
        let annotations = metadata.get_or_insert_with("annotations", Node::map);
        if annotations.is_null() {
            annotations.value = Value::Map(crate::yaml::Map::new());
        }
        if let Some(map) = annotations.as_map_mut() {
            map.insert(key, Node::text(text));
        }
    }

    pub(super) fn original_id(&self) -> OriginalId {
        let original = self.original();
        let namespace = if original.namespace == super::id::NO_NAMESPACE { "" } else { original.namespace };
        OriginalId {
            kind: original.gvk.kind.to_owned(),
            name: original.name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }
}
