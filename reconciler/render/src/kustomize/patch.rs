//! Patches: reading them, choosing what they change, applying them.

use std::borrow::Cow;
use std::sync::Arc;

use super::decode::Located;
use super::error::KustomizeError;
use super::file::{PatchEntry, Selector};
use super::id::IdRef;
use super::json6902::{self, Operation};
use super::load::Source;
use super::metadata::{literal_text, set_text, tidy_annotations};
use super::resmap::ResMap;
use super::resource::{BuildNotes, Resource};
use super::schema::Schemas;
use super::select::Chooser;
use super::shared;
use super::strategic;
use crate::object::Origin;
use crate::yaml::{Map, Node, Value};

/// What a patch's text is.
pub(super) enum Patch {
    Strategic(Vec<Resource>),
    Json(Vec<Operation>),
    /// An empty file or only comments: nothing to do.
    Nothing,
}

/// The text of a patch and where it is written.
pub(super) struct PatchText {
    pub(super) bytes: Arc<[u8]>,
    pub(super) at: Origin,
    /// Written in the kustomization itself: lines inside the text mean nothing to its reader.
    pub(super) inline: bool,
}

/// Reads the text of a patch: objects with kind and name, or a list of JSON operations.
pub(super) fn parse(source: &Source<'_>, text: &PatchText) -> Result<Patch, KustomizeError> {
    let at = &text.at;
    let documents = source.documents(&text.bytes, at).or_else(|error| {
        // Operations may hold keys that only the other reading takes for text.
        let again = source.configuration(&text.bytes, at).ok();
        again.filter(|documents| documents.first().is_some_and(|first| first.as_seq().is_some())).ok_or(error)
    })?;
    if let Some(first) = documents.first().filter(|first| first.as_seq().is_some()) {
        let fail = |message: String| KustomizeError::step(at, "patch", message);
        // What begins like JSON is read as JSON, not as YAML that looks like it.
        if text.bytes.trim_ascii_start().first() == Some(&b'[')
            && serde_json::from_slice::<serde::de::IgnoredAny>(&text.bytes).is_err()
        {
            return Err(fail(
                "a patch that begins with '[' must be JSON; put names and texts in quotes".to_owned(),
            ));
        }
        // The reference turns a list of operations into JSON with the other reading of plain scalars: `yes` is true there.
        let again = source.configuration(&text.bytes, at)?;
        let operations = json6902::operations(again.first().unwrap_or(first)).map_err(fail)?;
        return Ok(Patch::Json(operations));
    }
    let whole = if text.inline { at.clone() } else { Origin::new(&at.file, 0) };
    let patches = source.expanded(documents, &whole);
    let patches = patches
        .map_err(|e| KustomizeError::step(at, "patch", format!("unable to parse SM or JSON patch: {e}")))?;
    Ok(if patches.is_empty() { Patch::Nothing } else { Patch::Strategic(patches) })
}

/// Applies an entry of `patches`.
pub(super) fn apply_entry(
    source: &Source<'_>,
    objects: &mut ResMap,
    entry: &PatchEntry,
    schemas: &Schemas,
) -> Result<(), KustomizeError> {
    let fail = |message: &str| KustomizeError::step(&entry.at, "patches", message);
    let text = source.text_of(entry)?;
    match parse(source, &text)? {
        Patch::Nothing => Ok(()),
        Patch::Json(operations) => {
            let Some(target) = &entry.target else {
                return Err(fail("must specify a target for JSON patch"));
            };
            for at in choose(objects, target, &entry.at)? {
                let resource = objects.get_mut(at);
                resource.remember_id();
                with_notes(resource, Notes::PutBack, |node| apply_operations(node, &operations))
                    .map_err(|e| format!("{} {}: {e}", resource.kind(), resource.name()))
                    .map_err(|e| KustomizeError::step(&text.at, "patches", e))?;
                tidy_annotations(&mut resource.node);
                objects.renamed(at);
            }
            Ok(())
        }
        Patch::Strategic(patches) => match (&entry.target, patches.as_slice()) {
            (Some(target), [patch]) => {
                for at in choose(objects, target, &entry.at)? {
                    let mut fitted = literal(patch);
                    let mut gvk = objects.get(at).gvk().to_owned();
                    patch.kind().clone_into(&mut gvk.kind);
                    fitted.set_gvk(&gvk);
                    merge_one(objects, at, &fitted, (entry, schemas))?;
                }
                objects.drop_empties();
                objects.refuse_duplicates()
            }
            (Some(_), _) => Err(fail(
                "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field",
            )),
            (None, patches) => patches.iter().try_for_each(|patch| {
                let at = unique(objects, &patch.current(), &patch.origin)?;
                merge_one(objects, at, patch, (entry, schemas))
            }),
        },
    }
}

/// The patches of `patchesStrategicMerge` items: each is a file, or the text itself.
pub(super) fn strategic_items(
    source: &Source<'_>,
    items: &[Located],
) -> Result<Vec<Resource>, KustomizeError> {
    let mut patches = Vec::new();
    for item in items {
        let inline = item.text.contains('\n') || item.text.trim_start().starts_with('{');
        let text = if inline {
            PatchText { bytes: Arc::from(item.text.as_bytes()), at: item.at.clone(), inline }
        } else {
            let (path, bytes) = source.named_file(&item.text, &item.at)?;
            PatchText { bytes, at: Origin::new(&path, 1), inline }
        };
        match parse(source, &text)? {
            Patch::Strategic(more) => patches.extend(more),
            Patch::Nothing => {}
            Patch::Json(_) => {
                let message = "is a list of JSON operations; move it to `patches`";
                return Err(KustomizeError::step(&text.at, "patchesStrategicMerge", message));
            }
        }
    }
    if patches.is_empty() {
        let at = items.first().map_or_else(|| Origin::new(&source.dir, 0), |item| item.at.clone());
        return Err(KustomizeError::step(&at, "patchesStrategicMerge", "patch appears to be empty"));
    }
    Ok(patches)
}

/// Applies the patches of `patchesStrategicMerge`, in order.
pub(super) fn apply_strategic(
    objects: &mut ResMap,
    patches: &[Resource],
    schemas: &Schemas,
) -> Result<(), KustomizeError> {
    for patch in patches {
        let at = unique(objects, &patch.current(), &patch.origin)?;
        let entry = PatchEntry {
            at: patch.origin.clone(),
            path: String::new(),
            text: String::new(),
            target: None,
            allow_name_change: false,
            allow_kind_change: false,
        };
        merge_one(objects, at, &literal(patch), (&entry, schemas))?;
    }
    objects.drop_empties();
    Ok(())
}

fn apply_operations(node: &mut Node, operations: &[Operation]) -> Result<Option<()>, String> {
    json6902::apply(node, operations)?;
    match node.at(&["metadata", "annotations"]).and_then(Node::as_seq) {
        Some(items) if !items.is_empty() => {
            Err("metadata.annotations must be a map, it would be a list".to_owned())
        }
        _ => Ok(Some(())),
    }
}

/// Upstream copies labels and annotations of these patches as texts, so that a null in them is the text `null`. A quirk.
fn literal(patch: &Resource) -> Resource {
    let mut patch = patch.clone();
    let Some(metadata) = patch.node.get_mut("metadata").and_then(Node::as_map_mut) else { return patch };
    literal_texts(metadata, "labels");
    literal_texts(metadata, "annotations");
    patch
}

fn literal_texts(metadata: &mut Map, member: &str) {
    let Some(mut held) = metadata.remove(member) else { return };
    let Some(map) = held.as_map_mut().filter(|map| !map.is_empty()) else { return };
    for value in map.values_mut() {
        let text = literal_text(value);
        set_text(value, text);
    }
    metadata.insert(member, held);
}

/// Applies an entry of `patchesJson6902`, late in the pipeline and without noting what the objects were called before.
pub(super) fn apply_json(
    source: &Source<'_>,
    objects: &mut ResMap,
    entry: &PatchEntry,
) -> Result<(), KustomizeError> {
    let fail = |message: &str| KustomizeError::step(&entry.at, "patchesJson6902", message);
    let Some(target) = entry.target.as_ref().filter(|target| !target.name.is_empty()) else {
        return Err(fail("must specify the target name"));
    };
    let text = source.text_of(entry)?;
    let operations = match parse(source, &text)? {
        Patch::Json(operations) if !operations.is_empty() => operations,
        Patch::Json(_) | Patch::Nothing => return Err(fail("patch appears to be empty")),
        Patch::Strategic(_) => return Err(fail("is no list of JSON operations")),
    };
    for at in choose(objects, target, &entry.at)? {
        let resource = objects.get_mut(at);
        with_notes(resource, Notes::PutBack, |node| apply_operations(node, &operations))
            .map_err(|e| KustomizeError::step(&text.at, "patchesJson6902", e))?;
        tidy_annotations(&mut resource.node);
        objects.renamed(at);
    }
    Ok(())
}

fn choose(objects: &ResMap, target: &Selector, at: &Origin) -> Result<Vec<usize>, KustomizeError> {
    let chooser = Chooser::new(target).map_err(|e| KustomizeError::step(at, "patches.target", e))?;
    Ok(chooser.choose(objects))
}

/// The one object with this identity, now or before.
pub(super) fn unique(objects: &ResMap, id: &IdRef<'_>, at: &Origin) -> Result<usize, KustomizeError> {
    match objects.find_any(id).as_slice() {
        [one] => Ok(*one),
        found => {
            let what = if found.is_empty() { "no matches" } else { "multiple matches" };
            let message = format!("{what} for Id {id}; failed to find unique target for patch {id}");
            Err(KustomizeError::step(at, "patch", message))
        }
    }
}

fn merge_one(
    objects: &mut ResMap,
    at: usize,
    patch: &Resource,
    (entry, schemas): (&PatchEntry, &Schemas),
) -> Result<(), KustomizeError> {
    let resource = objects.get_mut(at);
    if resource.is_empty() {
        return Ok(());
    }
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    let mut patch = Cow::Borrowed(patch);
    if entry.allow_name_change || entry.allow_kind_change {
        resource.remember_id();
        // The permission is a note in the patch's annotations, which makes texts of them, too.
        if let Some(metadata) = patch.to_mut().node.get_mut("metadata").and_then(Node::as_map_mut) {
            literal_texts(metadata, "annotations");
        }
    }
    let merged = with_notes(resource, Notes::Lost, |node| {
        shared::keeping(node, |node| {
            let merged = strategic::merge(std::mem::take(node), patch.node.clone(), schemas)?;
            Ok(merged.map(|merged| *node = merged))
        })
    });
    match merged.map_err(|e| KustomizeError::step(&patch.origin, "patch", e))? {
        None => resource.node.value = Value::Null,
        Some(()) => {
            if !entry.allow_kind_change {
                resource.set_kind(&kind);
            }
            if !entry.allow_name_change {
                resource.set_name(&name);
            }
            resource.set_namespace(&namespace);
            objects.renamed(at);
        }
    }
    Ok(())
}

/// Stands for the notes that upstream keeps among the annotations of an object.
const NOTE: &str = "internal.config.kubernetes.io/notes";

/// What becomes of the notes when a change takes the annotations away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notes {
    /// JSON patches: all but those about the origin are put back.
    PutBack,
    /// Strategic patches: the object forgets what it was called before.
    Lost,
}

/// Runs a change on an object as upstream does, whose notes are annotations: an object with notes has annotations meanwhile.
pub(super) fn with_notes(
    resource: &mut Resource,
    notes: Notes,
    change: impl FnOnce(&mut Node) -> Result<Option<()>, String>,
) -> Result<Option<()>, String> {
    if !resource.has_notes() {
        return change(&mut resource.node);
    }
    resource.set_annotation(NOTE, "");
    let changed = change(&mut resource.node)?;
    let annotations = resource.node.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let kept = annotations.and_then(Node::as_map_mut).and_then(|map| map.remove(NOTE)).is_some();
    match (kept, notes) {
        (true, _) => {}
        (false, Notes::PutBack) => resource.build = BuildNotes::default(),
        (false, Notes::Lost) => resource.forget(),
    }
    if notes == Notes::PutBack {
        without_note(&mut resource.node);
    }
    if let Some(metadata) = resource.node.get_mut("metadata").and_then(Node::as_map_mut) {
        metadata.retain(|key, node| key != "annotations" || !node.is_empty());
    }
    Ok(changed)
}

/// A JSON patch may have copied the annotations. Upstream's notes then show up in the output; ours do not.
fn without_note(node: &mut Node) {
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(without_note),
        Value::Map(map) => {
            map.remove(NOTE);
            map.values_mut().for_each(without_note);
        }
        _ => {}
    }
}
