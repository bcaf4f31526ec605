//! What policies select, kept up to date by what a watch tells.
//!
//! Guarantee: after any sequence of changes it equals one that is built from what is left (property test below; that of the index itself is in `plan::select`).

use std::collections::BTreeMap;

use apimachinery::{Object, ObjectId};
use plan::policy::is_policy;
use plan::select::{Changed, Index, Selectable};
use plan::{ClusterName, Policy, PolicyName};
use runtime::Key;

/// The index, and what its objects are called by a watch.
#[derive(Default)]
pub(super) struct Selections {
    index: Index,
    known: BTreeMap<Key, ObjectId>,
}

impl Selections {
    /// The index.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The object that a key stood for at the last look.
    pub(super) fn known(&self, key: &Key) -> Option<&ObjectId> {
        self.known.get(key)
    }

    /// Takes an object in as it is stored now, or out; the policies whose Bindings may have to change.
    pub(super) fn update(&mut self, key: &Key, stored: Option<&Object>) -> Changed {
        let Some(object) = stored else {
            return self.known.remove(key).map(|id| self.remove(&id)).unwrap_or_default();
        };
        let id = object.id();
        self.known.insert(key.clone(), id.clone());
        if is_policy(&id) {
            return self.update_policy(object);
        }
        let mut changed =
            self.index.upsert_object(Selectable::new(object.header(), key.resource.plural.clone()));
        // The content may have changed while the selection did not.
        changed.extend(self.index.policies_of(&id));
        changed
    }

    fn remove(&mut self, id: &ObjectId) -> Changed {
        if !is_policy(id) {
            return self.index.remove_object(id);
        }
        let name = PolicyName::from(id.name.as_str());
        let mut changed = self.index.remove_policy(&name);
        changed.insert(name);
        changed
    }

    fn update_policy(&mut self, object: &Object) -> Changed {
        let name = PolicyName::from(object.header().name.as_str());
        let parsed = Policy::parse(&object.to_value(), None).filter(|_| !object.header().deleting);
        let mut changed = match parsed {
            Some(policy) => self.index.upsert_policy(policy),
            None => self.index.remove_policy(&name),
        };
        changed.insert(name);
        changed
    }

    /// Takes a cluster in with its labels, or out.
    pub(super) fn update_cluster(
        &mut self,
        name: &ClusterName,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Changed {
        match labels {
            Some(labels) => self.index.upsert_cluster(name, labels),
            None => self.index.remove_cluster(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};

    use super::*;

    /// Something that a watch tells: a key and what stands there now.
    type Told = (Key, Option<Object>);

    fn told(resource: (&str, &str), name: &str, stored: Option<Value>) -> Told {
        let resource = apimachinery::GroupResource::new(resource.0, resource.1);
        let namespace = (resource.plural == "configmaps").then(|| "shop".into());
        let key = Key { resource, namespace, name: name.into() };
        (key, stored.map(|value| Object::from_value(&value).unwrap()))
    }

    fn config_map() -> impl Strategy<Value = Told> {
        let label = proptest::option::of(select(vec!["red", "blue"]));
        (0..4u8, proptest::option::of((label, any::<bool>()))).prop_map(|(number, stored)| {
            let name = format!("map{number}");
            let stored = stored.map(|(label, narrowed)| {
                let annotations = if narrowed { json!({ "gitstellar.io/cluster-selector": "zone=a" }) } else { json!({}) };
                let labels = label.map_or(json!({}), |label| json!({ "colour": label }));
                json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": { "name": name, "namespace": "shop", "labels": labels, "annotations": annotations },
                })
            });
            told(("", "configmaps"), &name, stored)
        })
    }

    fn policy() -> impl Strategy<Value = Told> {
        let fields = (select(vec!["red", "blue"]), select(vec!["a", "b"]), any::<bool>());
        (0..3u8, proptest::option::of(fields)).prop_map(|(number, stored)| {
            let name = format!("policy{number}");
            let stored = stored.map(|(colour, zone, create_only)| {
                json!({
                    "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy", "metadata": { "name": name },
                    "spec": {
                        "clusterSelectors": [{ "matchLabels": { "zone": zone } }],
                        "downsync": [{ "objectSelectors": [{ "matchLabels": { "colour": colour } }], "createOnly": create_only }],
                    },
                })
            });
            told(("control.kubestellar.io", "bindingpolicies"), &name, stored)
        })
    }

    /// A cluster that comes with a zone, moves to another, or goes.
    fn cluster() -> impl Strategy<Value = (ClusterName, Option<BTreeMap<String, String>>)> {
        (0..4u8, proptest::option::of(select(vec!["a", "b"]))).prop_map(|(number, zone)| {
            let labels = zone.map(|zone| [("zone".to_owned(), zone.to_owned())].into());
            (ClusterName::from(format!("cluster{number}")), labels)
        })
    }

    #[derive(Clone, Debug)]
    enum Step {
        Told(Told),
        Cluster(ClusterName, Option<BTreeMap<String, String>>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => config_map().prop_map(Step::Told),
            2 => policy().prop_map(Step::Told),
            1 => cluster().prop_map(|(name, labels)| Step::Cluster(name, labels)),
        ]
    }

    /// What every policy selects.
    fn content(selections: &Selections) -> BTreeMap<PolicyName, plan::select::Selection> {
        let names = (0..3).map(|number| PolicyName::from(format!("policy{number}")));
        names.filter_map(|name| Some((name.clone(), selections.index().selection(&name)?))).collect()
    }

    proptest! {
        #[test]
        fn what_is_told_step_by_step_is_what_is_told_at_once(steps in vec(step(), 0..24)) {
            let mut kept = Selections::default();
            let mut last: BTreeMap<Key, Option<Object>> = BTreeMap::new();
            let mut clusters = BTreeMap::new();
            for step in steps {
                let before = content(&kept);
                let changed = match step {
                    Step::Told((key, stored)) => {
                        last.insert(key.clone(), stored.clone());
                        kept.update(&key, stored.as_ref())
                    }
                    Step::Cluster(name, labels) => {
                        clusters.insert(name.clone(), labels.clone());
                        kept.update_cluster(&name, labels.as_ref())
                    }
                };
                let after = content(&kept);
                for policy in before.keys().chain(after.keys()) {
                    prop_assert!(before.get(policy) == after.get(policy) || changed.contains(policy), "{policy} changed untold");
                }
            }
            let mut anew = Selections::default();
            for (name, labels) in &clusters {
                anew.update_cluster(name, labels.as_ref());
            }
            for (key, stored) in &last {
                anew.update(key, stored.as_ref());
            }
            prop_assert_eq!(content(&kept), content(&anew));
        }
    }
}
