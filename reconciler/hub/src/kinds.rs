//! Which kinds the WDS serves, and which of them are watched: all that can be listed and watched, but for those that never matter here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use apimachinery::GroupResource;
use apimachinery::kinds::KindTable;
use runtime::{Again, ApiError, Resource, Served};

use crate::world::{Definitions, World, resources};

/// Groups whose objects say nothing about what shall run: KubeStellar's list, but for its own group, which we read.
const UNWATCHED_GROUPS: [&str; 6] = [
    "flowcontrol.apiserver.k8s.io",
    "discovery.k8s.io",
    "apiregistration.k8s.io",
    "coordination.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
];
/// Resources likewise, each in its group.
const UNWATCHED: [(&str, &str); 7] = [
    ("", "events"),
    ("events.k8s.io", "events"),
    ("", "nodes"),
    ("", "endpoints"),
    ("", "componentstatuses"),
    ("storage.k8s.io", "csistoragecapacities"),
    ("storage.k8s.io", "csinodes"),
];

/// A CRD is served a moment after it is established; aggregated discovery lags a little more.
const DISCOVERY_LAG: Duration = Duration::from_millis(300);

/// Runs until shutdown.
pub async fn run(world: Arc<World>) {
    let changes = world.wds.mirror.subscribe(world.wakes.kinds.clone());
    let crds = resources::crds().group_resource();
    let due = AtomicBool::new(true);
    let (world, changes, crds, due) = (&world, &changes, &crds, &due);
    runtime::drive("kinds", world.wakes.kinds.clone(), world.shutdown.clone(), || async move {
        let changed = changes.take().iter().any(|key| key.resource == *crds);
        if !due.load(Relaxed) && !changed {
            return Ok(Again::WhenWoken);
        }
        due.store(true, Relaxed);
        let again = refresh(world).await?;
        due.store(again != Again::WhenWoken, Relaxed);
        Ok::<_, ApiError>(again)
    })
    .await;
}

/// Asks the server what it serves, watches what is new, forgets what went, and rebuilds the kind table. One at a time: of two answers the later one must stay.
pub(crate) async fn refresh(world: &World) -> Result<Again, ApiError> {
    let _alone = world.wds.refreshing.lock().await;
    let served = Served::discover(&world.wds.connection).await?;
    let mut kinds = KindTable::built_in().clone();
    let mut expected = BTreeSet::new();
    let mut definitions = Definitions::new();
    for crd in world.wds.mirror.list(&resources::crds().group_resource()) {
        definitions.insert((crd.header().uid.clone(), crd.header().generation));
        match apimachinery::kinds::CustomKind::from_crd(&crd.to_value()) {
            Ok(custom) => {
                expected.insert(custom.group_resource());
                kinds.add(&custom);
            }
            Err(error) => tracing::warn!(crd = %crd.id(), %error, "a CRD of the WDS is not understood"),
        }
    }
    let wanted: Vec<Resource> = served
        .all()
        .filter(|r| r.supports("list") && r.supports("watch"))
        .map(|r| r.resource.clone())
        .filter(is_watched)
        .collect();
    for resource in &wanted {
        world.wds.mirror.watch(resource);
    }
    let wanted: BTreeSet<GroupResource> = wanted.iter().map(Resource::group_resource).collect();
    for resource in world.wds.mirror.watched() {
        if !wanted.contains(&resource.group_resource()) {
            world.wds.mirror.unwatch(&resource.group_resource());
        }
    }
    world.wds.set_kinds(definitions, kinds);
    // What was read with less knowledge may read otherwise now.
    world.wakes.source.wake();
    world.wakes.sync.wake();
    world.wakes.binding.wake();
    let lagging = expected.iter().any(|resource| !wanted.contains(resource));
    Ok(if lagging { Again::After(DISCOVERY_LAG) } else { Again::WhenWoken })
}

fn is_watched(resource: &Resource) -> bool {
    let group = resource.gvk.group.as_str();
    !UNWATCHED_GROUPS.contains(&group) && !UNWATCHED.contains(&(group, resource.plural.as_str()))
}
