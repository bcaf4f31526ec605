//! What `buildMetadata` writes into the objects.

use std::fmt::Write as _;

use super::file::BuildMetadata;
use super::resource::{Configured, Resource};
use crate::tree::RepoPath;
use crate::yaml::{Map, Node, Value};

/// Annotations are texts, whatever a patch or a replacement wrote.
pub(super) fn annotations_as_texts(node: &mut Node) {
    let metadata = node.get_mut("metadata");
    let Some(annotations) = metadata.and_then(|held| held.get_mut("annotations")).and_then(Node::as_map_mut)
    else {
        return;
    };
    for value in annotations.values_mut() {
        if value.as_str().is_none()
            && let Some(text) = value.scalar_text()
        {
            value.value = Value::String(text);
        }
    }
}

/// Writes the bookkeeping that the topmost kustomization, in `dir`, asks for.
pub(super) fn write(resource: &mut Resource, wanted: BuildMetadata, dir: &RepoPath) {
    if wanted.origin {
        let text = match &resource.build.configured {
            None => format!("path: {}\n", resource.origin.file.relative_to(dir)),
            Some(configured) => configured_text(configured, dir, ("", "")),
        };
        resource.set_annotation("config.kubernetes.io/origin", &text);
    }
    if wanted.transformers && !resource.build.transformations.is_empty() {
        let steps = &resource.build.transformations;
        let text: String = steps.iter().map(|step| configured_text(step, dir, ("- ", "  "))).collect();
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

fn configured_text(step: &Configured, dir: &RepoPath, (first, other): (&str, &str)) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{first}configuredIn: {}", step.file.relative_to(dir));
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
