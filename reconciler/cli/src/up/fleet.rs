//! The spaces of the clusters, and per cluster a simulation and an agent.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use api::crds::Role;
use apimachinery::{Clock, Name, Object, SystemClock};
use hub::World;
use hub::install::install_crds;
use hub::inventory::AGENT_GROUP_PREFIX;
use hub::world::resources;
use plan::ClusterName;
use runtime::{Connection, Manager, Shutdown, Target};
use serde_json::{Value, json};
use space::{Identity, Server};

use super::{Following, ITS, SOURCE, place::Place};

/// Field manager of what `up` creates for a newcomer.
const UP_MANAGER: &str = "gitstellar-up";

/// What `up` runs besides the hub.
pub(super) struct Fleet {
    server: Arc<Server>,
    its: Connection,
    clock: Arc<SystemClock>,
    shutdown: Shutdown,
    repository: String,
    checked_out: Option<String>,
    data_dir: PathBuf,
    kubeconfig: PathBuf,
}

impl Fleet {
    pub(super) fn new(
        server: Arc<Server>,
        its: Connection,
        clock: Arc<SystemClock>,
        shutdown: Shutdown,
        place: &Place,
    ) -> Self {
        Self {
            server,
            its,
            clock,
            shutdown,
            repository: place.repository.to_string(),
            checked_out: place.checked_out.clone(),
            data_dir: place.data_dir.clone(),
            kubeconfig: place.data_dir.join("kubeconfig"),
        }
    }

    /// Installs what the spaces need, and creates the GitSource where it is missing. Returns the branch that it follows; `None` is the default branch.
    pub(super) async fn prepare(
        &self,
        wds: &Connection,
        following: &Following,
    ) -> anyhow::Result<Option<String>> {
        install_crds(wds, Role::Wds).await?;
        install_crds(&self.its, Role::Its).await?;
        let resource = resources::git_sources();
        let name = Name::from(SOURCE);
        let source = match wds.get(&resource, None, &name).await? {
            None => {
                let branch = following.branch.clone().or_else(|| self.checked_out.clone());
                let mut spec = asked_for(&Following { branch, ..following.clone() });
                spec["url"] = json!(self.repository);
                let source = json!({
                    "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": SOURCE }, "spec": spec,
                });
                let manager = Manager { name: UP_MANAGER, force: false };
                wds.apply(&resource, &Object::from_value(&source)?, manager).await?
            }
            Some(known) => self.follow_as_asked(wds, &name, known, following).await?,
        };
        self.write_kubeconfig()?;
        Ok(source.to_value().pointer("/spec/ref").and_then(Value::as_str).map(str::to_owned))
    }

    /// A restart rewrites nothing: what a person changed with kubectl stays, unless the command line asks for something else now.
    async fn follow_as_asked(
        &self,
        wds: &Connection,
        name: &Name,
        known: Object,
        following: &Following,
    ) -> anyhow::Result<Object> {
        let value = known.to_value();
        let url = value.pointer("/spec/url").and_then(Value::as_str).unwrap_or_default();
        anyhow::ensure!(
            url == self.repository,
            "the data directory {} belongs to {url}; name another with --data-dir",
            self.data_dir.display()
        );
        let asked = asked_for(following);
        let differs = asked
            .as_object()
            .is_some_and(|asked| asked.iter().any(|(key, wanted)| value["spec"][key] != *wanted));
        if !differs {
            return Ok(known);
        }
        let resource = resources::git_sources();
        let target = Target { resource: &resource, namespace: None, name, subresource: "" };
        Ok(wds.merge(target, &json!({ "spec": asked }), UP_MANAGER).await?)
    }

    fn write_kubeconfig(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.server.kubeconfig())?;
        if std::fs::read_to_string(&self.kubeconfig).is_ok_and(|known| known == text) {
            return Ok(());
        }
        write_private(&self.kubeconfig, &text)?;
        Ok(())
    }

    /// Starts a cluster for every file in `clusters/`, those of later commits, too. A file that goes leaves its cluster running: nothing is deleted on doubt.
    pub(super) async fn follow(self, world: Arc<World>) -> anyhow::Result<()> {
        let mut running = BTreeSet::new();
        let before: Vec<String> = self.server.spaces();
        for cluster in before.iter().filter(|name| !super::is_flow_space(name)) {
            self.start(&ClusterName::from(cluster.as_str()), &mut running).await?;
        }
        let mut changes = world.board.changes();
        loop {
            let declared: BTreeSet<ClusterName> = world
                .board
                .sources()
                .values()
                .filter_map(|board| board.revision.as_ref())
                .flat_map(|revision| revision.declaration.clusters.keys().cloned())
                .collect();
            for cluster in &declared {
                self.start(cluster, &mut running).await?;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = self.shutdown.cancelled() => return Ok(()),
            }
        }
    }

    async fn start(&self, cluster: &ClusterName, running: &mut BTreeSet<ClusterName>) -> anyhow::Result<()> {
        if running.contains(cluster) || super::is_flow_space(cluster.as_str()) {
            return Ok(());
        }
        let clock: Arc<dyn Clock> = self.clock.clone();
        self.server.create_space(cluster.as_str()).await?;
        self.register(cluster).await?;
        let wec = Connection::over(cluster.as_str(), self.server.admin_service(cluster.as_str())?);
        tokio::spawn(sim::run(sim::Settings {
            cluster: wec.clone(),
            clock: Arc::clone(&clock),
            pace: sim::Pace::default(),
            seed: seed(cluster),
            shutdown: self.shutdown.clone(),
        }));
        let group = format!("{AGENT_GROUP_PREFIX}{cluster}");
        let identity = Identity::new(&format!("{group}:agent"), &[&group]);
        let its = Connection::over(ITS, self.server.service(ITS, identity)?);
        tokio::spawn(agent::run(agent::Settings {
            cluster: cluster.clone(),
            its,
            wec,
            clock,
            shutdown: self.shutdown.clone(),
        }));
        running.insert(cluster.clone());
        self.write_kubeconfig()
    }

    /// Only `up` creates ManagedClusters: it is the registration of its own simulated clusters.
    async fn register(&self, cluster: &ClusterName) -> anyhow::Result<()> {
        let resource = resources::managed_clusters();
        let object = json!({
            "apiVersion": "cluster.open-cluster-management.io/v1", "kind": "ManagedCluster",
            "metadata": { "name": cluster.as_str() }, "spec": { "hubAcceptsClient": true, "leaseDurationSeconds": 60 },
        });
        let object = Object::from_value(&object)?;
        if self.its.get(&resource, None, &object.header().name).await?.is_none() {
            self.its.apply(&resource, &object, Manager { name: UP_MANAGER, force: false }).await?;
        }
        Ok(())
    }
}

/// The fields of a GitSource that the command line asks for.
fn asked_for(following: &Following) -> Value {
    let mut spec = json!({});
    if let Some(branch) = &following.branch {
        spec["ref"] = json!(branch);
    }
    if let Some(interval) = following.interval {
        spec["interval"] = json!(format!("{}s", interval.as_secs().max(1)));
    }
    if following.no_status {
        spec["report"] = json!({ "ref": "" });
    }
    spec
}

fn seed(cluster: &ClusterName) -> u64 {
    cluster
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The file holds a token, so only its owner may read it; it appears whole or not at all.
fn write_private(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let temporary = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&temporary)?.write_all(text.as_bytes())?;
    std::fs::rename(temporary, file)
}
