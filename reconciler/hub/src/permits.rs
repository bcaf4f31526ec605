//! Which pairs that a Binding asks for may really be: what is never placed, and what the limits of a source forbid.
//!
//! A Binding is what a policy selects, or what a person or a repository wrote by hand; neither is trusted with gitstellar's own objects or with what belongs to
//! others. Transport leaves such pairs out, and status says so; both ask here.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupResource, Object, ObjectId};
use plan::intent::source_of;
use plan::select::never::never_placed;
use plan::{ClusterName, Grants, PolicyName, SourceName, Withheld};
use runtime::Key;

use crate::source;
use crate::world::{World, resources};

/// The limits of sources, and whom they bind.
#[derive(Default)]
pub(crate) struct Permits {
    grants: Grants,
    /// Whose policy, or Binding written by hand, it is.
    owners: BTreeMap<PolicyName, SourceName>,
}

/// Who may place something else than before.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Concerned {
    /// Perhaps anybody: the limits are others.
    Everybody,
    /// These policies: they belong to another source, and there are limits.
    Policies(BTreeSet<PolicyName>),
}

impl Permits {
    /// Takes in what a watch of the WDS told.
    pub(crate) fn update(&mut self, world: &World, told: &BTreeSet<Key>) -> Concerned {
        let sources = resources::git_sources().group_resource();
        let mut other_limits = false;
        if told.iter().any(|key| key.resource == sources) {
            let grants = source::grants(world);
            other_limits = grants != self.grants;
            self.grants = grants;
        }
        let of_policies = [resources::bindings(), resources::policies()].map(|r| r.group_resource());
        let keys = told.iter().filter(|key| of_policies.contains(&key.resource));
        let names: BTreeSet<PolicyName> = keys.map(|key| PolicyName::from(key.name.as_str())).collect();
        let concerned = names.into_iter().filter(|policy| self.update_owner(world, policy)).collect();
        match (other_limits, self.grants.is_empty()) {
            (true, _) => Concerned::Everybody,
            (false, true) => Concerned::Policies(BTreeSet::new()),
            (false, false) => Concerned::Policies(concerned),
        }
    }

    /// A policy speaks for its Binding, which the hub wrote.
    fn update_owner(&mut self, world: &World, policy: &PolicyName) -> bool {
        let owner = [resources::policies(), resources::bindings()].iter().find_map(|resource| {
            let resource = resource.group_resource();
            let key = Key { resource, namespace: None, name: policy.as_str().into() };
            source_of(&world.wds.mirror.get(&key)?)
        });
        let before = match owner.clone() {
            Some(owner) => self.owners.insert(policy.clone(), owner),
            None => self.owners.remove(policy),
        };
        before != owner
    }

    /// The source of an object, as far as that matters to anybody's limits.
    pub(crate) fn owner(&self, object: &Object) -> Option<SourceName> {
        if self.grants.is_empty() { None } else { source_of(object) }
    }

    /// Whether there are any limits.
    pub(crate) fn limit_anybody(&self) -> bool {
        !self.grants.is_empty()
    }

    /// Why a policy or Binding may not place an object of `owner` on a cluster; `None` when it may.
    pub(crate) fn withheld(
        &self,
        policy: &PolicyName,
        owner: Option<&SourceName>,
        cluster: &ClusterName,
    ) -> Option<Withheld> {
        if self.grants.is_empty() {
            return None;
        }
        self.grants.withheld(self.owners.get(policy), owner, cluster)
    }
}

/// Whether an object may be placed at all, whoever asks for it.
pub(crate) fn placeable(resource: &GroupResource, object: &ObjectId) -> bool {
    never_placed(resource, object).is_none()
}

/// A refusal in words.
pub(crate) fn in_words(withheld: &Withheld, policy: &PolicyName, cluster: &ClusterName) -> String {
    match withheld {
        Withheld::Cluster(source) => format!(
            "{policy} selects it for the cluster {cluster}, which GitSource {source} does not allow (spec.allow.clusters)"
        ),
        Withheld::NotItsOwn(source) => format!(
            "{policy} belongs to GitSource {source}, which has limits (spec.allow), and so places objects of that source only"
        ),
    }
}
