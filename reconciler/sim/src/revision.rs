//! ControllerRevisions: the history of the templates of StatefulSets and DaemonSets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kind::Kind;
use crate::live::{Live, text, texts};
use crate::naming;
use crate::owner;
use crate::step::Step;
use crate::template;
use crate::world::World;

/// The label of pods that tells the revision they were made from.
pub(crate) const REVISION_HASH: &str = "controller-revision-hash";

/// What a workload's history says about its template as it is now.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Oldest first.
    pub revisions: Vec<Live>,
    /// Name and hash of the revision of the present template.
    pub name: String,
    pub hash: String,
}

impl History {
    /// The revisions that a workload controls.
    pub(crate) fn observe(world: &World, workload: &Live) -> Self {
        Self::of(workload, world.controlled(Kind::ControllerRevision, workload))
    }

    pub(crate) fn of(workload: &Live, mut revisions: Vec<Live>) -> Self {
        revisions.sort_by_cached_key(|revision| (revision.count("/revision"), revision.by_age()));
        let data = data(workload);
        let known = revisions.iter().rev().find(|revision| revision.value["data"] == data);
        let hash = naming::template_hash(template::of(workload), workload.count("/status/collisionCount"));
        let (name, hash) = match known {
            Some(known) => {
                (known.name().to_owned(), text(&known.value, &label_path(&known.value)).to_owned())
            }
            None => (naming::generated(workload.name(), &hash), hash),
        };
        Self { revisions, name, hash }
    }

    /// Records the present template: a new revision, or an old one that becomes the newest again.
    pub(crate) fn record(&self, workload: &Live) -> Vec<Step> {
        let newest = self.revisions.last().map_or(0, |revision| revision.count("/revision"));
        match self.get(&self.name) {
            Some(known) if known.count("/revision") == newest => Vec::new(),
            Some(known) => vec![Step::patch(known, json!({ "revision": newest + 1 }))],
            None => vec![Step::Create(self.made(workload, newest + 1))],
        }
    }

    fn made(&self, workload: &Live, number: i64) -> Value {
        let mut labels = texts(template::of(workload), "/metadata/labels");
        let key = if workload.object.header().gvk.kind == "DaemonSet" {
            REVISION_HASH
        } else {
            "controller.kubernetes.io/hash"
        };
        labels.insert(key.to_owned(), self.hash.clone());
        let annotations = workload.object.header().annotations.iter();
        let annotations: Value = annotations
            .filter(|(key, _)| *key != "kubectl.kubernetes.io/last-applied-configuration")
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {
                "name": self.name, "namespace": workload.namespace(), "labels": labels, "annotations": annotations,
                "ownerReferences": [owner::reference(workload)]
            },
            "data": data(workload), "revision": number
        })
    }

    fn get(&self, name: &str) -> Option<&Live> {
        self.revisions.iter().find(|revision| revision.name() == name)
    }

    /// The template of a revision, if it is known.
    pub(crate) fn template(&self, name: &str) -> Option<Value> {
        let mut template = self.get(name)?.value.pointer("/data/spec/template")?.clone();
        template.as_object_mut()?.remove("$patch");
        Some(template)
    }

    /// Deletes the oldest revisions that are more than the history holds and that nobody uses.
    pub(crate) fn forget(&self, workload: &Live, used: &BTreeSet<&str>) -> Vec<Step> {
        let limit =
            usize::try_from(workload.int("/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or_default();
        let in_use = |revision: &&Live| {
            used.contains(revision.name())
                || used.contains(text(&revision.value, &label_path(&revision.value)))
        };
        let unused: Vec<&Live> = self.revisions.iter().filter(|revision| !in_use(revision)).collect();
        let excess = unused.len().saturating_sub(limit);
        unused.into_iter().take(excess).map(Step::delete).collect()
    }
}

/// Where a revision keeps its hash.
fn label_path(revision: &Value) -> String {
    let daemon = revision.pointer("/metadata/labels/controller-revision-hash").is_some();
    let key = if daemon { REVISION_HASH } else { "controller.kubernetes.io~1hash" };
    format!("/metadata/labels/{key}")
}

/// A patch that brings the template back: that is how `kubectl rollout undo` reads it.
fn data(workload: &Live) -> Value {
    let mut template = template::of(workload).clone();
    if let Some(fields) = template.as_object_mut() {
        fields.insert("$patch".to_owned(), json!("replace"));
    }
    json!({ "spec": { "template": template } })
}
