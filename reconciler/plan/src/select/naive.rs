//! The oracle: selection as `spec/kubestellar.md` 2.1 to 2.3 says it, by looking at everything. It shares no code with the index but the selectors.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::ObjectId;
use apimachinery::selector::Selector;

use super::never::SecretRefs;
use super::{Selectable, Selection};
use crate::{Clause, ClusterName, Match, Modulation, Policy, PolicyName};

#[derive(Clone, Default, Debug)]
pub struct World {
    pub objects: BTreeMap<ObjectId, Selectable>,
    pub policies: BTreeMap<PolicyName, Policy>,
    pub clusters: BTreeMap<ClusterName, BTreeMap<String, String>>,
    pub secret_refs: SecretRefs,
}

impl World {
    pub fn selections(&self) -> BTreeMap<PolicyName, Selection> {
        self.policies.iter().map(|(name, policy)| (name.clone(), self.selection(policy))).collect()
    }

    pub fn selection(&self, policy: &Policy) -> Selection {
        let mut selection = Selection::default();
        for (name, labels) in &self.clusters {
            if policy.cluster_selectors.iter().any(|selector| selector.matches(labels)) {
                selection.clusters.insert(name.clone());
            }
        }
        for (id, object) in &self.objects {
            let Some(modulation) = self.modulation(policy, object) else { continue };
            selection.objects.insert(id.clone(), modulation);
            if let Some(narrowing) = &object.narrowing {
                let admitted = |name: &&ClusterName| narrowing.admits(&self.clusters[*name]);
                selection
                    .narrowed
                    .insert(id.clone(), selection.clusters.iter().filter(admitted).cloned().collect());
            }
        }
        selection
    }

    /// All pairs with the policies that make them.
    pub fn pairs(&self) -> BTreeMap<(ObjectId, ClusterName), BTreeSet<PolicyName>> {
        let mut pairs: BTreeMap<_, BTreeSet<PolicyName>> = BTreeMap::new();
        for (policy, selection) in self.selections() {
            for id in selection.objects.keys() {
                for cluster in selection.narrowed.get(id).unwrap_or(&selection.clusters) {
                    pairs.entry((id.clone(), cluster.clone())).or_default().insert(policy.clone());
                }
            }
        }
        pairs
    }

    fn modulation(&self, policy: &Policy, object: &Selectable) -> Option<Modulation> {
        if self.never(object) {
            return None;
        }
        let mut found: Option<Modulation> = None;
        for clause in policy.clauses.iter().filter(|clause| self.clause(clause, object)) {
            let merged = found.get_or_insert_with(Modulation::default);
            merged.create_only |= clause.modulation.create_only;
            merged.want_singleton |= clause.modulation.want_singleton;
            merged.want_multi |= clause.modulation.want_multi;
            merged.status_collectors.extend(clause.modulation.status_collectors.clone());
        }
        found
    }

    fn never(&self, object: &Selectable) -> bool {
        let id = &object.id;
        let namespace = id.namespace.as_ref().map(|n| n.as_str().to_owned()).unwrap_or_default();
        id.group == "gitstellar.io"
            || (id.group.is_empty() && id.kind == "Event")
            || namespace == "gitstellar-system"
            || (id.kind == "Namespace" && id.name == "gitstellar-system")
            || (id.kind == "Secret" && self.secret_refs.contains(&(namespace.into(), id.name.clone())))
    }

    fn clause(&self, clause: &Clause, object: &Selectable) -> bool {
        let test = &clause.test;
        let listed = |list: Vec<&str>, any: bool, value: &str| any || list.contains(&value);
        fn names<T: AsRef<str>>(list: &[T]) -> Vec<&str> {
            list.iter().map(AsRef::as_ref).collect()
        }
        fn of<T: ToString>(list: &Match<T>) -> (Vec<String>, bool) {
            match list {
                Match::Any => (Vec::new(), true),
                Match::OneOf(values) => (values.iter().map(ToString::to_string).collect(), false),
            }
        }
        let namespace = object.id.namespace.as_ref().map(|n| n.as_str().to_owned()).unwrap_or_default();
        let (resources, any_resource) = of(&test.resources);
        let (namespaces, any_namespace) = of(&test.namespaces);
        let (object_names, any_name) = of(&test.names);
        test.group.as_ref().is_none_or(|group| *group == object.id.group)
            && listed(names(&resources), any_resource, object.plural.as_str())
            && listed(names(&namespaces), any_namespace, &namespace)
            && listed(names(&object_names), any_name, object.id.name.as_str())
            && (test.object_selectors.is_empty()
                || test.object_selectors.iter().any(|selector| selector.matches(&object.labels)))
            && self.namespace_selectors(&test.namespace_selectors, &namespace)
    }

    fn namespace_selectors(&self, selectors: &[Selector], namespace: &str) -> bool {
        if selectors.is_empty() || selectors.iter().any(|selector| selector.to_string().is_empty()) {
            return true;
        }
        let id = ObjectId::new("", "Namespace", None, namespace);
        let labels = self.objects.get(&id).map(|object| &object.labels);
        labels.is_some_and(|labels| selectors.iter().any(|selector| selector.matches(labels)))
    }
}
