//! An explanation as lines for people.

use super::{ClauseVerdict, Explanation, FailedTest, PolicyVerdict};
use crate::escape::visible;
use crate::finding::{counted, some_of};

/// How many policies that do not place the object are told in full; the rest is counted.
const MAX_NEAR: usize = 3;

/// Writes the lines: the verdict, what stands in the way, where it is and why, then what came nearest.
pub fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![verdict(explanation)];
    lines.extend(explanation.obstacles.iter().map(|obstacle| format!("  {obstacle}")));
    let asked =
        |placed: &&super::PlacedOn| explanation.cluster.as_ref().is_none_or(|asked| *asked == placed.cluster);
    for placed in explanation.placements.iter().filter(asked) {
        lines.push(format!("  on {} by {}", placed.cluster, some_of(&placed.policies, 5)));
    }
    let (placing, other): (Vec<_>, Vec<_>) = explanation.policies.iter().partition(|policy| places(policy));
    for policy in placing {
        lines.push(format!("  policy {}{} places it", policy.policy, place(policy)));
        lines.extend(policy.clauses.iter().filter(|clause| clause.failed.is_empty()).map(matching));
    }
    let more = other.len().saturating_sub(MAX_NEAR);
    for policy in other.into_iter().take(MAX_NEAR) {
        lines.extend(not_placing(policy));
    }
    if more > 0 {
        let policies = if more == 1 { "policy" } else { "policies" };
        lines.push(format!("  and {more} {policies} further away"));
    }
    if explanation.policies.is_empty() && explanation.obstacles.is_empty() {
        lines.push("  there is no policy".to_owned());
    }
    lines.iter().map(|line| visible(line)).collect()
}

fn verdict(explanation: &Explanation) -> String {
    let object = &explanation.object;
    match (&explanation.cluster, explanation.placed) {
        (Some(cluster), true) => format!("{object} is on {cluster}"),
        (Some(cluster), false) => format!("{object} is not on {cluster}"),
        (None, true) => format!("{object} is on {}", counted(explanation.placements.len(), "cluster")),
        (None, false) => format!("{object} is on no cluster"),
    }
}

/// Whether the policy places the object where it was asked for, a narrowing aside.
pub(super) fn places(policy: &PolicyVerdict) -> bool {
    policy.selects_object && policy.cluster.as_ref().map_or(policy.clusters > 0, |cluster| cluster.selected)
}

fn place(policy: &PolicyVerdict) -> String {
    policy.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default()
}

fn matching(clause: &ClauseVerdict) -> String {
    format!("    downsync[{}] matches", clause.position)
}

fn not_placing(policy: &PolicyVerdict) -> Vec<String> {
    let mut lines = vec![format!("  policy {}{} does not place it", policy.policy, place(policy))];
    if policy.selects_object {
        lines.extend(policy.clauses.iter().filter(|clause| clause.failed.is_empty()).map(matching));
    } else {
        for clause in &policy.clauses {
            lines.extend(
                clause
                    .failed
                    .iter()
                    .map(|failed| failed_line(&format!("downsync[{}].", clause.position), failed)),
            );
        }
    }
    match &policy.cluster {
        Some(cluster) if cluster.selected => lines.push("    it selects the cluster".to_owned()),
        Some(cluster) => lines.extend(cluster.failed.iter().map(|failed| failed_line("", failed))),
        None if policy.clusters == 0 => lines.push("    it selects no cluster".to_owned()),
        None => {}
    }
    lines.extend(policy.problems.iter().map(|problem| format!("    {problem}")));
    lines
}

fn failed_line(place: &str, failed: &FailedTest) -> String {
    format!("    {place}{} wants {}; there is {}", failed.field, failed.wanted, failed.actual)
}
