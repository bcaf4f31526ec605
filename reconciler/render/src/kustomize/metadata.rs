//! What `buildMetadata` writes into the objects.

use std::fmt::Write as _;

use super::error::KustomizeError;
use super::file::BuildMetadata;
use super::remote::RemoteCommit;
use super::resource::{Configured, Resource};
use crate::tree::{Files, RepoPath};
use crate::yaml::{Map, Node, Value, reads_otherwise};

/// Annotations that upstream keeps its own notes in; nobody else's survive a build.
const NOTES: &[&str] = &[
    "config.k8s.io/id",
    "config.kubernetes.io/index",
    "config.kubernetes.io/origin",
    "config.kubernetes.io/path",
    "alpha.config.kubernetes.io/transformations",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/helm-generated",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/suffixes",
];

/// Whatever was done to an object, in the end it has a kind and, unless it is a list, a name.
pub(super) fn check(resource: &Resource) -> Result<(), KustomizeError> {
    let fail = |message: &str| {
        Err(KustomizeError::Object { at: resource.origin.clone(), message: message.to_owned() })
    };
    if resource.kind().is_empty() {
        return fail("missing kind in object; a step of the build took it away");
    }
    let was_nameless = resource.history.iter().any(|previous| previous.name.is_empty());
    if (resource.name().is_empty() && !resource.kind().ends_with("List")) || was_nameless {
        return fail("missing metadata.name in object; a step of the build took it away");
    }
    Ok(())
}

/// The text of a scalar as it is written, null included; what is no scalar has none.
pub(super) fn literal_text(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        _ => node.scalar_text().unwrap_or_default(),
    }
}

/// A text as upstream's setter of texts writes it: in quotes where it would be read as something else, as a block with several lines.
pub(super) fn set_text(node: &mut Node, text: String) {
    node.quoted = text.contains('\n') || reads_otherwise(&text);
    node.untyped = false;
    node.unread = false;
    node.value = Value::String(text);
}

/// Makes texts of all annotations, and each a value of its own: upstream does so whenever it writes a note about a step among them.
pub(super) fn annotations_to_texts(node: &mut Node) {
    let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
    let Some(held) = metadata.get_mut("annotations").and_then(Node::as_map_mut) else { return };
    for value in held.values_mut() {
        let text = literal_text(value);
        set_text(value, text);
        value.share = 0;
    }
}

/// Annotations are texts, whatever a patch or a replacement wrote, and where there are none there is no map of them.
pub(super) fn tidy_annotations(node: &mut Node) {
    annotations_to_texts(node);
    let Some(metadata) = node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
    let Some(held) = metadata.get_mut("annotations") else { return };
    if let Some(map) = held.as_map_mut() {
        map.retain(|key, _| !NOTES.contains(&key));
    }
    if held.as_map().is_none_or(Map::is_empty) {
        metadata.remove("annotations");
    }
}

/// Where files are told to be: relative to the topmost kustomization, or in the repository that they were fetched from.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) files: &'a Files<'a>,
    /// The directory of the topmost kustomization.
    pub(super) dir: &'a RepoPath,
}

impl Places<'_> {
    /// The file's path under a name, and before or after it, as upstream has it, its repository and commit.
    fn lines(self, name: &str, file: &RepoPath) -> Vec<String> {
        let Some(mount) = self.files.mount_of(file) else {
            return vec![format!("{name}: {}", file.relative_to(self.dir))];
        };
        let RemoteCommit { url, commit } = RemoteCommit::mounted_at(&mount);
        let path = format!("{name}: {}", file.below(&mount).unwrap_or_default());
        let from = [format!("repo: {url}"), format!("ref: {commit}")];
        if name == "path" { [vec![path], from.into()].concat() } else { [from.into(), vec![path]].concat() }
    }
}

/// Writes the bookkeeping that the topmost kustomization asks for.
pub(super) fn write(resource: &mut Resource, wanted: BuildMetadata, places: Places<'_>) {
    if wanted.origin && resource.build.tracked {
        let text = match &resource.build.configured {
            None => {
                let lines = places.lines("path", &resource.origin.file);
                lines.into_iter().map(|line| line + "\n").collect()
            }
            Some(configured) => configured_text(configured, places, ("", "")),
        };
        resource.set_annotation("config.kubernetes.io/origin", &text);
    }
    if wanted.transformers && !resource.build.transformations.is_empty() {
        let steps = &resource.build.transformations;
        let text: String = steps.iter().map(|step| configured_text(step, places, ("- ", "  "))).collect();
        resource.set_annotation("alpha.config.kubernetes.io/transformations", &text);
    }
    if wanted.managed_by {
        let label = concat!("gitstellar-", env!("CARGO_PKG_VERSION"));
        if let Some(metadata) = resource.node.get_mut("metadata").and_then(Node::as_map_mut) {
            let labels = metadata.get_or_insert_with("labels", Node::map);
            if labels.is_null() {
                labels.value = Value::Map(Map::new());
            }
            if let Some(labels) = labels.as_map_mut() {
                labels.insert("app.kubernetes.io/managed-by", Node::text(label));
            }
        }
    }
}

fn configured_text(step: &Configured, places: Places<'_>, (first, other): (&str, &str)) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (at, line) in places.lines("configuredIn", &step.file).iter().enumerate() {
        let _ = writeln!(text, "{}{line}", if at == 0 { first } else { other });
    }
    let _ = writeln!(text, "{other}configuredBy:");
    for (name, value) in [
        ("apiVersion", &step.api_version),
        ("kind", &step.kind),
        ("name", &step.name),
        ("namespace", &step.namespace),
    ] {
        if !value.is_empty() {
            let _ = writeln!(text, "{other}  {name}: {value}");
        }
    }
    text
}
