//! From the text of templates to manifests: documents, hooks, and the order of installation.

use super::chart::{ChartError, ChartFile};
use super::error::HelmError;
use crate::object::{Hook, Origin, Phase};
use crate::tree::RepoPath;
use crate::yaml::{Limits, Loader, Node, Profile};

/// One document of a template's text, or one file of `crds/`.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The template, its chart in front: `web/templates/service.yaml`.
    pub(super) source: String,
    /// The document as the template printed it.
    pub(super) text: String,
    /// The object it is; a document of comments is none, a file of `crds/` may be many.
    pub(super) objects: Vec<(Node, Origin)>,
    /// Where it begins, as far as is known.
    pub(super) origin: Origin,
    /// Set for hooks.
    pub(super) hook: Option<Hook>,
    /// It is a hook that tests, whatever else it is for.
    pub(super) test: bool,
}

impl Manifest {
    /// A file of `crds/`: no template, so every object knows its line.
    pub(super) fn of_file(source: String, file: &ChartFile, limits: Limits) -> Result<Self, HelmError> {
        let loader = Loader { profile: Profile::Kubectl, limits };
        let nodes = loader.load(file.origin.as_str(), &file.bytes);
        let nodes = nodes.map_err(|mut error| {
            if file.bytes.windows(2).any(|pair| pair == b"{{") {
                error.message.push_str("; files in crds/ are no templates, they are installed as they are");
            }
            file.told(ChartError::Yaml(error))
        })?;
        let located = |node: Node| {
            let origin = file.place(node.pos.line);
            check_head(&node, (&source, &origin))?;
            Ok((node, origin))
        };
        let objects = nodes.into_iter().map(located).collect::<Result<_, HelmError>>()?;
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        Ok(Manifest { source, text, objects, origin: file.place(0), hook: None, test: false })
    }

    /// One document of what a template printed. `line` is its first one in the printed text.
    fn of_document(
        source: &str,
        (text, line): (&str, u32),
        origin: Origin,
        limits: Limits,
    ) -> Result<Self, HelmError> {
        let loader = Loader { profile: Profile::Kubectl, limits };
        let nodes = loader.load(source, text.as_bytes()).map_err(|mut error| {
            // The loader counted from the document's first line.
            error.pos.line += line - 1;
            HelmError::Printed { at: origin.clone(), source: error }
        })?;
        let node = nodes.into_iter().next();
        if let Some(node) = &node {
            check_head(node, (source, &origin))?;
        }
        let objects = node.map(|node| (node, origin.clone())).into_iter().collect();
        let (source, text) = (source.to_owned(), text.to_owned());
        Ok(Manifest { source, text, objects, origin, hook: None, test: false })
    }

    fn kind(&self) -> String {
        let kind = self.objects.first().and_then(|(node, _)| node.get("kind"));
        kind.and_then(Node::scalar_text).unwrap_or_default()
    }

    fn annotation(&self, key: &str) -> Option<String> {
        let (node, _) = self.objects.first()?;
        let annotation = node.at(&["metadata", "annotations", key])?;
        Some(annotation.scalar_text().unwrap_or_default())
    }
}

/// The text of one template, and the file it is.
pub(super) struct Printed<'a> {
    pub(super) source: &'a str,
    pub(super) text: &'a str,
    pub(super) file: &'a ChartFile,
}

impl Printed<'_> {
    /// Where each document begins in the template. Nobody knows which line printed what; but where the template has as many documents
    /// as its output, they are taken to be the same ones. Else they are all taken to begin at its first line.
    fn manifests(&self, limits: Limits) -> Result<Vec<Manifest>, HelmError> {
        let template = String::from_utf8_lossy(&self.file.bytes);
        let begins = documents(&template);
        let printed = documents(self.text);
        let same = begins.len() == printed.len();
        let manifest = |(at, document): (usize, &(&str, u32))| {
            let line = begins.get(at).filter(|_| same).map_or(1, |(_, line)| *line);
            Manifest::of_document(self.source, *document, self.file.place(line), limits)
        };
        printed.iter().enumerate().map(manifest).collect()
    }
}

/// Splits what the templates printed into manifests and hooks, both in the order of installation.
pub(super) fn sort(
    mut printed: Vec<Printed<'_>>,
    limits: Limits,
) -> Result<(Vec<Manifest>, Vec<Manifest>), HelmError> {
    printed.sort_by(|a, b| a.source.cmp(b.source));
    let (mut manifests, mut hooks) = (Vec::new(), Vec::new());
    for text in &printed {
        for manifest in text.manifests(limits)? {
            file_away(manifest, &mut manifests, &mut hooks);
        }
    }
    manifests.sort_by_cached_key(rank);
    hooks.sort_by_cached_key(rank);
    Ok((manifests, hooks))
}

/// The manifests and hooks of what a helm binary printed: it has sorted them, and each names its template.
pub(super) fn sourced(
    printed: &str,
    (files, chart): (&[ChartFile], &RepoPath),
    limits: Limits,
) -> Result<(Vec<Manifest>, Vec<Manifest>), HelmError> {
    let (mut manifests, mut hooks) = (Vec::new(), Vec::new());
    for (document, line) in documents(printed) {
        let (source, text) = document
            .strip_prefix("# Source: ")
            .and_then(|rest| rest.split_once('\n'))
            .unwrap_or(("", document));
        let inner = source.split_once('/').map_or("", |(_, inner)| inner);
        let origin = files
            .iter()
            .find(|file| file.name == inner)
            .map_or_else(|| Origin::new(chart, 0), |file| file.place(1));
        file_away(
            Manifest::of_document(source, (text, line + 1), origin, limits)?,
            &mut manifests,
            &mut hooks,
        );
    }
    Ok((manifests, hooks))
}

fn file_away(mut manifest: Manifest, manifests: &mut Vec<Manifest>, hooks: &mut Vec<Manifest>) {
    let Some(events) = manifest.annotation("helm.sh/hook") else {
        manifests.push(manifest);
        return;
    };
    let mut phase = Phase::Never;
    for event in events.split(',') {
        let this = match event.trim().to_lowercase().as_str() {
            "pre-install" | "pre-upgrade" => Phase::Before,
            "post-install" | "post-upgrade" => Phase::After,
            "pre-delete" | "post-delete" => Phase::Removal,
            "test" | "test-success" => Phase::Test,
            "pre-rollback" | "post-rollback" => Phase::Never,
            // An event that Helm does not know: it never installs the object.
            _ => return,
        };
        phase = phase.min(this);
        manifest.test |= this == Phase::Test;
    }
    let weight = manifest.annotation("helm.sh/hook-weight").and_then(|weight| whole(&weight)).unwrap_or(0);
    manifest.hook = Some(Hook { phase, weight });
    hooks.push(manifest);
}

/// Go's `strconv.Atoi`.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The documents of a text with the lines they begin at: what lies between lines that begin with three dashes. Whatever follows the
/// dashes belongs to the document, as upstream has it.
fn documents(text: &str) -> Vec<(&str, u32)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    let mut line = 1 + lines(&text[..text.len() - rest.len()]);
    let mut begins_line = true;
    loop {
        let (document, next) = match separator(rest, begins_line) {
            Some((at, after)) => (&rest[..at], Some((&rest[after..], lines(&rest[..after])))),
            None => (rest, None),
        };
        let trimmed = document.trim_start();
        if !trimmed.is_empty() {
            found.push((trimmed, line + lines(&document[..document.len() - trimmed.len()])));
        }
        match next {
            Some((after, passed)) => (rest, line, begins_line) = (after, line + passed, false),
            None => return found,
        }
    }
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// Where the next line that begins with dashes is, and where the document after it begins.
fn separator(text: &str, begins_line: bool) -> Option<(usize, usize)> {
    let at = if begins_line && text.starts_with("---") { 0 } else { text.find("\n---")? + 1 };
    let after = &text[at + 3..];
    let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
    Some((at, at + 3 + blanks))
}

/// Refuses a document whose head is not of the kinds that every object's is.
fn check_head(node: &Node, (source, at): (&str, &Origin)) -> Result<(), HelmError> {
    let Some((what, wanted)) = odd_head(node) else { return Ok(()) };
    let (at, source_template) = (at.clone(), source.to_owned());
    Err(HelmError::NotAnObject { at, source_template, message: format!("{what} must be {wanted}") })
}

fn odd_head(node: &Node) -> Option<(&'static str, &'static str)> {
    let is_text =
        |node: Option<&Node>| node.is_none_or(|node| node.is_null() || node.scalar_text().is_some());
    let is_map = |node: &Node| node.is_null() || node.as_map().is_some();
    if !is_map(node) {
        return Some(("the document", "a map with apiVersion, kind and metadata"));
    }
    if !is_text(node.get("apiVersion")) || !is_text(node.get("kind")) {
        return Some(("apiVersion and kind", "texts"));
    }
    let metadata = node.get("metadata")?;
    if !is_map(metadata) {
        return Some(("metadata", "a map"));
    }
    if !is_text(metadata.get("name")) {
        return Some(("metadata.name", "text"));
    }
    let annotations = metadata.get("annotations")?;
    let texts = annotations.as_map().is_none_or(|map| map.iter().all(|(_, node)| is_text(Some(node))));
    (!is_map(annotations) || !texts).then_some(("metadata.annotations", "a map of texts"))
}

/// Kinds in the order of installation; others come after them, by name.
const KINDS: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Known kinds in their order, then the others by name.
fn rank(manifest: &Manifest) -> (usize, String) {
    let kind = manifest.kind();
    match KINDS.iter().position(|known| *known == kind) {
        Some(at) => (at, String::new()),
        None => (KINDS.len(), kind),
    }
}

#[cfg(test)]
mod tests;
