//! Clusters come, change and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apimachinery::selector::Selector;

use super::{Changed, ClusterName, Index, Labels, RoaringBitmap, term};
use crate::select::Narrowing;

impl Index {
    /// Adds a cluster, or gives it other labels. Nothing else of a cluster counts for selection, as in KubeStellar.
    pub fn upsert_cluster(&mut self, name: &ClusterName, labels: &BTreeMap<String, String>) -> Changed {
        let old = self.clusters.get(name).cloned();
        if old.as_deref() == Some(labels) {
            return Changed::new();
        }
        let old_terms = old.as_deref().map(term::of_labels).unwrap_or_default();
        let new_terms = term::of_labels(labels);
        let labels: Labels = Arc::new(labels.clone());
        let id = self.clusters.insert(name.clone(), labels.clone());
        self.cluster_bearers.remove(id, &old_terms);
        let changed = self.move_cluster(id, &old_terms, Some((&labels, &new_terms)));
        self.cluster_bearers.add(id, new_terms);
        changed
    }

    /// Removes a cluster.
    pub fn remove_cluster(&mut self, name: &ClusterName) -> Changed {
        let (Some(id), Some(labels)) = (self.clusters.id(name), self.clusters.get(name)) else {
            return Changed::new();
        };
        let old_terms = term::of_labels(labels);
        self.cluster_bearers.remove(id, &old_terms);
        let changed = self.move_cluster(id, &old_terms, None);
        self.clusters.remove(name);
        changed
    }

    fn move_cluster(
        &mut self,
        id: u32,
        old_terms: &[term::Term],
        new: Option<(&Labels, &Vec<term::Term>)>,
    ) -> Changed {
        let labels = new.map(|(labels, _)| labels);
        let new_terms = new.map(|(_, terms)| terms.as_slice()).unwrap_or_default();
        let mut changed = self.narrow_again(id, labels);
        for policy in self.cluster_policies.called_by(old_terms.iter().chain(new_terms)) {
            self.visited.clusters += 1;
            let Some(indexed) = self.policies.value_mut(policy) else { continue };
            let selected =
                labels.is_some_and(|labels| any_matches(&indexed.policy.cluster_selectors, labels));
            let differs = if selected { indexed.clusters.insert(id) } else { indexed.clusters.remove(id) };
            if differs {
                changed.insert(policy);
            }
        }
        self.names_of(changed)
    }

    /// A narrowing admits the cluster, or does so no longer: that concerns the policies that select both the cluster and an object narrowed so.
    fn narrow_again(&mut self, id: u32, labels: Option<&Labels>) -> BTreeSet<u32> {
        let mut differing = Vec::new();
        for narrowed in self.narrowings.values_mut() {
            self.visited.clusters += 1;
            let admitted = labels.is_some_and(|labels| narrowed.narrowing.admits(labels));
            let differs = if admitted { narrowed.clusters.insert(id) } else { narrowed.clusters.remove(id) };
            if differs {
                differing.push(narrowed.objects.clone());
            }
        }
        if differing.is_empty() {
            return BTreeSet::new();
        }
        let objects = differing.into_iter().fold(RoaringBitmap::new(), |all, objects| all | objects);
        let concerned = self.policies.iter().filter(|(_, _, indexed)| {
            indexed.clusters.contains(id) && !indexed.objects().is_disjoint(&objects)
        });
        concerned.map(|(_, policy, _)| policy).collect()
    }

    pub(super) fn clusters_admitted_by(&mut self, narrowing: &Narrowing) -> RoaringBitmap {
        self.clusters_selected_by(narrowing.selectors())
    }

    pub(super) fn clusters_selected_by(&mut self, selectors: &[Selector]) -> RoaringBitmap {
        let mut selected = RoaringBitmap::new();
        for selector in selectors {
            let candidates = self.cluster_bearers.all(&term::of_selector(selector));
            let candidates = candidates.unwrap_or_else(|| self.clusters.ids().collect());
            for id in candidates {
                self.visited.clusters += 1;
                if self.clusters.value(id).is_some_and(|labels| selector.matches(labels)) {
                    selected.insert(id);
                }
            }
        }
        selected
    }
}

fn any_matches(selectors: &[Selector], labels: &Labels) -> bool {
    selectors.iter().any(|selector| selector.matches(labels))
}
