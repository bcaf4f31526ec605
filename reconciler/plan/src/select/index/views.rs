//! What the index answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    ClusterName, Index, Indexed, Labels, Modulation, ObjectId, Policy, PolicyName, RoaringBitmap, Selectable,
    Selection,
};
use super::{clause, term};
use crate::select::clause::Namespaces;

/// By which policies an object is on a cluster, and how it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placing {
    /// The policies that select both.
    pub policies: Arc<BTreeSet<PolicyName>>,
    /// What they ask for together: collectors and status as merged over clauses, but createOnly only where every one of them asks for it. One policy that
    /// wants updates gets them, as OCM does when two works hold one object.
    pub modulation: Modulation,
}

/// One pair. What many pairs have in common is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedPair {
    /// The object.
    pub object: ObjectId,
    /// The cluster.
    pub cluster: ClusterName,
    /// Why and how.
    pub placing: Arc<Placing>,
}

/// Clusters, sorted, each with why and how an object is there.
type Spread = Vec<(ClusterName, Arc<Placing>)>;

/// What objects that go to the same clusters for the same reasons have in common: policies, each with its clauses that match, and the narrowing.
type Likeness<'a> = (Vec<(u32, Vec<u32>)>, Option<&'a str>);

impl Index {
    /// What a policy selects; `None` if there is no such policy.
    pub fn selection(&self, policy: &PolicyName) -> Option<Selection> {
        let indexed = self.policies.get(policy)?;
        let mut selection =
            Selection { clusters: self.cluster_names(&indexed.clusters), ..Selection::default() };
        for id in indexed.objects() {
            let Some((object, _)) = self.objects.at(id) else { continue };
            selection.objects.insert(object.clone(), indexed.modulation(id).unwrap_or_default());
            if let Some(admitted) = self.admitted(id) {
                let clusters = self.cluster_names(&(admitted & &indexed.clusters));
                selection.narrowed.insert(object.clone(), clusters);
            }
        }
        Some(selection)
    }

    /// The policies that select an object, whether or not they select a cluster.
    pub fn policies_of(&self, object: &ObjectId) -> BTreeSet<PolicyName> {
        let Some(id) = self.objects.id(object) else { return BTreeSet::new() };
        self.selecting(id)
            .into_iter()
            .filter_map(|policy| Some(self.policies.at(policy)?.0.clone()))
            .collect()
    }

    /// Where an object goes, by which policies.
    pub fn placings_of(&self, object: &ObjectId) -> BTreeMap<ClusterName, Arc<Placing>> {
        let Some(id) = self.objects.id(object) else { return BTreeMap::new() };
        self.spread(id, &self.selecting(id)).into_iter().collect()
    }

    /// All pairs, sorted by object and cluster.
    pub fn pairs(&self) -> Vec<PlacedPair> {
        let selecting = self.selecting_by_object();
        // Objects with the same policies, modulations and narrowing go to the same clusters for the same reasons.
        let mut known: BTreeMap<Likeness, Spread> = BTreeMap::new();
        let mut pairs = Vec::new();
        for (object, id, value) in self.objects.iter() {
            let Some(policies) = selecting.get(&id) else { continue };
            let narrowing = value.narrowing.as_ref().map(super::super::Narrowing::text);
            let key =
                (policies.iter().map(|policy| (*policy, self.matching(*policy, id))).collect(), narrowing);
            let spread = known.entry(key).or_insert_with(|| self.spread(id, policies));
            pairs.extend(spread.iter().map(|(cluster, placing)| PlacedPair {
                object: object.clone(),
                cluster: cluster.clone(),
                placing: placing.clone(),
            }));
        }
        pairs
    }

    /// An object it holds.
    pub fn object(&self, id: &ObjectId) -> Option<&Selectable> {
        self.objects.get(id)
    }

    /// All objects it holds, those among them that are never selected, sorted by identity.
    pub fn objects(&self) -> impl Iterator<Item = &Selectable> {
        self.objects.iter().map(|(_, _, object)| object)
    }

    /// All policies it holds, sorted by name.
    pub fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.iter().map(|(_, _, indexed)| &indexed.policy)
    }

    /// A policy it holds.
    pub fn policy(&self, name: &PolicyName) -> Option<&Arc<Policy>> {
        self.policies.get(name).map(|indexed| &indexed.policy)
    }

    /// All clusters it holds with their labels, sorted by name.
    pub fn clusters(&self) -> impl Iterator<Item = (&ClusterName, &Labels)> {
        self.clusters.iter().map(|(name, _, labels)| (name, labels))
    }

    /// The labels of the Namespaces it holds.
    pub fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    /// For each clause of a policy, in order, how many objects it matches.
    pub fn clause_counts(&self, policy: &PolicyName) -> Vec<u64> {
        let clauses = self.policies.get(policy).map(|indexed| indexed.clauses.as_slice()).unwrap_or_default();
        clauses.iter().map(|clause| clause.objects.len()).collect()
    }

    /// The clusters that a policy selects.
    pub fn clusters_of(&self, policy: &PolicyName) -> BTreeSet<ClusterName> {
        self.policies.get(policy).map(|indexed| self.cluster_names(&indexed.clusters)).unwrap_or_default()
    }

    fn cluster_names(&self, ids: &RoaringBitmap) -> BTreeSet<ClusterName> {
        ids.iter().filter_map(|id| Some(self.clusters.at(id)?.0.clone())).collect()
    }

    /// The policies that select an object, found by its terms, in the order of their names.
    fn selecting(&self, object: u32) -> Vec<u32> {
        let Some(value) = self.objects.value(object) else { return Vec::new() };
        let terms = term::of_object(value);
        let clauses = self.clauses.called_by(&terms);
        let policies: BTreeSet<u32> = clauses
            .into_iter()
            .filter(|clause| self.holds(*clause, object))
            .map(|(policy, _)| policy)
            .collect();
        self.by_name(policies)
    }

    fn by_name(&self, policies: BTreeSet<u32>) -> Vec<u32> {
        let mut named: Vec<_> =
            policies.into_iter().filter_map(|id| Some((&self.policies.at(id)?.0, id))).collect();
        named.sort_unstable();
        named.into_iter().map(|(_, id)| id).collect()
    }

    /// For each selected object the policies, in the order of their names.
    fn selecting_by_object(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut selecting: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (_, policy, indexed) in self.policies.iter() {
            for object in indexed.objects() {
                selecting.entry(object).or_default().push(policy);
            }
        }
        selecting
    }

    /// The positions of a policy's clauses that match an object.
    fn matching(&self, policy: u32, object: u32) -> Vec<u32> {
        let clauses = self.policy_at(policy).map(|indexed| indexed.clauses.as_slice()).unwrap_or_default();
        (0..).zip(clauses).filter(|(_, clause)| clause.objects.contains(object)).map(|(i, _)| i).collect()
    }

    /// Where an object goes by these policies, sorted by cluster.
    fn spread(&self, object: u32, policies: &[u32]) -> Spread {
        let admitted = self.admitted(object);
        let indexed: Vec<&Indexed> = policies.iter().filter_map(|policy| self.policy_at(*policy)).collect();
        let mut union = indexed.iter().fold(RoaringBitmap::new(), |all, one| all | &one.clusters);
        if let Some(admitted) = admitted {
            union &= admitted;
        }
        let mut shared: BTreeMap<Vec<bool>, Arc<Placing>> = BTreeMap::new();
        let mut spread: Spread = Vec::new();
        for cluster in union {
            let selecting: Vec<bool> = indexed.iter().map(|one| one.clusters.contains(cluster)).collect();
            let placing = shared.entry(selecting).or_insert_with_key(|selecting| {
                let by = indexed.iter().zip(selecting).filter(|(_, selects)| **selects).map(|(one, _)| *one);
                Arc::new(placing(object, by))
            });
            if let Some((name, _)) = self.clusters.at(cluster) {
                spread.push((name.clone(), placing.clone()));
            }
        }
        spread.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        spread
    }

    /// Whether an object passes a clause of a policy, test by test: for explanations.
    pub fn failing_tests(&self, object: &Selectable, test: &crate::ObjectTest) -> Vec<clause::Test> {
        clause::failing(test, object, &self.namespaces).collect()
    }
}

fn placing<'a>(object: u32, policies: impl Iterator<Item = &'a Indexed>) -> Placing {
    let mut names = BTreeSet::new();
    let mut modulation = Modulation::default();
    let mut create_only = true;
    for indexed in policies {
        let own = indexed.modulation(object).unwrap_or_default();
        names.insert(indexed.policy.name.clone());
        create_only &= own.create_only;
        modulation.merge(&own);
    }
    modulation.create_only = create_only && !names.is_empty();
    Placing { policies: Arc::new(names), modulation }
}
