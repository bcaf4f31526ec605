//! The placement review: on which clusters what will change, and what is wrong with it.
//!
//! Law: the same declarations and options give the same bytes, wherever and as whoever it runs, in whatever order the input came. What is printed
//! is computed by the very functions that the controllers execute: [`crate::placement`], [`crate::select`], [`crate::budget`].
//!
//! | module | knows |
//! |---|---|
//! | [`compare`] | pairs before and after, and how they differ |
//! | [`diff`] | which fields of a changed object differ, without a value of a Secret |
//! | [`summary`] | counts |
//! | [`variants`] | clusters to which the same happens |
//! | [`markdown`] | the comment of a pull request |
//! | [`table`] | text for a terminal |

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::{Digest, Group, Kind, Name, Namespace, ObjectId, Version};
use serde::{Serialize, Serializer};

use crate::budget::{self, Cause, Held};
use crate::escape;
use crate::finding::{Scene, Severity, visible_message};
use crate::kinds::Kinds;
use crate::placement::Expansion;
use crate::{ClusterName, Declaration, Finding, Inventory, Pair, PolicyName, UnitName, finding};

pub mod compare;
pub mod diff;
pub mod markdown;
pub mod summary;
pub mod table;
pub mod variants;

pub use compare::Change;
pub use markdown::{MarkdownOptions, markdown};
pub use summary::Summary;
pub use table::table;

use compare::PairChange;
use diff::ObjectDiff;

/// What a review depends on besides the two declarations.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How the base is called, usually a commit.
    pub base: Option<String>,
    /// How the head is called.
    pub head: Option<String>,
    /// The clusters, before and after; without it those that each declaration holds.
    pub inventory: Option<Inventory>,
    /// Kinds that are served though no unit declares them.
    pub kinds: Kinds,
    /// When removals will be held.
    pub budget: budget::Config,
}

/// A placement review. Serialises to the JSON that `gitstellar plan -o json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Always `gitstellar.io/v1alpha1`: the version of this shape.
    pub api_version: &'static str,
    /// Always `PlacementReview`.
    pub kind: &'static str,
    /// How the base is called; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// How the head is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Over changed placements and findings: two reviews with equal digests say the same. No value of a Secret enters it.
    pub digest: String,
    /// Counts.
    pub summary: Summary,
    /// What is wrong, blockers first.
    pub findings: Vec<FindingEntry>,
    /// The removals that will wait for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldEntry>,
    /// What differs in objects whose content changed.
    pub diffs: Vec<ObjectDiff>,
    /// All pairs before and after, sorted by cluster, group, kind, namespace, name.
    pub placements: Vec<PlacementEntry>,
}

/// One pair.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct PlacementEntry {
    /// The cluster.
    pub cluster: ClusterName,
    /// The group, empty for core.
    pub group: Group,
    /// The version it is written in.
    pub version: Version,
    /// The kind.
    pub kind: Kind,
    /// The namespace, empty for a cluster-scoped object.
    pub namespace: Namespace,
    /// The name.
    pub name: Name,
    /// The unit; empty for what no unit declares.
    pub unit: UnitName,
    /// The policies that place it, sorted; of a pair that disappears those that did.
    pub policies: Arc<std::collections::BTreeSet<PolicyName>>,
    /// SHA-256 of the canonical normal form, in hexadecimal; of a pair that disappears that of the base. Absent for Secrets, whose content must not
    /// even be guessable.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "hex")]
    pub hash: Option<Digest>,
    /// What happens to it.
    pub change: Change,
}

impl PlacementEntry {
    /// The identity of the object.
    pub fn object(&self) -> ObjectId {
        ObjectId {
            group: self.group.clone(),
            kind: self.kind.clone(),
            namespace: Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            name: self.name.clone(),
        }
    }
}

fn hex<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => serializer.collect_str(digest),
        None => serializer.serialize_none(),
    }
}

/// One finding.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct FindingEntry {
    /// The stable id.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is the matter and what to do.
    pub message: String,
    /// The file of its cause, if one place is it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl From<Finding> for FindingEntry {
    /// Names come from manifests: control characters in them must not reach a terminal.
    fn from(finding: Finding) -> Self {
        let (file, line) = finding.origin.map(|origin| (escape::visible(&origin.file), origin.line)).unzip();
        let message = visible_message(&finding.message);
        Self { id: finding.id, severity: finding.severity, message, file, line }
    }
}

/// Removals that will wait for approval.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct HeldEntry {
    /// What `gitstellar approve` and the trailer `Gitstellar-Approve` name.
    pub hash: String,
    /// Why they are held.
    pub reasons: Vec<String>,
    /// How many pairs.
    pub pairs: usize,
}

impl From<&Held> for HeldEntry {
    fn from(held: &Held) -> Self {
        let reasons = held.reasons.iter().map(ToString::to_string).collect();
        Self { hash: held.hash.to_string(), reasons, pairs: held.pairs.len() }
    }
}

impl Review {
    /// Whether any finding is a blocker.
    pub fn has_blockers(&self) -> bool {
        self.summary.findings.blocker > 0
    }

    /// Whether anything is placed otherwise than before.
    pub fn has_changes(&self) -> bool {
        self.summary.changes.any()
    }

    /// The JSON of `gitstellar plan -o json`, ending in a newline.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists only: it cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Reviews the change from `base` to `head`. Without a base everything appears.
pub fn review(base: Option<&Declaration>, head: &Declaration, options: &Options) -> Review {
    let inventory_of = |declaration| options.inventory.as_ref().unwrap_or(clusters(declaration));
    let before = base.map(|base| Expansion::new(base, inventory_of(base), &options.kinds, None));
    let after = Expansion::new(head, inventory_of(head), &options.kinds, base);
    let changes = compare::compare(before.as_ref(), &after);
    let held = held(before.as_ref(), &after, &changes, options.budget);
    let scene = Scene { base: before.as_ref(), head: &after, changes: &changes, held: held.as_ref() };
    let findings: Vec<FindingEntry> = findings(&scene).into_iter().map(FindingEntry::from).collect();
    let placements = placements(&scene);
    let summary = Summary::of(&scene, &placements, &findings);
    Review {
        api_version: "gitstellar.io/v1alpha1",
        kind: "PlacementReview",
        base: options.base.clone(),
        head: options.head.clone(),
        digest: digest(&placements, &findings).to_string(),
        summary,
        findings,
        held: held.as_ref().map(HeldEntry::from),
        diffs: diff::of_changed_objects(&scene),
        placements,
    }
}

/// The list of removals that a merge of `head` over `base` would hold. Whoever finds the trailer `Gitstellar-Approve: HASH` in a merge commit learns
/// from it which pairs were approved, so that what is left of them stays approved while they go.
pub fn held_removals(base: &Declaration, head: &Declaration, options: &Options) -> Option<Held> {
    let inventory_of = |declaration| options.inventory.as_ref().unwrap_or(clusters(declaration));
    let before = Expansion::new(base, inventory_of(base), &options.kinds, None);
    let after = Expansion::new(head, inventory_of(head), &options.kinds, Some(base));
    held(Some(&before), &after, &compare::compare(Some(&before), &after), options.budget)
}

fn clusters(declaration: &Declaration) -> &Inventory {
    &declaration.clusters
}

/// All findings, sorted by severity, id, place, message, each once.
fn findings(scene: &Scene) -> Vec<Finding> {
    let mut findings = scene.head.declaration.findings.clone();
    findings.extend(finding::units::all(scene.head.declaration));
    findings.extend(finding::policies::all(scene));
    findings.extend(finding::objects::all(scene));
    findings.extend(finding::removals::all(scene));
    findings.extend(finding::delivery::all(scene));
    findings.sort();
    findings.dedup();
    findings
}

fn held(
    before: Option<&Expansion>,
    after: &Expansion,
    changes: &[PairChange],
    config: budget::Config,
) -> Option<Held> {
    let gone = changes.iter().filter(|pair| pair.change == Change::Disappear);
    let removals: BTreeMap<Pair, Cause> = gone
        .map(|pair| {
            let vanished = !after.inventory.contains_key(pair.cluster);
            let cause = if vanished { Cause::ClusterVanished } else { Cause::Commit };
            (Pair::new(pair.object.clone(), pair.cluster.clone()), cause)
        })
        .collect();
    if removals.is_empty() {
        return None;
    }
    let placed = before?.pairs.iter();
    let placed = placed.map(|pair| Pair::new(pair.object.clone(), pair.cluster.clone())).collect();
    budget::judge(&removals, &placed, &[], config).held
}

/// Sorted by cluster, group, kind, namespace, name: changes are sorted by object already, so they only need to be dealt out to their clusters.
fn placements(scene: &Scene) -> Vec<PlacementEntry> {
    let mut by_cluster: BTreeMap<&ClusterName, Vec<PlacementEntry>> = BTreeMap::new();
    for (object, pairs) in scene.by_object() {
        let after = scene.head.objects.get(object);
        let Some(shown) = after.or_else(|| scene.declared_before(object)) else { continue };
        for pair in pairs {
            let declared =
                if pair.head.is_some() { shown } else { scene.declared_before(object).unwrap_or(shown) };
            let placing = pair.head.or(pair.base);
            let secret = diff::is_secret(object);
            by_cluster.entry(pair.cluster).or_default().push(PlacementEntry {
                cluster: pair.cluster.clone(),
                group: object.group.clone(),
                version: declared.object.object.header().gvk.version.clone(),
                kind: object.kind.clone(),
                namespace: object.namespace.clone().unwrap_or_else(|| "".into()),
                name: object.name.clone(),
                unit: declared.unit.cloned().unwrap_or_else(|| "".into()),
                policies: placing.map(|placing| placing.policies.clone()).unwrap_or_default(),
                hash: (if pair.head.is_some() { pair.after } else { pair.before }).filter(|_| !secret),
                change: pair.change,
            });
        }
    }
    by_cluster.into_values().flatten().collect()
}

/// Over what happens and what is said of it: what stays as it is does not count.
fn digest(placements: &[PlacementEntry], findings: &[FindingEntry]) -> Digest {
    let events: Vec<_> = placements.iter().filter(|entry| entry.change != Change::Unchanged).collect();
    Digest::of(serde_json::to_vec(&(events, findings)).unwrap_or_default().as_slice())
}

#[cfg(test)]
mod tests;
