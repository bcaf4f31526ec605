//! What a wake-up of the hub costs: counts of what its controllers look at, never times.
//!
//! Two fleets, the second ten times the first in units and in clusters, without agents: what an agent reports is written here in its place. Each unit goes to two clusters, and
//! one object to all of them. The same change must cost the same in both, but for how wake-ups fall together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apimachinery::{Namespace, Object, SystemClock};
use hub::world::resources;
use hub::{Settings, World};
use libtest_mimic::Trial;
use runtime::{Connection, Manager, Shutdown, Target};
use serde_json::{Value, json};

use crate::harness::{Outcome, block_on, eventually, same, spawn, trial, write_file};
use crate::remotes::origin::git;

const SMALL: usize = 4;
const LARGE: usize = 40;
const CLUSTERS_PER_UNIT: usize = 2;
const OBJECTS_PER_UNIT: usize = 5;

const LIMIT: Duration = Duration::from_secs(300);
/// How many looks in a row must find the controllers at rest.
const RESTS: usize = 60;

pub fn trials() -> Vec<Trial> {
    vec![trial("effort::a_wake_up_costs_what_has_changed_however_large_the_fleet", costs)]
}

fn costs() -> Outcome {
    let (small, large) = (Fleet::start(SMALL)?, Fleet::start(LARGE)?);
    let both = |what: &str, change: &dyn Fn(&Fleet) -> Outcome| -> anyhow::Result<(Looked, Looked)> {
        let looked = (small.during(|| change(&small))?, large.during(|| change(&large))?);
        println!("{what}:\n  {SMALL} units: {}\n  {LARGE} units: {}", looked.0, looked.1);
        Ok(looked)
    };
    let alike = |what: &str, change: &dyn Fn(&Fleet) -> Outcome| {
        let (in_small, in_large) = both(what, change)?;
        in_large.is_like(in_small).with_context(|| what.to_owned())
    };
    alike("an agent reports a work", &Fleet::report_work)?;
    alike("an agent reports the status of an object", &Fleet::report_status)?;
    alike("a person changes an object", &|fleet| fleet.write_by_hand("changed"))?;
    alike("a cluster gets another label", &Fleet::relabel)?;
    alike("a person annotates a CRD", &Fleet::annotate_a_crd)?;
    // The kinds that the hub installed are known from the second look at the repository on: what was read before is read anew once.
    both("the first commit that changes one line", &|fleet| fleet.commit("once"))?;
    let (in_small, in_large) = both("a commit changes one line", &|fleet| fleet.commit("twice"))?;
    // Every Unit says which commit it is of: its status is written twice, and told of twice.
    let of_units = 3 * u64::try_from(LARGE - SMALL)?;
    let without_units = Looked {
        binding: in_large.binding.saturating_sub(of_units),
        status: in_large.status.saturating_sub(of_units),
        units: in_large.units.saturating_sub(of_units),
        ..in_large
    };
    without_units.is_like(in_small).context("a commit changes one line")?;
    small.starts_again_the_same()?;
    large.starts_again_the_same()
}

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Looked {
    binding: u64,
    transport: u64,
    mailboxes: u64,
    status: u64,
    units: u64,
    declared: u64,
}

impl Looked {
    fn at(world: &World) -> Self {
        let effort = &world.effort;
        Self {
            binding: effort.binding.get(),
            transport: effort.transport.get(),
            mailboxes: effort.mailboxes.get(),
            status: effort.status.get(),
            units: effort.units.get(),
            declared: effort.declared.get(),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            binding: self.binding - before.binding,
            transport: self.transport - before.transport,
            mailboxes: self.mailboxes - before.mailboxes,
            status: self.status - before.status,
            units: self.units - before.units,
            declared: self.declared - before.declared,
        }
    }
}

impl Looked {
    /// How many wake-ups become one varies from run to run, so a change may be looked at once more or once less; ten times as much is never looked at.
    fn is_like(self, small: Self) -> Outcome {
        let pairs = [
            (self.binding, small.binding),
            (self.transport, small.transport),
            (self.mailboxes, small.mailboxes),
            (self.status, small.status),
            (self.units, small.units),
            (self.declared, small.declared),
        ];
        let alike = pairs.iter().all(|(large, small)| *large <= 2 * small + 2);
        ensure!(alike, "the large fleet: {self}; the small one: {small}");
        Ok(())
    }
}

impl std::fmt::Display for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { binding, transport, mailboxes, status, units, declared } = self;
        write!(
            f,
            "binding {binding}; transport {transport} in {mailboxes} mailboxes; status {status}, {units} units, {declared} declared"
        )
    }
}

struct Fleet {
    units: usize,
    wds: Connection,
    its: Connection,
    hub: Hub,
    repository: tempfile::TempDir,
    _server: space::Server,
}

/// A hub that runs until it is dropped.
struct Hub {
    world: Arc<World>,
    shutdown: Shutdown,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Hub {
    fn start(wds: &Connection, its: &Connection, mirrors: &Path) -> Self {
        let shutdown = Shutdown::new();
        let mut settings = Settings::new("wds1", mirrors.to_path_buf());
        settings.allow_local_sources = true;
        let clock = Arc::new(SystemClock::default());
        let (wds, its) = (wds.clone(), its.clone());
        let stop = shutdown.clone();
        let world = block_on(async { Arc::new(World::new(wds, its, settings, clock, stop)) });
        let running = Arc::clone(&world);
        let _task = spawn(async move {
            if let Err(error) = hub::run(running).await {
                tracing::error!(error = %runtime::drive::chain(&error), "the hub ended");
            }
        });
        Self { world, shutdown }
    }

    /// Waits until the controllers look at nothing for a while.
    fn rests(&self) -> Outcome {
        let mut last = (Looked::at(&self.world), 0);
        eventually("the controllers rest", LIMIT, || {
            let now = Looked::at(&self.world);
            last = (now, if now == last.0 { last.1 + 1 } else { 0 });
            Ok((last.1 == RESTS).then_some(()))
        })
    }
}

impl Fleet {
    fn start(units: usize) -> anyhow::Result<Self> {
        let repository = tempfile::tempdir()?;
        write_repository(repository.path(), units)?;
        let (server, wds, its) = block_on(spaces())?;
        register(&wds, &its, &repository.path().join("git"), units * CLUSTERS_PER_UNIT)?;
        let hub = Hub::start(&wds, &its, &repository.path().join("mirrors"));
        let fleet = Self { units, wds, its, hub, repository, _server: server };
        fleet.write_by_hand("value")?;
        // The objects of the units, the one that goes everywhere, and the one that a person wrote.
        let clusters = units * CLUSTERS_PER_UNIT;
        let placed = clusters * OBJECTS_PER_UNIT + clusters + CLUSTERS_PER_UNIT;
        eventually("everything is in the mailboxes", LIMIT, || {
            Ok((fleet.manifests()? == placed).then_some(()))
        })?;
        fleet.hub.rests()?;
        Ok(fleet)
    }

    fn works(&self) -> anyhow::Result<Vec<Object>> {
        Ok(block_on(self.its.list(&resources::manifest_works(), None, None))?)
    }

    fn manifests(&self) -> anyhow::Result<usize> {
        Ok(self.works()?.iter().map(|work| manifests_of(work).len()).sum())
    }

    /// What is looked at until all is quiet again.
    fn during(&self, change: impl FnOnce() -> Outcome) -> anyhow::Result<Looked> {
        let before = Looked::at(&self.hub.world);
        change()?;
        self.hub.rests()?;
        let looked = Looked::at(&self.hub.world).since(before);
        ensure!(looked != before.since(before), "nobody noticed");
        Ok(looked)
    }

    /// What an agent says when it has applied a work.
    fn report_work(&self) -> Outcome {
        let work = self.works()?.into_iter().find(|work| {
            let header = work.header();
            header.namespace == Some(Namespace::from("cluster000"))
                && manifests_of(work).len() > OBJECTS_PER_UNIT
        });
        let work = work.context("cluster000 has the work of unit000")?;
        let header = work.header();
        let condition = json!({
            "type": "Applied", "status": "True", "reason": "AppliedManifestComplete", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": header.generation,
        });
        let manifests = manifests_of(&work).into_iter().enumerate().map(|(ordinal, manifest)| {
            json!({
                "resourceMeta": {
                    "ordinal": ordinal, "group": "", "version": "v1", "kind": manifest["kind"], "resource": "configmaps",
                    "name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"],
                },
                "conditions": [condition],
            })
        });
        let manifests: Vec<Value> = manifests.collect();
        let status =
            json!({ "status": { "conditions": [condition], "resourceStatus": { "manifests": manifests } } });
        let resource = resources::manifest_works();
        let target = Target {
            resource: &resource,
            namespace: header.namespace.as_ref(),
            name: &header.name,
            subresource: "status",
        };
        block_on(self.its.merge(target, &status, "agent"))?;
        Ok(())
    }

    /// What an agent says of an object in its cluster.
    fn report_status(&self) -> Outcome {
        let status = json!({
            "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "WorkStatus",
            "metadata": { "name": "unit000-map00", "namespace": "cluster000" },
            "spec": { "sourceRef": { "group": "", "version": "v1", "kind": "ConfigMap", "resource": "configmaps", "name": "unit000-map00", "namespace": "default" } },
            "statusDetails": { "lastGeneration": 1, "lastGenerationIsApplied": true, "lastCurrencyUpdateTime": "2026-01-01T00:00:00Z" },
        });
        apply(&self.its, &resources::work_statuses(), &status)
    }

    /// An object that no source declares, and that goes where unit000 goes.
    fn write_by_hand(&self, value: &str) -> Outcome {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "by-hand", "namespace": "default", "labels": { "app": "unit000" } }, "data": { "key": value },
        });
        apply(&self.wds, &resources::config_maps(), &object)
    }

    /// What changes in a CRD, but not in the kind that it defines.
    fn annotate_a_crd(&self) -> Outcome {
        let name = "bindings.control.kubestellar.io".into();
        let resource = resources::crds();
        let target = Target { resource: &resource, namespace: None, name: &name, subresource: "" };
        let note = json!({ "metadata": { "annotations": { "note": "read" } } });
        block_on(self.wds.merge(target, &note, "person"))?;
        Ok(())
    }

    fn relabel(&self) -> Outcome {
        let cluster = cluster(0, &json!({ "zone": "zone000", "rack": "other" }));
        apply(&self.its, &resources::managed_clusters(), &cluster)
    }

    /// One line of one file.
    fn commit(&self, value: &str) -> Outcome {
        let repository = self.repository.path().join("git");
        let changed = config_map("unit001-map03", "unit001", value);
        std::fs::write(repository.join("apps/unit001/map03.yaml"), changed)?;
        git(&repository, &["commit", "--quiet", "--all", "--message", "One line"])?;
        let name = json!("unit001-map03");
        let has_arrived = |work: &Object| {
            manifests_of(work).iter().any(|m| m["metadata"]["name"] == name && m["data"]["key"] == value)
        };
        eventually("the change is in its mailboxes", LIMIT, || {
            let arrived = self.works()?.iter().filter(|work| has_arrived(work)).count();
            Ok((arrived == CLUSTERS_PER_UNIT).then_some(()))
        })
    }

    /// What a hub keeps up to date step by step is what another one finds that starts now.
    fn starts_again_the_same(self) -> Outcome {
        let kept = self.hub.world.board.fleet();
        ensure!(kept.units.len() == self.units + 1, "{} units", kept.units.len());
        drop(self.hub);
        let again = Hub::start(&self.wds, &self.its, &self.repository.path().join("other-mirrors"));
        eventually("a hub that starts anew finds the same", LIMIT, || {
            Ok((*again.world.board.fleet() == *kept).then_some(()))
        })?;
        again.rests()?;
        same("the fleet of a hub that starts anew", &*again.world.board.fleet(), &*kept)
    }
}

fn manifests_of(work: &Object) -> Vec<Value> {
    work.to_value()["spec"]["workload"]["manifests"].as_array().cloned().unwrap_or_default()
}

fn apply(to: &Connection, resource: &runtime::Resource, object: &Value) -> Outcome {
    let manager = Manager { name: "person", force: true };
    block_on(to.apply(resource, &Object::from_value(object)?, manager))?;
    Ok(())
}

async fn spaces() -> anyhow::Result<(space::Server, Connection, Connection)> {
    let server = space::Server::open(space::Options::in_memory()).await?;
    for name in ["wds1", "its1"] {
        server.create_space(name).await?;
    }
    let connection = |name| anyhow::Ok(Connection::over(name, server.admin_service(name)?));
    let (wds, its) = (connection("wds1")?, connection("its1")?);
    Ok((server, wds, its))
}

fn cluster(number: usize, labels: &Value) -> Value {
    json!({
        "apiVersion": "cluster.open-cluster-management.io/v1", "kind": "ManagedCluster",
        "metadata": { "name": format!("cluster{number:03}"), "labels": labels },
        "spec": { "hubAcceptsClient": true },
    })
}

fn register(wds: &Connection, its: &Connection, repository: &Path, clusters: usize) -> Outcome {
    block_on(hub::install::install_crds(wds, api::crds::Role::Wds))?;
    block_on(hub::install::install_crds(its, api::crds::Role::Its))?;
    for number in 0..clusters {
        let labels = json!({ "zone": format!("zone{:03}", number / CLUSTERS_PER_UNIT) });
        apply(its, &resources::managed_clusters(), &cluster(number, &labels))?;
    }
    let source = json!({
        "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": "main" },
        "spec": { "url": repository.to_string_lossy(), "ref": "main" },
    });
    apply(wds, &resources::git_sources(), &source)
}

fn config_map(name: &str, app: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: default, labels: {{ app: {app} }} }}\ndata: {{ key: {value} }}\n"
    )
}

fn policy(app: &str, clusters: &str) -> String {
    format!(
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: {{ name: {app} }}
spec:
  clusterSelectors: [{clusters}]
  downsync: [{{ objectSelectors: [{{ matchLabels: {{ app: {app} }} }}] }}]
"
    )
}

fn write_repository(root: &Path, units: usize) -> Outcome {
    let root = root.join("git");
    let write = |path: String, text: String| write_file(&root.join(path), text);
    for unit in 0..units {
        let app = format!("unit{unit:03}");
        for number in 0..OBJECTS_PER_UNIT {
            let name = format!("{app}-map{number:02}");
            write(format!("apps/{app}/map{number:02}.yaml"), config_map(&name, &app, "value"))?;
        }
        let clusters = format!("{{ matchLabels: {{ zone: zone{unit:03} }} }}");
        write(format!("policies/{app}.yaml"), policy(&app, &clusters))?;
    }
    write("apps/everywhere/map.yaml".to_owned(), config_map("everywhere", "everywhere", "value"))?;
    write("policies/everywhere.yaml".to_owned(), policy("everywhere", "{ }"))?;
    git(&root, &["init", "--quiet", "--initial-branch=main", "."])?;
    git(&root, &["add", "--all"])?;
    git(&root, &["commit", "--quiet", "--message", "Everything"])?;
    Ok(())
}
