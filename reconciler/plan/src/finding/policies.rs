//! Checks on policies and their clauses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::ObjectId;

use super::{Finding, Scene, counted, some_of};
use crate::explain::near::{nearest_cluster, selectors_text};
use crate::select::Placing;
use crate::{ClusterName, Match, Policy, PolicyName};

/// All checks on policies.
pub fn all(scene: &Scene) -> Vec<Finding> {
    let mut findings = Vec::new();
    for policy in scene.head.index.policies() {
        findings.extend(invalid_selectors(policy));
        findings.extend(no_clusters(scene, policy));
        findings.extend(no_objects(scene, policy));
        findings.extend(resource_is_kind(scene, policy));
    }
    findings.extend(singleton_conflicts(scene));
    findings.extend(overlaps(scene));
    findings
}

/// What of a policy could not be understood.
pub fn invalid_selectors(policy: &Policy) -> impl Iterator<Item = Finding> {
    policy.problems.iter().map(|problem| {
        let message = format!("policy {}: {problem}. This part selects nothing; what the policy placed before stays until all of it is understood",
            policy.name);
        Finding::blocker("policy-invalid-selector", policy.origin.clone(), message)
    })
}

/// A policy that selects no cluster; a blocker when it selected some before.
fn no_clusters(scene: &Scene, policy: &Policy) -> Option<Finding> {
    let index = &scene.head.index;
    if !index.clusters_of(&policy.name).is_empty() {
        return None;
    }
    let why = if policy.cluster_selectors.is_empty() {
        "clusterSelectors is empty, which selects none; `[{}]` selects all".to_owned()
    } else if scene.head.inventory.is_empty() {
        "the inventory holds no cluster".to_owned()
    } else {
        let wanted = selectors_text(&policy.cluster_selectors);
        match nearest_cluster(&policy.cluster_selectors, index) {
            Some(nearest) => format!("no cluster has {wanted}; nearest: {nearest}"),
            None => format!("no cluster has {wanted}"),
        }
    };
    let before = scene.base.map(|base| base.index.clusters_of(&policy.name)).unwrap_or_default();
    let origin = policy.origin.clone();
    if before.is_empty() {
        let message = format!("policy {} selects no cluster: {why}", policy.name);
        return Some(Finding::warning("policy-no-clusters", origin, message));
    }
    let message =
        format!("policy {} selects no cluster any more ({}): {why}", policy.name, some_of(&before, 5));
    Some(Finding::blocker("policy-no-clusters", origin, message))
}

/// Clauses that match nothing.
fn no_objects(scene: &Scene, policy: &Policy) -> Option<Finding> {
    let counts = scene.head.index.clause_counts(&policy.name);
    let empty: Vec<String> = (0..)
        .zip(&counts)
        .filter(|(_, count)| **count == 0)
        .map(|(i, _): (usize, _)| format!("downsync[{i}]"))
        .collect();
    let message = match (counts.is_empty(), empty.len() == counts.len()) {
        (true, _) => format!("policy {} has no downsync clause, so it selects no object", policy.name),
        (_, true) => format!("policy {} matches no object", policy.name),
        _ if empty.is_empty() => return None,
        _ => format!("policy {}: {} match no object", policy.name, some_of(empty, 5)),
    };
    let hint = group_with_version(policy)
        .unwrap_or_else(|| "`gitstellar explain` says why an object is not selected".to_owned());
    Some(Finding::warning("policy-no-objects", policy.origin.clone(), format!("{message}. {hint}")))
}

/// `apiGroup: apps/v1` is the usual slip: it is what manifests say in apiVersion.
fn group_with_version(policy: &Policy) -> Option<String> {
    let groups = policy.clauses.iter().filter_map(|clause| clause.test.group.as_ref());
    let written =
        groups.map(apimachinery::Group::as_str).find(|group| group.contains('/') || *group == "v1")?;
    let meant = written.rsplit_once('/').map_or("", |(group, _)| group);
    Some(format!("`apiGroup: {written}` holds a version; write `apiGroup: \"{meant}\"`"))
}

/// `resources: [Deployment]` matches nothing: say what does.
fn resource_is_kind(scene: &Scene, policy: &Policy) -> Vec<Finding> {
    let kinds = &scene.head.kinds;
    let mut findings = Vec::new();
    for (i, clause) in policy.clauses.iter().enumerate() {
        let Match::OneOf(resources) = &clause.test.resources else { continue };
        for resource in resources.iter().filter(|resource| !kinds.has_plural(resource.as_str())) {
            let written = resource.as_str();
            let (name, group) = written.split_once('.').unwrap_or((written, ""));
            let meant: BTreeSet<&str> = if kinds.has_plural(name) {
                [name].into()
            } else {
                kinds.named(name).map(|(_, facts)| facts.plural.as_str()).collect()
            };
            if meant.is_empty() {
                continue;
            }
            let group_hint =
                if group.is_empty() { String::new() } else { format!(", with `apiGroup: {group}`") };
            let message = format!(
                "policy {}: downsync[{i}].resources names `{written}`, which matches nothing; write {}{group_hint}",
                policy.name,
                some_of(meant.iter().map(|plural| format!("`{plural}`")), 3),
            );
            findings.push(Finding::warning("resource-is-kind", policy.origin.clone(), message));
        }
    }
    findings
}

/// Objects whose status is to come from the one cluster that runs them, but not exactly one does. The clusters that count are those of the
/// policies that ask (`spec/kubestellar.md` 2.9); a policy that asks for several as well is content with any number.
fn singleton_conflicts(scene: &Scene) -> Vec<Finding> {
    let index = &scene.head.index;
    let mut asked: BTreeMap<ObjectId, Asked> = BTreeMap::new();
    for policy in index.policies() {
        let Some(selection) = index.selection(&policy.name) else { continue };
        for (object, modulation) in &selection.objects {
            if !modulation.want_singleton && !modulation.want_multi {
                continue;
            }
            let asked = asked.entry(object.clone()).or_default();
            asked.singleton |= modulation.want_singleton;
            asked.multi |= modulation.want_multi;
            asked.clusters.extend(selection.clusters_of(object).into_iter().flatten().cloned());
            asked.policies.insert(policy.name.clone());
        }
    }
    let mut by_cause: BTreeMap<Asked, Vec<ObjectId>> = BTreeMap::new();
    for (object, asked) in asked {
        if asked.singleton && !asked.multi && asked.clusters.len() != 1 {
            by_cause.entry(asked).or_default().push(object);
        }
    }
    by_cause.iter().map(|(asked, objects)| singleton_conflict(scene, asked, objects)).collect()
}

/// Who asks for status of an object, and from where.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    policies: BTreeSet<PolicyName>,
    clusters: BTreeSet<ClusterName>,
    singleton: bool,
    multi: bool,
}

fn singleton_conflict(scene: &Scene, asked: &Asked, objects: &[ObjectId]) -> Finding {
    let runs = match asked.clusters.len() {
        0 => "no cluster runs it".to_owned(),
        count => format!("{count} clusters do ({})", some_of(&asked.clusters, 5)),
    };
    let message = format!(
        "wantSingletonReportedState needs exactly one cluster, but {runs}: {}, asked for by {}. Narrow the policy, or ask for wantMultiWECReportedState",
        some_of(objects, 5),
        some_of(&asked.policies, 5),
    );
    let first = asked.policies.first().and_then(|name| scene.head.index.policy(name));
    Finding::blocker("singleton-conflict", first.and_then(|policy| policy.origin.clone()), message)
}

/// Policies that place the same objects on the same clusters.
fn overlaps(scene: &Scene) -> Vec<Finding> {
    let mut shared: BTreeMap<&BTreeSet<PolicyName>, Overlap> = BTreeMap::new();
    for pair in scene.changes {
        let Some(placing) = pair.head.filter(|placing| placing.policies.len() > 1) else { continue };
        let overlap = shared.entry(placing.policies.as_ref()).or_default();
        overlap.objects.insert(pair.object);
        overlap.clusters.insert(pair.cluster);
        if placing.modulation.create_only || !placing.modulation.status_collectors.is_empty() {
            overlap.merged.get_or_insert(placing);
        }
    }
    shared.into_iter().map(|(policies, overlap)| overlap.finding(scene, policies)).collect()
}

#[derive(Default)]
struct Overlap<'a> {
    objects: BTreeSet<&'a ObjectId>,
    clusters: BTreeSet<&'a ClusterName>,
    merged: Option<&'a Arc<Placing>>,
}

impl Overlap<'_> {
    fn finding(&self, scene: &Scene, policies: &BTreeSet<PolicyName>) -> Finding {
        let mut message = format!(
            "policies {} all place {} on {}: {}",
            some_of(policies, 5),
            counted(self.objects.len(), "object"),
            some_of(&self.clusters, 5),
            some_of(&self.objects, 5),
        );
        if let Some(placing) = self.merged {
            let collectors = &placing.modulation.status_collectors;
            if placing.modulation.create_only {
                message.push_str("; all of them are createOnly");
            }
            if !collectors.is_empty() {
                message.push_str(&format!("; status collectors: {}", some_of(collectors, 5)));
            }
        }
        let first = policies.first().and_then(|name| scene.head.index.policy(name));
        Finding::note("overlap", first.and_then(|policy| policy.origin.clone()), message)
    }
}
