//! Spaces of either kind, a repository, a hub and agents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use apimachinery::{Name, Namespace, Object, SystemClock};
use hub::world::resources;
use hub::{Settings, World};
use runtime::{Connection, Manager, Resource, Shutdown, Target};
use serde_json::{Value, json};

use super::recorder::{Entry, Recorder};
use super::spaces::{Backend, CLUSTERS, Spaces};
use crate::harness::{Outcome, block_on, eventually, spawn, write_file};
use crate::kube;
use crate::remotes::origin::git;

/// How long anything may take to arrive. Machines are shared; nothing is gated on speed here.
pub const LIMIT: Duration = Duration::from_secs(60);

/// One story's world.
pub struct Stage {
    spaces: Spaces,
    directory: tempfile::TempDir,
    /// The specification of the GitSource `main`.
    source: Value,
    hub: Option<Running>,
    agents: BTreeMap<String, Running>,
    simulations: Vec<Running>,
    world: Option<Arc<World>>,
}

struct Running {
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Ends it at its next await, wherever that is: as far as the spaces can see, kill -9.
    fn kill(self) {
        self.shutdown.cancel();
        self.task.abort();
        let _ended = block_on(self.task);
    }
}

/// Sets the stage, plays the story, and clears it away.
pub fn perform<T>(
    backend: Backend,
    story: impl FnOnce(&mut Stage) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut stage = Stage::set(backend)?;
    let outcome = story(&mut stage);
    stage.stop_all();
    outcome
}

impl Stage {
    fn set(backend: Backend) -> anyhow::Result<Self> {
        let spaces = Spaces::open(backend)?;
        let directory = tempfile::tempdir()?;
        let source = Value::Null;
        let mut stage = Self {
            spaces,
            directory,
            source,
            hub: None,
            agents: BTreeMap::new(),
            simulations: Vec::new(),
            world: None,
        };
        stage.source = json!({ "url": stage.repository().to_string_lossy(), "ref": "main" });
        git(&stage.repository(), &["init", "--quiet", "--initial-branch=main", "."])?;
        for (cluster, region, tier) in CLUSTERS {
            stage.write(&format!("clusters/{cluster}.yaml"), &cluster_file(cluster, region, tier))?;
        }
        Ok(stage)
    }

    /// Lets the GitSource `main` ask for something else than the repository here; before [`Stage::start`].
    pub fn follow(&mut self, source: Value) {
        self.source = source;
    }

    /// A directory of this story's own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The repository's work tree.
    pub fn repository(&self) -> PathBuf {
        let path = self.directory.path().join("repository");
        // It is made once and stays.
        let _made = std::fs::create_dir_all(&path);
        path
    }

    /// Writes a file of the work tree.
    pub fn write(&self, path: &str, text: &str) -> Outcome {
        write_file(&self.repository().join(path), text)
    }

    /// Removes a file of the work tree.
    pub fn remove(&self, path: &str) -> Outcome {
        Ok(std::fs::remove_file(self.repository().join(path))?)
    }

    /// Commits everything; returns the commit.
    pub fn commit(&self, message: &str) -> anyhow::Result<String> {
        git(&self.repository(), &["add", "--all"])?;
        git(&self.repository(), &["commit", "--quiet", "--allow-empty", "--message", message])?;
        Ok(git(&self.repository(), &["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// A file of the status branch.
    pub fn status_file(&self, path: &str) -> anyhow::Result<String> {
        git(&self.repository(), &["show", &format!("gitstellar/status:{path}")])
    }

    /// A space, as a person reaches it.
    pub fn space(&self, name: &str) -> &Connection {
        self.spaces.person(name)
    }

    /// What hub and agents wrote since the last call.
    pub fn writes(&self) -> Vec<String> {
        self.spaces.writes().take()
    }

    /// The file that tells how to reach the spaces, one context each.
    pub fn kubeconfig(&self) -> String {
        self.spaces.kubeconfig().display().to_string()
    }

    /// What kubectl prints about a space, if it is content.
    pub fn kubectl(&self, space: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let arguments = [&["--context", space], arguments].concat();
        kube::kubectl_ok(self.spaces.kubeconfig(), &arguments)
    }

    /// The names of the clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &'static str> {
        CLUSTERS.into_iter().map(|(name, _, _)| name)
    }

    /// Starts hub and agents, registers the clusters and creates the GitSource `main`.
    pub fn start(&mut self) -> Outcome {
        self.start_hub();
        self.register()?;
        for cluster in self.clusters().collect::<Vec<_>>() {
            self.start_agent(cluster);
        }
        let source = json!({
            "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": "main" },
            "spec": self.source,
        });
        self.apply_now("wds1", SOURCE, &source)
    }

    /// Starts the hub; a second one only after [`Stage::kill_hub`].
    pub fn start_hub(&mut self) {
        let shutdown = Shutdown::new();
        let mut settings = Settings::new("wds1", self.directory.path().join("mirrors"));
        settings.allow_local_sources = true;
        settings.git_silence = Duration::from_secs(10);
        settings.pacing = plan::report::Pacing { progress_ms: 200, change_ms: 200 };
        let (wds, its) = (self.spaces.ours("wds1"), self.spaces.ours("its1"));
        let clock = Arc::new(SystemClock::default());
        let world = block_on(async { Arc::new(World::new(wds, its, settings, clock, shutdown.clone())) });
        let running = Arc::clone(&world);
        let task = spawn(async move {
            if let Err(error) = hub::run(running).await {
                tracing::error!(error = %runtime::drive::chain(&error), "the hub ended");
            }
        });
        self.world = Some(world);
        self.hub = Some(Running { shutdown, task });
    }

    /// Kills the hub.
    pub fn kill_hub(&mut self) {
        self.world = None;
        if let Some(hub) = self.hub.take() {
            hub.kill();
        }
    }

    /// Starts the agent of a cluster.
    pub fn start_agent(&mut self, cluster: &str) {
        let shutdown = Shutdown::new();
        let settings = agent::Settings {
            cluster: cluster.into(),
            its: self.spaces.ours("its1"),
            wec: self.spaces.ours(cluster),
            clock: Arc::new(SystemClock::default()),
            shutdown: shutdown.clone(),
        };
        let task = spawn(agent::run(settings));
        self.agents.insert(cluster.to_owned(), Running { shutdown, task });
    }

    /// Lets the workloads of a cluster run.
    pub fn simulate(&mut self, cluster: &str) {
        let shutdown = Shutdown::new();
        let settings = sim::Settings {
            pace: sim::Pace::instant(),
            ..sim::Settings::new(self.space(cluster).clone(), shutdown.clone())
        };
        let task = spawn(sim::run(settings));
        self.simulations.push(Running { shutdown, task });
    }

    /// Kills the agent of a cluster.
    pub fn kill_agent(&mut self, cluster: &str) {
        if let Some(agent) = self.agents.remove(cluster) {
            agent.kill();
        }
    }

    fn stop_all(&mut self) {
        self.kill_hub();
        std::mem::take(&mut self.agents).into_values().for_each(Running::kill);
        std::mem::take(&mut self.simulations).into_iter().for_each(Running::kill);
    }

    /// Installs the kinds that the spaces need, and a ManagedCluster for each cluster.
    pub fn register(&self) -> Outcome {
        block_on(async {
            hub::install::install_crds(self.space("wds1"), api::crds::Role::Wds).await?;
            hub::install::install_crds(self.space("its1"), api::crds::Role::Its).await
        })?;
        for cluster in self.clusters() {
            let object = json!({
                "apiVersion": "cluster.open-cluster-management.io/v1", "kind": "ManagedCluster",
                "metadata": { "name": cluster }, "spec": { "hubAcceptsClient": true },
            });
            block_on(self.apply("its1", &resources::managed_clusters(), &object))?;
        }
        Ok(())
    }

    /// Applies an object as somebody called `person`.
    pub async fn apply(&self, space: &str, resource: &Resource, object: &Value) -> Outcome {
        let manager = Manager { name: "person", force: true };
        self.space(space).apply(resource, &Object::from_value(object)?, manager).await?;
        Ok(())
    }

    /// Merge-patches an object as `kubectl edit` would.
    pub fn edit(&self, space: &str, at: At<'_>, patch: &Value) -> Outcome {
        let (resource, namespace, name) = at.parts();
        let target =
            Target { resource: &resource, namespace: namespace.as_ref(), name: &name, subresource: "" };
        block_on(self.space(space).merge(target, patch, "kubectl-edit"))?;
        Ok(())
    }

    /// An object of a space.
    pub fn get(&self, space: &str, at: At<'_>) -> anyhow::Result<Option<Value>> {
        let (resource, namespace, name) = at.parts();
        let found = block_on(self.space(space).get(&resource, namespace.as_ref(), &name))?;
        Ok(found.map(|object| object.to_value()))
    }

    /// All objects of a kind.
    pub fn list(&self, space: &str, kind: Kind) -> anyhow::Result<Vec<Value>> {
        let listed = block_on(self.space(space).list(&kind.resource(), None, None))?;
        Ok(listed.iter().map(Object::to_value).collect())
    }

    /// Waits until an object satisfies a condition; returns it then.
    pub fn until(
        &self,
        space: &str,
        at: At<'_>,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let title = format!("{} in {space} {what}", at.2);
        let seen = std::cell::RefCell::new(Value::Null);
        let outcome = eventually(&title, LIMIT, || {
            let found = self.get(space, at)?;
            *seen.borrow_mut() = found.clone().unwrap_or_default();
            Ok(found.filter(|object| holds(object)))
        });
        outcome.map_err(|error| {
            let mut last = seen.take();
            drop(last["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields")));
            anyhow!("{error:#}\nlast seen: {last}\nboard: {}", self.board())
        })
    }

    /// Waits until an object is gone.
    pub fn until_gone(&self, space: &str, at: At<'_>) -> Outcome {
        eventually(&format!("{} in {space} is gone", at.2), LIMIT, || {
            Ok(self.get(space, at)?.is_none().then_some(()))
        })
        .with_context(|| format!("board: {}", self.board()))
    }

    /// Waits until the commit is in the WDS, everything placed is applied, and no work is left to do.
    pub fn until_settled(&self, commit: &str) -> Outcome {
        self.until("wds1", MAIN, "is settled", |source| {
            source.pointer("/status/settled").and_then(Value::as_str) == Some(commit)
                && source.pointer("/status/applying").is_none()
        })?;
        Ok(())
    }

    /// Waits until every work of a mailbox is applied at its current generation.
    pub fn until_applied(&self, cluster: &str) -> Outcome {
        eventually(&format!("the mailbox of {cluster} is applied"), LIMIT, || {
            let works =
                block_on(self.space("its1").list(&WORK.resource(), Some(&Namespace::from(cluster)), None))?;
            let applied = |work: &Object| {
                let value = work.to_value();
                let conditions = value
                    .pointer("/status/conditions")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                conditions.iter().any(|c| {
                    c["type"] == "Applied"
                        && c["status"] == "True"
                        && c["observedGeneration"].as_i64() == work.header().generation
                })
            };
            Ok((!works.is_empty() && works.iter().all(applied)).then_some(()))
        })
        .with_context(|| format!("board: {}", self.board()))
    }

    /// What a mailbox holds, for messages of failed stories.
    fn mailbox(&self, cluster: &str) -> String {
        let works =
            block_on(self.space("its1").list(&WORK.resource(), Some(&Namespace::from(cluster)), None))
                .unwrap_or_default();
        let lines = works.iter().map(|work| {
            let value = work.to_value();
            let manifests: Vec<String> = value
                .pointer("/spec/workload/manifests")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|m| format!("{}/{}", m["kind"], m["metadata"]["name"]))
                .collect();
            format!(
                "{} gen {:?} {:?} {manifests:?} {}",
                work.header().name,
                work.header().generation,
                work.header().labels,
                value["status"]["conditions"]
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What the hub thinks, for messages of failed stories.
    pub fn board(&self) -> String {
        let Some(world) = &self.world else { return "no hub".to_owned() };
        let boards = world.board.sources();
        let lines = boards.iter().map(|(source, board)| {
            let pairs = world
                .board
                .fleet()
                .units
                .values()
                .flat_map(|unit| unit.pairs.clone())
                .filter(|(_, state)| !state.is_ready())
                .collect::<Vec<_>>();
            format!(
                "{source}: settled {:?}, problem {:?}, failures {:?}, held {:?}/{:?}, not ready {pairs:?}",
                board.settled, board.problem, board.failures, board.held_by_sync, board.held_by_transport
            )
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// Waits until the README of the status ref satisfies a condition.
    pub fn until_status(&self, holds: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        self.until_git("gitstellar/status:README.md", holds)
    }

    /// Waits until a file of any revision (`main:README.md`) satisfies a condition.
    pub fn until_git(&self, file: &str, holds: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let mut last = String::new();
        let outcome = eventually(&format!("{file} says so"), LIMIT, || {
            last = git(&self.repository(), &["show", file]).unwrap_or_default();
            Ok(holds(&last).then(|| last.clone()))
        });
        outcome.with_context(|| format!("board: {}; it said: {last}", self.board()))
    }

    /// What the hub knows of the source `main`.
    pub fn source_board(&self) -> Option<hub::board::SourceBoard> {
        self.world.as_ref()?.board.source(&"main".into())
    }

    /// Makes every controller of the hub look again.
    pub fn wake_all(&self) -> Outcome {
        let wakes = &self.world.as_ref().context("the hub runs")?.wakes;
        let all = [&wakes.kinds, &wakes.source, &wakes.inventory, &wakes.sync];
        let more = [&wakes.binding, &wakes.transport, &wakes.status, &wakes.report];
        all.into_iter().chain(more).for_each(runtime::Wake::wake);
        Ok(())
    }

    /// Waits until a hub that was just started has settled its source.
    pub fn until_hub_settled(&self) -> Outcome {
        eventually("the hub has settled", LIMIT, || {
            let boards = self.world.as_ref().map(|world| world.board.sources()).unwrap_or_default();
            Ok(boards.values().any(|board| board.settled.is_some() && board.reported.is_some()).then_some(()))
        })
        .with_context(|| format!("board: {}", self.board()))
    }

    /// Waits until a hub knows something of its source `main`, beyond what stands in the WDS.
    pub fn until_hub(&self, what: &str, holds: impl Fn(&hub::board::SourceBoard) -> bool) -> Outcome {
        eventually(&format!("the hub {what}"), LIMIT, || {
            let boards = self.world.as_ref().map(|world| world.board.sources()).unwrap_or_default();
            Ok(boards.values().any(&holds).then_some(()))
        })
        .with_context(|| format!("board: {}", self.board()))
    }

    /// Waits until two looks in a row see the same versions and the status commit speaks of the commit in force.
    pub fn until_quiet(&self, kinds: &[(&str, Kind)]) -> Outcome {
        self.until_hub_settled()?;
        let last = std::cell::RefCell::new(BTreeMap::new());
        eventually("nothing is written any more", LIMIT, || {
            let now = self.versions(kinds)?;
            let same = *last.borrow() == now;
            *last.borrow_mut() = now;
            Ok(same.then_some(()))
        })
    }

    /// Waits until every work of a mailbox belongs to one Binding.
    pub fn until_only_works_of(&self, cluster: &str, binding: &str) -> Outcome {
        eventually(&format!("the mailbox of {cluster} holds works of {binding} only"), LIMIT, || {
            let works =
                block_on(self.space("its1").list(&WORK.resource(), Some(&Namespace::from(cluster)), None))?;
            let of = |work: &Object| {
                work.header().label("transport.kubestellar.io/originOwnerReferenceBindingKey")
                    == Some(binding)
            };
            Ok((!works.is_empty() && works.iter().all(of)).then_some(()))
        })
        .with_context(|| format!("mailbox: {}", self.mailbox(cluster)))
    }

    /// Follows one object from now on, event by event.
    pub fn watch(&self, space: &'static str, at: At<'_>) -> Watched {
        let object = match at.1 {
            Some(namespace) => format!("{} {namespace}/{}", at.0.2, at.2),
            None => format!("{} {}", at.0.2, at.2),
        };
        Watched { recorder: self.record(&[(space, at.0)]), object }
    }

    /// Follows some kinds in some spaces from now on, event by event.
    pub fn record(&self, kinds: &[(&str, Kind)]) -> Recorder {
        Recorder::start(|space| self.spaces.client(space), kinds)
    }

    /// Applies an object as somebody called `person`.
    pub fn apply_now(&self, space: &str, kind: Kind, object: &Value) -> Outcome {
        block_on(self.apply(space, &kind.resource(), object))
    }

    /// Deletes an object.
    pub fn delete(&self, space: &str, at: At<'_>) -> Outcome {
        let (resource, namespace, name) = at.parts();
        let target =
            Target { resource: &resource, namespace: namespace.as_ref(), name: &name, subresource: "" };
        block_on(self.space(space).delete(target, &runtime::DeleteOptions::default()))?;
        Ok(())
    }

    /// Runs git in the repository.
    pub fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git(&self.repository(), arguments)
    }

    /// Versions of every object of some kinds in every space: what must not change when nothing happens.
    pub fn versions(&self, kinds: &[(&str, Kind)]) -> anyhow::Result<BTreeMap<String, String>> {
        let mut versions = BTreeMap::new();
        for (space, kind) in kinds {
            for object in block_on(self.space(space).list(&kind.resource(), None, None))? {
                let version = object.header().resource_version.as_deref().unwrap_or_default().to_owned();
                versions.insert(format!("{space}: {}", object.id()), version);
            }
        }
        ensure!(!versions.is_empty(), "there is nothing to compare");
        Ok(versions)
    }
}

/// What happened to one object since a story began to follow it.
pub struct Watched {
    recorder: Recorder,
    object: String,
}

impl Watched {
    fn states(&self) -> anyhow::Result<Vec<Option<Value>>> {
        let timeline = self.recorder.timeline()?;
        let states = timeline.into_iter().filter_map(|entry| match entry {
            Entry::Seen(seen) if seen.object == self.object => Some(seen.state),
            Entry::Seen(_) | Entry::Said(_) => None,
        });
        Ok(states.collect())
    }

    /// It was never deleted.
    pub fn stayed(&self) -> Outcome {
        let states = self.states()?;
        ensure!(!states.is_empty(), "{} was never there", self.object);
        ensure!(states.iter().all(Option::is_some), "{} was deleted", self.object);
        Ok(())
    }

    /// None of its states satisfied a condition.
    pub fn never(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Outcome {
        let found = self.states()?.into_iter().flatten().find(|state| holds(state));
        ensure!(found.is_none(), "{} {what}: {found:?}", self.object);
        Ok(())
    }
}

/// A kind that stories speak of: group, version, kind, plural, whether namespaced.
#[derive(Clone, Copy)]
pub struct Kind(pub &'static str, pub &'static str, pub &'static str, pub &'static str, pub bool);

impl Kind {
    pub fn resource(self) -> Resource {
        let Self(group, version, kind, plural, namespaced) = self;
        if namespaced {
            Resource::namespaced(group, version, kind, plural)
        } else {
            Resource::cluster(group, version, kind, plural)
        }
    }
}

pub const DEPLOYMENT: Kind = Kind("apps", "v1", "Deployment", "deployments", true);
pub const CONFIG_MAP: Kind = Kind("", "v1", "ConfigMap", "configmaps", true);
pub const NAMESPACE: Kind = Kind("", "v1", "Namespace", "namespaces", false);
/// The GitSource of a stage.
pub const MAIN: At<'static> = At(SOURCE, None, "main");
pub const SOURCE: Kind = Kind("gitstellar.io", "v1alpha1", "GitSource", "gitsources", false);
pub const BINDING: Kind = Kind("control.kubestellar.io", "v1alpha1", "Binding", "bindings", false);
pub const POLICY: Kind =
    Kind("control.kubestellar.io", "v1alpha1", "BindingPolicy", "bindingpolicies", false);
pub const SECRET: Kind = Kind("", "v1", "Secret", "secrets", true);
pub const CLUSTER: Kind =
    Kind("cluster.open-cluster-management.io", "v1", "ManagedCluster", "managedclusters", false);
pub const UNIT: Kind = Kind("gitstellar.io", "v1alpha1", "Unit", "units", false);
pub const WORK: Kind = Kind("work.open-cluster-management.io", "v1", "ManifestWork", "manifestworks", true);

/// An object: kind, namespace, name.
#[derive(Clone, Copy)]
pub struct At<'a>(pub Kind, pub Option<&'a str>, pub &'a str);

impl At<'_> {
    fn parts(self) -> (Resource, Option<Namespace>, Name) {
        (self.0.resource(), self.1.map(Namespace::from), Name::from(self.2))
    }
}

/// A condition of an object's status, null where it has none of that type.
pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|c| c["type"] == kind).cloned().unwrap_or_default()
}

pub fn cluster_file(name: &str, region: &str, tier: &str) -> String {
    format!(
        "apiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\nmetadata:\n  name: {name}\n  labels: {{ region: {region}, tier: {tier} }}\n"
    )
}
