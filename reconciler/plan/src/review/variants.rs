//! Clusters to which the same happens. A fleet is read variant by variant: a row for each cluster fills a comment and nobody reads it.

use std::collections::BTreeMap;

use super::summary::Counts;
use super::{Change, PlacementEntry};
use crate::{ClusterName, PolicyName};

/// Clusters to which the same happens, and what that is.
#[derive(Clone, Debug)]
pub struct Variant<'a> {
    /// `A` is the largest, `B` the next.
    pub label: String,
    /// The clusters, sorted.
    pub clusters: Vec<&'a ClusterName>,
    /// What happens on each, without what stays as it is; those of the first cluster.
    pub entries: Vec<&'a PlacementEntry>,
    /// The same, counted.
    pub counts: Counts,
}

/// The variants of all clusters to which something happens: the largest first, then by first cluster. `placements` are sorted by cluster.
pub fn variants(placements: &[PlacementEntry]) -> Vec<Variant<'_>> {
    let mut by_events: BTreeMap<Vec<Event>, Variant> = BTreeMap::new();
    for of_cluster in placements.chunk_by(|a, b| a.cluster == b.cluster) {
        let entries: Vec<&PlacementEntry> =
            of_cluster.iter().filter(|e| e.change != Change::Unchanged).collect();
        let Some(first) = entries.first() else { continue };
        let cluster = &first.cluster;
        let events = entries.iter().map(|entry| event(entry)).collect();
        let variant = by_events.entry(events).or_insert_with(|| {
            let mut counts = Counts::default();
            of_cluster.iter().for_each(|entry| counts.add(entry.change));
            Variant { label: String::new(), clusters: Vec::new(), entries, counts }
        });
        variant.clusters.push(cluster);
    }
    let mut variants: Vec<Variant> = by_events.into_values().collect();
    variants
        .sort_by(|a, b| b.clusters.len().cmp(&a.clusters.len()).then_with(|| a.clusters.cmp(&b.clusters)));
    for (i, variant) in variants.iter_mut().enumerate() {
        variant.label = label(i);
    }
    variants
}

/// Everything of an entry but its cluster. The hash makes clusters with different content of one object differ.
type Event<'a> = (Change, [&'a str; 5], Option<apimachinery::Digest>, Vec<&'a str>);

fn event(entry: &PlacementEntry) -> Event<'_> {
    let id = [
        entry.group.as_str(),
        entry.kind.as_str(),
        entry.namespace.as_str(),
        entry.name.as_str(),
        entry.unit.as_str(),
    ];
    (entry.change, id, entry.hash, entry.policies.iter().map(PolicyName::as_str).collect())
}

/// `A` to `Z`, then `A1`, `B1`…
fn label(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}
