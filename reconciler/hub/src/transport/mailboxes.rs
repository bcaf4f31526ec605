//! The works of all mailboxes, parsed, and the clusters that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::{Name, Object};
use plan::ClusterName;
use plan::work::ObservedWork;

type Labels = Arc<BTreeMap<String, String>>;

/// Every cluster, and every namespace that holds a work.
#[derive(Default)]
pub(super) struct Mailboxes {
    works: BTreeMap<ClusterName, BTreeMap<Name, ObservedWork>>,
    clusters: BTreeMap<ClusterName, Labels>,
    /// Other objects stand in the works than at the last call of [`Self::take_moved`], or clusters came or went.
    moved: bool,
}

impl Mailboxes {
    /// The clusters stay, the works are to be parsed anew.
    pub(super) fn without_works(self) -> Self {
        Self { works: BTreeMap::new(), moved: true, ..self }
    }

    /// Whether there is such a mailbox.
    pub(super) fn exists(&self, cluster: &ClusterName) -> bool {
        self.clusters.contains_key(cluster) || self.works.contains_key(cluster)
    }

    /// Whether the cluster is in the inventory.
    pub(super) fn has_cluster(&self, cluster: &ClusterName) -> bool {
        self.clusters.contains_key(cluster)
    }

    pub(super) fn labels(&self, cluster: &ClusterName) -> Option<&BTreeMap<String, String>> {
        self.clusters.get(cluster).map(Arc::as_ref)
    }

    /// What the inventory says of a cluster, `None` for one that is not in it; whether that is news.
    pub(super) fn set_labels(&mut self, cluster: &ClusterName, labels: Option<&Labels>) -> bool {
        let before = match labels {
            Some(labels) => self.clusters.insert(cluster.clone(), Arc::clone(labels)),
            None => self.clusters.remove(cluster),
        };
        self.moved |= before.is_some() != labels.is_some();
        before.as_ref() != labels
    }

    /// Whether a work is known in this version.
    pub(super) fn knows(&self, cluster: &ClusterName, stored: &Object) -> bool {
        let header = stored.header();
        let known = self.works.get(cluster).and_then(|works| works.get(&header.name));
        known.is_some_and(|known| header.resource_version.as_deref() == Some(&known.resource_version))
    }

    pub(super) fn put(&mut self, cluster: &ClusterName, work: ObservedWork) {
        let works = self.works.entry(cluster.clone()).or_default();
        let standing = |work: &ObservedWork| (work.uid.clone(), work.generation, work.deleting);
        let now = standing(&work);
        let before = works.insert(work.name.clone(), work);
        self.moved |= before.as_ref().map(standing) != Some(now);
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, cluster: &ClusterName, name: &Name) -> bool {
        let Some(works) = self.works.get_mut(cluster) else { return false };
        let removed = works.remove(name).is_some();
        if works.is_empty() {
            self.works.remove(cluster);
        }
        self.moved |= removed;
        removed
    }

    pub(super) fn works(&self, cluster: &ClusterName) -> impl Iterator<Item = &ObservedWork> {
        self.works.get(cluster).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn all_works(&self) -> impl Iterator<Item = (&ClusterName, &ObservedWork)> {
        let all = self.works.iter();
        all.flat_map(|(cluster, works)| works.values().map(move |work| (cluster, work)))
    }

    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }
}
