//! Why an object is, or is not, on a cluster.
//!
//! The answer is read from the index that decides ([`crate::select::Index`]), with the tests that decide ([`crate::select::clause`]): an explanation
//! cannot contradict a placement. It is data; [`text::lines`] makes text of it.

use std::collections::BTreeSet;

use apimachinery::ObjectId;
use serde::Serialize;

use crate::placement::{Expansion, INITIAL_NAMESPACES};
use crate::select::clause::Test;
use crate::select::never::by_resource;
use crate::select::{Index, Selectable};
use crate::{ClusterName, ObjectTest, Policy, PolicyName};

pub mod near;
pub mod text;

mod wanted;

/// Why an object is where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The object, `Deployment.apps shop/web`.
    pub object: String,
    /// The cluster that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// Whether the answer to "is it there" is yes: on that cluster, or on any if none was asked for.
    pub placed: bool,
    /// What stands in the way before any policy is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
    /// The clusters it goes to, each with the policies that send it.
    pub placements: Vec<PlacedOn>,
    /// What each policy says of it: those that place it first, then the nearest.
    pub policies: Vec<PolicyVerdict>,
}

/// A cluster it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlacedOn {
    /// The cluster.
    pub cluster: ClusterName,
    /// The policies that select both.
    pub policies: BTreeSet<PolicyName>,
}

/// What one policy says of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVerdict {
    /// The policy.
    pub policy: PolicyName,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether one of its clauses matches.
    pub selects_object: bool,
    /// The clauses: those that match first, then the nearest.
    pub clauses: Vec<ClauseVerdict>,
    /// How many clusters it selects.
    pub clusters: usize,
    /// Whether it selects the cluster that was asked for, and why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterVerdict>,
    /// What of it could not be understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What one clause says of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClauseVerdict {
    /// Its place in `spec.downsync`, from 0.
    pub position: usize,
    /// The tests that fail; none when it matches.
    pub failed: Vec<FailedTest>,
}

/// One test that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedTest {
    /// The field of the clause.
    pub field: &'static str,
    /// What it wants.
    pub wanted: String,
    /// What there is.
    pub actual: String,
}

/// What a policy, or a narrowing, says of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterVerdict {
    /// Whether it is selected.
    pub selected: bool,
    /// Why not: one for each selector.
    pub failed: Vec<FailedTest>,
}

/// Explains an object of an index.
pub fn explain(index: &Index, object: &ObjectId, cluster: Option<&ClusterName>) -> Explanation {
    let placements = placements(index, object);
    let on_cluster = |placed: &PlacedOn| cluster.is_none_or(|cluster| *cluster == placed.cluster);
    let mut explanation = Explanation {
        object: object.to_string(),
        cluster: cluster.cloned(),
        placed: placements.iter().any(on_cluster),
        obstacles: cluster_obstacles(index, cluster),
        placements,
        policies: Vec::new(),
    };
    let Some(selectable) = index.object(object) else {
        explanation.obstacles.push(near::unknown_object(index, object));
        return explanation;
    };
    if let Some(why) = index.never_selected(object).or_else(|| by_resource(&selectable.resource())) {
        explanation.obstacles.push(format!("no policy ever selects it: {why}"));
        return explanation;
    }
    explanation.obstacles.extend(narrowing_obstacle(index, selectable, cluster));
    let mut verdicts: Vec<PolicyVerdict> =
        index.policies().map(|policy| verdict(index, selectable, policy, cluster)).collect();
    verdicts.sort_by_key(rank);
    explanation.policies = verdicts;
    explanation
}

/// Explains an object of a declaration: what the index of [`explain`] does not hold, like a missing Namespace or a file that is cipher text, is told, too.
pub fn explain_declared(
    expansion: &Expansion,
    object: &ObjectId,
    cluster: Option<&ClusterName>,
) -> Explanation {
    let mut explanation = explain(&expansion.index, object, cluster);
    let Some(declared) = expansion.objects.get(object) else { return explanation };
    if declared.object.encrypted {
        let place = &declared.object.origin;
        explanation.obstacles = vec![format!("it is SOPS cipher text and is not applied ({place})")];
    }
    if let Some(namespace) = &object.namespace
        && !expansion.has_namespace(namespace)
        && !INITIAL_NAMESPACES.contains(&namespace.as_str())
    {
        explanation
            .obstacles
            .push(format!("nothing declares Namespace {namespace}: no namespaceSelector matches it"));
    }
    explanation
}

fn placements(index: &Index, object: &ObjectId) -> Vec<PlacedOn> {
    let placed = |(cluster, placing): (ClusterName, std::sync::Arc<crate::select::Placing>)| PlacedOn {
        cluster,
        policies: placing.policies.as_ref().clone(),
    };
    index.placings_of(object).into_iter().map(placed).collect()
}

fn cluster_obstacles(index: &Index, cluster: Option<&ClusterName>) -> Vec<String> {
    let Some(cluster) = cluster else { return Vec::new() };
    if index.clusters().any(|(name, _)| name == cluster) {
        return Vec::new();
    }
    vec![near::unknown_cluster(index, cluster)]
}

fn narrowing_obstacle(index: &Index, object: &Selectable, cluster: Option<&ClusterName>) -> Option<String> {
    let narrowing = object.narrowing.as_ref()?;
    if let Some(problem) = narrowing.problem() {
        return Some(format!("its annotation gitstellar.io/cluster-selector admits no cluster: {problem}"));
    }
    let (name, labels) = index.clusters().find(|(name, _)| Some(*name) == cluster)?;
    let text = narrowing.text();
    (!narrowing.admits(labels))
        .then(|| format!("its annotation gitstellar.io/cluster-selector does not admit {name}: {text}"))
}

fn verdict(
    index: &Index,
    object: &Selectable,
    policy: &Policy,
    cluster: Option<&ClusterName>,
) -> PolicyVerdict {
    let mut clauses: Vec<ClauseVerdict> = policy
        .clauses
        .iter()
        .enumerate()
        .map(|(position, clause)| ClauseVerdict { position, failed: failed(index, object, &clause.test) })
        .collect();
    clauses.sort_by_key(|clause| (clause.failed.len(), clause.position));
    PolicyVerdict {
        policy: policy.name.clone(),
        origin: policy.origin.as_ref().map(ToString::to_string),
        selects_object: clauses.first().is_some_and(|clause| clause.failed.is_empty()),
        clauses,
        clusters: index.clusters_of(&policy.name).len(),
        cluster: cluster.and_then(|cluster| cluster_verdict(index, policy, cluster)),
        problems: policy.problems.clone(),
    }
}

fn failed(index: &Index, object: &Selectable, test: &ObjectTest) -> Vec<FailedTest> {
    let failing = index.failing_tests(object, test);
    failing.into_iter().map(|one| failed_test(index, object, test, one)).collect()
}

fn failed_test(index: &Index, object: &Selectable, test: &ObjectTest, failing: Test) -> FailedTest {
    FailedTest {
        field: failing.field(),
        wanted: wanted::of_test(test, failing),
        actual: wanted::actual(index, object, test, failing),
    }
}

fn cluster_verdict(index: &Index, policy: &Policy, cluster: &ClusterName) -> Option<ClusterVerdict> {
    let (_, labels) = index.clusters().find(|(name, _)| *name == cluster)?;
    let selected = index.clusters_of(&policy.name).contains(cluster);
    let failing = policy.cluster_selectors.iter().filter(|_| !selected);
    let mut failed: Vec<FailedTest> = failing
        .map(|selector| FailedTest {
            field: "clusterSelectors",
            wanted: near::selector_text(selector),
            actual: near::unmet(selector, labels),
        })
        .collect();
    if !selected && failed.is_empty() {
        let (wanted, actual) = ("nothing".to_owned(), "an empty list selects no cluster".to_owned());
        failed.push(FailedTest { field: "clusterSelectors", wanted, actual });
    }
    Some(ClusterVerdict { selected, failed })
}

/// Nearest first: those that place it, then by how little is missing, then by name.
fn rank(verdict: &PolicyVerdict) -> (usize, usize, PolicyName) {
    let object = verdict.clauses.first().map_or(usize::MAX, |clause| clause.failed.len());
    let cluster = verdict.cluster.as_ref().map_or(0, |cluster| usize::from(!cluster.selected));
    let no_cluster = usize::from(verdict.clusters == 0);
    (object.saturating_add(cluster), no_cluster, verdict.policy.clone())
}

#[cfg(test)]
mod tests;
