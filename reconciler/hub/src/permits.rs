//! Which pairs that a Binding asks for may really be: what is never placed, and what the limits of a source forbid.
//!
//! A Binding is what a policy selects, or what a person or a repository wrote by hand; neither is trusted with gitstellar's own objects or with what belongs to
//! others. Transport leaves such pairs out, and status says so; both ask here.

use std::cell::RefCell;
use std::collections::BTreeMap;

use apimachinery::{GroupResource, Object, ObjectId};
use plan::intent::source_of;
use plan::select::never::never_placed;
use plan::{ClusterName, Grants, PolicyName, SourceName, Withheld};

use crate::source;
use crate::world::{World, resources};

/// The answers of one pass.
pub(crate) struct Permits<'a> {
    world: &'a World,
    grants: Grants,
    /// Whose policy, or Binding written by hand, it is. Empty where nobody is limited.
    owners: BTreeMap<PolicyName, SourceName>,
    objects: RefCell<BTreeMap<ObjectId, Option<SourceName>>>,
}

impl<'a> Permits<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        let grants = source::grants(world);
        let mut owners = BTreeMap::new();
        if !grants.is_empty() {
            // A policy speaks for its Binding, which the hub wrote.
            for resource in [resources::bindings(), resources::policies()] {
                let stored = world.wds.mirror.list(&resource.group_resource());
                let owned = |object: &Object| {
                    Some((PolicyName::from(object.header().name.as_str()), source_of(object)?))
                };
                owners.extend(stored.iter().filter_map(owned));
            }
        }
        Self { world, grants, owners, objects: RefCell::default() }
    }

    /// Why a policy or Binding may not place an object on a cluster; `None` when it may.
    pub(crate) fn withheld(
        &self,
        policy: &PolicyName,
        object: &ObjectId,
        cluster: &ClusterName,
    ) -> Option<Withheld> {
        if self.grants.is_empty() {
            return None;
        }
        let mut objects = self.objects.borrow_mut();
        let owner = objects
            .entry(object.clone())
            .or_insert_with(|| self.world.wds.get(object).and_then(|stored| source_of(&stored)));
        self.grants.withheld(self.owners.get(policy), owner.as_ref(), cluster)
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
