//! The review as text for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Change, PlacementEntry, Review};
use crate::ClusterName;
use crate::escape::visible;
use crate::finding::{counted, said_and_shown, some_of};

/// Writes the review: verdict, findings, and what changes; what stays as it is is only counted.
pub fn table(review: &Review) -> String {
    let mut text = String::new();
    let changes = &review.summary.changes;
    let _ = writeln!(
        text,
        "{} of {}, {} of {}: {} appear, {} change, {} disappear, {} rebound, {} unchanged",
        review.summary.touched.clusters,
        counted(review.summary.totals.clusters, "cluster"),
        review.summary.touched.units,
        counted(review.summary.totals.units, "unit"),
        changes.appear,
        changes.change,
        changes.disappear,
        changes.rebound,
        changes.unchanged,
    );
    for finding in &review.findings {
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!(" ({file}:{line})"),
            (Some(file), None) => format!(" ({file})"),
            _ => String::new(),
        };
        let (said, shown) = said_and_shown(&finding.message);
        let line = format!("{} {}: {said}{place}", finding.severity, finding.id);
        let _ = writeln!(text, "{}", visible(&line));
        if let Some(shown) = shown {
            let _ = writeln!(text, "  | {}", visible(shown));
        }
    }
    text.push_str(&changed_placements(&review.placements));
    text
}

/// One row for an object, a change and its reasons; its clusters in one cell.
fn changed_placements(placements: &[PlacementEntry]) -> String {
    let mut rows: BTreeMap<_, Vec<&ClusterName>> = BTreeMap::new();
    for entry in placements.iter().filter(|entry| entry.change != Change::Unchanged) {
        let object = (&entry.group, &entry.kind, &entry.namespace, &entry.name);
        let key = (&entry.unit, object, entry.change, &entry.policies, entry.hash);
        rows.entry(key).or_default().push(&entry.cluster);
    }
    let mut lines: Vec<[String; 5]> = Vec::new();
    for ((unit, (group, kind, namespace, name), change, policies, _), clusters) in rows {
        let kind = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
        let place = if namespace.is_empty() { name.to_string() } else { format!("{namespace}/{name}") };
        lines.push([
            word(change).to_owned(),
            unit.to_string(),
            format!("{kind} {place}"),
            some_of(policies.iter(), 4),
            some_of(clusters, 4),
        ]);
    }
    if lines.is_empty() { String::new() } else { format!("\n{}", columns(&lines)) }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Appear => "+ appear",
        Change::Change => "~ change",
        Change::Disappear => "- disappear",
        Change::Rebound => "= rebound",
        Change::Unchanged => "  unchanged",
    }
}

const HEADER: [&str; 5] = ["CHANGE", "UNIT", "OBJECT", "POLICIES", "CLUSTERS"];

/// Columns as wide as their widest cell; the last one as long as it is.
fn columns(rows: &[[String; 5]]) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(HEADER.map(str::to_owned).to_vec())
        .chain(rows.iter().map(|row| row.iter().map(|cell| visible(cell)).collect()))
        .collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..HEADER.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}
